"""Sending files through sockets: sock_send_file, as Linux's sendfile with an offset."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from time import monotonic_ns

import pytest

from net.watched import of_type, watch
from pywasix.abi.enums import Rights, SdFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd
from pywasix.kernel.file import File
from pywasix.kernel.task import Task
from pywasix.net.address import INET4, UNIX, Address
from pywasix.net.events import Closed
from pywasix.syscalls.fd_io import fd_seek, fd_tell
from pywasix.syscalls.sock_file import sock_send_file
from syscalls.vectors import broken_off
from world import MEMORY, WatchedPoller, World

CLOSED = 12
RESULT = 0
DATAGRAM = SockType.SOCKET_DGRAM
DATA = bytes(range(256)) * 4096  # 1 MiB
_MS = 1_000_000


class Memory(File):
    """A file that no host knows: its bytes must be read."""

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        done = 0
        for buffer in buffers:
            part = DATA[offset + done : offset + done + len(buffer)]
            buffer[: len(part)] = part
            done += len(part)
        return done


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file"
    found.write_bytes(DATA)
    return found


Maker = Callable[[World], int]


@pytest.fixture(params=["host", "memory"])
def file(request: pytest.FixtureRequest, path: Path) -> Maker:
    """Makes a descriptor of a file with `DATA`, which the host can send by itself, or cannot."""
    return lambda world: world.add(Memory()) if request.param == "memory" else world.path(str(path))


def given_back(file: File) -> bool:
    return file.disposed


def send_file(world: World, out: int, source: int, offset: int, count: int) -> int:
    world.put(RESULT, b"\xee" * 12)
    world.call(sock_send_file, out, source, offset, count, RESULT)
    assert world.number(RESULT + 8, 4) == 0xEEEEEEEE
    return world.number(RESULT, 8)


class Receiver:
    """Receives from a socket of the world in a thread of its own, until nothing more comes."""

    def __init__(self, world: World, fd: int) -> None:
        self.data = bytearray()
        self._socket = world.socket_file(fd)
        self._task = Task(world.process, 99, WatchedPoller())
        world.process.tasks.append(self._task)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        buffer = bytearray(100_000)
        while count := self._socket.recv(self._task, [memoryview(buffer)], 0):
            self.data += buffer[:count]

    def all(self) -> bytes:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return bytes(self.data)


def sent_through(world: World, source: int, offset: int, count: int) -> tuple[int, bytes]:
    """What the call answers, and what arrives, over a fresh connection."""
    caller, accepted = world.connected()
    receiver = Receiver(world, accepted)
    sent = send_file(world, caller, source, offset, count)
    world.socket_file(caller).shutdown(SdFlags.WR)
    return sent, receiver.all()


def narrow(world: World) -> tuple[int, int]:
    """Two connected descriptors whose buffers are small and stay so."""
    caller, accepted = world.connected()
    world.socket_file(caller).channel.set_option(SockOption.SEND_BUF_SIZE, 20_000)
    world.socket_file(accepted).channel.set_option(SockOption.RECV_BUF_SIZE, 20_000)
    return caller, accepted


def _takes(send: Callable[[], int]) -> int:
    """How much a send takes, 0 for AGAIN."""
    try:
        return send()
    except SysError as error:
        if error.errno is Errno.AGAIN:
            return 0
        raise


def stuffed(world: World) -> tuple[int, int]:
    """Two connected descriptors, the first of which can send nothing more."""
    caller, accepted = narrow(world)
    socket = world.socket_file(caller)
    socket.send_timeout = 30 * _MS  # the host may find more room for what is there already
    while _takes(lambda: socket.send(world.task, [memoryview(DATA)], 0)):
        pass
    socket.send_timeout = None
    return caller, accepted


# -- what arrives ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "count"),
    [(0, 10), (5, 300), (0, len(DATA)), (3, 2**32 - 1), (3, 2**62), (len(DATA) - 2, 10), (len(DATA), 10), (2**40, 1)],
)
def test_the_bytes_of_the_file_arrive(either: World, file: Maker, offset: int, count: int) -> None:
    expected = DATA[offset : offset + count]
    assert sent_through(either, file(either), offset, count) == (len(expected), expected)


def test_the_position_stays(either: World, path: Path) -> None:
    source = either.path(str(path))
    either.call(fd_seek, source, 7, 0, RESULT)
    assert sent_through(either, source, 100, 5) == (5, DATA[100:105])
    either.call(fd_tell, source, RESULT)
    assert either.number(RESULT, 8) == 7


def test_nothing_to_send_is_no_error_whatever_the_socket(either: World, file: Maker) -> None:
    """Linux reads before it looks at the connection."""
    fresh, source = either.socket(), file(either)
    assert send_file(either, fresh, source, 0, 0) == 0
    assert send_file(either, fresh, source, len(DATA), 5) == 0


@pytest.mark.parametrize("family", [INET4, UNIX])
def test_datagrams_are_cut_as_linux_cuts_them(world: World, file: Maker, family: int) -> None:
    receiver, sender = world.socket(family, DATAGRAM), world.socket(family, DATAGRAM)
    place = Address(UNIX, b"/there", 0) if family == UNIX else Address(INET4, bytes((127, 0, 0, 1)), 0)
    world.socket_file(receiver).bind(place)
    world.socket_file(sender).connect(world.task, world.socket_file(receiver).local())
    sizes = (100,) if family == INET4 else (65536, 4464)
    assert send_file(world, sender, file(world), 1, sum(sizes)) == sum(sizes)
    start, room = 1, memoryview(bytearray(100_000))
    for size in sizes:
        assert world.socket_file(receiver).recv(world.task, [room], 0) == size
        assert bytes(room[:size]) == DATA[start : start + size]
        start += size


def test_a_pipe_and_a_file_take_them_too(world: World, file: Maker, tmp_path: Path) -> None:
    source = file(world)
    writer, reader = world.pipe_writer()
    assert send_file(world, writer, source, 250, 10) == 10
    assert os.read(reader, 100) == DATA[250:260]
    target = tmp_path / "target"
    target.touch()
    assert send_file(world, world.path(str(target)), source, 3, 200_000) == 200_000
    assert target.read_bytes() == DATA[3:200_003]


def test_bytes_that_are_sent_so_are_counted(either: World, file: Maker) -> None:
    seen = watch(either)
    assert sent_through(either, file(either), 0, 200_000)[0] == 200_000
    either.process.fds.close_all()
    assert [each.sent for each in of_type(seen, Closed) if each.sent] == [200_000]


# -- waiting --------------------------------------------------------------------


def test_a_nonblocking_socket_takes_what_there_is_room_for(either: World, file: Maker) -> None:
    caller, accepted = either.connected()
    source = file(either)
    either.nonblocking(caller)
    sent = 0

    def send_on() -> int:
        offset = sent % len(DATA)
        return send_file(either, caller, source, offset, len(DATA) - offset)

    while done := _takes(send_on):
        sent += done
        assert sent < 64 * len(DATA), "a socket that takes everything"
    receiver = Receiver(either, accepted)
    either.socket_file(caller).shutdown(SdFlags.WR)
    assert receiver.all() == (DATA * 64)[:sent]


def test_sock_send_file_again(either: World, file: Maker) -> None:
    caller, _ = stuffed(either)
    source = file(either)
    either.socket_file(caller).send_timeout = 50 * _MS
    started = monotonic_ns()
    either.fails(Errno.AGAIN, sock_send_file, caller, source, 0, 1000, RESULT)
    assert monotonic_ns() - started >= 50 * _MS
    either.fails(Errno.AGAIN, sock_send_file, either.nonblocking(caller), source, 0, 1000, RESULT)
    either.fails(Errno.AGAIN, sock_send_file, either.connecting(), source, 0, 1000, RESULT)


def test_stop_ends_it(either: World, file: Maker) -> None:
    caller, _ = stuffed(either)
    call = either.start(sock_send_file, caller, file(either), 0, 1000, RESULT)
    call.await_blocked()
    either.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_sock_send_file_intr(either: World, file: Maker) -> None:
    caller, _ = stuffed(either)
    source = file(either)
    either.signal()
    either.fails(Errno.INTR, sock_send_file, caller, source, 0, 1000, RESULT)


def test_what_was_sent_before_the_timeout_counts(either: World, file: Maker) -> None:
    caller, accepted = narrow(either)
    source = file(either)
    either.socket_file(caller).send_timeout = 30 * _MS
    sent = send_file(either, caller, source, 0, len(DATA))
    assert 0 < sent < len(DATA)
    receiver = Receiver(either, accepted)
    either.socket_file(caller).shutdown(SdFlags.WR)
    assert receiver.all() == DATA[:sent]


def test_closing_the_socket_ends_it(either: World, file: Maker) -> None:
    caller, _ = stuffed(either)
    call = either.start(sock_send_file, caller, file(either), 0, 1000, RESULT)
    call.await_blocked()
    either.fds.close(caller)
    assert call.errno() is Errno.BADF


def test_closing_the_file_does_not_end_it(either: World, path: Path) -> None:
    """As on Linux; the descriptor of the host is given back at the end."""
    caller, accepted = stuffed(either)
    source = either.path(str(path))
    kept = either.fds.get(source).file
    call = either.start(sock_send_file, caller, source, 0, 1000, RESULT)
    call.await_blocked()
    either.fds.close(source)
    assert not given_back(kept)
    receiver = Receiver(either, accepted)
    assert call.errno() is None
    assert either.number(RESULT, 8) == 1000
    assert given_back(kept)
    either.socket_file(caller).shutdown(SdFlags.WR)
    assert receiver.all().endswith(DATA[:1000])


def test_the_host_hears_no_signal(either: World, path: Path) -> None:
    caller, _ = either.connected()
    either.socket_file(caller).shutdown(SdFlags.WR)
    source = either.path(str(path))
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        either.fails(Errno.PIPE, sock_send_file, caller, source, 0, 1000, RESULT)
    finally:
        signal.signal(signal.SIGPIPE, before)


# -- errors ---------------------------------------------------------------------


def test_sock_send_file_badf(world: World, path: Path) -> None:
    caller, _ = world.connected()
    source = world.path(str(path))
    world.fails(Errno.BADF, sock_send_file, CLOSED, source, 0, 1, RESULT)
    world.fails(Errno.BADF, sock_send_file, caller, CLOSED, 0, 1, RESULT)
    world.fails(Errno.BADF, sock_send_file, caller, world.path(str(path), os.O_WRONLY), 0, 1, RESULT)
    world.fails(Errno.BADF, sock_send_file, world.path(str(path), os.O_RDONLY), source, 0, 1, RESULT)


def test_sock_send_file_notcapable(world: World, path: Path) -> None:
    caller, accepted = world.connected()
    source = world.path(str(path))
    world.without_right(caller, Rights.FD_WRITE)
    world.fails(Errno.NOTCAPABLE, sock_send_file, caller, source, 0, 1, RESULT)
    world.without_right(source, Rights.FD_READ)
    world.fails(Errno.NOTCAPABLE, sock_send_file, accepted, source, 0, 1, RESULT)


def test_sock_send_file_spipe(either: World) -> None:
    caller, accepted = either.connected()
    either.fails(Errno.SPIPE, sock_send_file, caller, either.pipe_reader()[0], 0, 1, RESULT)
    either.fails(Errno.SPIPE, sock_send_file, caller, accepted, 0, 0, RESULT)


def test_sock_send_file_inval(either: World, path: Path) -> None:
    caller, _ = either.connected()
    source = either.path(str(path))
    for offset, count in ((2**63, 0), (0, 2**63), (2**63 - 1, 1), (2**64 - 1, 2**64 - 1)):
        either.fails(Errno.INVAL, sock_send_file, caller, source, offset, count, RESULT)
    either.fails(Errno.INVAL, sock_send_file, caller, either.path(os.devnull), 0, 1, RESULT)


def test_sock_send_file_fault(either: World, path: Path) -> None:
    """Nothing is sent then."""
    caller, accepted = either.connected()
    source = either.path(str(path))
    either.fails(Errno.FAULT, sock_send_file, caller, source, 0, 10, MEMORY - 7)
    either.socket_file(caller).shutdown(SdFlags.WR)
    assert either.socket_file(accepted).recv(either.task, [memoryview(bytearray(9))], 0) == 0


def test_sock_send_file_pipe(either: World, file: Maker) -> None:
    source = file(either)
    either.fails(Errno.PIPE, sock_send_file, either.socket(), source, 0, 1, RESULT)
    either.fails(Errno.PIPE, sock_send_file, either.listener()[0], source, 0, 1, RESULT)
    caller, _ = either.connected()
    either.socket_file(caller).shutdown(SdFlags.WR)
    either.fails(Errno.PIPE, sock_send_file, caller, source, 0, 1, RESULT)


def test_sock_send_file_connreset(either: World, file: Maker) -> None:
    source, caller = file(either), broken_off(either)
    either.fails(Errno.CONNRESET, sock_send_file, caller, source, 0, 1, RESULT)
    either.fails(Errno.PIPE, sock_send_file, caller, source, 0, 1, RESULT)


def test_sock_send_file_destaddrreq(either: World, file: Maker) -> None:
    fd = either.socket(INET4, DATAGRAM)
    either.fails(Errno.DESTADDRREQ, sock_send_file, fd, file(either), 0, 1, RESULT)


def test_sock_send_file_msgsize(either: World, file: Maker) -> None:
    fd = either.socket(INET4, DATAGRAM)
    either.socket_file(fd).connect(either.task, Address(INET4, bytes((127, 0, 0, 1)), 9))
    either.fails(Errno.MSGSIZE, sock_send_file, fd, file(either), 0, 65_508, RESULT)
