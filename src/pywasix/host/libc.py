"""Calls of the C library that Python does not offer."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
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


_RESOLVE_BENEATH, _RESOLVE_NO_SYMLINKS, _RESOLVE_NO_MAGICLINKS = 0x08, 0x04, 0x02
_SYS_OPENAT2 = 437  # the same on every architecture of Linux
_AT_SYMLINK_NOFOLLOW = 0x100
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_NANOSECONDS = 1_000_000_000


class _OpenHow(ctypes.Structure):
    """struct open_how of openat2(2)."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _Timespec(ctypes.Structure):
    """struct timespec."""

    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_long))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.utimensat.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int)
_libc.futimens.argtypes = (ctypes.c_int, ctypes.c_void_p)


_HOW_SIZE = ctypes.c_size_t(ctypes.sizeof(_OpenHow))


@cache
def _how_beneath(flags: int) -> object:
    """A pointer to how to open without leaving. The kernel only reads it, so that all calls share one."""
    return ctypes.byref(_OpenHow(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS))


def open_beneath(directory: int, path: bytes, flags: int) -> int:
    """Open a path without "..", of which no part is a symbolic link (openat2 with RESOLVE_BENEATH).

    Returns the descriptor. Raises OSError: ELOOP a link on the way; ENOSYS, EPERM the host does not offer it.
    """
    fd: int = _libc.syscall(_SYS_OPENAT2, directory, path, _how_beneath(flags), _HOW_SIZE)
    if fd < 0:
        raise _last_error("openat2")
    return fd


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _timespec(time: int | None, now: int) -> _Timespec:
    if time is None:
        return _Timespec(0, _UTIME_OMIT)
    return _Timespec(0, _UTIME_NOW) if time == now else _Timespec(*divmod(time, _NANOSECONDS))


def set_times(fd: int, name: bytes | None, accessed: int | None, modified: int | None, now: int) -> None:
    """Set time stamps of a descriptor, or of a name in a directory, of a link itself. Raises OSError.

    Args:
        accessed, modified: ns; None keeps one; `now` means the current time. Python's utime can do neither.
    """
    times = (_Timespec * 2)(_timespec(accessed, now), _timespec(modified, now))
    if _libc.futimens(fd, times) if name is None else _libc.utimensat(fd, name, times, _AT_SYMLINK_NOFOLLOW):
        raise _last_error("utimensat")


def allocate(fd: int, offset: int, size: int) -> None:
    """Reserve room in a file, growing it as needed. Raises OSError.

    Python's posix_fallocate writes block after block where a file system cannot do it, for as long as that takes.
    """
    if not hasattr(_libc, "fallocate"):
        raise OSError(errno.EOPNOTSUPP, "there is no fallocate")
    if _libc.fallocate(fd, 0, ctypes.c_int64(offset), ctypes.c_int64(size)):
        raise _last_error("fallocate")


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
