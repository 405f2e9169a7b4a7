"""Linking and running one task of a guest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any, NamedTuple, NoReturn

import wasmtime
from wasmtime import _ffi as ffi

from pywasix.abi.errno import Errno
from pywasix.engine import epoch
from pywasix.engine.border import Border, Crash, Name, Rows, Wrapper, rows_of
from pywasix.engine.exports import Exports
from pywasix.engine.memory import PAGE, LinearMemory, SharedMemory, exported_memory, too_large
from pywasix.engine.module import GuestModule, MemoryImport
from pywasix.engine.stops import Stopped, hint, raise_if_stopped
from pywasix.engine.unwind import THREAD_ENTRIES, Frames, GuestCall, Unwinder
from pywasix.errors import Killed, ModuleError, ProcessExit, SysError, ThreadEnd, printable
from pywasix.kernel.memory import Share
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.task import Task
from pywasix.syscalls.context import Context

_ABORT = 6  # SIGABRT: what a trapped program ends with, as a program that called abort()
_MAX_PAGES = 65536
_MAX_TABLES = 4
_DESTRUCTOR = "_thread_local_destroy"
_DESTRUCTOR_ROUNDS = 4  # POSIX PTHREAD_DESTRUCTOR_ITERATIONS
_LOW = 0xFFFFFFFF
_EXTERN, _FUNCTION = ctypes.sizeof(ffi.wasmtime_extern_t), ffi.wasmtime_extern_t.of.offset
_MAX_DEPTH = 40  # of calls guest, host, guest, ...: a signal handler in a signal handler for each signal, and some more
_MAX_TABLE = 1 << 17  # entries of 8 bytes in the host's memory, for each thread; the largest programs have some 100,000

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
        share: what was taken of the program's memory for `shared`, when this task is to give it back.
        wrap: put around each handler, or None.
        rows: what the guest's other tasks have found to answer its imports.
    Raises: ModuleError when the module cannot be linked or needs more memory than allowed.
    Errors: NOMEM all processes of the program would have too much together.
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
        share: Share | None = None,
        rows: Rows | None = None,
    ) -> None:
        self.task = task
        self.module = module
        self._make_context = make_context
        self._max_pages = max_pages
        self._wrap = wrap
        self._store = wasmtime.Store(module.engine)
        self._store.set_limits(memory_size=max_pages * PAGE, table_elements=_MAX_TABLE, tables=_MAX_TABLES)
        if shared is None:
            _check_size(module, max_pages)
            share = _take_share(task, module, max_pages)
        self._share = share
        self._depth = 0
        self._entries: dict[str, bool] = {}
        self._closed = False
        self.exports = Exports(self._store)
        self._shared = shared
        self.memory = LinearMemory(lambda: (0, 0), id(self))
        self._imports = (ffi.wasmtime_extern_t * len(module.imports))()  # all zeros is a function
        try:
            self._link(rows)
        except BaseException:
            self._give_share_back()
            raise

    def _link(self, rows: Rows | None) -> None:
        module, task = self.module, self.task
        if module.memory is not None:
            self._import_memory(module.memory)
        self._context = self._make_context(task, self.memory, self.exports.has_function)
        self._border = Border(task, self._context, self._wrap)
        self._rows = rows_of(module) if rows is None else rows
        self._import_functions()
        self.unwinder = Unwinder(self, self._border)
        self._watched = self._connect()

    def sibling(self, task: Task) -> GuestTask:
        """The same guest for another task: an instance of its own on the same memory."""
        return self._another(task, self._shared)

    def _another(self, task: Task, shared: SharedMemory | None, share: Share | None = None) -> GuestTask:
        options: dict[str, Any] = {
            "max_pages": self._max_pages,
            "wrap": self._wrap,
            "rows": self._rows,
            "share": share,
        }
        return GuestTask(task, self.module, self._make_context, shared=shared, **options)

    def copy(self, task: Task) -> GuestTask:
        """A copy for another task: an instance of its own on a copy of the memory.

        Errors: NOMEM the host cannot give another memory, or the program may not have it.
        """
        guest: GuestTask | None = None
        share = None if self._shared is None else _take_share(task, self.module, self._max_pages)
        try:
            shared = None if self._shared is None else self._shared.copy()
            guest = self._another(task, shared, share)
            guest._instantiate()
            if shared is None:
                guest._take_memory(self)
        except (ModuleError, wasmtime.WasmtimeError, Stopped) as error:
            if guest is not None:
                guest.close()
            elif share is not None:
                share.give_back()
            raise SysError(Errno.NOMEM, f"the guest cannot be copied: {error}") from None
        return guest

    def _take_memory(self, other: GuestTask) -> None:
        """Make the exported memory what that of another instance is."""
        memory = self.exports.get("memory")
        if isinstance(memory, wasmtime.Memory):
            missing = other.memory.measured() - self.memory.measured()
            if missing > 0:
                memory.grow(self._store, missing // PAGE)
            self.memory.copy_from(other.memory)

    def belong_to(self, process: Process) -> None:
        """System calls are another process's from now on (vfork)."""
        self._context.belong_to(process)

    def can_start(self, entry: str) -> bool:
        """Whether the guest can have threads that begin with an export, which takes two i32."""
        if entry not in self._entries:
            self._entries[entry] = self._shared is not None and self.module.signature(entry) == "ii:"
        return self._entries[entry]

    def _import_functions(self) -> None:
        first: dict[Name, int] = {}
        cells = ctypes.addressof(self._imports)
        again = []
        for index, name in enumerate(self.module.imports):
            if name in first:
                again.append((index, name))
            elif name in self._rows:
                first[name] = cells + index * _EXTERN + _FUNCTION
        self._border.define(ctypes.cast(self._store._context(), ctypes.c_void_p).value or 0, self._rows, first)
        for index, name in again:
            ctypes.memmove(cells + index * _EXTERN, first[name] - _FUNCTION, _EXTERN)

    def _import_memory(self, wanted: MemoryImport) -> None:
        if self._shared is None:
            most = _most_pages(self.module, self._max_pages)
            self._shared = SharedMemory(self.module.engine, wanted.minimum, most)
        self.memory = self._shared.linear()
        self._imports[self.module.imports.index((wanted.module, wanted.name))] = self._shared.extern()

    def _connect(self) -> epoch.Watched:
        """Let the task reach the engine. `Task.stop` moves the epoch on, and every store asks then."""
        self.task.interrupt_engine = partial(epoch.interrupt, self.module.engine, self.task)
        self.task.call_guest = self._call_guest
        self.task.stack = self.unwinder
        if self.module.exports.get(epoch.STACK_POINTER) == "global":
            self.task.nudge_engine = self.module.engine.increment_epoch
        # A guest whose libc knows no signals could not but end by one that it never asked for.
        self.task.process.signals.pipes = any(each.name == "callback_signal" for each in self.module.functions)
        return epoch.Watched(self._store, self.task, self.exports, self._border)

    def run(self, entry: EntryPoint | None) -> tuple[Any, ...]:
        """Run the guest to its end; the end is stored on the process.

        Args:
            entry: what to call; None calls `_start`.
        Returns: the results of an entry point that returned.
        """

        def begin() -> tuple[Any, ...]:
            self._instantiate()
            if entry is None:
                self.unwinder.enter("_start", ())
                return ()
            if "_initialize" in self.module.exports:
                self.unwinder.enter("_initialize", ())
            return self.unwinder.enter(entry.name, entry.arguments)

        return self._run(begin, thread=False)

    def run_thread(self, entry: str, arguments: tuple[int, ...]) -> None:
        """Run a thread of the guest, beside its main one, to its end. Only exit, kill and traps end the process."""

        def begin() -> tuple[Any, ...]:
            self._instantiate()
            return self.unwinder.enter(entry, arguments)

        self._run(begin, thread=True)

    def run_copy(self, frames: Frames) -> tuple[Any, ...]:
        """Run a `copy` to its end: it is in the middle of the call that was fork."""
        thread = frames.entry.name in THREAD_ENTRIES
        return self._run(lambda: self.unwinder.re_enter(frames, 0), thread=thread)

    def _run(self, begin: Callable[[], tuple[Any, ...]], *, thread: bool) -> tuple[Any, ...]:
        process = self.task.process
        self.task.thread = get_ident()
        try:
            if self.task.stopping:
                return ()
            try:
                results = begin()
            except Stopped:
                if not self._left():
                    raise
                results = ()
            else:
                if not thread:
                    process.finish(ExitStatus())
            if thread:
                self._destroy_locals()
            return results
        except Stopped as stopped:
            # Else it was stopped for another program to run here, or with all others, who need not hear of it again.
            if process.successor is None and process.status is None:
                process.finish(self.status_of(stopped))
        except Exception as error:  # not a guest's doing, or `Stopped` would have told
            process.finish(self._status_of_crash(Crash("running the guest", error)))
        finally:
            self.task.thread = 0
        return ()

    def _left(self) -> bool:
        """Whether the guest was stopped because its thread asked to leave."""
        return isinstance(self.task.unwind, ThreadEnd) and not self.task.stopping

    def _destroy_locals(self) -> None:
        """Hand the values of thread-local keys to the guest's destructor, which may set some again (POSIX)."""
        locals_ = self.task.locals
        for _ in range(_DESTRUCTOR_ROUNDS):
            if not locals_ or self.exports.signature(_DESTRUCTOR) != "iiii:":
                return
            for key in list(locals_):
                value, data = locals_.pop(key), self.task.process.local_keys.user_data(key)
                if value and data is not None:
                    words = (data & _LOW, data >> 32, value & _LOW, value >> 32)
                    self.exports.call(_DESTRUCTOR, words)

    def status_of(self, stopped: Stopped) -> ExitStatus:
        """What made the engine return early: our own doing, a mistake of ours, or a trap of the guest."""
        unwind, crash = self.task.unwind, self._border.crash
        if isinstance(unwind, ProcessExit):
            return ExitStatus(code=unwind.code)
        if isinstance(unwind, Killed):
            return ExitStatus(signal=unwind.signal)
        if isinstance(unwind, ThreadEnd) or (self.task.stopping and crash is None):
            return ExitStatus()  # the process has its status already
        if crash is not None:
            return self._status_of_crash(crash)
        return ExitStatus(signal=_ABORT, reason=stopped.text + hint(self.task.process.missing))

    def _status_of_crash(self, crash: Crash) -> ExitStatus:
        self.task.process.crash = crash
        return ExitStatus(signal=_ABORT, reason=f"{crash}; this is a mistake in pywasix, please report it")

    def _instantiate(self) -> None:
        instance = ffi.wasmtime_instance_t()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_instance_new(
            self._store._context(),
            self.module.compiled.ptr(),
            self._imports,
            len(self._imports),
            ctypes.byref(instance),
            ctypes.byref(trap),
        )
        raise_if_stopped(error, trap)
        self.exports.fill(wasmtime.Instance._from_raw(instance))
        memory = self.exports.get("memory")
        if self._shared is None and isinstance(memory, wasmtime.Memory):
            self.memory = exported_memory(self._store, memory)
            self._context.memory = self.memory

    def _call_guest(self, name: str, arguments: tuple[int, ...]) -> None:
        """Call an export from inside a system call. What unwinds it keeps unwinding."""
        if self.exports.signature(name) != "i" * len(arguments) + ":":
            self._end_in_call(f"{printable(name)} is called with {len(arguments)} i32 and has another type")
        if self._depth == _MAX_DEPTH:
            self._end_in_call(f"{_MAX_DEPTH} calls of the guest by the host are nested")
        self._depth += 1
        try:
            call = GuestCall(name, arguments, self._signal_of(name, arguments))
            self.unwinder.nested(call, lambda: self.guarded(lambda: self.exports.call(name, arguments)))
        finally:
            self._depth -= 1

    def _signal_of(self, name: str, arguments: tuple[int, ...]) -> int:
        """Which signal a call of the guest handles; 0 for another call."""
        handled = arguments[0] if len(arguments) == 1 and name == self.task.process.signals.handler else 0
        return handled if handled in self.task.signals.running else 0

    def guarded(self, call: Callable[[], object]) -> None:
        """Call the guest from inside a system call: raises Unwind for what makes the engine come back early."""
        try:
            call()
        except Stopped as stopped:
            if self.task.unwind is not None:
                raise self.task.unwind from None
            if self.task.stopping:
                raise ThreadEnd from None
            self.task.process.finish(self.status_of(stopped))
            raise ThreadEnd from None

    def _end_in_call(self, reason: str) -> NoReturn:
        """The guest cannot be called as it wants to be, and cannot be told."""
        self.task.process.finish(ExitStatus(signal=_ABORT, reason=reason))
        raise ThreadEnd

    def close(self) -> None:
        """Give the store back. No view of the memory is left behind. Harmless when done before."""
        if self._closed:
            return
        self._closed = True
        self._watched.forget()
        self.task.disconnect()
        self.memory.forget()
        self.exports.clear()
        self._store.close()
        self._give_share_back()
        self._border.forget()
        del self.unwinder  # they refer to each other, which would keep the module until Python looks for such cycles

    def _give_share_back(self) -> None:
        if self._share is not None:
            self._share.give_back()


def _check_size(module: GuestModule, max_pages: int) -> None:
    """Look whether a memory can be as the module wants it from the start."""
    imported = module.memory
    if imported is not None and not imported.shared:
        raise ModuleError(f"{module.name} imports an unshared memory; export it instead, or build for wasm32-wasix")
    least = module.memory_limits[0]
    if least > max_pages:
        raise ModuleError(f"{module.name} {too_large(least, max_pages)}")


def _most_pages(module: GuestModule, max_pages: int) -> int:
    """What the memory of a module may grow to."""
    most = module.memory_limits[1]
    return max_pages if most is None else min(most, max_pages)


def _take_share(task: Task, module: GuestModule, max_pages: int) -> Share:
    return task.process.kernel.memory.take(_most_pages(module, max_pages) * PAGE)
