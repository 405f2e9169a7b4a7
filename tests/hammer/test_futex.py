"""Futexes under load: no wake-up is lost, whoever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest

from contract.guest_process import Caller, GuestProcess
from pywasix.abi.errno import Errno
from pywasix.errors import Killed
from pywasix.syscalls import futex
from support import PATIENCE

WORD, NEVER, SHORT, WOKEN = 0, 64, 96, 128


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

    def wait_for_one(self, index: int) -> None:
        """Take one off the word, and sleep while there is none."""
        while not self.take():
            self.wait(index, 0)

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


def test_thirty_two_tasks_and_a_storm_of_signals(process: GuestProcess) -> None:
    """A mutex whose holder wakes one waiter; meanwhile every task is told of signals again and again.

    A handler that waits itself may take the wake-up that its caller's wait was sent: it must look again.
    """
    count, rounds = 32, 40
    shared = Shared(process, count)
    process.process.signals.use_handler("on_signal", exported=True)
    nested = 0

    def handler(index: int) -> None:
        nonlocal nested
        nested += 1
        shared.callers[index].memory[WORD + 8 : WORD + 12] = bytes(4)
        caller = shared.callers[index]
        caller.call(futex.futex_wait, WORD + 8, 0, SHORT, 1024 + index)

    for index, caller in enumerate(shared.callers):
        caller.task.call_guest = lambda _, arguments, index=index: handler(index)  # type: ignore[misc]  # the index is ours
    shared.memory[SHORT : SHORT + 16] = b"\1" + bytes(7) + (200_000).to_bytes(8, "little")
    held = 0

    def work(index: int) -> None:
        nonlocal held
        for _ in range(rounds):
            shared.wait_for_one(index)
            held += 1
            assert held == 1
            held -= 1
            shared.add(1)
            shared.wake(shared.callers[index], index)

    shared.add(1)
    over = Event()

    def storm() -> None:
        while not over.wait(0.002):
            for caller in shared.callers:
                process.process.signals.post(10, caller.task)

    with ThreadPoolExecutor(count + 1) as pool:
        stormy = pool.submit(storm)
        try:
            for future in [pool.submit(work, index) for index in range(count)]:
                future.result(PATIENCE)
        finally:
            over.set()
        stormy.result(PATIENCE)
    assert shared.value == 1
    assert nested
    assert not process.kernel.futexes._queues
