"""The names of Unix sockets: nothing of them is in the host's file system."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from pywasix import VirtualNetwork
from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host import unix_names
from pywasix.host.sockets import HostStack
from pywasix.host.unix import UnixChannel
from pywasix.host.unix_names import UnixNames, resolved
from pywasix.host.virtual_host import VirtualHost
from pywasix.net.address import UNIX, Address
from support import PATIENCE, open_files

STREAM = SockType.SOCKET_STREAM


@pytest.fixture
def names() -> Iterator[UnixNames]:
    found = UnixNames()
    yield found
    found.close()


@pytest.fixture
def place() -> Iterator[VirtualHost]:
    with VirtualNetwork() as network, network.attach() as found:
        yield found


@contextmanager
def opened(kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, kind) as found:
        yield found


@contextmanager
def refusal(errno: Errno) -> Iterator[None]:
    with pytest.raises(SysError) as raised:
        yield
    assert raised.value.errno is errno, raised.value


@pytest.mark.parametrize(
    ("path", "expected"),
    [(b"a", b"/a"), (b"/a/", b"/a"), (b"../../a", b"/a"), (b"//a/./b/../c", b"/a/c"), (b"", b"/"), (b"..", b"/")],
)
def test_paths(path: bytes, expected: bytes) -> None:
    assert resolved(path) == expected


def test_nothing_is_left_in_the_file_system(names: UnixNames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with opened() as listener:
        name = names.bind(listener, b"/server")
        assert str(tmp_path) in os.readlink(name.door)
        assert list(tmp_path.iterdir()) == []
        listener.listen()
        with opened() as caller:
            caller.connect(name.door)
            assert names.path_of(caller.getpeername()) == b"/server"


def test_a_long_directory_for_temporary_files(
    names: UnixNames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses have 107 bytes; directories may have more."""
    deep = tmp_path / ("x" * 200)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with opened() as listener:
        assert str(deep) in os.readlink(names.bind(listener, b"/server").door)


