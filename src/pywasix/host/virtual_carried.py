"""One connection that the relay carries: two ends, and a stream of bytes each way between them.

Everything here is done with the relay's lock held, and nothing blocks.
"""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from pywasix.abi.errno import Errno
from pywasix.net.virtual_lines import Conditions, Lane, Line
from pywasix.net.virtual_queue import Side

_WINDOW = 1 << 18  # bytes on their way in one direction; with bandwidth and latency, what these hold besides
_CHUNK = 1 << 16  # bytes that travel as one
_SEGMENT = 1460  # likewise at least, however slow a link is: what an Ethernet packet holds of TCP
_CHUNKS_A_SECOND = 50  # of a slow link, so that its bytes come evenly
_FINISHED = memoryview(b"\0")  # in a queue: the sender has finished
_BROKEN = memoryview(b"\0")  # in a queue: the connection is broken off
_HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Alarm(Protocol):
    """Something that will be done, with the relay's lock held."""

    def drop(self) -> None:
        """It will not. Harmless when done before."""
        ...


class Clock(Protocol):
    """What the relay does for its connections."""

    def at(self, due: float, action: Callable[[], object]) -> Alarm:
        """Call something at a time (monotonic seconds)."""
        ...

    def watch(self, end: End, mask: int) -> None: ...
    def unwatch(self, end: End) -> None: ...
    def over(self, carried: Carried) -> None: ...


class End:
    """One of the relay's ends; at the other end of its pair is the socket of `side`.

    Attributes:
        socket: None once it is closed.
        gone: the socket is closed, or was shut down in both directions.
        inward, outward: the streams from and to it.
    """

    __slots__ = ("_clock", "_mask", "_refused", "fd", "gone", "inward", "outward", "side", "socket")

    inward: Stream
    outward: Stream

    def __init__(self, clock: Clock, end: socket.socket, side: Side) -> None:
        self._clock = clock
        self.socket: socket.socket | None = end
        self.fd = end.fileno()
        self.side = side
        self.gone = False
        self._refused = False
        self._mask = -1  # not watched

    def watch(self) -> None:
        """Wait for what its streams wait for. A hang-up is told whatever the mask, so that it ends the watch."""
        if self.socket is None:
            return
        mask = select.POLLIN * self.inward.hungry | select.POLLOUT * self.outward.blocked
        if not mask and self.gone:
            mask = -1
        if mask != self._mask:
            self._mask = mask
            if mask < 0:
                self._clock.unwatch(self)
            else:
                self._clock.watch(self, mask)

    def happened(self, events: int) -> None:
        """Something that poll(2) told. It may mean an earlier owner of the descriptor's number."""
        if events & _HUNG_UP:
            self.gone = self.hung_up()
        if self.outward.blocked:
            self.outward.pump()
        if self.inward.hungry:
            self.inward.read()
        self.inward.carried.check()
        self.watch()

    def hung_up(self) -> bool:
        """Whether nobody can read at the other end of the pair any more."""
        if self.socket is None:
            return True
        look = select.poll()
        look.register(self.fd, 0)
        return any(events & _HUNG_UP for _, events in look.poll(0))

    def finish(self) -> None:
        """Tell the socket that the other side has finished sending."""
        self.side.finished = True
        if self.socket is not None:
            with suppress(OSError):  # it is closed already
                self.socket.shutdown(socket.SHUT_WR)

    def refuse(self, why: Errno) -> None:
        """From now on the socket cannot send, and its first call that fails says why."""
        if self.socket is not None and not self._refused:
            self._refused = True
            self.side.break_off(why)
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close it; the socket can still receive what it was sent.

        What it sent and nobody read is read first: otherwise the operating system would tell it ECONNRESET.
        """
        end, self.socket = self.socket, None
        self.gone = True
        if end is not None:
            self._clock.unwatch(self)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RD)
                while end.recv(_CHUNK, socket.MSG_DONTWAIT):
                    pass
            end.close()


class Stream:
    """One direction of a connection.

    Attributes:
        carried: the connection.
        sink: where it delivers.
        finished: nothing more is read.
        done: nothing more is delivered.
        blocked: the receiver has no room.
    """

    __slots__ = (
        "_clock",
        "_delivered",
        "_due",
        "_lane",
        "_link",
        "_queue",
        "_size",
        "_source",
        "_stalled",
        "_timer",
        "blocked",
        "carried",
        "done",
        "finished",
        "sink",
    )

    def __init__(self, carried: Carried, clock: Clock, source: End, sink: End, lane: Lane) -> None:
        self.carried = carried
        self._clock = clock
        self._source = source
        self.sink = sink
        self._link = carried.link
        self._lane = lane
        self._queue: deque[tuple[float, memoryview]] = deque()
        self._size = 0  # bytes in the queue
        self._due = 0.0  # when the last of them arrives, monotonic seconds
        self._delivered = 0
        self._timer: Alarm | None = None  # until the first of the queue is due
        self._stalled: Alarm | None = None  # until a partition is too long
        self.finished = False
        self.done = False
        self.blocked = False
        source.inward = sink.outward = self

    @property
    def hungry(self) -> bool:
        """Whether it would read."""
        return not self.finished and self._size < self._window()

    def _window(self) -> int:
        link = self._link
        return _WINDOW + int(link.latency * (link.bandwidth or 0))

    def _chunk(self) -> int:
        bandwidth = self._link.bandwidth
        return _CHUNK if bandwidth is None else min(_CHUNK, max(_SEGMENT, int(bandwidth / _CHUNKS_A_SECOND)))

    def read(self) -> None:
        """Take what the sender has sent."""
        end = self._source
        if end.socket is None:
            return
        try:
            data = end.socket.recv(min(self._chunk(), self._window() - self._size), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:  # closed with data that it had not read: Linux resets the connection then
            self.break_off()
            return
        if data:
            self._size += len(data)
            self._push(memoryview(data))
        elif end.side.way is not None and end.side.way.aborted:
            self.break_off()
        else:
            self.finished = True
            self._push(_FINISHED)

    def break_off(self) -> None:
        """The sender's host answers with a reset, which travels behind what was sent."""
        self.finished = True
        if not self._queue or self._queue[-1][1] is not _BROKEN:
            self._push(_BROKEN)

    def _push(self, item: memoryview) -> None:
        size = 0 if item is _FINISHED or item is _BROKEN else len(item)
        self._due = max(self._due, self._lane.due(size, monotonic()))
        self._queue.append((self._due, item))
        self.pump()

    def pump(self) -> None:
        """Deliver what is due."""
        self.blocked = False
        while self._queue and not self.carried.ended:
            if self._link.partitioned:
                self._stall()
                return
            due, item = self._queue[0]
            if due > monotonic():
                self._wait(due)
                break
            if not self._deliver(item):
                break
        self._go_on()

    def _wait(self, due: float) -> None:
        if self._timer is None:
            self._timer = self._clock.at(due, self._waited)

    def _waited(self) -> None:
        self._timer = None
        self.pump()
        self.sink.watch()

    def _stall(self) -> None:
        if self._stalled is None:
            self._stalled = self._clock.at(monotonic() + self._link.data_timeout, self._time_out)

    def _go_on(self) -> None:
        """No partition holds the data up; the window may be open again."""
        if self._stalled is not None:
            self._stalled.drop()
            self._stalled = None
        self._source.watch()

    def _time_out(self) -> None:
        """The partition is too long: the sender gives up, and the receiver hears nothing of it."""
        self._stalled = None
        self._source.refuse(Errno.TIMEDOUT)
        self._source.close()
        self._forget()
        self.carried.check()

    def _forget(self) -> None:
        self._queue.clear()
        self._size = 0
        self.finished = True
        self.cancel()

    def cancel(self) -> None:
        """Wait for no time any more."""
        for timer in (self._timer, self._stalled):
            if timer is not None:
                timer.drop()
        self._timer = self._stalled = None

    def _deliver(self, item: memoryview) -> bool:
        """Deliver the first of the queue; returns whether the next one may be tried."""
        if item is _BROKEN:
            self.sink.refuse(Errno.CONNRESET)
            self.carried.end()
            return False
        if item is _FINISHED:
            self._queue.popleft()
            self.sink.finish()
            self.done = True
            self.carried.check()
            return True
        most = self._link.reset_after
        if most is None or self._delivered + len(item) < most:
            count = self._send(item)
            if count is not None:
                self._sent(item, count)
            return count is not None
        piece = item[: max(0, most - self._delivered)]
        self.sink.refuse(Errno.CONNRESET)  # before the last byte, so that no call that follows it succeeds
        count = self._send(piece)
        if count is None:
            return False
        self._sent(item, count)
        if count == len(piece):
            self.carried.break_off(Errno.CONNRESET)
        return True

    def _sent(self, item: memoryview, count: int) -> None:
        self._delivered += count
        self._size -= count
        due, _ = self._queue.popleft()
        if count < len(item):
            self._queue.appendleft((due, item[count:]))

    def _send(self, piece: memoryview) -> int | None:
        """How many bytes the receiver took; None when it must be waited for, or is gone."""
        end = self.sink
        if end.socket is not None:
            self._lane.delivered(len(piece))  # before the receiver can see them, whatever it does then
            count = 0
            try:
                count = end.socket.send(piece, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) if piece else 0
                return count
            except BlockingIOError:
                self.blocked = True
                end.watch()
                return None
            except OSError:
                if not end.hung_up():
                    count = len(piece)  # it only receives no more: Linux takes what comes for it and drops it
                    return count
            finally:
                self._lane.delivered(count - len(piece))
        # A host answers what comes for a closed socket with a reset.
        self._forget()
        self.done = True
        end.inward.break_off()
        return None


