"""Descriptor tables."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor, FdTable
from pywasix.kernel.file import File
from pywasix.kernel.process import ExitStatus
from world import World


class Counted(File):
    """A file that counts how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def entry(file: File | None = None) -> Descriptor:
    return Descriptor(file or Counted(), int(Rights.FD_READ))


@pytest.fixture
def table(world: World) -> FdTable:
    return world.fds


def test_numbers_are_the_lowest_free_ones(table: FdTable) -> None:
    assert [table.add(entry()) for _ in range(4)] == [0, 1, 2, 3]
    table.close(2)
    table.close(0)
    assert [table.add(entry()) for _ in range(3)] == [0, 2, 4]
    assert len(table) == 5
    assert 4 in table
    assert 5 not in table


def test_a_minimum_leaves_what_is_below_free(table: FdTable) -> None:
    assert table.add(entry(), 3) == 3
    assert table.add(entry(), 3) == 4
    assert table.add(entry()) == 0
    assert table.add(entry(), 1) == 1
    assert table.add(entry()) == 2
    assert table.add(entry()) == 5


def test_a_full_table_says_mfile(table: FdTable) -> None:
    for _ in range(6):
        table.add(entry())
    with pytest.raises(SysError, match="MFILE"):
        table.reserve()
    with pytest.raises(SysError, match="INVAL"):
        table.reserve(6)
    table.close(5)
    assert table.reserve(5) == 5


def test_reserved_numbers_are_taken_and_not_open(table: FdTable) -> None:
    first = table.reserve()
    assert table.reserve() == 1
    for call in (table.get, table.close):
        with pytest.raises(SysError, match="BADF"):
            call(first)
    with pytest.raises(SysError, match="BUSY"):
        table.replace(first, entry())
    table.cancel(first)
    assert table.reserve() == first


def test_replace_closes_what_was_there(table: FdTable) -> None:
    old, new = Counted(), Counted()
    fd = table.add(entry(old))
    table.replace(fd, entry(new))
    assert (old.closed, new.closed, new.references) == (1, 0, 1)
    table.replace(4, entry(new))
    assert new.references == 2
    with pytest.raises(SysError, match="BADF"):
        table.replace(6, entry(new))
    assert new.references == 2


def test_move_leaves_nothing_behind(table: FdTable) -> None:
    file = Counted()
    fd = table.add(Descriptor(file, 1, 2, cloexec=True))
    old = Counted()
    table.add(entry(old), 5)
    table.move(fd, 5)
    assert old.closed == 1
    assert table.reserve() == fd
    table.cancel(fd)
    assert [number for number, _ in table.items()] == [5]
    assert (file.references, file.closed) == (1, 0)
    found = table.get(5)
    assert (found.rights, found.inheriting, found.cloexec) == (1, 2, True)
    table.move(5, 5)
    assert table.get(5) is found


def test_move_changes_nothing_when_it_cannot_be_done(table: FdTable) -> None:
    fds = [table.add(entry()), table.add(entry())]
    reserved = table.reserve()
    before = table.items()
    for source, target, errno in (
        (fds[0], 5, Errno.BADF),
        (5, fds[1], Errno.BADF),
        (fds[0], 99, Errno.BADF),
        (fds[0], reserved, Errno.BUSY),
    ):
        with pytest.raises(SysError) as raised:
            table.move(source, target)
        assert raised.value.errno is errno
        assert table.items() == before


def test_a_file_is_closed_with_its_last_descriptor(table: FdTable) -> None:
    file = Counted()
    fds = [table.add(entry(file)), table.add(entry(file))]
    table.close(fds[0])
    assert file.closed == 0
    table.close(fds[1])
    assert file.closed == 1


def test_rights_are_asked_for(table: FdTable) -> None:
    fd = table.add(entry())
    assert table.file(fd, int(Rights.FD_READ)) is table.get(fd).file
    with pytest.raises(SysError, match="NOTCAPABLE"):
        table.file(fd, int(Rights.FD_WRITE))
    with pytest.raises(SysError) as raised:
        table.file(2**32 - 1, 1)
    assert (raised.value.errno, raised.value.text) == (Errno.BADF, "fd -1 is not open")


