"""Limits on connections, met by callers and programs that want more, over both networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from net.watched import LOOPBACK, call_from_outside, move, of_type, watch
from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd
from pywasix.kernel.fdtable import Descriptor
from pywasix.net.address import INET4, Address, parse
from pywasix.net.events import Refused, place
from pywasix.net.observed import LimitedChannel
from pywasix.net.policy import ConnectionLimits, NetworkPolicy
from pywasix.net.sockets import SOCKET_RIGHTS, Socket
from pywasix.net.states import State
from pywasix.net.watch import Watch
from pywasix.syscalls.sock import sock_accept_v2
from world import VirtualWorld, World

STREAM = SockType.SOCKET_STREAM


@pytest.fixture(params=["host", "virtual"])
def either(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld(max_fds=64) if request.param == "virtual" else World(max_fds=64) as found:
        yield found


def test_a_caller_beyond_the_limit_is_closed_and_the_next_one_may_come(either: World) -> None:
    seen = watch(either, total=1)
    listener, address = either.listener()
    either.nonblocking(listener)
    first, second = (call_from_outside(either, address) for _ in range(2))
    one, peer = either.socket_file(listener).accept(either.task, False)
    fd = either.add(one)
    assert peer == first.local()
    with pytest.raises(SysError, match="AGAIN"):
        either.socket_file(listener).accept(either.task, False)
    # It was closed at once.
    assert second.recv(either.task, [memoryview(bytearray(1))], 0) == 0
    (refused,) = of_type(seen, Refused)
    assert (refused.action, refused.peer, refused.cause) == ("accept", place(second.local()), "limit")
    call_from_outside(either, address)
    with pytest.raises(SysError, match="AGAIN"):
        either.socket_file(listener).accept(either.task, False)
    assert either.reports == [
        f"turned {second.local()} away: as many connections are open as --max-connections (max_connections) allows"
    ]
    either.fds.close(fd)
    third = call_from_outside(either, address)
    accepted, peer = either.socket_file(listener).accept(either.task, False)
    either.add(accepted)
    assert peer == third.local()


def test_one_peer_cannot_take_the_place_of_others() -> None:
    with World() as world:
        watch(world, total=3, per_peer=2)
        listener, address = world.listener("0.0.0.0")
        world.nonblocking(listener)
        here = parse(LOOPBACK, address.port)
        for source in (LOOPBACK, LOOPBACK, LOOPBACK, "127.0.0.2", "127.0.0.3"):
            call_from_outside(world, here, source)
        peers = []
        for _ in range(3):
            accepted, peer = world.socket_file(listener).accept(world.task, False)
            world.add(accepted)
            peers.append(peer.host)
        assert peers == [LOOPBACK, LOOPBACK, "127.0.0.2"]
        with pytest.raises(SysError, match="AGAIN"):
            world.socket_file(listener).accept(world.task, False)
        assert len(world.reports) == 1
        assert "--max-connections-per-peer (max_connections_per_peer) allows" in world.reports[0]


def test_a_program_that_leaks_connections_meets_the_limit(either: World) -> None:
    seen = watch(either, per_peer=3)
    listener, address = either.listener(backlog=16)
    fds = [either.socket() for _ in range(4)]
    for fd in fds[:3]:
        either.socket_file(fd).connect(either.task, address)
    for _ in range(2):
        with pytest.raises(SysError, match="CONNREFUSED"):
            either.socket_file(fds[3]).connect(either.task, address)
    assert [event.cause for event in of_type(seen, Refused)] == ["limit", "limit"]
    assert len(either.reports) == 1
    assert either.reports[0].startswith(f"kept the program from connecting to {address}: as many connections are open")
    either.fds.close(fds[0])
    either.socket_file(fds[3]).connect(either.task, address)
    either.fds.close(listener)


def test_an_attempt_that_is_given_up_is_given_back(either: World) -> None:
    watch(either, total=9)
    address = either.full_listener()
    channel: Any = either.socket_file(either.nonblocking(either.socket())).channel
    limits = either.network.watch._limits  # type: ignore[union-attr]  # it is watched
    assert limits is not None
    before = limits.open
    with pytest.raises(SysError, match="AGAIN"):
        channel.connect(address)
    assert limits.open == before + 1
    assert channel.give_up()
    assert limits.open == before
    channel.close()
    assert limits.open == before


def test_limits_alone_leave_data_alone() -> None:
    with World() as world:
        world.network.watched_by(Watch(1, lambda: False, None, ConnectionLimits(2, None), world.reports.append))
        caller, accepted = world.connected()
        move(world, caller, accepted, b"data")
        for fd in (caller, accepted):
            channel: Any = world.socket_file(fd).channel
            assert type(channel) is LimitedChannel
            assert channel.recv_into == channel._inner.recv_into
        world.fds.close(caller)
        world.fds.close(accepted)
        world.connected()


def test_nobody_pays_for_what_nobody_wants() -> None:
    with World() as world:
        caller, _ = world.connected()
        assert type(world.socket_file(caller).channel).__name__ == "HostChannel"
        assert world.network.unguarded


class Flood:
    """A listening channel that always has one more caller, and does something at the third."""

    def __init__(self, at_third: Callable[[], None]) -> None:
        self.taken = self.closed = 0
        self._at_third = at_third

    def fileno(self) -> int:
        return -1

    def accept(self, nonblocking: bool) -> tuple[Any, Address]:
        self.taken += 1
        if self.taken == 3:
            self._at_third()
        assert self.taken < 10**6, "nothing ends it"
        return Caller(self), Address(INET4, bytes((192, 0, 2, 1)), self.taken & 0xFFFF)

    def close(self) -> None:
        """Nothing is held."""


class Caller:
    """One of a flood."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood

    def fileno(self) -> int:
        return -1

    def local(self) -> Address:
        return parse("192.0.2.2", 80)

    def close(self) -> None:
        self._flood.closed += 1


