"""The border between guest and host: one raw engine callback for each imported function.

A host function that is defined through the engine package's own `Linker.define_func` makes Python
objects for the caller, each value and the result, on every call. So the border is raw: a ctypes
callback that gets bare addresses, made for the function's signature from a few lines of generated
source, as attrs and dataclasses do it. It reads the arguments with one `Struct.unpack_from` out of a
view of the whole address space, calls the handler, stores the errno.

No exception may pass through the engine. `SysError` becomes the errno; `Unwind` is stored on the
task and traps; anything else is a mistake of ours, stored with its traceback, and traps too.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, Protocol

from pywasix.abi.cells import raw_values
from pywasix.abi.errno import Errno
from pywasix.engine import native
from pywasix.engine.module import FunctionImport, GuestModule
from pywasix.errors import ModuleError, ProcessExit, StackUnwinding, SysError, Unwind, printable
from pywasix.kernel.task import Task
from pywasix.syscalls import table
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import Row

# User addresses of 64-bit systems end here. Only the engine's own argument blocks are read through this.
_ADDRESS_SPACE = memoryview((ctypes.c_ubyte * (1 << 47)).from_address(0)).cast("B")
_CELLS = _ADDRESS_SPACE.cast("Q")
_UNWOUND = b"unwound by the host"
_UNSIGNED = {"i": "I", "I": "Q", "f": "f", "F": "d"}

_WORD = 0xFFFFFFFF

Handler = Callable[..., int | None]
Name = tuple[str, str]
"""An import: its module and its name."""
Rows = dict[Name, tuple[FunctionImport, Row]]
"""What answers each import of a module."""


class Wrapper(Protocol):
    """Puts something around each handler when the callbacks are built: the tracer."""

    def __call__(self, row: Row, handler: Handler) -> Handler: ...


class Crash(Exception):
    """A handler failed in a way that is no errno: a mistake in pywasix."""

    def __init__(self, name: str, cause: BaseException) -> None:
        super().__init__(f"{name} failed: {cause!r}")
        self.cause = cause

    @property
    def traceback(self) -> TracebackType | None:
        """Where it happened."""
        return self.cause.__traceback__


class Border:
    """The callbacks of one task. They live as long as its store may call them."""

    def __init__(self, task: Task, context: Context, wrap: Wrapper | None = None) -> None:
        self._task = task
        self._context = context
        self._wrap = wrap
        self._callbacks: list[object] = []
        self._handlers: dict[Name, tuple[Handler, Callable[[Handler], None]]] = {}
        self.crash: Crash | None = None

    def define(self, store: int, rows: Rows, places: Mapping[Name, int]) -> None:
        """Make every imported function in a store, and put each where it is wanted (the address of a cell for it)."""
        for name, (each, row) in rows.items():
            callback = native.Callback(self._callback(each, row))
            self._callbacks.append(callback)
            native.new_function(store, each.type.ptr(), callback, None, None, places[name])

    def forget(self) -> None:
        """The store is closed: nothing calls back any more.

        Callbacks and border refer to each other; without this the module, and the descriptor that
        the engine keeps for it, would live until Python looks for such cycles.
        """
        self._callbacks.clear()
        self._handlers.clear()

    def replace(self, name: Name, make: Callable[[Handler], Handler]) -> Callable[[], None]:
        """Let something else answer a call, made of what answers it now; returns what puts that back.

        The callback is as it was: a call costs the same while nothing is replaced, and after.
        """
        handler, put = self._handlers[name]
        put(make(handler))
        return lambda: put(handler)

    def _callback(self, function: FunctionImport, row: Row) -> Callable[[int, int, int, int], int]:
        handler, masks, unpack, make = _answer(row, row.handler, function.wasm)
        if self._wrap is not None:
            # What is refused for its flags is a call too: the check goes inside what is wrapped.
            handler, masks = self._wrap(row, _checked(handler, masks)), (None,) * len(masks)
            make = _factory(masks, function.wasm.endswith(":i"), _gives_number(row))
        name = function.module, function.name
        callback: Callable[[int, int, int, int], int]
        callback, put = make(handler, self._context, self._task, unpack, self._failed(row, name))
        self._handlers[name] = handler, put
        return callback

    def unwound(self, error: BaseException, name: str) -> None:
        """Keep why the guest's stack is taken down: its own unwinding, or a mistake of ours in `name`."""
        if isinstance(error, Unwind):
            # Its frames, and those of the error it was raised in place of, would keep the guest alive.
            error.__traceback__ = error.__context__ = None
            self._task.unwind = error
        elif self._task.unwind is None:
            self.crash = self.crash or Crash(name, error)

    def _failed(self, row: Row, imported: Name) -> Callable[[BaseException, int], int]:
        task = self._task
        name = row.name
        negative = _gives_number(row)

        def failed(error: BaseException, cell: int) -> int:
            # What passes through the callback itself leaves the engine with any number for the address of a trap.
            try:
                if isinstance(error, SysError):
                    if cell:
                        _CELLS[cell >> 3] = -error.errno & _WORD if negative else error.errno
                    if not task.attention:
                        return 0
                    try:
                        _attend(task, error)  # a guest whose every call fails hears of its signals too
                        return 0
                    except BaseException as unwinding:
                        error = unwinding
                if isinstance(error, StackUnwinding):
                    if error.nested:
                        task.stack.passed(imported, error.outcome)
                    return 0
            except BaseException as other:
                error = other
            self.unwound(error, name)
            trap: int = native.new_trap(_UNWOUND, len(_UNWOUND))
            return trap

        return failed


