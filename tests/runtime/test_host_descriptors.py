"""A guest that takes every descriptor it may have, in the dearest way, leaves the embedding program its share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pywasix
from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host import limits
from pywasix.host.virtual import VirtualNetwork
from pywasix.net.address import INET4, UNIX, Address, wildcard
from pywasix.net.sockets import Socket
from pywasix.runtime.networks import descriptors_each
from pywasix.syscalls.epoll import epoll_create
from pywasix.syscalls.pipe import fd_pipe
from pywasix.syscalls.sock import sock_open
from syscalls.epolling import ADD, control
from world import VirtualWorld, World

HOST_LIMIT = 1200  # of descriptors, as far as pywasix is told
STREAM, DATAGRAM = SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM


@pytest.fixture(params=[World, VirtualWorld], ids=["host", "virtual"])
def bounded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A program with the descriptors that it gets unless told otherwise."""
    monkeypatch.setattr(limits, "open_file_limit", lambda: HOST_LIMIT)
    most = limits.guest_file_limit(2 if request.param is VirtualWorld else 1)
    with request.param(max_fds=most) as world:
        yield world


def opened(world: World, family: int, kind: SockType) -> Socket:
    world.call(sock_open, family, kind, 0, 0)
    return world.socket_file(world.u32(0))


def datagrams(world: World) -> None:
    opened(world, INET4, DATAGRAM).bind(wildcard(INET4))


def listeners(world: World) -> None:
    file = opened(world, INET4, STREAM)
    file.bind(wildcard(INET4))
    file.listen(0)


def named(world: World) -> None:
    opened(world, UNIX, STREAM).bind(Address(UNIX, b"/s%d" % len(world.fds), 0))


def pipes(world: World) -> None:
    world.call(fd_pipe, 0, 4)


def epolls(world: World) -> None:
    """Each watches the first file under every number that it has."""
    world.call(epoll_create, 0)
    epoll = world.u32(0)
    entry = world.fds.get(0)
    if len(world.fds) < 100:
        world.fds.add(entry.copy())
    for number, each in world.fds.items():
        if each.file is entry.file:
            control(world, epoll, ADD, number)


@pytest.mark.parametrize("way", [datagrams, listeners, named, pipes, epolls])
def test_a_share_is_left(bounded: World, way: Callable[[World], None]) -> None:
    bounded.pipe_reader()
    before = len(os.listdir("/dev/fd"))
    refusal: Any = None
    while refusal is None:
        try:
            way(bounded)
        except SysError as error:
            refusal = error
    assert refusal.errno in (Errno.MFILE, Errno.NOBUFS)
    # Named sockets that found no name are still descriptors.
    while way is named and len(bounded.fds) < bounded.fds.limit:
        opened(bounded, UNIX, STREAM)
    assert len(os.listdir("/dev/fd")) - before <= HOST_LIMIT * 3 // 4


def test_what_was_counted_is_given_back(bounded: World) -> None:
    """Not only the first program's worth of watches and names can be had."""
    fd, _ = bounded.pipe_reader()
    copies = [bounded.fds.add(bounded.fds.get(fd).copy()) for _ in range(10)]
    for _ in range(bounded.fds.limit // 10 + 1):
        bounded.call(epoll_create, 0)
        epoll = bounded.u32(0)
        for number in (fd, *copies):
            control(bounded, epoll, ADD, number)
        bounded.fds.close(epoll)
        named(bounded)
        bounded.fds.close(max(number for number, _ in bounded.fds.items()))


def test_sockets_of_a_virtual_network_count_twice() -> None:
    assert [descriptors_each(net) for net in (None, True, "ipv4:allow=*:*")] == [1, 1, 1]
    with VirtualNetwork() as network:
        assert descriptors_each(network) == descriptors_each(network.attach()) == 2
    assert limits.guest_file_limit(2) <= limits.guest_file_limit()
    assert pywasix.VirtualNetwork is VirtualNetwork
