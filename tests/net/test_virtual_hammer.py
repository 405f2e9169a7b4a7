"""Many threads on one virtual network: nobody is lost, nobody is served twice, nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from net.virtual_guest import DATAGRAM, Aside, Guest, guests
from pywasix import VirtualNetwork
from pywasix.abi.enums import SockOption
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, parse
from pywasix.net.sockets import Socket
from support import PATIENCE, open_files

REUSE_ADDR = SockOption.REUSE_ADDR
CALLERS = 4
CALLS = 100


def test_connections_through_a_short_queue() -> None:
    """Guests and Python call at once, through a queue of one, so that most of them wait for room."""
    before = open_files().keys()
    with VirtualNetwork() as net, guests(CALLERS + 1, net) as (server, *clients):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        address = parse(server.ip4, 80)
        told: list[str] = []
        lock = threading.Lock()

        def serve() -> None:
            task = server.new_task()
            while True:
                served, peer = listener.accept(task, False)
                if peer.host == "127.0.0.1":
                    served.close()
                    return
                served.send(task, [memoryview(str(peer).encode())], 0)
                served.close()

        def call_as_guest(number: int) -> None:
            client = clients[number]
            task = client.new_task()
            for _ in range(CALLS):
                caller = client.socket()
                caller.connect(task, address)
                name, buffer = str(caller.local()), bytearray(99)
                count = caller.recv(task, [memoryview(buffer)], 0)
                assert buffer[:count].decode() == name
                client.drop(caller)
                with lock:
                    told.append(name)

        def call_as_python() -> None:
            for _ in range(CALLS):
                with net.connect((server.ip4, 80), PATIENCE) as caller:
                    name = "{}:{}".format(*caller.getsockname())
                    assert caller.recv(99).decode() == name
                with lock:
                    told.append(name)

        serving = [Aside(serve) for _ in range(2)]
        calling = [Aside(partial(call_as_guest, number)) for number in range(CALLERS)]
        calling.append(Aside(call_as_python))
        for aside in calling:
            aside.result()
        for _ in serving:
            server.connected("127.0.0.1", 80)
        for aside in serving:
            aside.result()
        assert len(told) == len(set(told)) == (CALLERS + 1) * CALLS
    assert open_files().keys() <= before


def test_listeners_come_and_go_under_their_callers() -> None:
    """Whatever the moment, a caller is connected, refused or reset, and every descriptor is given back."""
    before = open_files().keys()
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        done = threading.Event()

        def call() -> None:
            task = client.new_task()
            while not done.is_set():
                caller = client.socket()
                caller.connect_timeout = 1_000_000
                try:
                    caller.connect(task, parse(server.ip4, 80))
                    caller.recv(task, [memoryview(bytearray(1))], 0)
                except SysError as error:
                    if error.errno not in (Errno.CONNREFUSED, Errno.CONNRESET, Errno.TIMEDOUT):
                        raise
                client.drop(caller)

        def call_from_python() -> None:
            while not done.is_set():
                with (
                    suppress(ConnectionRefusedError, ConnectionResetError, TimeoutError),
                    net.connect((server.ip4, 80), 0.001) as caller,
                ):
                    caller.recv(1)

        callers = [Aside(call), Aside(call), Aside(call_from_python)]
        for _ in range(CALLS):
            listener = server.socket()
            listener.channel.set_option(REUSE_ADDR, 1)
            listener.bind(parse("0.0.0.0", 80))
            listener.listen(1)
            served, _ = server.accept(listener)
            server.drop(listener)
            server.drop(served)
        done.set()
        for aside in callers:
            aside.result()
    assert open_files().keys() <= before


def test_datagrams_from_everywhere_at_once() -> None:
    """Two guests and Python, with several tasks each: every question is answered, by whom it was asked."""
    rounds, askers = 150, 3
    with VirtualNetwork() as net, guests(2, net) as found:
        servers = [guest.bound("0.0.0.0", 7, DATAGRAM) for guest in found]
        mine = net.datagram(("0.0.0.0", 7))
        mine.settimeout(PATIENCE)

        def serve(guest: Guest, server: Socket) -> None:
            task, buffer = guest.new_task(), bytearray(100)
            while True:
                count, _, sender = server.recv_from(task, [memoryview(buffer)], 0)
                if buffer[:count] == b"end":
                    return
                server.send_to(task, [memoryview(buffer)[:count]], 0, sender)

        def serve_python() -> None:
            while True:
                data, sender = mine.recvfrom(100)
                if data == b"end":
                    return
                mine.sendto(data, sender)

        def ask(guest: Guest, number: int) -> int:
            task, buffer = guest.new_task(), bytearray(100)
            client = guest.socket(INET4, DATAGRAM)
            hosts = [net.addresses[0], *(each.ip4 for each in found)]
            for turn in range(rounds):
                host = parse(hosts[turn % len(hosts)], 7)
                text = f"{guest.ip4} {number} {turn}".encode()
                client.send_to(task, [memoryview(bytearray(text))], 0, host)
                count, _, sender = client.recv_from(task, [memoryview(buffer)], 0)
                assert (bytes(buffer[:count]), sender) == (text, host)
            return rounds

        serving = [Aside(partial(serve, guest, server)) for guest, server in zip(found, servers, strict=True)]
        serving.append(Aside(serve_python))
        asking = [Aside(partial(ask, guest, number)) for guest in found for number in range(askers)]
        assert [each.result() for each in asking] == [rounds] * len(asking)
        with net.datagram() as last:
            for host in (net.addresses[0], *(each.ip4 for each in found)):
                last.sendto(b"end", (host, 7))
        for each in serving:
            each.result()
        mine.close()


def test_datagram_sockets_come_and_go_under_their_peers() -> None:
    """Ports, groups and errors come and go while others send there; nothing is left and nothing breaks."""
    with guests(2) as (one, two):
        stop = threading.Event()
        group = parse("239.1.2.3", 0).ip

        def come_and_go() -> int:
            count = 0
            while not stop.is_set():
                channel = one.place.open(INET4, DATAGRAM)
                channel.bind(parse("0.0.0.0", 7))
                channel.set_membership(group, bytes(4), True)
                channel.close()
                count += 1
            return count

        def knock(host: str) -> int:
            channel = two.place.open(INET4, DATAGRAM)
            channel.connect(parse(host, 7))
            refused = 0
            for _ in range(2000):
                try:
                    channel.send(memoryview(b"x"), 0)
                except SysError as error:
                    if error.errno is not Errno.CONNREFUSED:
                        raise
                    refused += 1
            channel.close()
            return refused

        coming = Aside(come_and_go)
        knocking = [Aside(partial(knock, host)) for host in (one.ip4, "239.1.2.3")]
        refused = [each.result() for each in knocking]
        stop.set()
        assert coming.result() > 0
        assert refused[1] == 0, "nobody answers for a group"
        channel = one.place.open(INET4, DATAGRAM)
        channel.bind(parse("0.0.0.0", 7))
        channel.close()


def test_the_network_and_its_user_close_the_same_sockets() -> None:
    """Whoever comes second finds nothing to do."""
    failures: list[BaseException] = []

    def close_all(gate: threading.Barrier, closers: list[Callable[[], None]]) -> None:
        gate.wait()
        for close in closers:
            try:
                close()
            except BaseException as error:
                failures.append(error)

    for _ in range(50):
        network = VirtualNetwork()
        place = network.attach()
        sockets = [*(network.listen(("0.0.0.0", 0)) for _ in range(5)), *(network.datagram() for _ in range(5))]
        named = [place.listen_unix(f"/{number}") for number in range(5)]
        gate = threading.Barrier(2)
        user = threading.Thread(target=close_all, args=(gate, [each.close for each in (*sockets, *named)]))
        user.start()
        close_all(gate, [network.close, place.close])
        user.join()
        assert not failures
