"""Every errno that calls on files through descriptors promise, beside reading and listing."""

from __future__ import annotations

import errno

import pytest

from pywasix.abi.enums import Advice, FstFlags, OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.host import libc
from pywasix.syscalls.fd_file import (
    fd_advise,
    fd_allocate,
    fd_datasync,
    fd_filestat_set_size,
    fd_filestat_set_times,
    fd_pread,
    fd_pwrite,
    fd_sync,
)
from pywasix.syscalls.fd_io import fd_read, fd_seek, fd_tell, fd_write
from syscalls.placed import ALL, CLOSED, READ, opened
from syscalls.vectors import COUNT, VECTOR, buffers
from world import MEMORY, World

BEYOND = 1 << 63
MOST = BEYOND - 1


def whole(world: World, text: bytes = b"data/file") -> int:
    """A file with all rights."""
    return opened(world, text, oflags=int(OFlags.CREAT), rights=ALL)


def without(world: World, right: Rights) -> int:
    return world.without_right(whole(world), int(right))


def pwrite_fails(world: World, wanted: Errno, fd: int, offset: int = 0, result: int = COUNT) -> None:
    world.fails(wanted, fd_pwrite, fd, VECTOR, buffers(world, 4), offset, result)


def test_fd_pwrite_badf(placed: World) -> None:
    pwrite_fails(placed, Errno.BADF, CLOSED)


def test_fd_pwrite_notcapable(placed: World) -> None:
    pwrite_fails(placed, Errno.NOTCAPABLE, without(placed, Rights.FD_WRITE))


def test_fd_pwrite_spipe(placed: World) -> None:
    fd, _ = placed.pipe_writer()
    pwrite_fails(placed, Errno.SPIPE, fd)


def test_fd_pwrite_inval(placed: World) -> None:
    for text in (b"data/file", b"tmp/x"):
        pwrite_fails(placed, Errno.INVAL, whole(placed, text), BEYOND)
        pwrite_fails(placed, Errno.INVAL, whole(placed, text), ALL)
        pwrite_fails(placed, Errno.INVAL, whole(placed, text), MOST)


def test_fd_pwrite_fbig(placed: World) -> None:
    pwrite_fails(placed, Errno.FBIG, whole(placed), MOST - 8)


def test_fd_pwrite_nospc(placed: World) -> None:
    pwrite_fails(placed, Errno.NOSPC, opened(placed, b"dev/full", rights=ALL))


def test_fd_pwrite_fault(placed: World) -> None:
    pwrite_fails(placed, Errno.FAULT, whole(placed), result=MEMORY - 3)


def test_fd_sync_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_sync, CLOSED)


def test_fd_sync_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_sync, without(placed, Rights.FD_SYNC))


def test_fd_sync_inval(placed: World) -> None:
    fd, _ = placed.pipe_writer()
    placed.fails(Errno.INVAL, fd_sync, fd)
    placed.fails(Errno.INVAL, fd_sync, opened(placed, b"dev/null"))


def test_fd_datasync_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_datasync, CLOSED)


def test_fd_datasync_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_datasync, without(placed, Rights.FD_DATASYNC))


def test_fd_datasync_inval(placed: World) -> None:
    fd, _ = placed.pipe_writer()
    placed.fails(Errno.INVAL, fd_datasync, fd)
    placed.fails(Errno.INVAL, fd_datasync, opened(placed, b"dev/null"))


def test_fd_allocate_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_allocate, CLOSED, 0, 1)


def test_fd_allocate_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_allocate, without(placed, Rights.FD_ALLOCATE), 0, 1)


def test_fd_allocate_spipe(placed: World) -> None:
    fd, _ = placed.pipe_writer()
    placed.fds.get(fd).rights = ALL
    placed.fails(Errno.SPIPE, fd_allocate, fd, 0, 1)


def test_fd_allocate_nodev(placed: World) -> None:
    placed.fails(Errno.NODEV, fd_allocate, opened(placed, b"dev/null", rights=ALL), 0, 1)


def test_a_file_does_what_it_was_opened_for(placed: World) -> None:
    """Errnos of Linux for a descriptor that could never do it, whatever its rights are."""
    for text in (b"data/file", b"tmp/x"):
        whole(placed, text)
        fd = opened(placed, text, rights=READ)
        pwrite_fails(placed, Errno.BADF, fd)
        placed.fails(Errno.BADF, fd_write, fd, VECTOR, buffers(placed, 4), COUNT)
        placed.fails(Errno.BADF, fd_allocate, fd, 0, 1)
        placed.fails(Errno.INVAL, fd_filestat_set_size, fd, 1)
        fd = opened(placed, text, rights=ALL & ~int(Rights.FD_READ))
        placed.fails(Errno.BADF, fd_read, fd, VECTOR, buffers(placed, 4), COUNT)
        placed.fails(Errno.BADF, fd_pread, fd, VECTOR, buffers(placed, 4), 0, COUNT)


