"""sock_accept_v2 and its two older forms."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.enums import FdFlags, Rights, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.errors import SysError, ThreadEnd
from pywasix.net.address import INET4, Address
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from pywasix.net.stack import Channel
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.sock import sock_accept, sock_accept_v2, sock_accept_with_peer
from world import MEMORY, NONBLOCK, PREVIEW1, UNSTABLE, WASIX, WASIX_2022, VirtualWorld, World

CLOSED = 12
NEW, PEER = 0, 256
Form = Callable[..., None]
FORMS = [sock_accept_v2, sock_accept_with_peer, sock_accept]
forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)


def arguments(form: Form, fd: int, flags: int = 0, new: int = NEW, peer: int = PEER) -> tuple[int, ...]:
    """The arguments of a form."""
    return (fd, flags, new) if form is sock_accept else (fd, flags, new, peer)


def refuse(world: World, errno: Errno, form: Form, fd: int, flags: int = 0, new: int = NEW, peer: int = PEER) -> None:
    world.fails(errno, form, *arguments(form, fd, flags, new, peer))


def waiting(world: World, host: str = "127.0.0.1") -> tuple[int, Address]:
    """A listener with one caller in its queue, and the caller's address."""
    listener, address = world.listener(host)
    caller = world.socket(address.family)
    world.socket_file(caller).connect(world.task, address)
    return listener, world.socket_file(caller).local()


@forms
def test_the_caller_is_taken_and_told(either: World, form: Form) -> None:
    listener, caller = waiting(either)
    either.nonblocking(listener)
    either.put(PEER, b"\xee" * 32)
    either.call(form, *arguments(form, listener))
    new = either.u32(NEW)
    assert either.socket_file(new).peer() == caller
    assert either.fds.get(new).file.flags == 0, "nothing is inherited from the listener"
    if form is sock_accept:
        assert either.memory.read(PEER, 32) == b"\xee" * 32
    else:
        told = b"\1\0" + caller.port.to_bytes(2, "little") + caller.ip + bytes(12)
        assert either.memory.read(PEER, 32) == told + b"\xee" * 12


