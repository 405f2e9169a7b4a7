"""Tracing: one line for each system call, with its arguments decoded, as strace prints them.

    [pid 1] sock_accept_v2(sock=3, fd_flags=0, ro_fd=>4, ro_addr=>127.0.0.1:51234) = SUCCESS

What is shown comes from the row's parameters alone. Inputs are decoded before the call, since the call may
change the memory that they stand in; results after it, and only when it succeeded. The tracer is put around
handlers when the callbacks are built, so that a program which is not traced pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pywasix.abi.codecs import iter_iovecs
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import U8, Char, PointerSize, Size
from pywasix.errors import StackUnwinding, SysError, Unwind
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import Param, Row
from pywasix.syscalls.trace_values import (
    MAX_BYTES,
    MAX_ITEMS,
    MAX_TEXT,
    listed,
    pointee_text,
    quoted,
    scalar_text,
)

Handler = Callable[..., Any]
Show = Callable[[], str]

_BYTES = (U8, Char)
_IOVEC_SIZE = Iovec.SIZE


class Tracer:
    """Prints the calls of any number of tasks.

    Args:
        write: gets each line, with its newline, in one call; from several threads at once. A trace that
            cannot be written (a full disk, a closed pipe) ends, the guest goes on.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._broken = False

    def __call__(self, row: Row, handler: Handler) -> Handler:
        """The shape of `engine.border.Wrapper`."""
        return self.wrap(row, handler)

    def wrap(self, row: Row, handler: Handler) -> Handler:
        """Return a handler that does the same and prints a line when it is over, however it ends."""

        def traced(ctx: Context, *args: Any) -> Any:
            call = _Call(ctx, row, args)
            try:
                result = handler(ctx, *args)
            except SysError as error:
                self._print(call, f"{error.errno.name}{f' ({error.text})' if error.text else ''}")
                raise
            except StackUnwinding:
                raise  # the guest comes back into this call, and then there is something to tell
            except Unwind:
                self._print(call, "?")
                raise
            except BaseException as error:
                self._print(call, f"? ({error!r})")
                raise
            self._print(call, _success(row, result), done=True)
            return result

        return traced

    def _print(self, call: _Call, outcome: str, *, done: bool = False) -> None:
        if self._broken:
            return
        try:
            # Texts of errors may quote the guest: one call, one line.
            line = f"{call.text(done=done)} = {outcome}".replace("\n", "\\n").replace("\r", "\\r")
            self._write(f"{line}\n")
        except Exception:  # whatever the embedder's callable raises must not look like a failed call
            self._broken = True


def _success(row: Row, result: Any) -> str:
    if row.result == "errno":
        return "SUCCESS"
    return "void" if result is None else str(result)


