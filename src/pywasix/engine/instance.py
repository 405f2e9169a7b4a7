"""Linking and running one task of a guest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import get_ident
from typing import Any, NamedTuple, NoReturn

import wasmtime
from wasmtime import _ffi as ffi

from pywasix.engine import epoch
from pywasix.engine.border import Border, Crash, Wrapper
from pywasix.engine.memory import PAGE, LinearMemory, SharedMemory, exported_memory, too_large
from pywasix.engine.module import GuestModule, type_code
from pywasix.errors import Killed, ModuleError, ProcessExit, ThreadEnd, printable
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.task import Task
from pywasix.syscalls.context import Context

_ABORT = 6  # SIGABRT: what a trapped program ends with, as a program that called abort()
_MAX_PAGES = 65536
_MAX_TABLES = 4
_DESTRUCTOR = "_thread_local_destroy"
_DESTRUCTOR_ROUNDS = 4  # POSIX PTHREAD_DESTRUCTOR_ITERATIONS
_LOW = 0xFFFFFFFF
_MAX_DEPTH = 40  # of calls guest, host, guest, ...: a signal handler in a signal handler for each signal, and some more
_MAX_TABLE = 1 << 20  # entries of 8 bytes in the host's memory; the largest programs have some 100,000

MakeContext = Callable[[Task, LinearMemory, Callable[[str], bool]], Context]


class EntryPoint(NamedTuple):
    """What to call: an export and its arguments, after `_initialize` for a reactor."""

    name: str
    arguments: tuple[int | float, ...] = ()


class GuestTask:
    """One task of a guest on the engine: a store and an instance.

    Args:
        max_pages: the most memory it may use, in pages of 64 KiB.
        shared: the memory of the guest's other tasks; None makes one if the module imports it.
        wrap: put around each handler, or None.
    Raises: ModuleError when the module cannot be linked or needs more memory than allowed.
    """

    def __init__(
        self,
        task: Task,
        module: GuestModule,
        make_context: MakeContext,
        *,
        max_pages: int = _MAX_PAGES,
        wrap: Wrapper | None = None,
        shared: SharedMemory | None = None,
    ) -> None:
        self._task = task
        self._module = module
        self._make_context = make_context
        self._max_pages = max_pages
        self._wrap = wrap
        self._store = wasmtime.Store(module.engine)
        self._store.set_limits(memory_size=max_pages * PAGE, table_elements=_MAX_TABLE, tables=_MAX_TABLES)
        _check_size(module, max_pages)
        self._depth = 0
        exports: dict[str, Any] = {}
        self._exports = exports
        self._shared = shared
        self._memory = LinearMemory(lambda: (0, 0), id(self))
        linker = wasmtime.Linker(module.engine)
        if module.memory is not None:
            self._import_memory(linker, max_pages)
        self._context = make_context(task, self._memory, lambda name: isinstance(exports.get(name), wasmtime.Func))
        self._border = Border(task, self._context, wrap)
        self._border.define(linker, module.functions, module.name)
        self._linker = linker
        self._watched = self._connect()

    def sibling(self, task: Task) -> GuestTask:
        """The same guest for another task: an instance of its own on the same memory."""
        return GuestTask(
            task, self._module, self._make_context, max_pages=self._max_pages, wrap=self._wrap, shared=self._shared
        )

    def can_start(self, entry: str) -> bool:
        """Whether the guest can have threads that begin with an export."""
        return self._shared is not None and self._module.exports.get(entry) == "function"

    def _import_memory(self, linker: wasmtime.Linker, max_pages: int) -> None:
        wanted = self._module.memory
        assert wanted is not None
        maximum = min(max_pages, _MAX_PAGES if wanted.maximum is None else wanted.maximum)
        if not wanted.shared:
            raise ModuleError(
                f"{self._module.name} imports an unshared memory; export it instead, or build for wasm32-wasix"
            )
        if self._shared is None:
            self._shared = SharedMemory(self._module.engine, wanted.minimum, maximum)
        self._memory = self._shared.linear()
        module, name = wanted.module.encode(), wanted.name.encode()
        error: Any = ffi.wasmtime_linker_define(
            linker.ptr(),
            self._store._context(),
            ctypes.create_string_buffer(module),
            len(module),
            ctypes.create_string_buffer(name),
            len(name),
            ctypes.byref(self._shared.extern()),
        )
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)

    def _connect(self) -> epoch.Watched:
        """Let the task reach the engine. `Task.stop` moves the epoch on, and every store asks then."""
        self._task.interrupt_engine = partial(epoch.interrupt, self._module.engine, self._task)
        self._task.call_guest = self._call_guest
        if self._module.exports.get(epoch.STACK_POINTER) == "global":
            self._task.nudge_engine = self._module.engine.increment_epoch
        # A guest whose libc knows no signals could not but end by one that it never asked for.
        self._task.process.signals.pipes = any(each.name == "callback_signal" for each in self._module.functions)
        return epoch.Watched(self._store, self._task, self._exports, self._border)

    def run(self, entry: EntryPoint | None) -> tuple[Any, ...]:
        """Run the guest to its end; the end is stored on the process.

        Args:
            entry: what to call; None calls `_start`.
        Returns: the results of an entry point that returned.
        """
        self._task.thread = get_ident()
        if self._task.stopping:
            return ()
        try:
            return self._run(entry)
        except Exception as error:  # not a guest's doing, or `_Stopped` would have told
            self._task.process.finish(self._status_of_crash(Crash("running the guest", error)))
            return ()

    def _run(self, entry: EntryPoint | None) -> tuple[Any, ...]:
        process = self._task.process
        try:
            self._instantiate()
            if entry is None:
                self._call("_start", ())
                results: tuple[Any, ...] = ()
            else:
                if "_initialize" in self._module.exports:
                    self._call("_initialize", ())
                results = self._call(entry.name, entry.arguments)
        except _Stopped as stopped:
            if not self._left():
                process.finish(self._status_of(stopped))
            return ()
        process.finish(ExitStatus())
        return results

    def run_thread(self, entry: str, arguments: tuple[int, ...]) -> None:
        """Run a thread of the guest, beside its main one, to its end. Only exit, kill and traps end the process."""
        self._task.thread = get_ident()
        if self._task.stopping:
            return
        try:
            try:
                self._instantiate()
                self._call(entry, arguments)
            except _Stopped:
                if not self._left():
                    raise
            self._destroy_locals()
        except _Stopped as stopped:
            self._task.process.finish(self._status_of(stopped))
        except Exception as error:  # as in `run`
            self._task.process.finish(self._status_of_crash(Crash("running a thread of the guest", error)))

    def _left(self) -> bool:
        """Whether the guest was stopped because its thread asked to leave."""
        return isinstance(self._task.unwind, ThreadEnd) and not self._task.stopping

    def _destroy_locals(self) -> None:
        """Hand the values of thread-local keys to the guest's destructor, which may set some again (POSIX)."""
        locals_ = self._task.locals
        for _ in range(_DESTRUCTOR_ROUNDS):
            if not locals_ or self._module.signature(_DESTRUCTOR) != "iiii:":
                return
            for key in list(locals_):
                value, data = locals_.pop(key), self._task.process.local_keys.user_data(key)
                if value and data is not None:
                    words = (data & _LOW, data >> 32, value & _LOW, value >> 32)
                    self._call(_DESTRUCTOR, words)

    def _status_of(self, stopped: _Stopped) -> ExitStatus:
        """What made the engine return early: our own doing, a mistake of ours, or a trap of the guest."""
        unwind, crash = self._task.unwind, self._border.crash
        if isinstance(unwind, ProcessExit):
            return ExitStatus(code=unwind.code)
        if isinstance(unwind, Killed):
            return ExitStatus(signal=unwind.signal)
        if isinstance(unwind, ThreadEnd) or (self._task.stopping and crash is None):
            return ExitStatus()  # the process has its status already
        if crash is not None:
            return self._status_of_crash(crash)
        return ExitStatus(signal=_ABORT, reason=stopped.text + _hint(self._task.process.missing))

    def _status_of_crash(self, crash: Crash) -> ExitStatus:
        self._task.process.crash = crash
        return ExitStatus(signal=_ABORT, reason=f"{crash}; this is a mistake in pywasix, please report it")

    def _instantiate(self) -> None:
        instance = ffi.wasmtime_instance_t()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_linker_instantiate(
            self._linker.ptr(),
            self._store._context(),
            self._module.compiled.ptr(),
            ctypes.byref(instance),
            ctypes.byref(trap),
        )
        _raise_if_stopped(error, trap)
        exports = wasmtime.Instance._from_raw(instance).exports(self._store)
        self._exports.update({name: exports[name] for name in exports})
        memory = self._exports.get("memory")
        if self._shared is None and isinstance(memory, wasmtime.Memory):
            self._memory = exported_memory(self._store, memory)
            self._context.memory = self._memory

    def _call(self, name: str, arguments: Sequence[int | float]) -> tuple[Any, ...]:
        """Call an export. The package's own way would raise a process-wide last exception; this one does not."""
        function: wasmtime.Func = self._exports[name]
        kind = function.type(self._store)
        params = (ffi.wasmtime_val_t * len(kind.params))()
        for index, (wanted, value) in enumerate(zip(kind.params, arguments, strict=True)):
            params[index] = wasmtime.Val._convert_to_raw(self._store, wanted, value)
        results = (ffi.wasmtime_val_t * len(kind.results))()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._store._context(),
            ctypes.byref(function._func),
            params,
            len(params),
            results,
            len(results),
            ctypes.byref(trap),
        )
        _raise_if_stopped(error, trap)
        return tuple(wasmtime.Val._from_raw(self._store, each).value for each in results)

    def _call_guest(self, name: str, arguments: tuple[int, ...]) -> None:
        """Call an export from inside a system call. What unwinds it keeps unwinding."""
        kind = self._exports[name].type(self._store)
        if type_code(kind) != "i" * len(arguments) + ":":
            self._end_in_call(f"{printable(name)} is called with {len(arguments)} i32 and has another type")
        if self._depth == _MAX_DEPTH:
            self._end_in_call(f"{_MAX_DEPTH} calls of the guest by the host are nested")
        self._depth += 1
        try:
            self._call(name, arguments)
        except _Stopped as stopped:
            if self._task.unwind is not None:
                raise self._task.unwind from None
            if self._task.stopping:
                raise ThreadEnd from None
            self._task.process.finish(self._status_of(stopped))
            raise ThreadEnd from None
        finally:
            self._depth -= 1

    def _end_in_call(self, reason: str) -> NoReturn:
        """The guest cannot be called as it wants to be, and cannot be told."""
        self._task.process.finish(ExitStatus(signal=_ABORT, reason=reason))
        raise ThreadEnd

    def close(self) -> None:
        """Give the store back. No view of the memory is left behind."""
        self._watched.forget()
        self._task.disconnect()
        self._memory.forget()
        self._exports.clear()
        self._linker.close()
        self._store.close()
        self._border.forget()


