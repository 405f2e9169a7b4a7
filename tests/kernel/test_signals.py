"""Who gets a signal: processes, groups, threads, masks, and what fork and exec make of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pywasix.abi.enums import Disposition, Signal
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.signal import MAIN_THREAD, send, send_to_thread
from pywasix.kernel.task import Task
from world import SIGNAL_HANDLER, World

EVERYBODY = -1


class Family:
    """Three processes of one kernel that handle signals; `got` has (pid, tid, signal) in the order of the handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.got: list[tuple[int, int, int]] = []
        kernel = world.kernel
        self.first = world.process
        self.second = kernel.start_process((), (), max_fds=4, parent=self.first.pid)
        self.third = kernel.start_process((), (), max_fds=4, parent=self.first.pid)
        for process in (self.first, self.second, self.third):
            process.signals.use_handler(SIGNAL_HANDLER, exported=True)
            self.connect(process.main_task)

    def connect(self, task: Task) -> None:
        where = task.process.pid, task.tid
        task.call_guest = lambda _, arguments: self.got.append((*where, arguments[0]))

    def thread(self, process: Process) -> Task:
        task = self.world.kernel.start_task(process)
        self.connect(task)
        return task

    def attend(self) -> list[tuple[int, int, int]]:
        """Let every task look; returns what its handlers got since the last time."""
        self.got.clear()
        for task in self.world.kernel.all_tasks():
            task.attend()
        return list(self.got)


@pytest.fixture
def family(world: World) -> Iterator[Family]:
    made = Family(world)
    yield made
    for process in (made.second, made.third):
        process.finish(ExitStatus())
        for task in list(process.tasks):
            process.task_ended(task)


def got_by(*processes: Process, number: int = Signal.USR1) -> list[tuple[int, int, int]]:
    return [(process.pid, process.pid, number) for process in processes]


# -- kill(2) --------------------------------------------------------------------


def test_one_process(family: Family) -> None:
    send(family.first, family.second.pid, Signal.USR1)
    assert family.attend() == got_by(family.second)


def test_signal_zero_only_asks(family: Family) -> None:
    send(family.first, family.second.pid, 0)
    assert family.attend() == []
    with pytest.raises(SysError, match="SRCH"):
        send(family.first, 4000, 0)


def test_all_processes_are_one_group(family: Family) -> None:
    send(family.second, 0, Signal.USR1)
    assert family.attend() == got_by(family.first, family.second, family.third)
    with pytest.raises(SysError, match="SRCH"):
        send(family.second, -family.second.pid, Signal.USR1)


def test_everybody_is_all_but_the_caller(family: Family) -> None:
    send(family.second, EVERYBODY, Signal.USR1)
    assert family.attend() == got_by(family.first, family.third)


def test_who_kills_the_group_ends_last(family: Family) -> None:
    send(family.second, 0, Signal.KILL)
    assert [each.status for each in (family.first, family.second, family.third)] == [ExitStatus(signal=9)] * 3


@pytest.mark.parametrize("number", [-1, 32, 255])
def test_no_such_signal(family: Family, number: int) -> None:
    for call in (send, send_to_thread):
        with pytest.raises(SysError) as raised:
            call(family.first, family.first.pid, number)
        assert raised.value.errno is Errno.INVAL


def test_an_ended_process_takes_signals_without_a_word(family: Family) -> None:
    """As a zombie does: it is there until its parent has asked for it."""
    family.second.terminate(Signal.TERM)
    send(family.first, family.second.pid, Signal.USR1)
    assert family.second.status == ExitStatus(signal=Signal.TERM)


# -- threads --------------------------------------------------------------------


def test_one_thread(family: Family) -> None:
    task = family.thread(family.first)
    send_to_thread(family.first, task.tid, Signal.USR1)
    assert family.attend() == [(family.first.pid, task.tid, Signal.USR1)]
    for tid in (family.first.pid, MAIN_THREAD):
        send_to_thread(family.first, tid, Signal.USR1)
        assert family.attend() == got_by(family.first)


def test_a_thread_of_another_process_is_none(family: Family) -> None:
    with pytest.raises(SysError, match="SRCH"):
        send_to_thread(family.first, family.second.pid, Signal.USR1)


def test_an_ended_thread_is_none_and_its_signals_are_gone(family: Family) -> None:
    task = family.thread(family.first)
    send_to_thread(family.first, task.tid, Signal.USR1)
    family.first.task_ended(task)
    assert family.attend() == []
    with pytest.raises(SysError, match="SRCH"):
        send_to_thread(family.first, task.tid, Signal.USR1)


