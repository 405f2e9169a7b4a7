"""What the embedder is told of a program's connections.

Addresses are (host, port) pairs, as everywhere in Python; those of Unix sockets are paths in the program's own
namespace, "" for one without a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pywasix.net.address import UNIX, Address

Place: TypeAlias = tuple[str, int] | str
Protocol: TypeAlias = Literal["tcp", "udp", "unix"]
Reason: TypeAlias = Literal["closed", "finished", "reset", "timeout", "exit"]


@dataclass(frozen=True, slots=True)
class Listening:
    """The program waits for callers: it listens, or it bound a UDP port of its choice or a Unix datagram socket.

    Attributes:
        local: where.
        protocol: "tcp", "udp" or "unix".
        pid: the program's, as `Process.pid`.
    """

    local: Place
    protocol: Protocol
    pid: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The program took a caller.

    Attributes:
        local, peer: the addresses of both ends.
        protocol: "tcp" or "unix".
        pid: the program's.
        number: ties it to `Closed`; connections of a program are counted from 1.
    """

    local: Place
    peer: Place
    protocol: Protocol
    pid: int
    number: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The program reached somebody; the attributes are those of `Accepted`.

    A program that connects without waiting is told with its first look at the answer.
    """

    local: Place
    peer: Place
    protocol: Protocol
    pid: int
    number: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The last descriptor of a connection is gone.

    Attributes:
        local, peer, protocol, pid, number: as `Accepted` or `Connected` said.
        received, sent: bytes that the program took in and that the network took over from it.
        seconds: since it was accepted or connected.
        reason: "reset" the peer broke it off; "timeout" the peer did not answer any more; "exit" the program
            ended; "finished" the peer had sent its end before the program closed it; "closed" the program
            closed it first.
    """

    local: Place
    peer: Place
    protocol: Protocol
    pid: int
    number: int
    received: int
    sent: int
    seconds: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """A caller was turned away, or the program was kept from connecting.

    Attributes:
        action: "accept" or "connect".
        local: None for a program that connects from an unbound socket.
        peer: the caller, or whom the program wanted.
        protocol, pid: as in the other events.
        cause: "policy", or "limit" for a limit on connections.
    """

    action: Literal["accept", "connect"]
    local: Place | None
    peer: Place
    protocol: Protocol
    pid: int
    cause: Literal["policy", "limit"]


ConnectionEvent: TypeAlias = Listening | Accepted | Connected | Closed | Refused


def place(address: Address) -> Place:
    """An address as events tell it."""
    return address.host if address.family == UNIX else (address.host, address.port)
