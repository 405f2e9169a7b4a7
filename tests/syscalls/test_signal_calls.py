"""The calls that send signals."""

from __future__ import annotations

from threading import Thread

import pytest

from pywasix.abi.enums import Signal
from pywasix.abi.errno import Errno
from pywasix.kernel.signal import MAIN_THREAD
from pywasix.syscalls.signal import proc_raise, proc_raise_interval, proc_signal, thread_signal
from world import SIGNAL_HANDLER, WASIX_2022, World

U32 = 1 << 32


@pytest.fixture(autouse=True)
def handled(world: World) -> None:
    world.process.signals.use_handler(SIGNAL_HANDLER, exported=True)


def test_a_handler_has_run_when_the_call_returns(world: World) -> None:
    world.call(proc_raise, Signal.USR1)
    world.call(proc_signal, world.process.pid, Signal.USR2)
    world.call(proc_signal, 0, Signal.HUP)
    world.call(thread_signal, world.task.tid, Signal.TERM)
    world.call(thread_signal, MAIN_THREAD, Signal.ALRM)
    assert [arguments for _, arguments in world.signals] == [(10,), (12,), (1,), (15,), (14,)]


def test_signal_zero_is_none(world: World) -> None:
    world.call(proc_raise, 0)
    world.call(proc_signal, world.process.pid, 0)
    world.call(thread_signal, world.task.tid, 0)
    assert world.signals == []


def test_a_raise_reaches_its_own_thread(world: World) -> None:
    task = world.kernel.start_task(world.process)
    told: list[int] = []
    ctx = world.context(task)
    task.call_guest = lambda _, arguments: told.append(arguments[0])
    world.call(proc_raise, Signal.USR1, ctx=ctx)
    assert told == [Signal.USR1]
    assert world.signals == []


def test_proc_raise_inval(world: World) -> None:
    world.fails(Errno.INVAL, proc_raise, 32)


def test_proc_signal_inval(world: World) -> None:
    world.fails(Errno.INVAL, proc_signal, world.process.pid, 255)


def test_proc_signal_srch(world: World) -> None:
    world.fails(Errno.SRCH, proc_signal, 77, Signal.USR1)
    world.fails(Errno.SRCH, proc_signal, U32 - 77, Signal.USR1)  # a group
    world.fails(Errno.SRCH, proc_signal, U32 - 1, Signal.USR1)  # everybody but the caller is nobody


def test_in_2022_a_program_s_first_thread_called_itself_0() -> None:
    with World(generation=WASIX_2022) as world:
        world.process.signals.use_handler(SIGNAL_HANDLER, exported=True)
        world.call(thread_signal, 0, Signal.TERM)
        assert world.signals == [(SIGNAL_HANDLER, (Signal.TERM,))]


def test_thread_signal_inval(world: World) -> None:
    world.fails(Errno.INVAL, thread_signal, world.task.tid, 32)


def test_thread_signal_srch(world: World) -> None:
    world.fails(Errno.SRCH, thread_signal, 77, Signal.USR1)
    world.fails(Errno.SRCH, thread_signal, 0, 0)


def test_a_timer_is_set_and_taken_back(world: World) -> None:
    world.call(proc_raise_interval, Signal.ALRM, 1, 0)
    while not world.signals:
        world.task.poller.wait((), None)
        world.task.attend()
    assert world.signals == [(SIGNAL_HANDLER, (14,))]
    world.call(proc_raise_interval, Signal.ALRM, 2**64 - 1, 1)
    world.call(proc_raise_interval, Signal.ALRM, 0, 0)


def test_proc_raise_interval_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as host:
        host.setattr(Thread, "start", full)
        world.fails(Errno.AGAIN, proc_raise_interval, Signal.ALRM, 1, 0)
    test_a_timer_is_set_and_taken_back(world)


def test_proc_raise_interval_inval(world: World) -> None:
    world.fails(Errno.INVAL, proc_raise_interval, 0, 1, 1)
    world.fails(Errno.INVAL, proc_raise_interval, 32, 1, 1)
