"""Moving the epoch on until those that are meant have met it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import get_ident
from typing import Any

import pytest

from pywasix.engine.epoch import interrupt
from pywasix.kernel.process import ExitStatus, Process
from world import World

FIRST_AND_AGAIN = 4


class Engine:
    """Counts how often the epoch moves on."""

    def __init__(self) -> None:
        self.epoch = 0

    def increment_epoch(self) -> None:
        self.epoch += 1


@pytest.fixture
def world() -> Iterator[World]:
    with World() as found:
        yield found


@pytest.fixture
def computing(world: World) -> Iterator[Process]:
    """A process whose task never meets the epoch."""
    made = world.kernel.start_process((), (), max_fds=4, parent=world.process.pid)
    made.main_task.thread = -2
    yield made
    made.main_task.thread = 0
    made.finish(ExitStatus())
    made.task_ended(made.main_task)


def moved(process: Process) -> int:
    """How often interrupting a process moves the epoch on."""
    engine: Any = Engine()
    interrupt(engine, process.main_task)
    return int(engine.epoch)


def test_it_moves_on_again_for_who_has_not_met_it(computing: Process) -> None:
    assert moved(computing) == FIRST_AND_AGAIN
    computing.main_task.ended = True
    assert moved(computing) == 1
    computing.main_task.ended = False


def test_who_interrupts_many_and_is_ended_meanwhile_waits_for_none_of_them(world: World, computing: Process) -> None:
    world.task.thread = get_ident()
    assert moved(computing) == FIRST_AND_AGAIN
    world.task.stopping = True
    assert moved(computing) == 1
    world.task.thread = 0


def test_who_ends_his_own_process_waits_for_its_other_threads(world: World) -> None:
    other = world.kernel.start_task(world.process)
    other.thread, world.task.thread, world.task.stopping = -2, get_ident(), True
    assert moved(world.process) == FIRST_AND_AGAIN + 1
    other.thread = world.task.thread = 0
