"""Unix datagram sockets, and pairs."""

from __future__ import annotations

from contextlib import suppress

import pytest

from pywasix.abi.enums import AddressFamily, SiFlags, SockProto, SockStatus, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, UNIX
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.sock import (
    sock_addr_local,
    sock_addr_peer,
    sock_connect,
    sock_pair,
    sock_status,
)
from pywasix.syscalls.sock_io import sock_send_to
from syscalls.unix import (
    DATAGRAM,
    FIRST,
    PLACE,
    SECOND,
    STREAM,
    bound,
    listening,
    put_path,
    recv_from,
    send_to,
    told,
)
from syscalls.vectors import COUNT, VECTOR, data, recv, send
from world import MEMORY, WASIX_2022, World

APART = 512  # where a call of another task puts its result


# -- datagrams ------------------------------------------------------------------


def test_datagrams_tell_their_sender(either: World) -> None:
    server = bound(either, b"/server", DATAGRAM)
    assert send_to(either, either.socket(UNIX, DATAGRAM), b"/server", b"who?") == 4
    assert recv_from(either, server) == (b"who?", b"")
    client = bound(either, b"/client", DATAGRAM)
    send_to(either, client, b"/server", b"I")
    either.call(fd_close, client)
    assert recv_from(either, server) == (b"I", b"/client"), "the name outlives its socket"


def test_a_full_queue_makes_the_sender_wait(either: World) -> None:
    """A socket that is not connected is writable all the time: the wait is for the receiver's queue."""
    server = bound(either, b"/server", DATAGRAM)
    client = either.socket(UNIX, DATAGRAM)
    count = data(either, b"x")
    put_path(either, b"/server")
    with suppress(SysError):
        while True:
            either.call(sock_send_to, client, VECTOR, count, SiFlags.SEND_DONT_WAIT, PLACE, COUNT)
    either.fails(Errno.AGAIN, sock_send_to, client, VECTOR, count, SiFlags.SEND_DONT_WAIT, PLACE, COUNT)
    call = either.start(sock_send_to, client, VECTOR, count, 0, PLACE, APART)
    call.await_blocked()
    recv(either, server, 8)
    assert call.errno() is None
    assert either.u32(APART) == 1


@pytest.mark.parametrize("path", [b"/gone", b"/nobody", b"/stream"])
def test_datagrams_to_nobody(either: World, path: bytes) -> None:
    either.fds.close(bound(either, b"/gone", DATAGRAM))
    listening(either, b"/stream")
    wrong = {b"/gone": Errno.CONNREFUSED, b"/nobody": Errno.NOENT, b"/stream": Errno.PROTOTYPE}[path]
    fd, count = either.socket(UNIX, DATAGRAM), data(either, b"x")
    either.fails(wrong, sock_send_to, fd, VECTOR, count, 0, put_path(either, path), COUNT)


def test_a_connected_datagram_socket_hears_its_peer_only(either: World) -> None:
    first, second = bound(either, b"/1", DATAGRAM), bound(either, b"/2", DATAGRAM)
    either.call(sock_connect, first, put_path(either, b"/2"))
    assert told(either, sock_addr_peer, first) == b"/2"
    stranger, count = either.socket(UNIX, DATAGRAM), data(either, b"x")
    either.fails(Errno.PERM, sock_send_to, stranger, VECTOR, count, 0, put_path(either, b"/1"), COUNT)
    send(either, first, b"to 2")
    assert recv_from(either, second) == (b"to 2", b"/1")


# -- pairs ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [STREAM, DATAGRAM])
@pytest.mark.parametrize("protocol", [SockProto.IP, None])
def test_a_pair(either: World, kind: SockType, protocol: SockProto | None) -> None:
    usual = SockProto.TCP if kind is STREAM else SockProto.UDP
    either.call(sock_pair, UNIX, kind, usual if protocol is None else protocol, FIRST, SECOND)
    first, second = either.u32(FIRST), either.u32(SECOND)
    assert (first, second) == (0, 1)
    for here, there in ((first, second), (second, first)):
        send(either, here, b"one")
        send(either, here, b"two")
        assert recv(either, there, 16) == (b"onetwo" if kind is STREAM else b"one")
        assert told(either, sock_addr_local, here) == told(either, sock_addr_peer, here) == b""
    either.call(sock_status, first, FIRST)
    assert either.number(FIRST, 1) == SockStatus.OPENED


def test_pairs_of_any_generation() -> None:
    """A pair needs no address."""
    with World(generation=WASIX_2022) as world:
        world.call(sock_pair, UNIX, 1, 0, FIRST, SECOND)
        send(world, world.u32(FIRST), b"x")
        assert recv(world, world.u32(SECOND), 8) == b"x"
        world.put(PLACE, b"\xee" * 30)
        world.call(sock_addr_peer, world.u32(FIRST), PLACE)
        assert world.memory.read(PLACE, 30) == bytes(20) + b"\xee" * 10


def test_sock_pair_afnosupport(either: World) -> None:
    for family in (AddressFamily.UNSPEC, 77):
        either.fails(Errno.AFNOSUPPORT, sock_pair, family, STREAM, 0, FIRST, SECOND)
    assert either.fds.reserve() == 0, "the numbers were given back"


def test_sock_pair_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_pair, INET4, STREAM, 0, FIRST, SECOND)
    either.fails(Errno.NOTSUP, sock_pair, AddressFamily.INET6, DATAGRAM, 0, FIRST, SECOND)
    either.fails(Errno.NOTSUP, sock_pair, UNIX, SockType.SOCKET_SEQPACKET, 0, FIRST, SECOND)
    either.fails(Errno.NOTSUP, sock_pair, UNIX, SockType.SOCKET_RAW, 0, FIRST, SECOND)


def test_sock_pair_inval(world: World) -> None:
    world.fails(Errno.INVAL, sock_pair, UNIX, 5, 0, FIRST, SECOND)


def test_sock_pair_protonosupport(world: World) -> None:
    world.fails(Errno.PROTONOSUPPORT, sock_pair, UNIX, STREAM, SockProto.UDP, FIRST, SECOND)


def test_sock_pair_mfile(world: World) -> None:
    """One free number is not enough, and it is still free afterwards."""
    world.fill_table()
    world.fails(Errno.MFILE, sock_pair, UNIX, STREAM, 0, FIRST, SECOND)
    world.fds.close(7)
    world.fails(Errno.MFILE, sock_pair, UNIX, STREAM, 0, FIRST, SECOND)
    assert world.fds.reserve() == 7


def test_sock_pair_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_pair, UNIX, STREAM, 0, MEMORY - 3, SECOND)
    world.fails(Errno.FAULT, sock_pair, UNIX, STREAM, 0, FIRST, MEMORY - 3)
