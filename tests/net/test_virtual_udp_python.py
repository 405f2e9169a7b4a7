"""Python's UDP sockets on the virtual network behave as those of the `socket` module, in asyncio too."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from typing import Any, cast

import pytest

from net.virtual_guest import Aside, Guest, guests, os_refusal
from net.virtual_udp import nothing, post, take, udp
from pywasix import VirtualNetwork
from pywasix.net.address import parse
from support import PATIENCE

HERE = ("10.0.0.1", 53)


def test_python_and_a_guest_talk() -> None:
    with VirtualNetwork() as net, guests(1, net) as (guest,):
        with net.datagram(HERE) as sock:
            client = udp(guest)
            post(client, b"ask", *HERE)
            assert sock.getsockname() == HERE
            data, address = sock.recvfrom(100)
            assert (data, address) == (b"ask", (guest.ip4, client.local().port))
            assert sock.sendto(b"answer", address) == 6
            assert take(client) == (b"answer", parse(*HERE))
            assert sock.sendto(b"flags", 0, address) == 5
        with net.datagram(peer=(guest.ip6, 9)) as six:
            assert six.getsockname()[0] == "fd00::1"
            assert six.getpeername() == (guest.ip6, 9, 0, 0)


def test_the_ways_to_receive_and_to_send() -> None:
    with VirtualNetwork() as net, net.datagram(HERE) as sock, net.datagram(peer=HERE) as caller:
        sock.settimeout(PATIENCE)
        name = caller.getsockname()
        buffer = bytearray(10)
        caller.sendall(b"data")
        assert caller.send(b"data") == 4
        assert caller.sendmsg([b"da", b"ta"]) == 4
        assert caller.sendmsg([b"data"], (), 0, HERE) == 4
        assert caller.sendto(b"data", HERE) == 4
        assert caller.sendto(bytearray(b"data"), 0, HERE) == 4
        assert sock.recv(10) == b"data"
        assert sock.recv_into(buffer) == 4
        assert sock.recvfrom_into(buffer, 2) == (2, name)
        assert sock.recvmsg(2) == (b"da", [], socket.MSG_TRUNC, name)
        assert sock.recvmsg_into([buffer]) == (4, [], 0, name)
        assert sock.recv(10, socket.MSG_PEEK) == b"data"
        assert sock.recv(10) == b"data"
        assert bytes(buffer[:4]) == b"data"


def test_the_ways_to_wait() -> None:
    with VirtualNetwork() as net, net.datagram(HERE) as sock, net.datagram() as caller:
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sock.recvfrom(1)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recvfrom(1)
        poll = select.poll()
        poll.register(sock, select.POLLIN | select.POLLOUT)
        assert poll.poll(0) == [(sock.fileno(), select.POLLOUT)]
        caller.sendto(b"x", HERE)
        assert poll.poll(PATIENCE * 1000) == [(sock.fileno(), select.POLLIN | select.POLLOUT)]
        sock.setblocking(True)
        assert sock.recv(1) == b"x"
        aside = Aside(lambda: sock.recvfrom(1))
        caller.sendto(b"y", HERE)
        assert aside.result() == (b"y", ("10.0.0.1", caller.getsockname()[1]))


@pytest.mark.parametrize("who", ["socket", "network"])
def test_closing_wakes_who_waits(who: str) -> None:
    with VirtualNetwork() as net:
        sock = net.datagram(HERE)
        aside = Aside(lambda: sock.recvfrom(1))
        closed = sock if who == "socket" else net
        closed.close()
        with os_refusal(errno.EBADF, errno.ENETDOWN):
            aside.result()
        with os_refusal(errno.EBADF):
            sock.getsockname()
        sock.close()


def test_refusals() -> None:
    with VirtualNetwork() as net, net.datagram() as sock, net.datagram(("::", 1000)) as six:
        for host, number in (("9.9.9.9", errno.ENETUNREACH), ("10.0.0.255", errno.EACCES)):
            with os_refusal(number):
                sock.sendto(b"x", (host, 1))
        with os_refusal(errno.EMSGSIZE):
            sock.sendto(bytes(65508), HERE)
        with os_refusal(errno.EDESTADDRREQ):
            sock.send(b"x")
        with os_refusal(errno.ENOTCONN):
            sock.getpeername()
        with os_refusal(errno.ENOTCONN):
            sock.shutdown(socket.SHUT_WR)
        for call in (lambda: sock.bind(("::", 1)), lambda: six.sendto(b"x", HERE), lambda: sock.connect(("::1", 1))):
            with os_refusal(errno.EAFNOSUPPORT):
                call()
        assert sock.connect_ex(("9.9.9.9", 1)) == errno.ENETUNREACH
        assert sock.connect_ex(("10.0.0.1", 1)) == 0
        with os_refusal(errno.EPIPE):
            sock.send(b"the shutdown closed it all the same")
        with os_refusal(errno.EOPNOTSUPP):
            sock.dup()
        with os_refusal(errno.EOPNOTSUPP):
            sock.detach()
        with os_refusal(errno.EADDRINUSE):
            net.datagram(("::", 1000))
        with pytest.raises(ValueError, match="AF_INET"):
            net.datagram(family=socket.AF_UNIX)
        with pytest.raises(ValueError, match="address"):
            sock.sendto(b"x", ("localhost", 1))
        with pytest.raises(TypeError):
            sock.sendto(b"x")
        with pytest.raises(ValueError, match="negative"):
            sock.recvfrom(-1)
    with os_refusal(errno.ENETDOWN):
        net.datagram()


def test_a_refusal_is_told_once() -> None:
    with VirtualNetwork() as net, net.datagram(peer=("10.0.0.1", 9)) as sock:
        sock.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(1)
        sock.send(b"x")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        sock.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sock.send(b"x")


def test_options() -> None:
    with VirtualNetwork() as net, net.datagram(HERE, reuse_port=True, broadcast=True) as sock:
        assert sock.type is socket.SOCK_DGRAM
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST) == 1
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 4) == b"\x01\0\0\0"
        with net.datagram(HERE, reuse_port=True) as other:
            assert other.getsockname() == HERE
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, bytes(4))
        with os_refusal(errno.EADDRINUSE):
            net.datagram(HERE, reuse_port=True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10000)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 20000
        with os_refusal(errno.ENOPROTOOPT):
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with os_refusal(errno.EFAULT):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, None, 16)
        assert len(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)) == 16


def test_wait_bound() -> None:
    with VirtualNetwork() as net, guests(1, net) as (guest,):
        with pytest.raises(TimeoutError, match="bound"):
            net.wait_bound((guest.ip4, 53), 0.01)
        aside = Aside(lambda: net.wait_bound((guest.ip4, 53), PATIENCE))
        udp(guest, "0.0.0.0", 53)
        aside.result()
        net.wait_bound((guest.ip4, 53))
        with os_refusal(errno.ENETUNREACH):
            net.wait_bound(("9.9.9.9", 53))


# -- asyncio ----------------------------------------------------------------


def test_asyncio_talks_to_a_guest() -> None:
    async def talk(net: VirtualNetwork, guest: Guest) -> None:
        client = udp(guest, "0.0.0.0", 1000)
        async with await net.open_datagram(HERE) as end:
            assert end.getsockname() == HERE
            waiting = asyncio.ensure_future(end.recvfrom())
            await asyncio.sleep(0)
            post(client, b"ask", *HERE)
            data, address = await waiting
            assert data == b"ask"
            assert await end.sendto(b"answer", address) == 6
            end.socket.connect(address)
            assert await end.sendto(b"more") == 4
        assert [take(client)[0] for _ in range(2)] == [b"answer", b"more"]

    with VirtualNetwork() as net, guests(1, net) as (guest,):
        asyncio.run(asyncio.wait_for(talk(net, guest), PATIENCE))


class Recorder(asyncio.DatagramProtocol):
    """Answers each datagram; notes what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # its class does not say so before 3.12

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        assert self.transport is not None
        self.heard.put_nowait((data, addr))
        self.transport.sendto(b"heard " + data, addr)

    def error_received(self, exc: Exception) -> None:
        self.heard.put_nowait(exc)


