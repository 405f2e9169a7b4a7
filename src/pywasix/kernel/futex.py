"""Futexes: sleeping on a 32-bit word of guest memory.

`_lock` guards the queues. The comparison of the word and the queueing happen under it, and so does
the waking: a wake-up between the two cannot be lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.kernel.wait import release, rest

if TYPE_CHECKING:
    from pywasix.kernel.task import Task


class _Waiter:
    """Who sleeps: `token` is a lock that is held until somebody wakes it."""

    __slots__ = ("token", "woken")

    def __init__(self) -> None:
        self.token = Lock()
        self.token.acquire()
        self.woken = False


class Futexes:
    """Wait queues by (memory, address)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[tuple[int, int], deque[_Waiter]] = {}

    def wait(self, task: Task, key: tuple[int, int], unchanged: Callable[[], bool], deadline: int | None) -> bool:
        """Sleep until woken or until a monotonic deadline in ns.

        Args:
            key: (identity of the memory, address in it).
            unchanged: tells whether the word still holds the expected value.
        Returns: False only when the time is over. A changed value counts as woken, because libc
            traps on any errno and compares again by itself. Signal handlers run meanwhile.
        """
        with self._lock:
            if not unchanged():
                return True
            waiter = _Waiter()
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = deque()
            queue.append(waiter)
        try:
            while not waiter.woken:
                if task.attention:
                    task.attend()
                elif rest(task, waiter.token, deadline):
                    break
        finally:
            if not waiter.woken:
                self._leave(key, waiter)
        return waiter.woken

    def wake(self, key: tuple[int, int], count: int | None) -> int:
        """Wake up to `count` waiters (None: all), the longest waiting first; returns how many."""
        woken = 0
        with self._lock:
            queue = self._queues.get(key)
            while queue and (count is None or woken < count):
                waiter = queue.popleft()
                waiter.woken = True
                release(waiter.token)
                woken += 1
            if queue is not None and not queue:
                del self._queues[key]
        return woken

    def _leave(self, key: tuple[int, int], waiter: _Waiter) -> None:
        with self._lock:
            queue = self._queues.get(key)
            if queue is not None and not waiter.woken:
                queue.remove(waiter)
                if not queue:
                    del self._queues[key]
