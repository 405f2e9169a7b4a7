"""Sending."""

from __future__ import annotations

import time

import pytest

from pywasix.abi.enums import RiFlags, Rights, SdFlags, SiFlags
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.sock import sock_shutdown
from pywasix.syscalls.sock_io import sock_send
from syscalls.vectors import (
    BUFFER,
    COUNT,
    VECTOR,
    broken_off,
    buffers,
    cannot_recv,
    cannot_send,
    data,
    full,
    recv,
    send,
)
from world import MEMORY, NONBLOCK, World

CLOSED = 12
DONT_WAIT = RiFlags.RECV_DONT_WAIT
_MS = 1_000_000


def test_a_blocking_send_takes_all(either: World) -> None:
    caller, accepted = full(either)
    either.put(BUFFER + 8192, b"e" * 8192)
    either.words(VECTOR + 32, BUFFER + 8192, 8000, BUFFER + 16192, 192)
    call = either.start(sock_send, caller, VECTOR + 32, 2, 0, COUNT + 16)
    call.await_blocked()
    found = b""
    while not found.endswith(b"e" * 8192):
        found = found[-8192:] + recv(either, accepted, 4096)
    assert call.errno() is None
    assert either.u32(COUNT + 16) == 8192


def vast(world: World) -> int:
    """Buffers that hold more than any socket takes at once; returns how many."""
    world.words(16384, *[16384, 49_000] * 1000)
    return 1000


def test_a_nonblocking_send_takes_what_fits(either: World) -> None:
    caller, _ = either.connected()
    either.call(sock_send, either.nonblocking(caller), 16384, vast(either), 0, COUNT)
    assert 0 < either.u32(COUNT) < 49_000_000


def test_what_was_sent_counts_when_the_time_is_over(either: World) -> None:
    caller, _ = either.connected()
    either.socket_file(caller).send_timeout = 5 * _MS
    either.call(sock_send, caller, 16384, vast(either), 0, COUNT)
    assert 0 < either.u32(COUNT) < 49_000_000


def test_stop_ends_a_blocked_send(either: World) -> None:
    caller, _ = full(either)
    call = either.start(sock_send, caller, VECTOR, buffers(either, 8), 0, COUNT)
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_close_wakes_a_blocked_send(either: World) -> None:
    caller, _ = full(either)
    call = either.start(sock_send, caller, VECTOR, buffers(either, 8), 0, COUNT)
    call.await_blocked()
    either.call(fd_close, caller)
    assert call.errno() is Errno.BADF


def test_sending_nothing_is_no_error(either: World) -> None:
    caller, _ = either.connected()
    assert send(either, caller) == 0
    assert send(either, caller, b"") == 0
    assert send(either, caller, b"", b"") == 0


def test_a_lingering_close_returns_at_once(either: World) -> None:
    """The operating system would hold it, and neither a kill nor a time limit could end that."""
    caller, _ = full(either)
    either.socket_file(caller).channel.set_linger(30)
    assert either.socket_file(caller).channel.get_linger() == 30
    began = time.monotonic()
    either.call(fd_close, caller)
    assert time.monotonic() - began < 10


def test_sock_send_badf(world: World) -> None:
    cannot_send(world, Errno.BADF, CLOSED)


def test_sock_send_notsock(world: World) -> None:
    cannot_send(world, Errno.NOTSOCK, world.pipe_writer()[0])


def test_sock_send_notcapable(world: World) -> None:
    cannot_send(world, Errno.NOTCAPABLE, world.without_right(world.connected()[0], Rights.FD_WRITE))


def test_sock_send_fault(either: World) -> None:
    caller, accepted = either.connected()
    either.fails(Errno.FAULT, sock_send, caller, VECTOR, data(either, b"x"), 0, MEMORY - 3)
    either.fails(Errno.FAULT, sock_send, caller, MEMORY - 7, 1, 0, COUNT)
    either.words(VECTOR, BUFFER, 2, MEMORY - 1, 2)
    either.fails(Errno.FAULT, sock_send, caller, VECTOR, 2, 0, COUNT)
    cannot_recv(either, Errno.AGAIN, accepted, DONT_WAIT)


def test_sock_send_inval(either: World) -> None:
    caller, _ = either.connected()
    cannot_send(either, Errno.INVAL, caller, 2)
    either.fails(Errno.INVAL, sock_send, caller, VECTOR, 1025, 0, COUNT)


def test_sock_send_pipe(either: World) -> None:
    cannot_send(either, Errno.PIPE, either.socket())
    cannot_send(either, Errno.PIPE, either.listener()[0])
    caller, _ = either.connected()
    either.call(sock_shutdown, caller, SdFlags.WR)
    cannot_send(either, Errno.PIPE, caller)


def test_sock_send_connrefused(world: World) -> None:
    fd = world.refused_later()
    cannot_send(world, Errno.CONNREFUSED, fd)
    cannot_send(world, Errno.PIPE, fd)


def test_sock_send_again(either: World) -> None:
    caller, _ = full(either)
    cannot_send(either, Errno.AGAIN, caller, SiFlags.SEND_DONT_WAIT)
    either.fails(Errno.AGAIN, sock_send, caller, VECTOR, buffers(either, 4, 4), SiFlags.SEND_DONT_WAIT, COUNT)
    either.socket_file(caller).send_timeout = _MS
    cannot_send(either, Errno.AGAIN, caller)
    either.socket_file(caller).send_timeout = None
    assert either.fds.get(either.nonblocking(caller)).file.flags == NONBLOCK
    cannot_send(either, Errno.AGAIN, caller)


@pytest.mark.parametrize("sizes", [(8,), (4, 4)])
def test_sock_send_intr(either: World, sizes: tuple[int, ...]) -> None:
    caller, _ = full(either)
    count = buffers(either, *sizes)
    either.signal()
    either.fails(Errno.INTR, sock_send, caller, VECTOR, count, 0, COUNT)


def test_sock_send_connreset(either: World) -> None:
    fd = broken_off(either)
    cannot_send(either, Errno.CONNRESET, fd)
    cannot_send(either, Errno.PIPE, fd)


def test_sock_send_timedout(either: World) -> None:
    """The connection that it waits for does not come."""
    fd = either.connecting()
    file = either.socket_file(fd)
    file.set_flags(0)
    file.connect_timeout = _MS
    cannot_send(either, Errno.TIMEDOUT, fd)
