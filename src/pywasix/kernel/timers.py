"""Timers of a program: one thread of the host, which exists while there is something to wait for."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from threading import TIMEOUT_MAX, Condition, Thread, current_thread
from time import monotonic_ns

from pywasix.abi.errno import Errno
from pywasix.errors import SysError

_LINGER = 1.0  # seconds; the next timer often comes soon, and a thread costs more than a wake-up
_NS = 1_000_000_000


class Timer:
    """What happens at a time, and again after each `interval` ns unless that is 0."""

    __slots__ = ("action", "interval")

    def __init__(self, action: Callable[[], None], interval: int) -> None:
        self.action = action
        self.interval = interval


class Timers:
    """Actions by time. `_changed` guards everything; actions run in the timers' thread and without it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._due: list[tuple[int, int, Timer]] = []
        self._numbers = count()
        self._thread: Thread | None = None
        self._closed = False

    def start(self, delay: int, action: Callable[[], None], *, interval: int = 0) -> Timer:
        """Run an action after `delay` ns. It must be quick, and may not raise.

        Errors: AGAIN the host has no thread left.
        """
        timer = Timer(action, interval)
        with self._changed:
            if not self._closed:
                self._push(monotonic_ns() + delay, timer)
                if self._thread is None:
                    self._start_thread()
        return timer

    def _start_thread(self) -> None:
        thread = Thread(target=self._run, name="pywasix-timers", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._due.clear()
            raise SysError(Errno.AGAIN, "the host has no thread left") from None
        self._thread = thread

    def cancel(self, timer: Timer) -> None:
        """Take a timer back; an action that has begun goes on."""
        with self._changed:
            timer.interval = 0
            self._due = [each for each in self._due if each[2] is not timer]
            heapq.heapify(self._due)

    def close(self) -> None:
        """Take all timers back, and wait for the thread. Nothing is started any more."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()

    def _push(self, when: int, timer: Timer) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), timer))
        if self._due[0][2] is timer:
            self._changed.notify()

    def _run(self) -> None:
        while (timer := self._next()) is not None:
            timer.action()

    def _next(self) -> Timer | None:
        """Wait for the next timer that is due; None when the thread is no longer needed."""
        with self._changed:
            lingered = False
            while not self._closed:
                if self._due:
                    when, _, timer = self._due[0]
                    left = when - monotonic_ns()
                    if left <= 0:
                        heapq.heappop(self._due)
                        if timer.interval:
                            self._push(max(when + timer.interval, monotonic_ns()), timer)
                        return timer
                    self._changed.wait(min(left / _NS, TIMEOUT_MAX))
                elif lingered:
                    break
                else:
                    lingered = not self._changed.wait(_LINGER)
            self._thread = None
        return None
