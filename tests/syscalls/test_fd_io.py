"""Reading, writing and seeking through descriptors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywasix.abi.enums import Rights, UnstableWhence, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.syscalls.fd import fd_close
from pywasix.syscalls.fd_io import fd_read, fd_seek, fd_tell, fd_write
from syscalls.vectors import BUFFER, COUNT, VECTOR, buffers, data, fill_up
from world import MEMORY, UNSTABLE, World

CLOSED = 9


def full_pipe(world: World) -> tuple[int, int]:
    """A blocking descriptor of a pipe that is full, and the host's end that reads it."""
    fd, reader = world.pipe_writer()
    fill_up(world, fd, lambda count: world.call(fd_write, fd, VECTOR, count, COUNT))
    return fd, reader


# -- reading --------------------------------------------------------------------


def test_reading_scatters(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.write(writer, b"abcdef")
    world.call(fd_read, fd, VECTOR, buffers(world, 2, 0, 8), COUNT)
    assert (world.u32(COUNT), world.memory.read(BUFFER, 11)) == (6, b"abcdef" + bytes(5))


def test_a_blocked_read_gets_what_is_written(world: World) -> None:
    fd, writer = world.pipe_reader()
    call = world.start(fd_read, fd, VECTOR, buffers(world, 8), COUNT)
    call.await_blocked()
    os.write(writer, b"late")
    assert call.errno() is None
    assert world.memory.read(BUFFER, world.u32(COUNT)) == b"late"


def test_end_of_file_is_zero_bytes(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.close(writer)
    world.put(COUNT, b"\xff" * 4)
    world.call(fd_read, fd, VECTOR, buffers(world, 8), COUNT)
    assert world.u32(COUNT) == 0


def test_close_wakes_a_blocked_read(world: World) -> None:
    fd, _ = world.pipe_reader()
    call = world.start(fd_read, fd, VECTOR, buffers(world, 8), COUNT)
    call.await_blocked()
    world.call(fd_close, fd)
    assert call.errno() is Errno.BADF


def test_stop_ends_a_blocked_read(world: World) -> None:
    fd, _ = world.pipe_reader()
    call = world.start(fd_read, fd, VECTOR, buffers(world, 8), COUNT)
    call.await_blocked()
    world.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_fd_read_badf(world: World) -> None:
    count = buffers(world, 8)
    writer, _ = world.pipe_writer()
    world.fails(Errno.BADF, fd_read, CLOSED, VECTOR, count, COUNT)
    world.fails(Errno.BADF, fd_read, writer, VECTOR, count, COUNT)


def test_fd_read_notcapable(world: World) -> None:
    fd = world.without_right(world.path(os.devnull), Rights.FD_READ)
    world.fails(Errno.NOTCAPABLE, fd_read, fd, VECTOR, buffers(world, 8), COUNT)


def test_fd_read_fault(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.write(writer, b"stays")
    count = buffers(world, 8)
    world.fails(Errno.FAULT, fd_read, fd, VECTOR, count, MEMORY - 3)
    world.fails(Errno.FAULT, fd_read, fd, MEMORY - 7, 1, COUNT)
    world.fails(Errno.FAULT, fd_read, fd, MEMORY - 15, 2, COUNT)
    world.words(VECTOR, BUFFER, 2, MEMORY - 1, 2)
    world.fails(Errno.FAULT, fd_read, fd, VECTOR, 2, COUNT)
    world.words(VECTOR, 2**32 - 1, 2**32 - 1)
    world.fails(Errno.FAULT, fd_read, fd, VECTOR, 1, COUNT)
    world.call(fd_read, fd, VECTOR, buffers(world, 8), COUNT)
    assert world.memory.read(BUFFER, 5) == b"stays"


def test_fd_read_inval(world: World) -> None:
    world.fails(Errno.INVAL, fd_read, world.path(os.devnull), VECTOR, 1025, COUNT)


def test_fd_read_again(world: World) -> None:
    fd, _ = world.pipe_reader()
    world.fails(Errno.AGAIN, fd_read, world.nonblocking(fd), VECTOR, buffers(world, 8), COUNT)


def test_fd_read_intr(world: World) -> None:
    fd, _ = world.pipe_reader()
    count = buffers(world, 8)
    world.signal(2)
    world.fails(Errno.INTR, fd_read, fd, VECTOR, count, COUNT)
    assert world.signals == [("__wasm_signal", (2,))]


# -- writing --------------------------------------------------------------------


def test_writing_gathers(world: World) -> None:
    fd, reader = world.pipe_writer()
    world.call(fd_write, fd, VECTOR, data(world, b"ab", b"", b"cde"), COUNT)
    assert (world.u32(COUNT), os.read(reader, 100)) == (5, b"abcde")


def test_a_blocking_write_takes_all(world: World) -> None:
    fd, reader = full_pipe(world)
    call = world.start(fd_write, fd, VECTOR, data(world, b"x" * 9000, b"y" * 9000), COUNT)
    call.await_blocked()
    found = b""
    while not found.endswith(b"y" * 9000):
        found += os.read(reader, 65536)
    assert call.errno() is None
    assert world.u32(COUNT) == 18000


def test_what_was_written_counts_when_a_signal_comes(world: World) -> None:
    fd, _ = world.pipe_writer()
    world.call(fd_write, fd, VECTOR, buffers(world, 60_000), COUNT)
    count = buffers(world, 20_000)
    world.signal()
    world.call(fd_write, fd, VECTOR, count, COUNT)
    assert 0 < world.u32(COUNT) < 20_000


def test_a_nonblocking_write_takes_what_fits(world: World) -> None:
    fd, _ = world.pipe_writer()
    world.call(fd_write, world.nonblocking(fd), VECTOR, buffers(world, 60_000), COUNT)
    assert world.u32(COUNT) == 60_000
    world.call(fd_write, fd, VECTOR, buffers(world, 20_000), COUNT)
    assert 0 < world.u32(COUNT) < 20_000


def test_fd_write_badf(world: World) -> None:
    count = data(world, b"x")
    reader, _ = world.pipe_reader()
    world.fails(Errno.BADF, fd_write, CLOSED, VECTOR, count, COUNT)
    world.fails(Errno.BADF, fd_write, reader, VECTOR, count, COUNT)


def test_fd_write_notcapable(world: World) -> None:
    fd = world.without_right(world.path(os.devnull), Rights.FD_WRITE)
    world.fails(Errno.NOTCAPABLE, fd_write, fd, VECTOR, data(world, b"x"), COUNT)


def test_fd_write_fault(world: World) -> None:
    fd, reader = world.pipe_writer()
    os.set_blocking(reader, False)
    count = data(world, b"x")
    world.fails(Errno.FAULT, fd_write, fd, VECTOR, count, MEMORY - 3)
    world.words(VECTOR, BUFFER, 2, MEMORY - 1, 2)
    world.fails(Errno.FAULT, fd_write, fd, VECTOR, 2, COUNT)
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)


def test_fd_write_inval(world: World) -> None:
    world.fails(Errno.INVAL, fd_write, world.path(os.devnull), VECTOR, 2**32 - 1, COUNT)


def test_fd_write_again(world: World) -> None:
    fd, _ = full_pipe(world)
    world.fails(Errno.AGAIN, fd_write, world.nonblocking(fd), VECTOR, data(world, b"x"), COUNT)


def test_fd_write_intr(world: World) -> None:
    fd, _ = full_pipe(world)
    count = data(world, b"x")
    world.signal()
    world.fails(Errno.INTR, fd_write, fd, VECTOR, count, COUNT)


def test_fd_write_pipe(world: World) -> None:
    fd, reader = world.pipe_writer()
    os.close(reader)
    world.fails(Errno.PIPE, fd_write, fd, VECTOR, data(world, b"x"), COUNT)


# -- positions ------------------------------------------------------------------


@pytest.fixture
def file(world: World, tmp_path: Path) -> int:
    """A descriptor of a file of 8 bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    return world.path(str(path))


def test_seek_moves_and_tell_tells(world: World, file: int) -> None:
    for offset, whence, position in ((3, Whence.SET, 3), (2, Whence.CUR, 5), (-1, Whence.END, 7), (2**40, 0, 2**40)):
        world.call(fd_seek, file, offset, whence, 8)
        assert world.number(8, 8) == position
        world.call(fd_tell, file, 16)
        assert world.number(16, 8) == position


def test_unstable_guests_number_the_origins_differently(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    with World(generation=UNSTABLE) as world:
        fd = world.path(str(path))
        world.call(fd_seek, fd, -1, UnstableWhence.END, 8)
        assert world.number(8, 8) == 7


def test_fd_seek_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_seek, CLOSED, 0, Whence.SET, 8)


def test_fd_seek_spipe(world: World) -> None:
    world.fails(Errno.SPIPE, fd_seek, world.pipe_reader()[0], 0, Whence.SET, 8)
    world.fails(Errno.SPIPE, fd_seek, world.socket(), 0, Whence.CUR, 8)


def test_fd_seek_notcapable(world: World, file: int) -> None:
    world.fails(Errno.NOTCAPABLE, fd_seek, world.without_right(file, Rights.FD_SEEK), 1, Whence.SET, 8)
    world.call(fd_tell, file, 8)
    assert world.number(8, 8) == 0


def test_fd_seek_inval(world: World, file: int) -> None:
    world.fails(Errno.INVAL, fd_seek, file, 0, 3, 8)
    world.fails(Errno.INVAL, fd_seek, file, -9, Whence.END, 8)


def test_fd_seek_fault(world: World, file: int) -> None:
    world.fails(Errno.FAULT, fd_seek, file, 4, Whence.SET, MEMORY - 7)
    world.call(fd_tell, file, 8)
    assert world.number(8, 8) == 0


def test_fd_tell_badf(world: World) -> None:
    world.fails(Errno.BADF, fd_tell, CLOSED, 8)


def test_fd_tell_spipe(world: World) -> None:
    world.fails(Errno.SPIPE, fd_tell, world.pipe_writer()[0], 8)


def test_fd_tell_notcapable(world: World, file: int) -> None:
    world.fails(Errno.NOTCAPABLE, fd_tell, world.without_right(file, Rights.FD_TELL), 8)


def test_fd_tell_fault(world: World, file: int) -> None:
    world.fails(Errno.FAULT, fd_tell, file, MEMORY - 7)
