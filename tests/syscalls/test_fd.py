"""Descriptors: closing, copying, flags, what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywasix.abi.enums import FdFlags, FdFlagsExt, FileType, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import FdStat, FileStat, UnstableFileStat
from pywasix.kernel.file import ALL_RIGHTS, File
from pywasix.syscalls.fd import (
    fd_close,
    fd_dup,
    fd_dup2,
    fd_fdflags_get,
    fd_fdflags_set,
    fd_fdstat_get,
    fd_fdstat_set_flags,
    fd_fdstat_set_rights,
    fd_filestat_get,
    fd_prestat_dir_name,
    fd_prestat_get,
    fd_renumber,
    unstable_fd_filestat_get,
)
from world import MEMORY, NONBLOCK, PREVIEW1, World

CLOSED = 9


def test_fd_close_closes_the_hosts_descriptor(world: World) -> None:
    fd, writer = world.pipe_reader()
    world.call(fd_close, fd)
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    world.fails(Errno.BADF, fd_close, fd)


def test_fd_close_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_close, 0)
    world.fails(Errno.BADF, fd_close, 2**32 - 1)


def test_fdstat_tells_type_flags_and_rights(world: World) -> None:
    fd = world.nonblocking(world.socket())
    world.call(fd_fdstat_get, fd, 0)
    stat = world.memory.load(FdStat, 0)
    assert (stat.fs_filetype, stat.fs_flags) == (FileType.SOCKET_STREAM, NONBLOCK)
    assert stat.fs_rights_base & Rights.SOCK_ACCEPT
    assert not stat.fs_rights_base & Rights.FD_SEEK  # libc takes a character device without it for a terminal
    assert stat.fs_rights_base & ~ALL_RIGHTS == 0


def test_fd_fdstat_get_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_fdstat_get, CLOSED, 0)


def test_fd_fdstat_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_fdstat_get, world.path(os.devnull), MEMORY - 23)


def test_flags_are_shared_by_all_copies(world: World) -> None:
    fd = world.socket()
    world.call(fd_dup, fd, 0)
    world.call(fd_fdstat_set_flags, world.u32(0), NONBLOCK | FdFlags.APPEND)
    world.call(fd_fdstat_get, fd, 0)
    assert world.memory.load(FdStat, 0).fs_flags == NONBLOCK


def test_fd_fdstat_set_flags_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_fdstat_set_flags, CLOSED, 0)


def test_fd_fdstat_set_flags_inval(world: World) -> None:
    world.fails(Errno.INVAL, fd_fdstat_set_flags, world.path(os.devnull), 1 << 5)


def test_fd_fdstat_set_flags_notcapable(world: World) -> None:
    fd = world.without_right(world.socket(), Rights.FD_FDSTAT_SET_FLAGS)
    world.fails(Errno.NOTCAPABLE, fd_fdstat_set_flags, fd, NONBLOCK)
    assert world.fds.get(fd).file.flags == 0


def test_rights_can_only_be_given_up(world: World) -> None:
    fd = world.path(os.devnull)
    world.call(fd_fdstat_set_rights, fd, Rights.FD_READ, 0)
    world.call(fd_fdstat_get, fd, 0)
    stat = world.memory.load(FdStat, 0)
    assert (stat.fs_rights_base, stat.fs_rights_inheriting) == (Rights.FD_READ, 0)
    world.fails(Errno.NOTCAPABLE, fd_fdstat_set_rights, fd, Rights.FD_READ | Rights.FD_WRITE, 0)
    world.fails(Errno.NOTCAPABLE, fd_fdstat_set_rights, fd, 0, Rights.FD_READ)


def test_fd_fdstat_set_rights_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_fdstat_set_rights, CLOSED, 0, 0)


def test_fd_fdstat_set_rights_notcapable(world: World) -> None:
    world.fails(Errno.NOTCAPABLE, fd_fdstat_set_rights, world.path(os.devnull), Rights.SOCK_ACCEPT, 0)


# -- close on exec --------------------------------------------------------------


def test_cloexec_belongs_to_one_descriptor(world: World) -> None:
    fd = world.path(os.devnull)
    world.call(fd_dup, fd, 0)
    copy = world.u32(0)
    world.call(fd_fdflags_set, fd, FdFlagsExt.CLOEXEC)
    for each, flags in ((fd, FdFlagsExt.CLOEXEC), (copy, 0)):
        world.call(fd_fdflags_get, each, 8)
        assert world.number(8, 2) == flags
    world.call(fd_fdflags_set, fd, 0)
    world.call(fd_fdflags_get, fd, 8)
    assert world.number(8, 2) == 0


def test_fd_fdflags_get_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_fdflags_get, CLOSED, 0)


def test_fd_fdflags_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_fdflags_get, world.path(os.devnull), MEMORY - 1)


def test_fd_fdflags_set_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_fdflags_set, CLOSED, 0)


def test_fd_fdflags_set_inval(world: World) -> None:
    world.fails(Errno.INVAL, fd_fdflags_set, world.path(os.devnull), 2)


# -- stat -----------------------------------------------------------------------


def test_filestat_is_the_hosts(world: World, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    os.utime(path, ns=(1_000, 2_000))
    expected = path.stat()
    fd = world.path(str(path))
    world.call(fd_filestat_get, fd, 0)
    stat = world.memory.load(FileStat, 0)
    assert (stat.ino, stat.filetype, stat.nlink, stat.size) == (expected.st_ino, FileType.REGULAR_FILE, 1, 8)
    assert (stat.atim, stat.mtim, stat.ctim) == (1_000, 2_000, expected.st_ctime_ns)
    world.call(unstable_fd_filestat_get, fd, 128)
    old = world.memory.load(UnstableFileStat, 128)
    assert (old.ino, old.filetype, old.nlink, old.size, old.mtim) == (stat.ino, stat.filetype, 1, 8, 2_000)


def test_a_time_before_1970_is_no_negative_number(world: World, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.utime(path, ns=(-5_000_000_000, -5_000_000_000))
    world.call(fd_filestat_get, world.path(str(path)), 0)
    stat = world.memory.load(FileStat, 0)
    assert (stat.atim, stat.mtim) == (0, 0)


def test_a_socket_has_a_filestat(either: World) -> None:
    either.call(fd_filestat_get, either.socket(), 0)
    assert either.memory.load(FileStat, 0).filetype == FileType.SOCKET_STREAM


def test_fd_filestat_get_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_filestat_get, CLOSED, 0)


def test_fd_filestat_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_filestat_get, world.path(os.devnull), MEMORY - 63)


def test_unstable_fd_filestat_get_badf(world: World) -> None:
    world.fails(Errno.BADF, unstable_fd_filestat_get, CLOSED, 0)


def test_unstable_fd_filestat_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, unstable_fd_filestat_get, world.path(os.devnull), MEMORY - 55)


def test_fd_filestat_get_notcapable(world: World) -> None:
    fd = world.without_right(world.path(os.devnull), Rights.FD_FILESTAT_GET)
    world.fails(Errno.NOTCAPABLE, fd_filestat_get, fd, 0)


def test_unstable_fd_filestat_get_notcapable(world: World) -> None:
    fd = world.without_right(world.path(os.devnull), Rights.FD_FILESTAT_GET)
    world.fails(Errno.NOTCAPABLE, unstable_fd_filestat_get, fd, 0)


# -- copies ---------------------------------------------------------------------


def test_renumber_moves_in_preview1() -> None:
    with World(generation=PREVIEW1) as world:
        fd, target = world.socket(), world.path(os.devnull)
        file = world.fds.get(fd).file
        world.call(fd_renumber, fd, target)
        assert world.fds.get(target).file is file
        world.fails(Errno.BADF, fd_close, fd)
        world.call(fd_renumber, target, target)
        assert world.fds.get(target).file is file


def test_renumber_needs_an_open_number_in_preview1() -> None:
    with World(generation=PREVIEW1) as world:
        fd, target = world.socket(), world.path(os.devnull)
        file, kept = world.fds.get(fd).file, world.fds.get(target).file
        for source, to in ((fd, CLOSED), (CLOSED, target), (CLOSED, CLOSED), (fd, 2**32 - 1)):
            world.fails(Errno.BADF, fd_renumber, source, to)
        assert (world.fds.get(fd).file, world.fds.get(target).file) == (file, kept)


def test_renumber_copies_in_wasix(world: World) -> None:
    fd = world.socket()
    world.call(fd_renumber, fd, 12)
    assert world.fds.get(12).file is world.fds.get(fd).file
    world.call(fd_renumber, fd, fd)
    world.call(fd_close, fd)
    assert world.fds.get(12).file.references == 1


def test_fd_renumber_badf(world: World) -> None:
    fd = world.path(os.devnull)
    world.fails(Errno.BADF, fd_renumber, CLOSED, fd)
    world.fails(Errno.BADF, fd_renumber, fd, world.fds.limit)
    world.fails(Errno.BADF, fd_renumber, fd, 2**32 - 1)


def test_fd_renumber_busy(world: World) -> None:
    fd = world.path(os.devnull)
    world.fails(Errno.BUSY, fd_renumber, fd, world.fds.reserve())


def test_dup_takes_the_lowest_free_number(world: World) -> None:
    fds = [world.path(os.devnull) for _ in range(4)]
    world.call(fd_close, fds[1])
    world.call(fd_dup, fds[3], 0)
    assert world.u32(0) == fds[1]
    world.call(fd_dup2, fds[3], 7, 1, 0)
    assert world.u32(0) == 7
    assert world.fds.get(7).cloexec
    world.call(fd_dup2, fds[3], 7, 0, 0)
    assert world.u32(0) == 8
    assert not world.fds.get(8).cloexec


def test_fd_dup_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_dup, CLOSED, 0)


def test_fd_dup_mfile(world: World) -> None:
    world.fill_table()
    world.fails(Errno.MFILE, fd_dup, 0, 0)


def test_fd_dup_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_dup, world.path(os.devnull), MEMORY - 3)


def test_fd_dup2_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_dup2, CLOSED, 0, 0, 0)


def test_fd_dup2_inval(world: World) -> None:
    fd = world.path(os.devnull)
    world.fails(Errno.INVAL, fd_dup2, fd, 0, 2, 0)
    world.fails(Errno.INVAL, fd_dup2, fd, world.fds.limit, 0, 0)


def test_fd_dup2_mfile(world: World) -> None:
    fd = world.path(os.devnull)
    world.call(fd_renumber, fd, world.fds.limit - 1)
    world.fails(Errno.MFILE, fd_dup2, fd, world.fds.limit - 1, 0, 0)


def test_fd_dup2_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_dup2, world.path(os.devnull), 0, 0, MEMORY - 3)


# -- pre-opened directories -----------------------------------------------------


def test_prestat_tells_the_name(world: World) -> None:
    fd = world.add(File(), preopen=b"/home")
    world.call(fd_prestat_get, fd, 0)
    assert (world.number(0, 1), world.u32(4)) == (0, 5)
    world.call(fd_prestat_dir_name, fd, 16, 5)
    assert world.memory.read(16, 6) == b"/home\0"


def test_fd_prestat_get_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_prestat_get, CLOSED, 0)
    world.fails(Errno.BADF, fd_prestat_get, world.path(os.devnull), 0)


def test_fd_prestat_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_prestat_get, world.add(File(), preopen=b"/"), MEMORY - 7)


def test_fd_prestat_dir_name_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_prestat_dir_name, CLOSED, 0, 8)
    world.fails(Errno.BADF, fd_prestat_dir_name, world.path(os.devnull), 0, 8)


def test_fd_prestat_dir_name_nametoolong(world: World) -> None:
    world.fails(Errno.NAMETOOLONG, fd_prestat_dir_name, world.add(File(), preopen=b"/home"), 0, 4)


def test_fd_prestat_dir_name_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_prestat_dir_name, world.add(File(), preopen=b"/home"), MEMORY - 4, 5)
