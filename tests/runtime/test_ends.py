"""How programs end: exits, traps with their backtrace, and mistakes of our own."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

import pywasix
from contract.wat import module, program
from pywasix.engine.border import Crash
from pywasix.engine.instance import GuestTask
from pywasix.errors import SysError
from pywasix.syscalls import random
from pywasix.syscalls.row import row_of
from support import PATIENCE, guest

CALLS_RANDOM = program(
    "(call $proc_exit (call $random_get (i32.const 64) (i32.const 8)))",
    imports='(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))',
)


def run(source: Any, *args: str, **options: Any) -> pywasix.Process:
    """Run a program to its end; unlike `pywasix.run` this returns the process, which knows the reason."""
    with pywasix.start([source, *args], **{"stdout": pywasix.DEVNULL, **options}) as process:
        process.wait(PATIENCE)
    return process


@pytest.mark.parametrize("code", [0, 1, 255, 256, 70_000, 0x7FFFFFFF])
def test_exit_codes_are_the_guests_int(code: int) -> None:
    assert run(guest("exit_code"), str(code)).returncode == code


@pytest.mark.parametrize(("code", "returned"), [(-1, 255), (-6, 250), (-256, 0)])
def test_negative_exit_codes_do_not_look_like_signals(code: int, returned: int) -> None:
    assert run(guest("exit_code"), str(code)).returncode == returned


def test_returning_from_start_is_success() -> None:
    process = run(program(""))
    assert (process.returncode, process.reason) == (0, "")


TRAPS = {
    "unreachable": ("unreachable", "wasm trap: unreachable"),
    "division": ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "wasm trap: integer division by zero"),
    "memory": ("(drop (i32.load (i32.const -1)))", "wasm trap: memory out of bounds"),
    "stack": ("(call $endless)", "wasm trap: stack overflow"),
    "indirect call": ("(call_indirect (i32.const 3))", "wasm trap: table out of bounds"),
}


@pytest.mark.parametrize("name", list(TRAPS))
def test_traps_are_aborts_with_a_reason(name: str) -> None:
    body, reason = TRAPS[name]
    process = run(program(body, fields="(table 1 funcref) (func $endless (call $endless))"))
    assert process.returncode == -signal.SIGABRT
    assert process.reason.splitlines()[0] == reason


def test_a_trap_tells_the_guests_functions_innermost_first() -> None:
    process = run(guest("trap"))
    first, *frames = process.reason.splitlines()
    assert first == "wasm trap: unreachable"
    names = [frame.split()[1] for frame in frames]
    assert names[:3] == ["innermost", "middle", "outermost"]
    assert names[-1] == "_start"
    assert all(" at offset 0x" in frame for frame in frames)


def test_functions_without_a_name_have_their_number() -> None:
    process = run(module('(func (export "_start") call 1) (func unreachable)'))
    assert "0: <function 1> at offset 0x" in process.reason


def test_output_before_a_trap_arrives() -> None:
    done = pywasix.run([guest("trap")], capture_output=True)
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, b"trapping at depth 3\n")


def test_a_trap_while_the_module_starts() -> None:
    process = run(module('(func $begin unreachable) (start $begin) (func (export "_start"))'))
    assert process.returncode == -signal.SIGABRT
    assert process.reason.startswith("wasm trap: unreachable")


def test_exit_while_the_module_starts() -> None:
    text = """
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (func $begin (call $proc_exit (i32.const 5))) (start $begin) (func (export "_start"))
    """
    assert run(module(text)).returncode == 5


@pytest.mark.parametrize("kind", ["", "(param i64)", "(param i32 i32)", "(param v128)", "(param i32) (result i32)"])
def test_a_signal_handler_of_another_type_ends_the_program_with_a_reason(kind: str) -> None:
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
        fields=f"""
        (data (i32.const 16) "ready\\n") (data (i32.const 64) "handler")
        (func (export "handler") {kind} unreachable)
        """,
    )
    with pywasix.start(source, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGABRT
    assert "handler is called with 1 i32" in process.reason
    assert "please report" not in process.reason


def test_a_signal_that_ends_a_program_has_no_reason() -> None:
    with pywasix.start([guest("busy_loop")], stdout=pywasix.DEVNULL) as process:
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
    assert process.reason == ""


# -- mistakes of our own -----------------------------------------------------


class Mistake(Exception):
    """What no handler may raise."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """random_get is broken."""
    row = row_of(random.random_get)
    assert row.wasm == "ii:i"  # looked at before the handler that it is read off goes

    def fail(ctx: object, buf: int, buf_len: int) -> None:
        raise Mistake("it broke")

    monkeypatch.setattr(row, "handler", fail)


@pytest.mark.usefixtures("broken")
def test_a_broken_handler_ends_the_program_and_asks_for_a_report() -> None:
    process = run(CALLS_RANDOM)
    assert process.returncode == -signal.SIGABRT
    assert process.reason.startswith("random_get failed: Mistake('it broke')")
    assert "please report" in process.reason


@pytest.mark.usefixtures("broken")
def test_the_mistake_is_kept_with_its_traceback() -> None:
    process = run(CALLS_RANDOM)
    crash = process._process.crash
    assert isinstance(crash, Crash)
    assert isinstance(crash.cause, Mistake)
    trace = crash.traceback
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_code.co_name == "fail"


@pytest.mark.usefixtures("broken")
def test_a_broken_handler_under_trace() -> None:
    lines: list[str] = []
    process = run(CALLS_RANDOM, trace=lines.append)
    assert "please report" in process.reason
    assert any("random_get" in line for line in lines)


def test_a_mistake_outside_of_any_call_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: GuestTask) -> None:
        raise Mistake("before the guest began")

    monkeypatch.setattr(GuestTask, "_instantiate", fail)
    process = run(guest("hello"))
    assert process.returncode == -signal.SIGABRT
    assert process.reason.startswith("running the guest failed: Mistake('before the guest began')")
    assert "please report" in process.reason


def test_the_next_program_is_well(broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(CALLS_RANDOM).returncode == -signal.SIGABRT
    monkeypatch.undo()
    assert run(CALLS_RANDOM).returncode == 0


def test_a_mistake_does_not_surface_as_an_exception_in_python(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed behind the user's back, nothing raised in a thread that nobody looks at."""
    with pytest.MonkeyPatch.context() as patch:
        row = row_of(random.random_get)
        assert row.wasm == "ii:i"
        patch.setattr(row, "handler", lambda ctx, buf, size: [].pop())
        run(CALLS_RANDOM)
    assert capfd.readouterr().err == ""


