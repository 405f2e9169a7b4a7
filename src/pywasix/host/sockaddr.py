"""Socket addresses as Python's socket module has them."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
from functools import lru_cache

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, INET6, NOWHERE, Address

HostAddress = tuple[str, int] | tuple[str, int, int, int]
_FLOW_MAX = 0xFFFFF
_packed = lru_cache(256)(socket.inet_aton)  # who calls has mostly called before: half the time


def to_host(address: Address) -> HostAddress:
    """What bind, connect and sendto take. Errors: INVAL flow information of over 20 bits."""
    if address.family == INET4:
        return socket.inet_ntop(socket.AF_INET, address.ip), address.port
    if address.flow > _FLOW_MAX:
        raise SysError(Errno.INVAL, f"IPv6 flow information has 20 bits, not {address.flow:#x}")
    host = socket.inet_ntop(socket.AF_INET6, address.ip)
    return host, address.port, address.flow, address.scope


def from_host(family: int, found: HostAddress | None) -> Address:
    """What accept, getsockname and recvfrom give; `NOWHERE` for None, which is no address at all."""
    if found is None:
        return NOWHERE
    if family == INET4:
        # What a named tuple does for `Address(INET4, ip, port)`, which takes twice as long: every accept makes one.
        return tuple.__new__(Address, (INET4, _packed(found[0]), found[1], 0, 0))
    host, port, flow, scope = found  # type: ignore[misc]  # the family says that there are four
    # getsockname(2) appends the scope's name to link-local addresses
    return Address(INET6, socket.inet_pton(socket.AF_INET6, host.partition("%")[0]), port, flow, scope)
