"""Unix stream sockets: connecting and what states allow, where Linux has it otherwise than TCP."""

from __future__ import annotations

from pywasix.abi.codecs import encode_addr_unix
from pywasix.abi.enums import SdFlags, SockOption, SockStatus
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import UNIX
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.sock import (
    sock_accept_v2,
    sock_addr_peer,
    sock_connect,
    sock_listen,
    sock_shutdown,
    sock_status,
)
from pywasix.syscalls.sock_io import sock_recv
from pywasix.syscalls.sock_opt import (
    sock_set_opt_time,
)
from syscalls.unix import (
    DATAGRAM,
    FIRST,
    PLACE,
    accept,
    bound,
    calling,
    full,
    listening,
    pair,
    put_path,
)
from syscalls.vectors import COUNT, FLAGS, VECTOR, buffers, cannot_recv, cannot_send, recv, send
from world import MEMORY, World

BOTH = SdFlags.RD | SdFlags.WR


# -- connecting -----------------------------------------------------------------


def test_sock_connect_noent(either: World) -> None:
    either.fails(Errno.NOENT, sock_connect, either.socket(UNIX), put_path(either, b"/nobody"))


def test_sock_connect_prototype(either: World) -> None:
    bound(either, b"/datagrams", DATAGRAM)
    either.fails(Errno.PROTOTYPE, sock_connect, either.socket(UNIX), put_path(either, b"/datagrams"))
    listening(either, b"/stream")
    either.fails(Errno.PROTOTYPE, sock_connect, either.socket(UNIX, DATAGRAM), put_path(either, b"/stream"))


def test_sock_connect_again(either: World) -> None:
    """Not INPROGRESS: nothing was begun (unix_stream_connect)."""
    listener = full(either, b"/busy")
    fd = either.nonblocking(either.socket(UNIX))
    either.fails(Errno.AGAIN, sock_connect, fd, put_path(either, b"/busy"))
    either.call(sock_status, fd, FIRST)
    assert either.number(FIRST, 1) == SockStatus.OPENING
    accept(either, listener)
    either.call(sock_connect, fd, put_path(either, b"/busy"))


def test_connect_waits_for_room(either: World) -> None:
    listener = full(either, b"/busy")
    call = either.start(sock_connect, either.socket(UNIX), put_path(either, b"/busy"))
    accept(either, listener)
    assert call.errno() is None
    assert accept(either, listener)[1] == b""


def test_connect_waits_no_longer_than_its_timeouts(either: World) -> None:
    full(either, b"/busy")
    for option, errno in ((SockOption.SEND_TIMEOUT, Errno.AGAIN), (SockOption.CONNECT_TIMEOUT, Errno.TIMEDOUT)):
        fd = either.socket(UNIX)
        either.call(sock_set_opt_time, fd, option, either.option(64, 1))
        either.fails(errno, sock_connect, fd, put_path(either, b"/busy"))


def test_a_blocked_connect_is_interrupted(either: World) -> None:
    full(either, b"/busy")
    fd = either.socket(UNIX)
    either.signal()
    either.fails(Errno.INTR, sock_connect, fd, put_path(either, b"/busy"))
    call = either.start(sock_connect, fd, PLACE)
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_a_blocked_connect_whose_descriptor_is_closed(either: World) -> None:
    full(either, b"/busy")
    fd = either.socket(UNIX)
    file = either.socket_file(fd)
    call = either.start(sock_connect, fd, put_path(either, b"/busy"))
    while either.process.tasks[-1].waiting_on is not file:
        call._thread.join(0.001)
    either.call(fd_close, fd)
    assert call.errno() is Errno.BADF
    assert file.channel.fileno() == -1


def test_a_listener_that_goes_refuses_who_waits(either: World) -> None:
    listener = full(either, b"/busy")
    fd = either.socket(UNIX)
    call = either.start(sock_connect, fd, put_path(either, b"/busy"))
    either.call(fd_close, listener)
    assert call.errno() is Errno.CONNREFUSED
    listening(either, b"/busy")
    either.call(sock_connect, fd, PLACE)  # it is what it was before