@pytest.mark.parametrize(
    ("generation", "size", "order"),
    [(WASIX, 28, "little"), (WASIX_2022, 20, "big"), (UNSTABLE, 20, "little"), (PREVIEW1, 20, "little")],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_an_ipv6_peer_fits_the_guests_record(generation: AbiGeneration, size: int, order: str) -> None:
    for make in (World, VirtualWorld):
        with make(generation=generation) as world:
            listener, caller = waiting(world, "::1")
            world.put(PEER, b"\xee" * 64)
            world.call(sock_accept_v2, listener, 0, NEW, PEER)
            port = caller.port.to_bytes(2, "big" if order == "big" else "little")
            assert world.memory.read(PEER, size) == (b"\2\0" + port + caller.ip).ljust(size, b"\0")
            assert world.memory.read(PEER + size, 64 - size) == b"\xee" * (64 - size)


@forms
def test_flags_describe_the_new_descriptor(either: World, form: Form) -> None:
    listener, _ = waiting(either)
    either.call(form, *arguments(form, listener, NONBLOCK))
    assert either.fds.get(either.u32(NEW)).file.flags == NONBLOCK
    assert either.fds.get(listener).file.flags == 0


@forms
def test_a_blocked_accept_gets_the_caller(either: World, form: Form) -> None:
    listener, address = either.listener()
    call = either.start(form, *arguments(form, listener))
    call.await_blocked()
    caller = either.socket()
    either.socket_file(caller).connect(either.task, address)
    assert call.errno() is None
    assert either.socket_file(either.u32(NEW)).peer() == either.socket_file(caller).local()


@forms
def test_close_ends_a_blocked_accept(either: World, form: Form) -> None:
    listener, _ = either.listener()
    call = either.start(form, *arguments(form, listener))
    call.await_blocked()
    either.call(fd_close, listener)
    assert call.errno() is Errno.BADF


@forms
def test_stop_ends_a_blocked_accept(either: World, form: Form) -> None:
    listener, _ = either.listener()
    call = either.start(form, *arguments(form, listener))
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_a_forbidden_caller_never_stops_a_server() -> None:
    """It is closed, and the next one is tried."""
    calls = []

    def odd_ones(request: object) -> bool:
        if getattr(request, "action", "") != "accept":
            return True
        calls.append(request)
        return len(calls) == 2

    with World(policy=NetworkPolicy(odd_ones)) as world:
        listener, address = world.listener()
        callers = [world.socket(), world.socket()]
        for each in callers:
            world.socket_file(each).connect(world.task, address)
        world.call(sock_accept_v2, listener, 0, NEW, PEER)
        assert world.socket_file(world.u32(NEW)).peer() == world.socket_file(callers[1]).local()
        assert world.socket_file(callers[0]).recv(world.task, [memoryview(bytearray(1))], 0) == 0


@forms
def test_sock_accept_v2_badf(world: World, form: Form) -> None:
    refuse(world, Errno.BADF, form, CLOSED)


@forms
def test_sock_accept_v2_notsock(world: World, form: Form) -> None:
    refuse(world, Errno.NOTSOCK, form, world.pipe_reader()[0])


@forms
def test_sock_accept_v2_notcapable(either: World, form: Form) -> None:
    listener, _ = waiting(either)
    refuse(either, Errno.NOTCAPABLE, form, either.without_right(listener, Rights.SOCK_ACCEPT))


@forms
def test_sock_accept_v2_notsup(either: World, form: Form) -> None:
    refuse(either, Errno.NOTSUP, form, either.socket(INET4, SockType.SOCKET_DGRAM))


@forms
def test_sock_accept_v2_inval(either: World, form: Form) -> None:
    listener, _ = waiting(either)
    for flags in (FdFlags.APPEND, NONBLOCK | FdFlags.SYNC, 1 << 5, 2**32 - 1):
        refuse(either, Errno.INVAL, form, listener, flags)
    refuse(either, Errno.INVAL, form, either.socket())
    refuse(either, Errno.INVAL, form, either.connected()[0])
    refuse(either, Errno.INVAL, form, either.connecting())
    either.call(form, *arguments(form, listener))


@forms
def test_sock_accept_v2_fault(either: World, form: Form) -> None:
    """The caller stays in the queue."""
    listener, caller = waiting(either)
    refuse(either, Errno.FAULT, form, listener, new=MEMORY - 3)
    if form is not sock_accept:
        refuse(either, Errno.FAULT, form, listener, peer=MEMORY - 19)
    either.call(form, *arguments(form, listener))
    assert either.socket_file(either.u32(NEW)).peer() == caller


def test_a_peer_at_the_end_of_memory_fits(either: World) -> None:
    listener, caller = waiting(either)
    either.call(sock_accept_v2, listener, 0, NEW, MEMORY - 20)
    assert either.memory.read(MEMORY - 16, 4) == caller.ip


@forms
def test_sock_accept_v2_mfile(either: World, form: Form) -> None:
    """The caller stays in the queue."""
    listener, caller = waiting(either)
    either.fill_table()
    refuse(either, Errno.MFILE, form, listener)
    either.call(fd_close, either.fds.limit - 1)
    either.call(form, *arguments(form, listener))
    assert either.u32(NEW) == either.fds.limit - 1
    assert either.socket_file(either.u32(NEW)).peer() == caller


@forms
def test_sock_accept_v2_again(either: World, form: Form) -> None:
    listener, _ = either.listener()
    either.socket_file(listener).receive_timeout = 1_000_000
    refuse(either, Errno.AGAIN, form, listener)
    either.socket_file(listener).receive_timeout = None
    refuse(either, Errno.AGAIN, form, either.nonblocking(listener))


@forms
def test_sock_accept_v2_timedout(either: World, form: Form) -> None:
    listener, _ = either.listener()
    file = either.socket_file(listener)
    file.accept_timeout = 1_000_000
    refuse(either, Errno.TIMEDOUT, form, listener)
    file.receive_timeout = 2**63
    refuse(either, Errno.TIMEDOUT, form, listener)
    file.receive_timeout = 500_000
    refuse(either, Errno.AGAIN, form, listener)


@forms
def test_sock_accept_v2_intr(either: World, form: Form) -> None:
    listener, _ = either.listener()
    either.signal()
    refuse(either, Errno.INTR, form, listener)


class Aborting:
    """A channel whose host tells of a caller that has gone, as BSD does; Linux hands it out and lets recv tell."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)

    def accept(self, nonblocking: bool) -> tuple[Channel, Address]:
        raise SysError(Errno.CONNABORTED)


@forms
def test_sock_accept_v2_connaborted(world: World, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    listener, _ = waiting(world)
    file = world.socket_file(listener)
    monkeypatch.setattr(file, "channel", Aborting(file.channel))
    refuse(world, Errno.CONNABORTED, form, listener)
    assert world.fds.reserve() == 2, "the number was given back"


def test_timeouts_and_options_are_handed_down(either: World) -> None:
    listener, address = either.listener()
    file = either.socket_file(listener)
    file.channel.set_option(SockOption.KEEP_ALIVE, 1)
    file.channel.set_option(SockOption.NO_DELAY, 1)
    file.send_timeout = 7_000_000
    caller = either.socket()
    either.socket_file(caller).connect(either.task, address)
    either.call(sock_accept_v2, listener, 0, NEW, PEER)
    accepted: Socket = either.socket_file(either.u32(NEW))
    assert (accepted.send_timeout, accepted.receive_timeout, accepted.accept_timeout) == (7_000_000, None, None)
    assert accepted.channel.get_option(SockOption.KEEP_ALIVE) == 1
    assert accepted.channel.get_option(SockOption.NO_DELAY) == 1
