"""The host's network interfaces, to be looked at: getifaddrs(3), and the routing tables of Linux in /proc/net."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.libc import InterfaceAddress, interface_addresses
from pywasix.net.interface import Cidr, FixedInterface, Route

_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_RTF_UP, _RTF_GATEWAY, _RTF_REJECT = 0x1, 0x2, 0x200  # linux/route.h
_RTF_LOCAL = 0x80000000  # linux/ipv6_route.h: the host's own address, which is no way to others
_MULTICAST6 = 0xFF  # first byte of every group


class HostInterface(FixedInterface):
    """All interfaces that are up, without the loopback one: a `net.interface.Interface`."""

    def addresses(self) -> list[Cidr]:
        """In the order of the system. Errors: NOTSUP on a system other than Linux; those of the system."""
        return [Cidr(each.ip, each.prefix) for each in _shown() if each.ip]

    def mac(self) -> bytes:
        """That of the interface with the default route, else the first. Errors: NODEV; as `addresses`."""
        found = {each.interface: each.mac for each in _shown() if len(each.mac) == 6}
        default = next((name for name, route in _routes() if route.to.prefix == 0 and name in found), None)
        for name in (default, *found):
            if name is not None:
                return found[name]
        raise SysError(Errno.NODEV, "no interface has a hardware address")

    def routes(self) -> list[Route]:
        """The main tables of IPv4 and IPv6. Errors: as `addresses`."""
        names = {each.interface for each in _shown()}
        return list(dict.fromkeys(route for name, route in _routes() if name in names))


def _shown() -> list[InterfaceAddress]:
    if sys.platform != "linux":
        raise SysError(Errno.NOTSUP, f"the interfaces of {sys.platform} are not known to us")
    try:
        found = interface_addresses()
    except OSError as error:
        raise sys_error(error) from None
    return [each for each in found if each.flags & _IFF_UP and not each.flags & _IFF_LOOPBACK]


def _routes() -> Iterator[tuple[str, Route]]:
    """Each route with the name of its interface."""
    yield from map(_route4, _lines("route", 1))
    yield from (each for each in map(_route6, _lines("ipv6_route", 0)) if each is not None)


def _lines(name: str, skipped: int) -> list[list[str]]:
    """The fields of a table's lines; none where the kernel lacks that family."""
    try:
        with open(f"/proc/net/{name}", encoding="ascii") as file:
            return [line.split() for line in file.read().splitlines()[skipped:]]
    except OSError:
        return []


def _route4(fields: list[str]) -> tuple[str, Route]:
    """Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask, ...: addresses as the machine's words."""
    to, via, mask = (int(fields[index], 16).to_bytes(4, sys.byteorder) for index in (1, 2, 7))
    prefix = int.from_bytes(mask, "big").bit_count()
    return fields[0], Route(Cidr(to, prefix), via if int(fields[3], 16) & _RTF_GATEWAY else b"")


def _route6(fields: list[str]) -> tuple[str, Route] | None:
    """Destination, its prefix, source, its prefix, next hop, metric, ..., flags, interface."""
    to, via, flags = bytes.fromhex(fields[0]), bytes.fromhex(fields[4]), int(fields[8], 16)
    if not flags & _RTF_UP or flags & (_RTF_LOCAL | _RTF_REJECT) or to[0] == _MULTICAST6:
        return None
    return fields[9], Route(Cidr(to, int(fields[1], 16)), via if any(via) else b"")
