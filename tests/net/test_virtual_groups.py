"""Broadcast and multicast on the virtual network."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from net.virtual_guest import DATAGRAM, STREAM, Guest, guests, refusal
from net.virtual_udp import drain, nothing, post, take, udp
from pywasix import VirtualNetwork
from pywasix.abi.enums import SockOption
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostStack
from pywasix.net.address import INET4, INET6, parse
from pywasix.net.sockets import Socket
from pywasix.net.stack import Channel, NetStack

GROUP, GROUP6 = "239.1.2.3", "ff02::1234"
CHOOSE = bytes(4)
LOOPBACK, NETWORK = 1, 2


def join(socket: Socket, group: str, interface: bytes | int | None = None, joined: bool = True) -> None:
    """Join or leave a group, on the network's interface unless another is given."""
    ip = parse(group, 0).ip
    chosen = (CHOOSE if len(ip) == 4 else 0) if interface is None else interface
    socket.channel.set_membership(ip, chosen, joined)


# -- broadcast --------------------------------------------------------------


@pytest.mark.parametrize("everybody", ["255.255.255.255", "10.0.0.255"])
def test_a_broadcast_reaches_every_host(everybody: str) -> None:
    with guests(3) as (one, two, three):
        heard = [udp(each, "0.0.0.0", 67) for each in (one, two, three)]
        deaf = udp(three, three.ip4, 68)
        there = udp(three, everybody, 68)
        sender = udp(one)
        with refusal(Errno.ACCES):
            post(sender, b"x", everybody, 67)
        with refusal(Errno.ACCES):
            sender.channel.connect(parse(everybody, 67))
        sender.channel.set_option(SockOption.BROADCAST, 1)
        post(sender, b"all", everybody, 67)
        post(sender, b"all", everybody, 68)
        assert [take(each) for each in heard] == [(b"all", parse(one.ip4, sender.local().port))] * 3
        assert drain(there) == [b"all"]
        nothing(deaf)
        sender.channel.connect(parse(everybody, 67))
        assert post(heard[1], b"an answer is not from the peer", one.ip4, sender.local().port)
        nothing(sender)


# -- multicast --------------------------------------------------------------


@pytest.mark.parametrize("group", [GROUP, GROUP6])
def test_who_joined_hears(group: str) -> None:
    with guests(3) as (one, two, three):
        family = parse(group, 0).family
        host = "0.0.0.0" if family == INET4 else "::"
        sender = udp(one, family=family)
        member, neighbour, at_group, stranger = (
            udp(two, host, 5353),
            udp(two, host, 5354),
            udp(two, group, 5355),
            udp(three, host, 5353),
        )
        join(member, group)
        for port in (5353, 5354, 5355):
            post(sender, b"x", group, port)
        # Linux (IP_MULTICAST_ALL): what the host hears, each of its sockets does.
        assert [drain(each) for each in (member, neighbour, at_group, stranger)] == [[b"x"], [b"x"], [b"x"], []]
        join(member, group, joined=False)
        post(sender, b"x", group, 5353)
        assert drain(member) == []


@pytest.mark.parametrize(("group", "option"), [(GROUP, "MULTICAST_LOOP_V4"), (GROUP6, "MULTICAST_LOOP_V6")])
def test_the_sender_hears_itself_if_it_wants(group: str, option: str) -> None:
    with guests(2) as (one, two):
        wildcard = "0.0.0.0" if "." in group else "::"
        here, there = udp(one, wildcard, 5353), udp(two, wildcard, 5353)
        join(here, group)
        join(there, group)
        post(here, b"x", group, 5353)
        assert [drain(here), drain(there)] == [[b"x"], [b"x"]]
        here.channel.set_option(SockOption[option], 0)
        post(here, b"y", group, 5353)
        assert [drain(here), drain(there)] == [[], [b"y"]]


def test_how_far_a_group_reaches() -> None:
    with guests(2) as (one, two):
        here, there = udp(one, "::", 5353), udp(two, "::", 5353)
        for each in (here, there):
            join(each, GROUP)
            join(each, "ff01::5")
        sender = udp(one)
        sender.channel.set_option(SockOption.MULTICAST_TTL_V4, 0)
        post(sender, b"ttl 0", GROUP, 5353)
        post(udp(one, family=INET6), b"interface-local", "ff01::5", 5353)
        assert [drain(here), drain(there)] == [[b"ttl 0", b"interface-local"], []]
        post(sender, b"everybody is in this group", "224.0.0.1", 5353)
        assert len(drain(here)) == 1


