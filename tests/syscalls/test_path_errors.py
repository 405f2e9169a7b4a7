"""Every errno that calls on paths and directories promise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pywasix.abi.enums import OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import FileStat
from pywasix.errors import SysError
from pywasix.syscalls.fd_file import chdir, fd_pread, fd_readdir, getcwd
from pywasix.syscalls.opening import directory_of
from pywasix.syscalls.path import path_filestat_get, path_open, path_readlink
from syscalls.placed import ALL, CLOSED, FOLLOW, READ, RESULT, WRITE, opened, opening, path
from syscalls.vectors import BUFFER, COUNT, VECTOR, buffers
from world import MEMORY, World


def test_path_open_badf(placed: World) -> None:
    placed.fails(Errno.BADF, path_open, *opening(placed, b"x", fd=CLOSED))


def test_path_open_notdir(placed: World) -> None:
    fd = opened(placed, b"data/file")
    placed.fails(Errno.NOTDIR, path_open, *opening(placed, b"x", fd=fd))
    placed.fails(Errno.NOTDIR, path_open, *opening(placed, b"data/file/x"))
    placed.fails(Errno.NOTDIR, path_open, *opening(placed, b"data/file/"))
    placed.fails(Errno.NOTDIR, path_open, *opening(placed, b"data/file", oflags=int(OFlags.DIRECTORY)))


def test_path_open_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_OPEN))
    placed.fails(Errno.NOTCAPABLE, path_open, *opening(placed, b"data/file"))


def test_path_open_noent(placed: World) -> None:
    placed.fails(Errno.NOENT, path_open, *opening(placed, b"data/nothing"))
    placed.fails(Errno.NOENT, path_open, *opening(placed, b""))


def test_path_open_exist(placed: World) -> None:
    both = int(OFlags.CREAT | OFlags.EXCL)
    placed.fails(Errno.EXIST, path_open, *opening(placed, b"data/file", oflags=both))
    placed.fails(Errno.EXIST, path_open, *opening(placed, b"data/loop", oflags=both))


def test_path_open_isdir(placed: World) -> None:
    placed.fails(Errno.ISDIR, path_open, *opening(placed, b"data/sub", rights=WRITE))


def test_path_open_loop(placed: World) -> None:
    placed.fails(Errno.LOOP, path_open, *opening(placed, b"data/loop"))
    placed.fails(Errno.LOOP, path_open, *opening(placed, b"data/link", flags=0))


def test_path_open_nametoolong(placed: World) -> None:
    placed.fails(Errno.NAMETOOLONG, path_open, *opening(placed, b"data/" + b"n" * 256))
    placed.fails(Errno.NAMETOOLONG, path_open, *opening(placed, b"./" * 2048))


def test_path_open_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    confined.fails(Errno.PERM, path_open, *opening(confined, b"..", fd=sub))


def test_path_open_rofs(placed: World) -> None:
    placed.fails(Errno.ROFS, path_open, *opening(placed, b"ro/file", rights=WRITE))
    placed.fails(Errno.ROFS, path_open, *opening(placed, b"ro/file", oflags=int(OFlags.TRUNC)))
    placed.fails(Errno.ROFS, path_open, *opening(placed, b"ro/new", oflags=int(OFlags.CREAT)))
    placed.fails(Errno.ROFS, path_open, *opening(placed, b"new", oflags=int(OFlags.CREAT)))


def test_path_open_nxio(placed: World) -> None:
    placed.fails(Errno.NXIO, path_open, *opening(placed, b"dev/tty"))
    placed.fails(Errno.NXIO, path_open, *opening(placed, b"dev/fd/9"))


def test_path_open_notsup(placed: World) -> None:
    placed.fails(Errno.NOTSUP, path_open, *opening(placed, b"data/fifo"))


def test_path_open_inval(placed: World) -> None:
    placed.fails(Errno.INVAL, path_open, *opening(placed, b"data/fi\0le"))
    placed.fails(Errno.INVAL, path_open, *opening(placed, b"data/file", flags=2))


def test_path_open_mfile(placed: World) -> None:
    arguments = opening(placed, b"data/file")
    placed.fill_table()
    placed.fails(Errno.MFILE, path_open, *arguments)


def test_path_open_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_open, *opening(placed, b"data/file", result=MEMORY - 3))
    placed.fails(Errno.FAULT, path_open, 0, 0, MEMORY - 1, 4, 0, READ, ALL, 0, RESULT)


def stat_fails(world: World, errno: Errno, text: bytes, *, fd: int = 0, result: int = RESULT) -> None:
    world.fails(errno, path_filestat_get, fd, FOLLOW, *path(world, text), result)


def test_path_filestat_get_badf(placed: World) -> None:
    stat_fails(placed, Errno.BADF, b"x", fd=CLOSED)


def test_path_filestat_get_notdir(placed: World) -> None:
    stat_fails(placed, Errno.NOTDIR, b"data/file/x")


def test_path_filestat_get_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_FILESTAT_GET))
    stat_fails(placed, Errno.NOTCAPABLE, b"data")


def test_path_filestat_get_noent(placed: World) -> None:
    stat_fails(placed, Errno.NOENT, b"data/nothing")


def test_path_filestat_get_loop(placed: World) -> None:
    stat_fails(placed, Errno.LOOP, b"data/loop")


def test_path_filestat_get_nametoolong(placed: World) -> None:
    stat_fails(placed, Errno.NAMETOOLONG, b"n" * 256)


def test_path_filestat_get_perm(confined: World) -> None:
    stat_fails(confined, Errno.PERM, b"../file", fd=opened(confined, b"data/sub"))


def test_path_filestat_get_inval(placed: World) -> None:
    stat_fails(placed, Errno.INVAL, b"data\0")


def test_path_filestat_get_fault(placed: World) -> None:
    stat_fails(placed, Errno.FAULT, b"data", result=MEMORY - FileStat.SIZE + 1)


def readlink_fails(world: World, errno: Errno, text: bytes, *, fd: int = 0, result: int = BUFFER) -> None:
    world.fails(errno, path_readlink, fd, *path(world, text), result, 16, COUNT)


def test_path_readlink_badf(placed: World) -> None:
    readlink_fails(placed, Errno.BADF, b"x", fd=CLOSED)


def test_path_readlink_notdir(placed: World) -> None:
    readlink_fails(placed, Errno.NOTDIR, b"data/file/x")


def test_path_readlink_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_READLINK))
    readlink_fails(placed, Errno.NOTCAPABLE, b"data/link")


def test_path_readlink_noent(placed: World) -> None:
    readlink_fails(placed, Errno.NOENT, b"data/nothing")


def test_path_readlink_inval(placed: World) -> None:
    readlink_fails(placed, Errno.INVAL, b"data/file")
    readlink_fails(placed, Errno.INVAL, b"data")


def test_path_readlink_nametoolong(placed: World) -> None:
    readlink_fails(placed, Errno.NAMETOOLONG, b"n" * 256)


def test_path_readlink_perm(confined: World) -> None:
    readlink_fails(confined, Errno.PERM, b"../link", fd=opened(confined, b"data/sub"))


def test_path_readlink_fault(placed: World) -> None:
    readlink_fails(placed, Errno.FAULT, b"data/link", result=MEMORY - 15)


def test_fd_pread_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_pread, CLOSED, VECTOR, buffers(placed, 4), 0, COUNT)


def test_fd_pread_notcapable(placed: World) -> None:
    fd = placed.without_right(opened(placed, b"data/file"), int(Rights.FD_READ))
    placed.fails(Errno.NOTCAPABLE, fd_pread, fd, VECTOR, buffers(placed, 4), 0, COUNT)


def test_fd_pread_spipe(placed: World) -> None:
    fd, _ = placed.pipe_reader()
    placed.fails(Errno.SPIPE, fd_pread, fd, VECTOR, buffers(placed, 4), 0, COUNT)


def test_fd_pread_inval(placed: World) -> None:
    fd = opened(placed, b"data/file")
    placed.fails(Errno.INVAL, fd_pread, fd, VECTOR, buffers(placed, 4), 1 << 63, COUNT)
    placed.fails(Errno.INVAL, fd_pread, fd, VECTOR, buffers(placed, 4), (1 << 64) - 1, COUNT)


def test_fd_pread_isdir(placed: World) -> None:
    fd = opened(placed, b"data")
    placed.fds.get(fd).rights |= int(Rights.FD_READ)
    placed.fails(Errno.ISDIR, fd_pread, fd, VECTOR, buffers(placed, 4), 0, COUNT)


def test_fd_pread_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, fd_pread, opened(placed, b"data/file"), VECTOR, buffers(placed, 4), 0, MEMORY - 3)


def test_fd_readdir_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_readdir, CLOSED, BUFFER, 64, 0, COUNT)


def test_fd_readdir_notdir(placed: World) -> None:
    placed.fails(Errno.NOTDIR, fd_readdir, opened(placed, b"data/file"), BUFFER, 64, 0, COUNT)


def test_fd_readdir_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.FD_READDIR))
    placed.fails(Errno.NOTCAPABLE, fd_readdir, 0, BUFFER, 64, 0, COUNT)


def test_fd_readdir_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, fd_readdir, 0, MEMORY - 63, 64, 0, COUNT)
    placed.fails(Errno.FAULT, fd_readdir, 0, BUFFER, 64, 0, MEMORY - 3)


def test_getcwd_range(placed: World) -> None:
    for pointer, room in ((BUFFER, 1), (0, 64)):  # libc's getcwd(NULL, 64) comes with address 0
        placed.words(COUNT, room)
        with pytest.raises(SysError, match="RANGE"):
            placed.call(getcwd, pointer, COUNT)
        assert placed.u32(COUNT) == 2


def test_getcwd_fault(placed: World) -> None:
    placed.words(COUNT, 64)
    placed.fails(Errno.FAULT, getcwd, MEMORY, COUNT)
    placed.fails(Errno.FAULT, getcwd, BUFFER, MEMORY - 3)


def chdir_fails(world: World, errno: Errno, text: bytes) -> None:
    world.fails(errno, chdir, *path(world, text))


def test_chdir_noent(placed: World) -> None:
    chdir_fails(placed, Errno.NOENT, b"/data/nothing")
    chdir_fails(placed, Errno.NOENT, b"")


def test_chdir_notdir(placed: World) -> None:
    chdir_fails(placed, Errno.NOTDIR, b"/data/file")


@contextmanager
def as_nobody(*directories: Path) -> Iterator[None]:
    """Do without the rights of root, who may do everything, if it is root who tests."""
    root = os.geteuid() == 0
    for each in directories if root else ():
        os.chown(each, 65534, -1)
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)


def test_chdir_acces(placed: World, files: Path) -> None:
    """Names may be looked up with the right to enter; listing takes the right to read (Linux path_resolution(7))."""
    for name, mode in (("entered", 0o111), ("listed", 0o444)):
        (files / name).mkdir()
        (files / name / "in").mkdir()
        (files / name).chmod(mode)
    try:
        with as_nobody(files / "entered", files / "listed"):
            placed.call(chdir, *path(placed, b"/data/entered"))
            assert placed.ctx.files.getcwd() == b"/data/entered"
            placed.fails(Errno.ACCES, path_open, *opening(placed, b"/data/entered"))
            placed.call(chdir, *path(placed, b"in"))
            placed.call(chdir, *path(placed, b".."))
            for text in (b"/data/listed", b"/data/listed/.", b"/data/listed/in"):
                chdir_fails(placed, Errno.ACCES, text)
            assert placed.ctx.files.getcwd() == b"/data/entered"
            listing = opened(placed, b"/data/listed")
            with pytest.raises(SysError, match="ACCES"):
                placed.ctx.files.enter(directory_of(placed.fds, listing, 0))
    finally:
        for name in ("entered", "listed"):
            (files / name).chmod(0o755)


def test_chdir_loop(placed: World) -> None:
    chdir_fails(placed, Errno.LOOP, b"/data/loop")


def test_chdir_nametoolong(placed: World) -> None:
    chdir_fails(placed, Errno.NAMETOOLONG, b"n" * 256)


def test_chdir_inval(placed: World) -> None:
    chdir_fails(placed, Errno.INVAL, b"/da\0ta")


def test_chdir_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, chdir, MEMORY - 1, 2)
