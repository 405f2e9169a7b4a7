"""Links of the virtual network: what conditions do to connections, and that nothing of them is left behind.

More than 400 lines: each condition, alone and with how a connection begins and ends, on one pair of fixtures.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

import pytest

from net.virtual_guest import Aside, Guest, guests, os_refusal, pending_error, ready, receive, refusal, send
from pywasix import OptionError, VirtualNetwork
from pywasix.abi.enums import RiFlags, SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host.virtual_socket import VirtualSocket
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import parse
from pywasix.net.sockets import Socket
from pywasix.net.virtual_links import Link
from support import PATIENCE, open_files

PEEK, WAIT_ALL = int(RiFlags.RECV_PEEK), int(RiFlags.RECV_WAITALL)
WRITE = int(SdFlags.WR)
NONBLOCK = 4
LATENCY = 0.02  # seconds: long enough to be seen, whatever the machine does meanwhile


@contextmanager
def linked(**settings: Any) -> Iterator[tuple[Link, Guest, Socket, Guest, Socket]]:
    """A link, and over it a caller and what the server accepted, each with its guest."""
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place, client.place, **settings)
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        yield link, client, caller, server, server.accept(listener)[0]


@contextmanager
def python_pair(**settings: Any) -> Iterator[tuple[Link, VirtualSocket, VirtualSocket]]:
    """A link, and over it two connected sockets of Python's: at 10.0.0.1 and at 10.0.0.2."""
    with VirtualNetwork() as net, net.attach() as host:
        link = net.link(net, host, **settings)
        with host.listen(("10.0.0.2", 80)) as listener:
            caller = net.connect(("10.0.0.2", 80), PATIENCE)
            served, _ = listener.accept()
        served.settimeout(PATIENCE)
        with caller, served:
            yield link, caller, served


def all_of(sock: VirtualSocket, size: int) -> bytes:
    """So many bytes; a socket with a timeout cannot wait for them in one call."""
    with sock.makefile("rb") as file:
        return file.read(size)


def relays() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pywasix-relay"]


# -- making links ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"latency": -1},
        {"latency": float("nan")},
        {"latency": float("inf")},
        {"latency": "1"},
        {"bandwidth": 0},
        {"bandwidth": True},
        {"loss": 1.1},
        {"loss": -0.1},
        {"partial": 0},
        {"partial": 1.5},
        {"reset_after": -1},
        {"seed": "1"},
    ],
    ids=str,
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with VirtualNetwork() as net, pytest.raises(OptionError, match=f"^{next(iter(settings))} of a link is"):
        net.link(net, **settings)


def test_attributes_are_checked_as_well() -> None:
    with VirtualNetwork() as net:
        link = net.link(net, "10.0.0.2")
        for name in ("latency", "loss", "connect_timeout", "data_timeout"):
            with pytest.raises(OptionError, match=name):
                setattr(link, name, -1)
        link.latency = 0.5
        assert link.latency == 0.5


def test_places_that_cannot_be_linked() -> None:
    with VirtualNetwork() as net, VirtualNetwork() as other:
        for places in ((net, net), ("10.0.0.1", net), ("fd00::1", "10.0.0.1")):
            with pytest.raises(OptionError, match="two places"):
                net.link(*places)
        for place in ("10.0.1.0", "nowhere", other, other.attach()):
            with pytest.raises(OptionError):
                net.link(net, place)
        net.link(net, "10.0.0.2")
        with pytest.raises(OptionError, match="linked already"):
            net.link("fd00::2", net)
        net.link(net)
    with os_refusal(errno.ENETDOWN):
        net.link(net)


def test_a_link_of_two_goes_before_a_link_to_all() -> None:
    with VirtualNetwork() as net, guests(2, net) as (one, two):
        fabric: Any = net._fabric
        nodes = [one.place._node, two.place._node]
        assert not fabric.links
        exact = net.link(one.place, two.place)
        general = net.link(two.place)
        newest = net.link(one.place)
        line = fabric.links.between(*nodes)
        assert line.link is exact
        assert fabric.links.between(*reversed(nodes)) is line
        exact.close()
        assert fabric.links.between(*nodes).link is newest
        newest.close()
        assert fabric.links.between(*nodes).link is general
        with general:
            assert fabric.links.between(nodes[0], nodes[0]) is None
        assert fabric.links.between(*nodes) is None


