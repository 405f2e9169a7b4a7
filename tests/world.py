"""A kernel without an engine: one process whose system calls are made from Python, over real memory and sockets.

`World.call` does what the border does around a handler: flags are checked, the task's signals are looked at.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import pytest

import pywasix
from pywasix.abi.enums import FdFlags, SockType
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.engine.memory import LinearMemory
from pywasix.errors import SysError
from pywasix.host.files import FdChannel
from pywasix.host.poller import HostPoller
from pywasix.host.resolver import LookupThreads
from pywasix.host.services import HostServices
from pywasix.host.sockets import HostStack
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.file import File
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.stream import StreamFile
from pywasix.kernel.task import Task
from pywasix.kernel.wait import WRITABLE, Handle
from pywasix.net.address import INET4, Address, parse
from pywasix.net.network import Network
from pywasix.net.opening import open_socket
from pywasix.net.policy import NetworkPolicy
from pywasix.net.resolve import Names
from pywasix.net.sockets import Socket
from pywasix.net.stack import NetStack
from pywasix.net.states import State
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import row_of
from support import PATIENCE, wait_until

MEMORY = 1 << 16  # bytes
STREAM = int(SockType.SOCKET_STREAM)
DATAGRAM = int(SockType.SOCKET_DGRAM)
NONBLOCK = int(FdFlags.NONBLOCK)
SIGNAL_HANDLER = "__wasm_signal"

PREVIEW1 = AbiGeneration("preview1")
UNSTABLE = AbiGeneration("wasi_unstable", unstable=True)
WASIX_2022 = AbiGeneration("wasix-2022", big_endian_ports=True, legacy_sock_types=True)
WASIX = AbiGeneration("wasix-2023", wide_addresses=True)

Handler = Callable[..., None]


class WatchedPoller(HostPoller):
    """A poller that tells when its task begins to wait. A wake-up after that moment is never lost."""

    __slots__ = ("entered",)

    def __init__(self) -> None:
        super().__init__()
        self.entered = Event()

    def wait(self, interests: Any, timeout_ns: int | None) -> list[int]:
        if timeout_ns != 0:
            self.entered.set()
        return super().wait(interests, timeout_ns)


def await_blocked(task: Task) -> None:
    """Return when a task waits in its poller, or for a futex."""
    poller = task.poller
    assert isinstance(poller, WatchedPoller)
    wait_until(lambda: poller.entered.is_set() or task.token is not None)


class Call:
    """A system call in a thread of its own."""

    def __init__(self, ctx: Context, handler: Handler, args: tuple[int, ...]) -> None:
        self.error: BaseException | None = None
        self._ctx = ctx
        self._thread = Thread(target=self._run, args=(handler, args), daemon=True)
        self._thread.start()

    def _run(self, handler: Handler, args: tuple[int, ...]) -> None:
        try:
            handler(self._ctx, *args)
        except BaseException as error:
            self.error = error

    def await_blocked(self) -> None:
        """Return when the call waits in its poller, or for a futex."""
        await_blocked(self._ctx.task)

    def await_blocked_again(self, action: Callable[[], object]) -> None:
        """Do something that wakes the call, and return when it waits once more."""
        poller = self._ctx.task.poller
        assert isinstance(poller, WatchedPoller)
        poller.entered.clear()
        action()
        self.await_blocked()

    def over(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> BaseException | None:
        """Wait for the end; returns what was raised."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the call still blocks"
        return self.error

    def errno(self) -> Errno | None:
        """Wait for the end; returns the errno, None for success."""
        error = self.result()
        if error is None:
            return None
        assert isinstance(error, SysError), repr(error)
        return error.errno


