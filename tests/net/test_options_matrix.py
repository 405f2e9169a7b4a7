"""Every socket option on every kind of socket, in every state: what it answers is what this machine's Linux answers."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import ERRNO_OF
from pywasix.net.address import INET4, INET6, UNIX, Address, parse
from pywasix.syscalls.sock_opt import (
    sock_get_opt_flag,
    sock_get_opt_size,
    sock_get_opt_time,
    sock_set_opt_flag,
    sock_set_opt_size,
    sock_set_opt_time,
)
from world import VirtualWorld, World

RESULT, TIME = 0, 256
STREAM, DATAGRAM = SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM
KINDS = {
    "tcp4": (INET4, STREAM),
    "tcp6": (INET6, STREAM),
    "udp4": (INET4, DATAGRAM),
    "udp6": (INET6, DATAGRAM),
    "unix": (UNIX, STREAM),
    "unix datagram": (UNIX, DATAGRAM),
}
NATIVE_FAMILIES = {INET4: socket.AF_INET, INET6: socket.AF_INET6, UNIX: socket.AF_UNIX}
NATIVE_KINDS = {STREAM: socket.SOCK_STREAM, DATAGRAM: socket.SOCK_DGRAM}
STATES = ("fresh", "connected", "bound")
"""A bound stream also listens."""

HOSTS = {INET4: "127.0.0.1", INET6: "::1"}
FLAGS = {
    SockOption.REUSE_PORT: (socket.SOL_SOCKET, socket.SO_REUSEPORT),
    SockOption.REUSE_ADDR: (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    SockOption.NO_DELAY: (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    SockOption.DONT_ROUTE: (socket.SOL_SOCKET, socket.SO_DONTROUTE),
    SockOption.ONLY_V6: (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
    SockOption.BROADCAST: (socket.SOL_SOCKET, socket.SO_BROADCAST),
    SockOption.MULTICAST_LOOP_V4: (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP),
    SockOption.MULTICAST_LOOP_V6: (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP),
    SockOption.PROMISCUOUS: (socket.SOL_SOCKET, 9999),
    SockOption.LISTENING: (socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
    SockOption.KEEP_ALIVE: (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    SockOption.OOB_INLINE: (socket.SOL_SOCKET, socket.SO_OOBINLINE),
}
SIZES = {
    SockOption.RECV_BUF_SIZE: (socket.SOL_SOCKET, socket.SO_RCVBUF),
    SockOption.SEND_BUF_SIZE: (socket.SOL_SOCKET, socket.SO_SNDBUF),
    SockOption.RECV_LOWAT: (socket.SOL_SOCKET, socket.SO_RCVLOWAT),
    SockOption.SEND_LOWAT: (socket.SOL_SOCKET, socket.SO_SNDLOWAT),
    SockOption.TTL: (socket.IPPROTO_IP, socket.IP_TTL),
    SockOption.MULTICAST_TTL_V4: (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL),
    SockOption.LAST_ERROR: (socket.SOL_SOCKET, socket.SO_ERROR),
}
TIMES = frozenset(
    (
        SockOption.LINGER,
        SockOption.RECV_TIMEOUT,
        SockOption.SEND_TIMEOUT,
        SockOption.CONNECT_TIMEOUT,
        SockOption.ACCEPT_TIMEOUT,
    )
)
BUFFERS = frozenset((SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE))
NUMBERS = (-1, 0, 1, 2, 255, 256, 70_000, 2**31 - 1)

Answer = int | Errno
_names = count()


# -- Linux ----------------------------------------------------------------------


@pytest.fixture
def natives() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def native(opened: ExitStack, kind: str, state: str) -> socket.socket:
    """A socket of this machine's Linux."""
    family, type_ = NATIVE_FAMILIES[KINDS[kind][0]], NATIVE_KINDS[KINDS[kind][1]]
    if family == socket.AF_UNIX and state == "connected":
        pair = socket.socketpair(family, type_)
        for each in pair:
            opened.enter_context(each)
        return pair[0]
    made = opened.enter_context(socket.socket(family, type_))
    if state == "fresh":
        return made
    abstract = f"\0options {id(opened)} {next(_names)}"
    made.bind(abstract if family == socket.AF_UNIX else (HOSTS[KINDS[kind][0]], 0))
    if type_ == socket.SOCK_STREAM:
        made.listen()
    if state == "bound":
        return made
    caller = opened.enter_context(socket.socket(family, type_))
    caller.connect(made.getsockname())
    return caller


def asked(call: Callable[[], Any]) -> Any:
    """What a native call answers; an errno as ours."""
    try:
        return call()
    except OSError as error:
        return ERRNO_OF[error.errno or 0]


# -- ours -----------------------------------------------------------------------


