"""Files of the host under bad conditions: full, read-only, removed, out of descriptors, larger than 4 GiB."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pywasix.abi.enums import FileType, OFlags, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.mounts import Namespace
from pywasix.fs.node import Opening
from pywasix.fs.walk import Start
from pywasix.host import directory as host
from pywasix.host import regular
from pywasix.host.directory import host_directory
from pywasix.host.regular import HostFile
from pywasix.kernel.fdtable import Descriptor
from pywasix.syscalls.fd import fd_filestat_get
from pywasix.syscalls.fd_file import fd_filestat_set_size, fd_pread, fd_pwrite
from pywasix.syscalls.path import path_filestat_get, path_open
from pywasix.syscalls.path_change import path_create_directory, path_unlink_file
from support import PATIENCE, guest
from world import World

ALL = (1 << 64) - 1
PATH, RESULT, VECTOR, BUFFER = 4096, 512, 64, 1024
GIB = 1 << 30
WRITING = Opening(write=True, create=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A process with `tmp_path` as its "/", descriptor 0."""
    namespace = Namespace()
    namespace.mount([], host_directory(str(tmp_path), writable=True))
    namespace.complete()
    with World(max_fds=4096) as found:
        found.process.files = GuestFiles(namespace)
        root = DirectoryFile.of(Start(namespace.root, (), namespace.root))
        found.fds.add(Descriptor(root, DIRECTORY_RIGHTS, INHERITING_RIGHTS))
        yield found


