"""The host's sockets as channels."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostChannel, HostStack
from pywasix.net.address import INET4, INET6, parse
from support import PATIENCE

STREAM = SockType.SOCKET_STREAM


@pytest.fixture
def channel() -> Iterator[HostChannel]:
    found = HostStack().open(INET4, STREAM)
    yield found
    found.close()


def test_a_closed_channel_says_badf(channel: HostChannel) -> None:
    channel.close()
    assert channel.fileno() == -1
    one = memoryview(bytearray(1))
    calls: list[Callable[[], object]] = [
        lambda: channel.bind(parse("127.0.0.1", 0)),
        lambda: channel.listen(1),
        lambda: channel.accept(False),
        lambda: channel.connect(parse("127.0.0.1", 1)),
        channel.connect_result,
        lambda: channel.recv_into(one, 0),
        lambda: channel.recv_vector([one, one], 0),
        lambda: channel.send(one, 0),
        lambda: channel.send_vector([one, one], 0),
        lambda: channel.shutdown(3),
        channel.local,
        channel.peer,
        lambda: channel.get_option(SockOption.KEEP_ALIVE),
        lambda: channel.set_option(SockOption.KEEP_ALIVE, 1),
        channel.get_linger,
        lambda: channel.set_linger(1),
        channel.take_error,
        lambda: channel.set_nonblocking(True),
        channel.status,
        channel.available,
        channel.give_up,
    ]
    for call in calls:
        with pytest.raises(SysError) as raised:
            call()
        assert raised.value.errno is Errno.BADF
    channel.close()


def test_options_the_host_does_not_have(channel: HostChannel) -> None:
    for option in (SockOption.PROMISCUOUS, SockOption.NOOP):
        with pytest.raises(SysError, match="NOPROTOOPT"):
            channel.get_option(option)
    with pytest.raises(SysError, match="NOTCONN"):
        channel.peer()
    with pytest.raises(SysError, match="NOTCONN"):
        channel.shutdown(1)
    with pytest.raises(SysError, match="INVAL"):
        channel.accept(False)


def test_lingering_is_handed_down_and_told(channel: HostChannel) -> None:
    channel.bind(parse("127.0.0.1", 0))
    channel.listen(1)
    channel.set_linger(7)
    address = channel.local()
    with socket.create_connection((address.host, address.port)):
        accepted, _ = channel.accept(False)
        assert accepted.get_linger() == 7
        accepted.set_linger(None)
        assert accepted.get_linger() is None
        accepted.close()


def test_the_scope_of_a_link_local_address_is_a_number() -> None:
    found = HostStack().open(INET6, STREAM)
    with pytest.raises(SysError):
        found.bind(parse("fe80::1", 0)._replace(scope=1))
    with pytest.raises(SysError, match="INVAL"):
        found.connect(parse("::1", 1)._replace(flow=1 << 20))
    found.close()


def test_closing_waits_for_who_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that is closed while another thread makes its socket object owns no number afterwards."""
    left, right = socket.socketpair()
    right.close()
    channel = HostChannel(left.detach(), INET4, STREAM)
    opening, go_on, make = Event(), Event(), HostChannel._wrapped

    def slowly(channel: HostChannel, fd: int) -> object:
        opening.set()
        assert go_on.wait(PATIENCE)
        return make(channel, fd)

    monkeypatch.setattr(HostChannel, "_wrapped", slowly)
    user = Thread(target=lambda: channel.get_option(SockOption.KEEP_ALIVE))
    closer = Thread(target=channel.close)
    user.start()
    assert opening.wait(PATIENCE)
    closer.start()
    assert channel.fd >= 0, "the number is in use"
    go_on.set()
    user.join(PATIENCE)
    closer.join(PATIENCE)
    assert channel.fd == -1
    assert channel._socket is not None
    assert channel._socket.fileno() == -1


def test_two_threads_that_open_share_one_object(channel: HostChannel) -> None:
    adopted = HostChannel(os.dup(channel.fd), INET4, STREAM)
    opened: list[object] = []
    threads = [Thread(target=lambda: opened.append(adopted._open())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(set(map(id, opened))) == 1
    adopted.close()


def test_a_close_that_fails_has_closed(channel: HostChannel) -> None:
    channel.set_linger(3)
    os.close(channel.fd)
    channel.close()
    assert channel.fd == -1


def test_a_connect_that_was_given_up_may_be_made_again(channel: HostChannel) -> None:
    """Also one that had been made: its peer is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = parse(*server.getsockname())
        for _ in range(2):
            channel.connect(address)
            caller, _ = server.accept()
            with caller:
                assert channel.give_up()
                with pytest.raises(ConnectionResetError):
                    caller.recv(1)
            with pytest.raises(SysError, match="NOTCONN"):
                channel.peer()
            assert channel.take_error() == 0
