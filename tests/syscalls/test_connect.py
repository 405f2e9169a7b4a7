"""Sockets: connecting and shutting down."""

from __future__ import annotations

import socket

import pytest

from pywasix.abi.enums import Rights, SdFlags, SockOption, SockStatus, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd
from pywasix.net.address import INET4, INET6, parse
from pywasix.net.states import State
from pywasix.runtime.listeners import open_listeners
from pywasix.syscalls.sock import (
    sock_addr_local,
    sock_addr_peer,
    sock_bind,
    sock_connect,
    sock_listen,
    sock_shutdown,
    sock_status,
)
from syscalls.test_sock import address_of
from world import MEMORY, VirtualWorld, World

CLOSED = 9
RESULT, ADDRESS = 0, 256
DATAGRAM = SockType.SOCKET_DGRAM


# -- connecting -----------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_ends_know_each_other(either: World, host: str) -> None:
    caller, accepted = either.connected(host)
    assert address_of(either, sock_addr_local, caller) == address_of(either, sock_addr_peer, accepted)
    assert address_of(either, sock_addr_peer, caller) == address_of(either, sock_addr_local, accepted)


def test_a_datagram_socket_connects_without_anybody(either: World) -> None:
    fd = either.socket(INET4, DATAGRAM)
    either.call(sock_connect, fd, either.address(ADDRESS, "127.0.0.1", 9))
    assert address_of(either, sock_addr_peer, fd) == (INET4, "127.0.0.1", 9)


def test_a_nonblocking_connect_is_finished_by_looking(either: World) -> None:
    _, address = either.listener()
    fd = either.nonblocking(either.socket())
    either.address(ADDRESS, address.host, address.port)
    told = False
    try:
        either.call(sock_connect, fd, ADDRESS)
    except SysError as error:  # on the virtual network nobody has to wait
        told = error.errno is Errno.INPROGRESS
        assert told
    file = either.socket_file(fd)
    either.task.poller.wait(((file.handle, 2),), 10**10)
    either.call(sock_status, fd, RESULT)
    assert either.number(RESULT, 1) == SockStatus.OPENED
    file.send(either.task, [memoryview(b"x")], 0)
    if told:
        either.call(sock_connect, fd, ADDRESS)  # Linux: the next connect tells the success of the one before
    either.fails(Errno.ISCONN, sock_connect, fd, ADDRESS)


def test_a_failed_connect_keeps_its_reason(either: World) -> None:
    """Getpeername and the like tell that there is no peer; the reason waits for SO_ERROR, as on Linux."""
    fd = either.refused_later()
    either.fails(Errno.NOTCONN, sock_addr_peer, fd, ADDRESS)
    either.fails(Errno.NOTCONN, sock_shutdown, fd, SdFlags.WR)
    either.call(sock_status, fd, RESULT)
    assert either.number(RESULT, 1) == SockStatus.FAILED
    assert either.socket_file(fd).take_error() == Errno.CONNREFUSED
    assert either.socket_file(fd).take_error() == 0


def test_a_failed_connect_is_told_by_the_next(either: World) -> None:
    fd = either.refused_later()
    either.fails(Errno.CONNREFUSED, sock_connect, fd, either.address(ADDRESS, "127.0.0.1", 1))


def test_stop_ends_a_connect(either: World) -> None:
    full = either.full_listener()
    call = either.start(sock_connect, either.socket(), either.address(ADDRESS, full.host, full.port))
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_sock_connect_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_connect, CLOSED, world.address(ADDRESS, "127.0.0.1", 1))


def test_sock_connect_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_connect, world.pipe_reader()[0], world.address(ADDRESS, "127.0.0.1", 1))


def test_sock_connect_notcapable(world: World) -> None:
    fd = world.without_right(world.socket(), Rights.SOCK_CONNECT)
    world.fails(Errno.NOTCAPABLE, sock_connect, fd, world.address(ADDRESS, "127.0.0.1", 1))


