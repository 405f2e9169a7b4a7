"""Datagram sockets, and calls on them, for tests."""

from __future__ import annotations

from pywasix.abi.enums import RiFlags, SockType
from pywasix.abi.errno import Errno
from pywasix.net.address import UNIX, Address, parse
from pywasix.net.opening import open_pair
from pywasix.syscalls.sock import sock_connect
from pywasix.syscalls.sock_io import sock_recv_from, sock_send_to
from syscalls.vectors import (
    BUFFER,
    COUNT,
    FLAGS,
    VECTOR,
    buffers,
    data,
)
from world import World

DATAGRAM = SockType.SOCKET_DGRAM
HOSTS = ("127.0.0.1", "::1")
TO, FROM, RESULT = 128, 256, 16
PEEK, TRUNCATED, DONT_WAIT = RiFlags.RECV_PEEK, RiFlags.RECV_DATA_TRUNCATED, RiFlags.RECV_DONT_WAIT
_UNSPEC = bytes(20)


def bound(world: World, host: str = "127.0.0.1") -> tuple[int, Address]:
    """A datagram socket at a free port, and its address."""
    fd = world.socket(parse(host, 0).family, DATAGRAM)
    file = world.socket_file(fd)
    file.bind(parse(host, 0))
    return fd, file.local()


def pair(world: World, host: str = "127.0.0.1") -> tuple[int, int]:
    """Two sockets, the first of which is connected to the second."""
    there, address = bound(world, host)
    here = world.socket(address.family, DATAGRAM)
    world.socket_file(here).connect(world.task, address)
    return here, there


def nobody(world: World, host: str = "127.0.0.1") -> Address:
    """An address where nobody is."""
    fd, address = bound(world, host)
    world.fds.close(fd)
    return address


def put_address(world: World, address: Address, pointer: int = TO) -> int:
    return world.address(pointer, address.host, address.port)


def address_at(world: World, pointer: int) -> Address:
    size = world.generation.addr_port_read_size
    family, port, ip, flow, scope = world.generation.decode_addr_port(world.memory.read(pointer, size))
    return Address(family, ip, port, flow, scope)


def send_to(world: World, fd: int, address: Address, *parts: bytes, flags: int = 0) -> int:
    world.call(sock_send_to, fd, VECTOR, data(world, *parts), flags, put_address(world, address), COUNT)
    return world.u32(COUNT)


def recv_from(world: World, fd: int, *sizes: int, flags: int = 0) -> tuple[bytes, int, Address]:
    """(bytes stored, roflags, sender)."""
    world.put(BUFFER, bytes(4096))
    world.put(FROM, b"\xee" * 110)
    world.call(sock_recv_from, fd, VECTOR, buffers(world, *sizes), flags, COUNT, FLAGS, FROM)
    stored = min(world.u32(COUNT), sum(sizes))
    return world.memory.read(BUFFER, stored), world.number(FLAGS, 2), address_at(world, FROM)


def cannot_send_to(world: World, errno: Errno, fd: int, address: Address, flags: int = 0) -> None:
    put_address(world, address)
    world.fails(errno, sock_send_to, fd, VECTOR, data(world, b"data"), flags, TO, COUNT)


def cannot_recv_from(world: World, errno: Errno, fd: int, flags: int = 0) -> None:
    world.fails(errno, sock_recv_from, fd, VECTOR, buffers(world, 8), flags, COUNT, FLAGS, FROM)


def send_nowhere(world: World, fd: int) -> None:
    """Send to an address without family."""
    world.call(sock_send_to, fd, VECTOR, data(world, b"data"), 0, world.put(TO, _UNSPEC + bytes(8)), COUNT)


def disconnect(world: World, fd: int) -> None:
    world.call(sock_connect, fd, world.put(TO, bytes(110)))


def unix_pair(world: World) -> tuple[int, int]:
    """Two connected Unix streams."""
    first, second = open_pair(world.network, UNIX, SockType.SOCKET_STREAM)
    return world.add(first), world.add(second)