def test_a_connection_made_before_the_link_is_not_affected() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        served, _ = server.accept(listener)
        net.link(server.place).partition()
        send(client, caller, b"through")
        assert receive(server, served) == b"through"
        assert not relays()


def test_what_stays_on_a_host_goes_over_no_link() -> None:
    with VirtualNetwork() as net, guests(1, net) as (guest,):
        net.link(guest.place).partition()
        guest.listening("0.0.0.0", 80)
        for host in ("127.0.0.1", guest.ip4, guest.ip6):
            if ":" not in host:
                guest.connected(host, 80)
        assert not relays()


# -- data ----------------------------------------------------------------------------------------


def test_data_goes_both_ways_and_ends_in_order() -> None:
    with linked() as (link, client, caller, server, served):
        send(client, caller, b"there")
        assert receive(server, served, 5, WAIT_ALL) == b"there"
        send(server, served, b"back")
        assert receive(client, caller, 4, WAIT_ALL) == b"back"
        send(client, caller, b"last")
        caller.shutdown(WRITE)
        assert receive(server, served, 100, WAIT_ALL) == b"last"
        assert receive(server, served) == b""
        send(server, served, b"answer")
        assert receive(client, caller, 6, WAIT_ALL) == b"answer"
        assert link.carried == 19
        assert caller.peer() == served.local()


@pytest.mark.parametrize("host", ["ip4", "ip6"])
def test_closing_delivers_what_was_sent_before(host: str) -> None:
    data = bytes(range(256)) * 400
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(client.place, latency=LATENCY)
        listener = server.listening("::", 80)
        caller = client.connected(getattr(server, host), 80)
        served, _ = server.accept(listener)
        aside = Aside(lambda: receive(server, served, len(data), WAIT_ALL))
        send(client, caller, data)
        client.drop(caller)
        assert aside.result() == data
        assert receive(server, served) == b""


def test_latency_of_connect_and_data() -> None:
    begun = monotonic()
    with python_pair(latency=LATENCY) as (link, caller, served):
        assert monotonic() - begun >= 2 * LATENCY
        begun = monotonic()
        caller.sendall(b"x")
        assert served.recv(9) == b"x"
        assert monotonic() - begun >= LATENCY
        link.latency = 0.0
        caller.close()
        assert served.recv(9) == b""


def test_connect_is_refused_after_a_round_trip() -> None:
    with VirtualNetwork() as net, net.attach():
        net.link(net, latency=LATENCY)
        begun = monotonic()
        with pytest.raises(ConnectionRefusedError):
            net.connect(("10.0.0.2", 80))
        assert monotonic() - begun >= 2 * LATENCY
        with os_refusal(errno.EHOSTUNREACH):
            net.connect(("10.0.0.3", 80))


def test_a_host_that_leaves_while_it_is_called() -> None:
    with VirtualNetwork() as net, net.attach() as host:
        link = net.link(net, host)
        link.partition()
        aside = Aside(lambda: net.connect(("10.0.0.2", 80), PATIENCE))
        await_journeys(net, 1)
        host.close()
        link.heal()
        with os_refusal(errno.EHOSTUNREACH):
            aside.result()


def await_journeys(net: VirtualNetwork, count: int) -> None:
    """Return when so many connects are on their way."""
    links = net._fabric.links
    assert links is not None
    deadline = monotonic() + PATIENCE
    while True:
        with net._fabric.lock:
            if len(links.journeys) == count:
                return
        assert monotonic() < deadline


def test_bandwidth() -> None:
    with python_pair(bandwidth=100_000) as (link, caller, served):
        begun = monotonic()
        caller.sendall(bytes(5000))
        assert len(all_of(served, 5000)) == 5000
        assert monotonic() - begun >= 0.05
        link.bandwidth = None


def test_back_pressure_stays() -> None:
    with linked() as (_, client, caller, server, served):
        sent = fill(client, caller)
        assert sent < 1 << 22
        data = receive(server, served, sent, WAIT_ALL)
        assert len(data) == sent
        client.task.poller.wait([(caller.handle, WRITABLE)], int(PATIENCE * 1e9))
        assert ready(client, caller, WRITABLE)


