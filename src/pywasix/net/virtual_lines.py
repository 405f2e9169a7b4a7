"""What a link of the virtual network does to what travels over it: delays, losses, short receives.

A `Line` joins two places; it has a `Lane` for each direction. Every draw comes from a generator that is seeded
with the link's seed and with who is meant, so that the same calls in the same order find the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.enums import RiFlags

if TYPE_CHECKING:
    from pywasix.net.virtual_hosts import Node
    from pywasix.net.virtual_queue import Passage, Side

_MOST_FLYING = 1 << 22  # bytes of datagrams on their way in one direction; a router that is full drops the rest
_UNCUT = int(RiFlags.RECV_PEEK | RiFlags.RECV_WAITALL)
_MOST_QUEUED = 1 << 18  # bytes of datagrams that wait for bandwidth


class Timer(Protocol):
    """Something that will be done."""

    def cancel(self) -> None:
        """It will not, unless it is being done. Harmless when done before."""
        ...


class Carrier(Protocol):
    """What moves bytes and time: the host's relay. The network's lock may be held while it is called."""

    def later(self, delay: float, action: Callable[[], object]) -> Timer:
        """Call something after a delay in seconds, with no lock held. Errors: MFILE, NFILE, NOBUFS of the host."""
        ...

    def passage(self, line: Line, caller: bytes, side: Side) -> Passage:
        """Make ready to carry a connection of a place, named by its IPv4 address.

        Errors: NETDOWN; MFILE, NFILE, NOBUFS, NOMEM of the host.
        """
        ...

    def review(self, link: object) -> None:
        """A link was partitioned or healed: look at its connections again."""
        ...

    def reset(self, link: object) -> None:
        """Break the connections of a link off."""
        ...

    def close(self) -> None:
        """Break everything off and give everything back."""
        ...


class Conditions(Protocol):
    """The settings of a link that are looked at while things travel; see `virtual_links.Link`."""

    seed: int
    latency: float
    bandwidth: float | None
    loss: float
    partial: int | None
    reset_after: int | None
    data_timeout: float
    connect_timeout: float
    lost: int
    carried: int

    @property
    def partitioned(self) -> bool: ...


class Lane:
    """One direction of a line. `_lock` guards its clock, its draws and the link's counters.

    Args:
        lock: the link's. Innermost: no other is taken under it.
        name: tells the lane from others of the link, for the seed.
    """

    __slots__ = ("_draws", "_flying", "_free", "_link", "_lock", "_on_way")

    def __init__(self, link: Conditions, lock: Lock, name: str) -> None:
        self._link = link
        self._lock = lock
        self._draws = Random(f"{link.seed} datagrams {name}")
        self._free = 0.0  # monotonic seconds: when what was sent before has left
        self._flying: deque[tuple[float, int]] = deque()
        self._on_way = 0

    def due(self, size: int, now: float) -> float:
        """When `size` bytes that are sent now arrive (monotonic seconds)."""
        with self._lock:
            return self._due(size, now)

    def _due(self, size: int, now: float) -> float:
        link = self._link
        if link.bandwidth is not None:
            self._free = now = max(now, self._free) + size / link.bandwidth
        return now + link.latency

    def datagram(self, size: int) -> float | None:
        """How many seconds a datagram of `size` bytes takes; None: it is lost.

        Every datagram takes one draw, so that the fate of the n-th does not hang on the settings before it.
        """
        link, now = self._link, monotonic()
        with self._lock:
            lost = self._draws.random() < link.loss
            if lost or link.partitioned or not self._has_room(size, now):
                link.lost += 1
                return None
            link.carried += size
            due = self._due(size, now)
            if due > now:
                self._flying.append((due, size))
                self._on_way += size
            return due - now

    def _has_room(self, size: int, now: float) -> bool:
        while self._flying and self._flying[0][0] <= now:
            self._on_way -= self._flying.popleft()[1]
        bandwidth = self._link.bandwidth
        queued = 0.0 if bandwidth is None else (self._free - now) * bandwidth
        return self._on_way + size <= _MOST_FLYING and queued <= _MOST_QUEUED

    def delivered(self, size: int) -> None:
        """Bytes of a stream have arrived."""
        with self._lock:
            self._link.carried += size


class Way:
    """What a link does to one side of a connection.

    The size of the next receive is drawn ahead, and a receive that finds nothing keeps it: the sizes are the
    same however the threads are scheduled. PEEK is not cut, and what it showed can be received in one call.

    Attributes:
        aborted: this side broke the connection off; the other one hears of it when the end has travelled.
    """

    __slots__ = ("_draws", "_link", "_next", "_seen", "aborted")

    def __init__(self, link: Conditions, name: str) -> None:
        self._link = link
        self._draws = Random(f"{link.seed} receives {name}")
        self._next = 0
        self._seen = 0
        self.aborted = False

    def most(self) -> int | None:
        """How many bytes the next receive may return; None for no limit."""
        partial = self._link.partial
        if partial is None:
            return None
        if not 0 < self._next <= partial:
            self._next = self._draws.randint(1, partial)
        return max(self._next, self._seen)

    def cut(self, buffers: Sequence[memoryview], flags: int) -> Sequence[memoryview]:
        """The buffers that the next receive may fill. PEEK and WAITALL get all of them."""
        most = None if flags & _UNCUT else self.most()
        if most is None:
            return buffers
        left: list[memoryview] = []
        for buffer in buffers:
            left.append(buffer[:most])
            most -= len(left[-1])
            if not most:
                break
        return left

    def received(self, count: int, peeked: bool) -> None:
        """So many bytes were received, or shown by PEEK."""
        if peeked:
            self._seen = max(self._seen, count)
        elif count:
            self._seen = max(0, self._seen - count)
            self._next = 0


class Line:
    """A link between two places.

    Attributes:
        link: whose settings hold.
    """

    def __init__(self, link: Conditions, lock: Lock, one: bytes, two: bytes) -> None:
        self.link = link
        self._lock = lock
        self._lanes = {
            one: Lane(link, lock, f"{one.hex()} {two.hex()}"),
            two: Lane(link, lock, f"{two.hex()} {one.hex()}"),
        }
        self._calls: dict[tuple[bytes, bytes, int], int] = {}

    def lanes(self, place: bytes) -> tuple[Lane, Lane]:
        """The direction away from a place, named by its IPv4 address, and the one towards it."""
        other = next(each for each in self._lanes if each != place)
        return self._lanes[place], self._lanes[other]

    def datagram(self, sender: Node, size: int) -> float | None:
        """How many seconds a datagram of `size` bytes takes from a place to the other one; None: it is lost."""
        return self._lanes[sender.ips[0]].datagram(size)

    def join(self, side: Side) -> None:
        """A connection will go over this line; `side` is its caller's."""
        (caller, _), (called, port) = side.local, side.peer
        key = caller, called, port
        with self._lock:
            number = self._calls[key] = self._calls.get(key, 0) + 1
        name = f"{caller.hex()} {called.hex()} {port} {number}"
        side.way = Way(self.link, f"{name} caller")
        side.other.way = Way(self.link, f"{name} called")
