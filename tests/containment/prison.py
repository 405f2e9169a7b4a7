"""A directory that is given to a guest, what lies around it, and ways to find out whether that was touched."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from pywasix.abi.enums import FstFlags, OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.mounts import Namespace
from pywasix.fs.walk import Start
from pywasix.host.directory import host_directory
from pywasix.kernel.fdtable import Descriptor
from pywasix.syscalls.fd_file import chdir, fd_readdir
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.path import path_filestat_get, path_filestat_set_times, path_open, path_readlink
from pywasix.syscalls.path_change import (
    path_create_directory,
    path_link,
    path_remove_directory,
    path_rename,
    path_symlink,
    path_unlink_file,
)
from world import PREVIEW1, WASIX, World

SECRET = b"the secret of the host"
ALL = (1 << 64) - 1
PATH, PATH2, RESULT, VECTOR, BUFFER = 4096, 12288, 512, 64, 1024


def build(root: Path) -> Path:
    """Make the given directory, traps in it, and what is outside; returns the given directory."""
    given, outside = root / "given", root / "outside"
    (given / "sub" / "deep").mkdir(parents=True)
    (outside / "room").mkdir(parents=True)
    (given / "file").write_bytes(b"inside")
    (given / "sub" / "file").write_bytes(b"inside too")
    for place in (root, outside, outside / "room"):
        (place / "secret").write_bytes(SECRET)
    links = {
        "up": "..",
        "out": "../secret",
        "out_dir": "../outside",
        "absolute": str(root / "secret"),
        "absolute_dir": str(outside),
        "chain": "chain2",
        "chain2": "sub/../out",
        "dangling": "../new",
        "absolute_dangling": str(root / "new"),
        "loop": "loop",
        "loop_a": "loop_b",
        "loop_b": "loop_a",
        "slashes": "..//..///secret",
        "proc_root": "/proc/self/root",
        "proc_cwd": "/proc/self/cwd",
        "proc_fd": "/proc/self/fd",
        "device": "/dev/null",
        "etc": "/etc",
    }
    for name, target in links.items():
        (given / name).symlink_to(target)
    (given / "sub" / "out").symlink_to("../../secret")
    os.mkfifo(given / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(given)  # a socket's path must be short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(given / "null", 0o20666, os.makedev(1, 3))
    return given


class Look(NamedTuple):
    """One thing outside: everything of it that a guest must not change."""

    path: str
    mode: int
    links: int
    size: int
    modified: int
    changed: int
    content: bytes


def around(root: Path) -> list[Look]:
    """All that lies outside of the given directory, and the times of the directories that hold it."""
    found = []
    for directory, names, files in os.walk(root):
        if directory == str(root):
            names.remove("given")
        for name in (".", *sorted(names), *sorted(files)):
            path = Path(directory, name)
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found.append(
                Look(
                    str(path),
                    status.st_mode,
                    status.st_nlink,
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                    content,
                )
            )
    return found


class Prisoner:
    """A guest with the given directory as its "/", who makes system calls as guests do.

    Args:
        wasix: it may use absolute paths; otherwise paths stay below their descriptors.
    """

    def __init__(self, given: Path, *, wasix: bool, writable: bool = True) -> None:
        self.world = World(generation=WASIX if wasix else PREVIEW1, max_fds=64)
        namespace = Namespace()
        self.world.process.files = GuestFiles(namespace)
        namespace.mount([], host_directory(str(given), writable=writable))
        namespace.complete()
        root = DirectoryFile.of(Start(namespace.root, (), namespace.root if wasix else None))
        self.root = self.world.fds.add(Descriptor(root, DIRECTORY_RIGHTS, INHERITING_RIGHTS, preopen=b"/"))

    def close(self) -> None:
        self.world.__exit__(None, None, None)

    def path(self, text: bytes, at: int = PATH) -> tuple[int, int]:
        self.world.put(at, text)
        return at, len(text)

    def open(
        self, text: bytes, *, fd: int | None = None, oflags: int = 0, rights: int = ALL & ~int(Rights.FD_WRITE)
    ) -> int:
        fd = self.root if fd is None else fd
        self.world.call(path_open, fd, 1, *self.path(text), oflags, rights, ALL, 0, RESULT)
        return self.world.u32(RESULT)

    # -- what an attack does: each takes a path, and raises SysError when it is refused ---------------

    def read(self, text: bytes) -> None:
        fd = self.open(text)
        self.world.words(VECTOR, BUFFER, 64)
        self.world.call(fd_read, fd, VECTOR, 1, RESULT)

    def write(self, text: bytes) -> None:
        fd = self.open(text, rights=ALL)
        self.world.put(BUFFER, b"overwritten")
        self.world.words(VECTOR, BUFFER, 11)
        self.world.call(fd_write, fd, VECTOR, 1, RESULT)

    def create(self, text: bytes) -> None:
        self.open(text, oflags=int(OFlags.CREAT), rights=ALL)

    def create_new(self, text: bytes) -> None:
        self.open(text, oflags=int(OFlags.CREAT | OFlags.EXCL), rights=ALL)

    def truncate(self, text: bytes) -> None:
        self.open(text, oflags=int(OFlags.TRUNC), rights=ALL)

    def list(self, text: bytes) -> None:
        fd = self.open(text, oflags=int(OFlags.DIRECTORY))
        self.world.call(fd_readdir, fd, BUFFER, 1024, 0, RESULT)

    def stat(self, text: bytes) -> None:
        self.world.call(path_filestat_get, self.root, 1, *self.path(text), BUFFER)

    def read_link(self, text: bytes) -> None:
        self.world.call(path_readlink, self.root, *self.path(text), BUFFER, 256, RESULT)

    def set_times(self, text: bytes) -> None:
        both = int(FstFlags.ATIM | FstFlags.MTIM)
        self.world.call(path_filestat_set_times, self.root, 1, *self.path(text), 1, 1, both)

    def make_directory(self, text: bytes) -> None:
        self.world.call(path_create_directory, self.root, *self.path(text))

    def remove_directory(self, text: bytes) -> None:
        self.world.call(path_remove_directory, self.root, *self.path(text))

    def unlink(self, text: bytes) -> None:
        self.world.call(path_unlink_file, self.root, *self.path(text))

    def move_out(self, text: bytes) -> None:
        self.world.call(path_rename, self.root, *self.path(b"file"), self.root, *self.path(text, PATH2))

    def move_in(self, text: bytes) -> None:
        self.world.call(path_rename, self.root, *self.path(text), self.root, *self.path(b"mine", PATH2))

    def link_out(self, text: bytes) -> None:
        self.world.call(path_link, self.root, 0, *self.path(b"file"), self.root, *self.path(text, PATH2))

    def link_in(self, text: bytes) -> None:
        self.world.call(path_link, self.root, 1, *self.path(text), self.root, *self.path(b"mine", PATH2))

    def plant(self, text: bytes) -> None:
        self.world.call(path_symlink, *self.path(b"file"), self.root, *self.path(text, PATH2))

    def read_planted(self, text: bytes) -> None:
        """Make a symbolic link with this target, and read through it."""
        self.world.call(path_symlink, *self.path(text), self.root, *self.path(b"planted", PATH2))
        self.read(b"planted")

    def enter(self, text: bytes) -> None:
        self.world.call(chdir, *self.path(text))

    def run(self, text: bytes) -> None:
        self.world.put(BUFFER, self.world.ctx.files.read_program(text)[:256])

    def attack(self, action: str, text: bytes) -> Errno | None:
        """Do it; returns the errno, None when it was not refused."""
        attempt: Any = getattr(self, action)
        try:
            attempt(text)
        except SysError as error:
            return error.errno
        return None

    def knows(self, secret: bytes) -> bool:
        """Whether the guest's memory holds it."""
        return secret in bytes(self.world.raw)


def prisoner(given: Path, *, wasix: bool, writable: bool = True) -> Iterator[Prisoner]:
    """A prisoner that is let go in the end: the body of fixtures."""
    with closing(Prisoner(given, wasix=wasix, writable=writable)) as found:
        yield found
