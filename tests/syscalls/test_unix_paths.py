"""Paths of Unix sockets and the working directory, and unlink: one namespace with the program's files."""

from __future__ import annotations

import pytest

from pywasix.abi.errno import Errno
from pywasix.net.address import UNIX
from pywasix.syscalls.fd_file import chdir
from pywasix.syscalls.path_change import path_unlink_file
from pywasix.syscalls.sock import sock_addr_local, sock_bind, sock_connect
from syscalls.placed import path
from syscalls.unix import bound, calling, listening, put_path, told
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
