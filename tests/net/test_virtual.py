"""The virtual network: guests and Python meet, and each knows who the other is."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from net.virtual_guest import (
    Aside,
    Guest,
    guests,
    ready,
    receive,
    refusal,
    send,
)
from pywasix import VirtualNetwork
from pywasix.abi.enums import SockOption
from pywasix.abi.errno import Errno
from pywasix.kernel.wait import READABLE
from pywasix.net.address import INET4, INET6, Address, parse
from pywasix.net.states import State
from support import PATIENCE

REUSE_ADDR, REUSE_PORT = SockOption.REUSE_ADDR, SockOption.REUSE_PORT
ONLY_V6 = SockOption.ONLY_V6
VERSIONS = pytest.mark.parametrize("version", [4, 6])


def address_of(guest: Guest, version: int) -> str:
    return guest.ip4 if version == 4 else guest.ip6


# -- meeting ----------------------------------------------------------------


@VERSIONS
def test_guest_calls_guest(version: int) -> None:
    with guests(2) as (server, client):
        host = address_of(server, version)
        listener = server.listening(host, 80)
        caller = client.connected(host, 80)
        served, peer = server.accept(listener)
        assert peer == caller.local() == served.peer()
        assert peer.host == address_of(client, version)
        assert caller.peer() == served.local() == parse(host, 80)
        assert send(client, caller, b"ping") == 4
        assert receive(server, served) == b"ping"
        assert send(server, served, b"pong") == 4
        assert receive(client, caller) == b"pong"


@VERSIONS
def test_python_calls_guest(version: int) -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        host = address_of(server, version)
        listener = server.listening(host, 80)
        with net.connect((host, 80), timeout=PATIENCE) as caller:
            served, peer = server.accept(listener)
            assert caller.getsockname()[:2] == (net.addresses[version == 6], peer.port)
            assert caller.getpeername()[:2] == (host, 80)
            assert peer.host == net.addresses[version == 6]
            caller.sendall(b"hello")
            assert receive(server, served) == b"hello"
            send(server, served, b"bye")
            assert caller.recv(10) == b"bye"


@VERSIONS
def test_guest_calls_python(version: int) -> None:
    with VirtualNetwork() as net, guests(1, net) as (client,):
        listener = net.listen((net.addresses[version == 6], 0))
        host, port = listener.getsockname()[:2]
        caller = client.connected(host, port)
        served, name = listener.accept()
        with served:
            assert name == served.getpeername()
            assert name[:2] == (address_of(client, version), caller.local().port)
            assert served.getsockname()[:2] == (host, port)
            served.sendall(b"hello")
            assert receive(client, caller) == b"hello"


@VERSIONS
def test_a_thousand_callers_are_told_apart(version: int) -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        host = address_of(server, version)
        listener = server.listening(host, 80, backlog=1000)
        callers = [net.connect((host, 80)) for _ in range(1000)]
        try:
            names = [caller.getsockname()[:2] for caller in callers]
            assert len(set(names)) == 1000
            found = []
            for _ in callers:
                served, peer = server.accept(listener)
                found.append((peer.host, peer.port))
                assert served.peer() == peer
                send(server, served, b"%d" % peer.port)
            assert found == names, "the queue keeps its order"
            assert [int(caller.recv(10)) for caller in callers] == [port for _, port in names]
            assert not ready(server, listener)
        finally:
            for caller in callers:
                caller.close()


def test_two_threads_accept_each_caller_once() -> None:
    total = 400
    with VirtualNetwork() as net, guests(1, net) as (server,):
        listener = server.listening("0.0.0.0", 80)
        listener.receive_timeout = None
        found: Counter[int] = Counter()
        lock = threading.Lock()

        def serve() -> None:
            task = server.new_task()
            while True:
                served, peer = listener.accept(task, False)
                served.close()
                if peer.host != net.addresses[0]:
                    return
                with lock:
                    found[peer.port] += 1

        asides = [Aside(serve) for _ in range(2)]
        ports = []
        for _ in range(total):
            with net.connect((server.ip4, 80)) as caller:
                ports.append(caller.getsockname()[1])
        for _ in asides:  # callers from another address end the threads
            server.connected("127.0.0.1", 80)
        for aside in asides:
            aside.result()
        assert found == Counter(ports)


@VERSIONS
def test_loopback_is_private(version: int) -> None:
    host = "127.0.0.1" if version == 4 else "::1"
    with guests(2) as (one, two):
        listener = one.listening(host, 80)
        caller = one.connected(host, 80)
        _, peer = one.accept(listener)
        assert peer == caller.local()
        assert peer.host == host
        with refusal(Errno.CONNREFUSED):
            two.connected(host, 80)
        with refusal(Errno.CONNREFUSED):
            two.connected(address_of(one, version), 80)


@pytest.mark.parametrize("ip", ["10.0.0.2", "127.0.0.1", "127.8.8.8"])
def test_a_wildcard_listener_answers_at_every_own_address(ip: str) -> None:
    with guests(1) as (server,):
        listener = server.listening("0.0.0.0", 80)
        caller = server.connected(ip, 80)
        served, peer = server.accept(listener)
        assert served.local() == parse(ip, 80)
        assert peer == caller.local()
        assert peer.host == ("127.0.0.1" if ip.startswith("127") else ip)


def test_dual_stack_shows_mapped_addresses() -> None:
    with guests(2) as (server, client):
        listener = server.listening("::", 80)
        caller = client.connected(server.ip4, 80)
        served, peer = server.accept(listener)
        assert peer == parse(f"::ffff:{client.ip4}", caller.local().port)
        assert served.local() == parse(f"::ffff:{server.ip4}", 80)
        six = client.connected(server.ip6, 80)
        assert server.accept(listener)[1] == six.local()


def test_an_ipv6_socket_calls_an_ipv4_listener() -> None:
    with guests(2) as (server, client):
        listener = server.listening(server.ip4, 80)
        caller = client.connected(f"::ffff:{server.ip4}", 80)
        _, peer = server.accept(listener)
        assert peer == parse(client.ip4, caller.local().port)
        assert caller.local() == parse(f"::ffff:{client.ip4}", peer.port)


def test_the_more_specific_listener_is_chosen() -> None:
    with guests(1) as (server,):
        everywhere = server.socket(INET6)
        only = server.bound(server.ip4, 80)
        for socket in (everywhere, only):
            socket.channel.set_option(REUSE_PORT, 1)
        only_listens = server.socket(INET4)
        only_listens.channel.set_option(REUSE_PORT, 1)
        only_listens.bind(parse("127.0.0.1", 81))
        everywhere.bind(Address(INET6, bytes(16), 81))
        everywhere.listen(5)
        only_listens.listen(5)
        server.connected("127.0.0.1", 81)
        assert ready(server, only_listens) == READABLE
        assert not ready(server, everywhere)
        server.connected(server.ip4, 81)
        assert ready(server, everywhere) == READABLE


def test_listeners_that_share_a_port_share_the_callers() -> None:
    with guests(1) as (server,):
        listeners = []
        for _ in range(2):
            socket = server.socket()
            socket.channel.set_option(REUSE_PORT, 1)
            socket.bind(parse("0.0.0.0", 80))
            socket.listen(5)
            listeners.append(socket)
        for _ in range(4):
            server.connected(server.ip4, 80)
        for listener in listeners:
            server.accept(listener)
            server.accept(listener)
            assert not ready(server, listener)


@pytest.mark.parametrize("ip", ["0.0.0.0", "::"])
def test_a_wildcard_destination_means_this_host(ip: str) -> None:
    with guests(1) as (server,):
        listener = server.listening("::", 80)
        caller = server.connected(ip, 80)
        server.accept(listener)
        assert caller.peer().host == ("127.0.0.1" if ip == "0.0.0.0" else "::1")


# -- refusals ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("ip", "errno"),
    [
        ("10.0.0.2", Errno.CONNREFUSED),
        ("10.0.0.1", Errno.CONNREFUSED),
        ("127.0.0.1", Errno.CONNREFUSED),
        ("fd00::1", Errno.CONNREFUSED),
        ("10.0.0.77", Errno.HOSTUNREACH),
        ("fd00::77", Errno.HOSTUNREACH),
        ("10.0.0.255", Errno.NETUNREACH),
        ("8.8.8.8", Errno.NETUNREACH),
        ("2001:db8::1", Errno.NETUNREACH),
        ("224.0.0.1", Errno.NETUNREACH),
    ],
)
def test_connect_refusals(ip: str, errno: Errno) -> None:
    with guests(1) as (client,):
        address = parse(ip, 80)
        socket = client.socket(address.family)
        with refusal(errno):
            socket.connect(client.task, address)
        assert socket.state is State.FAILED


def test_connect_again_after_a_refusal() -> None:
    with guests(1) as (client,):
        socket = client.socket()
        with refusal(Errno.CONNREFUSED):
            socket.connect(client.task, parse("127.0.0.1", 80))
        client.listening("0.0.0.0", 80)
        socket.connect(client.task, parse("127.0.0.1", 80))
        assert socket.state is State.CONNECTED


@pytest.mark.parametrize(
    ("bound", "destination", "only_v6", "errno"),
    [
        ("::1", "::ffff:127.0.0.1", 0, Errno.NETUNREACH),
        ("::", "::ffff:127.0.0.1", 1, Errno.NETUNREACH),
        ("::ffff:127.0.0.1", "::1", 0, Errno.AFNOSUPPORT),
        ("127.0.0.1", "10.0.0.1", 0, Errno.INVAL),
        ("::1", "fd00::1", 0, Errno.NETUNREACH),
    ],
)
def test_connect_from_an_address_that_does_not_fit(bound: str, destination: str, only_v6: int, errno: Errno) -> None:
    with guests(1) as (client,):
        client.listening("::", 80)
        local = parse(bound, 0)
        socket = client.socket(local.family)
        if only_v6:
            socket.channel.set_option(ONLY_V6, 1)
        socket.bind(local)
        with refusal(errno):
            socket.connect(client.task, parse(destination, 80))


def test_a_bound_caller_keeps_its_port() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        caller = client.bound("0.0.0.0", 1234)
        caller.connect(client.task, parse(server.ip4, 80))
        assert caller.local() == parse(client.ip4, 1234)
        assert server.accept(listener)[1] == parse(client.ip4, 1234)


def test_one_pair_of_addresses_makes_one_connection() -> None:
    with guests(2) as (server, client):
        server.listening("0.0.0.0", 80)
        callers = []
        for _ in range(2):
            caller = client.socket()
            caller.channel.set_option(REUSE_ADDR, 1)
            caller.bind(parse("0.0.0.0", 1234))
            callers.append(caller)
        callers[0].connect(client.task, parse(server.ip4, 80))
        with refusal(Errno.ADDRNOTAVAIL):
            callers[1].connect(client.task, parse(server.ip4, 80))
