"""Worlds whose connections are watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywasix.abi.enums import RiFlags, SockType
from pywasix.net.address import Address, parse
from pywasix.net.events import ConnectionEvent
from pywasix.net.network import Network
from pywasix.net.policy import ConnectionLimits
from pywasix.net.sockets import Socket
from pywasix.net.watch import Watch
from world import World

LOOPBACK = "127.0.0.1"
WAIT_ALL = int(RiFlags.RECV_WAITALL)

Seen = list[ConnectionEvent]


def watch(
    world: World, total: int | None = None, per_peer: int | None = None, tell: Callable[[Any], object] | None = None
) -> Seen:
    """Watch a world's connections; returns the events, which grow."""
    seen: Seen = []
    limits = None if total is None and per_peer is None else ConnectionLimits(total, per_peer)
    watching = Watch(
        world.process.pid, lambda: world.process.status is not None, tell or seen.append, limits, world.reports.append
    )
    world.network.watched_by(watching)
    return seen


def of_type(seen: Seen, *kinds: type) -> list[Any]:
    return [event for event in seen if isinstance(event, kinds)]


def move(world: World, sender: int, receiver: int, data: bytes) -> None:
    """Send and receive, whatever the number of bytes."""
    assert world.socket_file(sender).send(world.task, [memoryview(data)], 0) == len(data)
    got = bytearray(len(data))
    assert world.socket_file(receiver).recv(world.task, [memoryview(got)], WAIT_ALL) == len(data)
    assert bytes(got) == data


def call_from_outside(world: World, address: Address, source: str = LOOPBACK) -> Socket:
    """A connection of somebody whom nobody watches."""
    below: Any = world.network.stack
    network = Network(lambda: below._stack, None, pytest.fail)
    caller = Socket(
        network, network.stack.open(address.family, SockType.SOCKET_STREAM), address.family, SockType.SOCKET_STREAM
    )
    caller.references += 1
    world.later(caller.close)
    if source != LOOPBACK:
        caller.bind(parse(source, 0))
    caller.connect(world.task, address)
    return caller