class Carried:
    """A connection.

    Args:
        caller, side: the caller's place, named by its IPv4 address, and its side.
        ends: the relay's; the first one leads to the caller.
    Attributes:
        link: whose conditions hold.
        ended: both ends are closed.
    """

    def __init__(
        self, clock: Clock, line: Line, caller: bytes, side: Side, ends: tuple[socket.socket, socket.socket]
    ) -> None:
        self._clock = clock
        self.link: Conditions = line.link
        self._ends = End(clock, ends[0], side), End(clock, ends[1], side.other)
        forth, back = line.lanes(caller)
        self._streams = (
            Stream(self, clock, self._ends[0], self._ends[1], forth),
            Stream(self, clock, self._ends[1], self._ends[0], back),
        )
        self.ended = False

    def pump(self) -> None:
        """Begin, or go on after the link was partitioned or healed."""
        for stream in self._streams:
            if not self.ended:
                stream.pump()
        for end in self._ends:
            end.watch()

    def break_off(self, why: Errno) -> None:
        """Tell both sides, and end."""
        for end in self._ends:
            end.refuse(why)
        self.end()

    def check(self) -> None:
        """End when all is delivered, or nobody is left to deliver to."""
        if all(stream.done for stream in self._streams) or all(end.gone for end in self._ends):
            self.end()

    def end(self) -> None:
        """Close both ends. Harmless when done before."""
        self.ended = True
        for stream in self._streams:
            stream.finished = True
            stream.blocked = False
            stream.cancel()
        for end in self._ends:
            end.close()
        self._clock.over(self)