def fill(guest: Guest, socket_: Socket) -> int:
    """Send until nothing more is taken for a while; returns how many bytes were."""
    socket_.set_flags(NONBLOCK)
    sent = 0
    with suppress(WouldBlock):
        while True:
            sent += socket_.send(guest.task, [memoryview(bytearray(1 << 16))], 0)
            guest.task.poller.wait([(socket_.handle, WRITABLE)], 10**8)
    return sent


def test_much_data_both_ways_at_once() -> None:
    data = bytes(range(251)) * 8000
    with python_pair() as (link, caller, served):
        asides = [Aside(partial(each.sendall, data)) for each in (caller, served)]
        readers = [Aside(partial(all_of, each, len(data))) for each in (caller, served)]
        assert all(reader.result() == data for reader in readers)
        for aside in asides:
            aside.result()
        assert link.carried == 2 * len(data)


# -- short receives ------------------------------------------------------------------------------


def sizes(seed: int, most: int = 7) -> list[int]:
    """How many bytes each receive returns."""
    with linked(partial=most, seed=seed) as (_, client, caller, server, served):
        send(client, caller, bytes(200))
        assert len(receive(server, served, 200, PEEK | WAIT_ALL)) == 200
        served.channel.side.way._seen = 0  # type: ignore[attr-defined]  # the test's own PEEK does not count
        found, left = [], 200
        while left:
            found.append(len(receive(server, served)))
            left -= found[-1]
        return found


def test_receives_are_cut_as_the_seed_says() -> None:
    first = sizes(1)
    assert set(first) <= set(range(1, 8))
    assert len(set(first)) > 3
    assert sizes(1) == first
    assert sizes(2) != first


def test_each_connection_is_cut_its_own_way() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place, partial=1000)
        listener = server.listening("0.0.0.0", 80)
        found = []
        for _ in range(2):
            caller = client.connected(server.ip4, 80)
            served, _ = server.accept(listener)
            for socket_ in (caller, served):
                side = socket_.channel.side  # type: ignore[attr-defined]  # of a VirtualChannel
                found.append(side.way.most())
        assert len(set(found)) == 4
        link.partial = None
        assert side.way.most() is None


def test_waitall_and_peek_are_not_cut() -> None:
    with linked(partial=2) as (_, client, caller, server, served):
        send(client, caller, b"abcdefgh")
        assert receive(server, served, 4, WAIT_ALL) == b"abcd"
        assert receive(server, served, 4, PEEK | WAIT_ALL) == b"efgh"
        assert receive(server, served, 3) == b"efg", "what PEEK showed can be received in one call"
        assert receive(server, served, 3) == b"h"


def test_scattered_receives_are_cut() -> None:
    with linked(partial=1) as (_, client, caller, server, served):
        send(client, caller, b"ab")
        parts = [bytearray(), bytearray(2), bytearray(2)]
        assert served.recv(server.task, [memoryview(each) for each in parts], 0) == 1
        assert parts == [b"", b"a\0", b"\0\0"]


def test_python_receives_are_cut() -> None:
    with python_pair(partial=1) as (_, caller, served):
        caller.sendall(b"abcdefghijk")
        assert served.recv(9) == b"a"
        buffer = bytearray(4)
        assert served.recv_into(buffer) == 1
        assert served.recv_into(buffer, 2) == 1
        assert served.recvmsg(9)[0] == b"d"
        assert served.recvmsg_into([buffer, bytearray(2)])[0] == 1
        assert served.recv(3, socket.MSG_PEEK | socket.MSG_WAITALL) == b"fgh"
        assert served.recv(2) == b"fg"
        assert served.recv(2, socket.MSG_WAITALL) == b"hi"
        with served.makefile("rb") as file:
            assert file.read(2) == b"jk"


def test_asyncio_streams_over_a_link() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1000))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        with VirtualNetwork() as net, net.attach() as host:
            net.link(net, partial=10, latency=0.001)
            async with await host.start_server(serve, ("10.0.0.2", 80)):
                reader, writer = await net.open_connection(("10.0.0.2", 80))
                writer.write(bytes(1000))
                assert await reader.read() == bytes(1000)
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


# -- resets --------------------------------------------------------------------------------------


