"""The queue of a datagram socket: markers of what came back, races for them, and conditions on the way."""

from __future__ import annotations

import _socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from net.virtual_guest import guests, pending_error, ready, refusal
from net.virtual_udp import drain, nothing, post, send, take, udp
from pywasix import VirtualNetwork
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.virtual_mailbox import SocketMailbox
from pywasix.kernel.wait import READABLE
from pywasix.net.address import parse
from pywasix.net.virtual_datagrams import pack
from pywasix.net.virtual_hosts import Node
from support import PATIENCE

SENDER = bytes((10, 0, 0, 9)), 77


@pytest.fixture
def box() -> Iterator[SocketMailbox]:
    made = SocketMailbox()
    yield made
    made.close()


def read(box: SocketMailbox, flags: int = _socket.MSG_DONTWAIT) -> tuple[bytes, Any]:
    buffer = bytearray(100)
    count, _, sender = box.receive(box.near.recvmsg_into, (memoryview(buffer),), flags)
    return bytes(buffer[:count]), sender


def put(box: SocketMailbox, data: bytes) -> None:
    box.put(pack(SENDER), (memoryview(data),))


def test_the_sender_comes_with_the_datagram(box: SocketMailbox) -> None:
    put(box, b"four")
    box.put(pack((bytes(range(16)), 65535)), (memoryview(b""), memoryview(b"six")))
    assert read(box) == (b"four", SENDER)
    assert read(box) == (b"six", (bytes(range(16)), 65535))
    with pytest.raises(BlockingIOError):
        read(box)


def test_a_second_failure_needs_no_second_marker(box: SocketMailbox) -> None:
    box.fail(Errno.CONNREFUSED)
    box.fail(Errno.NETDOWN)
    with refusal(Errno.NETDOWN):
        read(box)
    with pytest.raises(BlockingIOError):
        read(box)


def test_a_failure_in_a_full_queue(box: SocketMailbox) -> None:
    for _ in range(5000):
        put(box, b"x" * 100)
    box.fail(Errno.CONNREFUSED)
    with refusal(Errno.CONNREFUSED):
        read(box)
    count = 0
    while count < 5000:
        try:
            read(box)
        except BlockingIOError:
            break
        count += 1
    assert 10 < count < 5000
    box.fail(Errno.CONNREFUSED)
    with refusal(Errno.CONNREFUSED):
        read(box)


class Interrupted:
    """The near end of a mailbox; something happens between two of its calls."""

    def __init__(self, near: _socket.socket, between: Callable[[], None]) -> None:
        self._near = near
        self._between: Callable[[], None] | None = between

    def recv(self, size: int, flags: int) -> bytes:
        data = self._near.recv(size, flags)
        if self._between is not None:
            between, self._between = self._between, None
            between()
        return data


def test_who_sweeps_too_late_puts_back_what_it_took(box: SocketMailbox) -> None:
    box.fail(Errno.CONNREFUSED)
    near = box.near
    taken: list[bytes] = []

    def another() -> None:
        taken.append(near.recv(1))
        put(box, b"data")

    box.near = Interrupted(near, another)  # type: ignore[assignment]  # a stand-in with the one call that is made
    assert box.take_error() is Errno.CONNREFUSED
    box.near = near
    assert taken == [b"\0"]
    assert read(box) == (b"data", SENDER)


def test_a_marker_that_another_one_read(box: SocketMailbox) -> None:
    """Its error was taken, but the marker is read by who waited."""
    put(box, b"first")
    box.fail(Errno.CONNREFUSED)
    box.error = None
    put(box, b"second")
    assert [read(box)[0], read(box)[0]] == [b"first", b"second"]
    with pytest.raises(BlockingIOError):
        read(box)


def test_the_end_of_a_mailbox(box: SocketMailbox) -> None:
    box.near.shutdown(_socket.SHUT_RD)
    put(box, b"lost")
    assert read(box, 0) == (b"", None)


def test_failures_and_readers_at_once(box: SocketMailbox) -> None:
    """Nothing waits for ever, and each datagram is read once."""
    count, told = 2000, 0
    room = threading.Semaphore(50)  # so that the queue never runs over
    found: list[bytes] = []
    lock = threading.Lock()

    def reader() -> None:
        nonlocal told
        buffer = bytearray(100)
        while True:
            try:
                size, _, _ = box.receive(box.near.recvmsg_into, (memoryview(buffer),), 0)
            except SysError:
                with lock:
                    told += 1
                continue
            if buffer[:size] == b"end":
                return
            with lock:
                found.append(bytes(buffer[:size]))
            room.release()

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(count):
        if number % 7 == 0:
            box.fail(Errno.CONNREFUSED)
            box.take_error()
        assert room.acquire(timeout=PATIENCE)
        put(box, b"%d" % number)
    for _ in range(50):  # all are read, also those that went in again behind others
        assert room.acquire(timeout=PATIENCE)
    for _ in threads:
        put(box, b"end")
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert sorted(found, key=int) == [b"%d" % number for number in range(count)]


# -- conditions between hosts -----------------------------------------------


class Conditions:
    """Links as the network asks for them; the test lets time pass."""

    def __init__(self, answer: float | None) -> None:
        self.answer = answer
        self.asked: list[tuple[Node, Node, int]] = []
        self.waiting: list[tuple[float, Callable[[], object]]] = []
        self._pair: tuple[Node, Node] | None = None

    def between(self, one: Node, other: Node, /) -> Conditions:
        self._pair = one, other
        return self

    def datagram(self, sender: Node, size: int, /) -> float | None:
        assert self._pair is not None
        assert self._pair[0] is sender
        self.asked.append((*self._pair, size))
        return self.answer

    def later(self, delay: float, action: Callable[[], object], /) -> None:
        self.waiting.append((delay, action))

    def pass_time(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, action in waiting:
            action()


def conditioned(net: VirtualNetwork, answer: float | None) -> Conditions:
    made = Conditions(answer)
    net._fabric.links = made  # type: ignore[assignment]  # links of another make
    return made


@pytest.mark.parametrize("answer", [None, 0.0, 1.5])
def test_datagrams_ask_the_link(answer: float | None) -> None:
    with VirtualNetwork() as net, guests(2, net) as (one, other):
        links = conditioned(net, answer)
        server, client = udp(other, "0.0.0.0", 53), udp(one)
        data = bytearray(b"data")
        assert client.channel.send_to((memoryview(data),), 0, parse(other.ip4, 53)) == 4
        data[:] = b"xxxx"
        assert [size for _, _, size in links.asked] == [4]
        if answer:
            nothing(server)
            assert [delay for delay, _ in links.waiting] == [answer]
            links.pass_time()
        assert drain(server) == ([] if answer is None else [b"data"])
        post(client, b"inside", one.ip4, 9)
        assert len(links.asked) == 1, "what stays on a host goes over no link"
        net._fabric.links = None


def test_a_refusal_comes_later_too() -> None:
    with VirtualNetwork() as net, guests(2, net) as (one, other):
        links = conditioned(net, 1.0)
        client = udp(one)
        client.channel.connect(parse(other.ip4, 53))
        send(client, b"x")
        assert pending_error(client) is Errno.SUCCESS
        links.pass_time()
        assert ready(one, client, READABLE)
        with refusal(Errno.CONNREFUSED):
            take(client)
        send(client, b"x")
        other.place.close()
        links.pass_time()
        nothing(client)
        net._fabric.links = None