def test_connecting_twice(either: World) -> None:
    listener = listening(either, b"/server")
    fd = calling(either, b"/server")
    either.fails(Errno.ISCONN, sock_connect, fd, put_path(either, b"/server"))
    either.fails(Errno.INVAL, sock_connect, listener, PLACE)
    either.fails(Errno.NOENT, sock_connect, fd, put_path(either, b"/nobody"))


# -- what states allow ----------------------------------------------------------


def test_an_unconnected_stream(either: World) -> None:
    for fd in (either.socket(UNIX), bound(either, b"/bound"), listening(either, b"/listening")):
        cannot_recv(either, Errno.INVAL, fd)
        cannot_send(either, Errno.NOTCONN, fd)
        either.fails(Errno.NOTCONN, sock_addr_peer, fd, PLACE)
    either.call(sock_shutdown, either.socket(UNIX), BOTH)


def test_listening(either: World) -> None:
    either.fails(Errno.INVAL, sock_listen, either.socket(UNIX), 1)
    either.fails(Errno.INVAL, sock_accept_v2, bound(either, b"/bound"), 0, FIRST, PLACE)
    listener = listening(either, b"/server")
    either.call(sock_listen, listener, 1)
    caller = calling(either, b"/server")
    either.fails(Errno.INVAL, sock_listen, caller, 1)
    either.fails(Errno.INVAL, sock_accept_v2, caller, 0, FIRST, PLACE)
    either.fails(Errno.NOTSUP, sock_listen, either.socket(UNIX, DATAGRAM), 1)


def test_a_listener_that_shut_reading_takes_nobody(either: World) -> None:
    listener = listening(either, b"/server")
    either.call(sock_shutdown, listener, SdFlags.RD)
    either.fails(Errno.INVAL, sock_accept_v2, listener, 0, FIRST, PLACE)
    either.fails(Errno.CONNREFUSED, sock_connect, either.socket(UNIX), put_path(either, b"/server"))


def test_accept_writes_110_bytes(either: World) -> None:
    listener = listening(either, b"/server")
    calling(either, b"/server")
    either.fails(Errno.FAULT, sock_accept_v2, listener, 0, FIRST, MEMORY - 109)
    either.call(sock_accept_v2, listener, 0, FIRST, MEMORY - 110)
    assert either.memory.read(MEMORY - 110, 110) == encode_addr_unix(b"")


def test_an_accepted_stream_has_timers_of_its_own(either: World) -> None:
    """Linux does not clone a Unix listener; and a blocked call on the new one still comes back for a kill."""
    listener = listening(either, b"/server")
    either.call(sock_set_opt_time, listener, SockOption.RECV_TIMEOUT, either.option(64, 10**10))
    calling(either, b"/server")
    accepted, _ = accept(either, listener)
    assert either.socket_file(accepted).receive_timeout is None
    call = either.start(sock_recv, accepted, VECTOR, buffers(either, 8), 0, COUNT, FLAGS)
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_a_blocked_accept(either: World) -> None:
    listener = listening(either, b"/server")
    call = either.start(sock_accept_v2, listener, 0, FIRST, PLACE)
    call.await_blocked()
    calling(either, b"/server")
    assert call.errno() is None


def test_the_end_of_a_stream(either: World) -> None:
    first, second = pair(either)
    send(either, first, b"last")
    either.call(sock_shutdown, first, SdFlags.WR)
    assert recv(either, second, 8) == b"last"
    assert recv(either, second, 8) == b""
    either.call(fd_close, second)
    cannot_send(either, Errno.PIPE, first)


def test_unread_data_resets(either: World) -> None:
    first, second = pair(either)
    send(either, first, b"unread")
    either.call(fd_close, second)
    cannot_recv(either, Errno.CONNRESET, first)


def test_readiness(either: World) -> None:
    listener = listening(either, b"/server")
    handle = either.socket_file(listener).handle
    poller = either.task.poller
    assert poller.wait(((handle, READABLE),), 0) == [0]
    caller = calling(either, b"/server")
    assert poller.wait(((handle, READABLE),), 0) == [READABLE]
    assert poller.wait(((either.socket_file(caller).handle, READABLE | WRITABLE),), 0) == [WRITABLE]
