"""Starting and joining threads, without an engine: a starter that only notes what it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd
from pywasix.kernel import kernel
from pywasix.kernel.launch import Program
from pywasix.kernel.task import Task
from pywasix.syscalls.thread import (
    thread_exit,
    thread_join,
    thread_spawn,
    thread_spawn_2022,
    thread_spawn_v2,
    thread_spawn_wasi,
)
from world import MEMORY, World

RESULT = 64
START = 0x1_0000_2000  # user data of 2022, with a high half


class Starter:
    """A `ThreadStarter` whose threads never run."""

    def __init__(self, *exports: str, full: bool = False) -> None:
        self.exports = exports
        self.full = full
        self.started: list[tuple[Task, str, tuple[int, ...]]] = []

    def can_start(self, entry: str) -> bool:
        return entry in self.exports

    def start(self, task: Task, entry: str, arguments: tuple[int, ...]) -> None:
        if self.full:
            raise SysError(Errno.AGAIN, "no thread left")
        self.started.append((task, entry, arguments))


def starter(world: World, *exports: str, full: bool = False) -> Starter:
    world.process.starter = made = Starter(*exports, full=full)
    return made


def spawned(world: World) -> int:
    """Start a thread; returns its tid."""
    handler: Callable[..., int] = thread_spawn_wasi
    return handler(world.ctx, 8)


@pytest.mark.parametrize("runs_another", [False, True])
def test_no_thread_starts_in_a_process_that_ends_or_runs_another_program(world: World, runs_another: bool) -> None:
    """It would have more and more threads to end."""
    made = starter(world, "wasi_thread_start")
    if runs_another:
        world.process.successor = Program([], lambda _: pytest.fail("nobody runs it")), None
    else:
        world.process.terminate(9)
    with pytest.raises(SysError, match="AGAIN"):
        spawned(world)
    assert not made.started


def test_every_form_starts_a_thread(world: World) -> None:
    made = starter(world, "wasi_thread_start", "_start_thread", "_react")
    returned = spawned(world)
    world.call(thread_spawn_v2, 16, RESULT)
    second = world.u32(RESULT)
    world.call(thread_spawn, 24, RESULT)
    world.call(thread_spawn_2022, START, 0, 0, 0, RESULT)
    world.call(thread_spawn_2022, START, 0, 0, 1, RESULT)
    tids = [task.tid for task, _, _ in made.started]
    assert [call[1:] for call in made.started] == [
        ("wasi_thread_start", (tids[0], 8)),
        ("wasi_thread_start", (tids[1], 16)),
        ("wasi_thread_start", (tids[2], 24)),
        ("_start_thread", (0x2000, 1)),
        ("_react", (0x2000, 1)),
    ]
    assert tids[:2] == [returned, second]
    assert world.u32(RESULT) == tids[-1]
    assert len(set(tids) | {world.process.pid}) == 6


def test_a_join_waits_for_the_end(world: World) -> None:
    made = starter(world, "wasi_thread_start")
    tid = spawned(world)
    call = world.start(thread_join, tid)
    call.await_blocked()
    call.await_blocked_again(world.process.tasks[-1].poller.wake)  # a stray wake-up ends nothing
    world.process.task_ended(made.started[0][0])
    assert call.errno() is None
    world.call(thread_join, tid)  # gone already


def test_a_kill_ends_a_join(world: World) -> None:
    starter(world, "wasi_thread_start")
    call = world.start(thread_join, spawned(world))
    call.await_blocked()
    world.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_leaving_ends_the_calling_thread(world: World) -> None:
    with pytest.raises(ThreadEnd):
        world.call(thread_exit, 0)


def test_numbers_that_are_in_use_are_not_given_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = starter(world, "wasi_thread_start")
    monkeypatch.setattr(kernel, "_MOST_IDS", 3)
    first, second = spawned(world), spawned(world)
    assert (first, second) == (2, 3)
    world.process.task_ended(made.started[0][0])
    assert spawned(world) == 2


# -- errors -----------------------------------------------------------------------


def fails(world: World, errno: Errno) -> None:
    """Every form answers the same; no task is left behind."""
    before = list(world.process.tasks)
    with pytest.raises(SysError, match=errno.name):
        spawned(world)
    world.fails(errno, thread_spawn_v2, 8, RESULT)
    world.fails(errno, thread_spawn, 8, RESULT)
    world.fails(errno, thread_spawn_2022, 8, 0, 0, 0, RESULT)
    assert world.process.tasks == before


def test_thread_spawn_wasi_notcapable(world: World) -> None:
    fails(world, Errno.NOTCAPABLE)
    starter(world, "something_else")
    fails(world, Errno.NOTCAPABLE)


def test_thread_spawn_wasi_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    starter(world, "wasi_thread_start", "_start_thread", full=True)
    fails(world, Errno.AGAIN)
    starter(world, "wasi_thread_start", "_start_thread")
    world.kernel.max_threads = len(world.process.tasks)
    fails(world, Errno.AGAIN)


def test_thread_spawn_v2_fault(world: World) -> None:
    starter(world, "wasi_thread_start")
    world.fails(Errno.FAULT, thread_spawn_v2, 8, MEMORY - 3)


def test_thread_spawn_2022_fault(world: World) -> None:
    starter(world, "_start_thread")
    world.fails(Errno.FAULT, thread_spawn_2022, 8, 0, 0, 0, MEMORY - 3)


def test_thread_join_srch(world: World) -> None:
    world.fails(Errno.SRCH, thread_join, 0)
    world.fails(Errno.SRCH, thread_join, 12345)


def test_thread_join_deadlk(world: World) -> None:
    world.fails(Errno.DEADLK, thread_join, world.task.tid)
