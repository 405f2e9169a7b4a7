"""A world with a descriptor of every kind, on which hostile calls are made and judged."""

from __future__ import annotations

import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self

from fuzz.hostile import COUNTER, DIRECTORY, EPOLL, MEMORY_FILE, Hostile, Pointed
from pywasix.abi.addresses import AddrPort
from pywasix.abi.codecs import EPOLL_EVENT_SIZE, EVENT_SIZE
from pywasix.abi.enums import Rights, SockType
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.abi.port_codecs import ADDRESS_SIZE
from pywasix.errors import ProcessExit, SysError, Unwind
from pywasix.fs.devices import devices
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.memory_file import MemoryFile
from pywasix.fs.mounts import Namespace
from pywasix.fs.node import Opening
from pywasix.fs.walk import Start
from pywasix.host.directory import host_directory
from pywasix.host.epoller import HostEpoll
from pywasix.host.files import FdChannel
from pywasix.host.pipes import HostCounter
from pywasix.kernel.epoll import Epoll
from pywasix.kernel.eventfd import CounterFile
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.stream import StreamFile
from pywasix.kernel.task import Task
from pywasix.kernel.wait import READABLE
from pywasix.net.address import INET4, INET6, Address, parse
from pywasix.net.opening import open_socket
from pywasix.net.policy import NetworkPolicy, Request
from pywasix.net.virtual_interface import MOST_ADDRESSES, MOST_ROUTES
from pywasix.syscalls.row import Row
from world import MEMORY, PREVIEW1, UNSTABLE, WASIX, WASIX_2022, World

GENERATIONS = (PREVIEW1, UNSTABLE, WASIX_2022, WASIX)
LIMIT = 30  # descriptors
READER, LISTENER = 0, 5
RESERVED = 20  # this number is being opened by somebody
# How much there is, also when there is no room for it.
_TELL_TOTALS = {("port_addr_list", Errno.OVERFLOW), ("port_route_list", Errno.OVERFLOW), ("getcwd", Errno.RANGE)}
_TICK = 0.01  # seconds
_HANG = 20.0  # seconds; a stopped call that takes longer was not stopped
_PATTERN = random.Random(0).randbytes(MEMORY)


class Watchdog:
    """Takes a call down that blocks: a task that is stopped must come back."""

    def __init__(self) -> None:
        self.stopped = 0
        self._now: tuple[Task, int] | None = None
        self._serial = 0
        self._closing = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    def begin(self, task: Task) -> None:
        self._serial += 1
        self._now = task, self._serial

    def end(self) -> None:
        self._now = None

    def _watch(self) -> None:
        last = 0
        while not self._closing.wait(_TICK):
            now = self._now
            if now is not None and now[1] == last:
                self.stopped += 1
                now[0].stop()
            last = 0 if now is None else now[1]


# Calls that end the process: those of 2022 cannot tell that there is no program to be run.
_LEAVE = ("proc_exit", "proc_exit2", "proc_exec", "proc_exec2")


