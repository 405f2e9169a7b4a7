"""Calls of the C library that Python does not offer."""

from __future__ import annotations

import ctypes
import sys
from typing import NamedTuple

_connect = ctypes.CDLL(None).connect
_connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_connect.restype = ctypes.c_int
_NO_ADDRESS = bytes(16)  # struct sockaddr of the family AF_UNSPEC, which is 0 everywhere


def disconnect(fd: int) -> None:
    """Dissolve what connect(2) made or began: POSIX's connect to an address of the family AF_UNSPEC.

    On Linux the socket may then be bound, listen or connect again; a peer that knew of it is told by a reset.
    Where a system cannot do that, nothing happens.
    """
    _connect(fd, _NO_ADDRESS, len(_NO_ADDRESS))


class InterfaceAddress(NamedTuple):
    """One address of a network interface, as getifaddrs(3) tells it.

    Attributes:
        interface: its name.
        flags: IFF_UP and the others of netdevice(7).
        ip: 4 or 16 bytes; empty for an entry that tells the hardware address.
        prefix: the length of the network's prefix in bits.
        mac: the hardware address of an entry that tells it, else empty.
    """

    interface: str
    flags: int
    ip: bytes
    prefix: int
    mac: bytes


class _IfAddrs(ctypes.Structure):
    """struct ifaddrs, the part that is looked at."""

    _fields_ = (
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_uint),
        ("address", ctypes.c_void_p),
        ("netmask", ctypes.c_void_p),
    )


_PACKET, _INET, _INET6 = 17, 2, 10  # families of Linux


def interface_addresses() -> list[InterfaceAddress]:
    """Every address of every interface, on Linux. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = ctypes.c_void_p()
    if libc.getifaddrs(ctypes.byref(first)):
        number = ctypes.get_errno()
        raise OSError(number, "getifaddrs")
    try:
        found = []
        where = first.value
        while where:
            entry = _IfAddrs.from_address(where)
            found.append(_interface_address(entry))
            where = entry.next
        return [each for each in found if each is not None]
    finally:
        libc.freeifaddrs(first)


def _interface_address(entry: _IfAddrs) -> InterfaceAddress | None:
    """An entry with an address of a family that we know: sockaddr_in, sockaddr_in6 or sockaddr_ll."""
    if not entry.address:
        return None  # a tunnel without one
    family = int.from_bytes(ctypes.string_at(entry.address, 2), sys.byteorder)
    name = entry.name.decode(errors="replace")
    if family == _PACKET:
        raw = ctypes.string_at(entry.address, 20)
        return InterfaceAddress(name, entry.flags, b"", 0, raw[12 : 12 + raw[11]])
    if family not in (_INET, _INET6):
        return None
    start, size = (4, 4) if family == _INET else (8, 16)
    ip = ctypes.string_at(entry.address, start + size)[start:]
    mask = ctypes.string_at(entry.netmask, start + size)[start:] if entry.netmask else b"\xff" * size
    return InterfaceAddress(name, entry.flags, ip, int.from_bytes(mask, "big").bit_count(), b"")
