"""Multicast groups: joining, leaving and hearing them; on the host over the loopback interface only."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from pywasix.abi.enums import RiFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.host.sockets import HostChannel
from pywasix.host.virtual_end import VirtualEnd
from pywasix.net.address import INET4, INET6, UNIX, parse
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from pywasix.syscalls.multicast import (
    sock_join_multicast_v4,
    sock_join_multicast_v6,
    sock_leave_multicast_v4,
    sock_leave_multicast_v6,
)
from pywasix.syscalls.sock_opt import sock_get_opt_flag, sock_get_opt_size, sock_set_opt_flag, sock_set_opt_size
from syscalls.datagrams import recv_from
from syscalls.vectors import cannot_recv
from world import MEMORY, World

DATAGRAM, STREAM = SockType.SOCKET_DGRAM, SockType.SOCKET_STREAM
GROUP4, GROUP6 = "239.1.2.3", "ff02::1:2345"
GROUP, INTERFACE, RESULT = 64, 96, 128
LOOPBACK = socket.if_nametoindex("lo")

Handler = Callable[..., None]


def operands(
    world: World, family: int, group: str | None = None, interface: str | int | None = None
) -> tuple[int, int]:
    """What comes after the descriptor, for a group on the loopback interface."""
    world.put(GROUP, parse(group or (GROUP4 if family == INET4 else GROUP6), 0).ip)
    if family == INET6:
        return GROUP, LOOPBACK if interface is None else int(interface)
    return GROUP, world.put(INTERFACE, parse(str(interface or "127.0.0.1"), 0).ip)


def join(world: World, fd: int, family: int) -> None:
    handler = sock_join_multicast_v4 if family == INET4 else sock_join_multicast_v6
    world.call(handler, fd, *operands(world, family))


def leave(world: World, fd: int, family: int) -> None:
    handler = sock_leave_multicast_v4 if family == INET4 else sock_leave_multicast_v6
    world.call(handler, fd, *operands(world, family))


def refuses(world: World, errno: Errno, handler: Handler, fd: int, **changed: object) -> None:
    family = INET4 if handler in (sock_join_multicast_v4, sock_leave_multicast_v4) else INET6
    world.fails(errno, handler, fd, *operands(world, family, **changed))  # type: ignore[arg-type]  # a test says str or int


def datagram(world: World, family: int) -> int:
    return world.socket(family, DATAGRAM)


def hears(world: World, family: int) -> None:
    """One socket is in the group for a while, another sends to it."""
    fd, other = datagram(world, family), datagram(world, family)
    member, outsider = world.socket_file(fd), world.socket_file(other)
    member.bind(parse("0.0.0.0" if family == INET4 else "::", 0))
    join(world, fd, family)
    to = parse(GROUP4 if family == INET4 else GROUP6, member.local().port)._replace(scope=0 if family == INET4 else 1)
    outsider.bind(parse("127.0.0.1" if family == INET4 else "::1", 0))  # so that it leaves by the loopback interface
    host_interface(outsider)
    assert outsider.send_to(world.task, [memoryview(b"all")], 0, to) == 3
    assert recv_from(world, fd, 8)[0] == b"all"
    leave(world, fd, family)
    outsider.send_to(world.task, [memoryview(b"nobody")], 0, to)
    cannot_recv(world, Errno.AGAIN, fd, RiFlags.RECV_DONT_WAIT)


def test_a_member_hears_the_group(either: World) -> None:
    hears(either, INET4)


def test_a_member_hears_the_ipv6_group(virtual: World) -> None:
    """Linux routes no IPv6 group over its loopback interface."""
    hears(virtual, INET6)


def host_interface(file: Socket) -> None:
    """Let a socket of the host send over loopback. The ABI has no call that chooses the interface."""
    if isinstance(file.channel, HostChannel) and not isinstance(file.channel, VirtualEnd):
        file.channel._open().setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))


def test_loop_and_hops(either: World) -> None:
    four, six = datagram(either, INET4), datagram(either, INET6)
    for fd, option in ((four, SockOption.MULTICAST_LOOP_V4), (six, SockOption.MULTICAST_LOOP_V6)):
        either.call(sock_get_opt_flag, fd, option, RESULT)
        assert either.number(RESULT, 1) == 1
        either.call(sock_set_opt_flag, fd, option, 0)
        either.call(sock_get_opt_flag, fd, option, RESULT)
        assert either.number(RESULT, 1) == 0
    either.call(sock_get_opt_size, four, SockOption.MULTICAST_TTL_V4, RESULT)
    assert either.number(RESULT, 8) == 1
    either.call(sock_set_opt_size, four, SockOption.MULTICAST_TTL_V4, 7)
    either.call(sock_get_opt_size, four, SockOption.MULTICAST_TTL_V4, RESULT)
    assert either.number(RESULT, 8) == 7


@pytest.mark.parametrize("family", [INET4, INET6])
def test_a_group_may_be_joined_again_after_it_was_left(either: World, family: int) -> None:
    fd = datagram(either, family)
    for _ in range(2):
        join(either, fd, family)
        leave(either, fd, family)


def test_an_ipv6_socket_joins_ipv4_groups(world: World) -> None:
    join(world, datagram(world, INET6), INET4)


def test_the_policy_judges_it_as_a_bind() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow={127.0.0.1,0.0.0.0,239.1.0.0/16}:*/in")
    with World(policy=policy) as world:
        fd = datagram(world, INET4)
        world.socket_file(fd).bind(parse("0.0.0.0", 0))
        join(world, fd, INET4)
        refuses(world, Errno.ACCES, sock_join_multicast_v4, fd, group="239.2.0.1")
        leave(world, fd, INET4)


# -- errors -----------------------------------------------------------------


def test_sock_join_multicast_v4_badf(world: World) -> None:
    refuses(world, Errno.BADF, sock_join_multicast_v4, 9)


def test_sock_join_multicast_v4_notsock(world: World) -> None:
    refuses(world, Errno.NOTSOCK, sock_join_multicast_v4, world.pipe_reader()[0])


def test_sock_join_multicast_v4_fault(world: World) -> None:
    fd = datagram(world, INET4)
    world.fails(Errno.FAULT, sock_join_multicast_v4, fd, MEMORY - 3, INTERFACE)
    world.fails(Errno.FAULT, sock_join_multicast_v4, fd, GROUP, MEMORY - 3)


def test_sock_join_multicast_v4_acces(forbidden: World) -> None:
    refuses(forbidden, Errno.ACCES, sock_join_multicast_v4, datagram(forbidden, INET4))


def test_sock_join_multicast_v4_inval(either: World) -> None:
    refuses(either, Errno.INVAL, sock_join_multicast_v4, datagram(either, INET4), group="10.0.0.1")


def test_sock_join_multicast_v4_nodev(either: World) -> None:
    refuses(either, Errno.NODEV, sock_join_multicast_v4, datagram(either, INET4), interface="192.0.2.77")


def test_sock_join_multicast_v4_addrinuse(either: World) -> None:
    fd = datagram(either, INET4)
    join(either, fd, INET4)
    refuses(either, Errno.ADDRINUSE, sock_join_multicast_v4, fd)


def test_sock_join_multicast_v4_proto(either: World) -> None:
    refuses(either, Errno.PROTO, sock_join_multicast_v4, either.socket())
    refuses(either, Errno.PROTO, sock_join_multicast_v4, either.socket(INET6))


def test_sock_join_multicast_v4_notsup(either: World) -> None:
    refuses(either, Errno.NOTSUP, sock_join_multicast_v4, either.socket(UNIX))
    refuses(either, Errno.NOTSUP, sock_join_multicast_v4, datagram(either, UNIX))


def test_sock_leave_multicast_v4_badf(world: World) -> None:
    refuses(world, Errno.BADF, sock_leave_multicast_v4, 9)


def test_sock_leave_multicast_v4_notsock(world: World) -> None:
    refuses(world, Errno.NOTSOCK, sock_leave_multicast_v4, world.pipe_reader()[0])


def test_sock_leave_multicast_v4_fault(world: World) -> None:
    fd = datagram(world, INET4)
    world.fails(Errno.FAULT, sock_leave_multicast_v4, fd, MEMORY - 3, INTERFACE)
    world.fails(Errno.FAULT, sock_leave_multicast_v4, fd, GROUP, MEMORY - 3)


def test_sock_leave_multicast_v4_addrnotavail(either: World) -> None:
    refuses(either, Errno.ADDRNOTAVAIL, sock_leave_multicast_v4, datagram(either, INET4))


def test_sock_leave_multicast_v4_proto(either: World) -> None:
    refuses(either, Errno.PROTO, sock_leave_multicast_v4, either.socket())


def test_sock_leave_multicast_v4_notsup(either: World) -> None:
    refuses(either, Errno.NOTSUP, sock_leave_multicast_v4, datagram(either, UNIX))


def test_sock_join_multicast_v6_badf(world: World) -> None:
    refuses(world, Errno.BADF, sock_join_multicast_v6, 9)


def test_sock_join_multicast_v6_notsock(world: World) -> None:
    refuses(world, Errno.NOTSOCK, sock_join_multicast_v6, world.pipe_reader()[0])


def test_sock_join_multicast_v6_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_join_multicast_v6, datagram(world, INET6), MEMORY - 15, LOOPBACK)


def test_sock_join_multicast_v6_acces(forbidden: World) -> None:
    refuses(forbidden, Errno.ACCES, sock_join_multicast_v6, datagram(forbidden, INET6))


def test_sock_join_multicast_v6_inval(either: World) -> None:
    refuses(either, Errno.INVAL, sock_join_multicast_v6, datagram(either, INET6), group="fd00::1")


def test_sock_join_multicast_v6_nodev(either: World) -> None:
    refuses(either, Errno.NODEV, sock_join_multicast_v6, datagram(either, INET6), interface=2**31 + 5)


def test_sock_join_multicast_v6_addrinuse(either: World) -> None:
    fd = datagram(either, INET6)
    join(either, fd, INET6)
    refuses(either, Errno.ADDRINUSE, sock_join_multicast_v6, fd)


def test_sock_join_multicast_v6_noprotoopt(either: World) -> None:
    refuses(either, Errno.NOPROTOOPT, sock_join_multicast_v6, datagram(either, INET4))
    refuses(either, Errno.NOPROTOOPT, sock_join_multicast_v6, either.socket())


def test_sock_join_multicast_v6_proto(either: World) -> None:
    refuses(either, Errno.PROTO, sock_join_multicast_v6, either.socket(INET6))


def test_sock_join_multicast_v6_notsup(either: World) -> None:
    refuses(either, Errno.NOTSUP, sock_join_multicast_v6, datagram(either, UNIX))


def test_sock_leave_multicast_v6_badf(world: World) -> None:
    refuses(world, Errno.BADF, sock_leave_multicast_v6, 9)


def test_sock_leave_multicast_v6_notsock(world: World) -> None:
    refuses(world, Errno.NOTSOCK, sock_leave_multicast_v6, world.pipe_reader()[0])


def test_sock_leave_multicast_v6_fault(world: World) -> None:
    world.fails(Errno.FAULT, sock_leave_multicast_v6, datagram(world, INET6), MEMORY - 15, LOOPBACK)


def test_sock_leave_multicast_v6_inval(either: World) -> None:
    refuses(either, Errno.INVAL, sock_leave_multicast_v6, datagram(either, INET6), group="fd00::1")


def test_sock_leave_multicast_v6_addrnotavail(either: World) -> None:
    refuses(either, Errno.ADDRNOTAVAIL, sock_leave_multicast_v6, datagram(either, INET6))


def test_sock_leave_multicast_v6_noprotoopt(either: World) -> None:
    refuses(either, Errno.NOPROTOOPT, sock_leave_multicast_v6, datagram(either, INET4))


def test_sock_leave_multicast_v6_proto(either: World) -> None:
    refuses(either, Errno.PROTO, sock_leave_multicast_v6, either.socket(INET6))


def test_sock_leave_multicast_v6_notsup(either: World) -> None:
    refuses(either, Errno.NOTSUP, sock_leave_multicast_v6, datagram(either, UNIX))