def test_a_thread_takes_what_the_main_thread_blocks(family: Family) -> None:
    task = family.thread(family.first)
    family.first.signals.use_handler("blocked", exported=False, task=family.first.main_task)
    family.first.signals.post(Signal.USR1)
    assert family.attend() == [(family.first.pid, task.tid, Signal.USR1)]


def test_what_a_thread_was_told_and_then_blocks_goes_to_another(family: Family) -> None:
    task, signals = family.thread(family.first), family.first.signals
    signals.post(Signal.USR1)  # the main task was told
    signals.use_handler("blocked", exported=False)
    assert task.attention
    assert family.attend() == [(family.first.pid, task.tid, Signal.USR1)]


def test_what_a_thread_was_told_goes_to_another_when_it_ends(family: Family) -> None:
    task, signals = family.thread(family.first), family.first.signals
    signals.use_handler("blocked", exported=False)
    signals.post(Signal.USR1)
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    family.first.main_task.attention = False
    signals.post(Signal.USR2)
    family.first.task_ended(task)
    assert family.attend() == got_by(family.first) + got_by(family.first, number=Signal.USR2)


def test_a_signal_to_a_blocked_thread_waits_for_it(family: Family) -> None:
    task, signals = family.thread(family.first), family.first.signals
    signals.use_handler("blocked", exported=False, task=task)
    send_to_thread(family.first, task.tid, Signal.USR1)
    assert family.attend() == []
    signals.use_handler(SIGNAL_HANDLER, exported=True, task=task)
    assert family.attend() == [(family.first.pid, task.tid, Signal.USR1)]


def test_two_threads_may_handle_one_signal_at_once(family: Family) -> None:
    """Linux: a signal is blocked in its handler's thread only."""
    task, signals = family.thread(family.first), family.first.signals
    seen: list[list[tuple[int, int, int]]] = []

    def handler(name: str, arguments: tuple[int, ...]) -> None:
        signals.post(arguments[0])
        task.attend()
        seen.append(list(family.got))

    family.first.main_task.call_guest = handler
    signals.post(Signal.USR1)
    family.first.main_task.attend()
    assert seen == [[(family.first.pid, task.tid, Signal.USR1)]]


# -- fork and exec --------------------------------------------------------------


def test_a_fork_copies_everything_but_what_is_pending(family: Family) -> None:
    child, signals = family.third, family.first.signals
    child.signals.reset_for_exec()
    signals.dispositions = {int(Signal.PIPE): Disposition.IGNORE}
    task = family.thread(family.first)
    signals.use_handler("blocked", exported=False, task=task)
    signals.use_handler("blocked", exported=False)
    signals.post(Signal.USR1)
    send_to_thread(family.first, task.tid, Signal.USR2)
    signals.forked(child, task)
    assert child.signals.handler == SIGNAL_HANDLER
    assert child.signals.dispositions == signals.dispositions
    assert child.signals.dispositions is not signals.dispositions
    assert child.main_task.signals.blocked
    child.signals.use_handler(SIGNAL_HANDLER, exported=True)
    assert family.attend() == []


def test_a_fork_in_a_handler_blocks_its_signal_in_the_child_too(family: Family) -> None:
    signals, child = family.first.signals, family.second
    family.first.main_task.call_guest = lambda *_: signals.forked(child, family.first.main_task)
    signals.post(Signal.USR1)
    family.first.main_task.attend()
    child.signals.post(Signal.USR1)
    child.signals.post(Signal.USR2)
    assert family.attend() == got_by(child, number=Signal.USR2)


def test_exec_forgets_handlers_and_keeps_what_is_pending(family: Family) -> None:
    signals = family.first.signals
    signals.use_handler("blocked", exported=False)
    signals.post(Signal.CHLD)
    signals.reset_for_exec({Signal.PIPE: Disposition.IGNORE})
    assert (signals.handler, signals.dispositions) == (None, {Signal.PIPE: Disposition.IGNORE})
    assert family.attend() == [], "SIGCHLD is ignored by default"
    signals.post(Signal.PIPE)
    signals.use_handler("blocked", exported=False)
    signals.post(Signal.TERM)
    signals.reset_for_exec()
    assert signals.dispositions == {Signal.PIPE: Disposition.IGNORE}
    family.first.main_task.attend()
    assert family.first.status == ExitStatus(signal=Signal.TERM)
