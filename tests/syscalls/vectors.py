"""Buffers in guest memory, for the tests of calls that move data."""

from __future__ import annotations

from collections.abc import Callable
from fcntl import ioctl

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.file import File
from pywasix.kernel.wait import READABLE
from pywasix.net.sockets import Socket
from pywasix.syscalls.sock_io import sock_recv, sock_send
from support import wait_until
from world import NONBLOCK, World

_SIOCOUTQ, _SIOCOUTQNSD = 0x5411, 0x894B
COUNT, FLAGS, VECTOR, BUFFER = 0, 8, 64, 1024
"""Where the tests have results, (pointer, length) pairs and data."""


def buffers(world: World, *sizes: int) -> int:
    """Name buffers of these sizes, one after the other from `BUFFER` on; returns how many."""
    words, start = [], BUFFER
    for size in sizes:
        words += [start, size]
        start += size
    world.words(VECTOR, *words)
    return len(sizes)


def data(world: World, *parts: bytes) -> int:
    """Store data in buffers of its size; returns how many."""
    world.put(BUFFER, b"".join(parts))
    return buffers(world, *map(len, parts))


def fill_up(world: World, fd: int, write: Callable[[int], None]) -> None:
    """Write until nothing is taken any more, and make the descriptor blocking again.

    On a busy host TCP has segments and acknowledgements on the way when a full buffer refuses more, and has room again
    when they have arrived: so it is filled until it refuses the first byte after that.

    Args:
        write: makes the writing call with so many buffers.
    """
    world.nonblocking(fd)
    file = world.fds.get(fd).file
    while sum(_filled(world, write, size) for size in (16384, 1)):
        wait_until(lambda: not _on_the_way(file))
    world.put(COUNT, bytes(4))
    assert file.flags == NONBLOCK
    file.set_flags(0)


def _filled(world: World, write: Callable[[int], None], size: int) -> int:
    """Write buffers of this size until one is refused; returns how many were not."""
    count = buffers(world, size)
    return sum(1 for _ in iter(lambda: _taken(write, count), False))


def _on_the_way(file: File) -> bool:
    """Whether there is data that was sent and not acknowledged (tcp(7) SIOCOUTQ, linux/sockios.h SIOCOUTQNSD)."""
    if not isinstance(file, Socket):
        return False
    try:
        waiting, unsent = (ioctl(file.handle.fileno(), number, bytes(4)) for number in (_SIOCOUTQ, _SIOCOUTQNSD))
    except OSError:  # a virtual connection, which is a pair of Unix sockets: nothing of it is ever on the way
        return False
    return waiting != unsent


def _taken(write: Callable[[int], None], count: int) -> bool:
    try:
        write(count)
    except SysError as error:
        if error.errno is Errno.AGAIN:
            return False
        raise
    return True


def send(world: World, fd: int, *parts: bytes, flags: int = 0) -> int:
    """Send; returns how many bytes were taken."""
    world.call(sock_send, fd, VECTOR, data(world, *parts), flags, COUNT)
    return world.u32(COUNT)


def recv(world: World, fd: int, *sizes: int, flags: int = 0) -> bytes:
    """Receive into buffers of these sizes."""
    world.put(BUFFER, bytes(4096))
    world.put(FLAGS, b"\xff\xff")
    world.call(sock_recv, fd, VECTOR, buffers(world, *sizes), flags, COUNT, FLAGS)
    assert world.number(FLAGS, 2) == 0
    return world.memory.read(BUFFER, world.u32(COUNT))


def cannot_recv(world: World, errno: Errno, fd: int, flags: int = 0) -> None:
    world.fails(errno, sock_recv, fd, VECTOR, buffers(world, 8), flags, COUNT, FLAGS)


def cannot_send(world: World, errno: Errno, fd: int, flags: int = 0) -> None:
    world.fails(errno, sock_send, fd, VECTOR, data(world, b"data"), flags, COUNT)


def arrived(world: World, fd: int) -> None:
    """Wait until something can be received."""
    assert world.task.poller.wait(((world.socket_file(fd).handle, READABLE),), 10**10)[0]


def full(world: World) -> tuple[int, int]:
    """A connected pair, the first of which can send nothing more."""
    caller, accepted = world.connected()
    fill_up(world, caller, lambda count: world.call(sock_send, caller, VECTOR, count, 0, COUNT))
    return caller, accepted


def broken_off(world: World) -> int:
    """A connected socket whose peer has broken the connection off."""
    caller, accepted = world.connected()
    world.socket_file(accepted).channel.set_linger(0)
    world.fds.close(accepted)
    arrived(world, caller)
    return caller
