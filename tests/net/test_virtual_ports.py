"""Binding and options on the virtual network, compared with the operating system's own sockets."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from net.virtual_guest import DATAGRAM, STREAM, guests, refusal
from pywasix import VirtualNetwork
from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostStack
from pywasix.net.address import INET4, INET6, Address, parse
from pywasix.net.stack import Channel, NetStack
from pywasix.net.virtual_ports import EPHEMERAL, Ports

REUSE_ADDR, REUSE_PORT, ONLY_V6 = SockOption.REUSE_ADDR, SockOption.REUSE_PORT, SockOption.ONLY_V6
SIZES = (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE)
OF_THE_PAIR = (*SIZES, SockOption.RECV_LOWAT)
KEPT = [option for option in SockOption if option not in OF_THE_PAIR]
ADDRESSES = ("127.0.0.1", "127.0.0.2", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1")
KINDS = [(family, kind) for family in (INET4, INET6) for kind in (STREAM, DATAGRAM)]


def answer(call: Callable[[], Any]) -> Any:
    """What a call returns, or the errno that it fails with."""
    try:
        return call()
    except SysError as error:
        return error.errno


def both(play: Callable[[NetStack], Any]) -> tuple[Any, Any]:
    """What happens on the operating system's network, and what on a virtual one."""
    with VirtualNetwork() as net:
        return play(HostStack()), play(net.attach())


@pytest.mark.parametrize("reuse", [(0, 0), (1, 0), (1, 1)], ids=lambda reuse: f"reuse{reuse[0]}{reuse[1]}")
@pytest.mark.parametrize("listening", [False, True], ids=["bound", "listening"])
@pytest.mark.parametrize(("first", "second"), list(itertools.product(ADDRESSES, repeat=2)))
def test_two_sockets_on_one_port(first: str, second: str, listening: bool, reuse: tuple[int, int]) -> None:
    def play(stack: NetStack) -> list[Any]:
        return share(stack, first, second, reuse, REUSE_ADDR, listening)

    host, virtual = both(play)
    assert virtual == host


@pytest.mark.parametrize("reuse", [(1, 0), (1, 1)], ids=lambda reuse: f"reuse{reuse[0]}{reuse[1]}")
def test_two_listeners_with_reuse_port(reuse: tuple[int, int]) -> None:
    host, virtual = both(lambda stack: share(stack, "0.0.0.0", "127.0.0.1", reuse, REUSE_PORT, True))
    assert virtual == host


@pytest.mark.parametrize(("first", "second"), [("::", "0.0.0.0"), ("0.0.0.0", "::"), ("::", "127.0.0.1")])
def test_ipv6_only_leaves_ipv4_to_others(first: str, second: str) -> None:
    def play(stack: NetStack) -> list[Any]:
        return share(stack, first, second, (1, 1), ONLY_V6, True)

    host, virtual = both(play)
    assert virtual == host == [None, None]


def share(
    stack: NetStack, first: str, second: str, flags: tuple[int, int], option: SockOption, listening: bool
) -> list[Any]:
    """What bind and listen of a second socket on the first one's port answer."""
    port = quiet_port(stack)
    one, two = (stack.open(parse(host, 0).family, STREAM) for host in (first, second))
    try:
        for channel, flag in ((one, flags[0]), (two, flags[1])):
            answer(partial(channel.set_option, option, flag))
        one.bind(parse(first, port))
        if listening:
            one.listen(5)
        found = [answer(lambda: two.bind(parse(second, port)))]
        if found == [None]:
            found.append(answer(lambda: two.listen(5)))
        return found
    finally:
        one.close()
        two.close()


def quiet_port(stack: NetStack) -> int:
    """A port that nobody uses on any address, and that no program is given by chance."""
    while True:
        port = random.randrange(10_000, EPHEMERAL.start)
        probe = stack.open(INET6, STREAM)
        try:
            probe.bind(parse("::", port))
            return port
        except SysError:
            continue
        finally:
            probe.close()


@pytest.mark.parametrize(
    "option", [option for option in SockOption if option not in OF_THE_PAIR], ids=lambda option: option.name
)
@pytest.mark.parametrize(("family", "kind"), KINDS)
def test_options_answer_as_the_host_does(family: int, kind: SockType, option: SockOption) -> None:
    def play(stack: NetStack) -> list[Any]:
        channel = stack.open(family, kind)
        try:
            found = [answer(lambda: channel.get_option(option))]
            for value in (1, 0, 2, 64, 255, 256, 1 << 31, 1 << 40):
                found.append(answer(partial(channel.set_option, option, value)))
                found.append(answer(lambda: channel.get_option(option)))
            return found
        finally:
            channel.close()

    host, virtual = both(play)
    assert virtual == host


@pytest.mark.parametrize("option", OF_THE_PAIR, ids=lambda option: option.name)
def test_sizes_answer_as_the_host_does(option: SockOption) -> None:
    def play(stack: NetStack) -> list[Any]:
        channel = stack.open(INET4, STREAM)
        try:
            found = []
            for value in (0, 1, 4096, 50_000):
                channel.set_option(option, value)
                found.append(channel.get_option(option))
            return found
        finally:
            channel.close()

    host, virtual = both(play)
    assert virtual == host


def test_linger_is_kept_as_the_host_does() -> None:
    def play(stack: NetStack) -> list[Any]:
        channel = stack.open(INET4, STREAM)
        try:
            found = [channel.get_linger()]
            for seconds in (0, 7, None):
                channel.set_linger(seconds)
                found.append(channel.get_linger())
            return found
        finally:
            channel.close()

    host, virtual = both(play)
    assert virtual == host == [None, 0, 7, None]


