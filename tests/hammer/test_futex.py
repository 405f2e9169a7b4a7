"""Futexes under load: no wake-up is lost, whoever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from contract.guest_process import Caller, GuestProcess
from pywasix.abi.errno import Errno
from pywasix.errors import Killed
from pywasix.syscalls import futex
from support import PATIENCE

WORD, NEVER, WOKEN = 0, 64, 128


class Shared:
    """Tasks whose callers look at one memory, as threads of a guest do."""

    def __init__(self, process: GuestProcess, count: int) -> None:
        self.process = process
        first = process.another()
        first.memory[:] = bytes(len(first.memory))
        self.memory = first.memory
        self.callers = [first, *(process.another() for _ in range(count - 1))]
        for index, caller in enumerate(self.callers):
            caller.memory = first.memory
            caller.context.memory = first.context.memory
            self.memory[self.woken(index)] = 0xAA
        self._lock = Lock()  # in place of the atomic instructions that a guest has

    @staticmethod
    def woken(index: int) -> int:
        """Where a task keeps its result."""
        return WOKEN + index

    @property
    def value(self) -> int:
        return int.from_bytes(self.memory[WORD : WORD + 4], "little")

    def add(self, amount: int) -> int:
        """Change the word; returns what it was."""
        with self._lock:
            before = self.value
            self.memory[WORD : WORD + 4] = (before + amount).to_bytes(4, "little")
            return before

    def take(self) -> bool:
        """Take one off the word if there is one (a semaphore)."""
        with self._lock:
            if not self.value:
                return False
            self.memory[WORD : WORD + 4] = (self.value - 1).to_bytes(4, "little")
            return True

    def wait(self, index: int, expected: int) -> bool:
        """futex_wait without end; returns whether it was woken."""
        caller = self.callers[index]
        assert caller.call(futex.futex_wait, WORD, expected, NEVER, self.woken(index)) is Errno.SUCCESS
        return bool(self.memory[self.woken(index)])

    def wake(self, caller: Caller, index: int, *, everybody: bool = False) -> bool:
        call = futex.futex_wake_all if everybody else futex.futex_wake
        assert caller.call(call, WORD, self.woken(index)) is Errno.SUCCESS
        return bool(self.memory[self.woken(index)])


@pytest.fixture
def process() -> Iterator[GuestProcess]:
    with GuestProcess() as found:
        yield found


def test_a_semaphore_loses_nothing(process: GuestProcess) -> None:
    """Each post is taken exactly once; a lost wake-up would leave a taker asleep for ever."""
    takers, posters, each = 3, 2, 900
    shared = Shared(process, takers + posters)
    gate = Barrier(takers + posters)

    def take(index: int) -> int:
        gate.wait(PATIENCE)
        for _ in range(posters * each // takers):
            while not shared.take():
                shared.wait(index, 0)
        return index

    def post(index: int) -> int:
        gate.wait(PATIENCE)
        for _ in range(each):
            shared.add(1)
            shared.wake(shared.callers[index], index)
        return index

    with ThreadPoolExecutor(takers + posters) as pool:
        work = [pool.submit(take, index) for index in range(takers)]
        work += [pool.submit(post, index) for index in range(takers, takers + posters)]
        assert [future.result(PATIENCE) for future in work] == list(range(takers + posters))
    assert shared.value == 0
    assert not process.kernel.futexes._queues


def test_two_tasks_take_turns(process: GuestProcess) -> None:
    shared, turns = Shared(process, 2), 1500

    def play(index: int) -> None:
        for turn in range(index, 2 * turns, 2):
            while (value := shared.value) != turn:
                shared.wait(index, value)
            shared.add(1)
            shared.wake(shared.callers[index], index)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(play, index) for index in range(2)]:
            future.result(PATIENCE)
    assert shared.value == 2 * turns


def test_everybody_is_woken_every_time(process: GuestProcess) -> None:
    """A barrier over futex_wake_all, round after round."""
    count, rounds = 4, 300
    shared = Shared(process, count)

    def meet(index: int) -> None:
        for number in range(rounds):
            if shared.add(1) == number * count + count - 1:
                shared.wake(shared.callers[index], index, everybody=True)
            while (value := shared.value) < (number + 1) * count:
                shared.wait(index, value)

    # Whoever adds changes the word too, so that waiters look again by themselves; the last one wakes the rest.
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(meet, index) for index in range(count)]:
            future.result(PATIENCE)
    assert shared.value == rounds * count


def test_kills_beside_wake_ups(process: GuestProcess) -> None:
    """Waiters that are taken down leave the queue; a wake-up then goes to one that still waits."""
    for _ in range(40):
        with GuestProcess() as other:
            shared = Shared(other, 4)
            with ThreadPoolExecutor(4) as pool:
                waiting = [pool.submit(shared.wait, index, 0) for index in range(3)]
                for index in range(3):
                    shared.callers[index].await_blocked()
                waker = pool.submit(shared.wake, shared.callers[3], 3)
                other.process.terminate(9)
                assert waker.exception(PATIENCE) is None or isinstance(waker.exception(), Killed)
                ends = [future.exception(PATIENCE) for future in waiting]
            assert all(isinstance(end, Killed) for end in ends if end is not None)
            assert not other.kernel.futexes._queues


def test_wake_counts_who_waits(process: GuestProcess) -> None:
    shared = Shared(process, 4)
    assert not shared.wake(shared.callers[3], 3)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(shared.wait, index, 0) for index in range(3)]
        for index in range(3):
            shared.callers[index].await_blocked()
        for _ in range(3):
            assert shared.wake(shared.callers[3], 3)
        assert all(future.result(PATIENCE) for future in waiting)
    assert not shared.wake(shared.callers[3], 3, everybody=True)
