"""Standard streams under pressure, shared, and broken: nothing is lost, held back, or kept from being killed."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
from array import array
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

import pywasix
from pywasix import PIPE
from support import PATIENCE, guest

CAT = str(guest("cat"))
LARGE = 100 << 20
PART = 1 << 16
# What may be on its way: two pipes, and a part in the hands of the feeder, the guest and the drainer.
MOST_ON_THE_WAY = 1 << 20


class Flow:
    """A source and a target of bytes that look how far the source is ahead."""

    def __init__(self, size: int) -> None:
        self.sent = self.arrived = self.ahead = 0
        self.size = size
        self.sent_hash, self.arrived_hash = hashlib.sha1(), hashlib.sha1()
        self._random = os.urandom(PART)

    def read(self, size: int) -> bytes:
        assert size <= PART
        data = self._random[: min(size, self.size - self.sent)]
        self.sent += len(data)
        self.sent_hash.update(data)
        self.ahead = max(self.ahead, self.sent - self.arrived)
        return data

    def write(self, data: bytes) -> None:
        self.arrived += len(data)
        self.arrived_hash.update(data)


def test_a_hundred_megabytes_through_objects_are_never_piled_up() -> None:
    flow = Flow(LARGE)
    assert pywasix.run([CAT], stdin=flow, stdout=flow).returncode == 0
    assert (flow.sent, flow.arrived) == (LARGE, LARGE)
    assert flow.arrived_hash.digest() == flow.sent_hash.digest()
    assert flow.ahead <= MOST_ON_THE_WAY


def test_a_reader_that_does_not_read_holds_everybody() -> None:
    flow = Flow(LARGE)
    with pywasix.start([CAT], stdin=flow, stdout=PIPE) as process:
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(0.3)
        assert 0 < flow.sent <= MOST_ON_THE_WAY
        process.kill()
        assert process.wait(PATIENCE) == -9


def test_a_writer_that_does_not_write_holds_the_guest() -> None:
    """Byte by byte: what is written arrives at once, not when a buffer is full."""
    with pywasix.start([CAT], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(256):
            process.stdin.write(bytes((number,)))
            process.stdin.flush()
            assert process.stdout.read(1) == bytes((number,))
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_a_reader_that_goes_away() -> None:
    flow = Flow(LARGE)
    with pywasix.start([CAT], stdin=flow, stdout=PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(PATIENCE) == 1, "cat tells that its write failed"
    assert flow.sent <= MOST_ON_THE_WAY


# A Python program that has SIGPIPE's default back, as command lines like to, must not be ended by a guest.
PIPE_DEFAULT = """
import os, signal, sys
import pywasix
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
cat, hello = sys.argv[1:]
reader, writer = os.pipe()
os.close(reader)
print(pywasix.run([cat], stdin=b"x", stdout=writer).returncode)
print(pywasix.run([hello], stdin=bytes(1 << 20), stdout=pywasix.DEVNULL).returncode)
"""


def test_a_closed_pipe_does_not_end_python() -> None:
    command = [sys.executable, "-c", PIPE_DEFAULT, CAT, str(guest("hello"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n0\n", "")


# -- objects that are odd --------------------------------------------------------


class Failing:
    """Reads and writes a little, and fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._calls = 0

    def read(self, size: int) -> bytes:
        self._calls += 1
        if self._calls > 1:
            raise self._error
        return b"beginning"

    def write(self, data: bytes) -> None:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyboardInterrupt(), OSError(5, "mine")])
def test_a_source_that_raises(error: BaseException) -> None:
    found = io.BytesIO()
    with pytest.raises(type(error)):
        pywasix.run([CAT], stdin=Failing(error), stdout=found)
    assert found.getvalue() == b"beginning"


@pytest.mark.parametrize("error", [RuntimeError("mine"), ValueError("mine")])
def test_a_target_that_raises(error: Exception) -> None:
    process = pywasix.start([CAT], stdin=Flow(LARGE), stdout=Failing(error))
    for _ in range(2):
        with pytest.raises(type(error), match="mine"):
            process.wait(PATIENCE)
    assert process.returncode == 1, "the guest found its output closed"


def test_a_source_of_something_else() -> None:
    class Source:
        def read(self, size: int) -> Any:
            return 3.5

    with pytest.raises(TypeError):
        pywasix.run([CAT], stdin=Source(), stdout=PIPE)


def test_a_source_of_numbers() -> None:
    class Source:
        def __init__(self) -> None:
            self._rest = [array("I", [1, 2, 3]), b""]

        def read(self, size: int) -> Any:
            return self._rest.pop(0)

    assert pywasix.run([CAT], stdin=Source(), stdout=PIPE).stdout == array("I", [1, 2, 3]).tobytes()


