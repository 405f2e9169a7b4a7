"""epoll: what it refuses, and what it does with what it does not know."""

from __future__ import annotations

import os
import select
import socket

import pytest

from pywasix.abi.enums import EpollType, Rights
from pywasix.abi.errno import Errno
from pywasix.syscalls.epoll import epoll_create, epoll_ctl, epoll_wait
from pywasix.syscalls.fd import fd_dup
from syscalls.epolling import (
    ADD,
    DEL,
    ERR,
    EVENT,
    FOREVER,
    IN,
    MOD,
    OUT,
    RESULT,
    Seen,
    control,
    create,
    event,
    wait,
    watching,
)
from world import MEMORY, World


def test_epoll_create_mfile(world: World) -> None:
    world.fill_table()
    world.fails(Errno.MFILE, epoll_create, RESULT)


def test_epoll_create_fault(world: World) -> None:
    world.fails(Errno.FAULT, epoll_create, MEMORY - 3)


def test_epoll_create_notsup(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll")
    world.fails(Errno.NOTSUP, epoll_create, RESULT)


def test_what_the_host_refuses_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(23, "too many open files in system")

    monkeypatch.setattr(select, "epoll", refuse)
    world.fails(Errno.NFILE, epoll_create, RESULT)


def test_epoll_ctl_fault(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = create(world)
    world.fails(Errno.FAULT, epoll_ctl, epoll, ADD, fd, MEMORY - 31)
    world.fails(Errno.FAULT, epoll_ctl, epoll, MOD, fd, 2**32 - 4)
    world.fails(Errno.NOENT, epoll_ctl, epoll, DEL, fd, 2**32 - 4)


def test_epoll_ctl_badf(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = create(world)
    world.fails(Errno.BADF, epoll_ctl, 14, ADD, fd, EVENT)
    world.fails(Errno.BADF, epoll_ctl, epoll, ADD, 2**32 - 1, EVENT)


def test_epoll_ctl_notcapable(world: World) -> None:
    fd, _ = world.pipe_reader()
    world.without_right(fd, Rights.POLL_FD_READWRITE)
    world.fails(Errno.NOTCAPABLE, epoll_ctl, create(world), ADD, fd, EVENT)


def test_epoll_ctl_perm(world: World) -> None:
    epoll = create(world)
    for path in (os.devnull, __file__):
        world.fails(Errno.PERM, epoll_ctl, epoll, ADD, world.path(path, os.O_RDONLY), EVENT)


def test_epoll_ctl_inval(world: World) -> None:
    fd, _ = world.pipe_reader()
    other, _ = world.pipe_reader()
    epoll = create(world)
    world.fails(Errno.INVAL, epoll_ctl, fd, ADD, other, EVENT)
    world.fails(Errno.INVAL, epoll_ctl, epoll, ADD, epoll, EVENT)
    for unknown in (4, 2**32 - 1):
        world.fails(Errno.INVAL, epoll_ctl, epoll, unknown, fd, EVENT)


def test_epoll_ctl_exist(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = watching(world, fd)
    world.fails(Errno.EXIST, epoll_ctl, epoll, ADD, fd, EVENT)
    world.fails(Errno.EXIST, epoll_ctl, epoll, 0, fd, EVENT)


def test_epoll_ctl_noent(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = create(world)
    event(world, IN, 0)
    for op in (DEL, MOD):
        world.fails(Errno.NOENT, epoll_ctl, epoll, op, fd, EVENT)


def test_epoll_ctl_loop(world: World) -> None:
    first, second = create(world), create(world)
    control(world, first, ADD, second)
    world.fails(Errno.LOOP, epoll_ctl, second, ADD, first, EVENT)


def test_epoll_ctl_mfile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second number of a watched file takes a descriptor of the host's."""
    fd, _ = world.pipe_reader()
    epoll = watching(world, fd)
    world.call(fd_dup, fd, RESULT)
    copy = world.u32(RESULT)

    def refuse(number: int) -> int:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(os, "dup", refuse)
    world.fails(Errno.MFILE, epoll_ctl, epoll, ADD, copy, EVENT)


def test_numbers_of_watched_files_are_limited(world: World) -> None:
    """Each further number of a file takes a descriptor of the host's, which no number of the guest's stands for."""
    fd, _ = world.pipe_reader()
    copies = [world.fds.add(world.fds.get(fd).copy()) for _ in range(2)]
    epolls = [watching(world, fd) for _ in range(4)]
    for epoll in epolls:
        for copy in copies:
            control(world, epoll, ADD, copy)
    assert world.fds.limit // 2 == len(epolls) * len(copies)
    epoll = watching(world, fd)
    world.fails(Errno.MFILE, epoll_ctl, epoll, ADD, copies[0], EVENT)
    world.fds.close(copies[1])
    world.fails(Errno.MFILE, epoll_ctl, epoll, ADD, copies[0], EVENT)  # a copy keeps the file, and its watches
    world.fds.close(epolls[0])
    control(world, epoll, ADD, copies[0])


def test_unknown_event_bits_do_nothing(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd, 0xFFFFFF00)
    os.write(writer, b"x")
    assert wait(world, epoll) == []
    control(world, epoll, MOD, fd, 0xFFFFFF00 | IN)
    assert wait(world, epoll) == [Seen(IN, fd)]


def test_errors_are_told_unasked(world: World) -> None:
    fd, reader = world.pipe_writer()
    epoll = watching(world, fd, 0)
    os.close(reader)
    assert wait(world, epoll) == [Seen(ERR, fd)]


def test_urgent_data() -> None:
    with World() as world:
        listener, address = world.listener()
        with socket.create_connection(("127.0.0.1", address.port)) as caller:
            file, _ = world.socket_file(listener).accept(world.task, False)
            fd = world.add(file)
            epoll = watching(world, fd, int(EpollType.EPOLLPRI))
            caller.send(b"!", socket.MSG_OOB)
            assert wait(world, epoll, FOREVER) == [Seen(int(EpollType.EPOLLPRI), fd)]


def test_epoll_wait_inval(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = create(world)
    for most in (0, 2**31, 2**32 - 1):
        world.fails(Errno.INVAL, epoll_wait, epoll, OUT, most, 0, RESULT)
    world.fails(Errno.INVAL, epoll_wait, fd, OUT, 1, 0, RESULT)


def test_epoll_wait_fault(world: World) -> None:
    epoll = create(world)
    world.fails(Errno.FAULT, epoll_wait, epoll, MEMORY - 31, 1, 0, RESULT)
    world.fails(Errno.FAULT, epoll_wait, epoll, OUT, 2**27, 0, RESULT)
    world.fails(Errno.FAULT, epoll_wait, epoll, OUT, 1, 0, MEMORY - 3)


def test_epoll_wait_badf(world: World) -> None:
    world.fails(Errno.BADF, epoll_wait, 9, OUT, 1, 0, RESULT)
