"""Connecting without waiting, and waiting no longer than a timeout: step by step what this machine's Linux does."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic

import pytest

from pywasix.abi.enums import SdFlags, SockOption, SockStatus
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import ERRNO_OF
from pywasix.kernel.wait import FAILED, HANGUP, READABLE, WRITABLE
from pywasix.net.address import Address
from pywasix.net.states import State
from pywasix.syscalls.sock import sock_accept_v2, sock_bind, sock_connect, sock_listen, sock_shutdown, sock_status
from pywasix.syscalls.sock_opt import sock_get_opt_size, sock_set_opt_time
from world import VirtualWorld, World

RESULT, ADDRESS, TIME = 0, 256, 512
_SLOW = 0.2  # seconds a timed call may take longer than its timeout
_TIMEOUT = 60_000_000  # ns
LOCAL = "127.0.0.1"

EVENTS = {
    "readable": (select.POLLIN, READABLE),
    "writable": (select.POLLOUT, WRITABLE),
    "failed": (select.POLLERR, FAILED),
    "hangup": (select.POLLHUP, HANGUP),
}

Answer = str | int


@pytest.fixture(params=["host", "virtual"])
def either(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld() if request.param == "virtual" else World() as found:
        yield found


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


class Native:
    """A non-blocking caller of this machine's Linux, and whom it calls."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self.caller = self._socket()
        self.caller.setblocking(False)

    def _socket(self) -> socket.socket:
        return self._opened.enter_context(socket.socket())

    def listener(self) -> Callable[[], Answer]:
        """A connect to a listener."""
        listener = self._socket()
        listener.bind((LOCAL, 0))
        listener.listen(4)
        return self.connect(listener)

    def nobody(self) -> Callable[[], Answer]:
        """A connect to a port where nobody listens."""
        bound = self._socket()
        bound.bind((LOCAL, 0))
        return self.connect(bound)

    def full(self) -> Callable[[], Answer]:
        """A connect to a listener whose queue is full."""
        listener = self._socket()
        listener.bind((LOCAL, 0))
        listener.listen(0)
        for _ in range(8):
            other = self._socket()
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
            if not select.select([], [other], [], 0.02)[1]:
                return self.connect(listener)
        raise AssertionError("the queue of a listener never fills")

    def connect(self, target: socket.socket) -> Callable[[], Answer]:
        where = target.getsockname()
        return lambda: self._told(lambda: self.caller.connect(where))

    def settle(self) -> Answer:
        return "ready" if select.select([], [self.caller], [], 10)[1] else "late"

    def readiness(self) -> Answer:
        """What can be done with it; a hang-up or an error makes both directions ready (POSIX poll)."""
        poll = select.poll()
        poll.register(self.caller, select.POLLIN | select.POLLOUT)
        events = dict(poll.poll(0)).get(self.caller.fileno(), 0)
        if events & (select.POLLERR | select.POLLHUP):
            events |= select.POLLIN | select.POLLOUT
        return " ".join(word for word, (bit, _) in EVENTS.items() if events & bit)

    def last_error(self) -> Answer:
        number = self.caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return ERRNO_OF[number].name if number else 0

    def send(self) -> Answer:
        return self._told(lambda: self.caller.send(b"x"))

    def recv(self) -> Answer:
        return self._told(lambda: len(self.caller.recv(1)))

    def peer(self) -> Answer:
        return self._told(lambda: len(self.caller.getpeername()) * 0)

    def bind(self) -> Answer:
        return self._told(lambda: self.caller.bind((LOCAL, 0)))

    def listen(self) -> Answer:
        return self._told(lambda: self.caller.listen(1))

    def shutdown(self) -> Answer:
        return self._told(lambda: self.caller.shutdown(socket.SHUT_WR))

    @staticmethod
    def _told(call: Callable[[], int | None]) -> Answer:
        try:
            return call() or 0
        except OSError as error:
            return ERRNO_OF[error.errno or 0].name


