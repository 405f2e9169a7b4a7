"""Signals to guests on the engine: those that compute, and those that write where nobody reads."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

import pywasix
from contract.wat import module
from support import PATIENCE, guest, wait_for_line

_HEAD = """
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "callback_signal" (func $callback (param i32 i32)))
  (import "wasix_32v1" "proc_raise_interval" (func $interval (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (global $stack (export "__stack_pointer") (mut i32) (i32.const 4096))
  (global $seen (mut i32) (i32.const 0))
  (data (i32.const 8) "__wasm_signal") (data (i32.const 32) "ready\\n")
  (func $ready
    (call $callback (i32.const 8) (i32.const 13))
    (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 6))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40))))
"""
_COUNT = '(func (export "__wasm_signal") (param i32) (global.set $seen (i32.add (global.get $seen) (i32.const 1))))'
_UNTIL_SEEN = "(loop $more (br_if $more (i32.eqz (global.get $seen))))"


def computing(handler: str, body: str, head: str = _HEAD) -> bytes:
    """A guest that says "ready" and then runs `body`, without a system call of its own."""
    return module(f'{head} {handler} (func (export "_start") (call $ready) {body})')


@contextmanager
def ready(guest_module: bytes) -> Iterator[pywasix.Process]:
    with pywasix.start(guest_module, stdout=pywasix.PIPE, text=True) as process:
        wait_for_line(process, "ready")
        yield process
        process.kill()


def test_a_handler_runs_while_the_guest_computes() -> None:
    with ready(computing(_COUNT, f"{_UNTIL_SEEN} (call $exit (i32.const 7))")) as process:
        process.send_signal(signal.SIGUSR1)
        assert process.wait(PATIENCE) == 7


def test_a_storm_of_signals_reaches_a_guest_that_computes() -> None:
    """The last one of a storm is not lost on a look that had begun before it came."""
    handler = '(func (export "__wasm_signal") (param i32) (if (i32.eq (local.get 0) (i32.const 12)) {}))'.format(
        "(then (call $exit (i32.const 9)))"
    )
    for _ in range(10):
        with ready(computing(handler, "(loop $ever (br $ever))")) as process:
            for _ in range(200):
                process.send_signal(signal.SIGUSR1)
            process.send_signal(signal.SIGUSR2)
            assert process.wait(PATIENCE) == 9


def test_what_a_function_keeps_below_the_stack_pointer_is_safe() -> None:
    """LLVM: a function that calls no other uses up to 128 bytes there without saying so."""
    handler = """
      (func (export "__wasm_signal") (param i32)
        (global.set $stack (i32.sub (global.get $stack) (i32.const 64)))
        (memory.fill (global.get $stack) (i32.const 255) (i32.const 64))
        (global.set $stack (i32.add (global.get $stack) (i32.const 64)))
        (global.set $seen (i32.const 1)))
    """
    body = f"""
      (memory.fill (i32.const 3968) (i32.const 5) (i32.const 128))
      {_UNTIL_SEEN}
      (if (i32.ne (global.get $stack) (i32.const 4096)) (then (call $exit (i32.const 1))))
      (call $exit (i64.ne (i64.load (i32.const 3968)) (i64.const 0x0505050505050505)))
    """
    with ready(computing(handler, body)) as process:
        process.send_signal(signal.SIGUSR1)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1])
def test_a_handler_that_computes_for_ever_can_be_killed(number: int) -> None:
    handler = """
      (func (export "__wasm_signal") (param i32)
        (call $ready)
        (if (i32.eq (local.get 0) (i32.const 2)) (then (loop $ever (br $ever))))
        (call $exit (i32.const 4)))
    """
    with ready(computing(handler, "(loop $ever (br $ever))")) as process:
        process.send_signal(signal.SIGINT)
        wait_for_line(process, "ready")
        begun = monotonic()
        process.send_signal(number)
        assert process.wait(PATIENCE) == (-9 if number == signal.SIGKILL else 4)
        assert monotonic() - begun < 5


def test_a_trap_in_a_handler_ends_the_guest_that_computed() -> None:
    reports: list[str] = []
    made = computing('(func (export "__wasm_signal") (param i32) unreachable)', "(loop $ever (br $ever))")
    with pywasix.start(made, stdout=pywasix.PIPE, text=True, report=reports.append) as process:
        wait_for_line(process, "ready")
        process.send_signal(signal.SIGUSR1)
        assert process.wait(PATIENCE) == -6
        assert "unreachable" in process.reason


@pytest.mark.parametrize("stack", ["(mut f32) (f32.const 4096)", "(mut i32) (i32.const 64)", "i32 (i32.const 4096)"])
def test_a_guest_whose_stack_is_not_known_is_left_computing(stack: str) -> None:
    """Its signals wait for its next system call; a kill does not."""
    head = _HEAD.replace("(mut i32) (i32.const 4096)", stack)
    body = "(loop $more (br_if $more (i32.lt_u (global.get $seen) (i32.const 2))))"
    with ready(computing(_COUNT, body, head)) as process:
        for _ in range(2):  # the first one may meet the end of the write
            process.send_signal(signal.SIGUSR1)
            with pytest.raises(pywasix.TimeoutExpired):
                process.wait(0.1)
        process.kill()
        assert process.wait(PATIENCE) == -9


def test_a_timer_reaches_a_guest_that_computes_again_and_again() -> None:
    """It exits with how often it found, between two steps of its computing, that its handler had run once more.

    On a busy host the next signal may come while the handler runs, which runs again then before the guest goes on.
    """
    body = """
      (drop (call $interval (i32.const 14) (i64.const 3000000) (i32.const 1)))
      (loop $more
        (br_if $more (i32.eq (global.get $seen) (global.get $known)))
        (global.set $known (global.get $seen))
        (global.set $times (i32.add (global.get $times) (i32.const 1)))
        (br_if $more (i32.lt_u (global.get $times) (i32.const 5))))
      (call $exit (global.get $times))
    """
    head = f"{_HEAD} (global $known (mut i32) (i32.const 0)) (global $times (mut i32) (i32.const 0))"
    with ready(computing(_COUNT, body, head)) as process:
        assert process.wait(PATIENCE) == 5


def test_a_timer_that_nobody_handles_ends_the_program() -> None:
    body = "(drop (call $interval (i32.const 14) (i64.const 1000000) (i32.const 0))) (loop $ever (br $ever))"
    done = pywasix.run(module(f'{_HEAD} (func (export "_start") {body})'), timeout=PATIENCE)
    assert done.returncode == -signal.SIGALRM


def test_a_program_leaves_with_its_timers() -> None:
    body = "(drop (call $interval (i32.const 14) (i64.const 60000000000) (i32.const 1)))"
    begun = monotonic()
    assert pywasix.run(module(f'{_HEAD} (func (export "_start") {body})')).returncode == 0
    assert monotonic() - begun < 30


# -- SIGPIPE ----------------------------------------------------------------------


def broken() -> int:
    """The writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def writer(handler: str, imports: str = _HEAD) -> pywasix.Process:
    end = broken()
    try:
        body = """
          (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 6))
          (call $exit (i32.add (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40))
            (i32.mul (global.get $seen) (i32.const 100))))
        """
        start = f'(func (export "_start") {"(call $ready)" if handler else ""} {body})'
        return pywasix.start(module(f"{imports} {handler} {start}"), stdout=end)
    finally:
        os.close(end)


def test_a_write_that_nobody_reads_is_sigpipe() -> None:
    with writer("") as process:
        assert process.wait(PATIENCE) == -signal.SIGPIPE


def test_a_handled_sigpipe_comes_before_the_error() -> None:
    with writer(_COUNT) as process:
        assert process.wait(PATIENCE) == 64 + 200  # PIPE, after two handlers: `$ready` wrote too


def test_a_guest_without_signals_gets_the_error_alone() -> None:
    head = "\n".join(line for line in _HEAD.splitlines() if "wasix_32v1" not in line)
    head = head.replace("(call $callback (i32.const 8) (i32.const 13))", "")
    with writer("", head) as process:
        assert process.wait(PATIENCE) == 64


def test_the_published_way_to_print_still_ends_quietly() -> None:
    """A preview1 program gets PIPE from its write and decides itself."""
    end = broken()
    try:
        process = pywasix.start(guest("hello"), stdout=end)
    finally:
        os.close(end)
    assert process.wait(PATIENCE) >= 0
