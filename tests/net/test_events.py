"""What the embedder is told of connections, over both networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from net.watched import LOOPBACK, WAIT_ALL, call_from_outside, move, of_type, watch
from pywasix.abi.enums import RiFlags, SdFlags, SiFlags, SockType
from pywasix.errors import SysError
from pywasix.kernel.wait import WRITABLE
from pywasix.net import transfer
from pywasix.net.address import INET4, Address, parse
from pywasix.net.events import Accepted, Closed, Connected, ConnectionEvent, Listening, Refused, place
from pywasix.net.observed import CountedChannel
from pywasix.net.policy import NetworkPolicy
from pywasix.net.stack import Channel
from pywasix.net.states import State
from pywasix.syscalls.fd import fd_close
from support import PATIENCE
from world import VirtualWorld, World

PEEK = int(RiFlags.RECV_PEEK)
DATAGRAM = SockType.SOCKET_DGRAM
BIG = 1 << 22  # bytes; more than any socket holds


@pytest.fixture(params=["host", "virtual"])
def either(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld(max_fds=64) if request.param == "virtual" else World(max_fds=64) as found:
        yield found


def finish(world: World, fd: int) -> None:
    """Read up to the end that the peer has sent."""
    assert world.socket_file(fd).recv(world.task, [memoryview(bytearray(9))], 0) == 0


def connected_later(world: World, address: Address) -> int:
    """A descriptor whose connect did not wait, and has its answer."""
    fd = world.nonblocking(world.socket())
    with suppress(SysError):
        world.socket_file(fd).connect(world.task, address)
    world.task.poller.wait(((world.socket_file(fd).handle, WRITABLE),), 10**10)
    assert world.socket_file(fd).current_state() is State.CONNECTED
    return fd


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_a_connection_s_life(either: World, host: str) -> None:
    seen = watch(either)
    caller, accepted = either.connected(host)
    here, there = place(either.socket_file(caller).local()), place(either.socket_file(accepted).local())
    move(either, caller, accepted, b"12345")
    move(either, accepted, caller, b"123")
    either.fds.close(caller)
    finish(either, accepted)
    either.fds.close(accepted)
    pid = either.process.pid
    assert seen[:3] == [
        Listening(there, "tcp", pid),
        Connected(here, there, "tcp", pid, 1),
        Accepted(there, here, "tcp", pid, 2),
    ]
    first, second = of_type(seen[3:], Closed)
    assert (first.number, first.received, first.sent, first.reason) == (1, 3, 5, "closed")
    assert (second.number, second.received, second.sent, second.reason) == (2, 5, 3, "finished")
    assert (second.local, second.peer) == (there, here)
    assert 0 <= second.seconds < PATIENCE


def test_bytes_are_counted_once_whatever_the_call(either: World) -> None:
    seen = watch(either)
    caller, accepted = either.connected()
    sending, receiving = either.socket_file(caller), either.socket_file(accepted)
    assert sending.write(either.task, [memoryview(b"abc"), memoryview(b"de")]) == 5
    buffers = [memoryview(bytearray(2)), memoryview(bytearray(1))]
    assert receiving.recv(either.task, buffers, PEEK | WAIT_ALL) == 3
    assert receiving.recv(either.task, buffers[:1], PEEK) == 2
    assert receiving.read(either.task, buffers) == 3
    assert receiving.read(either.task, buffers) == 2
    with pytest.raises(SysError, match="AGAIN"):
        receiving.recv(either.task, buffers, int(RiFlags.RECV_DONT_WAIT))
    sent = sending.send(either.task, [memoryview(bytes(BIG))], int(SiFlags.SEND_DONT_WAIT))
    assert 0 < sent < BIG
    either.fds.close(caller)
    either.fds.close(accepted)
    assert {(event.received, event.sent) for event in of_type(seen, Closed)} == {(0, 5 + sent), (5, 0)}


def test_every_way_to_move_bytes_is_counted() -> None:
    moving = {name for name in vars(Channel) if name.startswith(("recv", "send"))}
    assert moving <= vars(CountedChannel).keys()


def test_a_reset_is_told_whether_the_program_sees_it_or_not(either: World) -> None:
    seen = watch(either)
    for looks in (True, False):
        caller, accepted = either.connected()
        either.socket_file(caller).channel.set_linger(0)
        either.fds.close(caller)
        if looks:
            with pytest.raises(SysError, match="CONNRESET"):
                either.socket_file(accepted).recv(either.task, [memoryview(bytearray(1))], 0)
        either.fds.close(accepted)
    assert [event.reason for event in of_type(seen, Closed)] == ["closed", "reset"] * 2


def test_who_sends_into_what_it_shut_itself_was_not_reset(either: World) -> None:
    seen = watch(either)
    caller, _ = either.connected()
    either.socket_file(caller).shutdown(SdFlags.WR)
    with pytest.raises(SysError, match="PIPE"):
        either.socket_file(caller).send(either.task, [memoryview(b"x")], 0)
    either.fds.close(caller)
    assert of_type(seen, Closed)[0].reason == "closed"


def test_what_the_end_of_the_program_closes() -> None:
    with World() as world:
        seen = watch(world)
        world.connected()
    assert [event.reason for event in of_type(seen, Closed)] == ["exit", "exit"]


def test_a_file_with_two_descriptors_is_closed_with_the_last(either: World) -> None:
    seen = watch(either)
    caller, _ = either.connected()
    copy = either.fds.add(either.fds.get(caller).copy())
    either.call(fd_close, caller)
    assert not of_type(seen, Closed)
    either.call(fd_close, copy)
    assert len(of_type(seen, Closed)) == 1


def test_a_connect_that_does_not_wait_is_told_when_the_program_looks(either: World) -> None:
    seen = watch(either)
    listener, address = either.listener()
    fd = connected_later(either, address)
    assert either.socket_file(fd).current_state() is State.CONNECTED
    assert [event.peer for event in of_type(seen, Connected)] == [place(address)]
    either.fds.close(listener)


def test_a_connect_that_fails_is_no_connection(either: World) -> None:
    seen = watch(either, total=1)
    listener, address = either.listener()
    either.fds.close(listener)
    for _ in range(3):  # each gives back what it counted
        with pytest.raises(SysError, match="CONNREFUSED"):
            either.socket_file(either.socket()).connect(either.task, address)
    assert not of_type(seen, Connected, Closed, Refused)
    assert either.reports == []


def test_no_lock_is_held_while_somebody_is_told(either: World) -> None:
    free: list[bool] = []

    def tell(event: ConnectionEvent) -> None:
        assert either.network.watch is not None
        kernel = either.kernel
        locks = transfer._answers, kernel.descriptor_lock, kernel.process_lock, either.network.watch.lock
        free.extend(lock.acquire(blocking=False) for lock in locks)
        for lock in locks:
            lock.release()

    watch(either, tell=tell)
    listener, address = either.listener()
    fd = connected_later(either, address)
    either.fds.close(fd)
    either.fds.close(listener)
    assert len(free) == 3 * 4
    assert all(free)


def test_a_listener_that_fails_is_reported_once(either: World) -> None:
    def tell(event: ConnectionEvent) -> None:
        raise (SystemExit if isinstance(event, Closed) else ZeroDivisionError)("no\nmore")

    watch(either, tell=tell)
    caller, accepted = either.connected()
    move(either, caller, accepted, b"goes on")
    either.fds.close(caller)
    assert either.reports == ["on_connection raised ZeroDivisionError: no\\nmore"]


def test_a_program_is_told_of_where_it_listens_once(either: World) -> None:
    seen = watch(either)
    fd, address = either.listener()
    either.socket_file(fd).listen(3)
    assert seen == [Listening((LOOPBACK, address.port), "tcp", either.process.pid)]


def test_datagram_sockets_are_told_of_when_they_take_a_port_of_their_choice(either: World) -> None:
    seen = watch(either, total=0)
    server, client = either.socket(INET4, DATAGRAM), either.socket(INET4, DATAGRAM)
    probe = either.socket(INET4, DATAGRAM)
    either.socket_file(probe).bind(parse(LOOPBACK, 0))
    address = either.socket_file(probe).local()
    either.fds.close(probe)
    either.socket_file(server).bind(address)
    either.socket_file(client).connect(either.task, address)
    assert seen == [Listening(place(address), "udp", either.process.pid)]


# -- refusals -------------------------------------------------------------------


def test_a_policy_s_refusals_are_told() -> None:
    policy = NetworkPolicy(lambda request: request.action == "bind")
    with World(policy=policy) as world:
        seen = watch(world)
        listener, address = world.listener()
        with pytest.raises(SysError, match="ACCES"):
            world.socket_file(world.socket()).connect(world.task, address)
        assert seen[1:] == [Refused("connect", ("0.0.0.0", 0), place(address), "tcp", world.process.pid, "policy")]
        call_from_outside(world, address)
        world.nonblocking(listener)
        with pytest.raises(SysError, match="AGAIN"):
            world.socket_file(listener).accept(world.task, False)
        (refused,) = of_type(seen[2:], Refused)
        assert (refused.action, refused.local, refused.cause) == ("accept", place(address), "policy")
        assert not of_type(seen, Accepted, Closed)
