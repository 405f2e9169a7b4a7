"""Threads of a guest on the engine: each an instance of its own on the shared memory."""

from __future__ import annotations

from time import monotonic

import pywasix
from contract.wat import module

_IMPORTS = """
  (import "env" "memory" (memory 1 16 shared))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
  (import "wasix_32v1" "thread_join" (func $join (param i32) (result i32)))
  (import "wasix_32v1" "thread_exit" (func $thread_exit (param i32)))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (data (i32.const 100) "done\\n")
  (func $print
    (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 5))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
"""
_COUNTER = 256


def threaded(start: str, thread: str, fields: str = "") -> bytes:
    """A guest whose `_start` and `wasi_thread_start` ($tid, $argument) have these bodies."""
    return module(
        f'{_IMPORTS} {fields} (func (export "_start") (local $i i32) (local $last i32) {start})'
        f'(func (export "wasi_thread_start") (param $tid i32) (param $argument i32) {thread})'
    )


def test_threads_share_the_memory_and_are_joined() -> None:
    """64 threads, each of which adds its argument; exit status is the sum of 0..63, cut to 7 bits."""
    guest = threaded(
        f"""
        (loop $more
          (local.set $last (call $spawn (local.get $i)))
          (if (i32.le_s (local.get $last) (i32.const 0)) (then unreachable))
          (i32.store (i32.add (i32.const 1024) (i32.shl (local.get $i) (i32.const 2))) (local.get $last))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 64))))
        (local.set $i (i32.const 0))
        (loop $more
          (if (call $join (i32.load (i32.add (i32.const 1024) (i32.shl (local.get $i) (i32.const 2)))))
            (then unreachable))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 64))))
        (call $proc_exit (i32.and (i32.atomic.load (i32.const {_COUNTER})) (i32.const 127)))
        """,
        f"(drop (i32.atomic.rmw.add (i32.const {_COUNTER}) (local.get $argument)))",
    )
    assert pywasix.run(guest).returncode == sum(range(64)) & 127


def test_exit_of_a_thread_ends_the_process_and_its_busy_loops() -> None:
    guest = threaded(
        """
        (drop (call $spawn (i32.const 0))) (drop (call $spawn (i32.const 0))) (drop (call $spawn (i32.const 1)))
        (drop (call $sleep (i64.const 60000000000)))
        """,
        "(if (local.get $argument) (then (call $proc_exit (i32.const 7)))) (loop $ever (br $ever))",
    )
    begun = monotonic()
    assert pywasix.run(guest).returncode == 7
    assert monotonic() - begun < 10


def test_the_end_of_main_ends_the_process() -> None:
    guest = threaded("(drop (call $spawn (i32.const 0)))", "(drop (call $sleep (i64.const 60000000000))) (call $print)")
    done = pywasix.run(guest, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_main_thread_that_leaves_waits_for_the_others() -> None:
    guest = threaded("(drop (call $spawn (i32.const 0))) (call $thread_exit (i32.const 3))", "(call $print)")
    done = pywasix.run(guest, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_a_thread_that_leaves_ends_alone() -> None:
    guest = threaded(
        "(drop (call $join (call $spawn (i32.const 0)))) (call $print)", "(call $thread_exit (i32.const 3))"
    )
    assert pywasix.run(guest, capture_output=True).stdout == b"done\n"


def test_a_trap_of_a_thread_ends_the_process() -> None:
    guest = threaded("(drop (call $spawn (i32.const 0))) (drop (call $sleep (i64.const 60000000000)))", "unreachable")
    reports: list[str] = []
    with pywasix.start(guest, report=reports.append) as process:
        assert process.wait(10) == -6
        assert "unreachable" in process.reason


def test_a_kill_ends_every_thread() -> None:
    guest = threaded(
        "(drop (call $spawn (i32.const 0))) (drop (call $spawn (i32.const 1))) (call $print) (loop $ever (br $ever))",
        "(if (local.get $argument) (then (drop (call $sleep (i64.const 60000000000))))) (loop $ever (br $ever))",
    )
    with pywasix.start(guest, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        begun = monotonic()
        process.kill()
        assert process.wait(10) == -9
        assert monotonic() - begun < 5


def test_a_thread_bomb_gets_errors_and_the_host_stays_well() -> None:
    """Every thread starts two: the limit answers AGAIN (-6), which ends the process with that as its status."""
    guest = threaded(
        "(drop (call $spawn (i32.const 0))) (drop (call $sleep (i64.const 60000000000)))",
        """
        (local $made i32)
        (loop $more
          (local.set $made (call $spawn (i32.const 0)))
          (if (i32.lt_s (local.get $made) (i32.const 0))
            (then (call $proc_exit (i32.sub (i32.const 0) (local.get $made)))))
          (br $more))
        """,
    )
    assert pywasix.run(guest, timeout=60).returncode == 6


def test_a_guest_without_the_export_or_without_shared_memory_has_no_threads() -> None:
    spawn = '(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))'
    exits = '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'
    body = "(call $proc_exit (i32.sub (i32.const 0) (call $spawn (i32.const 0))))"
    for memory, fields in (
        ('(import "env" "memory" (memory 1 16 shared))', ""),
        ('(memory (export "memory") 1)', '(func (export "wasi_thread_start") (param i32 i32))'),
    ):
        imports = f"{memory} {exits} {spawn}" if "import" in memory else f"{exits} {spawn} {memory}"
        guest = module(f'{imports} {fields} (func (export "_start") {body})')
        assert pywasix.run(guest).returncode == 76  # NOTCAPABLE


def test_threads_of_2022_and_the_destructors_of_their_locals() -> None:
    guest = module(
        """
        (import "env" "memory" (memory 1 16 shared))
        (import "wasix_32v1" "proc_exit" (func $proc_exit (param i32)))
        (import "wasix_32v1" "thread_join" (func $join (param i32) (result i32)))
        (import "wasix_32v1" "thread_spawn" (func $spawn (param i64 i64 i64 i32 i32) (result i32)))
        (import "wasix_32v1" "thread_local_create" (func $create (param i64 i32) (result i32)))
        (import "wasix_32v1" "thread_local_set" (func $set (param i32 i64) (result i32)))
        (func (export "_start")
          (if (call $create (i64.const 40) (i32.const 8)) (then unreachable))
          (if (call $spawn (i64.const 0x200000003) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 16))
            (then unreachable))
          (if (call $join (i32.load (i32.const 16))) (then unreachable))
          (call $proc_exit (i32.load (i32.const 32))))
        (func (export "_start_thread") (param $low i32) (param $high i32)
          (drop (call $set (i32.load (i32.const 8))
            (i64.extend_i32_u (i32.add (local.get $low) (local.get $high))))))
        (func (export "_thread_local_destroy") (param i32 i32 i32 i32)
          (i32.store (i32.const 32) (i32.add (local.get 0) (local.get 2))))
        """
    )
    assert pywasix.run(guest).returncode == 45
