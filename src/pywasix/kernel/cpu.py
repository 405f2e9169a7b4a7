"""How long the processor may work for a program."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import TYPE_CHECKING

from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.kernel import Kernel

_NS = 1_000_000_000
_SOONEST, _LATEST = 5_000_000, _NS  # ns between two looks


class CpuLimit:
    """The processor time of all threads of a program, the host's work for them included, and how much it may be.

    It is looked at when it can be over at the earliest, and seldom while nothing is spent. `_lock` guards `_ended` and
    `_running`.

    Args:
        limit: ns.
        processors: how many threads can spend it at once.
        over: what to do when it is over; called once.
    """

    def __init__(self, kernel: Kernel, limit: int, processors: int, over: Callable[[], None]) -> None:
        self._kernel = kernel
        self._limit = limit
        self._processors = processors
        self._over = over
        self._lock = Lock()
        self._ended = 0
        self._running: dict[int, int] = {}  # a thread's clock, and what it said in the beginning
        self._seen = self._pause = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """This thread of the host works for the program."""
        # A thread's clock may be read when the thread is gone, its number may not be asked for the clock any more.
        clock = time.pthread_getcpuclockid(get_ident())
        with self._lock:
            self._running[clock] = time.clock_gettime_ns(clock)
        try:
            yield
        finally:
            with self._lock:
                self._ended += time.clock_gettime_ns(clock) - self._running.pop(clock)

    def spent(self) -> int:
        """What it was until now, in ns."""
        with self._lock:
            running = sum(time.clock_gettime_ns(clock) - began for clock, began in self._running.items())
            return self._ended + running

    def watch(self) -> None:
        """Look whether it is over, and see to it that this is done again."""
        spent = self.spent()
        left = self._limit - spent
        if left <= 0:
            self._over()
            return
        self._pause = min(2 * self._pause, _LATEST) if spent == self._seen else _SOONEST
        self._seen = spent
        delay = max(left // self._processors, self._pause, _SOONEST)
        try:
            self._kernel.timers.start(delay, self.watch)
        except SysError:  # the host has no thread left, and what cannot be watched must not go on
            self._over()