class Ours:
    """The same in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.caller = world.nonblocking(world.socket())

    def listener(self) -> Callable[[], Answer]:
        return self.connect(self._world.listener()[1])

    def nobody(self) -> Callable[[], Answer]:
        fd, address = self._world.listener()
        self._world.fds.close(fd)
        return self.connect(address)

    def full(self) -> Callable[[], Answer]:
        return self.connect(self._world.full_listener())

    def connect(self, target: Address) -> Callable[[], Answer]:
        def call() -> Answer:
            self._world.address(ADDRESS, target.host, target.port)
            return self._told(lambda: self._world.call(sock_connect, self.caller, ADDRESS))

        return call

    def settle(self) -> Answer:
        return "ready" if self._poll(WRITABLE, 10**10) else "late"

    def readiness(self) -> Answer:
        events = self._poll(READABLE | WRITABLE, 0)
        return " ".join(word for word, (_, bit) in EVENTS.items() if events & bit)

    def _poll(self, events: int, timeout: int) -> int:
        file = self._world.socket_file(self.caller)
        return self._world.task.poller.wait(((file.handle, events),), timeout)[0]

    def last_error(self) -> Answer:
        self._world.call(sock_get_opt_size, self.caller, SockOption.LAST_ERROR, RESULT)
        number = self._world.number(RESULT, 8)
        return Errno(number).name if number else 0

    def send(self) -> Answer:
        file, task = self._world.socket_file(self.caller), self._world.task
        return self._told(lambda: file.send(task, [memoryview(b"x")], 0))

    def recv(self) -> Answer:
        file, task = self._world.socket_file(self.caller), self._world.task
        return self._told(lambda: file.recv(task, [memoryview(bytearray(1))], 0))

    def peer(self) -> Answer:
        return self._told(lambda: len(self._world.socket_file(self.caller).peer()) * 0)

    def bind(self) -> Answer:
        self._world.address(ADDRESS, LOCAL, 0)
        return self._told(lambda: self._world.call(sock_bind, self.caller, ADDRESS))

    def listen(self) -> Answer:
        return self._told(lambda: self._world.call(sock_listen, self.caller, 1))

    def shutdown(self) -> Answer:
        return self._told(lambda: self._world.call(sock_shutdown, self.caller, SdFlags.WR))

    @staticmethod
    def _told(call: Callable[[], int | None]) -> Answer:
        try:
            return call() or 0
        except SysError as error:
            return error.errno.name


# Whom the first connect calls, and what follows; "other" connects to a listener that takes callers.
SCRIPTS = [
    ("listener", "settle readiness last_error peer send recv connect connect other"),
    ("listener", "settle send connect connect"),
    ("nobody", "settle last_error last_error peer shutdown send"),
    ("nobody", "settle connect settle last_error"),
    ("nobody", "settle send send recv"),
    ("nobody", "settle recv recv"),
    ("nobody", "settle peer last_error"),
    ("nobody", "settle other settle other peer"),
    ("full", "readiness connect other send recv peer last_error bind listen"),
    ("full", "shutdown last_error last_error peer send"),
    ("full", "shutdown settle"),
]


def steps(side: Native | Ours, first: str, script: str) -> list[tuple[str, Answer]]:
    calls = {"connect": getattr(side, first)(), "other": side.listener()}
    told: list[tuple[str, Answer]] = [("first", calls["connect"]())]
    return told + [(step, calls[step]() if step in calls else getattr(side, step)()) for step in script.split()]


@pytest.mark.parametrize(("first", "script"), SCRIPTS, ids=[" ".join(each) for each in SCRIPTS])
def test_each_step_is_linux_s(either: World, opened: ExitStack, first: str, script: str) -> None:
    assert steps(Ours(either), first, script) == steps(Native(opened), first, script)


def test_a_refused_socket_is_ready_for_everything(opened: ExitStack) -> None:
    """As on Linux. On the virtual network it can be written, no more."""
    with World() as world:
        assert steps(Ours(world), "nobody", "settle readiness") == steps(Native(opened), "nobody", "settle readiness")


# -- times ----------------------------------------------------------------------


def timed(call: Callable[[], object]) -> tuple[Errno | None, bool]:
    """The errno of a call that has a timeout of `_TIMEOUT`, and whether it took about that long."""
    started, found = monotonic(), None
    try:
        call()
    except SysError as error:
        found = error.errno
    return found, _TIMEOUT / 1e9 <= monotonic() - started < _TIMEOUT / 1e9 + _SLOW


def set_timeout(world: World, fd: int, option: SockOption) -> None:
    world.call(sock_set_opt_time, fd, option, world.option(TIME, _TIMEOUT))


def test_a_send_timeout_ends_the_waiting_and_not_the_connect(either: World, opened: ExitStack) -> None:
    full, fd = either.full_listener(), either.socket()
    set_timeout(either, fd, SockOption.SEND_TIMEOUT)
    either.address(ADDRESS, full.host, full.port)
    peer = Native(opened)
    connect = peer.full()
    peer.caller.setblocking(True)
    timeval = bytes(8) + (_TIMEOUT // 1000).to_bytes(8, sys.byteorder)
    peer.caller.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
    for expected in (Errno.INPROGRESS, Errno.ALREADY, Errno.ALREADY):
        assert timed(lambda: either.call(sock_connect, fd, ADDRESS)) == (expected, True)
        assert connect() == expected.name
    assert either.socket_file(fd).current_state() is State.CONNECTING


def test_a_connect_timeout_leaves_nothing(either: World) -> None:
    full, fd = either.full_listener(), either.socket()
    set_timeout(either, fd, SockOption.CONNECT_TIMEOUT)
    either.address(ADDRESS, full.host, full.port)
    assert timed(lambda: either.call(sock_connect, fd, ADDRESS)) == (Errno.TIMEDOUT, True)
    either.call(sock_status, fd, RESULT)
    assert either.number(RESULT, 1) == SockStatus.FAILED
    side = Ours(either)
    side.caller = fd
    assert side.last_error() == 0
    assert side.listener()() == 0, "it connects elsewhere, waiting"


def test_data_timeouts_while_a_connect_is_under_way(either: World) -> None:
    fd = either.connecting()
    either.fds.get(fd).file.set_flags(0)
    file, task = either.socket_file(fd), either.task
    set_timeout(either, fd, SockOption.RECV_TIMEOUT)
    set_timeout(either, fd, SockOption.SEND_TIMEOUT)
    assert timed(lambda: file.recv(task, [memoryview(bytearray(1))], 0)) == (Errno.AGAIN, True)
    assert timed(lambda: file.send(task, [memoryview(b"x")], 0)) == (Errno.AGAIN, True)


@pytest.mark.parametrize(
    ("option", "errno"), [(SockOption.RECV_TIMEOUT, Errno.AGAIN), (SockOption.ACCEPT_TIMEOUT, Errno.TIMEDOUT)]
)
def test_timeouts_of_accept(either: World, option: SockOption, errno: Errno) -> None:
    fd, _ = either.listener()
    set_timeout(either, fd, option)
    assert timed(lambda: either.call(sock_accept_v2, fd, 0, RESULT, ADDRESS)) == (errno, True)


def test_timeouts_of_a_connection(either: World) -> None:
    caller, accepted = either.connected()
    set_timeout(either, caller, SockOption.SEND_TIMEOUT)
    set_timeout(either, accepted, SockOption.RECV_TIMEOUT)
    task = either.task
    file, peer = either.socket_file(caller), either.socket_file(accepted)
    assert timed(lambda: peer.recv(task, [memoryview(bytearray(1))], 0)) == (Errno.AGAIN, True)
    while True:
        found = timed(lambda: file.send(task, [memoryview(bytes(1 << 20))], 0))
        if found[0] is not None:
            break
    assert found == (Errno.AGAIN, True)