class City:
    """A populated world.

    Args:
        world: an empty one; it ends with the city.
    """

    def __init__(self, world: World, watchdog: Watchdog) -> None:
        self.world = world
        self.generation: AbiGeneration = world.generation
        self._watchdog = watchdog
        world.put(0, _PATTERN)
        world.process.args += [b"guest", b"argument"]
        world.process.env += [b"KEY=VALUE"]
        world.process.local_keys.create(5)
        world.exports.add("_thread_local_destroy")
        world.process.signals.dispositions[2] = 1  # type: ignore[assignment]  # any number does
        self.ports = {"closed": 1}
        self._settle()
        assert world.fds.reserve(RESERVED) == RESERVED
        self._watching()
        self._files()

    def _settle(self) -> None:
        """Fill the table; `hostile` names the numbers."""
        world = self.world
        reader, end = world.pipe_reader()
        os.write(end, b"some input")
        world.pipe_writer()
        world.path(os.devnull)
        world.path(os.devnull, os.O_RDONLY)
        world.add(world.fds.get(reader).file, preopen=b"/home")
        _, address = world.listener()
        listener6, address6 = world.listener("::1")
        self.ports |= {"listener": address.port, "listener6": address6.port}
        self._queue_caller(address)
        world.socket()
        world.nonblocking(world.socket(INET6))
        world.socket_file(world.socket()).bind(parse("127.0.0.1", 0))
        self._datagrams(world.socket(INET4, SockType.SOCKET_DGRAM))
        caller, accepted = world.connected()
        world.socket_file(accepted).channel.send(memoryview(b"waiting data"), 1)
        world.nonblocking(listener6)
        _, peer = world.connected("::1")
        world.fds.close(peer)
        self._refused(world.nonblocking(world.socket()))
        world.without_right(world.fds.add(world.fds.get(caller).copy()), -1)
        shut, _ = world.connected()
        world.socket_file(shut).shutdown(3)
        self._regular_file()
        world.connecting()
        assert len(world.fds) == RESERVED

    def _watching(self) -> None:
        """An epoll descriptor that watches files that have something to tell, and an event counter."""
        world = self.world
        epoll = Epoll(HostEpoll())
        assert world.add(epoll) == EPOLL
        assert world.add(CounterFile(HostCounter(2, semaphore=True))) == COUNTER
        for fd in (READER, LISTENER, COUNTER):
            epoll.add(world.task, fd, world.fds.get(fd).file, READABLE, bytes(24))

    def _regular_file(self) -> None:
        with TemporaryFile(buffering=0) as file:
            file.write(b"contents of a file")
            self.world.add(StreamFile(FdChannel(os.dup(file.fileno()), owned=True)))

    def _files(self) -> None:
        """ "/" with a directory of the host, one in memory and devices; an open file in memory."""
        world = self.world
        directory = TemporaryDirectory()
        world.later(directory.cleanup)
        given = Path(directory.name)
        (given / "sub").mkdir()
        (given / "file").write_bytes(b"contents")
        (given / "link").symlink_to("../tmp/x")
        (given / "loop").symlink_to("loop")
        namespace = Namespace()
        world.process.files = GuestFiles(namespace)
        namespace.mount([b"data"], host_directory(directory.name, writable=True))
        volume = MemoryVolume(1 << 16)
        namespace.mount([b"tmp"], volume.root)
        namespace.mount([b"dev"], devices(world.ctx.services.random))
        namespace.complete()
        root = DirectoryFile.of(Start(namespace.root, (), namespace.root))
        # Nothing of the host's disk is allocated: sizes and offsets are as large as can be.
        inheriting = INHERITING_RIGHTS & ~int(Rights.FD_ALLOCATE)
        assert world.fds.add(Descriptor(root, DIRECTORY_RIGHTS, inheriting, preopen=b"/")) == DIRECTORY
        opened = volume.root.open(b"x", Opening(write=True, create=True))
        assert isinstance(opened, MemoryFile)
        assert world.add(opened) == MEMORY_FILE

    def _queue_caller(self, address: Address) -> None:
        caller = open_socket(self.world.network, INET4, SockType.SOCKET_STREAM)
        caller.connect(self.world.task, address)
        self.world.later(caller.close)

    def _datagrams(self, fd: int) -> None:
        """Connect a datagram socket to itself, with something to receive."""
        file = self.world.socket_file(fd)
        file.bind(parse("127.0.0.1", 0))
        file.connect(self.world.task, file.local())
        for text in (b"waiting datagram", b""):
            file.send(self.world.task, [memoryview(text)], 0)

    def _refused(self, fd: int) -> None:
        try:
            self.world.socket_file(fd).connect(self.world.task, parse("127.0.0.1", 1))
        except SysError:
            return

    def encoded_address(self, host: str, port: str) -> bytes:
        """Twenty bytes of an address, with a symbolic port."""
        each = parse(host, self.ports[port] if port in self.ports else int(port))
        return self.generation.encode_addr_port(each.family, each.port, each.ip)[:20]

    # -- making a call ------------------------------------------------------

    def make(self, call: Hostile) -> Errno | None:
        """Make one hostile call and judge what it did; returns its errno."""
        world = self.world
        arguments = [self._store(each) if isinstance(each, Pointed) else each for each in call.arguments]
        before = bytes(world.raw)
        areas = writable_areas(world, call.row, arguments)
        numbers = [fd for fd, _ in world.fds.items()]
        began = monotonic()
        errno = self._perform(call, arguments)
        assert monotonic() - began < _HANG, f"{call} came back too late"
        if errno is not None:
            told = (call.row.name, errno) in _TELL_TOTALS
            assert told or bytes(world.raw) == before, f"{call} failed with {errno.name} and wrote to memory"
            assert [fd for fd, _ in world.fds.items()] == numbers, f"{call} failed and changed the descriptors"
        _assert_only(before, bytes(world.raw), areas, call)
        return errno

    def _store(self, pointed: Pointed) -> int:
        data = b"" if pointed.fill is None else pointed.fill.encode(self)
        if pointed.pointer + len(data) <= MEMORY:
            self.world.put(pointed.pointer, data)
        return pointed.pointer

    def _perform(self, call: Hostile, arguments: list[int]) -> Errno | None:
        handler, task = call.row.handler, self.world.task
        assert handler is not None
        self._watchdog.begin(task)
        try:
            self.world.call(handler, *arguments)
        except SysError as error:
            return Errno(error.errno)
        except ProcessExit:
            assert call.row.name in _LEAVE, call
        except Unwind:
            assert task.stopping or call.row.name == "thread_exit", f"{call} unwound a task that nobody stopped"
        finally:
            self._watchdog.end()
            if task.child is not None:
                task.child.exited(0)  # proc_fork_env: the world is its parent again
            if task.stopping or self.world.process.halted:
                self.world.process.go_on()
                self._revive(task)
        return None

    @staticmethod
    def _revive(task: Task) -> None:
        """Let a stopped task go on, and take the wake-up that stopped it."""
        task.stopping = task.attention = False
        task.poller.wait((), 3_000_000)