def flooded(world: World, at_third: Callable[[], None]) -> tuple[int, Flood]:
    """A listener that refuses all of a flood."""
    flood = Flood(at_third)
    channel: Any = flood
    world.network._make_policy = NetworkPolicy.deny_all
    world.network.unguarded = False
    return world.add(Socket(world.network, channel, INET4, STREAM, State.LISTENING)), flood


def test_a_kill_ends_an_accept_that_refuses_a_flood(world: World) -> None:
    fd, flood = flooded(world, world.task.stop)
    with pytest.raises(ThreadEnd):
        world.call(sock_accept_v2, fd, 0, 0, 256)
    assert flood.taken == flood.closed == 3


def test_a_signal_interrupts_an_accept_that_refuses_a_flood(world: World) -> None:
    fd, flood = flooded(world, world.signal)
    world.fails(Errno.INTR, sock_accept_v2, fd, 0, 0, 256)
    assert flood.taken == flood.closed == 3
    assert world.signals


def test_a_timeout_ends_an_accept_that_refuses_a_flood(world: World) -> None:
    """Its look for the time is asked for itself: a stub has nothing that a poller could wait for."""
    fd, _ = flooded(world, lambda: None)
    listener = world.socket_file(fd)
    with pytest.raises(SysError, match="TIMEDOUT"):
        listener._after_refusal(world.task, 1, Errno.TIMEDOUT)
    listener.nonblocking = True
    listener._after_refusal(world.task, 1, Errno.TIMEDOUT)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as found:
        yield found


def test_a_connection_of_no_use_is_given_back(world: World) -> None:
    """The host cannot tell the address of a caller who is gone already (macOS)."""
    seen = watch(world, total=1)

    class Gone(Caller):
        def local(self) -> Address:
            raise SysError(Errno.INVAL, "gone")

    class Listener(Flood):
        def accept(self, nonblocking: bool) -> tuple[Any, Address]:
            return Gone(self), parse("192.0.2.1", 5)

    assert world.network.watch is not None
    inner: Any = Listener(lambda: None)
    listener = Socket(world.network, world.network.watch.over_channel(inner, "tcp"), INET4, STREAM, State.LISTENING)
    fd = world.fds.add(Descriptor(listener, SOCKET_RIGHTS, SOCKET_RIGHTS))
    for _ in range(2):
        world.fails(Errno.CONNABORTED, sock_accept_v2, fd, 0, 0, 256)
    assert inner.closed == 2
    assert seen == []
