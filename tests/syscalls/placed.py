"""A world with a directory of the host at /data, and how tests open what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pywasix.abi.enums import FileType, LookupFlags, OFlags, Rights
from pywasix.abi.records import Dirent
from pywasix.errors import SysError
from pywasix.fs.devices import devices
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.mounts import Namespace
from pywasix.fs.walk import Start
from pywasix.host.directory import host_directory
from pywasix.kernel.fdtable import Descriptor
from pywasix.syscalls.fd_file import fd_readdir
from pywasix.syscalls.fd_io import fd_read
from pywasix.syscalls.path import path_open
from syscalls.vectors import BUFFER, COUNT, VECTOR, buffers
from world import PREVIEW1, World

PATH, PATH2, RESULT = 4096, 12288, 512
SMALL = 1 << 16  # bytes of /tmp
CLOSED = 9
FOLLOW = int(LookupFlags.SYMLINK_FOLLOW)
ALL = (1 << 64) - 1
WRITE = int(Rights.FD_WRITE)
READ = ALL & ~WRITE


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory of the host: /data for the guest, beside one that was not given."""
    given = tmp_path / "given"
    (given / "sub").mkdir(parents=True)
    (given / "file").write_bytes(b"0123456789")
    (given / "sub" / "deep").write_bytes(b"deep")
    (tmp_path / "secret").write_bytes(b"secret")
    (given / "link").symlink_to("sub/deep")
    (given / "to_sub").symlink_to("sub")
    (given / "out").symlink_to("../../../secret")
    (given / "absolute").symlink_to("/data/file")
    (given / "loop").symlink_to("loop")
    os.mkfifo(given / "fifo")
    return given


def given(files: Path, world: World, *, absolute: bool) -> World:
    """Give a world its files, and "/" as its next descriptor."""
    namespace = Namespace()
    world.process.files = GuestFiles(namespace)
    namespace.mount([b"data"], host_directory(str(files), writable=True))
    namespace.mount([b"ro"], host_directory(str(files)))
    namespace.mount([b"other"], host_directory(str(files), writable=True))
    namespace.mount([b"tmp"], MemoryVolume(SMALL).root)
    namespace.mount([b"dev"], devices(world.ctx.services.random))
    namespace.complete()
    root = DirectoryFile.of(Start(namespace.root, (), namespace.root if absolute else None))
    world.fds.add(Descriptor(root, DIRECTORY_RIGHTS, INHERITING_RIGHTS, preopen=b"/"))
    return world


@pytest.fixture
def placed(files: Path) -> Iterator[World]:
    """A WASIX process whose descriptor 0 is "/"; in it /data and /other, /ro that is read-only, /tmp, /dev."""
    with World() as world:
        yield given(files, world, absolute=True)


@pytest.fixture
def confined(files: Path) -> Iterator[World]:
    """The same for a process without WASIX, whose paths stay below their descriptors."""
    with World(generation=PREVIEW1) as world:
        yield given(files, world, absolute=False)


def path(world: World, text: bytes, at: int = PATH) -> tuple[int, int]:
    world.put(at, text)
    return at, len(text)


def opening(
    world: World,
    text: bytes,
    *,
    fd: int = 0,
    flags: int = FOLLOW,
    oflags: int = 0,
    rights: int = READ,
    result: int = RESULT,
) -> tuple[int, ...]:
    """The arguments of path_open."""
    return (fd, flags, *path(world, text), oflags, rights, ALL, 0, result)


def opened(world: World, text: bytes, **how: int) -> int:
    world.call(path_open, *opening(world, text, **how))
    return world.u32(RESULT)


def fill(world: World) -> None:
    """Use all the room that /tmp has."""
    fd = opened(world, b"tmp/large", oflags=int(OFlags.CREAT), rights=ALL)
    file = world.fds.get(fd).file
    piece = memoryview(bytes(1024))
    with suppress(SysError):
        while True:
            file.write(world.task, [piece])
    with suppress(SysError):
        while True:
            file.write(world.task, [piece[:1]])


def content(world: World, fd: int) -> bytes:
    world.call(fd_read, fd, VECTOR, buffers(world, 64), COUNT)
    return world.memory.read(BUFFER, world.u32(COUNT))


def listed(world: World, fd: int, size: int = 1024, cookie: int = 0) -> list[tuple[bytes, FileType, int]]:
    """(name, type, cookie of the next one) of the entries that came whole."""
    world.call(fd_readdir, fd, BUFFER, size, cookie, COUNT)
    raw, found = world.memory.read(BUFFER, world.u32(COUNT)), []
    while len(raw) >= Dirent.SIZE:
        entry = Dirent.unpack_from(raw, 0)
        name, raw = raw[Dirent.SIZE : Dirent.SIZE + entry.d_namlen], raw[Dirent.SIZE + entry.d_namlen :]
        if len(name) == entry.d_namlen:
            found.append((name, FileType(entry.d_type), entry.d_next))
    return found