def test_protocols_of_asyncio() -> None:
    async def talk(net: VirtualNetwork, guest: Guest) -> None:
        loop = asyncio.get_running_loop()
        client = udp(guest, "0.0.0.0", 1000)
        transport, recorder = await loop.create_datagram_endpoint(Recorder, sock=net.datagram(HERE))
        post(client, b"ask", *HERE)
        assert await recorder.heard.get() == (b"ask", (guest.ip4, 1000))
        assert take(client)[0] == b"heard ask"
        transport.close()
        transport, recorder = await loop.create_datagram_endpoint(Recorder, sock=net.datagram(peer=(guest.ip4, 9)))
        transport.sendto(b"nobody is there")
        assert isinstance(await recorder.heard.get(), ConnectionRefusedError)
        transport.close()
        await asyncio.sleep(0)

    with VirtualNetwork() as net, guests(1, net) as (guest,):
        asyncio.run(asyncio.wait_for(talk(net, guest), PATIENCE))


# -- from other places ------------------------------------------------------


def test_python_acts_from_any_place() -> None:
    with VirtualNetwork("8.8.8.0/24") as net, net.attach("8.8.8.8", "dns") as dns, guests(1, net) as (guest,):
        server = dns.datagram(("8.8.8.8", 53))
        client = udp(guest)
        post(client, b"where is it?", "8.8.8.8", 53)
        data, address = server.recvfrom(100)
        assert data == b"where is it?"
        server.sendto(b"here", address)
        assert take(client) == (b"here", parse("8.8.8.8", 53))
        listener = dns.listen(("8.8.8.8", 53))
        caller = guest.connected("8.8.8.8", 53)
        made, name = listener.accept()
        assert name == (guest.ip4, caller.local().port)
        made.close()
        inner = guest.listening("0.0.0.0", 80)
        dns.wait_listening((guest.ip4, 80), PATIENCE)
        with dns.connect((guest.ip4, 80)) as made:
            assert made.getsockname()[0] == "8.8.8.8"
            assert guest.accept(inner)[1].host == "8.8.8.8"
        with os_refusal(errno.EADDRNOTAVAIL):
            net.datagram(("8.8.8.8", 54))
    with os_refusal(errno.EBADF):
        server.getsockname()


