"""The relay of a virtual network: it carries the connections that go over a link, with the link's conditions.

A connection without a link is one pair of sockets. With a link there are two pairs, and the relay reads from each
and writes to the other when the time has come. What was read and is not delivered is bounded by a window, so that
a receiver that does not read stops its sender.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from contextlib import suppress
from heapq import heapify, heappop, heappush
from itertools import count
from math import ceil
from threading import Lock, Thread, current_thread
from time import monotonic

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.virtual_carried import Carried, End
from pywasix.host.virtual_pair import SocketPair, adopt
from pywasix.net.virtual_lines import Line
from pywasix.net.virtual_queue import FarEnd, Side

_LONGEST_MS = 3_600_000  # poll(2) takes an int; the loop looks at its timers again
_DRAIN = 4096
_FEW = 64  # timers, of which nobody counts the cancelled ones


class _Timer:
    """Something that will be done.

    Attributes:
        action: what; None once it was done or cancelled.
        own: the relay's own work, done with its lock held; anything else is done without it.
    """

    __slots__ = ("_relay", "action", "own")

    def __init__(self, relay: Relay, action: Callable[[], object], own: bool) -> None:
        self._relay = relay
        self.action: Callable[[], object] | None = action
        self.own = own

    def cancel(self) -> None:
        """For callers that do not hold the relay's lock."""
        self._relay.cancel(self)

    def drop(self) -> None:
        """For callers that hold it."""
        if self.action is not None:
            self.action = None
            self._relay.pending -= 1


class _Passage:
    """A second pair for one connection: a `net.virtual_queue.Passage`."""

    def __init__(self, relay: Relay, line: Line, caller: bytes, side: Side) -> None:
        self._relay = relay
        self._line = line
        self._caller = caller
        self._side = side
        self._pair = SocketPair()

    def join(self, far: FarEnd) -> FarEnd:
        ends = adopt(far.detach()), self._pair.near
        self._relay.carry(Carried(self._relay, self._line, self._caller, self._side, ends))
        return self._pair.give()

    def close(self) -> None:
        self._pair.near.close()
        self._pair.close_far()