def test_fd_allocate_inval(placed: World) -> None:
    fd = whole(placed)
    for offset, size in ((0, 0), (BEYOND, 1), (0, BEYOND)):
        placed.fails(Errno.INVAL, fd_allocate, fd, offset, size)
        placed.fails(Errno.INVAL, fd_allocate, whole(placed, b"tmp/x"), offset, size)


def test_fd_allocate_fbig(placed: World) -> None:
    placed.fails(Errno.FBIG, fd_allocate, whole(placed), MOST, MOST)
    placed.fails(Errno.FBIG, fd_allocate, whole(placed, b"tmp/x"), MOST, MOST)


def test_fd_allocate_nospc(placed: World) -> None:
    placed.fails(Errno.NOSPC, fd_allocate, whole(placed, b"tmp/x"), 0, 1 << 62)


def test_fd_advise_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_advise, CLOSED, 0, 1, int(Advice.NORMAL))


def test_fd_advise_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_advise, without(placed, Rights.FD_ADVISE), 0, 1, int(Advice.NORMAL))


def test_fd_advise_spipe(placed: World) -> None:
    fd, _ = placed.pipe_writer()
    placed.fails(Errno.SPIPE, fd_advise, fd, 0, 1, 0)


def test_fd_advise_inval(placed: World) -> None:
    for text in (b"data/file", b"tmp/x"):
        fd = whole(placed, text)
        placed.fails(Errno.INVAL, fd_advise, fd, 0, 1, 6)
        placed.fails(Errno.INVAL, fd_advise, fd, BEYOND, 1, 0)
        placed.fails(Errno.INVAL, fd_advise, fd, 0, BEYOND, 0)


def test_fd_filestat_set_size_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_filestat_set_size, CLOSED, 1)


def test_fd_filestat_set_size_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_filestat_set_size, without(placed, Rights.FD_FILESTAT_SET_SIZE), 1)


def test_fd_filestat_set_size_inval(placed: World) -> None:
    placed.fails(Errno.INVAL, fd_filestat_set_size, whole(placed), BEYOND)
    placed.fails(Errno.INVAL, fd_filestat_set_size, whole(placed, b"tmp/x"), BEYOND)
    placed.fails(Errno.INVAL, fd_filestat_set_size, opened(placed, b"dev/zero", rights=ALL), 1)


def test_fd_filestat_set_size_fbig(placed: World) -> None:
    placed.fails(Errno.FBIG, fd_filestat_set_size, whole(placed), MOST)


def test_fd_filestat_set_times_badf(placed: World) -> None:
    placed.fails(Errno.BADF, fd_filestat_set_times, CLOSED, 0, 0, 0)


def test_fd_filestat_set_times_notcapable(placed: World) -> None:
    placed.fails(Errno.NOTCAPABLE, fd_filestat_set_times, without(placed, Rights.FD_FILESTAT_SET_TIMES), 0, 0, 0)


def test_fd_filestat_set_times_inval(placed: World) -> None:
    for both in (FstFlags.ATIM | FstFlags.ATIM_NOW, FstFlags.MTIM | FstFlags.MTIM_NOW):
        placed.fails(Errno.INVAL, fd_filestat_set_times, whole(placed), 0, 0, int(both))


def test_fd_filestat_set_times_rofs(placed: World) -> None:
    placed.fails(Errno.ROFS, fd_filestat_set_times, opened(placed, b"ro"), 0, 0, int(FstFlags.ATIM))
    placed.fails(Errno.ROFS, fd_filestat_set_times, opened(placed, b"ro/file"), 0, 0, int(FstFlags.ATIM))


def test_fd_allocate_notsup(placed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's file systems here can all do it: one that cannot is played."""

    def cannot(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(libc, "allocate", cannot)
    placed.fails(Errno.NOTSUP, fd_allocate, whole(placed), 0, 1)


def test_fd_seek_isdir(placed: World) -> None:
    placed.fails(Errno.ISDIR, fd_seek, opened(placed, b"data"), 0, 0, COUNT)


def test_fd_read_isdir(placed: World) -> None:
    placed.fails(Errno.ISDIR, fd_read, opened(placed, b"data"), VECTOR, buffers(placed, 4), COUNT)


def test_fd_tell_isdir(placed: World) -> None:
    placed.fails(Errno.ISDIR, fd_tell, opened(placed, b"data"), COUNT)
