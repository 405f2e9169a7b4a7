"""Pipes and event counters: what is written, read, polled, and when a call waits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from pywasix.abi.codecs import decode_epoll_event, encode_epoll_event
from pywasix.abi.enums import EpollType
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.syscalls import pipe as pipe_module
from pywasix.syscalls.epoll import epoll_create, epoll_ctl, epoll_wait
from pywasix.syscalls.fd import fd_close, fd_fdstat_get
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.pipe import fd_event, fd_pipe
from world import MEMORY, WatchedPoller, World

RESULT, COUNT, VECTOR, DATA = 0, 16, 32, 1024
SEMAPHORE, NONBLOCK = 1, 4
IN, OUT, HUP, ERR = (
    int(EpollType.EPOLLIN),
    int(EpollType.EPOLLOUT),
    int(EpollType.EPOLLHUP),
    int(EpollType.EPOLLERR),
)
MOST = 2**64 - 2


def counter(world: World, initial: int = 0, flags: int = 0) -> int:
    world.call(fd_event, initial, flags, RESULT)
    return world.u32(RESULT)


def pipe(world: World) -> tuple[int, int]:
    world.call(fd_pipe, RESULT, RESULT + 4)
    return world.u32(RESULT), world.u32(RESULT + 4)


def vector(world: World, size: int) -> int:
    return world.words(VECTOR, DATA, size)


def read(world: World, fd: int, size: int = 8) -> bytes:
    world.call(fd_read, fd, vector(world, size), 1, COUNT)
    return world.memory.read(DATA, world.u32(COUNT))


def write(world: World, fd: int, data: bytes) -> int:
    world.put(DATA, data)
    world.call(fd_write, fd, vector(world, len(data)), 1, COUNT)
    return world.u32(COUNT)


def take(world: World, fd: int) -> int:
    return int.from_bytes(read(world, fd), "little")


def add(world: World, fd: int, value: int) -> None:
    assert write(world, fd, value.to_bytes(8, "little")) == 8


def events(world: World, fd: int, wanted: int = IN | OUT) -> int:
    """What epoll tells of a descriptor now; the wait that finds nothing tells 0."""
    world.call(epoll_create, RESULT)
    epoll = world.u32(RESULT)
    world.put(DATA, encode_epoll_event(wanted, bytes(24)))
    world.call(epoll_ctl, epoll, 1, fd, DATA)
    world.call(epoll_wait, epoll, DATA, 1, 0, RESULT)
    world.call(fd_close, epoll)
    found: int = decode_epoll_event(world.memory.read(DATA, 32))[0] if world.u32(RESULT) else 0
    return found


# -- event counters ---------------------------------------------------------


def test_a_counter_adds_and_is_taken_whole(world: World) -> None:
    fd = counter(world, 3)
    add(world, fd, 4)
    add(world, fd, 0)
    assert take(world, fd) == 7
    assert events(world, fd) == OUT
    add(world, fd, 2**40)
    assert events(world, fd) == IN | OUT
    assert take(world, fd) == 2**40


def test_a_semaphore_gives_one_at_a_time(world: World) -> None:
    fd = counter(world, 2, SEMAPHORE | NONBLOCK)
    assert [take(world, fd), take(world, fd)] == [1, 1]
    world.fails(Errno.AGAIN, fd_read, fd, vector(world, 8), 1, COUNT)


@pytest.mark.parametrize("initial", [0, 1, 2**32 - 1, 2**32, MOST])
def test_a_counter_begins_with_any_number(world: World, initial: int) -> None:
    fd = counter(world, initial, NONBLOCK)
    if initial:
        assert take(world, fd) == initial
    world.fails(Errno.AGAIN, fd_read, fd, vector(world, 8), 1, COUNT)


def test_a_full_counter(world: World) -> None:
    fd = counter(world, MOST, NONBLOCK)
    assert events(world, fd) == IN
    world.put(DATA, (1).to_bytes(8, "little"))
    world.fails(Errno.AGAIN, fd_write, fd, vector(world, 8), 1, COUNT)
    assert take(world, fd) == MOST


def test_sizes_of_reads_and_writes(world: World) -> None:
    fd = counter(world, 5)
    world.fails(Errno.INVAL, fd_read, fd, vector(world, 7), 1, COUNT)
    world.fails(Errno.INVAL, fd_write, fd, vector(world, 7), 1, COUNT)
    world.put(DATA, b"\xff" * 8)
    world.fails(Errno.INVAL, fd_write, fd, vector(world, 8), 1, COUNT)
    world.words(VECTOR, DATA, 3, DATA + 100, 90)
    world.call(fd_read, fd, VECTOR, 2, COUNT)
    assert world.u32(COUNT) == 8
    assert world.memory.read(DATA, 3) + world.memory.read(DATA + 100, 5) == (5).to_bytes(8, "little")
    assert write(world, fd, (9).to_bytes(8, "little") + b"more") == 8, "eventfd(2) looks at 8 bytes"
    assert read(world, fd, 20) == (9).to_bytes(8, "little")


def test_a_reader_waits_for_a_number(world: World) -> None:
    fd = counter(world)
    call = world.start(fd_read, fd, vector(world, 8), 1, COUNT)
    call.await_blocked()
    world.put(DATA + 200, (6).to_bytes(8, "little"))
    world.call(fd_write, fd, world.words(VECTOR + 64, DATA + 200, 8), 1, COUNT + 4)
    assert call.errno() is None
    assert world.number(DATA, 8) == 6


def test_a_writer_waits_for_room_without_spinning(world: World) -> None:
    """The counter is writable for small numbers all the while."""
    fd = counter(world, 2**63)
    world.put(DATA, (2**63).to_bytes(8, "little"))
    call = world.start(fd_write, fd, vector(world, 8), 1, COUNT)
    call.await_blocked()
    call.await_blocked_again(world.process.tasks[1].poller.wake)
    poller = world.process.tasks[1].poller
    assert isinstance(poller, WatchedPoller)
    poller.entered.clear()
    assert not poller.entered.wait(0.05), "it tries again though nobody read"
    world.call(fd_read, fd, world.words(VECTOR + 64, DATA + 200, 8), 1, COUNT + 4)
    assert call.errno() is None
    assert take(world, fd) == 2**63


@pytest.mark.parametrize(("handler", "initial"), [(fd_read, 0), (fd_write, MOST)])
def test_what_ends_a_waiting_call(world: World, handler: object, initial: int) -> None:
    assert callable(handler)
    for end in ("close", "stop"):
        fd = counter(world, initial)
        world.put(DATA, (1).to_bytes(8, "little"))
        call = world.start(handler, fd, vector(world, 8), 1, COUNT)
        call.await_blocked()
        if end == "close":
            world.call(fd_close, fd)
            assert call.errno() is Errno.BADF
        else:
            world.process.tasks[-1].stop()
            assert isinstance(call.result(), ThreadEnd)


def test_the_type_of_a_counter(world: World) -> None:
    fd = counter(world, 0, NONBLOCK)
    world.call(fd_fdstat_get, fd, DATA)
    assert world.memory.read(DATA, 4) == bytes((0, 0, NONBLOCK, 0)), "type unknown, non-blocking"


def test_fd_event_inval(world: World) -> None:
    for flags in (2, 8, 2**30, 2**32 - 1):
        world.fails(Errno.INVAL, fd_event, 0, flags, RESULT)
    world.fails(Errno.INVAL, fd_event, 2**64 - 1, 0, RESULT)


def test_fd_event_mfile(world: World) -> None:
    world.fill_table()
    world.fails(Errno.MFILE, fd_event, 0, 0, RESULT)


def test_fd_event_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_event, 0, 0, MEMORY - 3)


def test_fd_event_notsup(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd")
    world.fails(Errno.NOTSUP, fd_event, 0, 0, RESULT)


def _refuse(*arguments: int) -> int:
    raise OSError(23, "too many open files in system")


def test_what_the_host_refuses_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pipe", _refuse)
    world.fails(Errno.NFILE, fd_pipe, RESULT, RESULT + 4)
    monkeypatch.setattr(os, "eventfd", _refuse)
    world.fails(Errno.NFILE, fd_event, 0, 0, RESULT)
    monkeypatch.undo()
    assert pipe(world) == (0, 1), "the numbers were given back"


# -- pipes ------------------------------------------------------------------


def test_a_pipe_carries_bytes_one_way(world: World) -> None:
    reader, writer = pipe(world)
    assert (reader, writer) == (0, 1)
    assert events(world, reader) == 0
    assert events(world, writer) == OUT
    assert write(world, writer, b"hello") == 5
    assert events(world, reader) == IN
    assert read(world, reader, 64) == b"hello"
    world.fails(Errno.BADF, fd_write, reader, vector(world, 1), 1, COUNT)
    world.fails(Errno.BADF, fd_read, writer, vector(world, 1), 1, COUNT)


def test_the_end_of_a_pipe(world: World) -> None:
    reader, writer = pipe(world)
    write(world, writer, b"last")
    world.call(fd_close, writer)
    assert events(world, reader) == IN | HUP
    assert read(world, reader) == b"last"
    assert events(world, reader) == HUP
    assert read(world, reader) == b""


@pytest.fixture(params=["ignored", "default", "blocked"])
def pipe_signal(request: pytest.FixtureRequest) -> Iterator[None]:
    """What an embedding program may have done with SIGPIPE."""
    before = signal.getsignal(signal.SIGPIPE)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    if request.param != "ignored":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if request.param == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
    yield
    if request.param == "blocked":
        assert signal.sigtimedwait([signal.SIGPIPE], 0) is not None, "what its owner blocked waits for its owner"
    assert signal.SIGPIPE not in signal.sigpending()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGPIPE, before)


@pytest.mark.usefixtures("pipe_signal")
def test_nobody_reads_any_more(world: World) -> None:
    reader, writer = pipe(world)
    assert write(world, writer, b"works") == 5
    world.call(fd_close, reader)
    assert events(world, writer) == OUT | ERR
    world.fails(Errno.PIPE, fd_write, writer, vector(world, 1), 1, COUNT)


def test_a_full_pipe(world: World) -> None:
    reader, writer = pipe(world)
    world.nonblocking(writer)
    world.words(VECTOR, *(0, 32768) * 8)
    world.call(fd_write, writer, VECTOR, 8, COUNT)
    written = world.u32(COUNT)
    assert 4096 <= written < 8 * 32768
    assert events(world, writer) == 0
    world.fails(Errno.AGAIN, fd_write, writer, vector(world, 1), 1, COUNT)
    total = 0
    while total < written:
        world.call(fd_read, reader, world.words(VECTOR, 0, 32768), 1, 32768)
        total += world.u32(32768)
    assert total == written
    assert events(world, writer) == OUT


def test_a_reader_waits(world: World) -> None:
    reader, writer = pipe(world)
    call = world.start(fd_read, reader, vector(world, 8), 1, COUNT)
    call.await_blocked()
    world.put(DATA + 200, b"x")
    world.call(fd_write, writer, world.words(VECTOR + 64, DATA + 200, 1), 1, COUNT + 4)
    assert call.errno() is None
    assert world.memory.read(DATA, 1) == b"x"


def test_the_name_of_2022(world: World) -> None:
    world.call(pipe_module.pipe, RESULT, RESULT + 4)
    assert write(world, world.u32(RESULT + 4), b"old") == 3
    world.fails(Errno.FAULT, pipe_module.pipe, RESULT, MEMORY)


def test_fd_pipe_mfile(world: World) -> None:
    before = len(os.listdir("/dev/fd"))
    world.fill_table()
    world.fails(Errno.MFILE, fd_pipe, RESULT, RESULT + 4)
    world.call(fd_close, 3)
    world.fails(Errno.MFILE, fd_pipe, RESULT, RESULT + 4)
    assert len(os.listdir("/dev/fd")) == before + len(world.fds)
    assert counter(world) == 3, "the number was given back"


def test_fd_pipe_fault(world: World) -> None:
    world.fails(Errno.FAULT, fd_pipe, RESULT, MEMORY - 3)
    world.fails(Errno.FAULT, fd_pipe, 2**32 - 4, RESULT)
