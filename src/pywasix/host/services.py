"""The host's clocks, random numbers and processors, and what it makes for guests that ask."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pywasix.abi.enums import ClockId
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error

if TYPE_CHECKING:
    from pywasix.host.epoller import HostEpoll
    from pywasix.host.files import FdChannel
    from pywasix.host.pipes import HostCounter, PipeEnd

_CLOCKS = {
    int(ClockId.REALTIME): (time.time_ns, time.CLOCK_REALTIME),
    int(ClockId.MONOTONIC): (time.monotonic_ns, time.CLOCK_MONOTONIC),
    int(ClockId.PROCESS_CPUTIME_ID): (time.process_time_ns, time.CLOCK_PROCESS_CPUTIME_ID),
    int(ClockId.THREAD_CPUTIME_ID): (time.thread_time_ns, time.CLOCK_THREAD_CPUTIME_ID),
}


class HostServices:
    """`syscalls.context.Services` of this computer."""

    def now(self, clock: int) -> int:
        return self._clock(clock)[0]()

    def resolution(self, clock: int) -> int:
        return max(1, round(time.clock_getres(self._clock(clock)[1]) * 1e9))

    @staticmethod
    def _clock(clock: int) -> tuple[Callable[[], int], int]:
        try:
            return _CLOCKS[clock]
        except KeyError:
            raise SysError(Errno.INVAL, f"unknown clock {clock}") from None

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def parallelism(self) -> int:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    def yield_now(self) -> None:
        time.sleep(0)

    def new_epoll(self) -> HostEpoll:
        from pywasix.host.epoller import HostEpoll  # few programs need it, nor what follows

        return HostEpoll()

    def new_counter(self, initial: int, *, semaphore: bool) -> HostCounter:
        from pywasix.host.pipes import HostCounter

        return HostCounter(initial, semaphore=semaphore)

    def new_pipe(self, *, two_way: bool = False) -> tuple[PipeEnd, PipeEnd]:
        from pywasix.host.pipes import make_pipe, make_two_way_pipe

        return make_two_way_pipe() if two_way else make_pipe()

    def new_null(self) -> FdChannel:
        from pywasix.host.files import FdChannel

        try:
            return FdChannel(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), owned=True)
        except OSError as error:
            raise sys_error(error) from None
