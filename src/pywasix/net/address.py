"""Socket addresses as the kernel side knows them: family, address bytes in network order, port as a number."""

from __future__ import annotations

from typing import NamedTuple

from pywasix.abi.enums import AddressFamily

INET4 = int(AddressFamily.INET4)
INET6 = int(AddressFamily.INET6)
UNIX = int(AddressFamily.UNIX)
ANY4 = bytes(4)
ANY6 = bytes(16)
_ANY = {INET4: ANY4, INET6: ANY6, UNIX: b""}


class Address(NamedTuple):
    """The address of a socket.

    Attributes:
        family: `AddressFamily` INET4, INET6 or UNIX, as a plain number.
        ip: 4 or 16 bytes in network order; for a Unix socket its path in the guest's namespace, up to 107 bytes
            without NUL, empty for one without a name.
        port: 0..65535; 0 for a Unix socket.
        flow, scope: IPv6 flow information and scope id, 0 for others.
    """

    family: int
    ip: bytes
    port: int
    flow: int = 0
    scope: int = 0

    @property
    def host(self) -> str:
        """The address without the port, as people write it; the path of a Unix socket."""
        if self.family == UNIX or not self.ip:
            return self.ip.decode("utf-8", "surrogateescape")
        if self.family == INET4:
            return "{}.{}.{}.{}".format(*self.ip)
        from ipaddress import ip_address  # only policies, traces and the virtual network ask

        return str(ip_address(self.ip))

    def __str__(self) -> str:
        if self.family == UNIX or not self.ip:
            return repr(self.host)
        return f"[{self.host}]:{self.port}" if self.family == INET6 else f"{self.host}:{self.port}"


NOWHERE = Address(int(AddressFamily.UNSPEC), b"", 0)
"""No address: what comes with bytes of a stream, and what a connected datagram socket is connected to no more."""


def parse(host: str, port: int) -> Address:
    """An address from text. Raises ValueError for what is no IP address."""
    from ipaddress import ip_address

    ip = ip_address(host)
    return Address(INET4 if ip.version == 4 else INET6, ip.packed, port)


def wildcard(family: int) -> Address:
    """Any address, any port, of a family; no name of a Unix socket."""
    return Address(family, _ANY[family], 0)
