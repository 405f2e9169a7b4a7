"""Watching a program's connections: who is told of them, and which limits hold them down.

A watched program gets a stack whose channels stand before the network's own (`net.observed`). Nobody else pays for
it: without a listener and without limits there is no such stack, and with limits alone data passes by.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Literal, cast

from pywasix.abi.enums import SockType
from pywasix.errors import printable
from pywasix.net.address import UNIX, Address
from pywasix.net.events import ConnectionEvent, Protocol, Refused, place
from pywasix.net.observed import BoundChannel, CountedChannel, GuardedChannel, LimitedChannel
from pywasix.net.policy import ConnectionLimits
from pywasix.net.stack import Channel, NetStack

_OPTIONS = "--max-connections (max_connections)", "--max-connections-per-peer (max_connections_per_peer)"


class Watch:
    """Watches the connections of one program.

    Attributes:
        listener: somebody is told of events.
        lock: guards the numbers of connections, their byte counts, and the step from open to closed. Innermost,
            and never held while somebody is told.

    Args:
        pid: the program's.
        ending: whether the program has ended, so that what is closed now is closed by its end.
        tell: gets every event, in the thread that caused it. What it raises is reported once and ignored.
        limits: how many connections may be open.
        report: gets one line for the user at the first refusal by a limit, and at the first failure of `tell`.
    """

    def __init__(
        self,
        pid: int,
        ending: Callable[[], bool],
        tell: Callable[[ConnectionEvent], object] | None,
        limits: ConnectionLimits | None,
        report: Callable[[str], None],
    ) -> None:
        self.pid = pid
        self.ending = ending
        self.listener = tell is not None
        self.lock = Lock()
        self._tell = tell
        self._limits = limits
        self._report = report
        self._numbers = 0
        self._reported: set[str] = set()

    def over(self, stack: NetStack) -> NetStack:
        """The same network, watched."""
        return cast(NetStack, WatchedStack(stack, self))  # the rest of the Protocol is passed on by __getattr__

    def over_channel(self, channel: Channel, protocol: Protocol) -> Channel:
        """The same stream socket, watched."""
        return cast(Channel, (CountedChannel if self.listener else LimitedChannel)(channel, self, protocol))

    def over_listener(self, channel: Channel) -> Channel:
        """The same TCP socket, which listens already, watched."""
        watched = self.over_channel(channel, "tcp")
        self.listening(watched)
        return watched

    def number(self) -> int:
        """The next connection's number, for a caller that holds `lock`."""
        self._numbers += 1
        return self._numbers

    def say(self, event: ConnectionEvent) -> None:
        """Tell of an event. A listener that fails must not end the guest's thread that it is called in."""
        if self._tell is None:
            return
        try:
            self._tell(event)
        except (Exception, SystemExit) as error:
            self._say_once("listener", printable(f"on_connection raised {type(error).__name__}: {error}"))

    def admits(self, channel: Channel, peer: Address) -> bool:
        """Whether an accepted connection is within the limits. It is counted and told of then."""
        return cast(GuardedChannel, channel).welcome(peer)

    def listening(self, channel: Channel) -> None:
        """A socket listens: tell of it, if nobody has."""
        cast(GuardedChannel, channel).tell_listening()

    def connected(self, channel: Channel) -> None:
        """A connect has its answer: tell of it, if nobody has."""
        cast(GuardedChannel, channel).announce()

    def refused(self, action: str, protocol: str, local: Address | None, peer: Address | None) -> None:
        """The policy refused something; callers and connects are told of."""
        if self.listener and peer is not None and action in ("accept", "connect"):
            self._say_refused(cast(Any, action), local, peer, cast(Protocol, protocol), "policy")

    def take(self, peer: Address) -> bool:
        """Count a connection against the limits; False when one is reached. Unix sockets reach no network."""
        return self._limits is None or peer.family == UNIX or self._limits.admit(peer.host)

    def give_back(self, peer: Address) -> None:
        """A connection that `take` counted has ended."""
        if self._limits is not None and peer.family != UNIX:
            self._limits.release(peer.host)

    def limited(
        self, action: Literal["accept", "connect"], local: Address | None, peer: Address, protocol: Protocol
    ) -> None:
        """A limit refused a connection; the first time the user is told which."""
        limits = self._limits
        assert limits is not None
        option = _OPTIONS[limits.total is None or limits.open < limits.total]
        what = f"turned {peer} away" if action == "accept" else f"kept the program from connecting to {peer}"
        self._say_once("limit", f"{what}: as many connections are open as {option} allows")
        self._say_refused(action, local, peer, protocol, "limit")

    def _say_refused(
        self,
        action: Literal["accept", "connect"],
        local: Address | None,
        peer: Address,
        protocol: Protocol,
        cause: Literal["policy", "limit"],
    ) -> None:
        if self.listener:
            self.say(Refused(action, None if local is None else place(local), place(peer), protocol, self.pid, cause))

    def _say_once(self, kind: str, message: str) -> None:
        with self.lock:
            told = kind in self._reported
            self._reported.add(kind)
        if not told:
            self._report(message)


class WatchedStack:
    """A network whose stream sockets are watched."""

    def __init__(self, stack: NetStack, watch: Watch) -> None:
        self._stack = stack
        self._watch = watch

    def open(self, family: int, kind: SockType) -> Channel:
        channel = self._stack.open(family, kind)
        unix = family == UNIX
        if kind is SockType.SOCKET_STREAM:
            return self._watch.over_channel(channel, "unix" if unix else "tcp")
        if not self._watch.listener:
            return channel
        return cast(Channel, BoundChannel(channel, self._watch, "unix" if unix else "udp"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack, name)
