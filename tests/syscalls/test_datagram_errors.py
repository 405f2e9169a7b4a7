"""What sending and receiving answers on datagram sockets when it cannot be."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import Rights, SdFlags, SockOption
from pywasix.abi.errno import Errno
from pywasix.net.address import INET4, INET6, UNIX, parse
from pywasix.syscalls.sock import sock_shutdown
from pywasix.syscalls.sock_io import sock_recv_from, sock_send, sock_send_to
from pywasix.syscalls.sock_opt import sock_set_opt_flag, sock_set_opt_time
from syscalls.datagrams import (
    DATAGRAM,
    DONT_WAIT,
    FROM,
    HOSTS,
    TO,
    bound,
    cannot_recv_from,
    cannot_send_to,
    nobody,
    pair,
    put_address,
    send_to,
    unix_pair,
)
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
    send,
)
from world import MEMORY, World

# -- errors of sock_recv_from -----------------------------------------------


def test_sock_recv_from_badf(world: World) -> None:
    cannot_recv_from(world, Errno.BADF, 9)


def test_sock_recv_from_notsock(world: World) -> None:
    cannot_recv_from(world, Errno.NOTSOCK, world.pipe_reader()[0])


def test_sock_recv_from_notcapable(world: World) -> None:
    fd, _ = bound(world)
    cannot_recv_from(world, Errno.NOTCAPABLE, world.without_right(fd, int(Rights.SOCK_RECV_FROM)))


@pytest.mark.parametrize("host", HOSTS)
def test_sock_recv_from_fault(either: World, host: str) -> None:
    here, there = pair(either, host)
    send(either, here, b"stays")
    count = buffers(either, 8)
    size = 20 if host == "127.0.0.1" else 28
    either.fails(Errno.FAULT, sock_recv_from, there, VECTOR, count, 0, MEMORY - 3, FLAGS, FROM)
    either.fails(Errno.FAULT, sock_recv_from, there, VECTOR, count, 0, COUNT, MEMORY - 1, FROM)
    either.fails(Errno.FAULT, sock_recv_from, there, VECTOR, count, 0, COUNT, FLAGS, MEMORY - size + 1)
    either.fails(Errno.FAULT, sock_recv_from, there, MEMORY - 7, 1, 0, COUNT, FLAGS, FROM)
    either.call(sock_recv_from, there, VECTOR, count, 0, COUNT, FLAGS, MEMORY - size)
    assert either.memory.read(BUFFER, either.u32(COUNT)) == b"stays"


def test_sock_recv_from_inval(world: World) -> None:
    fd, _ = bound(world)
    cannot_recv_from(world, Errno.INVAL, fd, 1 << 4)
    world.fails(Errno.INVAL, sock_recv_from, fd, VECTOR, 1025, 0, COUNT, FLAGS, FROM)


def test_sock_recv_from_notconn(either: World) -> None:
    cannot_recv_from(either, Errno.NOTCONN, either.socket())


def test_sock_recv_from_connrefused(either: World) -> None:
    address = nobody(either)
    here = either.socket(INET4, DATAGRAM)
    either.socket_file(here).connect(either.task, address)
    send(either, here, b"anybody?")
    arrived(either, here)
    cannot_recv_from(either, Errno.CONNREFUSED, here)


def test_sock_recv_from_connreset(either: World) -> None:
    cannot_recv_from(either, Errno.CONNRESET, broken_off(either))


def test_sock_recv_from_again(either: World) -> None:
    fd, _ = bound(either)
    cannot_recv_from(either, Errno.AGAIN, fd, DONT_WAIT)
    either.call(sock_set_opt_time, fd, SockOption.RECV_TIMEOUT, either.option(TO, 30_000_000))
    cannot_recv_from(either, Errno.AGAIN, fd)
    cannot_recv_from(either, Errno.AGAIN, either.nonblocking(fd))


def test_sock_recv_from_intr(either: World) -> None:
    fd, _ = bound(either)
    either.signal()
    cannot_recv_from(either, Errno.INTR, fd)


# -- errors of sock_send_to, and of sock_send on datagram sockets -----------


def test_sock_send_to_badf(world: World) -> None:
    cannot_send_to(world, Errno.BADF, 9, parse("127.0.0.1", 9))


def test_sock_send_to_notsock(world: World) -> None:
    cannot_send_to(world, Errno.NOTSOCK, world.pipe_writer()[0], parse("127.0.0.1", 9))


def test_sock_send_to_notcapable(world: World) -> None:
    fd, address = bound(world)
    cannot_send_to(world, Errno.NOTCAPABLE, world.without_right(fd, int(Rights.SOCK_SEND_TO)), address)


def test_sock_send_to_fault(either: World) -> None:
    fd, address = bound(either)
    put_address(either, address)
    count = data(either, b"never sent")
    either.fails(Errno.FAULT, sock_send_to, fd, VECTOR, count, 0, TO, MEMORY - 3)
    either.fails(Errno.FAULT, sock_send_to, fd, VECTOR, count, 0, MEMORY - 27, COUNT)
    either.fails(Errno.FAULT, sock_send_to, fd, MEMORY - 7, 1, 0, TO, COUNT)
    cannot_recv(either, Errno.AGAIN, fd, DONT_WAIT)


def test_sock_send_to_inval(either: World) -> None:
    fd, address = bound(either)
    cannot_send_to(either, Errno.INVAL, fd, address, 2)
    cannot_send_to(either, Errno.INVAL, fd, address._replace(port=0))
    either.fails(Errno.INVAL, sock_send_to, fd, VECTOR, 1025, 0, put_address(either, address), COUNT)
    either.put(TO, bytes(28))
    either.fails(Errno.INVAL, sock_send_to, fd, VECTOR, data(either, b"x"), 0, TO, COUNT)


def test_sock_send_to_afnosupport(either: World) -> None:
    fd, _ = bound(either)
    cannot_send_to(either, Errno.AFNOSUPPORT, fd, parse("::1", 9))
    either.put(TO, b"\x07" + bytes(27))
    either.fails(Errno.AFNOSUPPORT, sock_send_to, fd, VECTOR, data(either, b"x"), 0, TO, COUNT)


def test_sock_send_to_acces(forbidden: World, either: World) -> None:
    fd = forbidden.socket(INET4, DATAGRAM)
    cannot_send_to(forbidden, Errno.ACCES, fd, parse("127.0.0.1", 9))
    assert forbidden.reports == [
        "pywasix: the network policy refused send to 127.0.0.1:9/udp; allow it with --net=ipv4:allow=127.0.0.1:9/out"
    ]
    cannot_send_to(either, Errno.ACCES, either.socket(INET4, DATAGRAM), parse("255.255.255.255", 9))


def test_broadcast_needs_its_option(virtual: World) -> None:
    fd = virtual.socket(INET4, DATAGRAM)
    virtual.call(sock_set_opt_flag, fd, SockOption.BROADCAST, 1)
    assert send_to(virtual, fd, parse("255.255.255.255", 9), b"all") == 3


@pytest.mark.parametrize("host", HOSTS)
def test_sock_send_to_msgsize(either: World, host: str) -> None:
    fd, address = bound(either, host)
    most = 65507 if address.family == INET4 else 65527
    put_address(either, address)
    either.words(VECTOR, 0, most + 1 - 65000, 0, 65000)
    either.fails(Errno.MSGSIZE, sock_send_to, fd, VECTOR, 2, 0, TO, COUNT)


def test_sock_send_msgsize(either: World) -> None:
    here, _ = pair(either)
    either.words(VECTOR, 0, 508, 0, 65000)
    either.fails(Errno.MSGSIZE, sock_send, here, VECTOR, 2, 0, COUNT)


def test_sock_send_to_destaddrreq(either: World) -> None:
    fd = either.socket(INET6, DATAGRAM)
    either.put(TO, bytes(28))
    either.fails(Errno.DESTADDRREQ, sock_send_to, fd, VECTOR, data(either, b"x"), 0, TO, COUNT)


def test_sock_send_destaddrreq(either: World) -> None:
    cannot_send(either, Errno.DESTADDRREQ, either.socket(INET4, DATAGRAM))
    cannot_send(either, Errno.DESTADDRREQ, bound(either, "::1")[0])


def test_sock_send_to_connrefused(either: World) -> None:
    address = nobody(either)
    here = either.socket(INET4, DATAGRAM)
    either.socket_file(here).connect(either.task, address)
    send(either, here, b"anybody?")
    arrived(either, here)
    cannot_send_to(either, Errno.CONNREFUSED, here, address)
    assert send_to(either, here, address, b"again") == 5


def test_sock_send_to_netunreach(virtual: World) -> None:
    cannot_send_to(virtual, Errno.NETUNREACH, virtual.socket(INET4, DATAGRAM), parse("192.0.2.1", 9))


def test_sock_send_to_again(world: World) -> None:
    fd = world.connecting()
    cannot_send_to(world, Errno.AGAIN, fd, parse("127.0.0.1", 9))


def test_sock_send_to_pipe(either: World) -> None:
    cannot_send_to(either, Errno.PIPE, either.socket(), parse("127.0.0.1", 9))
    here, there = pair(either)
    either.call(sock_shutdown, here, SdFlags.WR)
    cannot_send_to(either, Errno.PIPE, here, either.socket_file(there).local())


def test_sock_send_to_isconn(world: World) -> None:
    first, _ = unix_pair(world)
    cannot_send_to(world, Errno.ISCONN, first, parse("127.0.0.1", 9))


def test_sock_send_to_notsup(world: World) -> None:
    cannot_send_to(world, Errno.NOTSUP, world.socket(UNIX), parse("127.0.0.1", 9))
