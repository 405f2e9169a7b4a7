"""A process whose system calls Python makes itself: the real kernel, network and handlers, without an engine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import TracebackType
from typing import Any

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.engine.memory import LinearMemory
from pywasix.errors import SysError
from pywasix.host.poller import HostPoller
from pywasix.host.services import HostServices
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.task import Task
from pywasix.net.address import Address, parse
from pywasix.net.network import Network
from pywasix.net.policy import NetworkPolicy, Request
from pywasix.net.sockets import Socket
from pywasix.runtime.networks import make_network
from pywasix.syscalls import fd as fd_calls
from pywasix.syscalls import sock as sock_calls
from pywasix.syscalls.context import Context
from support import Wire, wait_until

GUARD = 0xAA
MEMORY_SIZE = 4096
RO_FD, RO_ADDR, ADDRESS = 512, 1024, 2048
"""Where the calls below keep a new descriptor, a peer's address and an address given."""

MODERN = AbiGeneration("wasix-2023", wide_addresses=True)
NARROW = AbiGeneration("wasix-2023-06")
BIG_ENDIAN = AbiGeneration("wasix-2022", big_endian_ports=True, legacy_sock_types=True)

Handler = Callable[..., None]


class WatchedPoller(HostPoller):
    """A poller that tells when its task has begun to wait in it."""

    __slots__ = ("waits",)

    def __init__(self) -> None:
        super().__init__()
        self.waits = Event()

    def wait(self, interests: Any, timeout_ns: int | None) -> list[int]:
        if timeout_ns != 0:
            self.waits.set()
        return super().wait(interests, timeout_ns)


class Caller:
    """One task of the process. Only one thread may make its calls."""

    def __init__(self, process: GuestProcess, task: Task) -> None:
        self.task = task
        self.memory = bytearray([GUARD]) * MEMORY_SIZE
        cells = (ctypes.c_ubyte * MEMORY_SIZE).from_buffer(self.memory)
        view = LinearMemory(lambda: (ctypes.addressof(cells), MEMORY_SIZE), id(self))
        self.context = Context(task, view, process.network, process.generation, HostServices(), lambda name: True)

    def call(self, handler: Handler, *arguments: int) -> Errno:
        """Make one system call as the border does; returns its errno. An `Unwind` comes through."""
        try:
            handler(self.context, *arguments)
            if self.task.attention:
                self.task.attend()
        except SysError as error:
            return error.errno
        return Errno.SUCCESS

    def must(self, handler: Handler, *arguments: int) -> None:
        """Make a call that succeeds."""
        assert self.call(handler, *arguments) is Errno.SUCCESS

    def accept(self, listener: int, flags: int = 0) -> tuple[int, Address]:
        """sock_accept_v2; returns the new descriptor and the peer. Raises SysError."""
        accept: Handler = sock_calls.sock_accept_v2
        accept(self.context, listener, flags, RO_FD, RO_ADDR)
        return self.word(RO_FD), self.peer()

    def word(self, at: int) -> int:
        """A 32-bit cell of memory."""
        return int.from_bytes(self.memory[at : at + 4], "little")

    def peer(self, at: int = RO_ADDR) -> Address:
        """The address in memory, as this guest reads it."""
        return Address(*_in_order(self.context.generation.decode_addr_port(self.memory[at : at + 28])))

    def give(self, address: Address, at: int = ADDRESS) -> int:
        """Put an address into memory for a call; returns where it is."""
        raw = self.context.generation.encode_addr_port(address.family, address.port, address.ip)
        self.memory[at : at + len(raw)] = raw
        return at

    def local_port(self, fd: int) -> int:
        """The port that a socket has."""
        self.must(sock_calls.sock_addr_local, fd, ADDRESS)
        return self.peer(ADDRESS).port

    def socket(self, fd: int) -> Socket:
        """The kernel's socket behind a descriptor."""
        file = self.context.fds.get(fd).file
        assert isinstance(file, Socket)
        return file

    def open(self, family: int, kind: SockType = SockType.SOCKET_STREAM) -> int:
        """A fresh socket."""
        number = 0 if self.context.generation.legacy_sock_types and kind is SockType.SOCKET_DGRAM else int(kind)
        self.must(sock_calls.sock_open, family, number, 0, RO_FD)
        return self.word(RO_FD)

    def listen(self, host: str, backlog: int = 16) -> tuple[int, int]:
        """A listening socket on a free port; returns its descriptor and the port."""
        address = parse(host, 0)
        fd = self.open(address.family)
        self.must(sock_calls.sock_bind, fd, self.give(address))
        self.must(sock_calls.sock_listen, fd, backlog)
        return fd, self.local_port(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        self.must(fd_calls.fd_close, fd)

    def strays(self, *written: tuple[int, int]) -> list[int]:
        """Addresses of memory that are no guard byte any more, outside of what (address, size) pairs name."""
        allowed = {at + index for at, size in written for index in range(size)}
        return [at for at, byte in enumerate(self.memory) if byte != GUARD and at not in allowed]

    def refill(self) -> None:
        """Fill the memory with guard bytes."""
        self.memory[:] = bytes([GUARD]) * MEMORY_SIZE

    def await_blocked(self) -> None:
        """Return when the task waits in its poller, the channel's patience being over, or for a futex."""
        poller = self.task.poller
        assert isinstance(poller, WatchedPoller)
        wait_until(lambda: poller.waits.is_set() or self.task.token is not None)

    def forget_blocked(self) -> None:
        """Let `await_blocked` wait for the next time."""
        poller = self.task.poller
        assert isinstance(poller, WatchedPoller)
        poller.waits.clear()

    def await_patience(self) -> None:
        """Return when the task has entered a blocking call."""
        wait_until(lambda: self.task.waiting_on is not None)


class GuestProcess:
    """A process with its tasks. A context manager: at its end everything is given back."""

    def __init__(
        self,
        net: Any = True,
        *,
        judge: Callable[[Request], bool] | None = None,
        network: Network | None = None,
        generation: AbiGeneration = MODERN,
        max_fds: int = 8192,
    ) -> None:
        self.reports: list[str] = []
        self.generation = generation
        self.network = network or _network(net, judge, self.reports.append)
        self.kernel = Kernel(WatchedPoller)
        self.process = self.kernel.start_process((), (), max_fds=max_fds)
        self.main = Caller(self, self.process.main_task)

    def another(self) -> Caller:
        """One more task."""
        task = Task(self.process, self.process.pid + len(self.process.tasks), WatchedPoller())
        self.process.tasks.append(task)
        return Caller(self, task)

    def listen(self, wire: Wire, backlog: int = 16) -> tuple[int, int]:
        """A listening socket on a wire; returns its descriptor and port."""
        return self.main.listen(wire.host, backlog)

    def __enter__(self) -> GuestProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.finish(ExitStatus())
        for task in list(self.process.tasks):
            self.process.task_ended(task)
        self.network.close()


def _network(net: Any, judge: Callable[[Request], bool] | None, report: Callable[[str], None]) -> Network:
    if judge is None:
        return make_network(net, None, report)
    if net is True:
        return make_network(judge, None, report)
    return make_network(net, NetworkPolicy(judge), report)


def _in_order(found: tuple[int, int, bytes, int, int]) -> tuple[int, bytes, int, int, int]:
    family, port, ip, flow, scope = found
    return family, ip, port, flow, scope


@contextmanager
def all_closed(*closables: Any) -> Iterator[None]:
    """Close things at the end."""
    try:
        yield
    finally:
        for each in closables:
            each.close()