def test_reset_after_so_many_bytes() -> None:
    with linked(reset_after=5) as (link, client, caller, server, served):
        send(client, caller, b"abc")
        assert receive(server, served, 3, WAIT_ALL) == b"abc"
        send(server, served, b"1234")
        assert receive(client, caller, 4, WAIT_ALL) == b"1234", "each direction counts for itself"
        send(client, caller, b"defgh")
        assert receive(server, served, 2, WAIT_ALL) == b"de", "what was delivered can be read"
        with refusal(Errno.CONNRESET):
            receive(server, served)
        assert receive(server, served) == b""
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        with refusal(Errno.PIPE):
            send(client, caller, b"x")
        assert link.carried == 9


def test_after_the_last_byte_no_send_succeeds() -> None:
    for _ in range(50):
        with linked(reset_after=3) as (_, client, caller, server, served):
            send(client, caller, b"abc")
            assert receive(server, served, 3, WAIT_ALL) == b"abc"
            with refusal(Errno.CONNRESET):
                send(server, served, b"never")


def test_resetting_a_link() -> None:
    with linked() as (link, client, caller, server, served):
        send(client, caller, b"abc")
        assert receive(server, served, 3, WAIT_ALL) == b"abc"
        link.reset()
        assert pending_error(served) is Errno.CONNRESET
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        listener = server.listening("0.0.0.0", 81)
        client.connected(server.ip4, 81)
        assert server.accept(listener)


def test_python_is_told_of_resets() -> None:
    with python_pair() as (link, caller, served):
        link.reset()
        assert served.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
        with pytest.raises(ConnectionResetError):
            caller.recv(1)
        with pytest.raises(BrokenPipeError):
            caller.send(b"x")


def test_linger_of_zero_travels_behind_the_data() -> None:
    with linked(latency=LATENCY) as (_, client, caller, server, served):
        caller.channel.set_linger(0)
        send(client, caller, b"abc")
        client.drop(caller)
        assert pending_error(served) is Errno.SUCCESS, "the reset is still on its way"
        assert receive(server, served, 3, WAIT_ALL) == b"abc"
        with refusal(Errno.CONNRESET):
            receive(server, served)


def test_data_for_a_closed_socket_is_answered_with_a_reset() -> None:
    """Linux (tcp_reset): after the peer's FIN a sender gets EPIPE, and a receiver still the end."""
    with linked() as (_, client, caller, server, served):
        client.drop(caller)
        assert receive(server, served) == b""
        assert send(server, served, b"to nobody") == 9
        side = served.channel.side  # type: ignore[attr-defined]  # of a VirtualChannel
        deadline = monotonic() + PATIENCE
        while not side.broken:
            assert monotonic() < deadline
        with refusal(Errno.PIPE):
            send(server, served, b"x")
        assert receive(server, served) == b""


def await_event(guest: Guest, socket_: Socket, events: int) -> None:
    assert guest.task.poller.wait([(socket_.handle, events)], int(PATIENCE * 1e9))[0]


def test_closing_with_unread_data_resets() -> None:
    with linked() as (_, client, caller, server, served):
        send(client, caller, b"never read")
        await_event(server, served, READABLE)
        server.drop(served)
        with refusal(Errno.CONNRESET):
            receive(client, caller)


def test_a_listener_that_goes_resets_its_queue() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place)
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        server.drop(listener)
        with refusal(Errno.CONNRESET):
            receive(client, caller)


def test_a_listener_without_room() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place, latency=0.001)
        listener = server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        waiting = client.socket()
        waiting.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            waiting.connect(client.task, parse(server.ip4, 80))
        server.accept(listener)
        await_event(client, waiting, WRITABLE)
        assert pending_error(waiting) is Errno.SUCCESS
        refused = client.socket()
        refused.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            refused.connect(client.task, parse(server.ip4, 80))
        server.drop(listener)
        await_event(client, refused, WRITABLE)
        assert pending_error(refused) is Errno.CONNREFUSED


# -- partitions ----------------------------------------------------------------------------------


def test_data_waits_for_the_link_to_heal() -> None:
    with linked() as (link, client, caller, server, served):
        link.partition()
        assert link.partitioned
        send(client, caller, b"late")
        caller.shutdown(WRITE)
        served.receive_timeout = int(LATENCY * 1e9)
        with refusal(Errno.AGAIN):
            receive(server, served)
        served.receive_timeout = None
        link.heal()
        assert receive(server, served, 4, WAIT_ALL) == b"late"
        assert receive(server, served) == b""


