"""Socket addresses as the kernel side knows them: family, address bytes in network order, port as a number."""

from __future__ import annotations

from typing import NamedTuple

from pywasix.abi.enums import AddressFamily

INET4 = int(AddressFamily.INET4)
INET6 = int(AddressFamily.INET6)
ANY4 = bytes(4)
ANY6 = bytes(16)


class Address(NamedTuple):
    """A TCP or UDP address.

    Attributes:
        family: `AddressFamily` INET4 or INET6, as a plain number.
        ip: 4 or 16 bytes in network order.
        port: 0..65535.
        flow, scope: IPv6 flow information and scope id, 0 for IPv4.
    """

    family: int
    ip: bytes
    port: int
    flow: int = 0
    scope: int = 0

    @property
    def host(self) -> str:
        """The address without the port, as people write it."""
        from ipaddress import ip_address  # only refusals, traces and the virtual network ask

        return str(ip_address(self.ip))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.family == INET6 else f"{self.host}:{self.port}"


def parse(host: str, port: int) -> Address:
    """An address from text. Raises ValueError for what is no IP address."""
    from ipaddress import ip_address

    ip = ip_address(host)
    return Address(INET4 if ip.version == 4 else INET6, ip.packed, port)


def wildcard(family: int) -> Address:
    """Any address, any port, of a family."""
    return Address(family, ANY4 if family == INET4 else ANY6, 0)
