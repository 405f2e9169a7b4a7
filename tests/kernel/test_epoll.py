"""The table of an epoll descriptor, over a host that tells what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pywasix.abi.codecs import decode_epoll_event
from pywasix.abi.enums import EpollType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.epoller import HostEpoll
from pywasix.host.poller import asked, told
from pywasix.kernel import wait
from pywasix.kernel.epoll import Epoll
from pywasix.kernel.file import File
from pywasix.kernel.wait import Handle
from world import StillHandle, World

IN = wait.READABLE
DATA = bytes(24)


class ScriptedEpoll:
    """A `kernel.epoll.EpollHost` whose looks are scripted; a key is the order of adding, unless told otherwise."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], Sequence[tuple[int, int]]]] = []
        self.key = 7
        self.calls: list[tuple[str, int, int]] = []
        self.look: Callable[[float, int], Sequence[tuple[int, int]]] = self._look
        self.told: Callable[[int], int] = told
        self.readable = 1  # as `told` has it

    def _look(self, seconds: float, most: int) -> Sequence[tuple[int, int]]:
        return self.answers.pop(0)() if self.answers else []

    def fileno(self) -> int:
        return -1

    def key_of(self, handle: Handle) -> int:
        return -1  # no handle is added twice here

    def add(self, handle: Handle, events: int) -> int:
        self.calls.append(("add", self.key, events))
        return self.key

    def change(self, key: int, events: int) -> None:
        self.calls.append(("change", key, events))

    def remove(self, key: int) -> None:
        self.calls.append(("remove", key, 0))

    def close(self) -> None:
        self.calls.append(("close", 0, 0))


class Watched(File):
    """A file that can be watched."""

    def __init__(self) -> None:
        self.handle = StillHandle()


@pytest.fixture
def host() -> ScriptedEpoll:
    return ScriptedEpoll()


@pytest.fixture
def epoll(world: World, host: ScriptedEpoll) -> Epoll:
    """An open one."""
    found = Epoll(host)
    world.add(found)
    return found


def open_file(world: World) -> Watched:
    file = Watched()
    world.add(file)
    return file


def found(events: bytes) -> list[tuple[int, bytes]]:
    return [decode_epoll_event(events, at) for at in range(0, len(events), 32)]


def test_the_kernels_words_are_those_of_the_abi() -> None:
    assert {each: each.value for each in EpollType if each < EpollType.EPOLLET} == {
        EpollType.EPOLLIN: wait.READABLE,
        EpollType.EPOLLOUT: wait.WRITABLE,
        EpollType.EPOLLRDHUP: wait.FINISHED,
        EpollType.EPOLLPRI: wait.URGENT,
        EpollType.EPOLLERR: wait.FAILED,
        EpollType.EPOLLHUP: wait.HANGUP,
    }
    always = wait.FAILED  # told unasked
    assert all(told(asked(events)) == events & ~always for events in range(64))


def test_what_was_dropped_meanwhile_is_not_told(world: World, host: ScriptedEpoll, epoll: Epoll) -> None:
    file, other = open_file(world), open_file(world)
    epoll.add(world.task, 1, file, IN, DATA)
    host.key = 8
    epoll.add(world.task, 2, other, IN, DATA)

    def drop() -> Sequence[tuple[int, int]]:
        epoll.remove(1, file)
        return [(7, asked(IN)), (8, asked(IN))]

    host.answers = [drop, lambda: [(9, asked(IN))]]
    assert found(epoll.wait(world.task, 4, 0)) == [(IN, DATA)]
    assert epoll.wait(world.task, 4, 0) == b"", "a key that stands for nothing"


def test_a_key_that_was_given_anew_is_asked_for_again(world: World, host: ScriptedEpoll, epoll: Epoll) -> None:
    """Between the host's look and ours the file went and its number came back with another one."""
    old, new = open_file(world), open_file(world)
    epoll.add(world.task, 1, old, IN, b"o" * 24)

    def reuse() -> Sequence[tuple[int, int]]:
        epoll.remove(1, old)
        epoll.add(world.task, 1, new, IN, b"n" * 24)
        return [(7, asked(IN))]

    host.answers = [reuse, lambda: [(7, asked(IN))]]
    host.calls.clear()
    assert epoll.wait(world.task, 1, 0) == b""
    assert host.calls == [("remove", 7, 0), ("add", 7, IN), ("change", 7, IN)]
    assert found(epoll.wait(world.task, 1, 0)) == [(IN, b"n" * 24)]


def test_a_file_that_goes_is_told_to_each_epoll_first(world: World, host: ScriptedEpoll, epoll: Epoll) -> None:
    closed: list[int] = []

    class Ending(Watched):
        def close(self) -> None:
            closed.append(len(host.calls))

    file = Ending()
    fd = world.add(file)
    epoll.add(world.task, fd, file, IN, DATA)
    world.fds.close(fd)
    assert host.calls[-1] == ("remove", 7, 0)
    assert closed == [2], "removed before it is closed"
    with pytest.raises(SysError, match="NOENT"):
        epoll.remove(fd, file)


def test_a_file_that_is_gone_is_not_watched(world: World, host: ScriptedEpoll, epoll: Epoll) -> None:
    """Another thread closed it between the look-up of the descriptor and here."""
    with pytest.raises(SysError, match="BADF"):
        epoll.add(world.task, 1, Watched(), IN, DATA)
    assert host.calls == []
    assert world.task.waiting_on is None


def test_a_file_that_goes_while_it_is_added(world: World, host: ScriptedEpoll, epoll: Epoll) -> None:
    file = Watched()
    fd = world.add(file)
    original = host.add

    def add(handle: Handle, events: int) -> int:
        world.fds.close(fd)
        assert not file.disposed, "its handle is being used"
        return original(handle, events)

    host.add = add  # type: ignore[method-assign]  # what the host would do meanwhile
    epoll.add(world.task, fd, file, IN, DATA)
    assert file.disposed
    assert host.calls[-1] == ("remove", 7, 0)
    assert file.watch is None


def test_an_epoll_that_is_gone(world: World, host: ScriptedEpoll) -> None:
    epoll = Epoll(host)
    file = open_file(world)
    world.fds.close(world.add(epoll))
    assert host.calls == [("close", 0, 0)]
    for call in (lambda: epoll.add(world.task, 1, file, IN, DATA), lambda: epoll.wait(world.task, 1, 0)):
        with pytest.raises(SysError) as raised:
            call()
        assert raised.value.errno is Errno.BADF


def test_the_host_gets_no_room_for_more_than_is_watched(world: World, epoll: Epoll, host: ScriptedEpoll) -> None:
    rooms: list[int] = []

    def look(seconds: float, most: int) -> Sequence[tuple[int, int]]:
        rooms.append(most)
        return []

    epoll._host_look = look
    for most in (1, 64, 1024, 2**27):
        epoll.wait(world.task, most, 0)
    assert rooms == [1, 64, 1024, 1024]


def test_the_hosts_epoll_and_a_closed_handle() -> None:
    host = HostEpoll()
    try:
        assert host.fileno() >= 0
        for call in (lambda: host.add(StillHandle(), IN), lambda: host.change(host.fileno(), IN)):
            with pytest.raises(SysError):
                call()
        host.remove(host.fileno())
    finally:
        host.close()
    assert host.fileno() == -1