def test_sock_connect_inprogress(either: World) -> None:
    full = either.full_listener()
    either.address(ADDRESS, full.host, full.port)
    either.fails(Errno.INPROGRESS, sock_connect, either.nonblocking(either.socket()), ADDRESS)
    timed = either.socket()
    either.socket_file(timed).send_timeout = 1_000_000
    either.fails(Errno.INPROGRESS, sock_connect, timed, ADDRESS)
    either.fails(Errno.ALREADY, sock_connect, timed, ADDRESS)


def test_sock_connect_already(either: World) -> None:
    fd = either.connecting()
    either.fails(Errno.ALREADY, sock_connect, fd, either.address(ADDRESS, "127.0.0.1", 1))


def test_sock_connect_isconn(either: World) -> None:
    caller, _ = either.connected()
    either.fails(Errno.ISCONN, sock_connect, caller, either.address(ADDRESS, "127.0.0.1", 1))
    either.fails(Errno.ISCONN, sock_connect, either.listener()[0], ADDRESS)


def test_sock_connect_afnosupport(either: World) -> None:
    either.fails(Errno.AFNOSUPPORT, sock_connect, either.socket(), either.address(ADDRESS, "::1", 1))
    either.fails(Errno.AFNOSUPPORT, sock_connect, either.socket(), either.put(ADDRESS, b"\3" + bytes(27)))


def test_sock_connect_inval(world: World) -> None:
    world.address(ADDRESS, "::1", 1)
    world.put(ADDRESS + 20, b"\xff\xff\xff\xff")
    world.fails(Errno.INVAL, sock_connect, world.socket(INET6), ADDRESS)


def test_sock_connect_acces(forbidden: World) -> None:
    fd = forbidden.socket()
    forbidden.fails(Errno.ACCES, sock_connect, fd, forbidden.address(ADDRESS, "127.0.0.1", 1))
    assert forbidden.socket_file(fd).state is State.FRESH
    assert "--net" in forbidden.reports[0]


def test_sock_connect_connrefused(either: World) -> None:
    listener, address = either.listener()
    either.fds.close(listener)
    fd = either.socket()
    either.fails(Errno.CONNREFUSED, sock_connect, fd, either.address(ADDRESS, address.host, address.port))
    either.call(sock_status, fd, RESULT)
    assert either.number(RESULT, 1) == SockStatus.FAILED


def test_sock_connect_hostunreach(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.HOSTUNREACH, sock_connect, virtual.socket(), virtual.address(ADDRESS, "10.0.0.77", 80))


def test_sock_connect_netunreach(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.NETUNREACH, sock_connect, virtual.socket(), virtual.address(ADDRESS, "192.0.2.1", 80))


def test_sock_connect_addrnotavail(either: World) -> None:
    """Two sockets of one port cannot both be connected to one peer."""
    _, address = either.listener()
    either.address(ADDRESS, address.host, address.port)
    port, fds = 0, [either.socket(), either.socket()]
    for fd in fds:
        file = either.socket_file(fd)
        file.channel.set_option(SockOption.REUSE_ADDR, 1)
        file.bind(parse("127.0.0.1", port))
        port = file.local().port
    either.call(sock_connect, fds[0], ADDRESS)
    either.fails(Errno.ADDRNOTAVAIL, sock_connect, fds[1], ADDRESS)


def test_sock_connect_timedout(either: World) -> None:
    full = either.full_listener()
    fd = either.socket()
    either.socket_file(fd).connect_timeout = 1_000_000
    either.fails(Errno.TIMEDOUT, sock_connect, fd, either.address(ADDRESS, full.host, full.port))
    assert either.socket_file(fd).state is State.FAILED


def test_sock_connect_intr(either: World) -> None:
    full = either.full_listener()
    fd = either.socket()
    either.address(ADDRESS, full.host, full.port)
    either.signal()
    either.fails(Errno.INTR, sock_connect, fd, ADDRESS)
    either.fails(Errno.ALREADY, sock_connect, either.nonblocking(fd), ADDRESS)


