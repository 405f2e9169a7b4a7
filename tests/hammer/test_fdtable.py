"""Threads on one descriptor table: no number is given twice, every file is closed exactly once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Lock
from typing import ClassVar

import pytest

from contract.guest_process import GuestProcess
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor, FdTable
from pywasix.kernel.file import File
from support import PATIENCE

THREADS = 4
TURNS = 3000


class Counted(File):
    """A file that counts how often it was closed."""

    installed: ClassVar[list[Counted]] = []
    lock = Lock()

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        with self.lock:
            self.closed += 1


def put(install: Callable[[Descriptor], object]) -> None:
    """Give a new file to a call that installs it, or refuses."""
    file = Counted()
    install(Descriptor(file, 0))
    with Counted.lock:
        Counted.installed.append(file)


def errno_of(action: Callable[[], object]) -> Errno:
    """What an action of a thread ends with, while others do what they like to the same numbers."""
    try:
        action()
    except SysError as error:
        return error.errno
    return Errno.SUCCESS


@pytest.fixture
def table() -> Iterator[FdTable]:
    Counted.installed.clear()
    with GuestProcess(max_fds=256) as process:
        yield process.process.fds
    Counted.installed.clear()


def hammer(work: Callable[[int, random.Random], None]) -> None:
    """Run work (its number, its own random numbers) in several threads that begin together."""
    gate = Barrier(THREADS)

    def run(number: int) -> None:
        gate.wait(PATIENCE)
        work(number, random.Random(number))

    with ThreadPoolExecutor(THREADS) as pool:
        for each in [pool.submit(run, number) for number in range(THREADS)]:
            each.result(PATIENCE)


def test_numbers_belong_to_one_at_a_time(table: FdTable) -> None:
    owners: dict[int, int] = {}

    def work(number: int, dice: random.Random) -> None:
        mine: list[int] = []
        for _ in range(TURNS):
            if mine and dice.random() < 0.5:
                fd = mine.pop(dice.randrange(len(mine)))
                assert owners.pop(fd) == number
                if dice.random() < 0.3:
                    table.cancel(fd)
                else:
                    put(partial(table.install, fd))
                    table.close(fd)
            elif len(mine) < 50:
                fd = table.reserve(dice.choice((0, 0, 0, 10, 100)))
                assert owners.setdefault(fd, number) == number
                mine.append(fd)
        for fd in mine:
            del owners[fd]
            table.cancel(fd)

    hammer(work)
    assert len(table) == 0
    assert [table.reserve() for _ in range(20)] == list(range(20))  # the lowest free ones again
    assert all(file.closed == 1 for file in Counted.installed)


def test_files_are_closed_once_however_their_descriptors_go(table: FdTable) -> None:
    expected = {Errno.SUCCESS, Errno.BADF, Errno.BUSY, Errno.MFILE}

    def work(number: int, dice: random.Random) -> None:
        for _ in range(TURNS):
            fd, other = dice.randrange(24), dice.randrange(24)
            actions: list[Callable[[], object]] = [
                lambda: put(table.add),
                lambda fd=fd: put(partial(table.replace, fd)),  # type: ignore[misc]  # mypy cannot type a bound loop variable
                lambda fd=fd: table.add(table.get(fd).copy()),  # type: ignore[misc]  # likewise
                partial(table.move, fd, other),
                partial(table.close, fd),
                partial(table.close, other),
            ]
            assert errno_of(dice.choice(actions)) in expected

    hammer(work)
    for fd, _ in table.items():
        table.close(fd)
    wrong = [(file.closed, file.references) for file in Counted.installed if (file.closed, file.references) != (1, 0)]
    assert wrong == []


def test_the_end_of_a_process_beside_calls_that_open(table: FdTable) -> None:
    expected = {Errno.SUCCESS, Errno.BADF, Errno.BUSY, Errno.MFILE}

    def work(number: int, dice: random.Random) -> None:
        for turn in range(TURNS):
            if number == 0 and turn == TURNS // 2:
                table.close_all()
            install = table.add if dice.random() < 0.5 else partial(table.replace, dice.randrange(64))
            assert errno_of(partial(put, install)) in expected
            if dice.random() < 0.5:
                assert errno_of(partial(table.close, dice.randrange(64))) in expected

    hammer(work)
    assert len(table) == 0
    assert all((file.closed, file.references) == (1, 0) for file in Counted.installed)


def test_the_limit_holds(table: FdTable) -> None:
    def work(number: int, dice: random.Random) -> None:
        mine: list[int] = []
        for _ in range(TURNS):
            errno = errno_of(lambda: mine.append(table.reserve()))
            assert errno in (Errno.SUCCESS, Errno.MFILE)
            if errno is Errno.MFILE:
                for fd in mine:
                    table.cancel(fd)
                mine.clear()
        assert all(fd < 256 for fd in mine)
        for fd in mine:
            table.cancel(fd)

    hammer(work)
    assert sorted(table.reserve() for _ in range(256)) == list(range(256))
