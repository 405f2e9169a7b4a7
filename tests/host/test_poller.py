"""The host's poller: poll(2) with a wake descriptor."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from time import monotonic_ns

import pytest

from pywasix.host.poller import HostPoller
from pywasix.kernel.wait import FAILED, HANGUP, READABLE, WRITABLE
from support import PATIENCE
from world import StillHandle, handle_of

_MS = 1_000_000
_LONG = 10**11


@pytest.fixture(params=["eventfd", "pipe"])
def poller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostPoller]:
    """One with an eventfd, as on Linux, and one with a pipe, as elsewhere."""
    if request.param == "pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    found = HostPoller()
    yield found
    found.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            continue


def test_it_tells_what_is_ready(poller: HostPoller, pipe: tuple[int, int]) -> None:
    reader, writer = map(handle_of, pipe)
    both = ((reader, READABLE), (writer, WRITABLE))
    for timeout in (0, _LONG, None):
        assert poller.wait(both, timeout) == [0, WRITABLE]
        assert poller.wait(((writer, WRITABLE | READABLE),), timeout) == [WRITABLE]
    os.write(pipe[1], b"x")
    for timeout in (0, _LONG, None):
        assert poller.wait(both, timeout) == [READABLE, WRITABLE]
        assert poller.wait(((reader, READABLE),), timeout) == [READABLE]


def test_one_handle_may_be_asked_for_twice(poller: HostPoller) -> None:
    left, right = socket.socketpair()
    with left, right:
        right.send(b"x")
        interests = ((left, READABLE), (left, WRITABLE), (right, READABLE))
        assert poller.wait(interests, 0) == [READABLE, WRITABLE, 0]
        assert poller.wait(interests, _LONG) == [READABLE, WRITABLE, 0]


@pytest.mark.parametrize("timeout", [0, _MS, 5 * _MS])
def test_the_time_is_kept(poller: HostPoller, pipe: tuple[int, int], timeout: int) -> None:
    for interests in ((), ((handle_of(pipe[0]), READABLE),)):
        began = monotonic_ns()
        assert poller.wait(interests, timeout) == [0] * len(interests)
        assert monotonic_ns() - began >= timeout


def test_what_is_waited_for_may_change_from_wait_to_wait(poller: HostPoller, pipe: tuple[int, int]) -> None:
    """The poller remembers what it was asked for last; a number may mean another file since."""
    left, right = socket.socketpair()
    with left, right, left.dup():
        interests = ((left, READABLE), (right, READABLE), (handle_of(pipe[0]), READABLE))
        right.send(b"x")
        for _ in range(2):
            assert poller.wait(interests, None) == [READABLE, 0, 0]
        os.dup2(pipe[0], left.fileno())
        assert poller.wait(interests, 3 * _MS) == [0, 0, 0]
        assert poller.wait(interests[1:], 3 * _MS) == [0, 0]
        os.write(pipe[1], b"x")
        assert poller.wait(interests, None) == [READABLE, 0, READABLE]
        assert poller.wait(interests[1:2], 3 * _MS) == [0], "the others wake it no more"
        poller.wake()
        assert poller.wait((), None) == []
        assert poller.wait(((left, READABLE | WRITABLE), (left, READABLE)), None) == [READABLE, READABLE]


def test_a_wake_up_is_kept_for_the_next_wait(poller: HostPoller, pipe: tuple[int, int]) -> None:
    interests = ((handle_of(pipe[0]), READABLE),)
    for wanted in ((), interests, interests * 2):
        for _ in range(3):
            poller.wake()
        assert poller.wait(wanted, 0) == [0] * len(wanted), "only looking leaves it"
        assert poller.wait(wanted, None) == [0] * len(wanted)
        began = monotonic_ns()
        poller.wait(wanted, 5 * _MS)
        assert monotonic_ns() - began >= 5 * _MS, "it was taken"


def test_another_thread_wakes(poller: HostPoller) -> None:
    waiter = Thread(target=poller.wait, args=((), None))
    waiter.start()
    poller.wake()
    waiter.join(PATIENCE)
    assert not waiter.is_alive()


def test_waking_often_blocks_nobody(poller: HostPoller) -> None:
    for _ in range(70_000 // 8):
        poller.wake()
    poller.wait((), None)


def test_hanging_up(poller: HostPoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(writer)
    assert poller.wait(((handle_of(reader), READABLE),), _LONG) == [READABLE | HANGUP]


def test_a_broken_pipe_is_writable_and_failed(poller: HostPoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    assert poller.wait(((handle_of(writer), WRITABLE),), _LONG) == [WRITABLE | FAILED]


def test_a_peer_that_finished_does_not_wake_a_writer(poller: HostPoller) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        with suppress(BlockingIOError):
            while left.send(bytes(65536)):
                pass
        right.shutdown(socket.SHUT_WR)
        assert poller.wait(((left, WRITABLE),), 3 * _MS) == [0]
        assert poller.wait(((left, READABLE), (left, WRITABLE)), _LONG) == [READABLE | HANGUP, 0]


@pytest.mark.parametrize("timeout", [0, None])
def test_what_was_closed_has_failed(poller: HostPoller, pipe: tuple[int, int], timeout: int | None) -> None:
    closed = StillHandle()
    os.write(pipe[1], b"x")
    assert poller.wait(((closed, READABLE),), timeout) == [FAILED]
    assert poller.wait(((closed, READABLE), (handle_of(pipe[0]), READABLE)), timeout) == [FAILED, READABLE]


def test_a_very_long_time_fits(poller: HostPoller) -> None:
    poller.wake()
    assert poller.wait((), 2**64 - 1) == []


def test_waking_a_closed_poller_does_nothing(poller: HostPoller) -> None:
    poller.close()
    poller.wake()
    poller.close()
