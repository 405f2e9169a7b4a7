"""Every errno that path_rename and path_link promise."""

from __future__ import annotations

from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.syscalls.path_change import path_create_directory, path_link, path_rename
from syscalls.placed import CLOSED, FOLLOW, PATH2, fill, opened, path
from world import MEMORY, World

LONG = b"data/" + b"n" * 256


def rename(world: World, errno: Errno, text: bytes, new: bytes = b"data/new", fd: int = 0, to: int = 0) -> None:
    world.fails(errno, path_rename, fd, *path(world, text), to, *path(world, new, PATH2))


def link(
    world: World, errno: Errno, text: bytes, new: bytes = b"data/new", fd: int = 0, to: int = 0, flags: int = 0
) -> None:
    world.fails(errno, path_link, fd, flags, *path(world, text), to, *path(world, new, PATH2))


def test_path_rename_badf(placed: World) -> None:
    rename(placed, Errno.BADF, b"data/file", fd=CLOSED)
    rename(placed, Errno.BADF, b"data/file", to=CLOSED)


def test_path_rename_notdir(placed: World) -> None:
    rename(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    rename(placed, Errno.NOTDIR, b"data/file/x")
    rename(placed, Errno.NOTDIR, b"data/file/")
    rename(placed, Errno.NOTDIR, b"data/file", b"data/new/")
    rename(placed, Errno.NOTDIR, b"data/sub", b"data/file")


def test_path_rename_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_RENAME_SOURCE))
    rename(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_rename_noent(placed: World) -> None:
    rename(placed, Errno.NOENT, b"data/nothing")
    rename(placed, Errno.NOENT, b"data/file", b"data/no/x")


def test_path_rename_loop(placed: World) -> None:
    rename(placed, Errno.LOOP, b"data/loop/x")


def test_path_rename_nametoolong(placed: World) -> None:
    rename(placed, Errno.NAMETOOLONG, LONG)
    rename(placed, Errno.NAMETOOLONG, b"./" * 2048)
    rename(placed, Errno.NAMETOOLONG, b"data/file", LONG)


def test_path_rename_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    rename(confined, Errno.PERM, b"../x", fd=sub)
    rename(confined, Errno.PERM, b"/data/x", fd=sub)
    rename(confined, Errno.PERM, b"deep", b"../x", fd=sub, to=sub)


def test_path_rename_rofs(placed: World) -> None:
    rename(placed, Errno.ROFS, b"ro/file", b"ro/new")
    rename(placed, Errno.ROFS, b"dev/null", b"dev/x")


def test_path_rename_nospc(placed: World) -> None:
    fill(placed)
    rename(placed, Errno.NOSPC, b"tmp/large", b"tmp/" + b"n" * 200)


def test_path_rename_inval(placed: World) -> None:
    rename(placed, Errno.INVAL, b"data/fi\0le")
    rename(placed, Errno.INVAL, b"data/sub", b"data/sub/x")
    placed.call(path_create_directory, 0, *path(placed, b"tmp/a"))
    rename(placed, Errno.INVAL, b"tmp/a", b"tmp/a/b")


def test_path_rename_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_rename, 0, *path(placed, b"data/file"), 0, MEMORY - 1, 2)


def test_path_link_badf(placed: World) -> None:
    link(placed, Errno.BADF, b"data/file", fd=CLOSED)
    link(placed, Errno.BADF, b"data/file", to=CLOSED)


def test_path_link_notdir(placed: World) -> None:
    link(placed, Errno.NOTDIR, b"x", fd=opened(placed, b"data/file"))
    link(placed, Errno.NOTDIR, b"data/file/x")


def test_path_link_notcapable(placed: World) -> None:
    placed.without_right(0, int(Rights.PATH_LINK_SOURCE))
    link(placed, Errno.NOTCAPABLE, b"data/file")


def test_path_link_noent(placed: World) -> None:
    link(placed, Errno.NOENT, b"data/nothing")
    link(placed, Errno.NOENT, b"data/file", b"data/new/")
    link(placed, Errno.NOENT, b"data/out", flags=FOLLOW)


def test_path_link_exist(placed: World) -> None:
    link(placed, Errno.EXIST, b"data/file", b"data/link")
    link(placed, Errno.EXIST, b"data/file", b"data/sub")
    link(placed, Errno.EXIST, b"data/file", b"data/.")


def test_path_link_loop(placed: World) -> None:
    link(placed, Errno.LOOP, b"data/loop/x")
    link(placed, Errno.LOOP, b"data/loop", flags=FOLLOW)


def test_path_link_nametoolong(placed: World) -> None:
    link(placed, Errno.NAMETOOLONG, LONG)
    link(placed, Errno.NAMETOOLONG, b"./" * 2048)
    link(placed, Errno.NAMETOOLONG, b"data/file", LONG)


def test_path_link_perm(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    link(confined, Errno.PERM, b"../x", fd=sub)
    link(confined, Errno.PERM, b"/data/x", fd=sub)
    link(confined, Errno.PERM, b"deep", b"../x", fd=sub, to=sub)
    link(confined, Errno.PERM, b"data/sub")


def test_path_link_rofs(placed: World) -> None:
    link(placed, Errno.ROFS, b"ro/file", b"ro/new")


def test_path_link_nospc(placed: World) -> None:
    fill(placed)
    link(placed, Errno.NOSPC, b"tmp/large", b"tmp/new")


def test_path_link_inval(placed: World) -> None:
    link(placed, Errno.INVAL, b"data/fi\0le")


def test_path_link_fault(placed: World) -> None:
    placed.fails(Errno.FAULT, path_link, 0, 0, MEMORY - 1, 2, 0, *path(placed, b"data/new"))


def test_path_rename_isdir(placed: World) -> None:
    rename(placed, Errno.ISDIR, b"data/file", b"data/sub")


def test_path_rename_notempty(placed: World) -> None:
    placed.call(path_create_directory, 0, *path(placed, b"data/empty"))
    rename(placed, Errno.NOTEMPTY, b"data/empty", b"data/sub")


def test_path_rename_xdev(placed: World) -> None:
    for new in (b"tmp/x", b"other/x", b"ro/x", b"dev/x"):
        rename(placed, Errno.XDEV, b"data/file", new)
    rename(placed, Errno.XDEV, b"dev/null", b"data/x")


def test_path_rename_busy(placed: World) -> None:
    rename(placed, Errno.BUSY, b"data", b"data2")
    rename(placed, Errno.BUSY, b"data/sub", b"/tmp")
    rename(placed, Errno.BUSY, b"data/sub/.", b"data/x")


def test_path_link_xdev(placed: World) -> None:
    for new in (b"tmp/x", b"other/x", b"ro/x"):
        link(placed, Errno.XDEV, b"data/file", new)
    link(placed, Errno.XDEV, b"ro/file", b"data/x")