def test_asyncio_from_another_place() -> None:
    async def talk(net: VirtualNetwork) -> None:
        place = net.attach()
        host = place.addresses[0]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(4))
            writer.write_eof()
            await writer.drain()
            writer.close()

        server = await place.start_server(serve, (host, 80))
        reader, writer = await net.open_connection((host, 80))
        writer.write(b"echo")
        assert await reader.read() == b"echo"
        writer.close()
        async with await place.open_datagram((host, 9)) as end, await net.open_datagram(peer=(host, 9)) as other:
            await other.sendto(b"x")
            assert (await end.recvfrom())[0] == b"x"
        server.close()
        await server.wait_closed()
        place.close()

    with VirtualNetwork() as net:
        asyncio.run(asyncio.wait_for(talk(net), PATIENCE))


def test_the_end_of_a_place_closes_its_sockets() -> None:
    with VirtualNetwork() as net, guests(1, net) as (guest,):
        place = net.attach()
        listener, sock = place.listen(("0.0.0.0", 80)), place.datagram(("0.0.0.0", 53))
        aside = Aside(listener.accept)
        place.close()
        with os_refusal(errno.EBADF, errno.ENETDOWN):
            aside.result()
        assert (listener.fileno(), sock.fileno()) == (-1, -1)
        left = udp(guest)
        post(left, b"x", place.addresses[0], 53)
        nothing(left)


def test_no_descriptor_is_left_when_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with VirtualNetwork() as net:
        before = len(os.listdir("/proc/self/fd"))

        def fail(*_: object) -> None:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

        monkeypatch.setattr("pywasix.host.virtual_datagram_socket.VirtualDatagramSocket.bind", fail)
        with os_refusal(errno.EADDRINUSE):
            net.datagram(HERE)
        assert len(os.listdir("/proc/self/fd")) == before
