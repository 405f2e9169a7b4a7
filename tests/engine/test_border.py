"""The border: raw argument words in, an errno or the end of the program out. Nothing else passes."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import wasmtime
from wasmtime import _ffi as ffi

import pywasix
from contract.guest_process import Caller, GuestProcess
from contract.wat import module, program
from pywasix.abi.enums import FdFlags, Whence
from pywasix.abi.errno import Errno
from pywasix.abi.scalars import Code, Fd, FileDelta, Flags, Size, Timestamp
from pywasix.engine.border import Border, Crash, rows_of
from pywasix.engine.module import NUMBERS, FunctionImport, load, shared_engine
from pywasix.errors import Killed, ModuleError, ProcessExit, SysError, ThreadEnd, Unwind, WouldBlock
from pywasix.syscalls import table
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import PREVIEW1_ONLY, Row, row_of, syscall
from support import PATIENCE, guest

ANY = wasmtime.FuncType([], [])


class Callbacks:
    """Callbacks of handlers that exist for a test, called as the engine calls them."""

    def __init__(self, caller: Caller, wrap: Any = None) -> None:
        self.border = Border(caller.task, caller.context, wrap)

    def of(self, handler: Callable[..., None], wasm: str | None = None) -> Callable[..., int | None]:
        """A function of raw words that returns the errno, or None when the border trapped."""
        row = row_of(handler)
        function = FunctionImport("wasi_snapshot_preview1", row.name, wasm or row.wasm, ANY)
        callback = self.border._callback(function, row)

        def call(*words: int) -> int | None:
            cells = (ctypes.c_uint64 * (2 * max(1, len(words))))()  # 16 bytes each
            cells[0] = 0xDEADBEEF
            for index, word in enumerate(words):
                cells[2 * index] = word
            trap = callback(0, 0, ctypes.addressof(cells), len(words))
            if trap:
                ffi.wasm_trap_delete(ctypes.cast(trap, ctypes.POINTER(ffi.wasm_trap_t)))
                return None
            return int(cells[0])

        return call


@pytest.fixture
def process() -> Iterator[GuestProcess]:
    with GuestProcess() as found:
        yield found


@pytest.fixture
def callbacks(process: GuestProcess) -> Callbacks:
    return Callbacks(process.main)


seen: list[tuple[int, ...]] = []


@syscall(modules=PREVIEW1_ONLY)
def take(ctx: Context, fd: Fd, flags: Flags[FdFlags], offset: FileDelta, whence: Code[Whence], size: Size) -> None:
    seen.append((fd, flags, offset, whence, size))


@syscall(modules=PREVIEW1_ONLY)
def time(ctx: Context, at: Timestamp) -> None:
    seen.append((at,))


@syscall(modules=PREVIEW1_ONLY)
def bare(ctx: Context) -> None:
    seen.append(())


raised: list[BaseException] = []


@syscall(modules=PREVIEW1_ONLY)
def fail(ctx: Context) -> None:
    raise raised[0]


@syscall(modules=PREVIEW1_ONLY)
def break_down(ctx: Context, size: Size) -> None:
    raise ValueError(size)


@syscall(modules=PREVIEW1_ONLY)
def may_fail(ctx: Context, size: Size) -> None:
    if size:
        raise SysError(Errno.BADF)


@syscall(modules=PREVIEW1_ONLY, result="void")
def void(ctx: Context, size: Size) -> None:
    if size:
        raise SysError(Errno.INVAL)


@pytest.fixture(autouse=True)
def _forget() -> None:
    seen.clear()
    raised.clear()


def test_words_arrive_unsigned_but_for_signed_types(callbacks: Callbacks) -> None:
    call = callbacks.of(take)
    assert call(0xFFFFFFFF, 4, 0xFFFFFFFFFFFFFFFF, 255, 0x80000000) == 0
    assert seen == [(0xFFFFFFFF, 4, -1, 255, 0x80000000)]
    assert callbacks.of(time)(0xFFFFFFFFFFFFFFFF) == 0
    assert seen[-1] == (0xFFFFFFFFFFFFFFFF,)


def test_the_upper_half_of_a_cell_is_not_read(callbacks: Callbacks) -> None:
    """The engine leaves there what it likes."""
    assert callbacks.of(take)(0xFFFFFFFF_00000007, 0xFFFFFFFF_00000000, 0, 0xFFFFFFFF_00000001, 0) == 0
    assert seen == [(7, 0, 0, 1, 0)]


def test_a_call_without_parameters(callbacks: Callbacks) -> None:
    assert callbacks.of(bare)() == 0
    assert seen == [()]


@pytest.mark.parametrize("flags", [0x20, 0x8000, 0x10000, 0xFFFFFFFF, 0x80000004])
def test_unknown_flag_bits_are_inval_before_the_handler_runs(callbacks: Callbacks, flags: int) -> None:
    assert callbacks.of(take)(3, flags, 0, 0, 0) == Errno.INVAL
    assert seen == []


def test_every_known_flag_passes(callbacks: Callbacks) -> None:
    for flags in range(0x20):
        assert callbacks.of(take)(3, flags, 0, 0, 0) == 0


@pytest.mark.parametrize("error", [SysError(Errno.BADF), SysError(Errno.NOTCAPABLE, "text"), WouldBlock()])
def test_a_system_error_is_its_errno(callbacks: Callbacks, error: SysError) -> None:
    raised.append(error)
    assert callbacks.of(fail)() == error.errno
    assert callbacks.border.crash is None


@pytest.mark.parametrize("unwind", [ProcessExit(3), Killed(9), ThreadEnd()])
def test_an_unwind_is_kept_on_the_task_and_traps(callbacks: Callbacks, process: GuestProcess, unwind: Unwind) -> None:
    raised.append(unwind)
    assert callbacks.of(fail)() is None
    assert process.main.task.unwind is unwind
    assert unwind.__traceback__ is None  # it would keep the guest alive
    assert callbacks.border.crash is None


@pytest.mark.parametrize(
    "mistake", [ValueError("x"), KeyError(1), RecursionError(), KeyboardInterrupt(), SystemExit(1)]
)
def test_anything_else_is_a_crash_and_traps(callbacks: Callbacks, mistake: BaseException) -> None:
    raised.append(mistake)
    assert callbacks.of(fail)() is None
    crash = callbacks.border.crash
    assert isinstance(crash, Crash)
    assert crash.cause is mistake
    assert str(crash) == f"fail failed: {mistake!r}"
    assert crash.traceback is not None


def test_the_first_crash_is_told(callbacks: Callbacks) -> None:
    call = callbacks.of(break_down)
    assert [call(1), call(2)] == [None, None]
    assert str(callbacks.border.crash) == "break_down failed: ValueError(1)"


def test_results_of_void_calls_are_not_stored(callbacks: Callbacks, process: GuestProcess) -> None:
    call = callbacks.of(void)
    assert [call(0), call(1)] == [0, 1]  # the cell holds the argument still


def test_another_type_is_answered_with_nosys(callbacks: Callbacks) -> None:
    assert callbacks.of(take, "ffvr:i")(0, 0, 0, 0) == Errno.NOSYS
    assert seen == []


def test_signals_are_heard_after_each_call_whether_it_failed_or_not(
    callbacks: Callbacks, process: GuestProcess
) -> None:
    ran: list[int] = []
    process.main.task.call_guest = lambda name, arguments: ran.append(arguments[0])
    process.process.signals.use_handler("handler", exported=True)

    call = callbacks.of(may_fail)
    for number, size in ((10, 0), (12, 1)):
        process.process.signals.post(number)
        assert call(size) == (Errno.BADF if size else 0)
        assert ran[-1] == number
    process.process.terminate(9)
    assert [call(0), call(1)] == [None, None]
    assert isinstance(process.main.task.unwind, Killed)


def test_a_guest_whose_calls_all_fail_hears_its_signals() -> None:
    source = program(
        """
        (call $callback_signal (i32.const 64) (i32.const 7))
        (call $print (i32.const 16) (i32.const 6))
        (loop $again (drop (call $fd_close (i32.const 999))) (br $again))
        """,
        imports="""
        (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
        """,
        fields="""
        (data (i32.const 16) "ready\\n") (data (i32.const 64) "handler")
        (func (export "handler") (param $number i32) (call $proc_exit (i32.add (local.get $number) (i32.const 100))))
        """,
    )
    with pywasix.start(source, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.wait(PATIENCE) == 110


# -- tracing is chosen when callbacks are built ------------------------------


def test_wrappers_go_around_handlers_when_callbacks_are_built(process: GuestProcess) -> None:
    wrapped: list[str] = []

    def wrap(row: Row, handler: Callable[..., None]) -> Callable[..., None]:
        wrapped.append(row.name)

        def around(ctx: Context, *words: int) -> None:
            handler(ctx, *(word + 1 for word in words))

        return around

    call = Callbacks(process.main, wrap).of(time)
    assert wrapped == ["time"]
    assert call(41) == 0
    assert seen == [(42,)]


def test_without_a_wrapper_the_handler_itself_is_called(callbacks: Callbacks) -> None:
    """Tracing that is off costs nothing: no function stands between."""
    callback = callbacks.border._callback(FunctionImport("m", "time", row_of(time).wasm, ANY), row_of(time))
    found = [cell.cell_contents for cell in callback.__closure__ or ()]
    assert time in found


# -- linking -----------------------------------------------------------------


def test_unknown_imports_are_named_all_at_once() -> None:
    source = module('(import "a" "x" (func)) (import "wasi_snapshot_preview1" "y" (func (result i32)))')
    with pytest.raises(ModuleError, match=r"^m imports what WASIX does not know: a\.x, wasi_snapshot_preview1\.y; "):
        rows_of(load(source, "m"))


def test_a_function_imported_twice_with_two_types(process: GuestProcess) -> None:
    """One name has one definition; the engine refuses the other import in its own words."""
    source = module(
        """
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32)))
        (func (export "_start"))
        """
    )
    with pywasix.start(source) as running:
        assert running.wait(PATIENCE) == -signal.SIGABRT
    assert "fd_close" in running.reason


@pytest.mark.parametrize("memory_first", [True, False])
def test_a_name_imported_as_a_function_and_as_a_memory(memory_first: bool) -> None:
    imports = [
        '(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))',
        '(import "wasi_snapshot_preview1" "fd_close" (memory 1 1 shared))',
    ]
    if memory_first:
        imports.reverse()
    with pytest.raises(ModuleError, match="as a function and as a memory"):
        load(module(f'{" ".join(imports)} (func (export "_start"))'))


def importing(rows: Iterable[tuple[str, Row]]) -> bytes:
    """A program that imports rows of the table, each from a module that offers it, and calls none of them."""
    fields = []
    for where, row in rows:
        params, results = (" ".join(NUMBERS[code] for code in side) for side in row.wasm.split(":"))
        fields.append(f'(import "{where}" "{row.name}" (func (param {params}) (result {results})))')
    return module(f'{" ".join(fields)} (func (export "_start"))')


def test_every_function_of_the_table_links() -> None:
    """Where a name has several types, one program imports the first, another one the second."""
    types: dict[tuple[str, str], list[Row]] = {}
    for row in table.rows():
        for where in row.modules:
            types.setdefault((where, row.name), []).append(row)
    assert len(types) > 150
    for turn in range(max(map(len, types.values()))):
        chosen = [(where, rows[min(turn, len(rows) - 1)]) for (where, _), rows in types.items()]
        with pywasix.start(importing(chosen)) as process:
            assert (process.wait(PATIENCE), process.reason) == (0, "")


# -- epochs ------------------------------------------------------------------


def test_other_programs_survive_an_epoch() -> None:
    """The deadline is met in guest code again and again; only a task that must end is stopped."""
    engine = shared_engine()
    with pywasix.start([guest("busy_loop")], stdout=pywasix.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "blocking\n"
        for _ in range(1000):
            engine.increment_epoch()
        assert process.poll() is None
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_a_loop_inside_of_a_signal_handler_is_stopped() -> None:
    source = program(
        """
        (call $callback_signal (i32.const 64) (i32.const 7))
        (call $print (i32.const 16) (i32.const 6))
        (loop $again (drop (call $sched_yield)) (br $again))
        """,
        imports="""
        (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
        """,
        fields="""
        (data (i32.const 16) "ready\\n") (data (i32.const 64) "handler")
        (func (export "handler") (param i32) (call $print (i32.const 16) (i32.const 6)) (loop $again (br $again)))
        """,
    )
    with pywasix.start(source, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_exit_from_a_signal_handler_within_a_blocking_call() -> None:
    source = program(
        """
        (call $callback_signal (i32.const 64) (i32.const 7))
        (call $print (i32.const 16) (i32.const 6))
        (drop (call $thread_sleep (i64.const -1)))
        """,
        imports="""
        (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
        (import "wasix_32v1" "thread_sleep" (func $thread_sleep (param i64) (result i32)))
        """,
        fields="""
        (data (i32.const 16) "ready\\n") (data (i32.const 64) "handler")
        (func (export "handler") (param i32) (call $proc_exit (i32.const 77)))
        """,
    )
    with pywasix.start(source, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 77
