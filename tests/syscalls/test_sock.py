"""Sockets: opening, binding, listening, connecting, and who is at both ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.enums import AddressFamily, FileType, Rights, SockOption, SockProto, SockStatus, SockType, SockType2022
from pywasix.abi.errno import Errno
from pywasix.net.address import INET4, INET6, parse
from pywasix.net.states import State
from pywasix.syscalls.sock import (
    sock_addr_local,
    sock_addr_peer,
    sock_bind,
    sock_listen,
    sock_open,
    sock_status,
)
from world import MEMORY, NONBLOCK, WASIX_2022, VirtualWorld, World

CLOSED = 9
RESULT, ADDRESS = 0, 256
STREAM, DATAGRAM, TCP = SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM, SockProto.TCP


def address_of(world: World, handler: Callable[..., None], fd: int) -> tuple[int, str, int]:
    """(family, host, port) as a call tells it."""
    world.call(handler, fd, ADDRESS)
    family, port, ip, _, _ = world.generation.decode_addr_port(world.memory.read(ADDRESS, 28))
    host = ".".join(map(str, ip)) if family == INET4 else ip.hex(":")
    return family, host, port


# -- opening --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [(STREAM, SockProto.IP), (STREAM, TCP), (DATAGRAM, SockProto.IP), (DATAGRAM, SockProto.UDP)],
)
@pytest.mark.parametrize("family", [INET4, INET6])
def test_open_gives_the_lowest_number(either: World, family: int, kind: int, protocol: int) -> None:
    either.call(sock_open, family, kind, protocol, RESULT)
    assert either.u32(RESULT) == 0
    assert either.socket_file(0).kind == kind
    assert either.socket_file(0).family == family


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (SockType2022.SOCKET_STREAM, STREAM),
        (SockType2022.SOCKET_DGRAM, DATAGRAM),
        (FileType.SOCKET_STREAM, STREAM),  # wasi-libc's SOCK_STREAM
        (FileType.SOCKET_DGRAM, DATAGRAM),
    ],
)
def test_types_of_2022_have_other_numbers(number: int, kind: SockType) -> None:
    with World(generation=WASIX_2022) as world:
        world.call(sock_open, INET4, number, 0, RESULT)
        assert world.socket_file(world.u32(RESULT)).kind is kind


def test_sock_open_afnosupport(either: World) -> None:
    for family in (AddressFamily.UNSPEC, 4, 77):
        either.fails(Errno.AFNOSUPPORT, sock_open, family, STREAM, TCP, RESULT)
    assert either.fds.reserve() == 0, "the number was given back"


def test_sock_open_inval(world: World) -> None:
    world.fails(Errno.INVAL, sock_open, INET4, 5, TCP, RESULT)
    world.fails(Errno.INVAL, sock_open, INET4, 2**32 - 1, TCP, RESULT)


def test_sock_open_protonosupport(world: World) -> None:
    world.fails(Errno.PROTONOSUPPORT, sock_open, INET4, STREAM, SockProto.UDP, RESULT)
    world.fails(Errno.PROTONOSUPPORT, sock_open, INET4, DATAGRAM, TCP, RESULT)


def test_sock_open_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_open, INET4, SockType.SOCKET_RAW, SockProto.IP, RESULT)
    either.fails(Errno.NOTSUP, sock_open, INET6, SockType.SOCKET_SEQPACKET, 0, RESULT)


def test_sock_open_mfile(world: World) -> None:
    world.fill_table()
    world.fails(Errno.MFILE, sock_open, INET4, STREAM, TCP, RESULT)


def test_sock_open_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_open, INET4, STREAM, TCP, MEMORY - 3)


# -- binding --------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_bind_takes_a_free_port_for_zero(either: World, host: str) -> None:
    fd = either.socket(parse(host, 0).family)
    either.call(sock_bind, fd, either.address(ADDRESS, host, 0))
    either.call(sock_addr_local, fd, ADDRESS)
    assert either.socket_file(fd).local()._replace(port=0) == parse(host, 0)
    assert either.socket_file(fd).local().port != 0


def test_the_probe_of_libc_opens_no_port(forbidden: World) -> None:
    """Libc binds this port once to find out how the host stores ports; a policy has no say in it."""
    fd = forbidden.socket()
    forbidden.call(sock_bind, fd, forbidden.address(ADDRESS, "0.0.0.0", 10275))
    assert address_of(forbidden, sock_addr_local, fd) == (INET4, "0.0.0.0", 10275)
    assert forbidden.socket_file(fd).channel.local().port == 0
    forbidden.fails(Errno.ACCES, sock_listen, fd, 1)


def test_a_server_may_use_the_probed_port(virtual: VirtualWorld) -> None:
    fd = virtual.socket()
    virtual.call(sock_bind, fd, virtual.address(ADDRESS, "10.0.0.2", 10275))
    virtual.call(sock_listen, fd, 1)
    with virtual.virtual.connect(("10.0.0.2", 10275), timeout=10):
        accepted, peer = virtual.socket_file(fd).accept(virtual.task, False)
        virtual.add(accepted)
        assert peer.host == "10.0.0.1"


def test_sock_bind_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_bind, CLOSED, world.address(ADDRESS, "127.0.0.1", 0))


def test_sock_bind_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_bind, world.pipe_reader()[0], world.address(ADDRESS, "127.0.0.1", 0))


def test_sock_bind_notcapable(world: World) -> None:
    fd = world.without_right(world.socket(), Rights.SOCK_BIND)
    world.fails(Errno.NOTCAPABLE, sock_bind, fd, world.address(ADDRESS, "127.0.0.1", 0))


def test_sock_bind_inval(either: World) -> None:
    fd = either.socket()
    either.call(sock_bind, fd, either.address(ADDRESS, "127.0.0.1", 0))
    either.fails(Errno.INVAL, sock_bind, fd, ADDRESS)
    listener, _ = either.listener()
    either.fails(Errno.INVAL, sock_bind, listener, ADDRESS)


def test_sock_bind_afnosupport(either: World) -> None:
    either.fails(Errno.AFNOSUPPORT, sock_bind, either.socket(), either.address(ADDRESS, "::1", 0))
    either.fails(Errno.AFNOSUPPORT, sock_bind, either.socket(INET6), either.address(ADDRESS, "127.0.0.1", 0))
    either.fails(Errno.AFNOSUPPORT, sock_bind, either.socket(), either.put(ADDRESS, bytes(28)))


def test_sock_bind_acces(forbidden: World) -> None:
    fd = forbidden.socket()
    forbidden.fails(Errno.ACCES, sock_bind, fd, forbidden.address(ADDRESS, "127.0.0.1", 0))
    forbidden.fails(Errno.ACCES, sock_bind, fd, ADDRESS)
    assert len(forbidden.reports) == 1, "the first refusal is told, and only that"


def test_sock_bind_addrinuse(either: World) -> None:
    _, taken = either.listener()
    either.fails(Errno.ADDRINUSE, sock_bind, either.socket(), either.address(ADDRESS, taken.host, taken.port))


def test_sock_bind_addrnotavail(either: World) -> None:
    either.fails(Errno.ADDRNOTAVAIL, sock_bind, either.socket(), either.address(ADDRESS, "192.0.2.1", 0))


def test_sock_bind_fault(world: World) -> None:
    fd = world.socket()
    world.fails(Errno.FAULT, sock_bind, fd, MEMORY - 27)
    assert world.socket_file(fd).state is State.FRESH


# -- listening ------------------------------------------------------------------


def test_listen_again_changes_the_backlog(either: World) -> None:
    fd, _ = either.listener()
    either.call(sock_listen, fd, 2**32 - 1)
    assert either.socket_file(fd).state is State.LISTENING


def test_listen_binds_by_itself(either: World) -> None:
    fd = either.socket()
    either.call(sock_listen, fd, 0)
    assert either.socket_file(fd).local().port != 0


def test_sock_listen_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_listen, CLOSED, 1)


def test_sock_listen_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_listen, world.pipe_reader()[0], 1)


def test_sock_listen_notcapable(world: World) -> None:
    world.fails(Errno.NOTCAPABLE, sock_listen, world.without_right(world.socket(), Rights.SOCK_LISTEN), 1)


def test_sock_listen_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_listen, either.socket(INET4, DATAGRAM), 1)


def test_sock_listen_inval(either: World) -> None:
    for fd in either.connected():
        either.fails(Errno.INVAL, sock_listen, fd, 1)


def test_sock_listen_acces(forbidden: World) -> None:
    fd = forbidden.socket()
    forbidden.fails(Errno.ACCES, sock_listen, fd, 1)
    assert forbidden.socket_file(fd).state is State.FRESH


def test_sock_listen_addrinuse(either: World) -> None:
    """Linux lets two sockets with SO_REUSEADDR bind one port, but only one of them listen."""
    fds = [either.socket(), either.socket()]
    port = 0
    for fd in fds:
        file = either.socket_file(fd)
        file.channel.set_option(SockOption.REUSE_ADDR, 1)
        file.bind(parse("127.0.0.1", port))
        port = file.local().port
    either.call(sock_listen, fds[0], 1)
    either.fails(Errno.ADDRINUSE, sock_listen, fds[1], 1)


# -- who it is ------------------------------------------------------------------


def test_the_local_address_of_a_fresh_socket_is_the_wildcard(either: World) -> None:
    assert address_of(either, sock_addr_local, either.socket()) == (INET4, "0.0.0.0", 0)


def test_a_narrow_guest_gets_twenty_bytes() -> None:
    with World(generation=WASIX_2022) as world:
        caller, _ = world.connected("::1")
        world.put(ADDRESS, b"\xee" * 40)
        world.call(sock_addr_peer, caller, ADDRESS)
        assert world.memory.read(ADDRESS + 20, 20) == b"\xee" * 20
        port = world.socket_file(caller).peer().port
        assert world.memory.read(ADDRESS + 2, 2) == port.to_bytes(2, "big")


def test_sock_addr_local_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_addr_local, CLOSED, ADDRESS)


def test_sock_addr_local_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_addr_local, world.pipe_reader()[0], ADDRESS)


def test_sock_addr_local_notcapable(world: World) -> None:
    fd = world.without_right(world.socket(), Rights.SOCK_ADDR_LOCAL)
    world.fails(Errno.NOTCAPABLE, sock_addr_local, fd, ADDRESS)


def test_sock_addr_local_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_addr_local, world.socket(), MEMORY - 19)
    world.fails(Errno.FAULT, sock_addr_local, world.socket(INET6), MEMORY - 27)


def test_sock_addr_peer_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_addr_peer, CLOSED, ADDRESS)


def test_sock_addr_peer_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_addr_peer, world.pipe_reader()[0], ADDRESS)


def test_sock_addr_peer_notcapable(world: World) -> None:
    caller, _ = world.connected()
    world.fails(Errno.NOTCAPABLE, sock_addr_peer, world.without_right(caller, Rights.SOCK_ADDR_REMOTE), ADDRESS)


def test_sock_addr_peer_notconn(either: World) -> None:
    either.fails(Errno.NOTCONN, sock_addr_peer, either.socket(), ADDRESS)
    either.fails(Errno.NOTCONN, sock_addr_peer, either.listener()[0], ADDRESS)
    either.fails(Errno.NOTCONN, sock_addr_peer, either.connecting(), ADDRESS)


def test_sock_addr_peer_fault(either: World) -> None:
    caller, _ = either.connected()
    either.fails(Errno.FAULT, sock_addr_peer, caller, MEMORY - 19)


@pytest.mark.parametrize("make", ["socket", "listener", "connected"])
def test_status_of_each_state(either: World, make: str) -> None:
    found = getattr(either, make)()
    fd = found if isinstance(found, int) else found[0]
    either.put(RESULT, b"\xff\xff")
    either.call(sock_status, either.without_right(fd, -1), RESULT)
    assert either.number(RESULT, 1) == (SockStatus.OPENING if make == "socket" else SockStatus.OPENED)
    assert either.number(RESULT + 1, 1) == 0xFF


def test_status_of_a_connect_under_way(either: World) -> None:
    fd = either.connecting()
    assert either.fds.get(fd).file.flags == NONBLOCK
    either.call(sock_status, fd, RESULT)
    assert either.number(RESULT, 1) == SockStatus.OPENING


def test_sock_status_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_status, CLOSED, RESULT)


def test_sock_status_notsock(world: World) -> None:
    world.fails(Errno.NOTSOCK, sock_status, world.pipe_reader()[0], RESULT)


def test_sock_status_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_status, world.socket(), MEMORY)
