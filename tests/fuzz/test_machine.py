"""A machine that opens, copies, connects and closes descriptors at random, beside a model of what POSIX says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fuzz.profile import MACHINE_EXAMPLES, NIGHTLY, PATIENCE
from pywasix.abi.enums import AddressFamily, FdFlags, SdFlags, SockOption, SockProto, SockStatus, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.syscalls import fd as calls
from pywasix.syscalls import sock, sock_io, sock_opt
from world import VirtualWorld, World

LIMIT = 12
BACKLOG = 16
RESULT, RESULT2, ADDRESS, ADDRESS2, VECTOR, BUFFER = 0, 8, 64, 192, 320, 1024
_NS = 1_000_000_000
_HOSTS = {"virtual": "10.0.0.2", "host": "127.0.0.1"}


@dataclass(eq=False)
class Model:
    """What one open socket should be.

    Attributes:
        wild: a connection was broken off: what its data calls answer depends on timing.
        finished: the peer will send no more.
        shut: directions that this end closed.
        untold: it was connected after connect had said INPROGRESS: the next connect says so.
    """

    state: str = "fresh"
    descriptors: int = 0
    nonblocking: bool = True
    queue: list[Model] = field(default_factory=list)
    peer: Model | None = None
    inbox: bytearray = field(default_factory=bytearray)
    finished: bool = False
    wild: bool = False
    shut: int = 0
    untold: bool = False

    def spoil(self) -> None:
        """The connection is or may be broken off, at both ends."""
        self.wild = True
        if self.peer is not None:
            self.peer.wild = True

    def close(self) -> None:
        """The last descriptor is gone."""
        for caller in self.queue:
            caller.spoil()
        if self.peer is not None:
            self.peer.finished = True
            if self.inbox:
                self.spoil()


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table: dict[int, Model] = {}
        self.world: World | None = None

    @initialize(network=st.sampled_from(sorted(_HOSTS)), callers=st.integers(0, 4))
    def begin(self, network: str, callers: int) -> None:
        self.world = VirtualWorld(max_fds=LIMIT) if network == "virtual" else World(max_fds=LIMIT)
        self.host = _HOSTS[network]
        for _ in range(callers and callers + 1):
            self.open()
        if callers:
            self.listen(0)
        for _ in range(callers):
            self.connect(0, 0, 1)
            self.accept(0)

    def teardown(self) -> None:
        if self.world is not None:
            self.world.__exit__(None, None, None)

    # -- helpers ------------------------------------------------------------

    def call(self, handler: Any, *args: int) -> Errno | None:
        """Make a call; returns its errno, None for success."""
        assert self.world is not None
        try:
            self.world.call(handler, *args)
        except SysError as error:
            return error.errno
        return None

    def lowest(self, minimum: int = 0) -> int | None:
        """The descriptor that POSIX gives next."""
        return next((fd for fd in range(minimum, LIMIT) if fd not in self.table), None)

    def install(self, fd: int, model: Model) -> None:
        self.drop(fd)
        self.table[fd] = model
        model.descriptors += 1

    def drop(self, fd: int) -> None:
        model = self.table.pop(fd, None)
        if model is not None:
            model.descriptors -= 1
            if not model.descriptors:
                model.close()

    def expect_new(self, errno: Errno | None, model: Model, minimum: int = 0) -> None:
        """A call made a descriptor, or there was none left."""
        assert self.world is not None
        fd = self.lowest(minimum)
        if fd is None:
            assert errno is Errno.MFILE
            return
        assert errno is None
        assert self.world.u32(RESULT) == fd
        self.install(fd, model)

    def ready(self, fd: int, events: int) -> bool:
        """Wait until a descriptor is ready."""
        assert self.world is not None
        file = self.world.socket_file(fd)
        return bool(self.world.task.poller.wait(((file.handle, events),), 10 * _NS)[0])

    def holding(self, *states: str) -> list[int]:
        """The descriptors of sockets in these states; of all without any."""
        return [fd for fd, model in sorted(self.table.items()) if not states or model.state in states]

    numbers = st.integers(0, LIMIT + 1)
    choices = st.integers(0, LIMIT - 1)

    # -- descriptors --------------------------------------------------------

    @rule()
    def open(self) -> None:
        model = Model()
        errno = self.call(sock.sock_open, AddressFamily.INET4, SockType.SOCKET_STREAM, SockProto.TCP, RESULT)
        fd = self.lowest()
        self.expect_new(errno, model)
        if fd is not None:
            assert self.call(calls.fd_fdstat_set_flags, fd, FdFlags.NONBLOCK) is None

    @rule(fd=numbers)
    def dup(self, fd: int) -> None:
        errno = self.call(calls.fd_dup, fd, RESULT)
        if fd in self.table:
            self.expect_new(errno, self.table[fd])
        else:
            assert errno is Errno.BADF

    @rule(fd=numbers, minimum=numbers)
    def dup2(self, fd: int, minimum: int) -> None:
        errno = self.call(calls.fd_dup2, fd, minimum, 1, RESULT)
        if fd not in self.table:
            assert errno is Errno.BADF
        elif minimum >= LIMIT:
            assert errno is Errno.INVAL
        else:
            self.expect_new(errno, self.table[fd], minimum)

    @rule(fd=numbers, to=numbers)
    def renumber(self, fd: int, to: int) -> None:
        errno = self.call(calls.fd_renumber, fd, to)
        if fd not in self.table or to >= LIMIT:
            assert errno is Errno.BADF
            return
        assert errno is None
        if fd != to:
            self.install(to, self.table[fd])

    @rule(fd=numbers)
    def close(self, fd: int) -> None:
        assert self.call(calls.fd_close, fd) is (None if fd in self.table else Errno.BADF)
        self.drop(fd)

    @rule(fd=numbers, nonblocking=st.booleans())
    def flags(self, fd: int, nonblocking: bool) -> None:
        """The flag belongs to the open file: every copy shows it. It ends as it was: nothing here may block."""
        if fd not in self.table:
            return
        for value in (nonblocking, True):
            assert self.call(calls.fd_fdstat_set_flags, fd, FdFlags.NONBLOCK * value) is None
            self.table[fd].nonblocking = value
            self.flags_are_shared()

    # -- sockets ------------------------------------------------------------

    @precondition(lambda self: self.table)
    @rule(choice=choices)
    def listen(self, choice: int) -> None:
        fd = sorted(self.table)[choice % len(self.table)]
        model = self.table[fd]
        if model.state == "fresh":
            assert self.world is not None
            self.world.address(ADDRESS, self.host, 0)
            assert self.call(sock.sock_bind, fd, ADDRESS) is None
            model.state = "bound"
            assert self.call(sock.sock_bind, fd, ADDRESS) is Errno.INVAL
        errno = self.call(sock.sock_listen, fd, BACKLOG)
        if model.state in ("bound", "listening"):
            assert errno is None
            model.state = "listening"
        else:
            assert errno is Errno.INVAL

    @precondition(lambda self: self.holding("listening"))
    @rule(choice=choices, to=choices, again=st.integers(0, 9))
    def connect(self, choice: int, to: int, again: int) -> None:
        listeners = self.holding("listening")
        to = listeners[to % len(listeners)]
        callers = self.holding() if not again else self.holding("fresh", "bound")
        if not callers:
            return
        fd = callers[choice % len(callers)]
        caller, listener = self.table[fd], self.table[to]
        if len(listener.queue) >= BACKLOG // 2:
            return
        assert self.call(sock.sock_addr_local, to, ADDRESS) is None
        errno = self.call(sock.sock_connect, fd, ADDRESS)
        if caller.state in ("connected", "listening"):
            assert errno is (None if caller.untold else Errno.ISCONN)
            caller.untold = False
            return
        assert errno in (None, Errno.INPROGRESS)
        caller.untold = errno is Errno.INPROGRESS
        assert self.ready(fd, WRITABLE)
        caller.state = "connected"
        caller.peer = Model("connected", peer=caller)
        listener.queue.append(caller)

    @rule(fd=numbers)
    def accept_anywhere(self, fd: int) -> None:
        self._accept(fd)

    @precondition(lambda self: self.holding("listening"))
    @rule(choice=choices)
    def accept(self, choice: int) -> None:
        listeners = self.holding("listening")
        self._accept(listeners[choice % len(listeners)])

    def _accept(self, fd: int) -> None:
        assert self.world is not None
        listener = self.table.get(fd)
        if listener is None or listener.state != "listening":
            expected = Errno.BADF if listener is None else Errno.INVAL
            assert self.call(sock.sock_accept_v2, fd, 0, RESULT, ADDRESS) is expected
            return
        if listener.queue:
            assert self.ready(fd, READABLE)
        errno = self.call(sock.sock_accept_v2, fd, FdFlags.NONBLOCK, RESULT, ADDRESS)
        if self.lowest() is None:
            assert errno is Errno.MFILE  # and the caller stays in the queue
        elif not listener.queue:
            assert errno is Errno.AGAIN
        else:
            self._accepted(errno, listener.queue.pop(0))

    def _accepted(self, errno: Errno | None, caller: Model) -> None:
        assert self.world is not None
        assert caller.peer is not None
        accepted = caller.peer
        for number, model in self.table.items():
            if model is caller:
                assert self.call(sock.sock_addr_local, number, ADDRESS2) is None
                assert self.world.memory.read(ADDRESS, 20) == self.world.memory.read(ADDRESS2, 20)
        self.expect_new(errno, accepted)

    @precondition(lambda self: self.holding("connected"))
    @rule(choice=choices, data=st.binary(min_size=1, max_size=64))
    def send(self, choice: int, data: bytes) -> None:
        found = self.holding("connected")
        self.send_anywhere(found[choice % len(found)], data)

    @precondition(lambda self: self.holding("connected"))
    @rule(choice=choices, size=st.integers(1, 64), peek=st.booleans())
    def recv(self, choice: int, size: int, peek: bool) -> None:
        found = self.holding("connected")
        self.recv_anywhere(found[choice % len(found)], size, peek)

    @rule(fd=numbers, data=st.binary(min_size=1, max_size=64))
    def send_anywhere(self, fd: int, data: bytes) -> None:
        assert self.world is not None
        self.world.put(BUFFER, data)
        self.world.words(VECTOR, BUFFER, len(data))
        errno = self.call(sock_io.sock_send, fd, VECTOR, 1, 0, RESULT)
        model = self.table.get(fd)
        if model is None:
            assert errno is Errno.BADF
        elif model.state != "connected" or model.shut & SdFlags.WR:
            assert errno in (Errno.PIPE, Errno.CONNRESET) if model.wild else errno is Errno.PIPE
        elif model.wild or model.finished or (model.peer is not None and model.peer.shut & SdFlags.RD):
            model.spoil()
            assert errno in (None, Errno.PIPE, Errno.CONNRESET)
        else:
            assert errno is None
            assert self.world.u32(RESULT) == len(data)
            assert model.peer is not None
            model.peer.inbox += data

    @rule(fd=numbers, size=st.integers(1, 64), peek=st.booleans())
    def recv_anywhere(self, fd: int, size: int, peek: bool) -> None:
        assert self.world is not None
        model = self.table.get(fd)
        if model is not None and not model.wild and model.inbox:
            assert self.ready(fd, READABLE)
        self.world.words(VECTOR, BUFFER, size)
        errno = self.call(sock_io.sock_recv, fd, VECTOR, 1, int(peek), RESULT, RESULT2)
        if model is None:
            assert errno is Errno.BADF
        elif model.state != "connected":
            assert errno is Errno.NOTCONN
        elif model.wild:
            assert errno in (None, Errno.CONNRESET, Errno.AGAIN)
        elif model.inbox:
            assert errno is None
            count = self.world.u32(RESULT)
            assert 0 < count <= size
            assert self.world.memory.read(BUFFER, count) == model.inbox[:count]
            if not peek:
                del model.inbox[:count]
        else:
            assert errno in (None, Errno.AGAIN)
            assert errno is not None or self.world.u32(RESULT) == 0
            assert errno is None or not model.shut & SdFlags.RD

    @precondition(lambda self: self.table)
    @rule(choice=choices, how=st.sampled_from((SdFlags.WR, SdFlags.WR, SdFlags.RD | SdFlags.WR)))
    def shutdown(self, choice: int, how: SdFlags) -> None:
        fd = sorted(self.table)[choice % len(self.table)]
        model = self.table[fd]
        if model.wild or model.finished:
            return
        if model.state == "listening":
            if how & SdFlags.RD:
                return  # the queue is reset: what its callers see is the subject of another test
            assert self.call(sock.sock_shutdown, fd, how) is None  # Linux: nothing happens
        elif model.state == "connected":
            assert self.call(sock.sock_shutdown, fd, how) is None
            model.shut |= how
            if model.peer is not None:
                model.peer.finished |= bool(how & SdFlags.WR)
        else:
            assert self.call(sock.sock_shutdown, fd, how) is Errno.NOTCONN

    # -- what always holds --------------------------------------------------

    @invariant()
    def the_table_is_the_models(self) -> None:
        if self.world is not None:
            assert [fd for fd, _ in self.world.fds.items()] == sorted(self.table)

    @invariant()
    def flags_are_shared(self) -> None:
        for fd, model in self.table.items():
            assert self.world is not None
            assert self.call(calls.fd_fdstat_get, fd, BUFFER) is None
            assert self.world.number(BUFFER + 2, 2) == FdFlags.NONBLOCK * model.nonblocking

    @invariant()
    def sockets_tell_their_state(self) -> None:
        for fd, model in self.table.items():
            assert self.world is not None
            assert self.call(sock.sock_status, fd, RESULT) is None
            opened = SockStatus.CLOSED if model.shut == 3 else SockStatus.OPENED
            expected = SockStatus.OPENING if model.state in ("fresh", "bound") else opened
            assert self.world.number(RESULT, 1) == expected
            assert self.call(sock_opt.sock_get_opt_flag, fd, SockOption.LISTENING, RESULT) is None
            assert self.world.number(RESULT, 1) == (model.state == "listening")


@pytest.mark.timeout(PATIENCE)
def test_descriptors_and_sockets_follow_the_model() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=MACHINE_EXAMPLES,
            stateful_step_count=120 if NIGHTLY else 60,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
