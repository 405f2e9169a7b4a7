"""Python's sockets on the virtual network behave as those of the `socket` module, in asyncio too."""

from __future__ import annotations

import asyncio
import errno
import http.client
import resource
import select
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from net.virtual_guest import Aside, guests, os_refusal, refusal
from pywasix import VirtualNetwork
from pywasix.abi.errno import Errno
from pywasix.host.virtual import VirtualListener
from support import PATIENCE, open_files

# -- connecting and listening -----------------------------------------------


def test_refusals() -> None:
    with VirtualNetwork() as net:
        with pytest.raises(ConnectionRefusedError):
            net.connect(("10.0.0.1", 80))
        with os_refusal(errno.EHOSTUNREACH):
            net.connect(("10.0.0.9", 80))
        with os_refusal(errno.ENETUNREACH):
            net.connect(("9.9.9.9", 80))
        with os_refusal(errno.EADDRNOTAVAIL):
            net.listen(("10.0.0.9", 80))
        with net.listen(("0.0.0.0", 80)), os_refusal(errno.EADDRINUSE):
            net.listen(("10.0.0.1", 80))
    with os_refusal(errno.ENETDOWN):
        net.connect(("10.0.0.1", 80))


@pytest.mark.parametrize("address", [("localhost", 80), ("10.0.0.1", -1), ("10.0.0.1", 65536), ("10.0.0.1", "80")])
def test_what_is_no_address(address: tuple[Any, ...]) -> None:
    with VirtualNetwork() as net:
        for call in (net.connect, net.listen, net.wait_listening):
            with pytest.raises(ValueError, match=r"port|address"):
                call(address)


def test_the_ways_to_wait_in_accept() -> None:
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)) as listener:
        listener.settimeout(0.01)
        with pytest.raises(TimeoutError):
            listener.accept()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        listener.setblocking(True)
        aside = Aside(listener.accept)
        with net.connect(("10.0.0.1", 80)) as caller:
            served, name = aside.result()
            assert name == caller.getsockname()
            assert served.gettimeout() is None
            served.close()


def test_a_listener_can_be_polled() -> None:
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)) as listener:
        poll = select.poll()
        poll.register(listener, select.POLLIN | select.POLLOUT)
        assert poll.poll(0) == []
        with net.connect(("10.0.0.1", 80)):
            assert poll.poll(0) == [(listener.fileno(), select.POLLIN)]
            listener.accept()[0].close()
        assert poll.poll(0) == []


@pytest.mark.parametrize("end", ["listener", "network"])
def test_closing_ends_a_blocked_accept(end: str) -> None:
    with VirtualNetwork() as net:
        listener = net.listen(("10.0.0.1", 80))
        aside = Aside(listener.accept)
        (listener if end == "listener" else net).close()
        with os_refusal(errno.EBADF, errno.ENETDOWN):
            aside.result()
        assert listener.fileno() == -1
        listener.close()


def test_a_closed_listener() -> None:
    with VirtualNetwork() as net:
        listener = net.listen(("10.0.0.1", 80), backlog=0)
        with net.connect(("10.0.0.1", 80)) as caller:
            listener.close()
            with pytest.raises(ConnectionResetError):
                caller.recv(1)
            assert caller.recv(1) == b""
        with pytest.raises(OSError, match="closed"):
            listener.accept()
        net.listen(("10.0.0.1", 80)).close()


def test_listen_changes_the_backlog() -> None:
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80), backlog=0) as listener:
        first = net.connect(("10.0.0.1", 80))
        with first, pytest.raises(TimeoutError):
            net.connect(("10.0.0.1", 80), timeout=0.01)
        listener.accept()[0].close()
        with net.connect(("10.0.0.1", 80)):
            listener.listen(1)
            net.connect(("10.0.0.1", 80), timeout=PATIENCE).close()


def test_a_listener_that_goes_refuses_who_waits_in_connect() -> None:
    with VirtualNetwork() as net:
        listener = net.listen(("10.0.0.1", 80), backlog=0)
        with net.connect(("10.0.0.1", 80)):
            aside = Aside(lambda: net.connect(("10.0.0.1", 80), PATIENCE))
            listener.close()
            with pytest.raises(ConnectionRefusedError):
                aside.result()


def test_waiting_for_a_listener() -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        address = (server.ip4, 80)
        with pytest.raises(TimeoutError):
            net.wait_listening(address, timeout=0)
        aside = Aside(lambda: net.wait_listening(address, PATIENCE))
        server.listening("0.0.0.0", 80)
        aside.result()
        net.wait_listening(address)
        with pytest.raises(OSError, match="no way"):
            net.wait_listening(("8.8.8.8", 80))


def test_waiting_for_a_guest_that_is_not_attached_yet() -> None:
    with VirtualNetwork() as net:
        aside = Aside(lambda: net.wait_listening(("10.0.0.2", 80), PATIENCE))
        with guests(1, net) as (server,):
            server.listening("0.0.0.0", 80)
            aside.result()


