"""Processes that a signal has stopped: when they stand still, what their parent is told, what waits meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from pywasix.abi.enums import Disposition, Signal
from pywasix.errors import Killed, ThreadEnd
from pywasix.kernel import children
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.task import Task
from pywasix.kernel.vfork import VforkChild
from support import PATIENCE
from world import SIGNAL_HANDLER, WatchedPoller, World, await_blocked


@pytest.fixture
def child(world: World) -> Iterator[Process]:
    made = world.kernel.start_process((), (), max_fds=4, parent=world.process.pid)
    yield made
    made.finish(ExitStatus())
    for task in list(made.tasks):
        if not task.ended:
            made.task_ended(task)


class Standing:
    """A task that attends in a thread of its own, where it stands still."""

    def __init__(self, task: Task) -> None:
        self.raised: BaseException | None = None
        self._thread = Thread(target=self._run, args=(task,), daemon=True)
        self._thread.start()
        await_blocked(task)

    def _run(self, task: Task) -> None:
        try:
            task.attend()
        except BaseException as error:
            self.raised = error

    def result(self) -> BaseException | None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it stands still"
        return self.raised


def told(world: World) -> tuple[int, int] | None:
    news = children.join(world.task, None, wait=False, stopped=True)
    return None if news is None else (news.child.pid, news.stopped)


@pytest.mark.parametrize("number", [Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU])
def test_it_has_stopped_when_its_last_task_stands_still(world: World, child: Process, number: int) -> None:
    second = world.kernel.start_task(child)
    child.signals.post(number)
    first = Standing(child.main_task)
    assert (child.halted, child.stands, told(world)) == (number, False, None)
    other = Standing(second)
    assert child.stands
    assert told(world) == (child.pid, number)
    assert told(world) is None
    child.signals.post(Signal.CONT)
    assert (first.result(), other.result(), child.stands) == (None, None, False)


def test_it_has_stopped_when_the_task_that_does_not_stand_still_ends(world: World, child: Process) -> None:
    second = world.kernel.start_task(child)
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.task_ended(second)
    assert told(world) == (child.pid, Signal.STOP)
    child.signals.post(Signal.CONT)
    assert first.result() is None


def test_a_stop_so_soon_after_that_nobody_has_gone_on_is_told_again(world: World, child: Process) -> None:
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    assert told(world) == (child.pid, Signal.STOP)
    child.main_task.standing = True  # as if it had not woken between these two
    child.halted, child.stands = 0, False
    child.signals.post(Signal.STOP)
    assert told(world) == (child.pid, Signal.STOP)
    child.signals.post(Signal.CONT)
    assert first.result() is None


def test_one_that_goes_on_before_it_was_asked_for_is_not_told(world: World, child: Process) -> None:
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.signals.post(Signal.CONT)
    assert first.result() is None
    assert told(world) is None


def test_the_parent_gets_sigchld_for_both(world: World, child: Process) -> None:
    world.process.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    world.task.attend()
    assert world.signals == [(SIGNAL_HANDLER, (Signal.CHLD,))]
    child.signals.post(Signal.CONT)
    first.result()
    world.task.attend()
    assert world.signals == [(SIGNAL_HANDLER, (Signal.CHLD,))] * 2


def test_a_handled_stop_signal_stops_nothing(child: Process) -> None:
    got: list[tuple[int, ...]] = []
    child.main_task.call_guest = lambda _, arguments: got.append(arguments)
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.signals.post(Signal.TSTP)
    child.main_task.attend()
    assert (child.halted, got) == (0, [(Signal.TSTP,)])


@pytest.mark.parametrize(("number", "halted"), [(Signal.TSTP, 0), (Signal.STOP, Signal.STOP)])
def test_an_ignored_one_stops_nothing_but_for_sigstop(child: Process, number: int, halted: int) -> None:
    child.signals.dispositions = {number: Disposition.IGNORE}
    child.signals.post(number)
    assert child.halted == halted


def test_stop_and_continue_take_each_other_back(child: Process) -> None:
    got: list[int] = []
    child.main_task.call_guest = lambda _, arguments: got.append(arguments[0])
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.signals.use_handler("no such name", exported=False)
    child.signals.post(Signal.TSTP)
    child.signals.post(Signal.CONT)
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.main_task.attend()
    child.signals.use_handler("no such name", exported=False)
    child.signals.post(Signal.CONT)
    child.signals.post(Signal.TSTP)
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.main_task.attend()
    assert got == [Signal.CONT, Signal.TSTP]


def test_what_comes_while_it_is_stopped_waits(child: Process) -> None:
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.signals.post(Signal.TERM)
    assert child.status is None
    child.signals.post(Signal.CONT)
    first.result()
    assert child.status == ExitStatus(signal=Signal.TERM)


def test_a_handler_runs_when_it_goes_on(child: Process) -> None:
    got: list[int] = []
    child.main_task.call_guest = lambda _, arguments: got.append(arguments[0])
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.signals.post(Signal.USR1)
    assert not got
    child.signals.post(Signal.CONT)
    first.result()
    assert got == [Signal.USR1, Signal.CONT]


def test_a_kill_ends_one_that_is_stopped(child: Process) -> None:
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.signals.post(Signal.KILL)
    assert isinstance(first.result(), Killed)


def test_a_kill_of_another_task_ends_one_that_stands_still(child: Process) -> None:
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    child.main_task.stop()
    assert isinstance(first.result(), ThreadEnd)


def test_a_parent_whose_child_runs_in_its_place_stops_when_that_has_ended(world: World, child: Process) -> None:
    running = VforkChild(child.main_task, world.kernel.fork_process(child.main_task))
    task = child.main_task
    running.begin()
    child.signals.post(Signal.STOP)
    assert not task.attend()
    running.exited(0)
    stands = Standing(task)
    assert child.stands
    child.signals.post(Signal.CONT)
    assert stands.result() is None


def test_the_first_process_has_no_parent_in_the_program(world: World) -> None:
    calls: list[bool] = []
    world.kernel.when_stopped = lambda: calls.append(world.process.stands)
    world.process.signals.post(Signal.STOP)
    first = Standing(world.task)
    assert calls == [True]
    world.process.signals.post(Signal.CONT)
    assert first.result() is None


def test_one_that_was_killed_while_it_was_stopped_is_not_stopped(world: World) -> None:
    world.process.signals.post(Signal.STOP)
    first = Standing(world.task)
    assert world.process.stands
    world.process.signals.post(Signal.KILL)
    assert isinstance(first.result(), Killed)
    assert (world.process.halted, world.process.stands) == (0, False)


def test_what_waits_wakes_nobody(child: Process) -> None:
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    got: list[int] = []
    child.main_task.call_guest = lambda _, arguments: got.append(arguments[0])
    child.signals.post(Signal.STOP)
    first = Standing(child.main_task)
    poller = child.main_task.poller
    assert isinstance(poller, WatchedPoller)
    poller.entered.clear()
    for _ in range(100):
        child.signals.post(Signal.USR1)
    child.signals.post(Signal.CONT)
    assert first.result() is None
    assert (poller.entered.is_set(), got) == (False, [Signal.USR1, Signal.CONT])
