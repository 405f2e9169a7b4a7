"""Datagrams: sock_send_to and sock_recv_from, and what the other calls do on datagram sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.enums import RiFlags, RoFlags, SdFlags, SiFlags, SockOption, SockStatus
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.net.address import INET6, Address, parse
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.sock import sock_addr_local, sock_addr_peer, sock_bind, sock_connect, sock_shutdown, sock_status
from pywasix.syscalls.sock_io import sock_recv, sock_recv_from, sock_send, sock_send_to
from pywasix.syscalls.sock_opt import sock_get_opt_size, sock_set_opt_time
from syscalls.datagrams import (
    DATAGRAM,
    DONT_WAIT,
    FROM,
    HOSTS,
    PEEK,
    RESULT,
    TO,
    TRUNCATED,
    address_at,
    bound,
    cannot_recv_from,
    cannot_send_to,
    disconnect,
    nobody,
    pair,
    put_address,
    recv_from,
    send_nowhere,
    send_to,
    unix_pair,
)
from syscalls.vectors import (
    BUFFER,
    COUNT,
    FLAGS,
    VECTOR,
    arrived,
    buffers,
    cannot_recv,
    cannot_send,
    data,
    recv,
    send,
)
from world import MEMORY, PREVIEW1, WASIX_2022, WatchedPoller, World

# -- sending and receiving --------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_there_and_back(either: World, host: str) -> None:
    server, address = bound(either, host)
    client = either.socket(address.family, DATAGRAM)
    assert send_to(either, client, address, b"ab", b"", b"cde") == 5
    got, flags, sender = recv_from(either, server, 2, 8)
    assert (got, flags) == (b"abcde", 0)
    assert sender.family == address.family
    assert sender.port == either.socket_file(client).local().port, "the first send took a port"
    assert send_to(either, server, sender, b"back") == 4
    assert recv_from(either, client, 8) == (b"back", 0, address)


def test_datagrams_keep_their_borders(either: World) -> None:
    here, there = pair(either)
    for text in (b"one", b"", b"three"):
        assert send(either, here, text) == len(text)
    assert [recv_from(either, there, 8)[0] for _ in range(3)] == [b"one", b"", b"three"]


def test_no_buffer_at_all_sends_an_empty_one(either: World) -> None:
    here, there = pair(either)
    either.call(sock_send, here, VECTOR, 0, 0, COUNT)
    send(either, here, b"next")
    assert recv_from(either, there)[:2] == (b"", 0)
    assert recv_from(either, there, 4)[0] == b"next"


def test_what_does_not_fit_is_lost(either: World) -> None:
    here, there = pair(either)
    for receive in (sock_recv, sock_recv_from):
        send(either, here, b"abcdef")
        result = (COUNT, FLAGS) if receive is sock_recv else (COUNT, FLAGS, FROM)
        either.call(receive, there, VECTOR, buffers(either, 2, 1), 0, *result)
        assert either.u32(COUNT) == 3
        assert either.number(FLAGS, 2) == RoFlags.RECV_DATA_TRUNCATED
        assert either.memory.read(BUFFER, 3) == b"abc"
        cannot_recv(either, Errno.AGAIN, there, DONT_WAIT)


@pytest.mark.parametrize("sizes", [(3,), (1, 2), (0,), ()])
def test_truncated_asks_for_the_real_length(either: World, sizes: tuple[int, ...]) -> None:
    here, there = pair(either)
    send(either, here, b"abcdef")
    got, flags, _ = recv_from(either, there, *sizes, flags=TRUNCATED | PEEK)
    assert (either.u32(COUNT), got, flags) == (6, b"abcdef"[: sum(sizes)], RoFlags.RECV_DATA_TRUNCATED)
    either.call(sock_recv, there, VECTOR, buffers(either, *sizes), TRUNCATED, COUNT, FLAGS)
    assert (either.u32(COUNT), either.number(FLAGS, 2)) == (6, RoFlags.RECV_DATA_TRUNCATED)


def test_peek_leaves_it_there(either: World) -> None:
    here, there = pair(either)
    send(either, here, b"seen")
    sender = either.socket_file(here).local()
    assert recv_from(either, there, 2, flags=PEEK) == (b"se", 1, sender)
    assert recv_from(either, there, 8, flags=PEEK | RiFlags.RECV_WAITALL) == (b"seen", 0, sender)
    assert recv_from(either, there, 8) == (b"seen", 0, sender)
    cannot_recv_from(either, Errno.AGAIN, there, PEEK | DONT_WAIT)


def test_the_longest(either: World) -> None:
    """65535 bytes less the IPv4 and UDP headers; IPv6's own header is not counted."""
    for host, most in (("127.0.0.1", 65507), ("::1", 65527)):
        server, address = bound(either, host)
        client = either.socket_file(either.socket(address.family, DATAGRAM))
        assert client.send_to(either.task, [memoryview(bytes(most))], 0, address) == most
        buffer = memoryview(bytearray(70_000))
        assert either.socket_file(server).recv_from(either.task, [buffer], 0)[:2] == (most, False)


