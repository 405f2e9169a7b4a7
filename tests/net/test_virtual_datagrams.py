"""UDP on the virtual network, as guests use it: who hears what, and who is told that nobody did."""

from __future__ import annotations

import pytest

from net.virtual_guest import Aside, guests, pending_error, ready, refusal
from net.virtual_udp import drain, host_of, nothing, post, send, take, udp, view
from pywasix.abi.enums import RiFlags, SockOption
from pywasix.abi.errno import Errno
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import INET4, INET6, parse

PEEK, WHOLE = int(RiFlags.RECV_PEEK), int(RiFlags.RECV_DATA_TRUNCATED)
VERSIONS = pytest.mark.parametrize("version", [4, 6])


# -- there and back ---------------------------------------------------------


@VERSIONS
def test_guests_talk(version: int) -> None:
    with guests(2) as (one, two):
        server = udp(one, host_of(one, version), 53)
        client = udp(two, family=server.family)
        assert post(client, b"ask", host_of(one, version), 53) == 3
        data, sender = take(server)
        assert (data, sender.host, sender.port) == (b"ask", host_of(two, version), client.local().port)
        assert client.local().host in ("0.0.0.0", "::")
        assert post(server, b"answer", sender.host, sender.port) == 6
        assert take(client) == (b"answer", parse(host_of(one, version), 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.77", "own", "::1", "0.0.0.0", "::"])
def test_a_guest_talks_to_itself(host: str) -> None:
    with guests(2) as (guest, other):
        host = guest.ip4 if host == "own" else host
        family = parse(host, 0).family
        wildcard = "0.0.0.0" if family == INET4 else "::"
        server, stranger = udp(guest, wildcard, 53), udp(other, wildcard, 53)
        client = udp(guest, family=family)
        post(client, b"x", host, 53)
        data, sender = take(server)
        assert data == b"x"
        assert sender.host == {"127.0.0.77": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        nothing(stranger)


def test_a_blocked_receive_wakes_up() -> None:
    with guests(2) as (one, two):
        server = udp(one, "0.0.0.0", 53)
        buffer = bytearray(10)
        aside = Aside(lambda: server.recv(one.task, [memoryview(buffer)], 0))
        client = udp(two)
        assert ready(two, client) == WRITABLE
        post(client, b"wake", one.ip4, 53)
        assert aside.result() == 4
        assert buffer[:4] == b"wake"


def test_empty_cut_and_peeked_datagrams() -> None:
    with guests(2) as (one, two):
        server, client = udp(one, "0.0.0.0", 53), udp(two)
        for data in (b"", b"0123456789", b"abc", b"next"):
            post(client, data, one.ip4, 53)
        assert server.channel.available() == 0
        assert take(server)[0] == b""
        assert server.channel.available() == 10
        buffer = view(bytes(4))
        assert server.channel.recv_from((buffer,), PEEK)[:2] == (4, True)
        assert server.channel.recv_from((buffer,), PEEK | WHOLE)[:2] == (10, True)
        assert server.channel.recv_from((buffer,), 0)[:2] == (4, True)
        assert bytes(buffer) == b"0123"
        first, second = view(bytes(2)), view(bytes(5))
        assert server.channel.recv_from((first, second), 0)[:2] == (3, False)
        assert bytes(first) + bytes(second) == b"abc\0\0\0\0"
        assert server.channel.recv_into(buffer, 0) == 4
        nothing(server)


def test_a_thousand_buffers() -> None:
    with guests(1) as (guest,):
        server = udp(guest, "127.0.0.1", 53)
        client = udp(guest)
        parts = [view(bytes([number % 256])) for number in range(1024)]
        assert client.channel.send_to(parts, 0, parse("127.0.0.1", 53)) == 1024
        cells = [view(bytes(1)) for _ in range(1024)]
        assert server.channel.recv_from(cells, 0)[:2] == (1024, False)
        assert b"".join(cells) == b"".join(parts)


@pytest.mark.parametrize(("host", "most"), [("127.0.0.1", 65507), ("::1", 65527), ("::ffff:127.0.0.1", 65507)])
def test_the_longest_datagram(host: str, most: int) -> None:
    with guests(1) as (guest,):
        server = udp(guest, "::" if ":" in host else "0.0.0.0", 53)
        client = udp(guest, family=server.family)
        assert post(client, bytes(most), host, 53) == most
        assert take(server, 1 << 16)[0] == bytes(most)
        with refusal(Errno.MSGSIZE):
            post(client, bytes(most + 1), host, 53)


def test_what_finds_no_room_is_lost() -> None:
    with guests(2) as (one, two):
        server, client = udp(one, "0.0.0.0", 53), udp(two)
        server.channel.set_option(SockOption.RECV_BUF_SIZE, 20000)
        assert server.channel.get_option(SockOption.RECV_BUF_SIZE) == 40000
        for number in range(100):
            assert post(client, bytes([number]) * 1000, one.ip4, 53) == 1000
        assert ready(two, client, WRITABLE) == WRITABLE
        got = []
        while ready(one, server, READABLE):
            got.append(take(server)[0][0])
        assert got == list(range(len(got)))
        assert 10 < len(got) < 50


# -- who hears --------------------------------------------------------------


def test_a_connected_socket_hears_only_its_peer() -> None:
    with guests(3) as (one, two, three):
        server = udp(one, "0.0.0.0", 53)
        friend, stranger = udp(two, "0.0.0.0", 1000), udp(three, "0.0.0.0", 1000)
        early = b"sent before the connection"
        post(stranger, early, one.ip4, 53)
        server.channel.connect(parse(two.ip4, 1000))
        assert server.local() == parse(one.ip4, 53)
        post(stranger, b"late", one.ip4, 53)
        post(friend, b"welcome", one.ip4, 53)
        assert [take(server)[0] for _ in range(2)] == [early, b"welcome"]
        assert send(server, b"back") == 4
        assert take(friend)[0] == b"back"
        post(server, b"elsewhere", three.ip4, 1000)
        assert take(stranger) == (b"elsewhere", parse(one.ip4, 53))
        assert server.channel.give_up()
        assert server.local() == parse("0.0.0.0", 53)
        post(stranger, b"again", one.ip4, 53)
        assert take(server)[0] == b"again"


def test_the_best_fit_hears() -> None:
    with guests(2) as (one, two):
        sender = udp(two, "0.0.0.0", 1000)
        both = udp(one, "::", 53)
        both.channel.set_option(SockOption.REUSE_ADDR, 1)
        sockets = [both]
        for host in ("0.0.0.0", one.ip4):
            socket = udp(one)
            socket.channel.set_option(SockOption.REUSE_ADDR, 1)
            socket.bind(parse(host, 53))
            sockets.append(socket)
        connected = udp(one)
        connected.channel.set_option(SockOption.REUSE_ADDR, 1)
        connected.bind(parse(one.ip4, 53))
        connected.channel.connect(parse(two.ip4, 1000))
        sockets.append(connected)
        for socket in reversed(sockets):
            post(sender, b"x", one.ip4, 53)
            data, who = take(socket)
            assert (data, who.ip[-4:]) == (b"x", parse(two.ip4, 0).ip)
            one.drop(socket)


@pytest.mark.parametrize("option", [SockOption.REUSE_ADDR, SockOption.REUSE_PORT])
def test_a_shared_port(option: SockOption) -> None:
    with guests(2) as (one, two):
        pair = [udp(one), udp(one)]
        for socket in pair:
            socket.channel.set_option(option, 1)
            socket.bind(parse("0.0.0.0", 53))
        heard = [0, 0]
        for port in range(1000, 1008):
            sender = udp(two, "0.0.0.0", port)
            for _ in range(2):
                post(sender, b"x", one.ip4, 53)
            counts = [len(drain(socket)) for socket in pair]
            assert sorted(counts) == [0, 2], "the datagrams of one sender go to one socket"
            heard = [old + new for old, new in zip(heard, counts, strict=True)]
        if option is SockOption.REUSE_ADDR:
            assert heard == [0, 16], "who bound last hears all"
        else:
            assert heard == [8, 8]


def test_one_socket_for_both_families() -> None:
    with guests(2) as (one, two):
        both = udp(one, "::", 53)
        four, six = udp(two), udp(two, family=INET6)
        post(four, b"4", one.ip4, 53)
        post(six, b"6", one.ip6, 53)
        post(six, b"m", f"::ffff:{one.ip4}", 53)
        mapped = parse(f"::ffff:{two.ip4}", 0).ip
        assert [take(both)[1].ip for _ in range(3)] == [mapped, parse(two.ip6, 0).ip, mapped]
        only = udp(one, family=INET6)
        only.channel.set_option(SockOption.ONLY_V6, 1)
        only.bind(parse("::", 54))
        post(four, b"4", one.ip4, 54)
        post(six, b"6", one.ip6, 54)
        assert drain(only) == [b"6"]
        with refusal(Errno.NETUNREACH):
            post(only, b"x", f"::ffff:{two.ip4}", 1)


# -- what comes back --------------------------------------------------------


def test_nobody_there_is_told_to_the_connected() -> None:
    with guests(2) as (one, two):
        client = udp(one)
        client.channel.connect(parse(two.ip4, 9))
        assert send(client, b"x") == 1
        assert ready(one, client, READABLE) == READABLE
        with refusal(Errno.CONNREFUSED):
            send(client, b"not sent")
        assert not ready(one, client, READABLE)
        assert send(client, b"x") == 1
        with refusal(Errno.CONNREFUSED):
            take(client)
        nothing(client)
        assert send(client, b"x") == 1
        with refusal(Errno.CONNREFUSED):
            take(client, flags=PEEK)
        nothing(client)
        assert send(client, b"x") == 1
        assert pending_error(client) is Errno.CONNREFUSED
        assert pending_error(client) is Errno.SUCCESS
        assert not ready(one, client, READABLE)
        post(client, b"to another port", two.ip4, 10)
        assert pending_error(client) is Errno.SUCCESS


def test_nobody_there_is_not_told_to_others() -> None:
    with guests(2) as (one, two):
        client = udp(one)
        assert post(client, b"x", two.ip4, 9) == 1
        assert post(client, b"x", "10.0.0.200", 9) == 1
        assert post(client, b"x", "127.0.0.1", 9) == 1
        nothing(client)
        assert pending_error(client) is Errno.SUCCESS
        lost = udp(one)
        lost.channel.connect(parse("10.0.0.200", 9))
        assert send(lost, b"nobody answers ARP") == 18
        nothing(lost)


def test_a_refusal_wakes_who_waits() -> None:
    with guests(2) as (one, two):
        client = udp(one)
        client.channel.connect(parse(two.ip4, 9))
        aside = Aside(lambda: client.recv(one.task, [view(bytes(1))], 0))
        send(client, b"x")
        with refusal(Errno.CONNREFUSED):
            aside.result()


def test_a_refusal_behind_data() -> None:
    """The refusal is told first; what waits before its marker stays, and no marker wakes anybody for nothing."""
    with guests(2) as (one, two):
        client, server = udp(one), udp(two, "0.0.0.0", 9)
        client.channel.connect(parse(two.ip4, 9))
        send(client, b"ask")
        for data in (b"first", b"second"):
            post(server, data, one.ip4, client.local().port)
        two.drop(server)
        send(client, b"ask")
        with refusal(Errno.CONNREFUSED):
            take(client)
        assert [take(client)[0], take(client)[0]] == [b"first", b"second"]
        assert not ready(one, client, READABLE)
        nothing(client)


def test_the_end_of_the_network_wakes_who_waits() -> None:
    with guests(1) as (guest,):
        server = udp(guest, "0.0.0.0", 53)
        aside = Aside(lambda: server.recv(guest.task, [view(bytes(1))], 0))
        guest.place.close()
        with refusal(Errno.NETDOWN):
            aside.result()
        with refusal(Errno.NETDOWN):
            post(server, b"x", "127.0.0.1", 53)


# -- errors and the host's answers ------------------------------------------


def test_where_there_is_no_way() -> None:
    with guests(1) as (guest,):
        client = udp(guest)
        for host in ("8.8.8.8", "10.0.1.1"):
            with refusal(Errno.NETUNREACH):
                post(client, b"x", host, 53)
            with refusal(Errno.NETUNREACH):
                client.channel.connect(parse(host, 53))
        with refusal(Errno.INVAL):
            post(client, b"x", "127.0.0.1", 0)
        with refusal(Errno.DESTADDRREQ):
            send(client, b"x")
        with refusal(Errno.NOTCONN):
            client.channel.peer()
        inner = udp(guest, "127.0.0.1")
        with refusal(Errno.INVAL):
            post(inner, b"x", "10.0.0.1", 53)
        client.bind(parse("0.0.0.0", 1))
        with refusal(Errno.INVAL):
            client.bind(parse("0.0.0.0", 2))
        with refusal(Errno.ADDRNOTAVAIL):
            udp(guest, "10.0.0.77")
        client.channel.close()
        with refusal(Errno.BADF):
            post(client, b"x", "127.0.0.1", 53)


def test_port_0_is_free_again() -> None:
    with guests(1) as (guest,):
        for _ in range(3):
            client = udp(guest)
            post(client, b"x", "127.0.0.1", 9)
            port = client.local().port
            guest.drop(client)
            guest.drop(udp(guest, "0.0.0.0", port))
