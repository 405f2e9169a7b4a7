"""Receiving, and the plain reads and writes of sockets."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import RiFlags, Rights, SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.sock import sock_shutdown
from pywasix.syscalls.sock_io import sock_recv
from syscalls.vectors import (
    BUFFER,
    COUNT,
    FLAGS,
    VECTOR,
    arrived,
    broken_off,
    buffers,
    cannot_recv,
    cannot_send,
    data,
    recv,
    send,
)
from world import MEMORY, WatchedPoller, World

CLOSED = 12
PEEK, WAITALL = RiFlags.RECV_PEEK, RiFlags.RECV_WAITALL
DONT_WAIT, TRUNCATED = RiFlags.RECV_DONT_WAIT, RiFlags.RECV_DATA_TRUNCATED
_MS = 1_000_000


def test_receiving_scatters_and_gathers(either: World) -> None:
    caller, accepted = either.connected()
    assert send(either, caller, b"abc", b"", b"defgh") == 8
    assert recv(either, accepted, 2, 0, 4) == b"abcdef"
    assert recv(either, accepted, 100) == b"gh"


def test_plain_reads_and_writes(either: World) -> None:
    caller, accepted = either.connected()
    either.call(fd_write, caller, VECTOR, data(either, b"plain"), COUNT)
    either.call(fd_read, accepted, VECTOR, buffers(either, 16), COUNT)
    assert either.memory.read(BUFFER, either.u32(COUNT)) == b"plain"


def test_peek_leaves_it_there(either: World) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"seen")
    assert recv(either, accepted, 2, flags=PEEK) == b"se"
    assert recv(either, accepted, 1, 8, flags=PEEK) == b"seen"
    assert recv(either, accepted, 8) == b"seen"


def test_truncated_discards_what_it_receives(either: World) -> None:
    """tcp(7): MSG_TRUNC on a stream."""
    caller, accepted = either.connected()
    send(either, caller, b"gonestays")
    either.put(BUFFER, b"\xee" * 16)
    either.call(sock_recv, accepted, VECTOR, buffers(either, 4), TRUNCATED, COUNT, FLAGS)
    assert either.u32(COUNT) == 4
    assert recv(either, accepted, 8) == b"stays"


def test_zero_is_the_end(either: World) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"last")
    either.call(sock_shutdown, caller, SdFlags.WR)
    assert recv(either, accepted, 8, flags=WAITALL) == b"last"
    assert recv(either, accepted, 8) == b""
    assert recv(either, accepted, 8, flags=WAITALL | PEEK) == b""
    assert recv(either, accepted, 8, flags=DONT_WAIT) == b""


def test_waitall_waits_for_all(either: World) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"ab")
    either.words(VECTOR + 32, BUFFER + 512, 3, BUFFER + 600, 2)
    call = either.start(sock_recv, accepted, VECTOR + 32, 2, WAITALL, COUNT + 16, FLAGS + 16)
    call.await_blocked()
    send(either, caller, b"cdefgh")
    assert call.errno() is None
    assert either.u32(COUNT + 16) == 5
    assert either.memory.read(BUFFER + 512, 4) + either.memory.read(BUFFER + 600, 3) == b"abc\0de\0"


def test_waitall_with_peek_waits_for_all(either: World) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"ab")
    either.words(VECTOR + 32, BUFFER + 512, 4)
    call = either.start(sock_recv, accepted, VECTOR + 32, 1, WAITALL | PEEK, COUNT + 16, FLAGS + 16)
    send(either, caller, b"cd")
    assert call.errno() is None
    assert either.memory.read(BUFFER + 512, either.u32(COUNT + 16)) == b"abcd"
    assert recv(either, accepted, 8) == b"abcd"


def test_waiting_for_all_to_peek_at_does_not_spin(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"ab")
    file, tries = either.socket_file(accepted), []
    channel = file.channel

    class Counting:
        def __getattr__(self, name: str) -> object:
            tries.append(name)
            return getattr(channel, name)

    monkeypatch.setattr(file, "channel", Counting())
    file.receive_timeout = 100 * _MS
    assert recv(either, accepted, 8, flags=WAITALL | PEEK) == b"ab"
    assert 0 < len(tries) <= 12


def test_peeking_for_all_of_nothing_waits_for_the_first_byte(either: World) -> None:
    caller, accepted = either.connected()
    either.words(VECTOR + 32, BUFFER + 512, 2)
    call = either.start(sock_recv, accepted, VECTOR + 32, 1, WAITALL | PEEK, COUNT + 16, FLAGS + 16)
    call.await_blocked()
    poller = either.process.tasks[-1].poller
    assert isinstance(poller, WatchedPoller)
    poller.entered.clear()
    send(either, caller, b"ab")
    assert call.errno() is None
    assert not poller.entered.is_set(), "one wait was enough"
    assert either.memory.read(BUFFER + 512, either.u32(COUNT + 16)) == b"ab"


def test_a_timeout_gives_what_came(either: World) -> None:
    caller, accepted = either.connected()
    either.socket_file(accepted).receive_timeout = 5 * _MS
    send(either, caller, b"ab")
    assert recv(either, accepted, 8, flags=WAITALL | PEEK) == b"ab"
    assert recv(either, accepted, 8, flags=WAITALL) == b"ab"
    cannot_recv(either, Errno.AGAIN, accepted, WAITALL)


def test_a_signal_gives_what_came(either: World) -> None:
    caller, accepted = either.connected()
    either.words(VECTOR + 32, BUFFER + 512, 8)
    call = either.start(sock_recv, accepted, VECTOR + 32, 1, WAITALL, COUNT + 16, FLAGS + 16)
    call.await_blocked()
    call.await_blocked_again(lambda: send(either, caller, b"ab"))
    either.signal()
    either.process.tasks[-1].notify()
    assert call.errno() is None
    assert either.memory.read(BUFFER + 512, either.u32(COUNT + 16)) == b"ab"


@pytest.mark.parametrize("flags", [0, WAITALL, WAITALL | PEEK])
def test_stop_ends_a_blocked_recv(either: World, flags: int) -> None:
    _, accepted = either.connected()
    call = either.start(sock_recv, accepted, VECTOR, buffers(either, 8), flags, COUNT, FLAGS)
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


@pytest.mark.parametrize("sizes", [(), (0,), (0, 0)])
def test_nothing_asked_for(either: World, sizes: tuple[int, ...]) -> None:
    """recv(2) of no bytes waits for some, read(2) does not: so it is on Linux."""
    caller, accepted = either.connected()
    for more in (0, WAITALL, PEEK):
        either.fails(Errno.AGAIN, sock_recv, accepted, VECTOR, buffers(either, *sizes), DONT_WAIT | more, COUNT, FLAGS)
    either.socket_file(accepted).receive_timeout = _MS
    for flags in (0, WAITALL):
        either.fails(Errno.AGAIN, sock_recv, accepted, VECTOR, buffers(either, *sizes), flags, COUNT, FLAGS)
    either.call(fd_read, accepted, VECTOR, buffers(either, *sizes), COUNT)
    assert either.u32(COUNT) == 0
    send(either, caller, b"stays")
    arrived(either, accepted)
    for flags in (0, WAITALL, PEEK):
        assert recv(either, accepted, *sizes, flags=flags) == b""
    assert recv(either, accepted, 8) == b"stays"


def test_close_wakes_a_blocked_recv(either: World) -> None:
    _, accepted = either.connected()
    call = either.start(sock_recv, accepted, VECTOR, buffers(either, 8), 0, COUNT, FLAGS)
    call.await_blocked()
    either.call(fd_close, accepted)
    assert call.errno() is Errno.BADF


def test_receiving_waits_for_the_connection(either: World) -> None:
    fd = either.connecting()
    cannot_recv(either, Errno.AGAIN, fd)
    cannot_send(either, Errno.AGAIN, fd)
    either.fds.get(fd).file.set_flags(0)
    cannot_recv(either, Errno.AGAIN, fd, DONT_WAIT)
    file = either.socket_file(fd)
    file.receive_timeout, file.send_timeout = _MS, 2 * _MS
    cannot_recv(either, Errno.AGAIN, fd)
    cannot_send(either, Errno.AGAIN, fd)
    file.connect_timeout, file.receive_timeout = _MS, None
    cannot_recv(either, Errno.TIMEDOUT, fd)
    cannot_recv(either, Errno.NOTCONN, fd)


def test_closing_ends_the_wait_for_the_connection(either: World) -> None:
    fd = either.connecting()
    file = either.socket_file(fd)
    file.set_flags(0)
    call = either.start(sock_recv, fd, VECTOR, buffers(either, 8), 0, COUNT, FLAGS)
    call.await_blocked()
    either.call(fd_close, fd)
    assert call.errno() is Errno.BADF
    assert file.handle.fileno() == -1


def test_sock_recv_badf(world: World) -> None:
    cannot_recv(world, Errno.BADF, CLOSED)


def test_sock_recv_notsock(world: World) -> None:
    cannot_recv(world, Errno.NOTSOCK, world.pipe_reader()[0])


def test_sock_recv_notcapable(world: World) -> None:
    cannot_recv(world, Errno.NOTCAPABLE, world.without_right(world.connected()[0], Rights.FD_READ))


def test_sock_recv_fault(either: World) -> None:
    caller, accepted = either.connected()
    send(either, caller, b"stays")
    count = buffers(either, 8)
    either.fails(Errno.FAULT, sock_recv, accepted, VECTOR, count, 0, MEMORY - 3, FLAGS)
    either.fails(Errno.FAULT, sock_recv, accepted, VECTOR, count, 0, COUNT, MEMORY - 1)
    either.fails(Errno.FAULT, sock_recv, accepted, MEMORY - 7, 1, 0, COUNT, FLAGS)
    either.words(VECTOR, BUFFER, 2, MEMORY - 1, 2)
    either.fails(Errno.FAULT, sock_recv, accepted, VECTOR, 2, 0, COUNT, FLAGS)
    assert recv(either, accepted, 8) == b"stays"


def test_sock_recv_inval(either: World) -> None:
    caller, _ = either.connected()
    cannot_recv(either, Errno.INVAL, caller, 1 << 4)
    either.fails(Errno.INVAL, sock_recv, caller, VECTOR, 1025, 0, COUNT, FLAGS)


def test_sock_recv_notconn(either: World) -> None:
    cannot_recv(either, Errno.NOTCONN, either.socket())
    cannot_recv(either, Errno.NOTCONN, either.listener()[0])


def test_sock_recv_connrefused(world: World) -> None:
    fd = world.refused_later()
    cannot_recv(world, Errno.CONNREFUSED, fd)
    assert recv(world, fd, 8) == b"", "as on Linux: only a connect that tells of it makes the socket new"


@pytest.mark.parametrize("flags", [0, PEEK, WAITALL, DONT_WAIT])
def test_sock_recv_again(either: World, flags: int) -> None:
    _, accepted = either.connected()
    cannot_recv(either, Errno.AGAIN, accepted, DONT_WAIT | flags)
    either.socket_file(accepted).receive_timeout = _MS
    cannot_recv(either, Errno.AGAIN, accepted, flags)
    either.fails(Errno.AGAIN, sock_recv, accepted, VECTOR, buffers(either, 8, 8), flags, COUNT, FLAGS)
    either.socket_file(accepted).receive_timeout = None
    cannot_recv(either, Errno.AGAIN, either.nonblocking(accepted), flags)


@pytest.mark.parametrize("flags", [0, WAITALL, WAITALL | PEEK])
def test_sock_recv_intr(either: World, flags: int) -> None:
    _, accepted = either.connected()
    count = buffers(either, 8)
    either.signal()
    either.fails(Errno.INTR, sock_recv, accepted, VECTOR, count, flags, COUNT, FLAGS)


def test_sock_recv_connreset(either: World) -> None:
    cannot_recv(either, Errno.CONNRESET, broken_off(either))


def test_sock_recv_timedout(either: World) -> None:
    """The connection that it waits for does not come."""
    fd = either.connecting()
    file = either.socket_file(fd)
    file.set_flags(0)
    file.connect_timeout = _MS
    cannot_recv(either, Errno.TIMEDOUT, fd)