def test_data_that_waits_too_long() -> None:
    """tcp(7), tcp_retries2: the sender gives up with ETIMEDOUT; the receiver hears nothing until it sends."""
    with linked() as (link, client, caller, server, served):
        link.data_timeout = LATENCY
        link.partition()
        send(client, caller, b"lost")
        await_event(client, caller, READABLE)
        with refusal(Errno.TIMEDOUT):
            receive(client, caller)
        assert receive(client, caller) == b""
        with refusal(Errno.PIPE):
            send(client, caller, b"x")
        assert not ready(server, served, READABLE)
        link.heal()
        assert not ready(server, served, READABLE)
        send(server, served, b"to nobody")
        with refusal(Errno.CONNRESET):
            receive(server, served)


def test_a_short_partition_costs_nothing() -> None:
    with linked() as (link, client, caller, server, served):
        link.data_timeout = PATIENCE
        for text in (b"one", b"two"):
            link.partition()
            send(client, caller, text)
            link.heal()
            assert receive(server, served, 3, WAIT_ALL) == text


def test_connect_goes_on_when_the_link_heals() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place)
        link.partition()
        server.listening("0.0.0.0", 80)
        aside = Aside(lambda: client.connected(server.ip4, 80, client.new_task()))
        await_journeys(net, 1)
        link.heal()
        assert aside.result().peer().port == 80


def test_connect_without_an_answer_times_out() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place)
        assert link.connect_timeout == 127
        link.connect_timeout = LATENCY
        link.partition()
        server.listening("0.0.0.0", 80)
        caller = client.socket()
        with refusal(Errno.TIMEDOUT):
            caller.connect(client.task, parse(server.ip4, 80))
        with pytest.raises(TimeoutError) as caught:
            net.connect((server.ip4, 80))
        assert caught.value.errno is None or caught.value.errno == errno.ETIMEDOUT
        link.heal()
        caller.connect(client.task, parse(server.ip4, 80))
        assert caller.peer().port == 80


def test_connect_can_be_given_up() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place).partition()
        server.listening("0.0.0.0", 80)
        caller = client.socket()
        caller.connect_timeout = 1_000_000
        with refusal(Errno.TIMEDOUT):
            caller.connect(client.task, parse(server.ip4, 80))
        caller.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            caller.connect(client.task, parse(server.ip4, 80))
        assert not ready(client, caller, WRITABLE)
        client.drop(caller)
        await_journeys(net, 0)
        with pytest.raises(TimeoutError):
            net.connect((server.ip4, 80), 0.001)


def test_closing_the_network_fails_connects_on_their_way() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place).partition()
        aside = Aside(lambda: client.connected(server.ip4, 80, client.new_task()))
        await_journeys(net, 1)
        net.close()
        with refusal(Errno.NETDOWN):
            aside.result()


def test_a_link_that_is_closed_has_no_conditions_any_more() -> None:
    with linked(partial=1) as (link, client, caller, server, served):
        link.partition()
        send(client, caller, b"abc")
        link.close()
        assert receive(server, served, 3) == b"abc"


# -- nothing is left -----------------------------------------------------------------------------


def test_the_relay_ends_when_there_is_nothing_to_carry() -> None:
    with linked() as (_, client, caller, server, served):
        (relay,) = relays()
        client.drop(caller)
        server.drop(served)
        relay.join(PATIENCE)
        assert not relay.is_alive()
        listener = server.listening("0.0.0.0", 81)
        again = client.connected(server.ip4, 81)
        send(client, again, b"x")
        assert receive(server, server.accept(listener)[0]) == b"x"


def test_sockets_closed_during_a_partition_leave_nothing() -> None:
    with linked() as (link, client, caller, server, served):
        (relay,) = relays()
        link.partition()
        fill(client, caller)
        client.drop(caller)
        server.drop(served)
        relay.join(PATIENCE)
        assert not relay.is_alive()


def test_closing_the_network_breaks_connections_off() -> None:
    before = open_files().keys()
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place, latency=LATENCY)
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        served, _ = server.accept(listener)
        send(client, caller, b"on its way")
        net.close()
        assert not relays()
        for guest, each in ((client, caller), (server, served)):
            with refusal(Errno.CONNRESET):
                receive(guest, each)
    assert open_files().keys() <= before


