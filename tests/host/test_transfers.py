"""Reads and writes of host descriptors where the kernel cannot be asked, or that are very long."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import Killed, SysError, WouldBlock
from pywasix.host.files import FdChannel
from pywasix.host.poller import HostPoller
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.stream import StreamFile
from pywasix.kernel.task import Task

MIB = 1 << 20
Ends = tuple[int, int]


@pytest.fixture
def task() -> Iterator[Task]:
    """A task of a process that has nothing open."""
    process = Kernel(HostPoller).start_process((), (), max_fds=8)
    yield process.main_task
    process.task_ended(process.main_task)


def pipe(path: Path, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """A pipe on a kernel that does not know "do not wait" for it (Linux before 6.4)."""
    monkeypatch.setattr(os, "preadv", unless_asked(os.preadv))
    monkeypatch.setattr(os, "pwritev", unless_asked(os.pwritev))
    return os.pipe()


def unless_asked(call: Callable[..., int]) -> Callable[..., int]:
    def answer(fd: int, buffers: Sequence[memoryview], offset: int, flags: int = 0) -> int:
        if flags:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return call(fd, buffers, offset, flags)

    return answer


def fifo(path: Path, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """A named pipe, for which Linux has no "do not wait"."""
    os.mkfifo(path / "fifo")
    reader = os.open(path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path / "fifo", os.O_WRONLY)
    os.set_blocking(reader, True)
    return reader, writer


@pytest.fixture(params=[pipe, fifo])
def channels(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FdChannel, FdChannel]]:
    """Both ends of a pipe that others use too, and that poll(2) must be asked about."""
    reader, writer = (FdChannel(fd, owned=True) for fd in request.param(tmp_path, monkeypatch))
    yield reader, writer
    reader.close()
    writer.close()


def test_a_pipe_that_is_polled_never_waits(channels: tuple[FdChannel, FdChannel]) -> None:
    reader, writer = channels
    target = memoryview(bytearray(8))
    with pytest.raises(WouldBlock):
        reader.read([target])
    assert writer.write([memoryview(b"abc")]) == 3
    assert reader.read([target[:2], target[2:]]) == 3
    assert bytes(target) == b"abc\0\0\0\0\0"
    with pytest.raises(WouldBlock):
        write_until_full(writer)


def write_until_full(writer: FdChannel) -> None:
    while True:
        assert 0 < writer.write([memoryview(bytes(MIB))]) < MIB


def test_a_blocking_write_takes_all(channels: tuple[FdChannel, FdChannel], task: Task) -> None:
    reader, writer = channels
    data, got = os.urandom(MIB), bytearray()
    other = os.dup(reader.fileno())

    def read_all() -> None:
        with open(other, "rb") as source:
            got.extend(source.read())

    thread = Thread(target=read_all)
    thread.start()
    file = StreamFile(writer)
    file.references = 1
    assert file.write(task, [memoryview(data)[:5], memoryview(data)[5:]]) == len(data)
    file.close()
    thread.join()
    assert got == data


def test_an_error_of_the_transfer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = (FdChannel(fd, owned=True) for fd in os.pipe())
    with monkeypatch.context() as patched:
        for name in ("preadv", "pwritev"):
            patched.setattr(os, name, failing(errno.EIO))
        for call in (reader.read, writer.write):
            with pytest.raises(SysError) as raised:
                call([memoryview(bytearray(1))])
            assert raised.value.errno is Errno.IO
    reader.close()
    writer.close()


def failing(number: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def test_one_transfer_is_short() -> None:
    with mmap.mmap(-1, 24 * MIB) as room:
        whole = memoryview(room)
        zero, null = (FdChannel(os.open(path, os.O_RDWR), owned=True) for path in ("/dev/zero", "/dev/null"))
        for buffers in ([whole], [whole[:MIB], whole[MIB:]], [whole[: 10 * MIB], whole[10 * MIB :], whole]):
            assert zero.read(buffers) == null.write(buffers) == 16 * MIB
        assert zero.read([whole[: 16 * MIB]]) == 16 * MIB
        zero.close()
        null.close()
        whole.release()
        del buffers


class Interrupted(FdChannel):
    """The null device; something happens while the second part is written."""

    def __init__(self, event: Callable[[], None]) -> None:
        super().__init__(os.open(os.devnull, os.O_WRONLY), owned=True)
        self.parts = 0
        self._event = event

    def write(self, buffers: Sequence[memoryview]) -> int:
        self.parts += 1
        if self.parts == 2:
            self._event()
        return super().write([buffers[0][:10]])


def test_a_kill_ends_a_long_write(task: Task) -> None:
    channel = Interrupted(lambda: task.process.terminate(9))
    file = StreamFile(channel)
    file.references = 1
    with pytest.raises(Killed):
        file.write(task, [memoryview(bytes(1000))])
    assert channel.parts == 2
    file.close()


def test_a_long_write_to_a_device_takes_all(task: Task) -> None:
    file = StreamFile(FdChannel(os.open(os.devnull, os.O_WRONLY), owned=True))
    file.references = 1
    with mmap.mmap(-1, 40 * MIB) as room, memoryview(room) as whole:
        assert file.write(task, [whole]) == 40 * MIB
    file.close()


def test_a_close_that_fails_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fd = os.open(os.devnull, os.O_WRONLY)
    channel = FdChannel(fd, owned=True)
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", failing(errno.ENOSPC))
        with pytest.raises(SysError) as raised:
            channel.close()
    assert (raised.value.errno, channel.fileno()) == (Errno.NOSPC, -1)
    channel.close()
    os.close(fd)
