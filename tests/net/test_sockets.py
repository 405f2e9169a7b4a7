"""Sockets as state machines: what each state allows, over both networks."""

from __future__ import annotations

import socket as host
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event
from typing import Any, cast

import pytest

from pywasix.abi.enums import FileType, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host.poller import HostPoller
from pywasix.net.address import INET4, INET6, parse
from pywasix.net.opening import open_socket
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import PROBE_PORT, SOCKET_RIGHTS, Socket
from pywasix.net.stack import Channel
from pywasix.net.states import REFUSALS, State
from pywasix.syscalls.sock import sock_connect
from support import PATIENCE
from world import NONBLOCK, Call, VirtualWorld, World


@pytest.fixture(params=["host", "virtual"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld() if request.param == "virtual" else World() as found:
        yield found


Operation = Callable[[World, Socket], object]
OPERATIONS: dict[str, Operation] = {
    "bind": lambda world, file: file.bind(parse("127.0.0.1", 0)),
    "listen": lambda world, file: file.listen(1),
    "accept": lambda world, file: file.check_accept(),
    "connect": lambda world, file: file.connect(world.task, parse("127.0.0.1", 1)),
    "recv": lambda world, file: file.recv(world.task, [memoryview(bytearray(1))], 0),
    "send": lambda world, file: file.send(world.task, [memoryview(b"x")], 0),
    "shutdown": lambda world, file: file.shutdown(3),
}


def in_state(world: World, state: State) -> Socket:
    """A socket in a state, reached as a guest reaches it."""
    match state:
        case State.LISTENING:
            return world.socket_file(world.listener()[0])
        case State.CONNECTED:
            return world.socket_file(world.connected()[0])
        case State.CONNECTING:
            return world.socket_file(world.connecting())
        case State.REFUSED:
            file = world.socket_file(world.refused_later())
            assert file.take_error()
            return file
    file = world.socket_file(world.socket())
    if state is State.BOUND:
        file.bind(parse("127.0.0.1", 0))
    if state is State.FAILED:
        with pytest.raises(SysError, match="CONNREFUSED"):
            file.connect(world.task, parse("127.0.0.1", 1))
    return file


@pytest.mark.parametrize(
    ("operation", "state"),
    [(operation, state) for operation, row in REFUSALS.items() for state in row],
    ids=lambda value: getattr(value, "value", value),
)
def test_what_a_state_does_not_allow_changes_nothing(world: World, operation: str, state: State) -> None:
    file = in_state(world, state)
    assert file.state is state
    before = file.local()
    with pytest.raises(SysError) as raised:
        OPERATIONS[operation](world, file)
    assert raised.value.errno is REFUSALS[operation][state]
    assert file.state is state
    assert file.local() == before


def test_a_failed_connect_may_be_tried_again(world: World) -> None:
    file = in_state(world, State.FAILED)
    _, address = world.listener()
    file.connect(world.task, address)
    assert file.state is State.CONNECTED
    assert file.peer() == address


def test_an_unknown_family_and_type(world: World) -> None:
    with pytest.raises(SysError, match="AFNOSUPPORT"):
        open_socket(world.network, 77, SockType.SOCKET_STREAM)
    with pytest.raises(SysError, match="NOTSUP"):
        open_socket(world.network, INET4, SockType.SOCKET_RAW)


def test_what_a_socket_is(world: World) -> None:
    stream = world.socket_file(world.socket(INET6))
    datagram = world.socket_file(world.socket(INET4, SockType.SOCKET_DGRAM))
    assert (stream.filetype, datagram.filetype) == (FileType.SOCKET_STREAM, FileType.SOCKET_DGRAM)
    assert stream.rights == SOCKET_RIGHTS
    assert stream.available() == 0
    assert stream.status().links == 1


def test_what_has_arrived_is_counted(world: World) -> None:
    caller, accepted = map(world.socket_file, world.connected())
    assert accepted.available() == 0
    caller.write(world.task, [memoryview(b"four")])
    world.task.poller.wait(((accepted.handle, 1),), 10**10)
    assert accepted.available() == 4
    buffer = bytearray(8)
    assert accepted.read(world.task, [memoryview(buffer)]) == 4


def test_nonblocking_reaches_the_channel(world: World) -> None:
    file = world.socket_file(world.connected()[0])
    file.set_flags(NONBLOCK)
    with pytest.raises(WouldBlock):
        file.channel.recv_into(memoryview(bytearray(1)), 0)
    file.set_flags(0)
    assert not file.nonblocking


def test_the_probe_is_bound_for_real_when_it_connects(world: World) -> None:
    _, address = world.listener()
    file = world.socket_file(world.socket())
    file.bind(parse("127.0.0.1", PROBE_PORT))
    file.channel.set_option(SockOption.REUSE_ADDR, 1)
    assert file.channel.local().port == 0
    file.connect(world.task, address)
    assert file.channel.local().port == file.local().port == PROBE_PORT


def test_a_connect_that_was_interrupted_goes_on(world: World) -> None:
    full = world.full_listener()
    file = world.socket_file(world.socket())
    world.signal()
    with pytest.raises(SysError, match="INTR"):
        file.connect(world.task, full)
    assert file.current_state() is State.CONNECTING
    file.set_flags(NONBLOCK)
    with pytest.raises(SysError, match="ALREADY"):
        file.connect(world.task, full)


def test_a_connect_after_an_interrupted_one_tells_its_answer(world: World) -> None:
    """Whatever address it names, and once: so it is on Linux."""
    listener, address = world.listener()
    file, told = world.socket_file(world.socket()), False
    world.signal()
    with suppress(SysError):  # INTR, unless the connection is made before anybody looks for signals
        file.connect(world.task, address)
        told = True
    if not told:
        file.connect(world.task, parse("127.0.0.1", 1))
    assert file.state is State.CONNECTED
    with pytest.raises(SysError, match="ISCONN"):
        file.connect(world.task, address)
    world.add(world.socket_file(listener).accept(world.task, False)[0])


def blocked_connect(world: World) -> tuple[Socket, Call]:
    """A socket whose connect waits in a task of its own."""
    full = world.full_listener()
    fd = world.socket()
    call = world.start(sock_connect, fd, world.address(0, full.host, full.port))
    call.await_blocked()
    return world.socket_file(fd), call


LOOKS: dict[str, tuple[Callable[[World, Socket], object], Errno]] = {
    "status": (lambda world, file: file.current_state(), Errno.CONNRESET),
    "peer": (lambda world, file: file.peer(), Errno.CONNRESET),
    "shutdown": (lambda world, file: file.shutdown(3), Errno.CONNRESET),
    # Linux (inet_stream_connect): the error is gone, and the connection too
    "error": (lambda world, file: file.take_error(), Errno.CONNABORTED),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_blocked_connect_ends_whoever_looks_first(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, call = blocked_connect(world)
    look, errno = LOOKS[name]
    wait = HostPoller.wait
    looked = Event()

    def slowly(poller: HostPoller, *args: Any) -> list[int]:
        found = wait(poller, *args)
        assert looked.wait(PATIENCE)
        return found

    monkeypatch.setattr(HostPoller, "wait", slowly)
    call.await_blocked_again(world.process.tasks[-1].poller.wake)
    file.channel.shutdown(3)
    with suppress(SysError):
        look(world, file)
    looked.set()
    assert call.errno() is errno
    assert file.state is State.FAILED


def test_two_tasks_wait_for_one_connect(world: World) -> None:
    """The second one joins; it does not begin another."""
    file, call = blocked_connect(world)
    fd = next(fd for fd, entry in world.fds.items() if entry.file is file)
    second = world.start(sock_connect, fd, 0)
    second.await_blocked()
    file.shutdown(3)
    assert {call.errno(), second.errno()} == {Errno.CONNRESET, Errno.CONNABORTED}


def test_a_connect_joins_one_that_begins_at_the_same_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    file = world.socket_file(world.socket())
    _, address = world.listener()
    file.connect(world.task, address)
    monkeypatch.setattr(file, "state", State.FRESH)
    monkeypatch.setattr(file, "_start_connect", lambda: setattr(file, "state", State.CONNECTING))
    file.connect(world.task, address)
    assert file.state is State.CONNECTED


def reset_while_connecting(world: World) -> Socket:
    file = world.socket_file(world.connecting())
    file.shutdown(3)
    return file


def refused_and_told(world: World) -> Socket:
    """Only a connect that tells of it makes the socket new (Linux, inet_stream_connect)."""
    file = world.socket_file(world.refused_later())
    with pytest.raises(SysError):
        file.connect(world.task, parse("127.0.0.1", 1))
    return file


FAILURES: dict[str, Callable[[World], Socket]] = {
    "refused": lambda world: in_state(world, State.FAILED),
    "reset": reset_while_connecting,
    "refused later": refused_and_told,
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_socket_may_be_bound_and_listen_and_connect(world: World, name: str) -> None:
    if isinstance(world, VirtualWorld) and name == "refused later":
        name = "reset"  # there the listener's host is gone with it
    bound, unbound, again = (FAILURES[name](world) for _ in range(3))
    for file in (bound, unbound, again):
        assert file.current_state() is State.FAILED
        assert (file.take_error() != 0) == (name == "reset")
        file.set_flags(0)
    bound.bind(parse("127.0.0.1", 0))
    for file in (bound, unbound):
        file.listen(1)
        assert file.state is State.LISTENING
        world.socket_file(world.socket()).connect(world.task, parse("127.0.0.1", file.local().port))
        world.add(file.accept(world.task, False)[0])
    again.connect(world.task, world.listener()[1])
    assert again.state is State.CONNECTED


def test_a_bound_socket_stays_bound_when_its_connect_fails(world: World) -> None:
    _, taken = world.listener()
    file = world.socket_file(world.socket())
    file.channel.set_option(SockOption.REUSE_ADDR, 1)
    file.bind(parse("127.0.0.1", PROBE_PORT))
    with pytest.raises(SysError, match="CONNREFUSED"):
        file.connect(world.task, parse("127.0.0.1", 1))
    with pytest.raises(SysError, match="INVAL"):
        file.bind(parse("127.0.0.1", taken.port))
    assert file.state is State.FAILED
    assert file.local().port == PROBE_PORT


def test_a_failed_socket_needs_the_policy_to_listen() -> None:
    with World(policy=NetworkPolicy.from_rules("ipv4:allow=127.0.0.1/32:*/out")) as world:
        file = in_state(world, State.FAILED)
        with pytest.raises(SysError, match="ACCES"):
            file.listen(1)
        assert file.state is State.FAILED


def test_no_connection_comes_of_a_connect_that_was_given_up(world: World) -> None:
    full = world.full_listener()
    file = world.socket_file(world.socket())
    file.connect_timeout = 1_000_000
    with pytest.raises(SysError, match="TIMEDOUT"):
        file.connect(world.task, full)
    assert file.state is State.FAILED
    assert file.take_error() == 0
    for ask in (file.peer, file.channel.peer):
        with pytest.raises(SysError, match="NOTCONN"):
            ask()
    _, address = world.listener()
    file.connect(world.task, address)
    assert file.peer() == address


def test_a_connect_timeout_that_is_over_when_the_answer_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made is made."""
    caller = world.socket_file(world.connected()[0])
    caller.connect_timeout = 0
    monkeypatch.setattr(caller, "state", State.CONNECTING)
    answers = [WouldBlock()]

    def late() -> None:
        if answers:
            raise answers.pop()

    class Late:
        connect_result = staticmethod(late)
        give_up = staticmethod(lambda: False)

    monkeypatch.setattr(caller, "channel", Late())
    caller._await_connect(world.task, None, Errno.AGAIN)
    assert caller.state is State.CONNECTED
    monkeypatch.undo()


def test_an_error_while_another_task_looks_is_told_once(world: World) -> None:
    file = world.socket_file(world.socket())

    class Refusing:
        def connect(self, address: object) -> None:
            assert file.current_state() is State.REFUSED
            raise SysError(Errno.CONNABORTED)

        def connect_result(self) -> None:
            raise SysError(Errno.CONNREFUSED)

        def give_up(self) -> bool:
            return False

    channel, file.channel = file.channel, cast(Channel, Refusing())
    with pytest.raises(SysError, match="CONNREFUSED"):
        file.connect(world.task, parse("127.0.0.1", 1))
    file.channel = channel
    assert file.take_error() == 0


def test_data_waits_for_a_connect_under_way(world: World) -> None:
    """A non-blocking connect that is then waited for by a blocking send, as Linux does."""
    listener, address = world.listener()
    file = world.socket_file(world.nonblocking(world.socket()))
    with suppress(SysError):  # INPROGRESS, but on the virtual network nobody has to wait
        file.connect(world.task, address)
    file.set_flags(0)
    assert file.send(world.task, [memoryview(b"x")], 0) == 1
    accepted, _ = world.socket_file(listener).accept(world.task, False)
    world.add(accepted)
    assert accepted.recv(world.task, [memoryview(bytearray(4))], 0) == 1


def test_a_time_limit_for_all_of_pythons_sockets_changes_nothing(world: World) -> None:
    """An embedding program may call `socket.setdefaulttimeout`."""
    before = host.getdefaulttimeout()
    host.setdefaulttimeout(0.001)
    try:
        caller, accepted = map(world.socket_file, world.connected())
        assert caller.send(world.task, [memoryview(b"x")], 0) == 1
        assert accepted.recv(world.task, [memoryview(bytearray(1))], 0) == 1
        accepted.set_flags(NONBLOCK)
        with pytest.raises(SysError, match="AGAIN"):
            accepted.recv(world.task, [memoryview(bytearray(1))], 0)
    finally:
        host.setdefaulttimeout(before)
