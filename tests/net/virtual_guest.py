"""Guests' sockets without a guest: tasks of a real kernel that use `net.sockets.Socket` on a virtual network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pywasix import VirtualNetwork
from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.poller import HostPoller
from pywasix.host.virtual import VirtualHost
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.task import Task
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import INET4, Address, parse
from pywasix.net.network import Network
from pywasix.net.opening import open_socket
from pywasix.net.sockets import Socket
from support import PATIENCE

STREAM = SockType.SOCKET_STREAM
DATAGRAM = SockType.SOCKET_DGRAM


class Guest:
    """One host on a virtual network, with a kernel whose main task the test drives itself.

    Attributes:
        place: its `NetStack`.
        ip4, ip6: its addresses as text.
        task: what blocking calls of the test's own thread belong to.
    """

    def __init__(self, net: VirtualNetwork, address: str | None = None) -> None:
        self.place: VirtualHost = net.attach(address)
        self.ip4, self.ip6 = self.place.addresses
        self._network = Network(lambda: self.place, None, _unheard)
        self._kernel = Kernel(new_poller=HostPoller)
        self._tasks: list[Task] = []
        self._sockets: list[Socket] = []
        self.task = self.new_task()

    def new_task(self) -> Task:
        """A task for another thread."""
        task = self._kernel.start_process((), (), max_fds=64).main_task
        self._tasks.append(task)
        return task

    def socket(self, family: int = INET4, kind: SockType = STREAM) -> Socket:
        """A fresh socket, closed with the guest unless the test closes it."""
        return self.keep(open_socket(self._network, family, kind))

    def keep(self, socket: Socket) -> Socket:
        """Close a socket with the guest; one reference stands for its descriptor."""
        socket.references = 1
        self._sockets.append(socket)
        return socket

    def bound(self, host: str, port: int = 0, kind: SockType = STREAM) -> Socket:
        """A socket that is bound to an address, of the address's family."""
        address = parse(host, port)
        socket = self.socket(address.family, kind)
        socket.bind(address)
        return socket

    def listening(self, host: str = "0.0.0.0", port: int = 0, backlog: int = 128) -> Socket:
        """A socket that listens."""
        socket = self.bound(host, port)
        socket.listen(backlog)
        return socket

    def accept(self, listener: Socket, task: Task | None = None, nonblocking: bool = False) -> tuple[Socket, Address]:
        """Take the next caller, waiting for it."""
        socket, peer = listener.accept(task or self.task, nonblocking)
        return self.keep(socket), peer

    def connected(self, host: str, port: int, task: Task | None = None) -> Socket:
        """A socket that connected to a listener."""
        address = parse(host, port)
        socket = self.socket(address.family)
        socket.connect(task or self.task, address)
        return socket

    def drop(self, socket: Socket) -> None:
        """Close a socket now."""
        self._sockets.remove(socket)
        socket.close()

    def close(self) -> None:
        """End, as a program that ends does."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()
        for task in self._tasks:
            task.process.task_ended(task)
        self.place.close()


@contextmanager
def guests(count: int, net: VirtualNetwork | None = None) -> Iterator[list[Guest]]:
    """A network with so many guests."""
    with net or VirtualNetwork() as used:
        made = [Guest(used) for _ in range(count)]
        try:
            yield made
        finally:
            for each in made:
                each.close()


@contextmanager
def refusal(errno: Errno) -> Iterator[None]:
    """A system call that must fail with an errno."""
    with pytest.raises(SysError) as caught:
        yield
    assert caught.value.errno is errno, caught.value


@contextmanager
def os_refusal(*errnos: int) -> Iterator[None]:
    """A call of Python's that must fail with one of these numbers of the `errno` module."""
    with pytest.raises(OSError, match=r"^\[Errno \d+\] ") as caught:
        yield
    assert caught.value.errno in errnos, caught.value


def receive(guest: Guest, socket: Socket, most: int = 100, flags: int = 0) -> bytes:
    """What one receive call of a guest finds."""
    buffer = bytearray(most)
    return bytes(buffer[: socket.recv(guest.task, [memoryview(buffer)], flags)])


def send(guest: Guest, socket: Socket, data: bytes) -> int:
    """One send call of a guest."""
    return socket.send(guest.task, [memoryview(bytearray(data))], 0)


def ready(guest: Guest, socket: Socket, events: int = READABLE | WRITABLE) -> int:
    """What poll tells of a socket now."""
    assert socket.handle is not None
    return guest.task.poller.wait([(socket.handle, events)], 0)[0]


def pending_error(socket: Socket) -> Errno:
    """SO_ERROR."""
    return Errno(socket.take_error())


class Aside:
    """A call that runs in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._answer: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except BaseException as error:  # told to the thread that asks for the result
            self._error = error

    def result(self) -> Any:
        """What the call returned, or raised."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the call still blocks"
        if self._error is not None:
            raise self._error
        return self._answer


def _unheard(text: str) -> None:
    """Nothing is refused here, so nothing is reported."""
