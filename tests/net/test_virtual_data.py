"""Data on virtual connections, and how they end. What is expected was observed on Linux TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from net.virtual_guest import Aside, Guest, guests, pending_error, receive, refusal, send
from pywasix.abi.enums import RiFlags, SdFlags, SiFlags
from pywasix.abi.errno import Errno
from pywasix.errors import WouldBlock
from pywasix.kernel.wait import HANGUP, READABLE, WRITABLE
from pywasix.net.address import parse
from pywasix.net.sockets import Socket

READ, WRITE = int(SdFlags.RD), int(SdFlags.WR)
PEEK, WAIT_ALL = int(RiFlags.RECV_PEEK), int(RiFlags.RECV_WAITALL)
TRUNCATE, DONT_WAIT = int(RiFlags.RECV_DATA_TRUNCATED), int(RiFlags.RECV_DONT_WAIT)
SEND_DONT_WAIT = int(SiFlags.SEND_DONT_WAIT)


@contextmanager
def connection() -> Iterator[tuple[Guest, Socket, Guest, Socket]]:
    """A caller and what the server accepted, each with its guest."""
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        yield client, caller, server, server.accept(listener)[0]


def buffers(*sizes: int) -> tuple[list[bytearray], list[memoryview]]:
    made = [bytearray(size) for size in sizes]
    return made, [memoryview(each) for each in made]


def test_scattered_buffers() -> None:
    with connection() as (client, caller, server, served):
        parts = [memoryview(bytearray(b"ab")), memoryview(bytearray(b"")), memoryview(bytearray(b"cdef"))]
        assert caller.send(client.task, parts, 0) == 6
        made, views = buffers(1, 4, 9)
        assert served.recv(server.task, views, 0) == 6
        assert [bytes(each) for each in made] == [b"a", b"bcde", b"f" + bytes(8)]


def test_peek_leaves_the_data() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"abc")
        assert served.available() == 3
        assert receive(server, served, flags=PEEK) == b"abc"
        assert receive(server, served) == b"abc"
        assert served.available() == 0


def test_trunc_discards() -> None:
    """tcp(7): MSG_TRUNC discards bytes instead of storing them."""
    with connection() as (client, caller, server, served):
        send(client, caller, b"abcdef")
        made, views = buffers(4)
        made[0][:] = b"----"
        assert served.recv(server.task, views, TRUNCATE | PEEK) == 4
        assert served.recv(server.task, views, TRUNCATE) == 4
        assert made[0] == b"----", "nothing is stored"
        assert receive(server, served) == b"ef"
        with pytest.raises(WouldBlock):
            served.recv(server.task, views, TRUNCATE | DONT_WAIT)
        send(client, caller, b"xyz")
        made, views = buffers(2, 9)
        assert served.recv(server.task, views, TRUNCATE) == 3
        assert not any(made[0] + made[1])


def test_trunc_of_a_huge_buffer_takes_little_memory() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"abc")
        huge = memoryview(bytearray(1 << 20)).cast("B")
        assert served.recv(server.task, [huge] * 4096, TRUNCATE) == 3


def test_waitall_waits_for_all() -> None:
    with connection() as (client, caller, server, served):
        aside = Aside(lambda: receive(server, served, 6, WAIT_ALL))
        send(client, caller, b"abc")
        send(client, caller, b"def")
        assert aside.result() == b"abcdef"


def test_a_blocking_receive_waits() -> None:
    with connection() as (client, caller, server, served):
        aside = Aside(lambda: receive(server, served))
        send(client, caller, b"late")
        assert aside.result() == b"late"


def test_a_blocking_send_sends_all() -> None:
    size = 3 << 20  # more than the buffers of a pair hold
    with connection() as (client, caller, server, served):
        aside = Aside(lambda: send(client, caller, bytes(size)))
        received = 0
        while received < size:
            received += len(receive(server, served, 1 << 16))
        assert aside.result() == size


def test_send_without_waiting_says_when_the_buffer_is_full() -> None:
    with connection() as (client, caller, server, served):
        block = [memoryview(bytearray(1 << 16))]
        sent = 0
        with suppress(WouldBlock):
            while True:
                sent += caller.send(client.task, block, SEND_DONT_WAIT)
        assert sent
        with pytest.raises(WouldBlock):
            caller.send(client.task, block * 2, SEND_DONT_WAIT)
        while sent:
            sent -= len(receive(server, served, 1 << 16))
        assert caller.send(client.task, [memoryview(bytearray(1))], SEND_DONT_WAIT) == 1


def test_receive_timeout() -> None:
    with connection() as (_, _, server, served):
        served.receive_timeout = 1_000_000
        with refusal(Errno.AGAIN):
            receive(server, served)


def test_the_end_of_the_data() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"last")
        caller.shutdown(WRITE)
        assert receive(server, served) == b"last"
        assert receive(server, served) == b""
        send(server, served, b"still open")
        assert receive(client, caller) == b"still open"
        with refusal(Errno.PIPE):
            send(client, caller, b"x")
        with refusal(Errno.PIPE):
            caller.send(client.task, [memoryview(bytearray(1))] * 2, 0)


def test_close_lets_the_peer_read_the_rest() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"rest")
        client.drop(caller)
        assert receive(server, served) == b"rest"
        assert receive(server, served) == b""
        assert send(server, served, b"xyz") == 3, "nobody has told of the reset yet"
        with refusal(Errno.PIPE):
            send(server, served, b"x")
        assert pending_error(served) is Errno.SUCCESS


def test_the_reset_of_a_closed_peer_is_a_pending_error_and_an_end() -> None:
    for vector in (False, True):
        with connection() as (client, caller, server, served):
            client.drop(caller)
            buffers = [memoryview(bytearray(b"ab"))] * (2 if vector else 1)
            assert served.send(server.task, buffers, 0) == (4 if vector else 2)
            assert receive(server, served) == b"", "it was told of the end, whatever came after it"
            assert pending_error(served) is Errno.PIPE
            with refusal(Errno.PIPE):
                send(server, served, b"x")


def test_who_has_finished_sending_sends_nothing_to_a_closed_peer() -> None:
    with connection() as (client, caller, server, served):
        served.shutdown(WRITE)
        client.drop(caller)
        with refusal(Errno.PIPE):
            send(server, served, b"x")


def test_close_shows_as_hangup() -> None:
    with connection() as (client, caller, server, served):
        client.drop(caller)
        assert server.task.poller.wait([(served.channel, READABLE | WRITABLE)], 0) == [READABLE | WRITABLE | HANGUP]


def test_close_with_unread_data_resets() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"never read")
        server.drop(served)
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        assert receive(client, caller) == b""


def test_linger_of_zero_resets() -> None:
    with connection() as (client, caller, server, served):
        send(server, served, b"abc")
        served.channel.set_linger(0)
        server.drop(served)
        assert receive(client, caller) == b"abc"
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        assert receive(client, caller) == b""
        with refusal(Errno.PIPE):
            send(client, caller, b"x")


def test_linger_of_zero_shows_in_scattered_receive() -> None:
    with connection() as (client, caller, server, served):
        served.channel.set_linger(0)
        server.drop(served)
        with refusal(Errno.CONNRESET):
            caller.recv(client.task, buffers(1, 1)[1], 0)


@pytest.mark.parametrize("parts", [1, 2])
def test_linger_of_zero_shows_when_sending(parts: int) -> None:
    with connection() as (client, caller, server, served):
        served.channel.set_linger(0)
        server.drop(served)
        data = [memoryview(bytearray(1))] * parts
        with refusal(Errno.CONNRESET):
            caller.send(client.task, data, 0)
        with refusal(Errno.PIPE):
            caller.send(client.task, data, 0)
        assert receive(client, caller) == b""


def test_linger_of_zero_is_a_pending_error() -> None:
    with connection() as (client, caller, server, served):
        served.channel.set_linger(0)
        server.drop(served)
        assert pending_error(caller) is Errno.CONNRESET
        assert pending_error(caller) is Errno.SUCCESS
        assert receive(client, caller) == b""


def test_a_reset_is_told_once_even_with_unread_data() -> None:
    with connection() as (client, caller, server, served):
        send(client, caller, b"never read")
        served.channel.set_linger(0)
        server.drop(served)
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        assert receive(client, caller) == b""


def test_linger_of_some_seconds_does_not_reset() -> None:
    with connection() as (client, caller, server, served):
        served.channel.set_linger(1)
        assert served.channel.get_linger() == 1
        server.drop(served)
        assert receive(client, caller) == b""


def test_a_listener_that_goes_resets_its_queue() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        server.drop(listener)
        with refusal(Errno.CONNRESET):
            receive(client, caller)
        with refusal(Errno.CONNREFUSED):
            client.connected(server.ip4, 80)


def test_a_caller_that_is_gone_is_accepted_as_linux_does() -> None:
    with guests(2) as (server, client):
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        local = caller.local()
        send(client, caller, b"and gone")
        client.drop(caller)
        served, peer = server.accept(listener)
        assert peer == local
        assert receive(server, served) == b"and gone"
        assert receive(server, served) == b""


def test_shutdown_of_both_directions() -> None:
    with connection() as (client, caller, server, served):
        caller.shutdown(READ | WRITE)
        assert receive(client, caller) == b""
        assert receive(server, served) == b""
        with refusal(Errno.PIPE):
            send(client, caller, b"x")


def test_status_tells_descriptors_apart() -> None:
    with connection() as (_, caller, _, served):
        assert caller.status().inode != served.status().inode


def test_channels_that_are_not_connected_carry_nothing() -> None:
    """`net.sockets` refuses before it asks a channel; the channel does not rely on that."""
    with guests(1) as (guest,):
        channel = guest.socket().channel
        for call in (
            lambda: channel.recv_into(memoryview(bytearray(1)), 0),
            lambda: channel.recv_vector([memoryview(bytearray(1))], 0),
            lambda: channel.send(memoryview(b"x"), 0),
            lambda: channel.send_vector([memoryview(b"x")], 0),
            channel.peer,
        ):
            with refusal(Errno.NOTCONN):
                call()
        with pytest.raises(WouldBlock):
            channel.connect_result()
        with refusal(Errno.INVAL):
            channel.accept(False)


def test_connections_neither_listen_nor_connect_again() -> None:
    with connection() as (_, caller, server, served):
        served.channel.connect_result()
        for channel in (caller.channel, served.channel):
            with refusal(Errno.ISCONN):
                channel.connect(parse(server.ip4, 80))
        with refusal(Errno.INVAL):
            served.channel.listen(1)
