"""Ports of the virtual network: who holds which, and who listens there.

The rules are those of Linux (`inet_csk_bind_conflict`, `inet_rcv_saddr_equal`). Nothing here locks;
the network does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakSet

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import ANY4, ANY6, INET6, Address

if TYPE_CHECKING:
    from pywasix.net.virtual_datagrams import Mailbox
    from pywasix.net.virtual_queue import Listener

EPHEMERAL = range(32768, 61000)  # Linux: net.ipv4.ip_local_port_range
LOOPBACK4 = bytes((127, 0, 0, 1))
LOOPBACK6 = bytes(15) + b"\x01"
_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, RFC 4291 section 2.5.5.2
_WILDCARDS = (ANY4, ANY6)
_serials = count()

Endpoint = tuple[bytes, int]
"""Where a connection ends: 4 or 16 address bytes in network order, and a port. Never a mapped address."""

Claim = tuple[Address, tuple[bytes, ...]]
"""What a socket is bound to: its local address as it shows it, and the addresses that this covers."""


def unmapped(ip: bytes) -> bytes:
    """The IPv4 address that an IPv6 socket means by ::ffff:a.b.c.d; anything else as it is."""
    return ip[12:] if len(ip) == 16 and ip.startswith(_MAPPED) else ip


def shown(family: int, endpoint: Endpoint) -> Address:
    """An endpoint as a socket of a family sees it: an IPv6 socket sees IPv4 addresses as mapped ones."""
    ip, port = endpoint
    return Address(family, _MAPPED + ip if family == INET6 and len(ip) == 4 else ip, port)


def is_wildcard(ip: bytes) -> bool:
    """Whether an address stands for every address of its family."""
    return ip in _WILDCARDS


def is_loopback(ip: bytes) -> bool:
    """Whether an address never leaves the host it is used on."""
    return ip[0] == 127 if len(ip) == 4 else ip == LOOPBACK6


def covers(address: Address, only_v6: bool) -> tuple[bytes, ...]:
    """The addresses that a socket bound to `address` answers for; a wildcard stands for all of its length.

    Errors: INVAL an IPv4 address for a socket that wants IPv6 only (Linux `__inet6_bind`).
    """
    ip = unmapped(address.ip)
    if only_v6 and len(ip) == 4 and address.family == INET6:
        raise SysError(Errno.INVAL, f"{address} on a socket for IPv6 only")
    return (ANY6, ANY4) if ip == ANY6 and not only_v6 else (ip,)


class Binding:
    """One socket's claim on a port of a host.

    Attributes:
        covers: the addresses that are claimed; see `covers`.
        address: the local address as the socket shows it.
        reuse_address, reuse_port: the socket's options; they may change while it is bound.
        peer: the other side of the connection, None for a socket that has none.
        listener: the queue of a socket that listens.
        mailbox: where the datagrams of a datagram socket go.
        serial: what was made later has a greater one.
    """

    __slots__ = (
        "__weakref__",
        "address",
        "covers",
        "listener",
        "mailbox",
        "peer",
        "reuse_address",
        "reuse_port",
        "serial",
    )

    def __init__(
        self,
        address: Address,
        covers: tuple[bytes, ...],
        *,
        reuse_address: bool = False,
        reuse_port: bool = False,
        peer: Endpoint | None = None,
    ) -> None:
        self.address = address
        self.covers = covers
        self.reuse_address = reuse_address
        self.reuse_port = reuse_port
        self.peer = peer
        self.listener: Listener | None = None
        self.mailbox: Mailbox | None = None
        self.serial = next(_serials)

    @property
    def claim(self) -> Claim:
        """What is claimed; it may be narrowed or widened while the port stays the same."""
        return self.address, self.covers

    @claim.setter
    def claim(self, claim: Claim) -> None:
        self.address, self.covers = claim

    def overlaps(self, other: Binding) -> bool:
        """Whether some address is claimed by both."""
        return any(
            len(one) == len(two) and (one == two or is_wildcard(one) or is_wildcard(two))
            for one in self.covers
            for two in other.covers
        )

    def tolerates(self, other: Binding) -> bool:
        """Whether both may hold the same address and port (SO_REUSEADDR, SO_REUSEPORT)."""
        if self.reuse_port and other.reuse_port:
            return True
        return self.reuse_address and other.reuse_address and other.listener is None

    def rank(self, ip: bytes) -> int:
        """How well the claim fits an address: 0 not at all; specific ones win (Linux `compute_score`)."""
        if ip in self.covers:
            return 3
        if not any(is_wildcard(one) and len(one) == len(ip) for one in self.covers):
            return 0
        return 2 if len(self.covers) == 1 else 1


class Ports:
    """The ports of one transport protocol on one host.

    A claim lasts until it is released, or until its owner is gone without a word.
    """

    def __init__(self) -> None:
        self._claims: dict[int, WeakSet[Binding]] = {}
        self._listening: dict[int, list[Binding]] = {}
        self._next = 0

    def claim(self, binding: Binding) -> None:
        """Enter a binding; port 0 takes a free one. Errors: ADDRINUSE."""
        if not binding.address.port:
            binding.address = binding.address._replace(port=self._free_port())
        elif self.conflict(binding):
            raise SysError(Errno.ADDRINUSE, f"{binding.address} is in use")
        self.enter(binding)

    def enter(self, binding: Binding) -> None:
        """Enter a binding that may share its port by right: an accepted connection shares its listener's."""
        self._claims.setdefault(binding.address.port, WeakSet()).add(binding)

    def release(self, binding: Binding) -> None:
        """Take a binding out; harmless for one that is not there."""
        port = binding.address.port
        self.stop_listening(binding)
        claims = self._claims.get(port)
        if claims is not None:
            claims.discard(binding)
            if not claims:
                del self._claims[port]

    def at(self, port: int) -> Iterator[Binding]:
        """The bindings of a port."""
        return iter(tuple(self._claims.get(port, ())))

    def mailboxes(self) -> list[Mailbox]:
        """Those of all bindings."""
        return [binding.mailbox for port in self._claims for binding in self.at(port) if binding.mailbox is not None]

    def receiver(self, ip: bytes, port: int, sender: Endpoint) -> Binding | None:
        """Whose datagram it is; None when nobody wants it.

        A connected socket hears only its peer. Linux (`udp4_lib_lookup2`): who fits best, among equals who bound
        last; those that share a port by REUSE_PORT share the senders.
        """
        best, chosen = 0, []
        for binding in self.at(port):
            score = self._score(binding, ip, sender)
            if score > best:
                best, chosen = score, [binding]
            elif score and score == best:
                chosen.append(binding)
        if len(chosen) < 2:
            return chosen[0] if chosen else None
        chosen.sort(key=lambda each: each.serial)
        if not chosen[-1].reuse_port:
            return chosen[-1]
        shared = [each for each in chosen if each.reuse_port]
        # The same for each datagram of a sender, as Linux's hash is.
        return shared[(int.from_bytes(sender[0], "big") + sender[1]) % len(shared)]

    def hearers(self, ip: bytes, port: int, sender: Endpoint) -> Iterator[Mailbox]:
        """Everybody who hears a datagram to a group or to all."""
        for binding in self.at(port):
            if binding.mailbox is not None and self._score(binding, ip, sender):
                yield binding.mailbox

    @staticmethod
    def _score(binding: Binding, ip: bytes, sender: Endpoint) -> int:
        if binding.peer is None:
            return binding.rank(ip)
        return 4 + binding.rank(ip) if binding.peer == sender and binding.rank(ip) else 0

    def conflict(self, binding: Binding) -> bool:
        """Whether somebody else's claim forbids a binding."""
        return any(
            other is not binding and not binding.tolerates(other) and binding.overlaps(other)
            for other in self.at(binding.address.port)
        )

    def _free_port(self) -> int:
        """The next ephemeral port that nobody holds; a closed one rests for long. Errors: ADDRINUSE."""
        for _ in EPHEMERAL:
            port = EPHEMERAL[self._next % len(EPHEMERAL)]
            self._next += 1
            if not self._claims.get(port):
                return port
        raise SysError(Errno.ADDRINUSE, "every ephemeral port is in use")

    def start_listening(self, binding: Binding, listener: Listener) -> None:
        """Send callers of a binding to a listener. Errors: ADDRINUSE, because listeners share less."""
        if self.conflict(binding):
            raise SysError(Errno.ADDRINUSE, f"somebody listens on {binding.address} already")
        binding.listener = listener
        self._listening.setdefault(binding.address.port, []).append(binding)

    def stop_listening(self, binding: Binding) -> None:
        """Callers of a binding are refused from now on."""
        if binding.listener is None:
            return
        binding.listener = None
        listening = self._listening[binding.address.port]
        listening.remove(binding)
        if not listening:
            del self._listening[binding.address.port]

    def listener(self, ip: bytes, port: int, caller: int) -> Listener | None:
        """Who listens at an address and port. `caller` spreads callers over those that share a port."""
        best, chosen = 0, []
        for binding in self._listening.get(port, ()):
            rank = binding.rank(ip)
            if rank > best:
                best, chosen = rank, [binding.listener]
            elif rank and rank == best:
                chosen.append(binding.listener)
        return chosen[caller % len(chosen)] if chosen else None

    def listeners(self) -> list[Listener]:
        """Everybody who listens."""
        return [
            binding.listener
            for listening in self._listening.values()
            for binding in listening
            if binding.listener is not None
        ]
