"""Timers: in order, again and again, taken back, and no thread left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic_ns

import pytest

from pywasix.abi.enums import Signal
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.timers import Timers
from support import PATIENCE
from world import SIGNAL_HANDLER, World

MS = 1_000_000
LONG = 3600 * 1000 * MS


@pytest.fixture
def timers() -> Iterator[Timers]:
    made = Timers()
    yield made
    made.close()


def names() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "pywasix-timers"]


def test_the_earliest_comes_first_whenever_it_was_started(timers: Timers) -> None:
    seen: list[str] = []
    done = threading.Event()
    begun = monotonic_ns()
    timers.start(400 * MS, done.set)
    timers.start(20 * MS, lambda: seen.append("second"))
    timers.start(1, lambda: seen.append("first"))
    assert done.wait(PATIENCE)
    assert seen == ["first", "second"]
    assert monotonic_ns() - begun >= 400 * MS


def test_one_that_repeats_goes_on_until_it_is_taken_back(timers: Timers) -> None:
    seen = threading.Semaphore(0)
    timer = timers.start(0, seen.release, interval=MS)
    for _ in range(5):
        assert seen.acquire(timeout=PATIENCE)
    timers.cancel(timer)
    done = threading.Event()
    timers.start(0, done.set)
    assert done.wait(PATIENCE)  # an action that had begun is over now
    while seen.acquire(blocking=False):
        pass
    timers.start(5 * MS, done.clear)
    again = threading.Event()
    timers.start(6 * MS, again.set)
    assert again.wait(PATIENCE)
    assert not done.is_set()
    assert not seen.acquire(blocking=False)


def test_a_new_timer_wakes_the_thread_that_waits_for_a_later_one(timers: Timers) -> None:
    timers.start(LONG, lambda: None)
    done = threading.Event()
    timers.start(MS, done.set)
    assert done.wait(PATIENCE)


def test_nothing_runs_and_nothing_starts_after_the_end(timers: Timers) -> None:
    ran: list[int] = []
    timers.start(LONG, lambda: ran.append(1))
    timers.start(2**64, lambda: ran.append(2))
    assert names()
    timers.close()
    timers.close()
    assert not names()
    timers.start(0, lambda: ran.append(3))
    assert not names()
    assert ran == []


def test_a_thread_that_is_not_needed_ends_and_another_one_follows(
    timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pywasix.kernel.timers._LINGER", 0)
    for _ in range(3):
        done = threading.Event()
        timers.start(0, done.set)
        assert done.wait(PATIENCE)
        thread = next((each for each in threading.enumerate() if each.name == "pywasix-timers"), None)
        if thread is not None:
            thread.join(PATIENCE)
        assert not names()


# -- proc_raise_interval ----------------------------------------------------------


def attended(world: World) -> list[int]:
    """Wait for a signal in a world's task; returns which came."""
    before = len(world.signals)
    while len(world.signals) == before:
        world.task.poller.wait((), None)
        world.task.attend()
    return [arguments[0] for _, arguments in world.signals[before:]]


def test_a_timer_of_each_signal(world: World) -> None:
    signals = world.process.signals
    signals.use_handler(SIGNAL_HANDLER, exported=True)
    signals.raise_interval(Signal.ALRM, LONG, repeat=False)
    signals.raise_interval(Signal.ALRM, MS, repeat=False)  # in place of the first
    signals.raise_interval(Signal.PROF, LONG, repeat=True)
    assert attended(world) == [Signal.ALRM]
    signals.raise_interval(Signal.PROF, 1, repeat=True)
    assert attended(world) == [Signal.PROF]
    assert attended(world) == [Signal.PROF]
    signals.raise_interval(Signal.PROF, 0, repeat=True)
    signals.raise_interval(Signal.ALRM, 0, repeat=False)  # there is none any more
    assert not signals._timers.keys() & {Signal.PROF}


def test_the_end_of_a_process_takes_its_timers(world: World) -> None:
    other = world.kernel.start_process((), (), max_fds=1)
    other.signals.raise_interval(Signal.ALRM, LONG, repeat=True)
    other.finish(ExitStatus())
    other.task_ended(other.main_task)
    assert not world.kernel.timers._due
    assert names(), "the program goes on"


def test_a_fork_has_no_timers_and_exec_keeps_them(world: World) -> None:
    other = world.kernel.start_process((), (), max_fds=1)
    signals = world.process.signals
    signals.raise_interval(Signal.ALRM, LONG, repeat=True)
    signals.forked(other, world.task)
    signals.reset_for_exec()
    assert (len(signals._timers), len(other.signals._timers)) == (1, 0)
    other.finish(ExitStatus())
    other.task_ended(other.main_task)
