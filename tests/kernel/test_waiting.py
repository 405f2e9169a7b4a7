"""Waiting, futexes, streams: what blocks and what ends it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Thread
from time import monotonic_ns

import pytest

from pywasix.abi.enums import FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd, WouldBlock
from pywasix.host.files import FdChannel
from pywasix.kernel import wait
from pywasix.kernel.file import FileStatus
from pywasix.kernel.stream import StreamFile
from pywasix.kernel.task import Task
from support import PATIENCE
from world import SIGNAL_HANDLER, StillHandle, WatchedPoller, World, await_blocked, handle_of

_MS = 1_000_000
NEVER = StillHandle()


class Scripted:
    """An attempt that gives one answer after the other."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)

    def __call__(self) -> int:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


# -- kernel.wait ----------------------------------------------------------------


def test_deadlines() -> None:
    assert wait.deadline_after(None) is None
    assert wait.remaining(None) is None
    deadline = wait.deadline_after(10**12)
    assert deadline is not None
    assert 0 < (wait.remaining(deadline) or 0) <= 10**12
    assert wait.remaining(monotonic_ns() - 1) == 0


def test_until_tries_again(world: World) -> None:
    reader, writer = os.pipe()
    world.later(lambda: os.close(reader))
    world.later(lambda: os.close(writer))
    os.write(writer, b"x")
    attempt = Scripted(WouldBlock(), WouldBlock(), 7)
    assert wait.until(world.task, attempt, handle_of(reader), wait.READABLE) == 7
    with pytest.raises(SysError, match="IO"):
        wait.until(world.task, Scripted(WouldBlock(), SysError(Errno.IO)), handle_of(reader), wait.READABLE)


@pytest.mark.parametrize("late", [Errno.AGAIN, Errno.TIMEDOUT])
def test_until_is_late(world: World, late: Errno) -> None:
    reader, writer = os.pipe()
    world.later(lambda: os.close(reader))
    world.later(lambda: os.close(writer))

    def attempt() -> int:
        raise WouldBlock

    deadline = monotonic_ns() + 3 * _MS
    with pytest.raises(SysError) as raised:
        wait.until(world.task, attempt, handle_of(reader), wait.READABLE, deadline, late)
    assert raised.value.errno is late
    assert monotonic_ns() >= deadline


def test_sleep_and_poll_end_with_their_time(world: World) -> None:
    for work in (
        lambda deadline: wait.sleep(world.task, deadline),
        lambda deadline: wait.poll(world.task, (), deadline),
    ):
        for length in (_MS, 3 * _MS):
            deadline = monotonic_ns() + length
            work(deadline)
            assert monotonic_ns() >= deadline


def test_pause_tells_whether_the_time_is_over(world: World) -> None:
    assert wait.pause(world.task, 0) is True
    world.task.poller.wake()
    assert wait.pause(world.task, None) is False


def test_poll_runs_handlers_and_goes_on(world: World) -> None:
    world.signal()
    assert wait.poll(world.task, (), monotonic_ns() + 3 * _MS) == []
    assert world.signals == [(SIGNAL_HANDLER, (2,))]


def test_a_wake_without_reason_does_not_end_a_poll(world: World) -> None:
    world.task.poller.wake()
    deadline = monotonic_ns() + 3 * _MS
    wait.poll(world.task, (), deadline)
    assert monotonic_ns() >= deadline


# -- futexes --------------------------------------------------------------------


def unchanged(address: int) -> int:
    """Reads a word that holds 7."""
    assert address == 64
    return 7


class Sleeper:
    """A task that waits on a futex in a thread of its own."""

    def __init__(self, world: World, key: tuple[int, int], deadline: int | None = None) -> None:
        self.task = Task(world.process, 50, WatchedPoller())
        world.process.tasks.append(self.task)
        self.woken: bool | None = None
        self.error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(world, key, deadline), daemon=True)
        self._thread.start()
        if deadline is None:  # who sleeps for a moment only may be gone before anybody looks
            await_blocked(self.task)

    def _run(self, world: World, key: tuple[int, int], deadline: int | None) -> None:
        try:
            self.woken = world.kernel.futexes.wait(self.task, key, unchanged, 7, deadline)
        except BaseException as error:
            self.error = error

    def join(self) -> bool | None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.woken


