"""Ending many tasks: told at once, woken in turn."""

from __future__ import annotations

import pytest

from pywasix.kernel import ending
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.task import Task
from world import World


class Poller:
    """Counts its wake-ups."""

    def __init__(self) -> None:
        self.woken = 0

    def wait(self, interests: object, timeout_ns: int | None) -> list[int]:
        raise AssertionError("nobody waits here")

    def wake(self) -> None:
        self.woken += 1

    def close(self) -> None: ...


def crowd(world: World, count: int) -> list[Task]:
    """Tasks of a guest that the engine runs, beside the main one."""
    tasks = [Task(world.process, 100 + number, Poller()) for number in range(count)]
    for task in tasks:
        task.interrupt_engine = lambda: None
    world.process.tasks.extend(tasks)
    return tasks


def woken(tasks: list[Task]) -> list[int]:
    return [task.poller.woken for task in tasks if isinstance(task.poller, Poller)]


def test_all_are_told_and_each_that_ends_wakes_the_next(world: World) -> None:
    tasks = crowd(world, 4)
    world.process.finish(ExitStatus(signal=9))
    assert all(task.stopping and task.attention for task in tasks)
    assert woken(tasks) == [1, 1, 0, 0]
    world.process.task_ended(tasks[1])
    assert woken(tasks) == [1, 1, 1, 0]
    world.process.task_ended(tasks[3])  # it woke by itself
    world.process.task_ended(tasks[0])
    assert woken(tasks) == [1, 1, 1, 0]
    world.process.task_ended(tasks[2])


def test_who_is_kept_from_ending_keeps_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(ending, "monotonic", lambda: now)
    tasks = crowd(world, 5)
    world.process.finish(ExitStatus(signal=9))
    world.kernel.ending_tasks.insist()
    assert woken(tasks) == [1, 1, 0, 0, 0]
    now += 1
    world.kernel.ending_tasks.insist()
    assert woken(tasks) == [1] * 5
    world.kernel.ending_tasks.insist()
    assert woken(tasks) == [1] * 5
    for task in tasks:
        world.process.task_ended(task)


def test_who_has_no_engine_is_woken_at_once(world: World) -> None:
    tasks = crowd(world, 3)
    commands = [Task(world.process, 200 + number, Poller()) for number in range(3)]
    world.process.tasks.extend(commands)
    world.process.finish(ExitStatus(signal=9))
    assert (woken(tasks), woken(commands)) == ([1, 1, 0], [1, 1, 1])
    for task in (*tasks, *commands):
        world.process.task_ended(task)
