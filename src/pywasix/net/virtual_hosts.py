"""Hosts of the virtual network: their addresses, and the subnets those are taken from."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.net.interface import Cidr, Route
from pywasix.net.virtual_groups import Groups
from pywasix.net.virtual_ports import LOOPBACK4, LOOPBACK6, Ports, is_loopback

_EVERYBODY = b"\xff" * 4  # the limited broadcast address, RFC 919

Ips = tuple[bytes, bytes]
"""The IPv4 and the IPv6 address of a host, in network order."""


class Node:
    """A host of the virtual network.

    Attributes:
        ips: the addresses that the network gave it; they name it as long as it is there.
        own: the addresses that it answers to now, in the order of their coming; those of its loopback interface
            belong to it as well. `Fabric.lock` guards changes.
        routes: its ways to other hosts; None for those that come with its addresses. As `own`.
        name: what the network calls it, None for a host without a name.
        ports: of each transport protocol.
        groups: the multicast groups that its sockets are in.
    """

    def __init__(self, ips: Ips, name: str | None = None) -> None:
        self.ips = ips
        self.own: tuple[bytes, ...] = ips
        self.routes: tuple[Route, ...] | None = None
        self.name = name
        self.groups = Groups()
        self.ports = {SockType.SOCKET_STREAM: Ports(), SockType.SOCKET_DGRAM: Ports()}

    @property
    def addresses(self) -> tuple[str, str]:
        """The IPv4 and the IPv6 address as text."""
        return str(ip_address(self.ips[0])), str(ip_address(self.ips[1]))

    @property
    def streams(self) -> Ports:
        """The ports of TCP."""
        return self.ports[SockType.SOCKET_STREAM]

    @property
    def datagrams(self) -> Ports:
        """The ports of UDP."""
        return self.ports[SockType.SOCKET_DGRAM]

    def holds(self, ip: bytes) -> bool:
        """Whether packets to an address stay on this host."""
        return ip in self.own or is_loopback(ip)

    def source(self, destination: bytes) -> bytes:
        """The address that a packet to `destination` comes from (Linux: the route's preferred source).

        Errors: NETUNREACH the host has no address of that family.
        """
        if is_loopback(destination):
            return LOOPBACK4 if len(destination) == 4 else LOOPBACK6
        if destination in self.own:
            return destination
        for ip in self.own:
            if len(ip) == len(destination):
                return ip
        raise SysError(Errno.NETUNREACH, "the host has no address of this family")

    def require_way(self, routes: tuple[Route, ...], ip: bytes) -> None:
        """Errors: NETUNREACH when no route leads to an address, or one over a router: no host forwards."""
        from pywasix.net.virtual_interface import best_way  # only who changed its routes comes here

        way = best_way(routes, ip)
        if way is None or way.via:
            raise SysError(Errno.NETUNREACH, f"no route leads to {ip_address(ip)}")


class AddressPlan:
    """Which addresses hosts may have. A host has the same number in both subnets.

    Args:
        subnet, subnet6: as `10.0.0.0/24` and `fd00::/64`.
    Raises: OptionError.
    """

    def __init__(self, subnet: str, subnet6: str) -> None:
        try:
            self._subnet, self._subnet6 = IPv4Network(subnet), IPv6Network(subnet6)
        except ValueError as error:
            raise OptionError(f"no subnet for a virtual network: {error}") from None
        size = min(self._subnet.num_addresses, self._subnet6.num_addresses)
        # Number 0 is the subnet itself, and the last one of IPv4 is the broadcast address.
        self.numbers = range(1, size - 1)

    def ips(self, number: int) -> Ips:
        """The addresses of a host."""
        return self._subnet[number].packed, self._subnet6[number].packed

    def number(self, text: str) -> int:
        """The number of the host with an address. Raises: OptionError."""
        try:
            ip = ip_address(text)
        except ValueError:
            raise OptionError(f"{text!r} is no IP address") from None
        first = (self._subnet if ip.version == 4 else self._subnet6).network_address
        number = int(ip) - int(first)
        if number not in self.numbers:
            raise OptionError(f"{text} is no address for a host in {self}")
        return number

    def is_broadcast(self, ip: bytes) -> bool:
        """Whether every host takes packets to an address."""
        return ip in (_EVERYBODY, self._subnet.broadcast_address.packed)

    def require(self, ip: bytes) -> None:
        """Errors: NETUNREACH when no host can have this address."""
        found = ip_address(ip)
        subnet = self._subnet if found.version == 4 else self._subnet6
        if found not in subnet or found == self._subnet.broadcast_address:
            raise SysError(Errno.NETUNREACH, f"there is no way to {found} from {self}")

    def subnet_of(self, ip: bytes) -> Cidr | None:
        """The subnet that an address belongs to."""
        subnet = self._subnet if len(ip) == 4 else self._subnet6
        found = ip_address(ip) in subnet
        return Cidr(subnet.network_address.packed, subnet.prefixlen) if found else None

    def __str__(self) -> str:
        return f"{self._subnet} and {self._subnet6}"