def test_an_idle_connection_costs_no_time() -> None:
    """Half-closed, hung up and waiting ends must not make the relay spin."""
    with linked() as (link, client, caller, server, served):
        caller.shutdown(WRITE)
        assert receive(server, served) == b""
        link.partition()
        send(server, served, b"waits")
        client.drop(caller)
        relay = net_relay(link)
        turns = count_turns(relay)
        select.select([], [], [], LATENCY)
        assert turns() < 10


def net_relay(link: Link) -> Any:
    return link._links.carrier


def count_turns(relay: Any) -> Any:
    """How often the relay's thread woke up since."""
    step, turns = relay._step, [0]

    def counted(*args: Any) -> Any:
        turns[0] += 1
        return step(*args)

    relay._step = counted
    return lambda: turns[0]


def test_many_connections_hammer_a_link() -> None:
    before = open_files().keys()
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place, partial=50, latency=0.0005)
        listener = server.listening("0.0.0.0", 80)
        address = parse(server.ip4, 80)

        def serve() -> None:
            task = server.new_task()
            for _ in range(100):
                served, _ = server.accept(listener, task)
                buffer = bytearray(1000)
                count = served.recv(task, [memoryview(buffer)], WAIT_ALL)
                served.send(task, [memoryview(buffer)[:count]], 0)
                server.drop(served)

        def call(number: int) -> None:
            task = client.new_task()
            for turn in range(50):
                data = bytes([number, turn]) * 500
                caller = client.socket()
                caller.connect(task, address)
                caller.send(task, [memoryview(bytearray(data))], 0)
                buffer = bytearray(1000)
                assert caller.recv(task, [memoryview(buffer)], WAIT_ALL) == 1000
                assert buffer == data
                client.drop(caller)

        asides = [Aside(serve), Aside(serve), *(Aside(partial(call, number)) for number in range(4))]
        for aside in asides:
            aside.result()
        assert link.carried == 4 * 50 * 2000
    assert open_files().keys() <= before


def test_everything_at_once_under_a_link_that_breaks() -> None:
    """Whatever the moment, a call succeeds or fails as it may, and every descriptor is given back."""
    before = open_files().keys()
    told = {Errno.CONNRESET, Errno.PIPE, Errno.TIMEDOUT, Errno.AGAIN}
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place, latency=0.0002, partial=9)
        link.connect_timeout = link.data_timeout = 0.005
        listener = server.listening("0.0.0.0", 80, backlog=2)
        done = threading.Event()

        def use(guest: Guest, socket_: Socket, task: Any) -> None:
            for _ in range(3):
                socket_.send(task, [memoryview(bytearray(5000))], 0)
                socket_.receive_timeout = 5_000_000
                socket_.recv(task, [memoryview(bytearray(5000))], WAIT_ALL)
            guest.drop(socket_)

        def run(guest: Guest, get: Any) -> int:
            task, turns = guest.new_task(), 0
            while not done.is_set():
                try:
                    socket_ = get(task)
                    use(guest, socket_, task)
                except SysError as error:
                    if error.errno not in told:
                        raise
                turns += 1
            return turns

        listener.receive_timeout = 5_000_000
        asides = [Aside(partial(run, server, lambda task: server.accept(listener, task)[0])) for _ in range(2)]
        asides += [Aside(partial(run, client, lambda task: client.connected(server.ip4, 80, task))) for _ in range(2)]
        for _ in range(30):
            for act in (link.partition, link.reset, link.heal, link.reset):
                act()
                select.select([], [], [], 0.001)
        done.set()
        assert all(aside.result() for aside in asides)
    assert not relays()
    assert open_files().keys() <= before


def test_no_descriptor_is_left_for_the_relay() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place)
        server.listening("0.0.0.0", 80)
        caller = client.socket()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_files()) + 1, limits[1]))
        held = []
        try:
            with suppress(OSError):
                while True:
                    held.append(os.dup(0))
            with refusal(Errno.MFILE):
                caller.connect(client.task, parse(server.ip4, 80))
        finally:
            for fd in held:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        caller.connect(client.task, parse(server.ip4, 80))
        assert caller.peer().port == 80
