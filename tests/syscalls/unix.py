"""Unix sockets, and calls on them, for tests."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.abi.codecs import decode_addr_unix, encode_addr_unix
from pywasix.abi.enums import SockType
from pywasix.net.address import UNIX
from pywasix.syscalls.sock import sock_accept_v2, sock_bind, sock_connect, sock_listen, sock_pair
from pywasix.syscalls.sock_io import sock_recv_from, sock_send_to
from syscalls.vectors import BUFFER, COUNT, FLAGS, VECTOR, buffers, data
from world import World

STREAM, DATAGRAM = SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM
FIRST, SECOND, PLACE = 16, 20, 256


def put_path(world: World, path: bytes) -> int:
    """Store the address of a path; returns where."""
    return world.put(PLACE, encode_addr_unix(path))


def told(world: World, handler: Callable[..., None], fd: int) -> bytes:
    """The path that a call tells: all of the record is written."""
    world.put(PLACE, b"\xee" * 112)
    world.call(handler, fd, PLACE)
    return written(world)


def written(world: World) -> bytes:
    """The path in the record at `PLACE`, which has the 110 bytes of the wide form."""
    raw = world.memory.read(PLACE, 112)
    path = decode_addr_unix(raw)
    assert raw == encode_addr_unix(path) + b"\xee\xee"
    return path


def bound(world: World, path: bytes, kind: SockType = STREAM) -> int:
    """A descriptor with a name."""
    fd = world.socket(UNIX, kind)
    world.call(sock_bind, fd, put_path(world, path))
    return fd


def listening(world: World, path: bytes, backlog: int = 8) -> int:
    fd = bound(world, path)
    world.call(sock_listen, fd, backlog)
    return fd


def calling(world: World, path: bytes) -> int:
    """A descriptor that is connected to a listener."""
    fd = world.socket(UNIX)
    world.call(sock_connect, fd, put_path(world, path))
    return fd


def full(world: World, path: bytes) -> int:
    """A listener whose queue is full: who connects to it waits."""
    listener = listening(world, path, 0)
    calling(world, path)
    return listener


def accept(world: World, listener: int) -> tuple[int, bytes]:
    """The next caller: its descriptor and its path."""
    world.put(PLACE, b"\xee" * 112)
    world.call(sock_accept_v2, listener, 0, FIRST, PLACE)
    return world.u32(FIRST), written(world)


def pair(world: World, kind: SockType = STREAM) -> tuple[int, int]:
    world.call(sock_pair, UNIX, kind, 0, FIRST, SECOND)
    return world.u32(FIRST), world.u32(SECOND)


def send_to(world: World, fd: int, path: bytes, content: bytes, flags: int = 0) -> int:
    world.call(sock_send_to, fd, VECTOR, data(world, content), flags, put_path(world, path), COUNT)
    return world.u32(COUNT)


def recv_from(world: World, fd: int, size: int = 64) -> tuple[bytes, bytes]:
    """(data, the sender's path)."""
    world.put(PLACE, b"\xee" * 112)
    world.call(sock_recv_from, fd, VECTOR, buffers(world, size), 0, COUNT, FLAGS, PLACE)
    return world.memory.read(BUFFER, world.u32(COUNT)), decode_addr_unix(world.memory.read(PLACE, 110))