def writable_areas(world: World, row: Row, arguments: list[int]) -> list[tuple[int, int]]:
    """What a call may write to: (start, end) of its results and of the buffers it is given."""
    given = {param.name: value for param, value in zip(row.params, arguments, strict=True)}
    areas = []
    for param in row.params:
        if param.kind in ("out", "inout"):
            start = given[param.name]
            areas.append((start, start + _result_size(world, row.name, param.name, param.type, param.size, given)))
    if row.name in ("fd_read", "fd_pread", "sock_recv", "sock_recv_from"):
        vector = "iovs" if row.name.startswith("fd_") else "ri_data"
        areas += _buffers(world, given[vector], given[f"{vector}_len"])
    return areas


def _result_size(world: World, row: str, name: str, kind: Any, size: int, given: dict[str, int]) -> int:
    """Bytes of a result: of its type, but for arrays and for addresses, which have the guest's size."""
    process = world.process
    strings = process.env if row == "environ_get" else process.args
    arrays = {
        ("args_get", "argv"): 4 * len(strings),
        ("environ_get", "environ"): 4 * len(strings),
        ("args_get", "argv_buf"): sum(len(each) + 1 for each in strings),
        ("environ_get", "environ_buf"): sum(len(each) + 1 for each in strings),
        ("epoll_wait", "event"): EPOLL_EVENT_SIZE * given.get("maxevents", 0),
        ("poll_oneoff", "out"): EVENT_SIZE * given.get("nsubscriptions", 0),
        ("random_get", "buf"): given.get("buf_len", 0),
        ("fd_prestat_dir_name", "path"): given.get("path_len", 0),
        ("getcwd", "path"): 64,  # no path of the world is longer
        ("fd_readdir", "buf"): given.get("buf_len", 0),
        ("path_readlink", "buf"): given.get("buf_len", 0),
        ("proc_signals_get", "buf"): 2 * len(process.signals.dispositions),
        ("resolve", "addrs"): ADDRESS_SIZE * given.get("naddrs", 0),
        ("port_addr_list", "addrs"): size * MOST_ADDRESSES,
        ("port_route_list", "routes"): size * MOST_ROUTES,
    }
    if kind == AddrPort:
        entry = world.fds.entries.get(given.get("fd", given.get("sock", -1)))
        return world.generation.addr_port_written(getattr(entry and entry.file, "family", INET6))
    return arrays.get((row, name), size)


def _buffers(world: World, pointer: int, count: int) -> list[tuple[int, int]]:
    if count > 1024 or pointer + 8 * count > MEMORY:
        return []
    pairs = [(world.u32(pointer + 8 * index), world.u32(pointer + 8 * index + 4)) for index in range(count)]
    return [(start, start + size) for start, size in pairs]


def _assert_only(before: bytes, after: bytes, areas: list[tuple[int, int]], call: Hostile) -> None:
    """Memory changed inside the areas only."""
    if before == after:
        return
    expected = bytearray(before)
    for start, end in areas:
        expected[start:end] = after[start:end]
    assert bytes(expected) == after, f"{call} wrote outside of its results"


def loopback_only(request: Request) -> bool:
    """The policy of the fuzz on the host's network: nothing but this computer."""
    where = request.remote if request.action in ("connect", "send") else request.local
    return where is not None and where[0] in ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def host_policy() -> NetworkPolicy:
    """`loopback_only` as a policy."""
    return NetworkPolicy(loopback_only)