def test_options_are_handed_down() -> None:
    flags = (SockOption.NO_DELAY, SockOption.KEEP_ALIVE, REUSE_ADDR)

    def play(stack: NetStack) -> list[Any]:
        listener, caller = stack.open(INET4, STREAM), stack.open(INET4, STREAM)
        opened: list[Channel] = [listener, caller]
        try:
            for option in flags:
                listener.set_option(option, 1)
            listener.set_option(SockOption.TTL, 9)
            listener.set_option(SockOption.RECV_BUF_SIZE, 40_000)
            listener.set_option(SockOption.SEND_BUF_SIZE, 50_000)
            listener.set_linger(3)
            listener.bind(parse("127.0.0.1", 0))
            listener.listen(5)
            caller.connect(listener.local())
            accepted, _ = listener.accept(False)
            opened.append(accepted)
            found: list[Any] = [accepted.get_option(option) for option in (*flags, *SIZES, SockOption.TTL)]
            return [*found, accepted.get_linger()]
        finally:
            for channel in opened:
                channel.close()

    host, virtual = both(play)
    assert virtual == host == [1, 1, 1, 80_000, 100_000, 9, 3]


def test_ipv6_only_cannot_change_after_bind() -> None:
    with guests(1) as (guest,), refusal(Errno.INVAL):
        guest.bound("::").channel.set_option(ONLY_V6, 1)


def test_reuse_may_change_after_bind() -> None:
    with guests(1) as (guest,):
        first = guest.bound("0.0.0.0", 80)
        first.channel.set_option(REUSE_ADDR, 1)
        second = guest.socket()
        second.channel.set_option(REUSE_ADDR, 1)
        second.bind(parse("0.0.0.0", 80))


# -- ports ------------------------------------------------------------------


@pytest.mark.parametrize("ip", ["10.0.0.3", "192.0.2.1", "fd00::77", "::ffff:10.0.0.3"])
def test_bind_to_a_foreign_address(ip: str) -> None:
    with guests(1) as (guest,), refusal(Errno.ADDRNOTAVAIL):
        guest.bound(ip)


def test_bind_an_ipv4_address_for_ipv6_only() -> None:
    with guests(1) as (guest,):
        socket = guest.socket(INET6)
        socket.channel.set_option(ONLY_V6, 1)
        with refusal(Errno.INVAL):
            socket.bind(parse("::ffff:127.0.0.1", 0))


def test_ephemeral_ports_differ_and_rest_before_they_come_back() -> None:
    with guests(1) as (guest,):
        first = guest.bound("0.0.0.0")
        port = first.local().port
        assert port in EPHEMERAL
        guest.drop(first)
        assert guest.bound("0.0.0.0").local().port not in (0, port)


def test_ports_run_out() -> None:
    with guests(2) as (server, client):
        server.listening("0.0.0.0", 80)
        ports: Ports = client.place._node.streams
        claims = [_claim(ports) for _ in EPHEMERAL]
        with refusal(Errno.ADDRINUSE):
            client.bound("0.0.0.0")
        with refusal(Errno.ADDRNOTAVAIL):
            client.connected(server.ip4, 80)
        freed = claims.pop()
        ports.release(freed)
        assert client.connected(server.ip4, 80).local().port == freed.address.port


def _claim(ports: Ports) -> Any:
    from pywasix.net.virtual_ports import Binding

    binding = Binding(Address(INET4, bytes(4), 0), (bytes(4),))
    ports.claim(binding)
    return binding


def test_a_closed_socket_gives_its_port_back() -> None:
    with guests(2) as (server, client):
        for _ in range(3):
            listener = server.listening("0.0.0.0", 80)
            caller = client.bound("0.0.0.0", 90)
            caller.connect(client.task, parse(server.ip4, 80))
            served, _ = server.accept(listener)
            for guest, socket in ((client, caller), (server, served), (server, listener)):
                guest.drop(socket)


def test_a_connection_holds_its_listeners_port() -> None:
    """Linux: SO_REUSEADDR is what lets a server start again while old connections live."""
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        client.connected(server.ip4, 80)
        server.accept(listener)
        server.drop(listener)
        with refusal(Errno.ADDRINUSE):
            server.bound("0.0.0.0", 80)


def test_unbound_sockets() -> None:
    with guests(1) as (guest,):
        for family, ip in ((INET4, "0.0.0.0"), (INET6, "::")):
            socket = guest.socket(family)
            assert socket.local() == parse(ip, 0)
            with refusal(Errno.NOTCONN):
                socket.peer()
            socket.listen(5)
            assert socket.local().port in EPHEMERAL


# -- datagram sockets -------------------------------------------------------


@pytest.mark.parametrize(("bound", "destination"), [(None, "127.0.0.1"), ("0.0.0.0", "127.0.0.9"), ("::", "::1")])
def test_datagram_addresses(bound: str | None, destination: str) -> None:
    address = parse(destination, 9)

    def play(stack: NetStack) -> list[Any]:
        channel = stack.open(address.family, DATAGRAM)
        try:
            found = [answer(channel.peer)]
            if bound is not None:
                channel.bind(parse(bound, 0))
            port = channel.local().port
            channel.connect(address)
            found += [channel.local()._replace(port=0), channel.peer(), port in (0, channel.local().port)]
            channel.connect(address._replace(port=10))
            return [*found, channel.peer()]
        finally:
            channel.close()

    host, virtual = both(play)
    assert virtual == host


def test_datagram_ports_are_not_stream_ports() -> None:
    with guests(1) as (guest,):
        guest.listening("0.0.0.0", 80)
        guest.bound("0.0.0.0", 80, DATAGRAM)
        with refusal(Errno.ADDRINUSE):
            guest.bound("0.0.0.0", 80, DATAGRAM)