def test_closing_the_network_ends_the_wait_for_a_listener() -> None:
    with VirtualNetwork() as net:
        aside = Aside(lambda: net.wait_listening(("10.0.0.1", 80)))
        net.close()
        with os_refusal(errno.ENETDOWN):
            aside.result()


def test_a_guests_loopback_is_not_pythons() -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        server.listening("127.0.0.1", 80)
        with pytest.raises(ConnectionRefusedError):
            net.connect((server.ip4, 80))
        with net.listen(("127.0.0.1", 80)) as listener, net.connect(("127.0.0.1", 80)) as caller:
            served, name = listener.accept()
            assert name == caller.getsockname()
            served.close()


# -- with the standard library's servers ------------------------------------


class Hello(BaseHTTPRequestHandler):
    """Tells the caller its address."""

    def do_GET(self) -> None:
        body = repr(self.client_address).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def test_the_standard_librarys_http_works() -> None:
    with VirtualNetwork() as net:
        server = HTTPServer(("10.0.0.1", 80), Hello, bind_and_activate=False)
        server.socket.close()
        server.socket = net.listen(("10.0.0.1", 80))
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        client = http.client.HTTPConnection("10.0.0.1", 80)
        client._create_connection = lambda address, *rest: net.connect(address)  # type: ignore[attr-defined]  # the hook that http.client has for this
        client.request("GET", "/")
        assert client.sock is not None
        name = client.sock.getsockname()
        assert client.getresponse().read() == repr(name).encode()
        client.close()
        thread.join(PATIENCE)
        server.server_close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data + repr(writer.get_extra_info("peername")).encode())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


def test_asyncio_meets_itself() -> None:
    async def main() -> None:
        with VirtualNetwork() as net:
            server = await net.start_server(echo, ("10.0.0.1", 80))
            async with server:
                reader, writer = await net.open_connection(("10.0.0.1", 80))
                name = writer.get_extra_info("sockname")
                assert writer.get_extra_info("peername") == ("10.0.0.1", 80)
                writer.write(b"hello ")
                writer.write_eof()
                assert await reader.read() == b"hello " + repr(name).encode()
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


def test_asyncio_waits_for_room_and_can_be_cancelled() -> None:
    async def main() -> None:
        with VirtualNetwork() as net, net.listen(("10.0.0.1", 80), backlog=0) as listener:
            first = net.connect(("10.0.0.1", 80))
            waiting = asyncio.create_task(net.open_connection(("10.0.0.1", 80)))
            given_up = asyncio.create_task(net.open_connection(("10.0.0.1", 80)))
            await asyncio.sleep(0)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            listener.accept()[0].close()
            first.close()
            _, writer = await waiting
            served, name = listener.accept()
            assert name == writer.get_extra_info("sockname")
            writer.close()
            await writer.wait_closed()
            served.close()

    asyncio.run(main())


def test_asyncio_refusals() -> None:
    async def main() -> None:
        with VirtualNetwork() as net:
            with pytest.raises(ConnectionRefusedError):
                await net.open_connection(("10.0.0.1", 80))
            with pytest.raises(TypeError):
                await net.start_server(echo, ("10.0.0.1", 80), nonsense=1)
            net.listen(("10.0.0.1", 80)).close()
            with net.listen(("10.0.0.1", 80)), pytest.raises(TypeError):
                await net.open_connection(("10.0.0.1", 80), nonsense=1)

    asyncio.run(main())


# -- what is left behind ----------------------------------------------------


def test_no_descriptor_is_left() -> None:
    before = open_files().keys()
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        served, _ = server.accept(listener)
        client.connected(server.ip4, 80)  # in the queue when everything ends
        late = client.socket()
        late.set_flags(1 << 2)
        with pytest.raises(Exception, match="INPROGRESS"):
            late.connect(client.task, served.local())
        with pytest.raises(TimeoutError):
            net.connect((server.ip4, 80), timeout=0)
        with pytest.raises(ConnectionRefusedError):
            net.connect((server.ip4, 81))
        python = net.listen(("10.0.0.1", 80))
        with pytest.raises(OSError, match="in use"):
            net.listen(("10.0.0.1", 80))
        net.connect(("10.0.0.1", 80)).close()
        assert isinstance(python, VirtualListener)
        assert open_files().keys() > before
    assert open_files().keys() <= before


def test_the_program_has_no_descriptors_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with VirtualNetwork() as net, guests(1, net) as (guest,), net.listen(("10.0.0.1", 80)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(set(range(soft)) - open_files().keys()), hard))
        try:
            with os_refusal(errno.EMFILE):
                net.connect(("10.0.0.1", 80))
            with os_refusal(errno.EMFILE):
                net.listen(("10.0.0.1", 81))
            with refusal(Errno.MFILE):
                guest.socket()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        net.connect(("10.0.0.1", 80)).close()
        net.listen(("10.0.0.1", 81)).close()
        guest.socket()
