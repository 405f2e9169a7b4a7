"""Ending many tasks: all are told at once, and woken one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from pywasix.kernel.task import nothing

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

_KEPT = 0.015  # seconds
_AT_ONCE = 2  # one goes on while another one is in the operating system


class Ending:
    """The tasks of one program that are to end and sleep.

    A thousand that woke at once would want Python at once, and each that waits for it is woken again and again (every
    5 ms) to ask for it. So each that has ended wakes the next one.
    """

    def __init__(self) -> None:
        self._asleep: deque[Task] = deque()
        self._last = 0.0

    def stop(self, tasks: Iterable[Task]) -> None:
        """Take tasks down at their next interruption points; the caller interrupts the engine. Any thread may call it.

        What a task waits in belongs to it until it wakes; it does nothing for its guest any more.
        """
        for task in tasks:
            task.stopping = True
            task.attention = True
            if task.interrupt_engine is nothing:  # nobody would call `insist` for it
                task.notify()
            else:
                self._asleep.append(task)
        for _ in range(_AT_ONCE):
            self.wake_next()

    def wake_next(self) -> None:
        """One has ended: it is the next one's turn."""
        while self._asleep:
            try:
                task = self._asleep.popleft()
            except IndexError:  # another one took it
                return
            self._last = monotonic()
            if not task.ended:
                task.notify()
                return

    def insist(self) -> None:
        """Wake all others if nobody was woken for a while: those whose turn it was are kept from ending."""
        if self._asleep and monotonic() - self._last > _KEPT:
            while self._asleep:
                self.wake_next()
