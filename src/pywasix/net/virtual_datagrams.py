"""Datagrams on the virtual network: who sends what to whom, and who is told that nobody wanted it.

The errors and the order in which they are found are those of Linux (`udp_sendmsg`, `udpv6_sendmsg`,
`ip4_datagram_connect`). A datagram for an address that no host has is lost without a word, as on a LAN where
nobody answers ARP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, Address, wildcard
from pywasix.net.virtual_groups import LOOPBACK, NETWORK, Memberships, is_multicast, stays_here
from pywasix.net.virtual_ports import Binding, Claim, Endpoint, is_loopback, is_wildcard, shown
from pywasix.net.virtual_routes import direct

if TYPE_CHECKING:
    from pywasix.net.virtual import Fabric
    from pywasix.net.virtual_hosts import Node
    from pywasix.net.virtual_options import KeptOptions

# What 65,535 bytes leave for data: IPv4 counts its own header of 20 bytes, IPv6 does not, UDP has 8.
_MOST = {4: 65507, 16: 65527}
_DATAGRAM = SockType.SOCKET_DGRAM
HEADER = 19
"""Bytes before each datagram in a mailbox: length of the sender's address, 16 bytes for it, its port."""


def pack(sender: Endpoint) -> bytes:
    """The header of a datagram."""
    ip, port = sender
    return bytes((len(ip),)) + ip.ljust(16, b"\0") + port.to_bytes(2, "big")


def unpack(header: bytes | bytearray) -> Endpoint:
    """The sender that a header tells."""
    return bytes(header[1 : 1 + header[0]]), int.from_bytes(header[17:HEADER], "big")


class Mailbox(Protocol):
    """Where the datagrams of one socket wait: made by the host, filled by the network under its lock.

    Attributes:
        error: what came back for an earlier datagram, until somebody is told.
    """

    error: Errno | None

    def put(self, header: bytes, buffers: Sequence[memoryview]) -> None:
        """Add a datagram; one that finds no room is lost."""
        ...

    def fail(self, error: Errno) -> None:
        """Something came back: note it and wake who waits."""
        ...

    def take_error(self) -> Errno | None:
        """What came back, told once."""
        ...


class Link(Protocol):
    """The conditions between two hosts."""

    def datagram(self, sender: Node, size: int, /) -> float | None:
        """The delay of a datagram in seconds; None when it is lost."""
        ...


class Links(Protocol):
    """The conditions between all hosts. The network never asks them while it holds its lock."""

    def between(self, one: Node, other: Node, /) -> Link | None: ...
    def later(self, delay: float, action: Callable[[], object], /) -> object: ...


class Packet(NamedTuple):
    """A datagram on its way.

    Attributes:
        binding: the sender's.
        sender: whom the receiver answers.
        called: where it goes.
        shared: everybody there hears it, because the address is a group's or all hosts'.
        interface: the index of the one that it leaves and arrives on.
    """

    binding: Binding
    sender: Endpoint
    called: Endpoint
    shared: bool
    interface: int
    buffers: Sequence[memoryview]


