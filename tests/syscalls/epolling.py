"""Calls of epoll as the tests make them."""

from __future__ import annotations

from typing import NamedTuple

from pywasix.abi.codecs import EPOLL_EVENT_SIZE, decode_epoll_event, encode_epoll_event
from pywasix.abi.enums import EpollType
from pywasix.syscalls.epoll import epoll_create, epoll_ctl, epoll_wait
from world import World

RESULT, EVENT, OUT = 0, 64, 4096
ADD, DEL, MOD = 1, 2, 3
IN, EDGE, ONCE = int(EpollType.EPOLLIN), int(EpollType.EPOLLET), int(EpollType.EPOLLONESHOT)
WRITABLE, RDHUP, HUP, ERR = (
    int(EpollType.EPOLLOUT),
    int(EpollType.EPOLLRDHUP),
    int(EpollType.EPOLLHUP),
    int(EpollType.EPOLLERR),
)
FOREVER = 2**64 - 1


class Seen(NamedTuple):
    """One event: its bits and the last 8 bytes of its data."""

    events: int
    data: int


def create(world: World) -> int:
    world.call(epoll_create, RESULT)
    return world.u32(RESULT)


def event(world: World, events: int, data: int) -> int:
    """Store an event; returns its address."""
    return world.put(EVENT, encode_epoll_event(events, bytes(16) + data.to_bytes(8, "little")))


def control(world: World, epoll: int, op: int, fd: int, events: int = IN, data: int | None = None) -> None:
    """epoll_ctl, with the descriptor as data unless given."""
    world.call(epoll_ctl, epoll, op, fd, event(world, events, fd if data is None else data))


def watching(world: World, fd: int, events: int = IN) -> int:
    """A fresh epoll descriptor that watches one other."""
    epoll = create(world)
    control(world, epoll, ADD, fd, events)
    return epoll


def wait(world: World, epoll: int, timeout: int = 0, most: int = 8) -> list[Seen]:
    """epoll_wait; the events in the order of their data."""
    world.put(OUT, bytes(EPOLL_EVENT_SIZE * (most + 1)))
    world.call(epoll_wait, epoll, OUT, most, timeout, RESULT)
    return sorted(seen(world), key=lambda each: each.data)


def seen(world: World) -> list[Seen]:
    """What the last wait found."""
    count = world.u32(RESULT)
    raw = world.memory.read(OUT, EPOLL_EVENT_SIZE * (count + 1))
    assert not any(raw[-EPOLL_EVENT_SIZE:]), "more than the events was written"
    found = [decode_epoll_event(raw, EPOLL_EVENT_SIZE * index) for index in range(count)]
    return [Seen(events, int.from_bytes(data[16:], "little")) for events, data in found]
