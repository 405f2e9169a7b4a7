"""Many threads on one virtual network: nobody is lost, nobody is served twice, nothing is left behind."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

from net.virtual_guest import Aside, guests
from pywasix import VirtualNetwork
from pywasix.abi.enums import SockOption
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import parse
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
    assert open_files().keys() == before


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
    assert open_files().keys() == before