def test_sock_connect_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_connect, world.socket(), MEMORY - 27)


# -- shutting down --------------------------------------------------------------


@pytest.mark.parametrize("how", [SdFlags.RD, SdFlags.WR, SdFlags.RD | SdFlags.WR])
def test_both_directions_make_it_closed(either: World, how: int) -> None:
    caller, _ = either.connected()
    either.call(sock_shutdown, caller, how)
    either.call(sock_status, caller, RESULT)
    closed = how == SdFlags.RD | SdFlags.WR
    assert either.number(RESULT, 1) == (SockStatus.CLOSED if closed else SockStatus.OPENED)


def test_shutting_a_listener_for_writing_does_nothing(either: World) -> None:
    fd, address = either.listener()
    either.call(sock_shutdown, fd, SdFlags.WR)
    caller = either.socket()
    either.call(sock_connect, caller, either.address(ADDRESS, address.host, address.port))
    accepted, peer = either.socket_file(fd).accept(either.task, False)
    either.add(accepted)
    assert peer == either.socket_file(caller).local()


def test_shutting_a_listener_for_reading_stops_the_listening(either: World) -> None:
    fd, address = either.listener()
    either.call(sock_shutdown, fd, SdFlags.RD)
    assert either.socket_file(fd).state is State.FRESH
    either.address(ADDRESS, address.host, address.port)
    either.fails(Errno.CONNREFUSED, sock_connect, either.socket(), ADDRESS)
    either.call(sock_listen, fd, 1)
    again = either.socket_file(fd).local()  # Linux gives a port back that nobody asked for by its number
    either.call(sock_connect, either.socket(), either.address(ADDRESS, again.host, again.port))


@pytest.mark.parametrize("chosen", [True, False])
def test_a_listener_that_was_shut_can_be_bound_if_nobody_chose_its_port(either: World, chosen: bool) -> None:
    fd, address = either.listener()
    if not chosen:
        either.fds.close(fd)
        fd = either.socket()
        either.socket_file(fd).bind(address)
        either.socket_file(fd).listen(1)
    either.call(sock_shutdown, fd, SdFlags.RD)
    either.address(ADDRESS, address.host, address.port if chosen else 0)
    if chosen:
        either.call(sock_bind, fd, ADDRESS)
    either.fails(Errno.INVAL, sock_bind, fd, ADDRESS)
    either.call(sock_listen, fd, 1)
    assert either.socket_file(fd).local() == address


def test_sock_shutdown_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_shutdown, CLOSED, SdFlags.RD)


def test_sock_shutdown_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_shutdown, world.pipe_reader()[0], SdFlags.RD)


def test_sock_shutdown_notcapable(world: World) -> None:
    caller, _ = world.connected()
    world.fails(Errno.NOTCAPABLE, sock_shutdown, world.without_right(caller, Rights.SOCK_SHUTDOWN), SdFlags.RD)


def test_sock_shutdown_notconn(either: World) -> None:
    either.fails(Errno.NOTCONN, sock_shutdown, either.socket(), SdFlags.WR)


def test_sock_shutdown_inval(either: World) -> None:
    caller, _ = either.connected()
    either.fails(Errno.INVAL, sock_shutdown, caller, 0)
    either.fails(Errno.INVAL, sock_shutdown, caller, 4)


def test_sock_shutdown_notsup(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        (listener,) = open_listeners(world.network, [theirs], ruled=True)
        fd = world.add(listener)
        world.fails(Errno.NOTSUP, sock_shutdown, fd, SdFlags.RD)
        world.call(sock_shutdown, fd, SdFlags.WR)
        world.call(sock_listen, fd, 0)
        with socket.create_connection(theirs.getsockname()) as caller:  # it listens as before
            accepted, peer = theirs.accept()
            accepted.close()
            assert peer == caller.getsockname()
