"""Channels of a watched program: they stand before the network's own, tell of connections and count them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from pywasix.abi.enums import RiFlags, SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.wait import Handle
from pywasix.net.address import INET4, Address, wildcard
from pywasix.net.events import Accepted, Closed, Connected, Listening, Place, Protocol, Reason, place
from pywasix.net.stack import Channel

if TYPE_CHECKING:
    from pywasix.net.watch import Watch

_PEEK = int(RiFlags.RECV_PEEK)
_BROKEN: dict[int, Reason] = {Errno.CONNRESET: "reset", Errno.PIPE: "reset", Errno.TIMEDOUT: "timeout"}


class GuardedChannel:
    """What stands before a channel: a call that it does not know is the channel's own.

    Attributes:
        fileno: the channel's own, so that waiting needs no second path.
    """

    __slots__ = ("_held", "_inner", "_protocol", "_watch", "fileno")

    def __init__(self, inner: Channel, watch: Watch, protocol: Protocol) -> None:
        self._inner = inner
        self._watch = watch
        self._protocol = protocol
        self._held: Address | None = None  # the peer that this connection is counted for
        self.fileno = inner.fileno

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def accept(self, nonblocking: bool) -> tuple[GuardedChannel, Address]:
        channel, peer = self._inner.accept(nonblocking)
        return type(self)(channel, self._watch, self._protocol), peer

    def welcome(self, peer: Address) -> bool:
        """Whether an accepted connection stays; it is counted and told of then."""
        if not self._watch.take(peer):
            self._watch.limited("accept", self._inner.local(), peer, self._protocol)
            return False
        self._held = peer
        self._begin(Accepted, peer)
        self.announce()
        return True

    def connect(self, address: Address) -> None:
        """Errors: CONNREFUSED a limit is reached, as when a firewall limits connections; those of the channel."""
        if not self._watch.take(address):
            self._watch.limited("connect", None, address, self._protocol)
            raise SysError(Errno.CONNREFUSED, "as many connections are open as the limit allows")
        self._held = address
        self._answer(lambda: self._inner.connect(address))

    def connect_result(self) -> None:
        self._answer(self._inner.connect_result)

    def _answer(self, ask: Callable[[], None]) -> None:
        """No word to anybody here: the caller may hold a lock."""
        try:
            ask()
        except WouldBlock:
            raise
        except SysError:
            self._release()
            raise
        if self._held is not None:
            self._begin(Connected, self._held)

    def give_up(self) -> bool:
        withdrawn = self._inner.give_up()
        if withdrawn:
            self._release()
        return withdrawn

    def announce(self) -> None:
        """Tell of a new connection, if nobody has. No lock may be held: who is told may do anything."""

    def tell_listening(self) -> None:
        """Tell that the socket listens, if nobody has. No lock may be held."""

    def _begin(self, kind: type[Accepted | Connected], peer: Address) -> None:
        """There is a connection."""

    def _release(self) -> None:
        with self._watch.lock:
            held, self._held = self._held, None
        if held is not None:
            self._watch.give_back(held)

    def close(self) -> None:
        self._inner.close()
        self._release()


class LimitedChannel(GuardedChannel):
    """A stream socket that counts against the limits. Its data passes by."""

    __slots__ = ("recv_into", "recv_vector", "send", "send_vector")

    def __init__(self, inner: Channel, watch: Watch, protocol: Protocol) -> None:
        super().__init__(inner, watch, protocol)
        self.recv_into = inner.recv_into
        self.recv_vector = inner.recv_vector
        self.send = inner.send
        self.send_vector = inner.send_vector


class BoundChannel(GuardedChannel):
    """A datagram socket, which is told of when the program binds it to a port of its choice: else it is a client."""

    __slots__ = ()

    def bind(self, address: Address) -> None:
        self._inner.bind(address)
        if address.port or self._protocol == "unix":
            self._watch.say(Listening(place(self._inner.local()), self._protocol, self._watch.pid))

    def connect(self, address: Address) -> None:
        self._inner.connect(address)  # no connection: nothing to count


class CountedChannel(GuardedChannel):
    """A stream socket whose life and bytes are told of."""

    __slots__ = (
        "_began",
        "_broken",
        "_finished",
        "_gone",
        "_kind",
        "_listening",
        "_number",
        "_places",
        "_received",
        "_sent",
        "_shut",
    )

    def __init__(self, inner: Channel, watch: Watch, protocol: Protocol) -> None:
        super().__init__(inner, watch, protocol)
        self._number = 0  # once the connection was told of
        self._kind: type[Accepted | Connected] | None = None  # what is still to be told
        self._places: tuple[Place, Place] | None = None
        self._began = 0.0
        self._received = self._sent = 0
        self._listening = self._finished = self._shut = False
        self._gone = False  # closed: another task that finds its connection made only now tells nobody
        self._broken: Reason | None = None

    def tell_listening(self) -> None:
        """As `GuardedChannel.tell_listening`; told once, however often the program changes its backlog."""
        with self._watch.lock:
            told, self._listening = self._listening, True
        if not told:
            self._watch.say(Listening(place(self._inner.local()), self._protocol, self._watch.pid))

    def _begin(self, kind: type[Accepted | Connected], peer: Address) -> None:
        local = wildcard(INET4)
        if kind is Accepted:
            local = self._inner.local()
        else:
            with suppress(SysError):  # the peer may have broken it off already
                local = self._inner.local()
                peer = self._inner.peer()  # who wanted 0.0.0.0 has reached the loopback
        with self._watch.lock:
            if self._places is not None:
                return  # connect and another task's look found the same answer
            self._places = place(local), place(peer)
            self._began = monotonic()
            self._kind = kind

    def announce(self) -> None:
        with self._watch.lock:
            kind, self._kind = self._kind, None
            if kind is None or self._places is None or self._gone:
                return
            number = self._number = self._watch.number()
        self._watch.say(kind(*self._places, self._protocol, self._watch.pid, number))

    def recv_into(self, buffer: memoryview, flags: int) -> int:
        return self._took(len(buffer), flags, lambda: self._inner.recv_into(buffer, flags))

    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        return self._took(sum(map(len, buffers)), flags, lambda: self._inner.recv_vector(buffers, flags))

    def recv_from(self, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        found: list[tuple[int, bool, Address]] = []

        def receive() -> int:
            found.append(self._inner.recv_from(buffers, flags))
            return found[0][0]

        self._took(sum(map(len, buffers)), flags, receive)
        return found[0]

    def _took(self, wanted: int, flags: int, receive: Callable[[], int]) -> int:
        try:
            count = receive()
        except SysError as error:
            self._note(error)
            raise
        with self._watch.lock:
            self._finished = self._finished or (wanted > 0 and not count)
            self._received += 0 if flags & _PEEK else count
        return count

    def send(self, buffer: memoryview, flags: int) -> int:
        return self._gave(lambda: self._inner.send(buffer, flags))

    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        return self._gave(lambda: self._inner.send_vector(buffers, flags))

    def send_file(self, source: Handle, offset: int, count: int) -> int:
        return self._gave(lambda: self._inner.send_file(source, offset, count))

    def send_to(self, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        return self._gave(lambda: self._inner.send_to(buffers, flags, address))

    def _gave(self, send: Callable[[], int]) -> int:
        try:
            count = send()
        except SysError as error:
            self._note(error)
            raise
        with self._watch.lock:
            self._sent += count
        return count

    def _note(self, error: SysError) -> None:
        if not (error.errno is Errno.PIPE and self._shut):  # else it sent into what it had shut itself
            self._broken = self._broken or _BROKEN.get(error.errno)

    def shutdown(self, how: int) -> None:
        self._inner.shutdown(how)
        self._shut = self._shut or bool(how & SdFlags.WR)

    def take_error(self) -> int:
        error = self._inner.take_error()
        self._broken = self._broken or _BROKEN.get(error)
        return error

    def close(self) -> None:
        self.announce()
        with self._watch.lock:
            self._gone = True
        if self._number and self._broken is None:
            with suppress(SysError):  # closed by its own end already
                self.take_error()  # a reset that the program did not wait for
        super().close()
        with self._watch.lock:
            number, self._number = self._number, 0
        if number and self._places is not None:
            self._watch.say(self._closed(number, *self._places))

    def _closed(self, number: int, local: Place, peer: Place) -> Closed:
        seconds = monotonic() - self._began
        watch = self._watch
        counts = self._received, self._sent
        return Closed(local, peer, self._protocol, watch.pid, number, *counts, seconds, self._reason())

    def _reason(self) -> Reason:
        if self._broken is not None:
            return self._broken
        if self._watch.ending():
            return "exit"
        return "finished" if self._finished else "closed"
