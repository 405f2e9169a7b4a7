"""Processes, tasks, signals: how they are told things, and how they end."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import Disposition, Signal
from pywasix.errors import Killed, SysError, ThreadEnd
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.signal import IGNORED_BY_DEFAULT, STOPS_BY_DEFAULT, Signals
from pywasix.kernel.task import Task
from world import SIGNAL_HANDLER, WatchedPoller, World


def another(world: World) -> Task:
    task = Task(world.process, 77, WatchedPoller())
    world.process.tasks.append(task)
    return task


# -- processes ------------------------------------------------------------------


def test_the_first_status_counts(world: World) -> None:
    world.process.finish(ExitStatus(code=3))
    world.process.terminate(9)
    assert world.process.status == ExitStatus(code=3)
    assert world.task.stopping


def test_a_process_lasts_as_long_as_its_last_task(world: World) -> None:
    second = another(world)
    world.path("/dev/null")
    world.process.task_ended(world.task)
    assert not world.process.ended.is_set()
    assert len(world.fds) == 1
    assert world.kernel.process(world.process.pid) is world.process
    world.process.task_ended(second)
    assert world.process.ended.is_set()
    assert len(world.fds) == 0
    assert world.process.status == ExitStatus()
    assert world.kernel.process(world.process.pid) is None
    assert list(world.kernel.all_tasks()) == []


def test_pids_are_not_used_again(world: World) -> None:
    child = world.kernel.start_process((b"a",), (b"K=V",), max_fds=3, parent=world.process.pid)
    assert (child.args, child.env, child.parent) == ([b"a"], [b"K=V"], world.process.pid)
    child.task_ended(child.main_task)
    other = world.kernel.start_process((), (), max_fds=3)
    assert other.pid > child.pid
    other.complain("nobody hears this")
    other.task_ended(other.main_task)


# -- tasks ----------------------------------------------------------------------


def test_nothing_to_attend(world: World) -> None:
    assert world.task.attend() is False
    world.task.notify()
    assert world.task.attend() is False, "told, but there is no signal"
    world.task.interruption_point()


def test_a_stopped_task_ends_at_every_point(world: World) -> None:
    interrupted = []
    world.task.interrupt_engine = lambda: interrupted.append(True)
    world.task.stop()
    for _ in range(2):
        with pytest.raises(ThreadEnd):
            world.task.interruption_point()
    assert interrupted == [True]


def test_a_killed_task_tells_the_signal(world: World) -> None:
    world.process.terminate(Signal.TERM)
    with pytest.raises(Killed) as raised:
        world.task.attend()
    assert raised.value.signal == Signal.TERM


def test_a_task_without_an_engine_runs_nothing(world: World) -> None:
    world.task.disconnect()
    world.task.interrupt_engine()
    with pytest.raises(AssertionError, match="no engine"):
        world.task.call_guest("f", (1,))


# -- signals --------------------------------------------------------------------


@pytest.mark.parametrize("number", sorted(Signal))
def test_without_a_handler_the_default_happens_at_once(world: World, number: Signal) -> None:
    world.process.signals.post(number)
    ended = world.process.status is not None
    assert ended == (number not in IGNORED_BY_DEFAULT | STOPS_BY_DEFAULT and number != 0)
    assert world.process.halted == (number if number in STOPS_BY_DEFAULT else 0)
    if ended:
        assert world.process.status == ExitStatus(signal=number)


def test_kill_is_never_handled_blocked_or_ignored(world: World) -> None:
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    signals.use_handler("nothing", exported=False)
    signals.dispositions[Signal.KILL] = Disposition.IGNORE
    signals.post(Signal.KILL)
    assert world.process.status == ExitStatus(signal=Signal.KILL)


def test_an_inherited_ignore(world: World) -> None:
    signals = Signals(world.process, {Signal.INT: Disposition.IGNORE, Signal.TERM: Disposition.DEFAULT})
    signals.post(Signal.INT)
    assert world.process.status is None
    signals.post(Signal.TERM)
    assert world.process.status == ExitStatus(signal=Signal.TERM)


def test_pending_signals_come_once_the_lowest_first(world: World) -> None:
    """Linux: signal(7), standard signals do not queue."""
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    for number in (Signal.USR1, Signal.INT, 0, Signal.INT):
        signals.post(number)
    with pytest.raises(SysError, match="INTR"):
        world.task.interruption_point()
    assert [arguments for _, arguments in world.signals] == [(Signal.INT,), (Signal.USR1,)]
    world.task.interruption_point()


@pytest.mark.parametrize("number", [Signal.WINCH, Signal.CONT, Signal.URG])
def test_signals_that_calls_go_on_after(world: World, number: Signal) -> None:
    """A program without a handler for them must not see INTR, and the kernel cannot know whether it has one."""
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    signals.post(number)
    world.task.interruption_point()
    assert [arguments for _, arguments in world.signals] == [(number,)]
    signals.post(number)
    signals.post(Signal.USR1)
    with pytest.raises(SysError, match="INTR"):
        world.task.interruption_point()


def test_a_signal_does_not_interrupt_its_own_handler(world: World) -> None:
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    steps: list[str] = []

    def handler(name: str, arguments: tuple[int, ...]) -> None:
        steps.append(f"begin {arguments[0]}")
        if len(steps) == 1:
            signals.post(Signal.INT)
            signals.post(Signal.USR1)
            world.task.attend()  # what a system call of the handler ends with
        steps.append(f"end {arguments[0]}")

    world.task.call_guest = handler
    signals.post(Signal.INT)
    assert world.task.attend() is True
    assert steps == ["begin 2", "begin 10", "end 10", "end 2", "begin 2", "end 2"]


def test_blocked_signals_wait_also_without_a_handler(world: World) -> None:
    signals = world.process.signals
    signals.use_handler("__wasm_signal_blocked", exported=False)
    signals.post(Signal.INT)
    assert world.task.attend() is False
    assert world.process.status is None
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    assert world.task.attend() is True
    assert world.signals == [(SIGNAL_HANDLER, (2,))]


def test_a_handler_that_blocks_keeps_the_rest(world: World) -> None:
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    world.task.call_guest = lambda name, arguments: signals.use_handler("blocked", exported=False)
    signals.post(Signal.INT)
    signals.post(Signal.USR1)
    assert world.task.attend() is True
    world.context(world.task)
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    assert world.task.attend() is True
    assert world.signals == [(SIGNAL_HANDLER, (Signal.USR1,))]


def test_a_call_that_goes_on_after_a_handler_keeps_its_file(world: World) -> None:
    """The handler's own calls end with no file that they wait on."""
    fd, call = world.path("/dev/null"), world.task.call_guest
    file = world.fds.get(fd).file
    closing = False

    def handler(name: str, arguments: tuple[int, ...]) -> None:
        call(name, arguments)
        world.task.waiting_on = None
        if closing:
            world.fds.close(fd)

    world.task.call_guest = handler
    world.task.waiting_on = file
    world.signal(Signal.CHLD)
    world.task.interruption_point()
    assert world.task.waiting_on is file
    closing = True
    world.signal(Signal.CHLD)
    with pytest.raises(SysError, match="BADF"):
        world.task.interruption_point()
    world.task.leave(file)
    assert len(world.signals) == 2
    assert world.task.lost_file is None
