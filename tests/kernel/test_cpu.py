"""The limit of processor time: when it is looked at, and what counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel import cpu
from pywasix.kernel.cpu import CpuLimit
from world import World

MS = 1_000_000


class Timers:
    """Notes when the next look is to be."""

    def __init__(self) -> None:
        self.delays: list[int] = []
        self.broken = False

    def start(self, delay: int, action: Callable[[], None], *, interval: int = 0) -> None:
        if self.broken:
            raise SysError(Errno.AGAIN, "the host has no thread left")
        self.delays.append(delay // MS)

    def close(self) -> None: ...


class Clock:
    """Of every thread."""

    now = 0

    def pthread_getcpuclockid(self, thread: int) -> int:
        return thread

    def clock_gettime_ns(self, clock: int) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(cpu, "time", made)
    return made


def test_it_is_looked_at_when_it_can_be_over_and_seldom_while_nothing_is_spent(world: World, clock: Clock) -> None:
    over: list[str] = []
    timers = Timers()
    world.kernel._timers = timers  # type: ignore[assignment]  # a part of them
    limit = CpuLimit(world.kernel, 1000 * MS, 2, lambda: over.append("over"))
    with limit.counted():
        limit.watch()
        clock.now = 980 * MS
        limit.watch()
        assert timers.delays == [500, 10]
        for _ in range(10):
            limit.watch()
        assert timers.delays[2:] == [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]
        clock.now = 981 * MS
        limit.watch()
        assert (timers.delays[-1], over) == (9, [])
    clock.now = 5000 * MS  # nobody of the program runs
    assert limit.spent() == 981 * MS
    with limit.counted():
        clock.now += 19 * MS
        limit.watch()
    assert over == ["over"]


def test_what_cannot_be_watched_ends(world: World, clock: Clock) -> None:
    over: list[str] = []
    timers = Timers()
    timers.broken = True
    world.kernel._timers = timers  # type: ignore[assignment]  # a part of them
    CpuLimit(world.kernel, 1000 * MS, 2, lambda: over.append("over")).watch()
    assert over == ["over"]
