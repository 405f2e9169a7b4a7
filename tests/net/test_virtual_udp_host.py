"""UDP on the virtual network answers as the host's network does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from net.virtual_guest import DATAGRAM, guests
from net.virtual_udp import DONT_WAIT, view
from pywasix.abi.enums import SdFlags
from pywasix.errors import SysError
from pywasix.host.sockets import HostStack
from pywasix.net.address import INET4, NOWHERE, parse
from pywasix.net.stack import Channel, NetStack


def answer(call: Callable[..., Any], *args: Any) -> Any:
    """What a call returns, or its errno."""
    try:
        return call(*args)
    except SysError as error:
        return error.errno


def both(play: Callable[[NetStack], Any]) -> tuple[Any, Any]:
    """The same calls on the host's network and on a virtual one."""
    with guests(1) as (guest,):
        return play(HostStack()), play(guest.place)


def played(channels: int, play: Callable[..., list[Any]]) -> tuple[list[Any], list[Any]]:
    """The answers of both networks to calls of some IPv4 datagram channels."""

    def run(stack: NetStack) -> list[Any]:
        opened: list[Channel] = [stack.open(INET4, DATAGRAM) for _ in range(channels)]
        try:
            return play(*opened)
        finally:
            for channel in opened:
                channel.close()

    return both(run)


@pytest.mark.parametrize("bound", [None, 0, 45997])
def test_dissolving_as_the_host_does(bound: int | None) -> None:
    def play(channel: Channel) -> list[Any]:
        if bound is not None:
            channel.bind(parse("127.0.0.1", bound))
        channel.connect(parse("127.0.0.1", 9))
        channel.give_up()
        found = [channel.local(), answer(channel.peer), answer(channel.send, view(b"x"), 0)]
        channel.send_to((view(b"x"),), 0, parse("127.0.0.1", 9))
        return [*found, channel.local().port > 0, channel.local().host]

    host, virtual = played(1, play)
    assert virtual == host


def test_shutdown_as_the_host_does() -> None:
    def play(channel: Channel, other: Channel) -> list[Any]:
        found = [answer(other.shutdown, int(SdFlags.RD))]
        channel.connect(parse("127.0.0.1", 9))
        channel.shutdown(int(SdFlags.WR))
        found += [answer(channel.send, view(b"x"), 0)]
        channel.shutdown(int(SdFlags.RD))
        found += [answer(channel.recv_from, (view(b"x"),), DONT_WAIT), channel.recv_from((view(b"x"),), 0)]
        return [*found, other.recv_from((view(b"x"),), 0)]

    host, virtual = played(2, play)
    assert virtual == host
    assert host[-1] == (0, False, NOWHERE)


def test_kinds_of_errors_as_the_host_tells_them() -> None:
    def play(channel: Channel) -> list[Any]:
        everybody = parse("255.255.255.255", 9)
        return [
            answer(channel.send_to, (view(b"x"),), 0, everybody),
            answer(channel.connect, everybody),
            answer(channel.send_to, (view(b"x"),), 0, parse("127.0.0.1", 0)),
            answer(channel.send, view(b"x"), 0),
            answer(channel.send_to, (view(bytes(65508)),), 0, parse("127.0.0.1", 9)),
            answer(channel.listen, 1),
        ]

    host, virtual = played(1, play)
    assert virtual == host
