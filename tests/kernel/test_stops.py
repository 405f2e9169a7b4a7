"""Processes that a signal has stopped: when they stand still, what their parent is told, what waits meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from pywasix.abi.enums import Disposition, Signal
from pywasix.errors import Killed, ThreadEnd
from pywasix.kernel import children
from pywasix.kernel.launch import Program, Running
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.task import Task
from pywasix.kernel.vfork import VforkChild
from support import PATIENCE, wait_until
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


class Launched:
    """A launcher that runs nothing, and a program that it is given. `found` is what its main task is told by then."""

    def __init__(self) -> None:
        self.found: tuple[bool, bool] | None = None

    def find(self, *_: object) -> Program:
        raise AssertionError("nobody looks for a program")

    def launch(self, process: Process, running: Running) -> None:
        self.found = process.main_task.attention, process.main_task.stopping

    def program(self) -> Program:
        return Program([b"next"], lambda _: self)

    def run(self) -> tuple[()]:
        return ()

    def close(self) -> None:
        """Nothing was taken."""


@pytest.mark.parametrize(
    ("number", "stopping"), [(Signal.KILL, True), (Signal.TERM, True), (Signal.STOP, False), (Signal.USR1, False)]
)
@pytest.mark.parametrize("early", [True, False])
def test_what_meets_a_child_that_runs_in_its_parents_place_meets_the_program_that_it_runs_next(
    world: World, child: Process, number: int, stopping: bool, early: bool
) -> None:
    """However late: it was told to a task that the child has no more when it runs the program."""
    launched = world.kernel.launcher = Launched()
    task, made = child.main_task, world.kernel.fork_process(child.main_task)
    if number == Signal.USR1:
        made.signals.use_handler(SIGNAL_HANDLER, exported=True)
    running = VforkChild(task, made)
    if early:
        made.signals.post(number)
    running.begin()
    if not early:
        made.signals.post(number)
    assert (task.attention, task.stopping) == (True, stopping)
    running.go_away(launched.program())
    assert launched.found == (True, stopping)
    assert not task.stopping
    made.finish(ExitStatus())
    made.task_ended(made.main_task)


def test_a_thread_of_a_process_that_was_just_stopped_stands_still_too(world: World, child: Process) -> None:
    child.signals.post(Signal.STOP)
    assert world.kernel.start_task(child).attention
    child.signals.post(Signal.CONT)
    assert not world.kernel.start_task(child).attention


def test_who_was_stopped_while_he_waited_sees_that_his_child_has_ended(world: World, child: Process) -> None:
    """The end of the child wakes him from standing still, and nothing wakes him from waiting after that."""
    found: list[children.Told | None] = []
    waiter = Thread(target=lambda: found.append(children.join(world.task, None, wait=True)), daemon=True)
    waiter.start()
    await_blocked(world.task)
    world.process.signals.post(Signal.STOP)
    wait_until(lambda: world.process.stands)
    poller = world.task.poller
    assert isinstance(poller, WatchedPoller)
    await_blocked(world.task)
    poller.entered.clear()
    child.finish(ExitStatus(code=5))
    child.task_ended(child.main_task)
    await_blocked(world.task)  # once more: it has woken, and stands still
    world.process.signals.post(Signal.CONT)
    waiter.join(PATIENCE)
    assert [told.child for told in found if told is not None] == [child]


def test_of_a_stop_and_a_continue_at_once_one_is_the_later_one(child: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop by another one just before the process goes on must not take back the signal that lets it go on."""
    got: list[int] = []
    child.main_task.call_guest = lambda _, arguments: got.append(arguments[0])
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    go_on = child.go_on

    def stopped_before(to: Task | None = None) -> bool:
        child.signals.post(Signal.STOP)
        return go_on(to)

    monkeypatch.setattr(child, "go_on", stopped_before)
    child.signals.post(Signal.CONT)
    child.main_task.attend()
    assert (child.halted, got) == (0, [Signal.CONT])


def test_a_thread_gets_the_continue_that_was_sent_to_it(world: World, child: Process) -> None:
    second = world.kernel.start_task(child)
    got: list[Task] = []
    for task in child.tasks:
        task.call_guest = lambda *_, task=task: got.append(task)
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    child.signals.post(Signal.STOP)
    child.signals.post(Signal.CONT, second)
    child.main_task.attend()
    assert got == []
    second.attend()
    assert got == [second]
