"""Socket addresses as the kernel side knows them: family, address bytes in network order, port as a number."""

from __future__ import annotations

from typing import NamedTuple

from pywasix.abi.enums import AddressFamily

INET4 = int(AddressFamily.INET4)
INET6 = int(AddressFamily.INET6)
UNIX = int(AddressFamily.UNIX)
ANY4 = bytes(4)
ANY6 = bytes(16)
_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, without the IPv4 address
_LOOPBACK4, _LOOPBACK6 = b"\x7f\0\0\x01", bytes(15) + b"\x01"
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


def meant(address: Address, local: Address) -> Address:
    """A destination without a wildcard, as Linux takes it (`ip_route_output_key_hash_rcu`, `tcp_v6_connect`).

    Args:
        local: of the socket, at the moment in which its use was judged: whatever another task does to the socket
            after that, what is sent goes to what was judged.
    """
    ip, own = address.ip, local.ip
    if any(ip.removeprefix(_MAPPED)):
        return address
    if ip == ANY6:
        ip = _MAPPED + _LOOPBACK4 if own.startswith(_MAPPED) else _LOOPBACK6
    else:
        ip = ip[:-4] + (own[-4:] if _is_ip4(own) and any(own[-4:]) else _LOOPBACK4)
    return address._replace(ip=ip)


def _is_ip4(ip: bytes) -> bool:
    return len(ip) == 4 or ip.startswith(_MAPPED)


def wildcard(family: int) -> Address:
    """Any address, any port, of a family; no name of a Unix socket."""
    return Address(family, _ANY[family], 0)
