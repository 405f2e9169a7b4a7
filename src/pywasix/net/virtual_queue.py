"""Connections of the virtual network on their way: who called, who waits, and what each side is told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.virtual_ports import Binding, Claim, Endpoint, Ports, shown

if TYPE_CHECKING:
    from pywasix.net.virtual_hosts import Node
    from pywasix.net.virtual_lines import Way

MOST_WAITING = 4096  # Linux: net.core.somaxconn


class FarEnd(Protocol):
    """The end of a connection that goes to the listener: a host's socket."""

    def detach(self) -> int: ...
    def close(self) -> None: ...


class Pair(Protocol):
    """Two connected ends that the host made: the near one is its owner's socket for good.

    While the far end has not been given away, it steers what the near one looks like to who waits on
    it. These calls never block; the network makes them under its lock, which keeps them in step with
    its queues.
    """

    def ring(self) -> None:
        """Make the near end readable. Harmless when it is already."""
        ...

    def hush(self) -> None:
        """Make the near end unreadable again. Harmless when it is already."""
        ...

    def hold(self) -> None:
        """Make the near end unwritable. Harmless when it is already."""
        ...

    def refill(self) -> None:
        """Keep the near end unwritable, if it is held, after its buffers were given another size."""
        ...

    def release(self) -> None:
        """Make the near end writable again. Harmless when it is already."""
        ...

    def give(self) -> FarEnd:
        """The far end, which the pair owns no more."""
        ...


class Passage(Protocol):
    """What carries a connection over a link: it stands between the caller's far end and the listener."""

    def join(self, far: FarEnd) -> FarEnd:
        """Begin with the caller's far end; returns what the listener gets."""
        ...

    def close(self) -> None:
        """There will be no connection."""
        ...


class Calling(Protocol):
    """Where an attempt waits: the listener's queue, or the way to it."""

    def forget(self, attempt: Attempt) -> bool:
        """The caller gives up; returns whether it was still waiting."""
        ...


class Side:
    """One side of a connection.

    Attributes:
        local, peer: the addresses of this side and of the other one.
        other: the other side.
        reset: the connection was broken off, and this side has not been told yet. What was sent before
            can still be received; then one call fails (Linux keeps `sk_err` like that).
        why: what that call fails with.
        finished: a link told this side that the other one has finished sending.
        left: the other side has closed its end, and this one has sent nothing to it since.
        broken: the connection is no more.
        way: what a link does to this side; None where there is no link.
    """

    __slots__ = ("broken", "finished", "left", "local", "other", "peer", "reset", "way", "why")

    other: Side

    def __init__(self, local: Endpoint, peer: Endpoint) -> None:
        self.local = local
        self.peer = peer
        self.reset = False
        self.finished = False
        self.left = False
        self.broken = False
        self.why = Errno.CONNRESET
        self.way: Way | None = None

    @classmethod
    def calling(cls, caller: Endpoint, called: Endpoint) -> Side:
        """The caller's side of a new connection."""
        side, other = cls(caller, called), cls(called, caller)
        side.other, other.other = other, side
        return side

    def abort(self) -> None:
        """Break the connection off. Call it before the end of the connection is closed."""
        if self.way is not None:
            self.way.aborted = True  # the other side hears of it when the end has travelled
        else:
            self.other.break_off(Errno.CONNRESET)

    def close(self) -> None:
        """Finish in order. Call it before the end of the connection is closed."""
        self.other.left = self.way is None

    def answered(self) -> bool:
        """Something is sent to a peer that has closed; returns whether it is taken, for the last time.

        Linux: nothing is known of the peer but that it has finished. Its host answers with a reset, which is EPIPE
        in CLOSE_WAIT (tcp_reset): the next send hears of it.
        """
        taken, self.left = self.left and not self.broken, False
        if taken:
            self.finished = True
            self.break_off(Errno.PIPE)
        return taken

    def break_off(self, why: Errno) -> None:
        """This side must be told that the connection is no more. Call it before the other end is closed."""
        # Linux (tcp_reset): in CLOSE_WAIT a reset is EPIPE.
        self.why = Errno.PIPE if self.finished and why is Errno.CONNRESET else why
        self.reset = self.broken = True

    def must_tell(self) -> bool:
        """Whether a receive that finds nothing fails.

        Linux (tcp_recvmsg_locked): whoever was told of the end by a FIN finds the end, whatever came after it.
        """
        return self.reset and not self.finished

    def take_reset(self) -> bool:
        """Whether this side must be told that the connection was broken off; it is told once."""
        reset, self.reset = self.reset, False
        return reset