def test_a_file_that_somebody_waits_on_is_closed_by_the_waiter(world: World) -> None:
    file = Counted()
    fd = world.add(file)
    world.task.waiting_on = file
    world.fds.close(fd)
    assert file.closed == 0
    with pytest.raises(SysError, match="another thread closed"):
        world.task.interruption_point()
    world.task.leave(file)
    assert file.closed == 1
    world.task.interruption_point()
    world.fds.dispose(file)
    assert file.closed == 1, "a second time changes nothing"


def test_a_late_closer_does_not_disturb_the_next_call(world: World) -> None:
    file, other = Counted(), Counted()
    world.add(other)
    world.task.lost_file = file
    world.task.waiting_on = other
    world.task.interruption_point()


def test_what_is_opened_after_the_end_is_closed(world: World) -> None:
    kept, late, replaced = Counted(), Counted(), Counted()
    world.add(kept)
    number = world.fds.reserve()
    world.process.finish(ExitStatus())
    world.process.task_ended(world.task)
    assert kept.closed == 1
    world.fds.install(number, entry(late))
    assert late.closed == 1
    world.fds.replace(3, entry(replaced))
    assert replaced.closed == 1
    assert world.fds.items() == []


@pytest.mark.parametrize("error", [SysError(Errno.IO), ZeroDivisionError()])
def test_one_close_that_fails_does_not_keep_the_rest_open(table: FdTable, error: Exception) -> None:
    class Broken(File):
        def close(self) -> None:
            raise error

    files = [Counted(), Counted()]
    for file in (files[0], Broken(), files[1], files[0]):
        table.add(entry(file))
    if isinstance(error, SysError):
        table.close_all()  # nobody is left who could be told an errno
    else:
        with pytest.raises(ZeroDivisionError):
            table.close_all()
    assert [(file.closed, file.references) for file in files] == [(1, 0), (1, 0)]
    assert table.items() == []


def test_files_of_a_poll_are_closed_by_the_poll(world: World) -> None:
    files = [Counted(), Counted(), Counted()]
    fds = [world.add(file) for file in files]
    for count in (1, 2):
        watched = frozenset(files[:count])
        world.task.wait_on(watched)
        world.fds.close(fds[count - 1])
        assert files[count - 1].closed == 0
        world.task.leave_all(watched)
        assert files[count - 1].closed == 1
    world.task.wait_on(frozenset())
    world.fds.close(fds[2])
    assert files[2].closed == 1


# -- files of all processes ----------------------------------------------------------


def test_a_full_program_says_nfile(world: World) -> None:
    """What is open in one process is missing in another; what both have is one file."""
    child = world.kernel.start_process((), (), max_fds=16, parent=world.process.pid)
    files, table, other = world.kernel.files, world.fds, child.fds
    files.limit = 4
    shared = entry()
    table.add(shared)
    table.copy_to(other)
    table.add(shared.copy())
    assert files.held == 1
    for each in (table, other, table):
        each.add(entry())
    for each in (table, other):
        with pytest.raises(SysError, match="NFILE: the processes of the program have 4 files open together"):
            each.reserve()
        with pytest.raises(SysError, match="NFILE"):
            each.take_extra()
    table.close(0)  # one of three descriptors of one file
    assert files.held == 4
    table.close(2)
    other.take_extra()
    assert files.held == 4
    other.give_extra()
    other.cancel(other.reserve())
    assert files.held == 3
    child.task_ended(child.main_task)
    assert files.held == 2
    world.process.task_ended(world.task)
    assert files.held == 0


def test_a_file_that_takes_anothers_place_counts(world: World) -> None:
    fd = world.fds.add(entry())
    world.fds.replace(fd, entry())
    assert world.kernel.files.held == 1
    world.fds.replace(fd + 1, world.fds.get(fd).copy())
    assert world.kernel.files.held == 1
    world.fds.move(fd, fd + 1)
    world.fds.close(fd + 1)
    assert world.kernel.files.held == 0
