"""Random calls with random paths answer what Linux answers: in a directory of the host, and in one in memory."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Protocol

import pytest

from pywasix.abi.enums import FileType
from pywasix.errors import SysError
from pywasix.fs import operations
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.node import Directory, Opening
from pywasix.fs.walk import Start
from pywasix.host.directory import host_directory

STEPS = 1200
NAMES = [b"a", b"b", b"c", b"d"]
MODES = {FileType.DIRECTORY: stat.S_IFDIR, FileType.REGULAR_FILE: stat.S_IFREG, FileType.SYMBOLIC_LINK: stat.S_IFLNK}
LIBC = ctypes.CDLL(None, use_errno=True)
AT_SYMLINK_FOLLOW = 0x400
CALLS = (
    *(["mkdir"] * 3 + ["rmdir", "unlink"] + ["rename"] * 2 + ["link"] + ["symlink"] * 2),
    *(["readlink", "stat", "list"] + ["open"] * 4),
)


class Files(Protocol):
    """What is done to files, once by Linux and once by us."""

    def mkdir(self, path: bytes) -> object: ...
    def rmdir(self, path: bytes) -> object: ...
    def unlink(self, path: bytes) -> object: ...
    def rename(self, path: bytes, new: bytes) -> object: ...
    def link(self, path: bytes, new: bytes, follow: bool) -> object: ...
    def symlink(self, target: bytes, path: bytes) -> object: ...
    def readlink(self, path: bytes) -> object: ...
    def stat(self, path: bytes, follow: bool) -> object: ...
    def list(self, path: bytes) -> object: ...
    def open(self, path: bytes, how: Opening, follow: bool) -> object: ...


class Linux:
    def __init__(self, fd: int) -> None:
        self.fd = fd

    def mkdir(self, path: bytes) -> None:
        os.mkdir(path, dir_fd=self.fd)

    def rmdir(self, path: bytes) -> None:
        os.rmdir(path, dir_fd=self.fd)

    def unlink(self, path: bytes) -> None:
        os.unlink(path, dir_fd=self.fd)

    def rename(self, path: bytes, new: bytes) -> None:
        os.rename(path, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, path: bytes, new: bytes, follow: bool) -> None:
        if LIBC.linkat(
            self.fd, path, self.fd, new, AT_SYMLINK_FOLLOW if follow else 0
        ):  # os.link always follows in "./"
            raise OSError(ctypes.get_errno(), "linkat")

    def symlink(self, target: bytes, path: bytes) -> None:
        os.symlink(target, path, dir_fd=self.fd)

    def readlink(self, path: bytes) -> bytes:
        return os.readlink(path, dir_fd=self.fd)

    def stat(self, path: bytes, follow: bool) -> object:
        found = os.stat(path, dir_fd=self.fd, follow_symlinks=follow)
        kind = stat.S_IFMT(found.st_mode)
        return kind if kind == stat.S_IFDIR else (kind, found.st_size, found.st_nlink)

    def list(self, path: bytes) -> object:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.fd)
        try:
            return sorted(map(os.fsencode, os.listdir(fd)))
        finally:
            os.close(fd)

    def open(self, path: bytes, how: Opening, follow: bool) -> object:
        flags = os.O_RDWR if how.read and how.write else os.O_WRONLY if how.write else os.O_RDONLY
        for asked, flag in (
            (how.create, os.O_CREAT),
            (how.exclusive, os.O_EXCL),
            (how.truncate, os.O_TRUNC),
            (how.directory, os.O_DIRECTORY),
            (not follow, os.O_NOFOLLOW),
        ):
            flags |= flag if asked else 0
        fd = os.open(path, flags, 0o666, dir_fd=self.fd)
        try:
            if how.write:
                os.pwrite(fd, b"abc", 0)
            return stat.S_ISDIR(os.fstat(fd).st_mode)
        finally:
            os.close(fd)


class Ours:
    def __init__(self, directory: Directory) -> None:
        self.start = Start(directory, (), None)

    def mkdir(self, path: bytes) -> None:
        operations.make_directory(self.start, path)

    def rmdir(self, path: bytes) -> None:
        operations.remove_directory(self.start, path)

    def unlink(self, path: bytes) -> None:
        operations.remove_file(self.start, path)

    def rename(self, path: bytes, new: bytes) -> None:
        operations.rename(self.start, path, self.start, new)

    def link(self, path: bytes, new: bytes, follow: bool) -> None:
        operations.link(self.start, path, self.start, new, follow=follow)

    def symlink(self, target: bytes, path: bytes) -> None:
        operations.make_link(self.start, path, target)

    def readlink(self, path: bytes) -> bytes:
        return operations.target_of(self.start, path)

    def stat(self, path: bytes, follow: bool) -> object:
        found = operations.status_of_path(self.start, path, follow=follow)
        kind = MODES[found.filetype]
        return kind if kind == stat.S_IFDIR else (kind, found.size, found.links)

    def list(self, path: bytes) -> object:
        file = operations.open_path(self.start, path, Opening(directory=True), follow=True)
        assert isinstance(file, DirectoryFile)
        names = sorted(entry.name for entry in file.start.directory.entries())
        file.close()
        return names

    def open(self, path: bytes, how: Opening, follow: bool) -> object:
        file = operations.open_path(self.start, path, how, follow=follow)
        assert not isinstance(file, tuple)
        if how.write:
            file.write_at([memoryview(b"abc")], 0)
        is_directory = isinstance(file, DirectoryFile)
        file.close()
        return is_directory


def memory(_: Path) -> Directory:
    return MemoryVolume().root


def host(path: Path) -> Directory:
    return host_directory(str(path), writable=True)


def step_by_step(path: Path) -> Directory:
    found = host_directory(str(path), writable=True)
    found._mount.strides = False
    return found


def random_path(random: Random) -> bytes:
    """It does not go up more than down; a symbolic link may make it do so."""
    names: list[bytes] = []
    depth = 0
    for _ in range(random.choice([1, 1, 1, 2, 2, 3, 4])):
        name = random.choice([*NAMES, b".", b".."] if random.random() < 0.3 else NAMES)
        if name == b".." and not depth:
            name = b"."
        depth += {b".": 0, b"..": -1}.get(name, 1)
        names.append(name)
    return (b"//" if random.random() < 0.05 else b"/").join(names) + random.choice([b""] * 14 + [b"/", b"/", b"/."])


def random_call(random: Random) -> tuple[str, tuple[Any, ...]]:
    path, follow = random_path(random), random.random() < 0.5
    name = random.choice(CALLS)
    if name == "rename":
        return name, (path, random_path(random))
    if name == "link":
        return name, (path, random_path(random), follow)
    if name == "symlink":
        return name, (path.replace(b"..", b"."), random_path(random))
    if name == "stat":
        return name, (path, follow)
    if name != "open":
        return name, (path,)
    read, write = random.choice([(True, False), (False, True), (True, True)])
    create, rarely, seldom = random.random() < 0.5, random.random() < 0.2, random.random() < 0.2
    exclusive = create and random.random() < 0.5
    return name, (path, Opening(read, write, create, exclusive, rarely, seldom and not create), follow)


def answer(files: Files, name: str, arguments: tuple[Any, ...]) -> object:
    try:
        return getattr(files, name)(*arguments)
    except SysError as error:
        return error.errno.name
    except OSError as error:
        return errno.errorcode[error.errno or 0].removeprefix("E")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [host, step_by_step, memory])
def test_random_calls(tmp_path: Path, make: Callable[[Path], Directory], seed: int) -> None:
    random = Random(seed)
    (tmp_path / "linux").mkdir()
    (tmp_path / "ours").mkdir()
    directory = make(tmp_path / "ours")
    fd = os.open(tmp_path / "linux", os.O_RDONLY)
    try:
        linux, ours = Linux(fd), Ours(directory)
        for _ in range(STEPS):
            name, arguments = random_call(random)
            mine = answer(ours, name, arguments)
            if mine == "PERM" and b".." in b"".join(each for each in arguments if isinstance(each, bytes)):
                continue  # over a link to ".", its ".." leads out
            assert (name, arguments, mine) == (name, arguments, answer(linux, name, arguments))
    finally:
        os.close(fd)
        directory.close()
