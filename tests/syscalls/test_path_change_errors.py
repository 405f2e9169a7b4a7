"""Every errno that calls promise which make, move and remove what paths name."""

from __future__ import annotations

from pywasix.abi.enums import FstFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.syscalls.path import path_filestat_set_times
from pywasix.syscalls.path_change import (
    path_create_directory,
    path_remove_directory,
    path_symlink,
    path_unlink_file,
)
from syscalls.placed import CLOSED, PATH2, fill, opened, path
from world import MEMORY, World

LONG = b"data/" + b"n" * 256


def make(world: World, errno: Errno, text: bytes, fd: int = 0) -> None:
    world.fails(errno, path_create_directory, fd, *path(world, text))


def remove(world: World, errno: Errno, text: bytes, fd: int = 0) -> None:
    world.fails(errno, path_remove_directory, fd, *path(world, text))


def unlink(world: World, errno: Errno, text: bytes, fd: int = 0) -> None:
    world.fails(errno, path_unlink_file, fd, *path(world, text))


def symlink(world: World, errno: Errno, text: bytes, target: bytes = b"file", fd: int = 0) -> None:
    world.fails(errno, path_symlink, *path(world, target, PATH2), fd, *path(world, text))


def set_times(world: World, errno: Errno, text: bytes, fd: int = 0, flags: int = 0, fst: int = 0) -> None:
    world.fails(errno, path_filestat_set_times, fd, flags, *path(world, text), 0, 0, fst)


def test_path_create_directory_badf(placed: World) -> None:
    make(placed, Errno.BADF, b"data/file", fd=CLOSED)


def test_path_create_directory_notdir(placed: World) -> None:
    make(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    make(placed, Errno.NOTDIR, b"data/file/x")


def test_path_create_directory_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_CREATE_DIRECTORY))
    make(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_create_directory_noent(placed: World) -> None:
    make(placed, Errno.NOENT, b"data/nothing/x")
    make(placed, Errno.NOENT, b"")


def test_path_create_directory_exist(placed: World) -> None:
    make(placed, Errno.EXIST, b"data/sub")
    make(placed, Errno.EXIST, b"data/file")
    make(placed, Errno.EXIST, b"ro/file")
    make(placed, Errno.EXIST, b"/")
    make(placed, Errno.EXIST, b"dev/null")
    make(placed, Errno.EXIST, b"data")


def test_path_create_directory_loop(placed: World) -> None:
    make(placed, Errno.LOOP, b"data/loop/x")


def test_path_create_directory_nametoolong(placed: World) -> None:
    make(placed, Errno.NAMETOOLONG, LONG)
    make(placed, Errno.NAMETOOLONG, b"./" * 2048)


def test_path_create_directory_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    make(confined, Errno.PERM, b"../x", fd=sub)
    make(confined, Errno.PERM, b"/data/x", fd=sub)


def test_path_create_directory_rofs(placed: World) -> None:
    make(placed, Errno.ROFS, b"ro/new")
    make(placed, Errno.ROFS, b"new")
    make(placed, Errno.ROFS, b"dev/new")


def test_path_create_directory_nospc(placed: World) -> None:
    fill(placed)
    make(placed, Errno.NOSPC, b"tmp/new")


def test_path_create_directory_inval(placed: World) -> None:
    make(placed, Errno.INVAL, b"data/fi\0le")


def test_path_create_directory_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_create_directory, 0, MEMORY - 1, 2)


def test_path_remove_directory_badf(placed: World) -> None:
    remove(placed, Errno.BADF, b"data/file", fd=CLOSED)


def test_path_remove_directory_notdir(placed: World) -> None:
    remove(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    remove(placed, Errno.NOTDIR, b"data/file/x")
    remove(placed, Errno.NOTDIR, b"data/file")
    remove(placed, Errno.NOTDIR, b"data/to_sub/")


def test_path_remove_directory_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_REMOVE_DIRECTORY))
    remove(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_remove_directory_noent(placed: World) -> None:
    remove(placed, Errno.NOENT, b"data/nothing")


def test_path_remove_directory_loop(placed: World) -> None:
    remove(placed, Errno.LOOP, b"data/loop/x")


def test_path_remove_directory_nametoolong(placed: World) -> None:
    remove(placed, Errno.NAMETOOLONG, LONG)
    remove(placed, Errno.NAMETOOLONG, b"./" * 2048)


def test_path_remove_directory_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    remove(confined, Errno.PERM, b"../x", fd=sub)
    remove(confined, Errno.PERM, b"/data/x", fd=sub)


def test_path_remove_directory_rofs(placed: World) -> None:
    remove(placed, Errno.ROFS, b"ro/sub")
    remove(placed, Errno.ROFS, b"dev/fd")


def test_path_remove_directory_inval(placed: World) -> None:
    remove(placed, Errno.INVAL, b"data/fi\0le")
    remove(placed, Errno.INVAL, b"data/sub/.")


def test_path_remove_directory_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_remove_directory, 0, MEMORY - 1, 2)


def test_path_unlink_file_badf(placed: World) -> None:
    unlink(placed, Errno.BADF, b"data/file", fd=CLOSED)


