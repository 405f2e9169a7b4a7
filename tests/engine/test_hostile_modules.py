"""Modules that are made to break the host: exports of odd types, and asyncify exports that are none."""

from __future__ import annotations

import threading

import pytest
import wasmtime

import pywasix
from contract.wat import module
from pywasix.abi.errno import Errno
from pywasix.engine import epoch
from pywasix.engine.module import shared_engine
from pywasix.kernel.task import Task
from support import PATIENCE

_IMPORTS = """
  (import "wasix_32v1" "proc_fork" (func $fork (param i32 i32) (result i32)))
  (import "wasix_32v1" "proc_fork_env" (func $fork_env (param i32) (result i32)))
  (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
  (import "wasix_32v1" "proc_raise_interval" (func $raise_interval (param i32 i64 i32) (result i32)))
  (import "wasix_32v1" "stack_checkpoint" (func $checkpoint (param i32 i32) (result i32)))
  (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 4)
  (global (export "__data_end") i32 (i32.const 1024))
  (data (i32.const 100) "handler")
  (func (export "handler") (param i32))
"""
_POINTER = '(global $sp (export "__stack_pointer") (mut i32) (i32.const 65536))'
_FORK = "(drop (call $fork (i32.const 1) (i32.const 16)))"
_CHECKPOINT = "(drop (call $checkpoint (i32.const 16) (i32.const 48)))"
_H = '(data (i32.const 200) "\\64\\00\\00\\00\\01\\00\\00\\00")'  # a buffer: the first letter of "handler"
_COUNT = "(global $count (mut i32) (i32.const 0))"
_SAY_H = "(drop (call $write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 16)))"
_ALARMS = """
  (call $callback_signal (i32.const 100) (i32.const 7))
  (drop (call $raise_interval (i32.const 14) (i64.const 1000000) (i32.const 1)))
"""


def _hostile(
    body: str,
    *,
    start_unwind: str = "",
    stop_unwind: str = "",
    start_rewind: str = "",
    stop_rewind: str = "",
    pointer: str = _POINTER,
) -> bytes:
    """A program whose asyncify exports do what is given, which is nothing unless told."""
    return module(f"""{_IMPORTS} {pointer}
      (func (export "asyncify_start_unwind") (param i32) {start_unwind})
      (func (export "asyncify_stop_unwind") {stop_unwind})
      (func (export "asyncify_start_rewind") (param i32) {start_rewind})
      (func (export "asyncify_stop_rewind") {stop_rewind})
      (func (export "_start") {body})""")


def _asyncified(body: str, fields: str) -> bytes:
    """A program of one function that keeps nothing in it, which is all that asyncify would save."""
    states = {"start_unwind": 1, "stop_unwind": 0, "start_rewind": 2, "stop_rewind": 0}
    controls = {name: f"(global.set $state (i32.const {state}))" for name, state in states.items()}
    return _hostile(body, **controls, pointer=f"{fields} (global $state (mut i32) (i32.const 0))")


def _ended(guest: bytes) -> pywasix.Process:
    """Run a program to its end; no mistake of ours may show, and nothing be left of its processes."""
    with pywasix.start(guest, report=lambda _: None) as process:
        process.wait(PATIENCE)
    assert "mistake" not in process.reason
    assert not process._process.kernel.all_processes()
    return process


def test_who_goes_on_while_its_stack_is_saved_is_ended() -> None:
    """What the border raised of it once left the engine with a number of chance for the address of a trap."""
    process = _ended(_hostile(f"{_ALARMS} {_FORK} (loop $again (drop (call $yield)) (br $again))"))
    assert process.returncode == -6
    assert "no asyncify" in process.reason


@pytest.mark.parametrize("where", ["start_unwind", "stop_unwind", "start_rewind", "stop_rewind"])
def test_asyncify_exports_that_trap_end_the_guest(where: str) -> None:
    process = _ended(_hostile(_FORK, **{where: "unreachable"}))
    # A copy is made before the guest goes back, and there the parent's own end may come first.
    assert process.returncode == -6
    assert "unreachable" in process.reason


@pytest.mark.parametrize("where", ["start_unwind", "stop_unwind", "start_rewind", "stop_rewind"])
def test_asyncify_exports_that_leave(where: str) -> None:
    assert _ended(_hostile(_FORK, **{where: "(call $exit (i32.const 3))"})).returncode == 3


@pytest.mark.parametrize("where", ["start_unwind", "stop_unwind", "start_rewind", "stop_rewind"])
def test_asyncify_exports_that_save_the_stack_are_refused(where: str) -> None:
    """Each call would end in itself, until the host's stack is full."""
    assert _ended(_hostile(_CHECKPOINT, **{where: _CHECKPOINT})).returncode == 0


@pytest.mark.parametrize("end", ["-1", "0", "65537"])
def test_frames_that_end_outside_of_their_room_end_the_guest(end: str) -> None:
    process = _ended(_hostile(_CHECKPOINT, start_unwind=f"(i32.store (local.get 0) (i32.const {end}))"))
    assert process.returncode == -6
    assert "no room" in process.reason