class Attempt:
    """A connect.

    Attributes:
        node: the caller's host.
        side: the caller's side of the connection.
        binding: the caller's claim on its port.
        listener: where it waits.
        bound: what the caller had bound before, None if it had nothing.
        passage: what carries the connection over a link, None without one.
        connected: the connection is in the listener's queue, or was taken from there. It is set when
            all else is done, so that it may be read without the lock.
        failure: why there will be no connection; likewise.
    """

    __slots__ = ("binding", "bound", "connected", "failure", "listener", "node", "pair", "passage", "side")

    def __init__(self, node: Node, listener: Calling | None, pair: Pair, side: Side, binding: Binding) -> None:
        self.node = node
        self.listener = listener
        self.pair = pair
        self.side = side
        self.binding = binding
        self.bound: Claim | None = None
        self.passage: Passage | None = None
        self.connected = False
        self.failure: Errno | None = None

    def far_end(self) -> FarEnd:
        """What the listener gets."""
        far = self.pair.give()
        return far if self.passage is None else self.passage.join(far)


class Arrival:
    """A connection that waits to be accepted: its end, the listener's side of it, and the port it holds."""

    __slots__ = ("binding", "far", "side")

    def __init__(self, far: FarEnd, side: Side, binding: Binding) -> None:
        self.far = far
        self.side = side
        self.binding = binding


class Listener:
    """The queue of a listening socket. Everything in it is guarded by the network's lock.

    Attributes:
        ports: where it listens, and where the connections hold their ports.
        binding: what it listens on.
        bell: its socket, readable exactly while the queue is not empty, and once it is over.
        over: why nothing is accepted any more, None while it listens.
    """

    def __init__(self, ports: Ports, binding: Binding, bell: Pair, backlog: int) -> None:
        self.ports = ports
        self.binding = binding
        self.bell = bell
        self.over: Errno | None = None
        self._queue: deque[Arrival] = deque()
        self._waiting: deque[Attempt] = deque()
        self.set_backlog(backlog)

    def set_backlog(self, backlog: int) -> None:
        """How many may wait to be accepted; Linux lets one more in, and caps the number."""
        self._room = min(backlog, MOST_WAITING) + 1
        self._let_in()

    def offer(self, attempt: Attempt) -> None:
        """A caller: into the queue if there is room, otherwise it waits."""
        self._waiting.append(attempt)
        if len(self._queue) >= self._room:
            attempt.pair.hold()
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and len(self._queue) < self._room:
            attempt = self._waiting.popleft()
            attempt.pair.release()
            side = attempt.side.other
            self._queue.append(Arrival(attempt.far_end(), side, self._accepted(side)))
            attempt.connected = True
            self.bell.ring()

    def _accepted(self, side: Side) -> Binding:
        """The port that a connection holds: the listener's, which it shares with it."""
        listening = self.binding
        binding = Binding(
            shown(listening.address.family, side.local),
            (side.local[0],),
            reuse_address=listening.reuse_address,
            reuse_port=listening.reuse_port,
            peer=side.peer,
        )
        self.ports.enter(binding)
        return binding

    def take(self) -> Arrival | None:
        """The next connection, None when nobody waits. Errors: `over`."""
        if self.over is not None:
            raise SysError(self.over, "nobody listens any more")
        if not self._queue:
            return None
        arrival = self._queue.popleft()
        self._let_in()
        if not self._queue:
            self.bell.hush()
        return arrival

    def forget(self, attempt: Attempt) -> bool:
        """A caller gives up; returns whether it was still waiting."""
        if attempt not in self._waiting:
            return False
        self._waiting.remove(attempt)
        attempt.pair.release()
        return True

    def stop(self, why: Errno) -> tuple[list[Arrival], list[Attempt]]:
        """Nothing is accepted any more: who was in the queue is reset, who waits for room is refused.

        Returns: both, for the caller to clean up. Linux answers the next SYN of the second kind with RST.
        """
        arrivals, refused = list(self._queue), list(self._waiting)
        self._queue.clear()
        self._waiting.clear()
        self.over = why
        for arrival in arrivals:
            arrival.side.abort()
            self.ports.release(arrival.binding)
        for attempt in refused:
            attempt.pair.release()
        self.bell.release()
        self.bell.ring()
        return arrivals, refused
