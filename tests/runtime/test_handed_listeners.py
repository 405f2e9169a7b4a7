"""A listener that the user hands to a program lets callers in, and is no way around the policy."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pywasix.abi.enums import SdFlags, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, Address, parse
from pywasix.net.network import Network
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from pywasix.runtime.listeners import open_listeners
from world import VirtualWorld, World

HOST = "127.0.0.1"


@pytest.fixture(params=[World, VirtualWorld], ids=["host", "virtual"])
def closed(request: pytest.FixtureRequest) -> Iterator[World]:
    """A program without any network."""
    with request.param(policy=NetworkPolicy.deny_all()) as world:
        yield world


@pytest.fixture
def handed(closed: World) -> Socket:
    """The listener that it found."""
    (listener,) = open_listeners(closed.network, [(HOST, 0)], ruled=False)
    closed.add(listener)
    return listener


@pytest.fixture
def outside(closed: World) -> Network:
    """The same network, seen by somebody whom no rule binds."""
    return Network(lambda: closed.network.stack, None, pytest.fail)


def call(world: World, outside: Network, address: Address) -> Socket:
    caller = Socket(outside, outside.stack.open(INET4, SockType.SOCKET_STREAM), INET4, SockType.SOCKET_STREAM)
    world.add(caller)
    caller.connect(world.task, address)
    return caller


def attempt(action: str, listener: Socket, world: World, target: Address) -> None:
    if action == "bind":
        listener.bind(parse(HOST, 0))
    elif action == "listen":
        listener.listen(1)
    else:
        listener.connect(world.task, target)


def test_callers_come_in(closed: World, handed: Socket, outside: Network) -> None:
    caller = call(closed, outside, handed.local())
    accepted, peer = handed.accept(closed.task, False)
    closed.add(accepted)
    assert peer == caller.local()
    assert not closed.reports


@pytest.mark.parametrize("action", ["connect", "bind", "listen"])
def test_a_shut_down_one_is_a_socket_as_any_other(closed: World, handed: Socket, outside: Network, action: str) -> None:
    target = Socket(outside, outside.stack.open(INET4, SockType.SOCKET_STREAM), INET4, SockType.SOCKET_STREAM)
    closed.add(target)
    target.bind(parse(HOST, 0))
    target.listen(1)
    handed.shutdown(int(SdFlags.RD))
    with pytest.raises(SysError) as raised:
        attempt(action, handed, closed, target.local())
    assert raised.value.errno is Errno.ACCES
    assert len(closed.reports) == 1


def test_who_is_accepted_gets_nowhere_else(closed: World, handed: Socket, outside: Network) -> None:
    """The connection is the program's own, so that what it does beyond it is judged."""
    call(closed, outside, handed.local())
    accepted, _ = handed.accept(closed.task, False)
    closed.add(accepted)
    assert accepted.door is None
    accepted.shutdown(int(SdFlags.RD | SdFlags.WR))
    with pytest.raises(SysError, match="ISCONN"):
        accepted.connect(closed.task, parse(HOST, 1))


def test_an_owner_goes_on_listening() -> None:
    with socket.create_server((HOST, 0)) as theirs, World(policy=NetworkPolicy.deny_all()) as world:
        (listener,) = open_listeners(world.network, [theirs], ruled=False)
        fd = world.add(listener)
        with pytest.raises(SysError, match="NOTSUP"):
            listener.shutdown(int(SdFlags.RD))
        world.fds.close(fd)
        with socket.create_connection(theirs.getsockname()):
            theirs.accept()[0].close()