def test_path_unlink_file_notdir(placed: World) -> None:
    unlink(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    unlink(placed, Errno.NOTDIR, b"data/file/x")
    unlink(placed, Errno.NOTDIR, b"data/file/")


def test_path_unlink_file_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_UNLINK_FILE))
    unlink(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_unlink_file_noent(placed: World) -> None:
    unlink(placed, Errno.NOENT, b"data/nothing")
    unlink(placed, Errno.NOENT, b"data/nothing/")


def test_path_unlink_file_loop(placed: World) -> None:
    unlink(placed, Errno.LOOP, b"data/loop/x")


def test_path_unlink_file_nametoolong(placed: World) -> None:
    unlink(placed, Errno.NAMETOOLONG, LONG)
    unlink(placed, Errno.NAMETOOLONG, b"./" * 2048)


def test_path_unlink_file_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    unlink(confined, Errno.PERM, b"../x", fd=sub)
    unlink(confined, Errno.PERM, b"/data/x", fd=sub)


def test_path_unlink_file_rofs(placed: World) -> None:
    unlink(placed, Errno.ROFS, b"ro/file")
    unlink(placed, Errno.ROFS, b"dev/null")


def test_path_unlink_file_inval(placed: World) -> None:
    unlink(placed, Errno.INVAL, b"data/fi\0le")


def test_path_unlink_file_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_unlink_file, 0, MEMORY - 1, 2)


def test_path_symlink_badf(placed: World) -> None:
    symlink(placed, Errno.BADF, b"data/file", fd=CLOSED)


def test_path_symlink_notdir(placed: World) -> None:
    symlink(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    symlink(placed, Errno.NOTDIR, b"data/file/x")


def test_path_symlink_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_SYMLINK))
    symlink(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_symlink_noent(placed: World) -> None:
    symlink(placed, Errno.NOENT, b"data/new/")
    symlink(placed, Errno.NOENT, b"data/new", b"")


def test_path_symlink_exist(placed: World) -> None:
    symlink(placed, Errno.EXIST, b"data/file")
    symlink(placed, Errno.EXIST, b"data/sub/")
    symlink(placed, Errno.EXIST, b"ro/file")


def test_path_symlink_loop(placed: World) -> None:
    symlink(placed, Errno.LOOP, b"data/loop/x")


def test_path_symlink_nametoolong(placed: World) -> None:
    symlink(placed, Errno.NAMETOOLONG, LONG)
    symlink(placed, Errno.NAMETOOLONG, b"./" * 2048)


def test_path_symlink_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    symlink(confined, Errno.PERM, b"../x", fd=sub)
    symlink(confined, Errno.PERM, b"/data/x", fd=sub)
    symlink(confined, Errno.PERM, b"data/new", b"/data/file")


def test_path_symlink_rofs(placed: World) -> None:
    symlink(placed, Errno.ROFS, b"ro/new")
    symlink(placed, Errno.ROFS, b"dev/new")


def test_path_symlink_nospc(placed: World) -> None:
    fill(placed)
    symlink(placed, Errno.NOSPC, b"tmp/new")


def test_path_symlink_inval(placed: World) -> None:
    symlink(placed, Errno.INVAL, b"data/fi\0le")
    symlink(placed, Errno.INVAL, b"data/new", b"fi\0le")


def test_path_symlink_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_symlink, MEMORY - 1, 2, 0, *path(placed, b"data/new"))


def test_path_filestat_set_times_badf(placed: World) -> None:
    set_times(placed, Errno.BADF, b"data/file", fd=CLOSED)


def test_path_filestat_set_times_notdir(placed: World) -> None:
    set_times(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    set_times(placed, Errno.NOTDIR, b"data/file/x")


def test_path_filestat_set_times_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_FILESTAT_SET_TIMES))
    set_times(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_filestat_set_times_noent(placed: World) -> None:
    set_times(placed, Errno.NOENT, b"data/nothing")


def test_path_filestat_set_times_loop(placed: World) -> None:
    set_times(placed, Errno.LOOP, b"data/loop/x")


def test_path_filestat_set_times_nametoolong(placed: World) -> None:
    set_times(placed, Errno.NAMETOOLONG, LONG)
    set_times(placed, Errno.NAMETOOLONG, b"./" * 2048)


def test_path_filestat_set_times_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    set_times(confined, Errno.PERM, b"../x", fd=sub)
    set_times(confined, Errno.PERM, b"/data/x", fd=sub)


def test_path_filestat_set_times_rofs(placed: World) -> None:
    set_times(placed, Errno.ROFS, b"ro/file")
    set_times(placed, Errno.ROFS, b"ro")
    set_times(placed, Errno.ROFS, b"dev/null")


def test_path_filestat_set_times_inval(placed: World) -> None:
    for both in (FstFlags.ATIM | FstFlags.ATIM_NOW, FstFlags.MTIM | FstFlags.MTIM_NOW):
        set_times(placed, Errno.INVAL, b"data/file", fst=int(both))


def test_path_filestat_set_times_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_filestat_set_times, 0, 0, MEMORY - 1, 2, 0, 0, 0)


def test_path_remove_directory_notempty(placed: World) -> None:
    remove(placed, Errno.NOTEMPTY, b"data/sub")
    placed.call(path_create_directory, 0, *path(placed, b"tmp/a"))
    placed.call(path_create_directory, 0, *path(placed, b"tmp/a/b"))
    remove(placed, Errno.NOTEMPTY, b"tmp/a")
    remove(placed, Errno.NOTEMPTY, b"tmp/a/b/..")


def test_path_remove_directory_busy(placed: World) -> None:
    remove(placed, Errno.BUSY, b"data")
    remove(placed, Errno.BUSY, b"/")


def test_path_unlink_file_isdir(placed: World) -> None:
    for text in (b"data/sub", b"data/sub/", b"data", b"data/.", b"tmp"):
        unlink(placed, Errno.ISDIR, text)
