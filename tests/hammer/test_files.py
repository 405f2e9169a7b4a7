"""Threads on the same open files: no call reaches a stranger's file, each byte is read once, none is lost."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from pywasix.abi.enums import FdFlags, OFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.mounts import Namespace
from pywasix.fs.walk import Start
from pywasix.host.directory import host_directory
from pywasix.kernel.fdtable import Descriptor
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.fd_file import fd_pread
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.path import path_open
from support import PATIENCE
from world import World

ALL = (1 << 64) - 1
CREATE = int(OFlags.CREAT)
THREADS = 4
TURNS = 4000
SECRET = b"secret"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A process with a directory of the host at /host and one in memory at /memory; descriptor 0 is "/"."""
    given = tmp_path / "given"
    given.mkdir()
    namespace = Namespace()
    namespace.mount([b"host"], host_directory(str(given), writable=True))
    namespace.mount([b"memory"], MemoryVolume().root)
    namespace.complete()
    with World() as found:
        found.process.files = GuestFiles(namespace)
        root = DirectoryFile.of(Start(namespace.root, (), namespace.root))
        found.fds.add(Descriptor(root, DIRECTORY_RIGHTS, INHERITING_RIGHTS))
        yield found


class Hand:
    """A thread's own places in the memory of a world: a path, a buffer of one iovec, and a result."""

    def __init__(self, world: World, number: int) -> None:
        base = 4096 * (number + 1)
        self._world, self._memory = world, world.ctx.memory
        self._path, self.vector, self.result, self.buffer = base, base + 1024, base + 1040, base + 2048
        self.size(1)

    def size(self, size: int) -> None:
        self._memory.write(self.vector, self.buffer.to_bytes(4, "little") + size.to_bytes(4, "little"))

    def open(self, path: bytes, flags: int = 0) -> int:
        self._memory.write(self._path, path)
        self._world.call(path_open, 0, 1, self._path, len(path), CREATE, ALL, ALL, flags, self.result)
        return self._memory.load_u32(self.result)

    def read(self, fd: int) -> bytes:
        self._world.call(fd_read, fd, self.vector, 1, self.result)
        return self._memory.read(self.buffer, self._memory.load_u32(self.result))

    def write(self, fd: int, data: bytes) -> int:
        self._memory.write(self.buffer, data)
        self.size(len(data))
        self._world.call(fd_write, fd, self.vector, 1, self.result)
        return self._memory.load_u32(self.result)


def errno_of(call: Callable[[], object]) -> Errno:
    try:
        call()
    except SysError as error:
        return error.errno
    return Errno.SUCCESS


def together(*works: Callable[[], None]) -> None:
    """Run all of it in threads that begin together."""
    gate = Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        gate.wait(PATIENCE)
        work()

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(works)) as threads:
            for done in [threads.submit(run, work) for work in works]:
                done.result(PATIENCE)
    finally:
        sys.setswitchinterval(usual)


@pytest.mark.parametrize("where", [b"host", b"memory"])
def test_a_call_beside_a_close_never_reaches_a_stranger(world: World, tmp_path: Path, where: bytes) -> None:
    """Numbers that are closed are taken at once by files that the guest was not given."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET * 100)
    number = Hand(world, 9).open(where + b"/own")
    over = Event()

    def reopen() -> None:
        hand = Hand(world, 0)
        for _ in range(TURNS):
            world.call(fd_close, number)
            assert hand.open(where + b"/own") == number
        over.set()

    def strangers() -> None:
        while not over.is_set():
            for fd in [os.open(secret, os.O_RDWR) for _ in range(4)]:
                os.close(fd)

    def use(index: int, call: Callable[[Hand], object]) -> Callable[[], None]:
        def work() -> None:
            hand = Hand(world, index)
            while not over.is_set():
                assert errno_of(lambda: call(hand)) in (Errno.SUCCESS, Errno.BADF)

        return work

    def read(hand: Hand) -> None:
        hand.size(6)
        assert hand.read(number) != SECRET

    def read_at(hand: Hand) -> None:
        hand.size(6)
        world.call(fd_pread, number, hand.vector, 1, 0, hand.result)
        assert world.ctx.memory.read(hand.buffer, 6) != SECRET

    together(reopen, strangers, use(1, read), use(2, read_at), use(3, lambda hand: hand.write(number, b"x")))
    assert secret.read_bytes() == SECRET * 100


@pytest.mark.parametrize("where", [b"host", b"memory"])
def test_each_byte_is_read_once(world: World, where: bytes) -> None:
    """The position belongs to the open file, whoever reads: threads, copies, and a child's table."""
    fd = Hand(world, 9).open(where + b"/numbers")
    numbers = [index.to_bytes(4, "little") for index in range(TURNS)]
    assert Hand(world, 9).write(fd, b"".join(numbers)[:2000]) == 2000
    file = world.fds.get(fd).file
    for index in range(500, TURNS):
        file.write(world.task, [memoryview(numbers[index])])
    world.call(fd_close, fd)
    fd = Hand(world, 9).open(where + b"/numbers")
    copied = world.fds.add(world.fds.get(fd).copy())
    read: list[list[bytes]] = [[] for _ in range(THREADS)]

    def work(index: int) -> None:
        hand = Hand(world, index)
        hand.size(4)
        while data := hand.read((fd, copied)[index % 2]):
            read[index].append(data)

    together(*(lambda index=index: work(index) for index in range(THREADS)))
    assert Counter(data for each in read for data in each) == Counter(numbers)
    assert all(each == sorted(each, key=lambda data: int.from_bytes(data, "little")) for each in read)


@pytest.mark.parametrize("where", [b"host", b"memory"])
def test_what_is_appended_is_never_lost(world: World, where: bytes) -> None:
    path = where + b"/log"
    size = TURNS // 4

    def work(index: int) -> None:
        hand = Hand(world, index)
        fd = hand.open(path, int(FdFlags.APPEND))
        for _ in range(size):
            assert hand.write(fd, bytes([index]) * 7) == 7
        world.call(fd_close, fd)

    together(*(lambda index=index: work(index) for index in range(THREADS)))
    fd = Hand(world, 9).open(path)
    room = memoryview(bytearray(7 * size * THREADS + 1))
    assert world.fds.get(fd).file.read_at([room], 0) == 7 * size * THREADS
    lines = Counter(bytes(room[at : at + 7]) for at in range(0, 7 * size * THREADS, 7))
    assert lines == {bytes([index]) * 7: size for index in range(THREADS)}