class Relay:
    """A `net.virtual_lines.Carrier`: one thread, which runs only while there is something to carry or to wait for.

    `_lock` guards the timers, the connections and the thread. In the order of locks it comes after the network's
    and before a link's. It is never held while the thread waits, nor while the work of others is done.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._timers: list[tuple[float, int, _Timer]] = []  # a heap; cancelled ones stay for a while
        self.pending = 0  # timers that are neither done nor cancelled
        self._order = count()  # among timers of the same time
        self._carried: set[Carried] = set()
        self._ends: dict[int, End] = {}
        self._poll = select.poll()
        self._bell: tuple[int, int] | None = None  # a pipe that wakes the thread
        self._thread: Thread | None = None
        self._closed = False

    # -- what the network asks for -------------------------------------------------------------

    def later(self, delay: float, action: Callable[[], object]) -> _Timer:
        with self._lock:
            self._start()
            return self._enter(monotonic() + delay, action, own=False)

    def cancel(self, timer: _Timer) -> None:
        """As `_Timer.cancel`."""
        with self._lock:
            timer.drop()
            self._ring()  # there may be nothing left to wait for

    def passage(self, line: Line, caller: bytes, side: Side) -> _Passage:
        with self._lock:
            if self._closed:
                raise SysError(Errno.NETDOWN, "the virtual network is closed")
            self._start()
        return _Passage(self, line, caller, side)

    def carry(self, carried: Carried) -> None:
        """Begin to move the data of a connection."""
        with self._lock:
            self._carried.add(carried)
            if self._closed or not self._started():
                carried.break_off(Errno.CONNRESET)
            else:
                carried.pump()
                self._ring()

    def _started(self) -> bool:
        try:
            self._start()
        except SysError:
            return False  # the thread had ended since the passage was made, and there is no descriptor for another
        return True

    def review(self, link: object) -> None:
        with self._lock:
            for carried in self._over(link):
                carried.pump()
            self._ring()

    def reset(self, link: object) -> None:
        with self._lock:
            for carried in self._over(link):
                carried.break_off(Errno.CONNRESET)
            self._ring()

    def _over(self, link: object) -> list[Carried]:
        return [carried for carried in self._carried if carried.link is link]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            thread = self._thread
            self._ring()
        if thread is not None and thread is not current_thread():
            thread.join()
        with self._lock:
            for carried in tuple(self._carried):
                carried.break_off(Errno.CONNRESET)

    # -- what connections ask for (`virtual_carried.Clock`), with the lock held ---------------------------------

    def at(self, due: float, action: Callable[[], object]) -> _Timer:
        return self._enter(due, action, own=True)

    def watch(self, end: End, mask: int) -> None:
        self._ends[end.fd] = end
        self._poll.register(end.fd, mask)

    def unwatch(self, end: End) -> None:
        if self._ends.get(end.fd) is end:
            del self._ends[end.fd]
            self._poll.unregister(end.fd)

    def over(self, carried: Carried) -> None:
        self._carried.discard(carried)

    # -- the thread ----------------------------------------------------------------------------

    def _enter(self, due: float, action: Callable[[], object], *, own: bool) -> _Timer:
        timer = _Timer(self, action, own)
        if self._closed:
            timer.action = None
            return timer
        if len(self._timers) > _FEW + 2 * self.pending:
            # Each connect has a timeout of minutes, which is cancelled with the answer.
            self._timers = [each for each in self._timers if each[2].action is not None]
            heapify(self._timers)
        heappush(self._timers, (due, next(self._order), timer))
        self.pending += 1
        if self._timers[0][2] is timer:
            self._ring()
        return timer

    def _start(self) -> None:
        """Let the thread run. Errors: MFILE, NFILE, NOBUFS of the host."""
        if self._thread is not None or self._closed:
            return
        try:
            bell = os.pipe()
        except OSError as error:
            raise sys_error(error) from None
        for fd in bell:
            os.set_blocking(fd, False)
        thread = Thread(target=self._run, args=(bell[0],), name="pywasix-relay", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            for fd in bell:
                os.close(fd)
            raise SysError(Errno.NOBUFS, str(error)) from None
        self._bell = bell
        self._poll.register(bell[0], select.POLLIN)
        self._thread = thread

    def _ring(self) -> None:
        if self._bell is not None and current_thread() is not self._thread:
            with suppress(BlockingIOError):  # it rings already
                os.write(self._bell[1], b"\0")

    def _run(self, bell: int) -> None:
        while (timeout := self._timeout()) is not None:
            for action in self._step(bell, self._poll.poll(timeout)):
                action()

    def _timeout(self) -> int | None:
        """How long to wait in ms, -1 for ever; None when there is nothing to do, and the thread ends."""
        with self._lock:
            while self._timers and self._timers[0][2].action is None:
                heappop(self._timers)
            if self._closed or not (self.pending or self._carried):
                self._retire()
                return None
            if not self._timers:
                return -1
            return min(max(0, ceil((self._timers[0][0] - monotonic()) * 1000)), _LONGEST_MS)

    def _retire(self) -> None:
        self._timers.clear()
        self.pending = 0
        self._thread = None
        bell, self._bell = self._bell, None
        if bell is not None:
            self._poll.unregister(bell[0])
            for fd in bell:
                os.close(fd)

    def _step(self, bell: int, ready: list[tuple[int, int]]) -> list[Callable[[], object]]:
        """Move what can be moved; returns what is due of others' work."""
        others = []
        with self._lock:
            for fd, events in ready:
                end = self._ends.get(fd)
                if fd == bell:
                    with suppress(BlockingIOError):
                        os.read(bell, _DRAIN)
                elif end is not None:
                    end.happened(events)
            now = monotonic()
            while self._timers and self._timers[0][0] <= now:
                timer = heappop(self._timers)[2]
                action = timer.action
                if action is None:
                    continue
                timer.drop()
                if timer.own:
                    action()
                else:
                    others.append(action)
        return others