class DatagramEnd:
    """A datagram socket on the virtual network, whatever it looks like to its owner.

    `_fabric.lock` guards all that changes, except which directions are shut.

    Args:
        node: the host it is on.
        mailbox: where its datagrams go.
        options: of the socket; they are looked at when they matter.
    """

    def __init__(self, fabric: Fabric, node: Node, family: int, mailbox: Mailbox, options: KeptOptions) -> None:
        self._fabric = fabric
        self._node = node
        self._family = family
        self._mailbox = mailbox
        self._options = options
        self._memberships = Memberships(node.groups)
        self._closed = False
        self._binding: Binding | None = None
        self._unconnected: Claim | None = None  # what is claimed without a peer
        self._at = wildcard(family)  # what the next port is claimed at
        self._keeps_port = False  # the port was asked for by number: dissolving a connection keeps it
        self._mute = False

    # -- addresses ----------------------------------------------------------

    @property
    def bound(self) -> bool:
        """Whether there is a local port."""
        return self._binding is not None

    def bind(self, address: Address) -> None:
        """Errors: INVAL bound already; ADDRINUSE; ADDRNOTAVAIL; NETDOWN; BADF closed."""
        with self._fabric.lock:
            if self._binding is not None:
                raise SysError(Errno.INVAL, "the socket is bound")
            self._claim(address)
            self._at = address._replace(port=0, flow=0)
            self._keeps_port = address.port != 0

    def _claim(self, address: Address) -> Binding:
        if self._closed:
            raise SysError(Errno.BADF, "the socket is closed")  # nobody would give the port back
        options = self._options
        made = self._fabric.claim(self._node, _DATAGRAM, address, options.only_v6, options.reuse)
        made.mailbox = self._mailbox
        self._binding, self._unconnected = made, made.claim
        self._fabric.notice()
        return made

    def share(self) -> None:
        """The options REUSE_ADDR or REUSE_PORT were set."""
        if self._binding is not None:
            self._binding.reuse_address, self._binding.reuse_port = self._options.reuse

    def connect(self, address: Address) -> None:
        """Name the only peer; no packet is sent.

        Errors: NETUNREACH; ACCES broadcast without BROADCAST; ADDRNOTAVAIL; AFNOSUPPORT; INVAL; NETDOWN; BADF.
        """
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            destination, source = self._route(address)
            binding = self._binding or self._claim(self._at)
            binding.claim = shown(self._family, (source, binding.address.port)), (source,)
            binding.peer = destination, address.port

    def disconnect(self) -> None:
        """Hear everybody again; a port that was not asked for by number is given back. Harmless without a peer."""
        with self._fabric.lock:
            binding = self._binding
            if binding is None or binding.peer is None or self._unconnected is None:
                return
            binding.peer, binding.claim = None, self._unconnected
            if not self._keeps_port:
                self._node.datagrams.release(binding)
                self._binding = None

    def local(self) -> Address:
        """The local address and port; port 0 before there is one."""
        binding = self._binding
        return self._at if binding is None else binding.address

    def peer(self) -> Address:
        """Errors: NOTCONN."""
        binding = self._binding
        if binding is None or binding.peer is None:
            raise SysError(Errno.NOTCONN, "the socket is not connected")
        return shown(self._family, binding.peer)

    def mute(self) -> None:
        """Send nothing more."""
        self._mute = True

    def close(self) -> None:
        """Give back the port and leave every group. Harmless when done before."""
        with self._fabric.lock:
            self._closed = True
            self._memberships.leave_all()
            if self._binding is not None:
                self._node.datagrams.release(self._binding)

    # -- groups -------------------------------------------------------------

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Join or leave a group.

        Args:
            interface: its IPv4 address, or its index; zero leaves the choice to the host.
        Errors: INVAL; NODEV; ADDRINUSE; ADDRNOTAVAIL; NOBUFS; NOPROTOOPT; BADF closed.
        """
        if len(group) == 16 and self._family == INET4:
            raise SysError(Errno.NOPROTOOPT, "an IPv4 socket joins no IPv6 group")
        index = self._interface(interface)
        with self._fabric.lock:
            if self._closed:
                raise SysError(Errno.BADF, "the socket is closed")
            if joined:
                self._memberships.join(group, index)
            else:
                self._memberships.leave(group, index, anywhere=interface == 0)

    def _interface(self, interface: bytes | int) -> int | None:
        if isinstance(interface, int):
            index = interface or NETWORK
            return index if index in (LOOPBACK, NETWORK) else None
        if is_wildcard(interface) or interface in self._node.own:
            return NETWORK
        return LOOPBACK if is_loopback(interface) else None

    # -- sending ------------------------------------------------------------

    def send(self, buffers: Sequence[memoryview], address: Address | None) -> int:
        """Send one datagram, to the peer unless an address is given; binds to a free port if need be.

        Returns: its bytes.
        Errors: what came back for an earlier one; DESTADDRREQ; PIPE; MSGSIZE; ACCES; NETUNREACH; ADDRNOTAVAIL;
            AFNOSUPPORT; INVAL; NETDOWN; BADF.
        """
        size = sum(map(len, buffers))
        fabric = self._fabric
        with fabric.lock:
            if self._closed:
                raise SysError(Errno.BADF, "the socket is closed")
            self._check_send()
            fabric.need_open(self._node)
            packet = self._packet(buffers, size, address)
            targets = self._targets(packet)
            if fabric.links is None:
                for target in targets:
                    self._arrive(packet, target)
                return size
        self._travel(packet, size, targets)
        return size

    def _check_send(self) -> None:
        error = self._mailbox.take_error() if self._mailbox.error is not None else None
        if error is not None:
            raise SysError(error, "an earlier datagram came back")
        if self._mute:
            raise SysError(Errno.PIPE, "the socket sends nothing more")

    def _packet(self, buffers: Sequence[memoryview], size: int, address: Address | None) -> Packet:
        binding = self._binding
        if address is not None:
            if not address.port:
                raise SysError(Errno.INVAL, "nobody has port 0")
            destination, source = self._route(address)
            called = destination, address.port
        elif binding is not None and binding.peer is not None:
            called, source = binding.peer, binding.covers[0]
            destination = called[0]
        else:
            raise SysError(Errno.DESTADDRREQ, "the socket is not connected and no address is given")
        if size > _MOST[len(destination)]:
            raise SysError(Errno.MSGSIZE, f"a datagram of {size} bytes")
        if binding is None:
            binding = self._claim(self._at)
        shared = is_multicast(destination) or self._fabric.is_broadcast(destination)
        interface = LOOPBACK if is_loopback(source) else NETWORK
        return Packet(binding, (source, binding.address.port), called, shared, interface, buffers)

    def _route(self, address: Address) -> tuple[bytes, bytes]:
        """Where a datagram goes and what it comes from. Errors: those of `send`."""
        fabric = self._fabric
        destination, source = direct(self._node, self._binding, address, self._options.only_v6)
        if fabric.is_broadcast(destination):
            if not self._options.get(SockOption.BROADCAST):
                raise SysError(Errno.ACCES, f"{address.host} is a broadcast address; the option BROADCAST is not set")
        elif not is_multicast(destination):
            fabric.target(self._node, destination)
        return destination, source

    def _targets(self, packet: Packet) -> list[Node]:
        """The hosts that a datagram goes to."""
        destination = packet.called[0]
        if not packet.shared:
            target = self._fabric.target(self._node, destination)
            return [] if target is None else [target]
        if packet.interface == LOOPBACK:
            return [self._node]
        if not is_multicast(destination):
            return [self._node, *self._fabric.others(self._node)]
        four = len(destination) == 4
        loops = SockOption.MULTICAST_LOOP_V4 if four else SockOption.MULTICAST_LOOP_V6
        targets = [self._node] if self._options.get(loops) else []
        if stays_here(destination) or (four and not self._options.get(SockOption.MULTICAST_TTL_V4)):
            return targets
        return targets + self._fabric.others(self._node)

    def _arrive(self, packet: Packet, target: Node) -> None:
        """A datagram is at its host; the caller holds the lock."""
        (ip, port), ports = packet.called, target.datagrams
        if packet.shared:
            if not is_multicast(ip) or target.groups.has(ip, packet.interface):
                for mailbox in ports.hearers(ip, port, packet.sender):
                    mailbox.put(pack(packet.sender), packet.buffers)
            return
        receiver = ports.receiver(ip, port, packet.sender)
        if receiver is not None and receiver.mailbox is not None:
            receiver.mailbox.put(pack(packet.sender), packet.buffers)
        elif packet.binding.peer == packet.called:
            # Linux (__udp4_lib_err): only a socket that is connected there hears of it.
            self._mailbox.fail(Errno.CONNREFUSED)

    def _travel(self, packet: Packet, size: int, targets: Sequence[Node]) -> None:
        """Send a datagram through the conditions between hosts."""
        links = self._fabric.links
        late: Packet | None = None
        for target in targets:
            link = None if links is None or target is self._node else links.between(self._node, target)
            delay = 0.0 if link is None else link.datagram(self._node, size)
            if delay is None:
                continue
            if links is None or delay <= 0:
                self._arrive_now(packet, target)
                continue
            if late is None:
                # The sender may use its memory again.
                late = packet._replace(buffers=(memoryview(b"".join(packet.buffers)),))
            links.later(delay, partial(self._arrive_now, late, target))

    def _arrive_now(self, packet: Packet, target: Node) -> None:
        with self._fabric.lock:
            if self._fabric.is_attached(target):
                self._arrive(packet, target)