def test_an_unsupported_call_is_nosys() -> None:
    calls = program(
        "(call $proc_exit (call $proc_snapshot))",
        imports='(import "wasix_32v1" "proc_snapshot" (func $proc_snapshot (result i32)))',
    )
    assert run(calls).returncode == 52


def test_an_unsupported_call_without_a_result_ends_the_program_and_says_so() -> None:
    said: list[str] = []
    calls = program(
        "(call $callback_wake (i32.const 0) (i32.const 0))",
        imports='(import "wasix_32v1" "callback_wake" (func $callback_wake (param i32 i32)))',
    )
    process = run(calls, report=said.append)
    assert process.returncode == 52
    assert said == [said[0]]
    assert "the guest called callback_wake" in said[0]


def test_messages_go_to_the_log_unless_somebody_wants_them(caplog: pytest.LogCaptureFixture) -> None:
    done = pywasix.run([guest("echo_server")], net=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ACCES" in done.stderr
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pywasix", "WARNING")
    assert "the network policy refused bind" in record.message


def test_a_crash_on_the_command_line() -> None:
    """The shell sees SIGABRT's status and the reason, no traceback of Python."""
    done = subprocess.run(
        [sys.executable, "-m", "pywasix", "run", str(guest("trap"))],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGABRT
    assert done.stdout == "trapping at depth 3\n"
    assert "trap.wasm: wasm trap: unreachable" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_show_their_errno() -> None:
    from pywasix.abi.errno import Errno

    assert str(SysError(Errno.BADF, "fd 9 is not open")) == "BADF: fd 9 is not open"
    assert str(SysError(Errno.BADF)) == "BADF"


def test_run_logs_why_a_program_trapped(caplog: pytest.LogCaptureFixture) -> None:
    done = pywasix.run([guest("trap")], capture_output=True)
    assert (done.returncode, done.stderr) == (-6, b"")
    assert "trap.wasm: wasm trap: unreachable" in caplog.text


def test_a_trap_after_a_missing_call_names_the_call() -> None:
    process = pywasix.start(
        program(
            "(drop (call $proc_snapshot)) unreachable",
            imports='(import "wasix_32v1" "proc_snapshot" (func $proc_snapshot (result i32)))',
        )
    )
    assert process.wait(10) == -6
    assert "it had called proc_snapshot, which pywasix does not support yet" in process.reason


def test_an_error_in_a_with_block_does_not_wait_for_the_program() -> None:
    with pytest.raises(KeyError), pywasix.start([guest("busy_loop")], stdout=pywasix.DEVNULL) as process:
        raise KeyError
    assert process.returncode == -9


def test_closed_standard_streams_are_no_descriptor_of_ours() -> None:
    command = [sys.executable, "-m", "pywasix", "run", str(guest("cat"))]
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command], capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, b"")  # reading fails at once, as cat(1) finds too