def test_a_group_on_the_loopback_interface() -> None:
    with guests(2) as (one, two):
        inner, outer = udp(one, "0.0.0.0", 5353), udp(two, "0.0.0.0", 5353)
        join(inner, GROUP, bytes((127, 0, 0, 1)))
        join(outer, GROUP, bytes((127, 0, 0, 1)))
        post(udp(one, "127.0.0.1"), b"inside", GROUP, 5353)
        post(udp(one), b"outside", GROUP, 5353)
        assert [drain(inner), drain(outer)] == [[b"inside"], []]


def test_a_closed_socket_has_left() -> None:
    with guests(2) as (one, two):
        gone, still = udp(one, "0.0.0.0", 1), udp(one, "0.0.0.0", 5353)
        join(gone, GROUP)
        one.drop(gone)
        post(udp(two), b"x", GROUP, 5353)
        nothing(still)
        with refusal(Errno.BADF):
            join(gone, GROUP)


def test_memberships_of_other_hosts_interfaces() -> None:
    with guests(2) as (one, two):
        member = udp(one, "0.0.0.0", 5353)
        join(member, GROUP, parse(one.ip4, 0).ip)
        with refusal(Errno.ADDRINUSE):
            join(member, GROUP)
        with refusal(Errno.NODEV):
            join(member, "239.9.9.9", parse(two.ip4, 0).ip)
        six = udp(one, family=INET6)
        join(six, GROUP6, NETWORK)
        join(six, GROUP6, LOOPBACK)
        with refusal(Errno.NODEV):
            join(six, "ff02::9", 3)
        with refusal(Errno.PROTO):
            one.socket(INET4, STREAM).channel.set_membership(parse(GROUP, 0).ip, CHOOSE, True)


def memberships(stack: NetStack, family: int) -> list[Any]:
    """What joining and leaving on the loopback interface answers."""
    channel: Channel = stack.open(family, DATAGRAM)
    four, six = parse("127.0.0.1", 0).ip, 1

    def ask(group: str, where: bytes | int, joined: bool = True) -> Errno | None:
        try:
            channel.set_membership(parse(group, 0).ip, where, joined)
        except SysError as error:
            return error.errno
        return None

    try:
        found = [ask(GROUP, four), ask(GROUP, four), ask("10.1.1.1", four), ask("239.1.1.1", bytes((9, 9, 9, 9)))]
        found += [ask(GROUP, bytes((9, 9, 9, 9)), False), ask("10.1.1.1", four, False), ask("239.1.1.1", four, False)]
        found += [ask(GROUP, four, False), ask(GROUP6, six), ask(GROUP6, six), ask("fd00::5", six), ask(GROUP6, 99)]
        found += [ask(GROUP6, 99, False), ask("ff02::6", six, False), ask("fd00::5", six, False), ask(GROUP6, 0, False)]
        return [*found, *(ask(f"239.2.2.{number}", four) for number in range(22))]
    finally:
        channel.close()


@pytest.mark.parametrize("family", [INET4, INET6])
def test_memberships_answer_as_the_host_does(family: int) -> None:
    with guests(1) as (guest,):
        assert memberships(guest.place, family) == memberships(HostStack(), family)


def test_python_joins_a_group() -> None:
    with VirtualNetwork() as net:
        guest = Guest(net)
        with net.datagram(("0.0.0.0", 5353)) as four, net.datagram(("::", 5354)) as six:
            request = socket.inet_aton(GROUP) + bytes(4)
            request6 = socket.inet_pton(socket.AF_INET6, GROUP6) + bytes(4)
            four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
            six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request6)
            post(udp(guest), b"4", GROUP, 5353)
            post(udp(guest, family=INET6), b"6", GROUP6, 5354)
            assert (four.recv(10), six.recv(10)) == (b"4", b"6")
            four.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, request + NETWORK.to_bytes(4, "little"))
            with pytest.raises(OSError, match="group"):
                four.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, request)
            with pytest.raises(OSError, match="Invalid"):
                four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request[:5])
            four.setblocking(False)
            post(udp(guest), b"4", GROUP, 5353)
            with pytest.raises(BlockingIOError):
                four.recv(10)
        guest.close()
