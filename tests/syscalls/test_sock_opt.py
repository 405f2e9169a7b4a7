"""Socket options: flags, sizes and times."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.enums import SockOption, SockProto, SockType
from pywasix.abi.errno import Errno
from pywasix.net.address import INET4, INET6, UNIX
from pywasix.syscalls.sock_opt import (
    sock_get_opt_flag,
    sock_get_opt_size,
    sock_get_opt_time,
    sock_set_opt_flag,
    sock_set_opt_size,
    sock_set_opt_time,
)
from world import MEMORY, World

CLOSED = 12
RESULT, TIME = 0, 256
UNKNOWN = 200
_SECOND = 1_000_000_000

Handler = Callable[..., None]


def flag(world: World, fd: int, option: int) -> int:
    world.put(RESULT, b"\xee\xee")
    world.call(sock_get_opt_flag, fd, option, RESULT)
    assert world.number(RESULT + 1, 1) == 0xEE
    return world.number(RESULT, 1)


def size(world: World, fd: int, option: int) -> int:
    world.call(sock_get_opt_size, fd, option, RESULT)
    return world.number(RESULT, 8)


def duration(world: World, fd: int, option: int) -> int | None:
    world.put(RESULT, b"\xee" * 16)
    world.call(sock_get_opt_time, fd, option, RESULT)
    assert not any(world.memory.read(RESULT + 1, 7))
    return world.number(RESULT + 8, 8) if world.number(RESULT, 1) else None


# -- flags ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "option", [SockOption.REUSE_ADDR, SockOption.REUSE_PORT, SockOption.NO_DELAY, SockOption.KEEP_ALIVE]
)
def test_flags_are_switched(either: World, option: SockOption) -> None:
    fd = either.socket()
    assert flag(either, fd, option) == 0
    either.call(sock_set_opt_flag, fd, option, 2**32 - 1)
    assert flag(either, fd, option) == 1
    either.call(sock_set_opt_flag, fd, option, 0)
    assert flag(either, fd, option) == 0


def test_listening_tells_of_the_state(either: World) -> None:
    assert flag(either, either.socket(), SockOption.LISTENING) == 0
    assert flag(either, either.listener()[0], SockOption.LISTENING) == 1


def test_only_v6_is_an_option_of_ipv6(either: World) -> None:
    fd = either.socket(INET6)
    either.call(sock_set_opt_flag, fd, SockOption.ONLY_V6, 1)
    assert flag(either, fd, SockOption.ONLY_V6) == 1


def _not_a_socket(world: World, handler: Handler, *rest: int) -> None:
    world.fails(Errno.NOTSOCK, handler, world.pipe_reader()[0], *rest)


def test_sock_set_opt_flag_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_set_opt_flag, CLOSED, SockOption.NO_DELAY, 1)


def test_sock_set_opt_flag_notsock(world: World) -> None:
    _not_a_socket(world, sock_set_opt_flag, SockOption.NO_DELAY, 1)


def test_sock_set_opt_flag_inval(either: World) -> None:
    fd = either.socket()
    for option in (SockOption.NOOP, SockOption.LINGER, SockOption.TTL, SockOption.TYPE):
        either.fails(Errno.INVAL, sock_set_opt_flag, fd, option, 1)


def test_sock_set_opt_flag_noprotoopt(either: World) -> None:
    fd = either.socket()
    either.fails(Errno.NOPROTOOPT, sock_set_opt_flag, fd, UNKNOWN, 1)
    either.fails(Errno.NOPROTOOPT, sock_set_opt_flag, fd, 2**32 - 1, 1)
    for option in (SockOption.ONLY_V6, SockOption.PROMISCUOUS, SockOption.LISTENING):
        either.fails(Errno.NOPROTOOPT, sock_set_opt_flag, fd, option, 1)


def test_sock_set_opt_flag_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_set_opt_flag, either.socket(UNIX), SockOption.NO_DELAY, 1)


def test_sock_get_opt_flag_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_get_opt_flag, CLOSED, SockOption.NO_DELAY, RESULT)


def test_sock_get_opt_flag_notsock(world: World) -> None:
    _not_a_socket(world, sock_get_opt_flag, SockOption.LISTENING, RESULT)


def test_sock_get_opt_flag_inval(world: World) -> None:
    world.fails(Errno.INVAL, sock_get_opt_flag, world.socket(), SockOption.RECV_BUF_SIZE, RESULT)


def test_sock_get_opt_flag_noprotoopt(world: World) -> None:
    world.fails(Errno.NOPROTOOPT, sock_get_opt_flag, world.socket(), UNKNOWN, RESULT)


def test_sock_get_opt_flag_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_get_opt_flag, either.socket(UNIX), SockOption.ONLY_V6, RESULT)
    either.fails(Errno.NOTSUP, sock_get_opt_flag, either.socket(), SockOption.ONLY_V6, RESULT)


def test_sock_get_opt_flag_fault(either: World) -> None:
    either.fails(Errno.FAULT, sock_get_opt_flag, either.socket(), SockOption.NO_DELAY, MEMORY)


# -- sizes ----------------------------------------------------------------------


def test_buffer_sizes_are_doubled(either: World) -> None:
    fd = either.socket()
    for option in (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE):
        either.call(sock_set_opt_size, fd, option, 20_000)
        assert size(either, fd, option) == 40_000, "socket(7)"
    either.call(sock_set_opt_size, fd, SockOption.RECV_BUF_SIZE, 2**64 - 1)
    assert size(either, fd, SockOption.RECV_BUF_SIZE) > 40_000


@pytest.mark.parametrize("family", [INET4, INET6])
def test_hops(either: World, family: int) -> None:
    fd = either.socket(family)
    either.call(sock_set_opt_size, fd, SockOption.TTL, 7)
    assert size(either, fd, SockOption.TTL) == 7


def test_type_protocol_and_pending_error(either: World) -> None:
    stream, datagram = either.socket(), either.socket(INET6, SockType.SOCKET_DGRAM)
    assert size(either, stream, SockOption.TYPE) == SockType.SOCKET_STREAM
    assert size(either, stream, SockOption.PROTO) == SockProto.TCP
    assert size(either, datagram, SockOption.TYPE) == SockType.SOCKET_DGRAM
    assert size(either, datagram, SockOption.PROTO) == SockProto.UDP
    assert size(either, stream, SockOption.LAST_ERROR) == 0


def test_the_pending_error_is_told_once(either: World) -> None:
    fd = either.refused_later()
    assert size(either, fd, SockOption.LAST_ERROR) == Errno.CONNREFUSED
    assert size(either, fd, SockOption.LAST_ERROR) == 0


def test_sock_set_opt_size_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_set_opt_size, CLOSED, SockOption.TTL, 1)


def test_sock_set_opt_size_notsock(world: World) -> None:
    _not_a_socket(world, sock_set_opt_size, SockOption.TTL, 1)


def test_sock_set_opt_size_inval(either: World) -> None:
    fd = either.socket()
    either.fails(Errno.INVAL, sock_set_opt_size, fd, SockOption.NO_DELAY, 1)
    either.fails(Errno.INVAL, sock_set_opt_size, fd, SockOption.TTL, 256)


def test_sock_set_opt_size_noprotoopt(either: World) -> None:
    fd = either.socket()
    for option in (UNKNOWN, SockOption.TYPE, SockOption.PROTO, SockOption.LAST_ERROR, SockOption.SEND_LOWAT):
        either.fails(Errno.NOPROTOOPT, sock_set_opt_size, fd, option, 1)


def test_sock_set_opt_size_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_set_opt_size, either.socket(UNIX), SockOption.TTL, 1)


def test_sock_get_opt_size_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_get_opt_size, CLOSED, SockOption.TTL, RESULT)


def test_sock_get_opt_size_notsock(world: World) -> None:
    _not_a_socket(world, sock_get_opt_size, SockOption.TYPE, RESULT)


def test_sock_get_opt_size_inval(world: World) -> None:
    world.fails(Errno.INVAL, sock_get_opt_size, world.socket(), SockOption.KEEP_ALIVE, RESULT)


def test_sock_get_opt_size_noprotoopt(world: World) -> None:
    world.fails(Errno.NOPROTOOPT, sock_get_opt_size, world.socket(), UNKNOWN, RESULT)


def test_sock_get_opt_size_notsup(either: World) -> None:
    either.fails(Errno.NOTSUP, sock_get_opt_size, either.socket(UNIX), SockOption.TTL, RESULT)


def test_sock_get_opt_size_fault(either: World) -> None:
    """The pending error is still there afterwards."""
    fd = either.refused_later()
    either.fails(Errno.FAULT, sock_get_opt_size, fd, SockOption.LAST_ERROR, MEMORY - 7)
    assert size(either, fd, SockOption.LAST_ERROR) == Errno.CONNREFUSED


# -- times ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [SockOption.RECV_TIMEOUT, SockOption.SEND_TIMEOUT, SockOption.CONNECT_TIMEOUT, SockOption.ACCEPT_TIMEOUT],
)
def test_timeouts_are_kept_exactly(either: World, option: SockOption) -> None:
    fd = either.socket()
    assert duration(either, fd, option) is None
    for time, kept in ((1, 1), (2**64 - 1, 2**64 - 1), (0, None), (5, 5), (None, None)):
        either.call(sock_set_opt_time, fd, option, either.option(TIME, time))
        assert duration(either, fd, option) == kept


def test_linger_counts_in_seconds(either: World) -> None:
    fd = either.socket()
    assert duration(either, fd, SockOption.LINGER) is None
    for time, kept in ((0, 0), (1, _SECOND), (_SECOND, _SECOND), (_SECOND + 1, 2 * _SECOND), (None, None)):
        either.call(sock_set_opt_time, fd, SockOption.LINGER, either.option(TIME, time))
        assert duration(either, fd, SockOption.LINGER) == kept
    either.call(sock_set_opt_time, fd, SockOption.LINGER, either.option(TIME, 2**64 - 1))


def test_sock_set_opt_time_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_set_opt_time, CLOSED, SockOption.LINGER, world.option(TIME, 1))


def test_sock_set_opt_time_notsock(world: World) -> None:
    _not_a_socket(world, sock_set_opt_time, SockOption.LINGER, world.option(TIME, 1))


def test_sock_set_opt_time_inval(world: World) -> None:
    fd = world.socket()
    world.fails(Errno.INVAL, sock_set_opt_time, fd, SockOption.TTL, world.option(TIME, 1))
    world.fails(Errno.INVAL, sock_set_opt_time, fd, SockOption.RECV_TIMEOUT, world.option(TIME, 1, tag=2))
    assert world.socket_file(fd).receive_timeout is None


def test_sock_set_opt_time_noprotoopt(world: World) -> None:
    world.fails(Errno.NOPROTOOPT, sock_set_opt_time, world.socket(), UNKNOWN, world.option(TIME, 1))


def test_sock_set_opt_time_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_set_opt_time, world.socket(), SockOption.RECV_TIMEOUT, MEMORY - 15)


def test_sock_get_opt_time_badf(world: World) -> None:
    world.fails(Errno.BADF, sock_get_opt_time, CLOSED, SockOption.LINGER, RESULT)


def test_sock_get_opt_time_notsock(world: World) -> None:
    _not_a_socket(world, sock_get_opt_time, SockOption.LINGER, RESULT)


def test_sock_get_opt_time_inval(world: World) -> None:
    world.fails(Errno.INVAL, sock_get_opt_time, world.socket(), SockOption.LAST_ERROR, RESULT)


def test_sock_get_opt_time_noprotoopt(world: World) -> None:
    world.fails(Errno.NOPROTOOPT, sock_get_opt_time, world.socket(), UNKNOWN, RESULT)


def test_sock_get_opt_time_fault(either: World) -> None:
    either.fails(Errno.FAULT, sock_get_opt_time, either.socket(), SockOption.LINGER, MEMORY - 15)
    either.fails(Errno.FAULT, sock_get_opt_time, either.socket(), SockOption.RECV_TIMEOUT, MEMORY - 15)
