"""Event counters: a number that writers add to and readers take (eventfd)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.file import File
from pywasix.kernel.wait import READABLE, pause, until

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

COUNTER_MAX = 2**64 - 2
_SIZE = 8  # bytes of one read or write


class Counter(Protocol):
    """The host's counter: readable above 0, writable while 1 can be added. Its calls never wait."""

    def fileno(self) -> int: ...

    def take(self) -> int:
        """The whole number, which is 0 then; of a semaphore 1. Errors: WouldBlock at 0."""
        ...

    def add(self, value: int) -> None:
        """Errors: WouldBlock when the sum would be above `COUNTER_MAX`."""
        ...

    def close(self) -> None: ...


class CounterFile(File):
    """An event counter's file."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.handle = counter
        self._writers: list[Task] = []  # who waits for room

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        """Take the number: 8 bytes, little-endian. Errors: INVAL less room; AGAIN non-blocking."""
        if sum(map(len, buffers)) < _SIZE:
            raise SysError(Errno.INVAL, "an event counter needs 8 bytes of room")
        task.waiting_on = self
        try:
            value = self._counter.take()
        except WouldBlock:
            if self.nonblocking:
                raise
            value = until(task, self._counter.take, self._counter, READABLE)
        finally:
            task.leave(self)
        for writer in self._writers[:]:
            writer.poller.wake()
        _scatter(value.to_bytes(_SIZE, "little"), buffers)
        return _SIZE

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        """Add a number of 8 bytes, little-endian. Errors: INVAL fewer bytes, or all ones; AGAIN non-blocking."""
        data = b"".join(each[:_SIZE] for each in buffers)[:_SIZE]
        value = int.from_bytes(data, "little")
        if len(data) < _SIZE or value > COUNTER_MAX:
            raise SysError(Errno.INVAL, "an event counter takes 8 bytes that are not all ones")
        task.waiting_on = self
        try:
            self._counter.add(value)
        except WouldBlock:
            if self.nonblocking:
                raise
            self._add_later(task, value)
        finally:
            task.leave(self)
        return _SIZE

    def _add_later(self, task: Task, value: int) -> None:
        """Wait for a reader. The counter may be writable all the while, for smaller numbers."""
        self._writers.append(task)
        try:
            while True:
                task.interruption_point()
                try:
                    return self._counter.add(value)
                except WouldBlock:
                    pause(task, None)
        finally:
            self._writers.remove(task)

    def close(self) -> None:
        self._counter.close()


def _scatter(data: bytes, buffers: Sequence[memoryview]) -> None:
    for each in buffers:
        part = data[: len(each)]
        each[: len(part)] = part
        data = data[len(part) :]