class _Call:
    """One call: its inputs as they were before it, and how to show its results after it."""

    def __init__(self, ctx: Context, row: Row, args: tuple[Any, ...]) -> None:
        self._ctx = ctx
        self._name = row.name
        self._params = row.params
        self._args = args
        self._inputs: dict[str, str] = {}
        self._hidden: set[str] = set()  # lengths that their buffer shows
        self._decoded = len(args) == len(row.params)  # else the import has another type than the row
        if self._decoded:
            self._values = {param.name: value for param, value in zip(row.params, args, strict=True)}
            for param in row.params:
                self._inputs[param.name] = self._input(param)

    def text(self, *, done: bool) -> str:
        """The line up to the equals sign; with results when the call is `done`."""
        task = self._ctx.task
        pid, tid = task.process.pid, task.tid
        who = f"[pid {pid}]" if pid == tid else f"[pid {pid}:{tid}]"
        return f"{who} {self._name}({', '.join(self._shown(done))})"

    def _shown(self, done: bool) -> Iterable[str]:
        if not self._decoded:
            return [_raw(value) for value in self._args]
        results = {param.name: self._result(param) if done else "" for param in self._params}
        return [
            f"{param.name}{results[param.name] or self._inputs[param.name]}"
            for param in self._params
            if param.name not in self._hidden
        ]

    def _input(self, param: Param) -> str:
        """``=value`` of one parameter before the call; a bad pointer is shown as a number."""
        value = self._values[param.name]
        if param.kind == "value":
            return "=" + self._try(lambda: scalar_text(param.type, value, self._ctx.generation), value)
        if param.kind == "out":
            return "=" + _raw(value)
        return "=" + self._try(lambda: self._pointed_to(param, value), value)

    def _pointed_to(self, param: Param, pointer: int) -> str:
        memory = self._ctx.memory
        count = self._length(param)
        if param.type in (Iovec, Ciovec) and count is not None:
            return self._hide(count, lambda: self._iovecs(pointer, self._values[count.name], param.type is Ciovec))
        if count is None:
            return pointee_text(param.type, memory, pointer, self._ctx.generation)
        number = self._values[count.name]
        if param.type == Char:
            return self._hide(count, lambda: self._text(pointer, number, MAX_TEXT))
        if param.type == U8:
            return self._text(pointer, number, MAX_BYTES)
        return self._hide(count, lambda: self._array(param, pointer, number))

    def _hide(self, count: Param, show: Show) -> str:
        shown = show()
        self._hidden.add(count.name)
        return shown

    def _result(self, param: Param) -> str:
        """What a successful call has stored, or "" for what is shown already."""
        pointer = self._values[param.name]
        if param.kind == "in":
            return self._received(param, pointer) if param.type is Iovec else ""
        if param.kind == "value":
            return ""
        before = self._inputs[param.name] if param.kind == "inout" else ""
        return f"{before}=>" + self._try(lambda: self._stored(param, pointer), pointer)

    def _stored(self, param: Param, pointer: int) -> str:
        memory, generation = self._ctx.memory, self._ctx.generation
        length = self._length(param)
        if param.type in _BYTES and length is None:
            return _raw(pointer)  # the size of the buffer is known to another call
        if length is None:
            return pointee_text(param.type, memory, pointer, generation)
        count = self._stored_count(param)
        room = self._values[length.name] if length.kind == "value" else None
        number = min(each for each in (room, count) if each is not None)
        return self._text(pointer, number, MAX_BYTES) if param.type in _BYTES else self._array(param, pointer, number)

    def _received(self, param: Param, pointer: int) -> str:
        """The data that a receive has put into its buffers."""
        length = self._length(param)
        if length is None:
            return ""
        total = self._values[length.name]
        return "=" + self._try(lambda: self._iovecs(pointer, total, True, self._stored_count(param)), pointer)

    def _stored_count(self, param: Param) -> int | None:
        """What the call says that it stored: its first count result after a parameter."""
        after = self._params[self._params.index(param) + 1 :]
        counts = (each for each in after if each.kind in ("out", "inout") and _is_count(each))
        found = next(counts, None)
        return None if found is None else self._ctx.memory.load_u32(self._values[found.name])

    def _length(self, param: Param) -> Param | None:
        """The parameter that tells how many elements (or bytes) an address points to."""
        names = {each.name: each for each in self._params}
        if param.name + "_len" in names:
            return names[param.name + "_len"]
        if param.type in (U8, Char, Iovec, Ciovec) or param.size < 2:
            return None
        after = self._params[self._params.index(param) + 1 :]
        counts = (each for each in after if each.name.startswith(("n", "max")) and _is_count(each))
        return next(counts, None)

    def _iovecs(self, pointer: int, total: int, data: bool, limit: int | None = None) -> str:
        """Each buffer as its length, with its first bytes; at most `limit` bytes of them all are data."""
        raw = self._ctx.memory.read(pointer, _IOVEC_SIZE * min(total, MAX_ITEMS))
        shown = []
        for start, size in iter_iovecs(raw):
            filled = size if limit is None else min(size, limit)
            limit = None if limit is None else limit - filled
            shown.append(f"{size}:{self._buffer(start, filled)}" if data else str(size))
        return listed(shown, total)

    def _buffer(self, start: int, size: int) -> str:
        return self._try(lambda: self._text(start, size, MAX_BYTES), start)

    def _text(self, pointer: int, size: int, limit: int) -> str:
        return quoted(self._ctx.memory.read(pointer, min(size, limit + 1)), limit)

    def _array(self, param: Param, pointer: int, count: int) -> str:
        places = range(pointer, pointer + param.size * min(count, MAX_ITEMS), param.size)
        memory, generation = self._ctx.memory, self._ctx.generation
        return listed([pointee_text(param.type, memory, place, generation) for place in places], count)

    @staticmethod
    def _try(show: Show, value: Any) -> str:
        """Decode, or fall back to the bare number: the guest chose what is decoded."""
        try:
            return show()
        except Exception:
            return _raw(value)


def _is_count(param: Param) -> bool:
    """Whether a parameter counts what another one points to; the ABI tells it by type and name only."""
    name = param.name
    return param.type in (Size, PointerSize) and (
        name.startswith(("n", "max")) or name.endswith(("len", "used")) or "_n" in name
    )


def _raw(value: Any) -> str:
    return hex(value) if isinstance(value, int) and value >= 0 else str(value)
