"""Host descriptors as channels."""

from __future__ import annotations

import os
import pty
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pywasix.abi.enums import FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host import files
from pywasix.host.errors import ERRNO_OF, sys_error
from pywasix.host.files import FdChannel, available_bytes, file_status
from pywasix.host.limits import guest_file_limit, open_file_limit
from pywasix.host.services import HostServices

Pair = tuple[FdChannel, FdChannel]


def buffers(*sizes: int) -> list[memoryview]:
    return [memoryview(bytearray(size)) for size in sizes]


def close(*channels: FdChannel) -> None:
    for channel in channels:
        channel.close()


def write_until_full(channel: FdChannel) -> None:
    while True:
        assert channel.write([memoryview(bytes(4096))]) > 0


@pytest.fixture(params=["private", "shared", "asked"])
def pipe(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A pipe of our own; one that others use too; the same where the kernel has no "do not wait" flag."""
    if request.param == "asked":
        monkeypatch.setattr(files, "_NO_WAIT", 0)
    reader, writer = os.pipe()
    private = request.param == "private"
    pair = FdChannel(reader, owned=True, private=private), FdChannel(writer, owned=True, private=private)
    assert os.get_blocking(reader) is not private, "what others use too must stay as it is"
    yield pair
    close(*pair)


def test_a_pipe_never_waits(pipe: Pair) -> None:
    reader, writer = pipe
    with pytest.raises(WouldBlock):
        reader.read(buffers(4))
    assert writer.write([memoryview(b""), memoryview(b"abc")]) == 3
    assert (reader.available(), reader.handle) == (3, reader)
    target = buffers(2, 2)
    assert reader.read(target) == 3
    assert b"".join(target) == b"abc\0"
    with pytest.raises(WouldBlock):
        write_until_full(writer)


def test_a_pipe_has_one_direction(pipe: Pair) -> None:
    reader, writer = pipe
    assert (reader.readable, reader.writable, writer.readable, writer.writable) == (True, False, False, True)
    assert not reader.seekable


def test_the_end_of_a_pipe(pipe: Pair) -> None:
    reader, writer = pipe
    writer.close()
    assert reader.read(buffers(4)) == 0


def test_a_pipe_without_reader(pipe: Pair) -> None:
    reader, writer = pipe
    reader.close()
    with pytest.raises(SysError, match="PIPE"):
        writer.write([memoryview(b"x")])


def test_a_closed_channel_says_badf(pipe: Pair) -> None:
    reader, writer = pipe
    close(reader, writer)
    assert (reader.fileno(), reader.available()) == (-1, 0)
    for call in (
        lambda: reader.read(buffers(1)),
        lambda: writer.write([memoryview(b"x")]),
        reader.status,
        lambda: reader.seek(0, Whence.CUR),
    ):
        with pytest.raises(SysError) as raised:
            call()
        assert raised.value.errno is Errno.BADF
    close(reader, writer)


def test_a_file_has_a_position(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    channel = FdChannel(os.open(path, os.O_RDWR), owned=True)
    assert (channel.filetype, channel.seekable, channel.handle) == (FileType.REGULAR_FILE, True, None)
    assert channel.seek(-4, Whence.END) == 4
    target = buffers(8)
    assert channel.read(target) == 4
    assert channel.write([memoryview(b"!")]) == 1
    assert (channel.status().size, channel.available()) == (9, 0)
    with pytest.raises(SysError, match="INVAL"):
        channel.seek(-1, Whence.SET)
    channel.close()


def test_the_null_device_is_always_ready() -> None:
    channel = FdChannel(os.open(os.devnull, os.O_RDWR), owned=True)
    assert (channel.filetype, channel.handle) == (FileType.CHARACTER_DEVICE, None)
    assert channel.seekable, "or libc takes it for a terminal"
    assert channel.read(buffers(4)) == 0
    assert channel.write([memoryview(b"xyz")]) == 3
    channel.close()


def test_a_terminal_is_one() -> None:
    controller, terminal = pty.openpty()
    channel = FdChannel(terminal, owned=True)
    assert (channel.filetype, channel.seekable, channel.handle) == (FileType.CHARACTER_DEVICE, False, channel)
    with pytest.raises(WouldBlock):
        channel.read(buffers(4))
    os.write(controller, b"ab\n")
    target = buffers(8)
    assert channel.read(target) == 3
    assert channel.write([memoryview(b""), memoryview(b"out")]) == 3
    assert channel.write([memoryview(b"")]) == 0
    channel.close()
    os.close(controller)


def test_a_socket_given_as_a_stream() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = FdChannel(theirs.fileno(), owned=False)
        assert channel.filetype is FileType.SOCKET_STREAM
        with pytest.raises(WouldBlock):
            channel.read(buffers(4))
        ours.send(b"x")
        assert channel.read(buffers(4)) == 1
        channel.close()
        assert theirs.fileno() >= 0, "what belongs to somebody else stays open"
        os.fstat(theirs.fileno())


def test_what_cannot_be_asked() -> None:
    assert available_bytes(-1) == 0
    with open(os.devnull) as file:
        assert available_bytes(file.fileno()) == 0
    with pytest.raises(SysError, match="BADF"):
        file_status(-1)


# -- errors, services, limits ---------------------------------------------------


@pytest.mark.parametrize(
    ("error", "errno"),
    [
        (BrokenPipeError(32, "x"), Errno.PIPE),
        (OSError(7, "x"), Errno.TOOBIG),
        (OSError(95, "x"), Errno.NOTSUP),
        (OSError(112, "x"), Errno.HOSTUNREACH),
        (OSError(99999, "x"), Errno.IO),
        (OSError("no number"), Errno.IO),
    ],
)
def test_errors_have_one_table(error: OSError, errno: Errno) -> None:
    assert sys_error(error).errno is errno


def test_would_block_has_a_form_of_its_own() -> None:
    assert isinstance(sys_error(BlockingIOError(11, "x")), WouldBlock)
    assert Errno.SUCCESS not in ERRNO_OF.values()


def test_services(monkeypatch: pytest.MonkeyPatch) -> None:
    services = HostServices()
    assert len(services.random(33)) == 33
    assert services.parallelism() >= 1
    services.yield_now()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert services.parallelism() == (os.cpu_count() or 1)
    for call in (services.now, services.resolution):
        with pytest.raises(SysError, match="INVAL"):
            call(4)


def test_the_limit_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits: list[Callable[[int], tuple[int, int]]] = [
        lambda _: (100, 200),
        lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY),
        lambda _: (1 << 30, 1 << 30),
    ]
    found = []
    for limit in limits:
        monkeypatch.setattr(resource, "getrlimit", limit)
        found.append(open_file_limit())
    assert found == [100, 1 << 20, 1 << 20]


@pytest.mark.parametrize(("host", "guest"), [(100, 256), (1024, 512), (1 << 20, 65536)])
def test_a_guest_leaves_descriptors_for_others(monkeypatch: pytest.MonkeyPatch, host: int, guest: int) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (host, host))
    assert guest_file_limit() == guest
