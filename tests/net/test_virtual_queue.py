"""The queue of a listener on the virtual network: its length, its readiness, its end."""

from __future__ import annotations

import pytest

from net.virtual_guest import (
    Aside,
    guests,
    pending_error,
    ready,
    receive,
    refusal,
    send,
)
from pywasix import VirtualNetwork
from pywasix.abi.enums import FdFlags, RiFlags, SdFlags, SockOption
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import parse
from pywasix.net.states import State
from support import PATIENCE

SEND_BUF = SockOption.SEND_BUF_SIZE
NONBLOCK = int(FdFlags.NONBLOCK)
READ, WRITE = int(SdFlags.RD), int(SdFlags.WR)
DONT_WAIT = int(RiFlags.RECV_DONT_WAIT)


def test_one_more_than_the_backlog_may_wait() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        listener = server.listening("0.0.0.0", 80, backlog=1)
        for _ in range(2):
            client.connected(server.ip4, 80)
        late = client.socket()
        late.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            late.connect(client.task, parse(server.ip4, 80))
        with refusal(Errno.ALREADY):
            late.connect(client.task, parse(server.ip4, 80))
        assert late.current_state() is State.CONNECTING
        assert not ready(client, late)
        with pytest.raises(TimeoutError):
            net.connect((server.ip4, 80), timeout=0.01)
        server.accept(listener)
        assert ready(client, late) == WRITABLE
        assert late.current_state() is State.CONNECTED
        assert pending_error(late) is Errno.SUCCESS
        send(client, late, b"in")
        server.accept(listener)
        served, peer = server.accept(listener)
        assert peer == late.local()
        assert receive(server, served) == b"in", "nothing but what was sent arrives"
        with pytest.raises(WouldBlock):
            receive(server, served, flags=DONT_WAIT)


def test_a_blocking_connect_waits_for_room() -> None:
    with VirtualNetwork() as net, guests(1, net) as (server,):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        with net.connect((server.ip4, 80)):
            asides = [
                Aside(lambda: server.connected(server.ip4, 80, server.new_task())),
                Aside(lambda: net.connect((server.ip4, 80), PATIENCE)),
            ]
            for _ in range(3):
                server.accept(listener)
            assert asides[0].result().state is State.CONNECTED
            asides[1].result().close()


def test_listening_again_makes_room() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        late = client.socket()
        late.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            late.connect(client.task, parse(server.ip4, 80))
        listener.listen(5)
        assert late.current_state() is State.CONNECTED


def test_who_waits_for_room_is_refused_when_the_listener_goes() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        late, other = client.socket(), client.bound("0.0.0.0", 99)
        for socket in (late, other):
            socket.set_flags(NONBLOCK)
            with refusal(Errno.INPROGRESS):
                socket.connect(client.task, parse(server.ip4, 80))
        server.drop(listener)
        assert ready(client, late) == WRITABLE
        assert pending_error(late) is Errno.CONNREFUSED
        assert pending_error(late) is Errno.SUCCESS
        with refusal(Errno.CONNREFUSED):
            send(client, other, b"x")
        assert late.state is other.state is State.REFUSED
        assert other.local() == parse("0.0.0.0", 99), "the binding is as it was"
        listener = server.listening("0.0.0.0", 80)
        for socket in (late, other):
            socket.set_flags(0)
            with refusal(Errno.CONNABORTED):  # as on Linux: no connect has told of the refusal yet
                socket.connect(client.task, parse(server.ip4, 80))
            socket.connect(client.task, parse(server.ip4, 80))
            send(client, socket, b"again")
            assert receive(server, server.accept(listener)[0]) == b"again"


def test_a_caller_that_gives_up_is_never_accepted() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        late = client.socket()
        late.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            late.connect(client.task, parse(server.ip4, 80))
        client.drop(late)
        server.accept(listener)
        assert not ready(server, listener)


def test_shutdown_withdraws_a_connect() -> None:
    with guests(2) as (server, client):
        server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        late = client.socket()
        late.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            late.connect(client.task, parse(server.ip4, 80))
        late.channel.shutdown(READ | WRITE)
        assert pending_error(late) is Errno.CONNRESET


def test_connect_timeout() -> None:
    with guests(2) as (server, client):
        server.listening("0.0.0.0", 80, backlog=0)
        client.connected(server.ip4, 80)
        late = client.socket()
        late.connect_timeout = 1_000_000
        with refusal(Errno.TIMEDOUT):
            late.connect(client.task, parse(server.ip4, 80))


def test_a_listener_is_readable_exactly_while_somebody_waits() -> None:
    with guests(2) as (server, client):
        fresh = server.socket()
        assert ready(server, fresh) == WRITABLE
        listener = server.listening("0.0.0.0", 80)
        assert not ready(server, listener)
        client.connected(server.ip4, 80)
        client.connected(server.ip4, 80)
        assert ready(server, listener) == READABLE
        server.accept(listener)
        assert ready(server, listener) == READABLE
        server.accept(listener)
        assert not ready(server, listener)
        listener.channel.set_option(SEND_BUF, 1 << 20)
        assert not ready(server, listener), "a listener is never writable, whatever its buffers"


def test_accept_of_a_nonblocking_listener() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        listener.set_flags(NONBLOCK)
        with pytest.raises(WouldBlock):
            server.accept(listener)
        client.connected(server.ip4, 80)
        served, _ = server.accept(listener)
        assert not served.nonblocking
        client.connected(server.ip4, 80)
        served, _ = server.accept(listener, nonblocking=True)
        with pytest.raises(WouldBlock):
            receive(server, served)


def test_accept_timeout() -> None:
    with guests(1) as (server,):
        listener = server.listening("0.0.0.0", 80)
        listener.accept_timeout = 1_000_000
        with refusal(Errno.TIMEDOUT):
            server.accept(listener)


def test_accept_waits_for_a_caller() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        aside = Aside(lambda: server.accept(listener))
        caller = client.connected(server.ip4, 80)
        assert aside.result()[1] == caller.local()


def test_a_killed_task_leaves_accept() -> None:
    with guests(1) as (server,):
        listener = server.listening("0.0.0.0", 80)
        task = server.new_task()
        aside = Aside(lambda: listener.accept(task, False))
        task.process.terminate(9)
        with pytest.raises(BaseException, match="9") as caught:
            aside.result()
        assert not isinstance(caught.value, SysError)


def test_shutdown_of_a_listener() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        waiting = client.connected(server.ip4, 80)
        listener.channel.shutdown(WRITE)
        served, _ = server.accept(listener)
        assert served.state is State.CONNECTED
        late = client.connected(server.ip4, 80)
        listener.shutdown(READ)
        with refusal(Errno.INVAL):
            server.accept(listener)
        with refusal(Errno.INVAL):
            listener.channel.accept(False)
        with refusal(Errno.CONNRESET):
            receive(client, late)
        with refusal(Errno.CONNREFUSED):
            client.connected(server.ip4, 80)
        assert send(client, waiting, b"accepted ones live on") > 0
        with refusal(Errno.ADDRINUSE):
            listener.listen(5)  # as on Linux: the accepted connection holds the port, and shares it with nobody
        server.drop(served)
        listener.listen(5)
        assert not ready(server, listener)
        client.connected(server.ip4, 80)
        server.accept(listener)


def test_shutdown_ends_a_blocked_accept() -> None:
    with guests(1) as (server,):
        listener = server.listening("0.0.0.0", 80)
        task = server.new_task()
        aside = Aside(lambda: listener.accept(task, False))
        listener.shutdown(READ)
        with refusal(Errno.INVAL):
            aside.result()