def test_a_target_that_takes_a_part() -> None:
    class Target(io.RawIOBase):
        got = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.got += bytes(data[:7])
            return min(7, len(data))

    target = Target()
    data = bytes(range(256)) * 40
    assert pywasix.run([CAT], stdin=data, stdout=target).returncode == 0
    assert target.got == data


def test_a_buffered_source_gives_what_it_has() -> None:
    """Its own read() waits until it has 64 KiB."""
    reader, writer = os.pipe()

    class Buffered(io.BufferedReader):
        def fileno(self) -> int:
            raise io.UnsupportedOperation

    with (
        open(writer, "wb", buffering=0) as end,
        Buffered(io.FileIO(reader)) as source,
        pywasix.start([CAT], stdin=source, stdout=PIPE) as process,
    ):
        assert process.stdout is not None
        end.write(b"now")
        assert process.stdout.read(3) == b"now"
        end.close()
        assert process.wait(PATIENCE) == 0


# -- streams that others have too ------------------------------------------------


def _stdin_of(kind: str, directory: Path) -> tuple[int, int]:
    """(what guests read, what is written to), both of a kind that others may have open too."""
    if kind == "pipe":
        return os.pipe()
    if kind == "socket":
        near, far = socket.socketpair()
        return near.detach(), far.detach()
    path = directory / "fifo"
    os.mkfifo(path)
    both = os.open(path, os.O_RDWR)
    return both, os.dup(both)


@pytest.mark.parametrize("kind", ["pipe", "fifo", "socket"])
def test_two_guests_read_the_same_stream(kind: str, tmp_path: Path) -> None:
    """One gets what there is. The other waits where a kill reaches it."""
    ours, end = _stdin_of(kind, tmp_path)
    both = [pywasix.start([guest("block_stdin")], stdin=ours, stdout=PIPE, text=True) for _ in range(2)]
    try:
        for each in both:
            assert each.stdout is not None
            assert each.stdout.readline() == "blocking\n"
        os.write(end, b"one")
        first = _first_to_end(both)
        other = both[1 - both.index(first)]
        assert first.communicate() == ("3\n", None)
        assert other.poll() is None
        before = monotonic()
        other.kill()
        assert other.wait(PATIENCE) == -9
        assert monotonic() - before < 0.1
        assert os.get_blocking(ours), "the flag is everybody's"
    finally:
        for each in both:
            each.kill()
            each.communicate()
        os.close(ours)
        os.close(end)


def _first_to_end(both: list[pywasix.Process]) -> pywasix.Process:
    ended: list[pywasix.Process] = []

    def wait(process: pywasix.Process) -> None:
        process.wait()
        ended.append(process)

    threads = [Thread(target=wait, args=(each,), daemon=True) for each in both]
    for thread in threads:
        thread.start()
    deadline = monotonic() + PATIENCE
    while not ended and monotonic() < deadline:
        threads[0].join(0.01)
    return ended[0]


def test_python_and_guests_read_in_turns() -> None:
    """A guest takes no more than it asks for: what it leaves is still there."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as ours, open(writer, "wb", buffering=0) as end:
        end.write(b"x" * 64 + b"for python" + b"y" * 64 + b"the rest")
        end.close()
        found = []
        for _ in range(2):
            found.append(pywasix.run([guest("block_stdin")], stdin=ours, stdout=PIPE).stdout)
            found.append(ours.read(10))
        assert found == [b"blocking\n64\n", b"for python", b"blocking\n64\n", b"the rest"]


def test_a_socket_for_input_and_output() -> None:
    near, far = socket.socketpair()
    with near, far:
        process = pywasix.start([CAT], stdin=near, stdout=near)
        far.sendall(b"as inetd does it")
        assert far.recv(100) == b"as inetd does it"
        far.shutdown(socket.SHUT_WR)
        assert process.wait(PATIENCE) == 0
        assert near.getblocking()


def test_appending_files(tmp_path: Path) -> None:
    """Two programs append to the same file, and Python does in between."""
    path = tmp_path / "log"
    with path.open("ab") as log:
        log.write(b"python ")
        pywasix.run([CAT], stdin=b"first ", stdout=log)
        with path.open("ab") as other:
            other.write(b"other ")
        pywasix.run([CAT], stdin=b"second", stdout=log)
    assert path.read_bytes() == b"python first other second"


def test_a_signal_that_python_blocks_or_not_is_left_as_it_was() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pywasix.run([CAT], stdin=b"x", stdout=io.BytesIO())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
