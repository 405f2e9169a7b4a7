"""Paths of Unix sockets and the working directory, and unlink: one namespace with the program's files."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.abi.records import FileStat
from pywasix.net.address import UNIX
from pywasix.syscalls.fd_file import chdir
from pywasix.syscalls.path import path_filestat_get, path_filestat_set_times
from pywasix.syscalls.path_change import path_link, path_rename, path_unlink_file
from pywasix.syscalls.sock import sock_addr_local, sock_bind, sock_connect
from syscalls.placed import PATH2, listed, opened, path
from syscalls.unix import bound, calling, listening, put_path, told
from syscalls.vectors import BUFFER
from world import World


def unlink(world: World, text: bytes, fd: int) -> None:
    world.call(path_unlink_file, fd, *path(world, text))


@pytest.fixture
def root(placed: World) -> int:
    """The descriptor of "/"."""
    return next(fd for fd, entry in placed.fds.items() if entry.preopen == b"/")


def test_a_relative_path_begins_at_the_working_directory(placed: World) -> None:
    placed.call(chdir, *path(placed, b"/data/sub"))
    listener = listening(placed, b"here")
    assert told(placed, sock_addr_local, listener) == b"/data/sub/here"
    for text in (b"here", b"/data/sub/here", b"../sub/./here"):
        calling(placed, text)
    placed.call(chdir, *path(placed, b"/"))
    calling(placed, b"data/sub/here")
    fd = placed.socket(UNIX)
    placed.fails(Errno.NOENT, sock_connect, fd, put_path(placed, b"here"))


@pytest.mark.parametrize("text", [b"/run/server", b"run/server", b"run/../run//server"])
def test_unlink_frees_a_path(placed: World, root: int, text: bytes) -> None:
    """As servers do before they bind. Who listens goes on, but nobody finds it any more."""
    listening(placed, b"/run/server")
    second = placed.socket(UNIX)
    placed.fails(Errno.ADDRINUSE, sock_bind, second, put_path(placed, b"/run/server"))
    unlink(placed, text, root)
    placed.fails(Errno.NOENT, sock_connect, second, put_path(placed, b"/run/server"))
    placed.fails(Errno.NOENT, path_unlink_file, root, *path(placed, text))
    placed.call(sock_bind, second, put_path(placed, b"/run/server"))


def test_unlink_of_a_path_that_nobody_has(placed: World, root: int) -> None:
    placed.fails(Errno.NOENT, path_unlink_file, root, *path(placed, b"/run/server"))
    bound(placed, b"/run/server")
    placed.fails(Errno.NOENT, path_unlink_file, root, *path(placed, b"/run/other"))
    placed.fails(Errno.NOENT, path_unlink_file, root, *path(placed, b"/run/" + b"x" * 200))
    placed.fails(Errno.ROFS, path_unlink_file, root, *path(placed, b"/server"))


def test_unlink_where_no_file_can_be(placed: World, root: int) -> None:
    bound(placed, b"/server")
    unlink(placed, b"/server", root)
    bound(placed, b"/server")


def test_path_link_notsup(placed: World, root: int) -> None:
    bound(placed, b"/data/socket")
    placed.fails(
        Errno.NOTSUP, path_link, root, 0, *path(placed, b"/data/socket"), root, *path(placed, b"/data/other", PATH2)
    )


def test_path_filestat_set_times_notsup(placed: World, root: int) -> None:
    bound(placed, b"/data/socket")
    placed.fails(Errno.NOTSUP, path_filestat_set_times, root, 0, *path(placed, b"/data/socket"), 0, 0, 0)


@pytest.mark.parametrize("text", [b"/data/file", b"/data/sub", b"/data/link", b"data/file", b"/data/sub/../file"])
def test_what_has_a_name_is_not_bound_to(placed: World, text: bytes) -> None:
    fd = placed.socket(UNIX)
    placed.fails(Errno.ADDRINUSE, sock_bind, fd, put_path(placed, text))
    placed.call(sock_bind, fd, put_path(placed, b"/data/free"))


def test_a_rename_may_make_a_name_longer_than_an_address(placed: World, root: int) -> None:
    """Nobody can connect to it any more; it is still seen, and taken away."""
    bound(placed, b"/data/s")
    long = b"/data/" + b"n" * 200
    placed.call(path_rename, root, *path(placed, b"/data/s"), root, *path(placed, long, PATH2))
    placed.call(path_filestat_get, root, 0, *path(placed, long), BUFFER)
    assert placed.ctx.memory.load(FileStat, BUFFER).filetype == FileType.SOCKET_STREAM
    unlink(placed, long, root)
    placed.fails(Errno.NOENT, path_filestat_get, root, 0, *path(placed, long), BUFFER)


def test_sockets_are_listed_where_no_file_can_be(placed: World, root: int) -> None:
    """The root, a read-only directory and devices, beside what is there, and in them only what is right in them."""
    for text in (b"/server", b"/ro/sub/server", b"/dev/log"):
        bound(placed, text)
    for text, name, there in ((b".", b"server", b"data"), (b"ro/sub", b"server", b"deep"), (b"dev", b"log", b"null")):
        found = {entry: kind for entry, kind, _ in listed(placed, opened(placed, text, fd=root))}
        assert found[name] is FileType.SOCKET_STREAM
        assert there in found
        assert sum(kind is FileType.SOCKET_STREAM for kind in found.values()) == 1