def opened(world: World, text: bytes, oflags: int = int(OFlags.CREAT)) -> int:
    world.put(PATH, text)
    world.call(path_open, 0, 1, PATH, len(text), oflags, ALL, ALL, 0, RESULT)
    return world.u32(RESULT)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def limited(which: int, soft: int) -> Iterator[None]:
    """A limit of the host for a moment."""
    before = resource.getrlimit(which)
    resource.setrlimit(which, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(which, before)


# -- full -------------------------------------------------------------------------


def test_a_file_at_the_limit_takes_what_fits_and_then_says_fbig(world: World, tmp_path: Path) -> None:
    file = world.fds.get(opened(world, b"file")).file
    with limited(resource.RLIMIT_FSIZE, 100):
        assert file.write(world.task, [memoryview(bytes(60))]) == 60
        assert file.write(world.task, [memoryview(b"x" * 60)]) == 40
        with pytest.raises(SysError, match="FBIG"):
            file.write(world.task, [memoryview(b"y")])
        with pytest.raises(SysError, match="FBIG"):
            file.write_at([memoryview(b"y")], 100)
        with pytest.raises(SysError, match="FBIG"):
            file.set_size(101)
    assert (tmp_path / "file").read_bytes() == bytes(60) + b"x" * 40


def test_a_full_disk_is_nospc(world: World) -> None:
    full = HostFile(os.open("/dev/full", os.O_RDWR), Opening(write=True), settable=True)
    parts = [memoryview(b"lo"), memoryview(b"st")]
    try:
        for data in (parts[:1], parts):
            with pytest.raises(SysError, match="NOSPC"):
                full.write(world.task, data)
            with pytest.raises(SysError, match="NOSPC"):
                full.write_at(data, 0)
    finally:
        full.close()


def test_a_file_system_of_the_host_without_room_is_nospc() -> None:
    """Linux refuses at once to allocate more in a directory in memory than it may ever have (shmem_fallocate)."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as given:
        found = os.statvfs(given)
        node = host_directory(given, writable=True)
        file = node.open(b"file", WRITING)
        assert isinstance(file, HostFile)
        try:
            with pytest.raises(SysError, match="NOSPC"):
                file.allocate(0, (found.f_blocks + 1) * found.f_frsize)
            assert file.status().size == 0
            assert file.write_at([memoryview(b"room")], 0) == 4
        finally:
            file.close()
            node.close()


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, Errno.NOSPC),
        (errno.EDQUOT, Errno.DQUOT),
        (errno.EROFS, Errno.ROFS),
        (errno.EIO, Errno.IO),
        (errno.EMFILE, Errno.MFILE),
        (errno.ENFILE, Errno.NFILE),
        (errno.EACCES, Errno.ACCES),
        (errno.ETXTBSY, Errno.TXTBSY),
        (errno.EINTR, Errno.INTR),
    ],
)
def test_what_the_host_says_is_what_the_guest_hears(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, told: Errno
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    opened(world, b"file")
    monkeypatch.setattr(host, "os_open", refuse)
    world.put(PATH, b"file")
    world.fails(told, path_open, 0, 1, PATH, 4, 0, ALL, ALL, 0, RESULT)
    monkeypatch.setattr("os.mkdir", refuse)
    world.fails(told, path_create_directory, 0, PATH, 4)


# -- read-only, removed -----------------------------------------------------------


def test_a_read_only_file_system_of_the_host() -> None:
    """/proc says ACCES or NOENT, /sys PERM or ROFS: whatever it is, it is an errno, and the host's own."""
    for place in ("/proc/self", "/sys"):
        node = host_directory(place, writable=True)
        with pytest.raises(SysError) as raised:
            node.make_directory(b"new")
        assert raised.value.errno in (Errno.ACCES, Errno.NOENT, Errno.PERM, Errno.ROFS)
        node.close()


def test_the_given_directory_is_removed(world: World, tmp_path: Path) -> None:
    """Everything in it and itself goes away under the guest: no name is found, none can be made, nothing breaks."""
    fd = opened(world, b"file")
    (tmp_path / "file").unlink()
    tmp_path.rmdir()
    try:
        world.put(PATH, b"file")
        world.fails(Errno.NOENT, path_filestat_get, 0, 1, PATH, 4, BUFFER)
        world.fails(Errno.NOENT, path_open, 0, 1, PATH, 4, int(OFlags.CREAT), ALL, ALL, 0, RESULT)
        world.fails(Errno.NOENT, path_create_directory, 0, PATH, 4)
        world.fails(Errno.NOENT, path_unlink_file, 0, PATH, 4)
        assert world.ctx.files.getcwd() == b"/"
        file = world.fds.get(fd).file
        assert file.write(world.task, [memoryview(b"still")]) == 5
        world.call(fd_filestat_get, fd, BUFFER)
    finally:
        tmp_path.mkdir()


# -- out of descriptors -----------------------------------------------------------


def open_again_and_again(world: World, text: bytes, taken: list[int]) -> None:
    while True:
        taken.append(opened(world, text, 0))


@pytest.mark.parametrize("text", [b"f", b"a/b/c/f", b"a/../a/b/../b/c/f", b"link/c/f"])
def test_a_host_without_descriptors_says_mfile_and_loses_none(world: World, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    for place in (tmp_path, tmp_path / "a" / "b" / "c"):
        (place / "f").write_bytes(b"content")
    before = open_files()
    taken: list[int] = []
    with limited(resource.RLIMIT_NOFILE, before + 12):
        with pytest.raises(SysError, match="MFILE"):
            open_again_and_again(world, text, taken)
        assert len(taken) >= 5
        for fd in taken:
            world.fds.close(fd)
        assert world.fds.get(opened(world, text, 0)).file.filetype is FileType.REGULAR_FILE
    world.fds.close(1)
    assert open_files() == before


# -- closed meanwhile ---------------------------------------------------------------


@pytest.mark.parametrize("call", ["readv", "write"])
def test_a_file_that_is_closed_under_a_call_is_still_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Another thread closes it when the call has its number, and somebody opens what the guest was not given."""
    (tmp_path / "own").write_bytes(b"owned")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    file = world.fds.get(fd := opened(world, b"own", 0)).file
    real, strangers = getattr(regular, call), []

    def beside(number: int, data: Any) -> int:
        world.fds.close(fd)
        strangers.append(os.open(secret, os.O_RDWR))
        moved: int = real(number, data)
        assert number not in strangers
        return moved

    monkeypatch.setattr(regular, call, beside)
    before = open_files()
    room = bytearray(b"writ")
    act = file.read if call == "readv" else file.write
    assert act(world.task, [memoryview(room)]) == 4
    os.close(strangers.pop())
    assert open_files() == before - 1
    assert (bytes(room), (tmp_path / "own").read_bytes()) in ((b"owne", b"owned"), (b"writ", b"writd"))
    assert secret.read_bytes() == b"secret"
    with pytest.raises(SysError, match="BADF"):
        act(world.task, [memoryview(room)])


# -- large ------------------------------------------------------------------------


def test_a_sparse_file_of_5_gib(world: World, tmp_path: Path) -> None:
    fd = opened(world, b"large")
    world.put(BUFFER, b"far away")
    world.words(VECTOR, BUFFER, 8)
    world.call(fd_pwrite, fd, VECTOR, 1, 5 * GIB, RESULT)
    assert world.u32(RESULT) == 8
    world.call(fd_filestat_get, fd, BUFFER)
    assert world.number(BUFFER + 32, 8) == 5 * GIB + 8
    world.call(fd_pread, fd, VECTOR, 1, 5 * GIB - 4, RESULT)
    assert world.memory.read(BUFFER, 8) == b"\0\0\0\0far "
    file = world.fds.get(fd).file
    assert file.seek(-4, Whence.END) == 5 * GIB + 4
    world.call(fd_filestat_set_size, fd, 6 * GIB)
    found = (tmp_path / "large").stat()
    assert found.st_size == 6 * GIB
    assert found.st_blocks * 512 < 1 << 20
    world.call(fd_filestat_set_size, fd, 0)


# -- what was synced stays --------------------------------------------------------


def test_what_was_synced_survives_a_killed_host(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pywasix",
        "run",
        "--volume",
        f"{tmp_path}:/d",
        "--",
        str(guest("files_sync")),
        "/d",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "synced\n"
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    assert (tmp_path / "journal").read_text() == "one\ntwo\nthree\n"
