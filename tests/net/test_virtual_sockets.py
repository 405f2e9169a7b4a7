"""A connection between Python and Python: a `socket.socket` in all that programs do with one."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from net.virtual_guest import guests
from pywasix import VirtualNetwork
from pywasix.host.virtual import VirtualSocket
from support import PATIENCE

RESET = struct.pack("ii", 1, 0)
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)


@contextmanager
def connection(host: str = "10.0.0.1") -> Iterator[tuple[VirtualSocket, VirtualSocket]]:
    """A caller and what was accepted."""
    with VirtualNetwork() as net, net.listen((host, 0)) as listener:
        caller = net.connect(listener.getsockname())
        served, _ = listener.accept()
        with caller, served:
            yield caller, served


def test_names() -> None:
    with connection() as (caller, served):
        assert caller.getpeername() == served.getsockname() == ("10.0.0.1", 32768)
        assert caller.getsockname() == served.getpeername()
    with pytest.raises(OSError, match="Bad file descriptor"):
        caller.getsockname()
    with connection("fd00::1") as (caller, served):
        assert served.getsockname() == ("fd00::1", 32768, 0, 0)
    with connection("::") as (caller, served):
        assert caller.getpeername()[0] == "::1"


def test_the_timeout_of_connect_stays() -> None:
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)):
        with net.connect(("10.0.0.1", 80), timeout=0.01) as caller, pytest.raises(TimeoutError):
            caller.recv(1)
        with net.connect(("10.0.0.1", 80)) as caller:
            assert caller.gettimeout() is None


def test_a_default_timeout_of_the_program_changes_nothing_in_the_network() -> None:
    socket.setdefaulttimeout(PATIENCE)
    try:
        with VirtualNetwork() as net, guests(2, net) as (server, client):
            listener = server.listening("0.0.0.0", 80)
            caller = client.connected(server.ip4, 80)
            served, _ = server.accept(listener)
            for each in (caller, served, listener):
                assert each.channel.fileno() >= 0
            served.receive_timeout = 1_000_000
            with pytest.raises(Exception, match="AGAIN"):
                served.recv(server.task, [memoryview(bytearray(1))], 0)
    finally:
        socket.setdefaulttimeout(None)


READERS: dict[str, Callable[[VirtualSocket], Any]] = {
    "recv": lambda end: end.recv(9),
    "recv_into": lambda end: end.recv_into(bytearray(9)),
    "recvfrom": lambda end: end.recvfrom(9),
    "recvfrom_into": lambda end: end.recvfrom_into(bytearray(9)),
    "recvmsg": lambda end: end.recvmsg(9),
    "recvmsg_into": lambda end: end.recvmsg_into([bytearray(9)]),
    "makefile": lambda end: end.makefile("rb", 0).read(9),
}
WRITERS: dict[str, Callable[[VirtualSocket], Any]] = {
    "send": lambda end: end.send(b"x"),
    "sendall": lambda end: end.sendall(b"x"),
    "sendmsg": lambda end: end.sendmsg([b"x"]),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_way_to_read(reader: str) -> None:
    with connection() as (caller, served):
        served.sendall(b"some")
        found = READERS[reader](caller)
        assert (found[0] if isinstance(found, tuple) else found) in (b"some", 4)
        served.close()
        found = READERS[reader](caller)
        assert (found[0] if isinstance(found, tuple) else found) in (b"", 0)


@pytest.mark.parametrize("reader", READERS)
def test_every_way_to_read_tells_of_a_reset(reader: str) -> None:
    with connection() as (caller, served):
        served.setsockopt(*LINGER, RESET)
        served.close()
        with pytest.raises(ConnectionResetError):
            READERS[reader](caller)
        assert caller.recv(1) == b""


@pytest.mark.parametrize("writer", WRITERS)
def test_every_way_to_write_tells_of_a_reset(writer: str) -> None:
    with connection() as (caller, served):
        WRITERS[writer](caller)
        assert served.recv(9) == b"x"
        served.setsockopt(*LINGER, RESET)
        served.close()
        with pytest.raises(ConnectionResetError):
            WRITERS[writer](caller)
        with pytest.raises(BrokenPipeError):
            WRITERS[writer](caller)


def test_a_reset_is_a_pending_error() -> None:
    with connection() as (caller, served):
        served.setsockopt(*LINGER, RESET)
        served.close()
        assert caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
        assert caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_guest_is_told_of_pythons_reset_and_python_of_the_guests() -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        listener = server.listening("0.0.0.0", 80)
        with net.connect((server.ip4, 80)) as caller:
            served, _ = server.accept(listener)
            caller.setsockopt(*LINGER, RESET)
            caller.close()
            with pytest.raises(Exception, match="CONNRESET"):
                served.recv(server.task, [memoryview(bytearray(1))], 0)
        with net.connect((server.ip4, 80)) as caller:
            served, _ = server.accept(listener)
            served.channel.set_linger(0)
            server.drop(served)
            with pytest.raises(ConnectionResetError):
                caller.recv(1)


def test_options_of_tcp_are_kept() -> None:
    with connection() as (caller, served):
        nodelay = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert caller.getsockopt(*nodelay) == 0
        caller.setsockopt(*nodelay, 1)
        assert caller.getsockopt(*nodelay) == 1
        assert caller.getsockopt(*nodelay, 4) == struct.pack("i", 1)
        caller.setsockopt(*nodelay, struct.pack("i", 0))
        assert caller.getsockopt(*nodelay) == 0
        assert served.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        with pytest.raises(OSError, match=r"not supported|not available"):
            caller.setsockopt(socket.IPPROTO_TCP, 12345, 1)
        with pytest.raises(OSError, match="Invalid"):
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, None, 1)


def test_dup_and_detach() -> None:
    with connection() as (caller, served):
        copy = caller.dup()
        assert copy.getsockname() == caller.getsockname()
        caller.close()
        copy.sendall(b"from the copy")
        assert served.recv(99) == b"from the copy"
        with socket.socket(fileno=copy.detach()) as bare:
            bare.sendall(b"bare")
            assert served.recv(99) == b"bare"


def test_makefile_keeps_the_connection_open() -> None:
    with connection() as (caller, served):
        with caller.makefile("w") as file:
            caller.close()
            file.write("line\n")
        with served.makefile() as lines:
            assert lines.readlines() == ["line\n"]


def test_a_port_is_free_when_its_socket_was_forgotten() -> None:
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)) as listener:
        caller = net.connect(("10.0.0.1", 80))
        port = caller.getsockname()[1]
        served, _ = listener.accept()
        forgotten = [caller]
        del caller
        with pytest.warns(ResourceWarning):
            forgotten.clear()
        served.close()
        net.listen(("10.0.0.1", port)).close()