class _Stopped(Exception):
    """The engine came back early; the text is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _check_size(module: GuestModule, max_pages: int) -> None:
    """A memory of its own that is too large from the start gets the same words as an imported one."""
    for each in module.compiled.exports:
        if isinstance(each.type, wasmtime.MemoryType) and each.type.limits.min > max_pages:
            raise ModuleError(f"{module.name} {too_large(each.type.limits.min, max_pages)}")


def _raise_if_stopped(error: Any, trap: Any) -> None:
    if error:
        raise _Stopped(str(wasmtime.WasmtimeError._from_ptr(error)))
    if trap:
        raise _Stopped(_backtrace(wasmtime.Trap._from_ptr(trap)))


def _hint(missing: Iterable[str]) -> str:
    """Programs trap when a call that they rely on is not there; libc does not say which."""
    names = ", ".join(missing)
    return f"\nit had called {names}, which pywasix does not support yet (see pywasix inspect)" if names else ""


def _backtrace(trap: wasmtime.Trap) -> str:
    """The trap's reason and the guest's stack, innermost frame first."""
    lines = [trap.message.splitlines()[0]]
    code = trap.trap_code
    if code is not None:
        lines = [f"wasm trap: {code.name.lower().replace('_', ' ')}"]
    for index, frame in enumerate(trap.frames):
        name = printable(frame.func_name or "") or f"<function {frame.func_index}>"
        lines.append(f"  {index:3}: {name} at offset {frame.module_offset:#x}")
    return "\n".join(lines)