def test_plain_reads_and_writes(either: World) -> None:
    here, there = pair(either)
    either.call(fd_write, here, VECTOR, data(either, b"pl", b"ain"), COUNT)
    either.call(fd_read, there, VECTOR, buffers(either, 0), COUNT)
    assert either.u32(COUNT) == 0, "Linux: a read of nothing takes nothing"
    either.call(fd_read, there, VECTOR, buffers(either, 16), COUNT)
    assert either.memory.read(BUFFER, either.u32(COUNT)) == b"plain"


def test_an_ipv6_socket_reaches_ipv4(either: World) -> None:
    server, address = bound(either)
    client = either.socket(INET6, DATAGRAM)
    assert send_to(either, client, address, b"four") == 4
    got, _, sender = recv_from(either, server, 8)
    assert (got, sender.host) == (b"four", "127.0.0.1")
    send_to(either, server, sender, b"answer")
    got, _, sender = recv_from(either, client, 8)
    mapped = parse("::ffff:127.0.0.1", address.port)
    assert (got, sender) == (b"answer", mapped)
    either.socket_file(client).connect(either.task, address)
    assert either.socket_file(client).peer() == mapped


def test_older_guests_have_shorter_addresses() -> None:
    with World(generation=WASIX_2022) as world:
        server, address = bound(world, "::1")
        client = world.socket(INET6, DATAGRAM)
        send_to(world, client, address, b"old")
        world.put(FROM, b"\xee" * 30)
        world.call(sock_recv_from, server, VECTOR, buffers(world, 8), 0, COUNT, FLAGS, FROM)
        assert world.memory.read(FROM + 20, 10) == b"\xee" * 10, "20 bytes were written"
        assert address_at(world, FROM).port == world.socket_file(client).local().port
        put_address(world, address, MEMORY - 20)
        world.call(sock_send_to, client, VECTOR, data(world, b"end"), 0, MEMORY - 20, COUNT)


# -- peers ------------------------------------------------------------------


def test_a_connected_socket_hears_its_peer_only(either: World) -> None:
    here, there = pair(either)
    other, _ = bound(either)
    to = either.socket_file(here).local()
    send_to(either, other, to, b"stranger")
    send_to(either, there, to, b"peer")
    assert recv_from(either, here, 16)[0] == b"peer"


def test_what_came_before_the_connect_is_received(either: World) -> None:
    here, address = bound(either)
    other, _ = bound(either)
    _, to = bound(either)
    send_to(either, other, address, b"early")
    arrived(either, here)
    either.call(sock_connect, here, put_address(either, to))
    assert recv(either, here, 8) == b"early"


def test_a_connected_socket_sends_elsewhere_too(either: World) -> None:
    here, there = pair(either)
    other, address = bound(either)
    assert send_to(either, here, address, b"else") == 4
    assert recv(either, other, 8) == b"else"
    send(either, here, b"peer")
    assert recv(either, there, 8) == b"peer"


def test_another_peer_and_none(either: World) -> None:
    here, there = pair(either)
    other, address = bound(either)
    either.call(sock_connect, here, put_address(either, address))
    send(either, here, b"new")
    assert recv(either, other, 8) == b"new"
    disconnect(either, here)
    either.fails(Errno.NOTCONN, sock_addr_peer, here, RESULT)
    cannot_send(either, Errno.DESTADDRREQ, here)
    either.call(sock_status, here, RESULT)
    assert either.number(RESULT, 1) == SockStatus.OPENING
    send_to(either, here, either.socket_file(there).local(), b"still")
    assert recv(either, there, 8) == b"still"


def test_a_socket_that_took_a_port_may_be_bound_after_it_was_disconnected(either: World) -> None:
    here, _ = pair(either)
    either.fails(Errno.INVAL, sock_bind, here, either.address(TO, "127.0.0.1", 0))
    disconnect(either, here)
    either.call(sock_bind, here, either.address(TO, "127.0.0.1", 0))
    port = either.socket_file(here).local().port
    either.call(sock_addr_local, here, FROM)
    assert address_at(either, FROM).port == port > 0


def test_an_address_of_no_family_on_ipv6_is_none(either: World) -> None:
    """Linux: udpv6_sendmsg drops it, udp_sendmsg takes it for IPv4 and finds no port."""
    here, there = pair(either, "::1")
    send_nowhere(either, here)
    assert recv(either, there, 8) == b"data"


@pytest.mark.parametrize("host", HOSTS)
def test_a_refusal_is_told_once(either: World, host: str) -> None:
    address = nobody(either, host)
    here = either.socket(address.family, DATAGRAM)
    either.call(sock_connect, here, put_address(either, address))
    for told in ("recv", "send", "option"):
        assert send(either, here, b"anybody?") == 8
        arrived(either, here)
        if told == "recv":
            cannot_recv(either, Errno.CONNREFUSED, here)
        elif told == "send":
            cannot_send(either, Errno.CONNREFUSED, here)
        else:
            either.call(sock_get_opt_size, here, SockOption.LAST_ERROR, RESULT)
            assert either.number(RESULT, 8) == Errno.CONNREFUSED
        cannot_recv(either, Errno.AGAIN, here, DONT_WAIT)