@pytest.mark.parametrize(
    "pointer",
    [
        '(global (export "__stack_pointer") (mut v128) (v128.const i32x4 1 2 3 4))',
        '(global (export "__stack_pointer") (mut externref) (ref.null extern))',
        '(global (export "__stack_pointer") (mut exnref) (ref.null exn))',
        "(type $t (func)) (func $f) (elem declare func $f)"
        ' (global (export "__stack_pointer") (mut (ref $t)) (ref.func $f))',
        f'{_POINTER} (global (export "__stack_low") (mut v128) (v128.const i32x4 1 2 3 4))',
        f'{_POINTER} (global (export "other") (mut exnref) (ref.null exn))',
    ],
)
def test_globals_of_odd_types(pointer: str) -> None:
    """The engine's C interface ends the whole host when it is asked about some of them."""
    guest = _hostile(f"{_ALARMS} {_CHECKPOINT} (loop $again (br $again))", pointer=pointer)
    with pywasix.start(guest) as process:
        process.kill()
        assert process.wait(PATIENCE) == -9


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "(param i32)",
        "(param i32 v128)",
        "(param i32 f64)",
        "(param i32 externref)",
        "(param i32 i32) (result v128) (v128.const i32x4 1 2 3 4)",
        "(param i32 i32) (result exnref) (ref.null exn)",
    ],
)
def test_no_thread_begins_in_an_export_of_another_type(kind: str) -> None:
    guest = module(f"""
      (import "env" "memory" (memory 1 2 shared))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func (export "wasi_thread_start") {kind})
      (func (export "_start") (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 8)))))""")
    assert pywasix.run(guest).returncode == Errno.NOTCAPABLE


@pytest.mark.parametrize("end", ["", "(call $exit (i32.const 4))", "unreachable"])
def test_children_in_the_place_of_children_leave_nothing_behind(end: str) -> None:
    process = _ended(_hostile("(drop (call $fork_env (i32.const 16)))" * 3 + end))
    assert process.returncode == -6
    assert "proc_fork_env" in process.reason


@pytest.mark.parametrize("then", ["(drop (call $sleep (i64.const 60000000000)))", ""])
def test_a_kill_ends_children_in_the_place_of_children(then: str) -> None:
    """The first process is not the one that runs, nor the parent of that."""
    vfork = (
        """
      (loop $next
        (drop (call $fork (i32.const 0) (i32.const 16)))
        (if (i32.eq (global.get $state) (i32.const 1)) (then (return)))
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (br_if $next (i32.lt_u (global.get $count) (i32.const 3))))
      """
        + _SAY_H
    )
    guest = _asyncified(f"{vfork} (loop $again {then} (br $again))", f"{_POINTER} {_H} {_COUNT}")
    with pywasix.start(guest, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"h"
        process.kill()
        assert process.wait(PATIENCE) == -9
        assert process.stdout.read() == b""
    assert not process._process.kernel.all_processes()


def test_a_kill_that_falls_between_a_look_and_the_next_deadline_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy host may stop a thread there for as long as it likes."""
    looked, killed = threading.Event(), threading.Event()
    goes_on, interrupt = epoch.Watched.goes_on, epoch.interrupt

    def slowly(self: epoch.Watched) -> bool:
        answer = goes_on(self)
        if not looked.is_set():
            looked.set()
            killed.wait(PATIENCE)
        return answer

    def interrupted(engine: wasmtime.Engine, task: Task) -> None:
        interrupt(engine, task)
        killed.set()

    monkeypatch.setattr(epoch.Watched, "goes_on", slowly)
    monkeypatch.setattr(epoch, "interrupt", interrupted)
    guest = _hostile(f"{_SAY_H} (loop $again (br $again))", pointer=f"{_POINTER} {_H}")
    with pywasix.start(guest, stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"h"
        shared_engine().increment_epoch()
        assert looked.wait(PATIENCE)
        process.kill()
        assert process.wait(PATIENCE) == -9


@pytest.mark.parametrize(
    "call", ["(call $checkpoint (i32.const 16) (i32.const 48))", "(call $fork (i32.const 0) (i32.const 16))"]
)
def test_a_stack_that_would_take_too_much_of_the_host_s_memory_is_not_kept(call: str) -> None:
    body = f"""
      (if (i32.ne (memory.size) (i32.const 504)) (then (drop (memory.grow (i32.const 500)))))
      (global.set $sp (i32.const 40000))
      (global.set $result {call})
      (if (i32.eq (global.get $state) (i32.const 1)) (then (return)))
      (call $exit (global.get $result))"""
    pointer = _POINTER.replace("65536", "20000000") + "(global $result (mut i32) (i32.const 0))"
    assert _ended(_asyncified(body, pointer)).returncode == Errno.NOMEM
