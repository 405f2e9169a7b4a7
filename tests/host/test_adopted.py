"""Listening sockets that the embedding program keeps."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from pywasix.abi.socket_enums import SockOption
from pywasix.errors import OptionError, SysError, WouldBlock
from pywasix.host.adopted import AdoptedListener, adopt_listener
from pywasix.net.address import INET4, INET6
from support import PATIENCE


@pytest.fixture(params=[True, False], ids=["blocking", "nonblocking"])
def theirs(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(request.param)
        yield found


@pytest.mark.parametrize(("family", "host"), [(INET4, "127.0.0.1"), (INET6, "::1")])
def test_a_caller_is_accepted(family: int, host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET if family == INET4 else socket.AF_INET6) as theirs:
        adopted = adopt_listener(theirs.fileno())
        assert (adopted.family, adopted.local().port) == (family, theirs.getsockname()[1])
        with socket.create_connection(theirs.getsockname()[:2]) as caller:
            accepted, peer = adopted.accept(True)
            assert (peer.host, peer.port) == caller.getsockname()[:2]
            with pytest.raises(SysError, match="AGAIN"):
                accepted.recv_into(memoryview(bytearray(1)), 0)
            accepted.close()
        adopted.close()


def test_the_owners_socket_stays_as_it_is(theirs: socket.socket) -> None:
    def state() -> tuple[object, ...]:
        times = (theirs.getsockopt(socket.SOL_SOCKET, each, 16) for each in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO))
        linger = theirs.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        return (os.get_blocking(theirs.fileno()), theirs.gettimeout(), linger, *times)

    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\7\0\0\0")
    before = state()
    adopted = adopt_listener(theirs.fileno())
    with pytest.raises(WouldBlock):
        adopted.accept(False)
    adopted.set_nonblocking(before[0] is True)
    assert state() == before
    with socket.create_connection(theirs.getsockname()):
        accepted, _ = adopted.accept(False)
        assert accepted.get_linger() == 7
        accepted.close()
    adopted.close()
    assert state() == before
    with socket.create_connection(theirs.getsockname()) as caller:
        mine, peer = theirs.accept()
        assert peer == caller.getsockname()
        mine.close()


def test_a_default_timeout_does_not_reach_it(theirs: socket.socket) -> None:
    blocking = os.get_blocking(theirs.fileno())
    socket.setdefaulttimeout(3)
    try:
        adopted = adopt_listener(theirs.fileno())
        assert os.get_blocking(theirs.fileno()) is blocking
        with pytest.raises(WouldBlock):
            adopted.accept(False)
        assert os.get_blocking(theirs.fileno()) is blocking
        adopted.close()
    finally:
        socket.setdefaulttimeout(None)


@pytest.mark.parametrize("nonblocking", [True, False])
def test_what_is_accepted_is_as_asked(theirs: socket.socket, nonblocking: bool) -> None:
    adopted = adopt_listener(theirs.fileno())
    with socket.create_connection(theirs.getsockname()):
        accepted, _ = adopted.accept(nonblocking)
        assert os.get_blocking(accepted.fd) is not nonblocking
        with pytest.raises(WouldBlock):  # a blocking one too: it has its patience
            accepted.recv_into(memoryview(bytearray(1)), 0)
        assert accepted.get_option(SockOption.KEEP_ALIVE) == 0
        accepted.close()
    adopted.close()


def test_many_accept_from_one_socket() -> None:
    """Each caller is taken once, and nobody is left waiting in the host."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as theirs:
        listeners = [adopt_listener(theirs.fileno()) for _ in range(8)]
        callers = [socket.create_connection(theirs.getsockname()) for _ in range(20)]
        together, taken = Barrier(len(listeners)), []

        def accept_all(listener: AdoptedListener) -> None:
            together.wait(PATIENCE)
            while True:
                try:
                    accepted, peer = listener.accept(False)
                except WouldBlock:
                    return
                taken.append((peer.host, peer.port))
                accepted.close()

        threads = [Thread(target=accept_all, args=(each,)) for each in listeners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(taken) == sorted(each.getsockname() for each in callers)
        for listener in listeners:
            listener.close()
        for caller in callers:
            caller.close()


def test_a_closed_one_says_badf(theirs: socket.socket) -> None:
    adopted = adopt_listener(theirs.fileno())
    adopted.close()
    with pytest.raises(SysError, match="BADF"):
        adopted.accept(False)


def test_what_cannot_be_adopted() -> None:
    with open("/dev/null") as file, pytest.raises(OptionError, match="is no socket"):
        adopt_listener(file.fileno())
    with pytest.raises(OptionError, match="is closed"):
        adopt_listener(-1)
    with socket.socket(socket.AF_UNIX) as unix, pytest.raises(OptionError, match="no TCP socket"):
        adopt_listener(unix.fileno())
    with socket.socket(type=socket.SOCK_DGRAM) as datagram, pytest.raises(OptionError, match="no TCP socket"):
        adopt_listener(datagram.fileno())
    with socket.socket() as idle, pytest.raises(OptionError, match="does not listen"):
        adopt_listener(idle.fileno())