def test_the_longest_waiting_is_woken_first(world: World) -> None:
    key = (1, 64)
    first, second = Sleeper(world, key), Sleeper(world, key)
    assert world.kernel.futexes.wake(key)
    assert first.join() is True
    assert second.woken is None
    assert world.kernel.futexes.wake_all(key) == 1
    assert second.join() is True
    assert not world.kernel.futexes.wake(key)


def test_all_are_woken(world: World) -> None:
    sleepers = [Sleeper(world, (1, 64)) for _ in range(3)]
    other = Sleeper(world, (2, 64))
    assert world.kernel.futexes.wake_all((1, 64)) == 3
    assert [each.join() for each in sleepers] == [True] * 3
    assert other.woken is None, "the same address of another memory"
    assert world.kernel.futexes.wake((2, 64))
    assert other.join() is True


def test_a_stopped_sleeper_leaves_the_queue(world: World) -> None:
    first, second = Sleeper(world, (1, 64)), Sleeper(world, (1, 64))
    first.task.stop()
    first.join()
    assert isinstance(first.error, ThreadEnd)
    assert world.kernel.futexes.wake((1, 64))
    assert second.join() is True


def test_a_late_sleeper_leaves_the_queue(world: World) -> None:
    assert Sleeper(world, (1, 64), monotonic_ns() + 3 * _MS).join() is False
    assert world.kernel.futexes.wake_all((1, 64)) == 0


def test_a_changed_word_does_not_sleep(world: World) -> None:
    assert world.kernel.futexes.wait(world.task, (1, 64), unchanged, 8, None) is True


def test_handlers_run_while_sleeping(world: World) -> None:
    world.signal()
    assert world.kernel.futexes.wait(world.task, (1, 64), unchanged, 7, monotonic_ns() + 3 * _MS) is False
    assert world.signals == [(SIGNAL_HANDLER, (2,))]


# -- streams --------------------------------------------------------------------


class Tape:
    """A channel that gives one answer after the other to reads and writes."""

    filetype = FileType.CHARACTER_DEVICE
    terminal = False
    seekable = True
    sendable = None
    readable = True
    writable = True

    def __init__(self, *answers: int | Exception) -> None:
        self._next = Scripted(*answers)
        self.handle = None
        self.closed = False

    def read(self, buffers: Sequence[memoryview]) -> int:
        return self._next()

    def write(self, buffers: Sequence[memoryview]) -> int:
        return min(self._next(), sum(map(len, buffers)))

    def seek(self, offset: int, whence: Whence) -> int:
        return offset

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        return self._next()

    write_at = read_at

    def status(self) -> FileStatus:
        return FileStatus(size=9)

    def available(self) -> int:
        return 5

    def close(self) -> None:
        self.closed = True


DATA = [memoryview(b"abcd"), memoryview(b"efgh")]


def test_a_stream_asks_its_channel(world: World) -> None:
    tape = Tape(3)
    file = StreamFile(tape)
    file.references = 1
    assert file.read(world.task, DATA) == 3
    assert file.seek(4, Whence.SET) == 4
    assert (file.status().size, file.available()) == (9, 5)
    file.close()
    assert tape.closed


def test_a_write_goes_on_until_all_is_taken(world: World) -> None:
    file = StreamFile(Tape(1, 5, 2))
    file.references = 1
    assert file.write(world.task, DATA) == 8


def test_a_nonblocking_write_is_tried_once(world: World) -> None:
    file = StreamFile(Tape(3, WouldBlock()))
    file.references, file.nonblocking = 1, True
    assert file.write(world.task, DATA) == 3
    with pytest.raises(SysError, match="AGAIN"):
        file.write(world.task, DATA)


def test_an_error_after_some_bytes_waits_for_the_next_call(world: World) -> None:
    file = StreamFile(Tape(3, SysError(Errno.IO), SysError(Errno.PIPE)))
    file.references = 1
    assert file.write(world.task, DATA) == 3
    with pytest.raises(SysError, match="PIPE"):
        file.write(world.task, DATA)


def test_a_stream_without_position(world: World) -> None:
    reader, writer = os.pipe()
    files = [StreamFile(FdChannel(fd, owned=True)) for fd in (reader, writer)]
    for file in files:
        with pytest.raises(SysError, match="SPIPE"):
            file.seek(0, Whence.CUR)
        file.close()
