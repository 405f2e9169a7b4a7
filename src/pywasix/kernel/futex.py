"""Futexes: sleeping on a 32-bit word of guest memory.

`_lock` guards the queues. The comparison of the word and the queueing happen under it, and so does the waking: a
wake-up between the two cannot be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.kernel.wait import release, rest

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

Key = tuple[int, int]
"""A word: the identity of its memory, and its address there."""


class Futexes:
    """Wait queues by word. Who sleeps is a held lock in one, which a waker takes out before he releases it."""

    def __init__(self) -> None:
        self._lock = lock = Lock()
        self._take, self._give_back = lock.acquire, lock.release  # a "with" costs three times as much
        self._queues: dict[Key, list[Lock]] = {}  # none is empty

    def wait(self, task: Task, key: Key, load: Callable[[int], int], expected: int, deadline: int | None) -> bool:
        """Sleep until woken or until a monotonic deadline in ns.

        Args:
            load: reads the word at an address. Nobody sleeps when it is not the expected one.
        Returns: False only when the time is over. A changed value counts as woken, because libc
            traps on any errno and compares again by itself. Signal handlers run meanwhile.
        Errors: those of `load`. Raises: Unwind.
        """
        self._take()
        try:
            if load(key[1]) != expected:
                return True
            token = Lock()
            token.acquire()
            queue = self._queues.get(key)
            if queue is None:
                self._queues[key] = [token]
            else:
                queue.append(token)
        finally:
            self._give_back()
        while not rest(task, token, deadline):
            # `Task.notify` releases the lock too, and raises the flag before that.
            if not task.attention or not self._sleeps(key, token):
                return True
            try:
                task.attend()
            except BaseException:
                self._leave(key, token)
                raise
            renewed = self._renew(key, token)
            if renewed is None:
                return True
            token = renewed
        return not self._leave(key, token)  # somebody may have come at the last moment

    def wake(self, key: Key) -> bool:
        """Wake who sleeps longest; returns whether there was somebody."""
        self._take()
        queue = self._queues.get(key)
        if queue is None:
            self._give_back()
            return False
        token = queue.pop(0)
        if not queue:
            del self._queues[key]
        self._give_back()
        release(token)
        return True

    def wake_all(self, key: Key) -> int:
        """Wake everybody, the longest sleeping first; returns how many."""
        with self._lock:
            queue = self._queues.pop(key, [])
        for token in queue:
            release(token)
        return len(queue)

    def _sleeps(self, key: Key, token: Lock) -> bool:
        """Whether nobody has woken a sleeper yet."""
        with self._lock:
            return token in self._queues.get(key, ())

    def _renew(self, key: Key, token: Lock) -> Lock | None:
        """Another lock in a sleeper's place, after `Task.notify` has released the first; None when it was woken."""
        fresh = Lock()
        fresh.acquire()
        with self._lock:
            queue = self._queues.get(key, [])
            if token not in queue:
                return None
            queue[queue.index(token)] = fresh
        return fresh

    def _leave(self, key: Key, token: Lock) -> bool:
        """Take a sleeper out of its queue; returns whether it was there."""
        with self._lock:
            queue = self._queues.get(key, [])
            if token not in queue:
                return False
            queue.remove(token)
            if not queue:
                del self._queues[key]
        return True