@lru_cache(1024)  # a thread begins with the callbacks that the others have; a hostile module has odd ones
def _answer(
    row: Row, own: Handler | None, wasm: str
) -> tuple[Handler, tuple[int | None, ...], Callable[..., Any], Callable[..., Any]]:
    """What answers a row that is imported with a type: handler, flag masks, reader of arguments, maker of callbacks.

    Args:
        own: the row's own handler.
    """
    if own is not None and row.wasm == wasm:
        handler = own
        codes = "".join(_code(each.wasm, each.signed) for each in row.params)
        masks = tuple(each.mask for each in row.params)
    else:
        handler = _unsupported(row, tells=wasm.endswith(":i"))
        codes = "".join(_UNSIGNED.get(code, "Q") for code in wasm.partition(":")[0])
        masks = (None,) * len(codes)
    return handler, masks, raw_values(codes).unpack_from, _factory(masks, wasm.endswith(":i"), _gives_number(row))


def rows_of(module: GuestModule) -> Rows:
    """The functions that a module imports, and what answers them.

    Raises: ModuleError that names what the ABI does not know.
    """
    unknown, mistyped = [], []
    found: Rows = {}
    for each in module.functions:
        if (each.module, each.name) in found:
            continue  # importing a function twice is legal
        row = table.find(each.module, each.name, each.wasm)
        name = printable(f"{each.module}.{each.name}")
        if row is None:
            unknown.append(name)
        elif not _callable(each.wasm):
            mistyped.append(name)
        else:
            found[each.module, each.name] = each, row
    if mistyped:
        raise ModuleError(
            f"{module.name} imports {', '.join(mistyped)} with types that WASIX never had; "
            "build it with the header that `pywasix abi --header` prints"
        )
    if unknown:
        raise ModuleError(
            f"{module.name} imports what WASIX does not know: {', '.join(unknown)}; "
            "build it for wasm32-wasix or wasm32-wasip1, without other host libraries"
        )
    return found


def _code(wasm: str, signed: bool) -> str:
    code = "Q" if wasm == "i64" else "I"
    return code.lower() if signed else code


def _gives_number(row: Row) -> bool:
    """Whether the call's result is a number, and an errno only when negative."""
    return row.result == "tid"


def _callable(wasm: str) -> bool:
    """Whether a function of this type may be answered at all: at most one i32 comes out.

    The engine takes what a raw callback leaves in the result cells for values of the declared types: a result
    that is a reference would be a pointer of the guest's choice.
    """
    return wasm.partition(":")[2] in ("", "i")


def _unsupported(row: Row, *, tells: bool) -> Handler:
    """The handler of a row without one: NOSYS, or the end of a process that cannot be told (`tells`)."""
    if not tells:

        def leave(ctx: Context, *_: int) -> None:
            ctx.task.process.complain(f"the guest called {row.name}: {row.note}")
            raise ProcessExit(Errno.NOSYS)

        return leave

    def answer(ctx: Context, *_: int) -> None:
        ctx.process.missing[row.name] = None
        raise SysError(Errno.NOSYS, row.note)

    return answer


def _checked(handler: Handler, masks: tuple[int | None, ...]) -> Handler:
    """The handler behind the check of flag bits that `_factory` writes out."""

    def check(ctx: Context, *values: int) -> int | None:
        for value, mask in zip(values, masks, strict=True):
            if mask is not None and value & ~mask:
                _unknown_flags(value, mask)
        return handler(ctx, *values)

    return check


@cache
def _factory(masks: tuple[int | None, ...], has_result: bool, gives_number: bool) -> Callable[..., Any]:
    """Generate the maker of callbacks for one signature.

    The generated function is what runs for every system call of every guest, so it holds nothing
    but: read the arguments, refuse unknown flag bits, call, look for a signal, store success.
    """
    names = [f"a{index}" for index in range(len(masks))]
    lines = ["def make(handler, ctx, task, unpack, failed):", "    def call(_env, _caller, cell, _count):"]
    lines.append("        try:")
    if names:
        lines.append(f"            {', '.join(names)}, = unpack(ADDRESS_SPACE, cell)")
    for name, mask in zip(names, masks, strict=True):
        if mask is not None:
            # Bits without a gap are compared as a number: what is small costs Python less than a wide mask.
            unknown = f"{name} & {~mask & 0xFFFFFFFFFFFFFFFF}" if mask & (mask + 1) else f"{name} > {mask}"
            lines.append(f"            if {unknown}: unknown_flags({name}, {mask})")
    lines += [
        f"            {'number = ' if gives_number else ''}handler({', '.join(['ctx', *names])})",
        f"            if task.attention: attend(task, {'number' if gives_number else '0'})",
        *([f"            CELLS[cell >> 3] = {'number' if gives_number else '0'}"] if has_result else []),
        "            return 0",
        "        except BaseException as error:",
        f"            return failed(error, {'cell' if has_result else '0'})",
        "    def put(other):",
        "        nonlocal handler",
        "        handler = other",
        "    return call, put",
    ]
    scope: dict[str, Any] = {
        "ADDRESS_SPACE": _ADDRESS_SPACE,
        "CELLS": _CELLS,
        "unknown_flags": _unknown_flags,
        "attend": _attend,
    }
    exec("\n".join(lines), scope)  # the source is made of the lines above and of numbers
    made: Callable[..., Any] = scope["make"]
    return made


def _attend(task: Task, outcome: int | SysError) -> None:
    """Run signal handlers after a call. Frames that are saved meanwhile come back to the call's outcome."""
    try:
        task.attend()
    except StackUnwinding as unwinding:
        unwinding.outcome = outcome
        raise


def _unknown_flags(value: int, mask: int) -> None:
    raise SysError(Errno.INVAL, f"unknown flags {value & ~mask:#x}")
