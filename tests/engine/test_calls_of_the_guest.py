"""What the host calls in a guest, signal handlers and destructors, whatever the guest makes of it."""

from __future__ import annotations

import signal

import pytest

import pywasix
from contract.wat import module, program

_SIGNAL_IMPORTS = """
  (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
  (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
"""
_HANDLER = """
  (data (i32.const 100) "handler") (data (i32.const 120) "ready\\n") (data (i32.const 130) "in\\n")
  (data (i32.const 140) "out\\n")
  (func $wait_for_byte
    (i32.store (i32.const 16) (i32.const 200)) (i32.store (i32.const 20) (i32.const 1))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24))))
  (func (export "handler") (param i32)
    (call $print (i32.const 130) (i32.const 3)) (call $wait_for_byte) (call $print (i32.const 140) (i32.const 4)))
"""
_BODY = """
  (call $callback_signal (i32.const 100) (i32.const 7))
  (call $print (i32.const 120) (i32.const 6))
  (loop $again
    (br_if $again (i32.eq (call $sleep (i64.const 60000000000)) (i32.const 27))))
"""


def test_a_signal_does_not_interrupt_its_own_handler_and_counts_once_while_it_waits() -> None:
    """Linux: blocked while its handler runs; a standard signal that is pending already is not queued again."""
    guest = program(_BODY, imports=_SIGNAL_IMPORTS, fields=_HANDLER)
    with pywasix.start(guest, stdin=pywasix.PIPE, stdout=pywasix.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == b"in\n"
        for _ in range(300):
            process.send_signal(signal.SIGUSR1)
        for _ in range(2):
            process.stdin.write(b".")
            process.stdin.flush()
        assert [process.stdout.readline() for _ in range(3)] == [b"out\n", b"in\n", b"out\n"]
        process.send_signal(0)  # POSIX: signal 0 is none
        process.kill()
        assert process.wait(10) == -9
        assert process.stdout.read() == b""


def test_another_signal_interrupts_a_handler() -> None:
    guest = program(_BODY, imports=_SIGNAL_IMPORTS, fields=_HANDLER)
    with pywasix.start(guest, stdin=pywasix.PIPE, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            process.send_signal(number)
            assert process.stdout.readline() == b"in\n"
        process.kill()


def test_a_destructor_that_nests_for_ever_ends_the_guest_alone() -> None:
    guest = program(
        "(call $nest (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        imports="""
          (import "wasix_32v1" "thread_local_create" (func $create (param i64 i32) (result i32)))
          (import "wasix_32v1" "thread_local_set" (func $set (param i32 i64) (result i32)))
          (import "wasix_32v1" "thread_local_destroy" (func $destroy (param i32) (result i32)))
        """,
        fields="""
          (func $nest (export "_thread_local_destroy") (param i32 i32 i32 i32)
            (drop (call $create (i64.const 1) (i32.const 64)))
            (drop (call $set (i32.load (i32.const 64)) (i64.const 7)))
            (drop (call $destroy (i32.load (i32.const 64)))))
        """,
    )
    process = pywasix.start(guest)
    assert process.wait(10) == -6
    assert "nested" in process.reason
    assert "mistake in pywasix" not in process.reason


def test_a_start_section_may_call_the_host() -> None:
    """Its exports do not exist yet: nothing in them is called."""
    early = module(
        """
        (import "wasix_32v1" "thread_local_create" (func $create (param i64 i32) (result i32)))
        (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (func (export "handler") (param i32) unreachable)
        (func $begin
          (drop (call $create (i64.const 1) (i32.const 64)))
          (call $callback_signal (i32.const 0) (i32.const 0))
          (drop (call $yield)))
        (start $begin)
        (func (export "_start"))
        """
    )
    assert pywasix.run(early).returncode == 0


def test_a_handler_s_name_of_gigabytes_is_not_read() -> None:
    guest = program(
        "(call $callback_signal (i32.const 0) (i32.const 0x100000))",
        imports=_SIGNAL_IMPORTS,
        fields='(func (export "handler") (param i32))',
    )
    assert pywasix.run(guest, max_memory=16 * 65536).returncode == 0


def test_names_out_of_a_module_do_not_steer_the_terminal() -> None:
    trap = module(
        '(memory (export "memory") 1) (func $"\\1b[31mred\\07" unreachable) (func (export "_start") (call 0))'
    )
    process = pywasix.start(trap, stderr=pywasix.PIPE)
    process.communicate()
    assert process.reason
    assert process.reason.replace("\n", "").isprintable()
    with pytest.raises(pywasix.ModuleError) as caught:
        pywasix.start(module('(import "env" "\\1b[31m" (func)) (func (export "_start"))'))
    assert str(caught.value).isprintable()
