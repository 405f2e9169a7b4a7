"""Guests that look for a way around the rules: every spelling of the loopback, from every kind of socket.

Somebody listens at all addresses of this computer. Whom the rules forbid never hears anything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import product
from typing import NamedTuple

import pytest

from pywasix.abi.enums import SockType
from pywasix.errors import SysError
from pywasix.net.address import INET4, INET6, Address, parse
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from world import NONBLOCK, World

STREAM, DATAGRAM = SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM
DATA = [memoryview(b"x")]
SPELLINGS = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::"),
    *("::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "::ffff:127.1.2.3"),
]
BINDS = [None, "0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1"]


class Heard(NamedTuple):
    """Who was heard: over which protocol, and at which address of ours if it tells."""

    protocol: str
    local: str


class Victims:
    """Listeners at every address, over TCP and UDP, IPv4 and IPv6."""

    def __init__(self, stack: ExitStack) -> None:
        self.port = 0
        self._sockets = []
        for kind, family in product((socket.SOCK_STREAM, socket.SOCK_DGRAM), (socket.AF_INET, socket.AF_INET6)):
            each = stack.enter_context(socket.socket(family, kind))
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(("", self.port))
            self.port = each.getsockname()[1]
            each.setblocking(False)
            if kind == socket.SOCK_STREAM:
                each.listen()
            self._sockets.append(each)

    def heard(self) -> Iterator[Heard]:
        for each in self._sockets:
            with suppress(BlockingIOError):
                if each.type == socket.SOCK_STREAM:
                    accepted, _ = each.accept()
                    with accepted:
                        yield Heard("tcp", accepted.getsockname()[0])
                else:
                    # On the loopback the sender has the receiver's family, if not its address.
                    yield Heard("udp", each.recvfrom(99)[1][0])


@pytest.fixture
def victims() -> Iterator[Victims]:
    with ExitStack() as stack:
        while True:
            with suppress(OSError), ExitStack() as tried:  # somebody else may have the port in one of its four forms
                found = Victims(tried)
                stack.push(tried.pop_all())
                break
        yield found


def connect(world: World, file: Socket, target: Address) -> None:
    file.connect(world.task, target)
    file.send(world.task, DATA, 0)


def send_to(world: World, file: Socket, target: Address) -> None:
    file.send_to(world.task, DATA, 0, target)


def send_elsewhere(world: World, file: Socket, target: Address) -> None:
    """Another peer than the one that is connected to."""
    with suppress(SysError):
        file.connect(world.task, target._replace(port=1))
    file.send_to(world.task, DATA, 0, target)


def connect_twice(world: World, file: Socket, target: Address) -> None:
    for _ in range(2):
        with suppress(SysError):
            file.connect(world.task, target)


WAYS: list[Callable[[World, Socket, Address], None]] = [connect, send_to, send_elsewhere, connect_twice]
ALL = "ipv4:allow=*:*, ipv6:allow=*:*"
FORBIDDEN: dict[str, Callable[[str], bool]] = {
    "ipv4:allow=*:*/in, ipv6:allow=*:*/in": lambda host: True,
    "ipv4:allow=10.0.0.0/8:*, ipv6:allow=[fd00::/8]:*": lambda host: True,
    "ipv4:allow=*:1, ipv6:allow=*:1, ipv4:allow=*:*/in, ipv6:allow=*:*/in": lambda host: True,
    "dns:allow=*:*, ipv4:allow=*:*/in, ipv6:allow=*:*/in": lambda host: True,
    f"{ALL}, ipv4:deny=127.0.0.0/8:*/out": lambda host: ":" not in host,
    f"{ALL}, ipv6:deny=[::1]:*/out": lambda host: ":" in host,
    "ipv4:allow=*:*/in, ipv6:allow=*:*/in, ipv6:allow=[::1]:*": lambda host: ":" not in host,
    "ipv4:allow=*:*/in, ipv6:allow=*:*/in, ipv4:allow=127.0.0.0/8:*": lambda host: ":" in host,
}


@pytest.mark.parametrize("rules", FORBIDDEN)
def test_no_spelling_gets_out(victims: Victims, rules: str) -> None:
    heard = 0
    for family, kind, bind, host, way in product((INET4, INET6), (STREAM, DATAGRAM), BINDS, SPELLINGS, WAYS):
        with World(policy=NetworkPolicy.from_rules(rules)) as world:
            file = world.socket_file(world.socket(family, kind))
            file.set_flags(NONBLOCK)
            with suppress(SysError):
                if bind is not None:
                    file.bind(parse(bind, 0))
                way(world, file, parse(host, victims.port))
        for each in victims.heard():
            heard += 1
            assert not FORBIDDEN[rules](each.local), (family, kind, bind, host, way.__name__, each)
    assert bool(heard) == (not FORBIDDEN[rules]("127.0.0.1") or not FORBIDDEN[rules]("::1"))