@pytest.fixture(scope="module", params=["host", "virtual"])
def shared(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld(max_fds=4000) if request.param == "virtual" else World(max_fds=4000) as found:
        yield found


@pytest.fixture
def world(shared: World) -> Iterator[World]:
    """A world without descriptors."""
    yield shared
    for fd, _ in shared.fds.items():
        shared.fds.close(fd)


def ours(world: World, kind: str, state: str) -> int:
    family, type_ = KINDS[kind]
    fd = world.socket(family, type_)
    if state == "fresh":
        return fd
    made = world.socket_file(fd)
    made.bind(Address(UNIX, b"/%d" % next(_names), 0) if family == UNIX else parse(HOSTS[family], 0))
    if type_ is STREAM:
        made.listen(8)
    if state == "bound":
        return fd
    caller = world.socket(family, type_)
    world.socket_file(caller).connect(world.task, made.local())
    return caller


def answer(call: Callable[[], int]) -> Answer:
    try:
        return call()
    except SysError as error:
        return error.errno


def flag(world: World, fd: int, option: int) -> int:
    world.call(sock_get_opt_flag, fd, option, RESULT)
    return world.number(RESULT, 1)


def size(world: World, fd: int, option: int) -> int:
    world.call(sock_get_opt_size, fd, option, RESULT)
    return world.number(RESULT, 8)


def set_and_get(world: World, fd: int, option: int, value: int) -> int:
    if option in FLAGS:
        world.call(sock_set_opt_flag, fd, option, value)
        return flag(world, fd, option)
    world.call(sock_set_opt_size, fd, option, value % (1 << 32))
    return size(world, fd, option)


# -- the table ------------------------------------------------------------------


def expected_name(option: SockOption, kind: str) -> tuple[int, int]:
    if option is SockOption.TTL and KINDS[kind][0] == INET6:
        return socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS
    return FLAGS.get(option) or SIZES[option]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", [*FLAGS, *SIZES], ids=lambda option: option.name)
def test_options_are_linux_s(world: World, natives: ExitStack, option: SockOption, kind: str, state: str) -> None:
    level, name = expected_name(option, kind)
    told = asked(lambda: native(natives, kind, state).getsockopt(level, name))
    get = flag if option in FLAGS else size
    if option not in BUFFERS:  # what they begin with is the network's
        assert answer(lambda: get(world, ours(world, kind, state), option)) == told
    for value in (0, 1) if option in FLAGS else NUMBERS:
        if option is SockOption.RECV_LOWAT and value == NUMBERS[-1]:
            continue  # Linux cuts it to what its own TCP buffers hold

        def natively(value: int = value) -> int:
            peer = native(natives, kind, state)
            peer.setsockopt(level, name, value)
            return peer.getsockopt(level, name)

        def here(value: int = value) -> int:
            return set_and_get(world, ours(world, kind, state), option, value)

        if option is SockOption.RECV_LOWAT and value < 0:
            continue
        assert answer(here) == asked(natively), value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", SockOption, ids=lambda option: option.name)
def test_an_option_of_another_kind_is_inval(world: World, option: SockOption, kind: str) -> None:
    fd = ours(world, kind, "fresh")
    numbers = {*SIZES, SockOption.TYPE, SockOption.PROTO}
    if option not in FLAGS:
        world.fails(Errno.INVAL, sock_set_opt_flag, fd, option, 1)
        world.fails(Errno.INVAL, sock_get_opt_flag, fd, option, RESULT)
    if option not in numbers:
        world.fails(Errno.INVAL, sock_set_opt_size, fd, option, 1)
        world.fails(Errno.INVAL, sock_get_opt_size, fd, option, RESULT)
    if option not in TIMES:
        world.fails(Errno.INVAL, sock_set_opt_time, fd, option, world.option(TIME, 1))
        world.fails(Errno.INVAL, sock_get_opt_time, fd, option, RESULT)
    assert (option in FLAGS) + (option in numbers) + (option in TIMES) == (option is not SockOption.NOOP)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_type_and_protocol_are_told_and_not_set(world: World, natives: ExitStack, kind: str, state: str) -> None:
    fd = ours(world, kind, state)
    for option, name in ((SockOption.TYPE, socket.SO_TYPE), (SockOption.PROTO, socket.SO_PROTOCOL)):
        found = native(natives, kind, state).getsockopt(socket.SOL_SOCKET, name)
        if option is SockOption.TYPE:
            found = {int(NATIVE_KINDS[each]): int(each) for each in NATIVE_KINDS}[found]
        assert size(world, fd, option) == found
        world.fails(Errno.NOPROTOOPT, sock_set_opt_size, fd, option, 1)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_times_are_kept_by_every_socket(world: World, kind: str, state: str) -> None:
    fd = ours(world, kind, state)
    for option in TIMES:
        second = 1_000_000_000
        most = (2**31 - 1) * second if option is SockOption.LINGER else 2**64 - 1
        for time, kept in ((None, None), (second, second), (2**64 - 1, most), (None, None)):
            world.call(sock_set_opt_time, fd, option, world.option(TIME, time))
            world.call(sock_get_opt_time, fd, option, RESULT)
            assert (world.number(RESULT + 8, 8) if world.number(RESULT, 1) else None) == kept


def test_lingering_is_linux_s(world: World, natives: ExitStack) -> None:
    """Its seconds are an int."""
    peer, fd = native(natives, "tcp4", "fresh"), ours(world, "tcp4", "fresh")
    for seconds in (0, 1, 2**31 - 1):
        peer.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, sys.byteorder) + seconds.to_bytes(4, sys.byteorder)
        )
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        world.call(sock_set_opt_time, fd, SockOption.LINGER, world.option(TIME, seconds * 1_000_000_000))
        world.call(sock_get_opt_time, fd, SockOption.LINGER, RESULT)
        assert world.number(RESULT + 8, 8) == int.from_bytes(raw[4:], sys.byteorder) * 1_000_000_000