class World:
    """One process on one network.

    Args:
        stack: the network; the host's unless given.
        policy: judges its use; everything is allowed unless given.
        names: what names mean; what the network says unless given.
    """

    def __init__(
        self,
        *,
        stack: NetStack | None = None,
        policy: NetworkPolicy | None = None,
        names: Names | None = None,
        generation: AbiGeneration = WASIX,
        max_fds: int = 16,
        args: tuple[bytes, ...] = (),
        env: tuple[bytes, ...] = (),
    ) -> None:
        self.kernel = Kernel(WatchedPoller)
        self.process = self.kernel.start_process(args, env, max_fds=max_fds)
        self.task = self.process.main_task
        self.fds = self.process.fds
        self.raw = (ctypes.c_ubyte * MEMORY)()
        self.memory = LinearMemory(lambda: (ctypes.addressof(self.raw), MEMORY), id(self.raw))
        self.reports: list[str] = []
        self.network = Network(
            lambda: stack or HostStack(),
            None if policy is None else lambda: policy,
            self.reports.append,
            lambda: names or Names(LookupThreads()),
        )
        self.generation = generation
        self.signals: list[tuple[str, tuple[int, ...]]] = []
        self.exports = {SIGNAL_HANDLER}
        self._closers: list[Callable[[], None]] = []
        self.ctx = self.context(self.task)

    def context(self, task: Task) -> Context:
        """The context of a task, whose guest notes what is called in `signals`."""
        task.call_guest = lambda name, arguments: self.signals.append((name, arguments))
        return Context(
            task, self.memory, self.network, self.generation, HostServices(), lambda name: name in self.exports
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self.process.tasks):
            task.disconnect()
        self.process.finish(ExitStatus())
        for task in list(self.process.tasks):
            self.process.task_ended(task)
        for closer in self._closers:
            closer()

    def later(self, closer: Callable[[], Any]) -> None:
        """Call this when the world ends."""
        self._closers.append(closer)

    # -- calls --------------------------------------------------------------

    def call(self, handler: Handler, *args: int, ctx: Context | None = None) -> None:
        """Make a system call as the border does. Raises SysError or Unwind."""
        ctx = ctx or self.ctx
        for param, value in zip(row_of(handler).params, args, strict=True):
            if param.mask is not None and value & ~param.mask:
                raise SysError(Errno.INVAL, f"unknown flags in {param.name}")
        handler(ctx, *args)
        if ctx.task.attention:
            ctx.task.attend()

    def fails(self, errno: Errno, handler: Handler, *args: int) -> None:
        """A call must fail with an errno and leave memory and descriptors as they were."""
        before, numbers = bytes(self.raw), [fd for fd, _ in self.fds.items()]
        with pytest.raises(SysError) as raised:
            self.call(handler, *args)
        assert raised.value.errno is errno, raised.value
        assert bytes(self.raw) == before, f"{handler.__name__} failed and wrote to memory"
        assert [fd for fd, _ in self.fds.items()] == numbers

    def start(self, handler: Handler, *args: int) -> Call:
        """Make a call from a second task, in a thread of its own."""
        task = Task(self.process, 100 + len(self.process.tasks), WatchedPoller())
        self.process.tasks.append(task)
        return Call(self.context(task), handler, args)

    def signal(self, number: int = 2) -> None:
        """Post a signal that the guest handles."""
        self.process.signals.use_handler(SIGNAL_HANDLER, exported=True)
        self.process.signals.post(number)

    # -- memory -------------------------------------------------------------

    def put(self, pointer: int, data: bytes) -> int:
        """Store bytes; returns the pointer."""
        self.memory.write(pointer, data)
        return pointer

    def words(self, pointer: int, *values: int) -> int:
        """Store 32-bit words; returns the pointer."""
        return self.put(pointer, b"".join(value.to_bytes(4, "little") for value in values))

    def u32(self, pointer: int) -> int:
        return self.memory.load_u32(pointer)

    def number(self, pointer: int, size: int) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.memory.read(pointer, size), "little")

    def option(self, pointer: int, nanoseconds: int | None, tag: int | None = None) -> int:
        """Store an option_timestamp; returns the pointer."""
        tag = int(nanoseconds is not None) if tag is None else tag
        return self.put(pointer, tag.to_bytes(8, "little") + (nanoseconds or 0).to_bytes(8, "little"))

    def address(self, pointer: int, host: str, port: int) -> int:
        """Store a socket address; returns the pointer."""
        each = parse(host, port)
        return self.put(pointer, self.generation.encode_addr_port(each.family, each.port, each.ip))

    # -- descriptors --------------------------------------------------------

    def add(self, file: File, rights: int | None = None, *, preopen: bytes | None = None) -> int:
        """A descriptor of a file."""
        rights = file.rights if rights is None else rights
        return self.fds.add(Descriptor(file, rights, rights, preopen=preopen))

    def pipe_reader(self) -> tuple[int, int]:
        """(descriptor that reads a pipe, host descriptor that writes it)."""
        reader, writer = os.pipe()
        self.later(lambda: close_quietly(writer))
        return self.add(StreamFile(FdChannel(reader, owned=True, private=True))), writer

    def pipe_writer(self) -> tuple[int, int]:
        """(descriptor that writes a pipe, host descriptor that reads it)."""
        reader, writer = os.pipe()
        self.later(lambda: close_quietly(reader))
        return self.add(StreamFile(FdChannel(writer, owned=True, private=True))), reader

    def path(self, path: str, flags: int = os.O_RDWR) -> int:
        """A descriptor of a host file."""
        return self.add(StreamFile(FdChannel(os.open(path, flags), owned=True)))

    def socket(self, family: int = INET4, kind: SockType = SockType.SOCKET_STREAM) -> int:
        """A descriptor of a fresh socket."""
        return self.add(open_socket(self.network, family, kind))

    def socket_file(self, fd: int) -> Socket:
        file = self.fds.get(fd).file
        assert isinstance(file, Socket)
        return file

    def listener(self, host: str = "127.0.0.1", backlog: int = 8) -> tuple[int, Address]:
        """A listening descriptor and its address."""
        address = parse(host, 0)
        fd = self.socket(address.family)
        file = self.socket_file(fd)
        file.bind(address)
        file.listen(backlog)
        return fd, file.local()

    def connected(self, host: str = "127.0.0.1") -> tuple[int, int]:
        """Two connected descriptors: the caller and the accepted one."""
        listener, address = self.listener(host)
        caller = self.socket(address.family)
        self.socket_file(caller).connect(self.task, address)
        accepted, _ = self.socket_file(listener).accept(self.task, False)
        self.fds.close(listener)
        return caller, self.add(accepted)

    def connecting(self, host: str = "127.0.0.1") -> int:
        """A non-blocking descriptor whose connect is under way and stays so: the listener's queue is full."""
        address = self.full_listener(host)
        caller = self.nonblocking(self.socket(address.family))
        with pytest.raises(SysError):
            self.socket_file(caller).connect(self.task, address)
        return caller

    def refused_later(self) -> int:
        """A non-blocking descriptor whose connect has failed while nobody looked."""
        listener, address = self.listener()
        self.fds.close(listener)
        fd = self.nonblocking(self.socket())
        file = self.socket_file(fd)
        with pytest.raises(SysError, match="INPROGRESS"):
            file.connect(self.task, address)
        self.task.poller.wait(((file.handle, WRITABLE),), 10**10)
        return fd

    def full_listener(self, host: str = "127.0.0.1") -> Address:
        """The address of a listener whose queue is full: who connects to it waits."""
        address = parse(host, 0)
        listener = self._loose(address.family)
        listener.bind(address)
        listener.listen(0)
        for _ in range(8):
            caller = self._loose(address.family)
            caller.set_flags(NONBLOCK)
            with suppress(SysError):
                caller.connect(self.task, listener.local())
            if caller.current_state() is State.CONNECTING:
                return listener.local()
        raise AssertionError("the queue of a listener never fills")

    def _loose(self, family: int) -> Socket:
        """A fresh socket without a descriptor."""
        found = open_socket(self.network, family, SockType.SOCKET_STREAM)
        found.references += 1
        self.later(found.close)
        return found

    def without_right(self, fd: int, right: int) -> int:
        """Take a right from a descriptor."""
        entry = self.fds.get(fd)
        entry.rights &= ~right
        return fd

    def fill_table(self) -> None:
        """Use every free descriptor number."""
        while len(self.fds) < self.fds.limit:
            self.path(os.devnull)

    def nonblocking(self, fd: int) -> int:
        self.fds.get(fd).file.set_flags(NONBLOCK)
        return fd


class VirtualWorld(World):
    """A process at 10.0.0.2 and fd00::2 of a fresh virtual network."""

    def __init__(self, **options: Any) -> None:
        self.virtual = pywasix.VirtualNetwork()
        self.place = self.virtual.attach()
        super().__init__(stack=self.place, **options)
        self.later(self.place.close)
        self.later(self.virtual.close)

    def refused_later(self) -> int:
        fd = self.connecting()
        self.place.close()  # the listener with the full queue is gone
        return fd


class StillHandle:
    """Something that is never ready and has no descriptor."""

    def fileno(self) -> int:
        return -1


def handle_of(fd: int) -> Handle:
    """A handle for a bare host descriptor."""

    class Bare:
        def fileno(self) -> int:
            return fd

    return Bare()


def close_quietly(fd: int) -> None:
    """Close a host descriptor that a test may have closed already."""
    try:
        os.close(fd)
    except OSError:
        return