def test_who_is_not_connected_hears_of_no_refusal(either: World) -> None:
    here, _ = bound(either)
    address = nobody(either)
    for _ in range(3):
        assert send_to(either, here, address, b"anybody?") == 8
    cannot_recv(either, Errno.AGAIN, here, DONT_WAIT)


# -- shutdown ---------------------------------------------------------------


def test_a_shut_direction(either: World) -> None:
    here, there = pair(either)
    either.call(sock_shutdown, here, SdFlags.WR)
    cannot_send(either, Errno.PIPE, here)
    cannot_send_to(either, Errno.PIPE, here, either.socket_file(there).local())
    either.call(sock_shutdown, here, SdFlags.RD)
    either.call(sock_status, here, RESULT)
    assert either.number(RESULT, 1) == SockStatus.CLOSED
    assert recv(either, here, 8) == b"", "who would wait hears that nothing comes"
    either.socket_file(here).receive_timeout = 10**10
    assert recv(either, here, 8) == b""
    cannot_recv(either, Errno.AGAIN, here, DONT_WAIT)


def test_shutdown_ends_a_receive(either: World) -> None:
    here, _ = pair(either)
    call = either.start(sock_recv_from, here, VECTOR, buffers(either, 8), 0, COUNT, FLAGS, FROM)
    call.await_blocked()
    either.call(sock_shutdown, here, SdFlags.RD)
    assert call.errno() is None
    assert either.u32(COUNT) == 0


def test_shutdown_without_a_peer(either: World) -> None:
    here, _ = bound(either)
    either.fails(Errno.NOTCONN, sock_shutdown, here, SdFlags.RD | SdFlags.WR)


# -- waiting ----------------------------------------------------------------


def test_a_receive_waits(either: World) -> None:
    here, there = pair(either)
    call = either.start(sock_recv_from, there, VECTOR, buffers(either, 8), 0, COUNT, FLAGS, FROM)
    call.await_blocked()
    either.socket_file(here).send(either.task, [memoryview(b"late")], 0)
    assert call.errno() is None
    assert either.memory.read(BUFFER, either.u32(COUNT)) == b"late"
    assert address_at(either, FROM) == either.socket_file(here).local()


@pytest.mark.parametrize("receive", [sock_recv, sock_recv_from])
def test_closing_ends_a_receive(either: World, receive: Callable[..., None]) -> None:
    fd, _ = bound(either)
    result = (COUNT, FLAGS) if receive is sock_recv else (COUNT, FLAGS, FROM)
    call = either.start(receive, fd, VECTOR, buffers(either, 8), 0, *result)
    call.await_blocked()
    either.call(fd_close, fd)
    assert call.errno() is Errno.BADF


def test_a_stop_ends_a_receive(either: World) -> None:
    fd, _ = bound(either)
    call = either.start(sock_recv_from, fd, VECTOR, buffers(either, 8), 0, COUNT, FLAGS, FROM)
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_a_timeout_of_sending_is_kept(either: World) -> None:
    here, there = pair(either)
    either.call(sock_set_opt_time, here, SockOption.SEND_TIMEOUT, either.option(TO, 10**9))
    assert send(either, here, b"in time") == 7
    assert recv(either, there, 8) == b"in time"


def test_dont_wait_sends(either: World) -> None:
    here, there = pair(either)
    assert send(either, here, b"now", flags=SiFlags.SEND_DONT_WAIT) == 3
    assert send_to(either, either.nonblocking(here), either.socket_file(there).local(), b"too") == 3


# -- on streams -------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_a_stream_takes_no_notice_of_addresses(either: World, host: str) -> None:
    """Linux: tcp_sendmsg does not look at the address, tcp_recvmsg tells none."""
    caller, accepted = either.connected(host)
    assert send_to(either, caller, parse("127.0.0.1", 9), b"any") == 3
    send_nowhere(either, caller)
    assert recv_from(either, accepted, 16)[1:] == (0, Address(0, b"", 0))


def test_a_unix_stream_tells_no_name_where_there_is_none(world: World) -> None:
    first, second = unix_pair(world)
    send(world, first, b"x")
    world.call(sock_recv_from, second, VECTOR, buffers(world, 8), 0, COUNT, FLAGS, FROM)
    assert world.memory.read(FROM, 1) == b"\0"


def test_preview1_receives_datagrams_of_nobody() -> None:
    """sock_recv has no address to tell."""
    with World(generation=PREVIEW1) as world:
        here, there = pair(world)
        send(world, here, b"plain")
        assert recv(world, there, 8) == b"plain"
        assert isinstance(world.task.poller, WatchedPoller)
