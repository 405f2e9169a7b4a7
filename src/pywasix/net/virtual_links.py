"""Links of the virtual network: the conditions between two of its places, and connects on their way over them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.net.virtual_lines import Carrier, Line, Timer

if TYPE_CHECKING:
    from pywasix.net.virtual import Fabric
    from pywasix.net.virtual_hosts import Node
    from pywasix.net.virtual_queue import Attempt

T = TypeVar("T")

_CONNECT_TIMEOUT = 127.0  # seconds; Linux: net.ipv4.tcp_syn_retries = 6
_DATA_TIMEOUT = 924.6  # seconds; Linux: net.ipv4.tcp_retries2 = 15


def _number(value: object, least: float, most: float = float("inf")) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value) and least <= value <= most
    )


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


class _Setting(Generic[T]):
    """An attribute of a link that refuses what cannot be.

    Args:
        fits: whether a value may be.
        takes: what may be, for people.
    """

    def __init__(self, fits: Callable[[Any], bool], takes: str) -> None:
        self._fits = fits
        self._takes = takes

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, link: Link, owner: type) -> T:
        return link._settings[self._name]  # type: ignore[no-any-return]  # `__set__` lets only a T in

    def __set__(self, link: Link, value: T) -> None:
        if not self._fits(value):
            raise OptionError(f"{self._name} of a link is {self._takes}, not {value!r}")
        link._settings[self._name] = value


class Link:
    """Conditions between two places, or between one place and every other.

    `VirtualNetwork.link` makes links and explains the settings. All of them are attributes that may be set at
    any time: what is on its way keeps the delay that it had when it was sent, all else follows at once.

    Attributes:
        latency, bandwidth, loss, partial, reset_after: as given to `VirtualNetwork.link`.
        seed: of every draw.
        connect_timeout: seconds after which a connect without an answer fails with ETIMEDOUT (Linux: 127).
        data_timeout: seconds after which data that a partition holds up breaks its sender's connection off with
            ETIMEDOUT (Linux: about 924). It holds for what begins to wait after it was set.
        lost: datagrams that did not arrive, through loss, a partition or a full queue.
        carried: bytes of streams that arrived, and of datagrams that were not lost.
    """

    latency = _Setting[float](lambda value: _number(value, 0), "seconds, 0 or more")
    bandwidth = _Setting["float | None"](
        lambda value: value is None or (_number(value, 0) and value > 0), "bytes a second, more than 0, or None"
    )
    loss = _Setting[float](lambda value: _number(value, 0, 1), "a share of the datagrams, from 0 to 1")
    partial = _Setting["int | None"](lambda value: value is None or _whole(value, 1), "bytes, 1 or more, or None")
    reset_after = _Setting["int | None"](lambda value: value is None or _whole(value, 0), "bytes, 0 or more, or None")
    connect_timeout = _Setting[float](lambda value: _number(value, 0), "seconds, 0 or more")
    data_timeout = _Setting[float](lambda value: _number(value, 0), "seconds, 0 or more")

    def __init__(self, links: Links, place: bytes, other: bytes | None, seed: int, settings: dict[str, Any]) -> None:
        """`Links.make` calls this; places are named by their IPv4 addresses."""
        if not isinstance(seed, int):
            raise OptionError(f"seed of a link is a whole number, not {seed!r}")
        self._settings: dict[str, Any] = {}
        for name, value in settings.items():
            setattr(self, name, value)
        self.seed = seed
        self.connect_timeout = _CONNECT_TIMEOUT
        self.data_timeout = _DATA_TIMEOUT
        self.lost = 0
        self.carried = 0
        self.places = place, other
        self._links = links
        self._partitioned = False
        # Guards the lines, their draws and clocks, and the counters. Innermost.
        self._lock = Lock()
        self._lines: dict[frozenset[bytes], Line] = {}

    @property
    def partitioned(self) -> bool:
        """Whether nothing comes through."""
        return self._partitioned

    def partition(self) -> None:
        """Let nothing through until `heal`: connects and data wait, datagrams are lost."""
        self._partitioned = True
        self._links.review(self)

    def heal(self) -> None:
        """End a partition: what waits goes on at once."""
        self._partitioned = False
        self._links.review(self)

    def reset(self) -> None:
        """Break every connection off that goes over this link; both sides are told ECONNRESET."""
        self._links.carrier.reset(self)

    def close(self) -> None:
        """Take the link away: no new connection goes over it, those that do have no conditions any more."""
        self._links.remove(self)
        self.latency, self.bandwidth, self.loss = 0.0, None, 0.0
        self.partial = self.reset_after = None
        self.heal()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def line(self, one: bytes, two: bytes) -> Line:
        """The line between two places, which is the same every time."""
        key = frozenset((one, two))
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = Line(self, self._lock, min(key), max(key))
            return line


class Journey:
    """A connect on its way: it takes a round trip, longer if the link is partitioned at its end.

    It stands where the attempt's listener will stand. The network's lock guards it.
    """

    def __init__(self, links: Links, line: Line, attempt: Attempt, arrive: Callable[[], None]) -> None:
        self._links = links
        self._arrive = arrive
        self.line = line
        self.attempt = attempt
        self.waiting = False  # for the link to heal
        self._timers: list[Timer] = []

    def begin(self) -> None:
        """Errors: MFILE, NFILE, NOBUFS of the host; nothing has begun then."""
        carrier, link = self._links.carrier, self.line.link
        try:
            self._timers.append(carrier.later(link.connect_timeout, self.time_out))
            self._timers.append(carrier.later(2 * link.latency, self.arrive))
        except BaseException:
            self.end()
            raise
        self._links.journeys.add(self)
        self.attempt.listener = self
        self.attempt.pair.hold()

    def end(self) -> None:
        """It is over. For who holds the lock."""
        self._links.journeys.discard(self)
        for timer in self._timers:
            timer.cancel()

    def forget(self, attempt: Attempt) -> bool:
        """The caller gives up; returns whether it was still on its way. For who holds the lock."""
        if self not in self._links.journeys:
            return False
        self.end()
        attempt.pair.release()
        return True

    def arrive(self) -> None:
        """The answer of the called place is there, if the link lets it through."""
        with self._links.fabric.lock:
            if self not in self._links.journeys:
                return
            self.waiting = self.line.link.partitioned
            if not self.waiting:
                self.end()
                self._arrive()

    def time_out(self) -> None:
        """No answer came."""
        with self._links.fabric.lock:
            self.fail(Errno.TIMEDOUT)

    def fail(self, why: Errno) -> None:
        """There will be no connection. For who holds the lock."""
        if self.forget(self.attempt):
            self._links.fabric.fail(self.attempt, why)


class Links:
    """The links of one network. The network's lock guards the journeys; who is linked is read without it.

    Args:
        fabric: the network.
        carrier: moves what goes over the links.
    Attributes:
        journeys: the connects that are on their way.
    """

    def __init__(self, fabric: Fabric, carrier: Carrier) -> None:
        self.fabric = fabric
        self.carrier = carrier
        self.journeys: set[Journey] = set()
        self._links: tuple[Link, ...] = ()

    def make(self, place: bytes, other: bytes | None, seed: int, settings: dict[str, Any]) -> Link:
        """A new link.

        Raises: OptionError for settings that cannot be, a place linked to itself, places that are linked already.
        """
        link = Link(self, place, other, seed, settings)
        if place == other:
            raise OptionError("a link joins two places; what a host sends to itself goes over no link")
        with self.fabric.lock:
            if any(set(link.places) == set(each.places) for each in self._links):
                raise OptionError("these places are linked already; set the attributes of that link, or close it")
            self._links = (*self._links, link)
        return link

    def remove(self, link: Link) -> None:
        """Nothing new goes over a link. Harmless when done before."""
        with self.fabric.lock:
            self._links = tuple(each for each in self._links if each is not link)

    def between(self, one: Node, two: Node) -> Line | None:
        """The line between two hosts: a link of these two goes before links to everybody, the newest of which wins."""
        here, there = one.ips[0], two.ips[0]
        if here == there:
            return None
        found = None
        for link in self._links:
            place, other = link.places
            if other is None:
                found = link if place in (here, there) else found
            elif {place, other} == {here, there}:
                return link.line(here, there)
        return None if found is None else found.line(here, there)

    def later(self, delay: float, action: Callable[[], object]) -> Timer:
        """Call something after a delay in seconds, with no lock held."""
        return self.carrier.later(delay, action)

    def call(self, line: Line, attempt: Attempt, target: Node, turn: int) -> None:
        """Send a connect over a line. For who holds the lock.

        Args:
            turn: as `Ports.listener` takes it.
        Errors: MFILE, NFILE, NOBUFS of the host.
        """
        line.join(attempt.side)
        arrive = partial(self._arrive, line, attempt, target, turn)
        if line.link.latency or line.link.partitioned:
            Journey(self, line, attempt, arrive).begin()
        else:
            arrive()

    def _arrive(self, line: Line, attempt: Attempt, target: Node, turn: int) -> None:
        """A call has come to its place: it is offered to the listener, or fails."""
        try:
            listener = self.fabric.called(target, attempt.side.peer, turn)
            attempt.passage = self.carrier.passage(line, attempt.node.ips[0], attempt.side)
        except SysError as error:
            self.fabric.fail(attempt, error.errno)
            attempt.pair.release()
            return
        attempt.listener = listener
        listener.offer(attempt)

    def review(self, link: Link) -> None:
        """A link was partitioned or healed."""
        with self.fabric.lock:
            waiting = [each for each in self.journeys if each.line.link is link and each.waiting]
        if not link.partitioned:
            for journey in waiting:
                journey.arrive()
        self.carrier.review(link)

    def stop(self) -> None:
        """Every connect on its way fails. For who holds the lock, before `close`."""
        for journey in tuple(self.journeys):
            journey.fail(Errno.NETDOWN)

    def close(self) -> None:
        """Break every connection off that goes over a link."""
        self.carrier.close()
