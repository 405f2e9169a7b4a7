"""Addresses on a virtual network, and what remains when a guest or the whole network goes."""

from __future__ import annotations

import pytest

from net.virtual_guest import (
    STREAM,
    guests,
    receive,
    refusal,
    send,
)
from pywasix import VirtualNetwork
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError
from pywasix.net.address import INET4, parse


def test_addresses_are_given_in_order_and_used_again() -> None:
    with VirtualNetwork() as net:
        assert net.addresses == ("10.0.0.1", "fd00::1")
        first, second = net.attach(), net.attach()
        assert first.addresses == ("10.0.0.2", "fd00::2")
        assert second.addresses == ("10.0.0.3", "fd00::3")
        assert net.attach("10.0.0.50").addresses == ("10.0.0.50", "fd00::32")
        assert net.attach("fd00::40").addresses == ("10.0.0.64", "fd00::40")
        first.close()
        first.close()
        assert net.attach().addresses == first.addresses
        second.close()


def test_other_subnets() -> None:
    with VirtualNetwork("192.168.7.0/30", "fd12:3456::/120") as net:
        assert net.addresses == ("192.168.7.1", "fd12:3456::1")
        assert net.attach().addresses == ("192.168.7.2", "fd12:3456::2")
        with pytest.raises(OptionError, match="every address is taken"):
            net.attach()


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "10.0.0.0", "10.0.0.255", "10.0.1.1", "::1", "me"])
def test_addresses_that_no_guest_can_have(address: str) -> None:
    with VirtualNetwork() as net, pytest.raises(OptionError):
        net.attach(address)


@pytest.mark.parametrize("subnets", [("10.0.0.1/24",), ("fd00::/64",), ("10.0.0.0/24", "10.0.1.0/24"), ("?",)])
def test_what_is_no_subnet(subnets: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match="subnet"):
        VirtualNetwork(*subnets)


def test_a_guest_that_ended_is_no_longer_there() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        waiting = client.connected(server.ip4, 80)
        task = server.new_task()
        server.place.close()
        with refusal(Errno.CONNRESET):
            receive(client, waiting)
        with refusal(Errno.NETDOWN):
            listener.accept(task, False)
        with refusal(Errno.HOSTUNREACH):
            client.connected(server.ip4, 80)
        with refusal(Errno.NETDOWN):
            server.socket()
        bound = server.listening
        with refusal(Errno.NETDOWN):
            bound("0.0.0.0", 81)


def test_a_closed_network() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        early = client.socket()
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        served, _ = server.accept(listener)
        net.close()
        send(client, caller, b"connections stay")
        assert receive(server, served) == b"connections stay"
        for call in (
            lambda: early.connect(client.task, parse(server.ip4, 80)),
            lambda: early.channel.bind(parse("0.0.0.0", 1)),
            lambda: server.accept(listener),
            lambda: server.socket(),
        ):
            with refusal(Errno.NETDOWN):
                call()
        for refused in (net.attach, lambda: net.connect((server.ip4, 80)), lambda: net.listen(("0.0.0.0", 1))):
            with pytest.raises(OSError, match="closed"):
                refused()


def test_families_and_kinds_that_there_are_not() -> None:
    with guests(1) as (guest,):
        with refusal(Errno.AFNOSUPPORT):
            guest.place.open(9, STREAM)
        with refusal(Errno.NOTSUP):
            guest.place.open(INET4, type(STREAM).SOCKET_RAW)