def test_another_directory_when_one_cannot_be_used(names: UnixNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    with opened() as listener:
        names.bind(listener, b"/server")


def test_no_directory_at_all(names: UnixNames, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    with opened() as listener, refusal(Errno.ACCES):
        names.bind(listener, b"/server")
    assert names.names() == []


def test_a_host_without_proc(names: UnixNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_names, "_DESCRIPTORS", "/nonexistent")
    with opened() as listener, refusal(Errno.NOTSUP):
        names.bind(listener, b"/server")


def test_a_bind_that_fails_leaves_nothing(names: UnixNames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with opened() as listener:
        names.bind(listener, b"/one")
        before = open_files()
        with refusal(Errno.INVAL):
            names.bind(listener, b"/two")
        assert open_files() == before
        assert list(tmp_path.iterdir()) == []
        assert names.names() == [b"/one"]


def test_unlink_frees_the_path_and_keeps_the_socket(names: UnixNames) -> None:
    with opened() as first, opened() as second:
        old = names.bind(first, b"/server")
        names.unlink(b"/./server")
        with refusal(Errno.NOENT):
            names.unlink(b"/server")
        with refusal(Errno.NOENT):
            names.enter(b"/server")
        new = names.bind(second, b"server")
        names.release(old)
        assert names.enter(b"/server") is new
        names.leave(new)
        assert names.path_of(first.getsockname()) == b"/server"


def test_a_name_in_use_keeps_its_door_until_it_is_left(names: UnixNames) -> None:
    """Else the number could belong to something else when connect gets to it."""
    with opened() as listener:
        name = names.bind(listener, b"/server")
        assert names.enter(b"/server") is name
        names.release(name)
        assert os.path.lexists(name.door)
        names.leave(name)
        assert name.fd == -1
        names.release(name)  # once more does nothing


def test_stale_names_are_bounded(names: UnixNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_names, "_MOST_STALE", 3)
    numbers = []
    for index in range(5):
        with opened() as listener:
            names.release(names.bind(listener, b"/%d" % index))
            numbers.append(listener.getsockname())
    assert names.names() == [b"/2", b"/3", b"/4"]
    assert [names.path_of(each) for each in numbers] == [b"", b"", b"/2", b"/3", b"/4"]


def test_a_path_that_is_used_again_is_not_forgotten(names: UnixNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_names, "_MOST_STALE", 0)
    with opened() as first, opened() as second:
        old = names.bind(first, b"/server")
        names.unlink(b"/server")
        names.bind(second, b"/server")
        names.release(old)
        assert names.names() == [b"/server"]


@pytest.mark.parametrize("found", [None, "", b"", b"\0abstract", "/tmp/other", "/proc/self/fd/3/99"])
def test_names_of_others_are_none(names: UnixNames, found: str | bytes | None) -> None:
    assert names.path_of(found) == b""


# -- the stack ------------------------------------------------------------------


def test_closing_the_stack_gives_names_back() -> None:
    before = open_files()
    stack = HostStack()
    channel = stack.open(UNIX, STREAM)
    channel.bind(Address(UNIX, b"/server", 0))
    stack.close()
    channel.close()
    assert open_files() == before
    HostStack().close()


def test_a_socket_that_is_closed_while_it_is_bound() -> None:
    """Closing found no name to give back, so that bind does."""
    stack = HostStack()
    channel = stack.open(UNIX, STREAM)
    assert isinstance(channel, UnixChannel)
    names, bind = stack.unix, stack.unix.bind
    before = open_files()

    def close_after(*args: object) -> object:
        name = bind(*args)  # type: ignore[arg-type]  # passed on
        channel.close()
        return name

    names.bind = close_after  # type: ignore[assignment, method-assign]  # the other task comes just then
    channel.bind(Address(UNIX, b"/server", 0))
    assert len(open_files()) == len(before) - 1
    with refusal(Errno.CONNREFUSED):
        names.enter(b"/server")


def test_raw_sockets_are_none(place: VirtualHost) -> None:
    for stack in (HostStack(), place):
        with refusal(Errno.NOTSUP):
            stack.open(UNIX, SockType.SOCKET_RAW)
        with refusal(Errno.NOTSUP):
            stack.pair(SockType.SOCKET_SEQPACKET)


def test_a_default_timeout_of_the_embedder_does_not_count() -> None:
    socket.setdefaulttimeout(0)
    try:
        channels = [HostStack().open(UNIX, STREAM), *HostStack().pair(STREAM)]
    finally:
        socket.setdefaulttimeout(None)
    for channel in channels:
        assert os.get_blocking(channel.fileno())
        channel.close()


# -- Python's way in ------------------------------------------------------------


def test_python_meets_python(place: VirtualHost) -> None:
    with place.listen_unix("server") as listener, place.connect_unix("/server") as caller:
        accepted, peer = listener.accept()
        with accepted:
            caller.sendall(b"hello")
            assert accepted.recv(8) == b"hello"
            assert peer == ""


def test_connect_refusals(place: VirtualHost) -> None:
    with pytest.raises(FileNotFoundError):
        place.connect_unix("/nobody")
    place.listen_unix("/gone").close()
    with pytest.raises(ConnectionRefusedError):
        place.connect_unix("/gone")


def test_connect_gives_up_in_time(place: VirtualHost) -> None:
    with place.listen_unix("/busy", backlog=0), place.connect_unix("/busy"):
        with pytest.raises(TimeoutError):
            place.connect_unix("/busy", timeout=0.01)
        with pytest.raises(TimeoutError):
            place.connect_unix("/busy", timeout=0)


def test_closing_the_place_wakes_who_accepts(place: VirtualHost) -> None:
    listener = place.listen_unix("/server")
    errors: list[OSError] = []

    def wait() -> None:
        try:
            listener.accept()
        except OSError as error:
            errors.append(error)

    thread = Thread(target=wait)
    thread.start()
    place.close()
    thread.join(PATIENCE)
    assert errors
