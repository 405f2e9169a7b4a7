"""The terminal of the program."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywasix.abi.enums import Signal
from pywasix.abi.errno import Errno
from pywasix.abi.records import Tty
from pywasix.errors import SysError
from pywasix.host.files import channel_of
from pywasix.host.terminal import HostTerminal
from pywasix.kernel.file import STREAM_RIGHTS
from pywasix.kernel.stream import StreamFile
from pywasix.kernel.tty import Terminal
from pywasix.runtime.volumes import install_files
from pywasix.syscalls.path import path_open
from pywasix.syscalls.tty import tty_get, tty_set
from terminals import Screen, screen
from world import MEMORY, WASIX_2022, World

AT = 64


@pytest.fixture
def seen(world: World) -> Iterator[Screen]:
    """The screen of a terminal that is the world's standard input and output."""
    with screen() as found:
        device = HostTerminal(found.theirs)
        world.kernel.terminal = Terminal(device)
        for _ in range(2):
            world.add(StreamFile(channel_of(os.dup(found.theirs), owned=True)))
        world.path(os.devnull)
        yield found
        device.release()


def told(world: World) -> Tty:
    world.call(tty_get, AT)
    return world.memory.load(Tty, AT)


def changed(tty: Tty, **members: int) -> Tty:
    values = {member.name: getattr(tty, member.name) for member in Tty.MEMBERS}
    return Tty(**{**values, **members})


def put(world: World, tty: Tty) -> None:
    world.memory.store(AT, tty)
    world.call(tty_set, AT)


def test_what_is_told(world: World, seen: Screen) -> None:
    assert told(world) == Tty(80, 24, 0, 0, 1, 1, 0, 1, 1, 1)
    seen.resize(132, 43)
    assert told(world)._values(told(world))[:2] == (132, 43)


def test_what_is_no_terminal_any_more(world: World, seen: Screen) -> None:
    world.fds.close(0)
    assert (told(world).stdin_tty, told(world).stdout_tty) == (0, 1)
    world.fds.replace(0, world.fds.get(2).copy())
    assert told(world).stdin_tty == 0


@pytest.mark.parametrize("echo", [0, 1])
@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize("feeds", [0, 1])
def test_modes(world: World, seen: Screen, echo: int, lines: int, feeds: int) -> None:
    wanted = changed(told(world), echo=echo, line_buffered=lines, line_feeds=feeds)
    put(world, wanted)
    assert told(world) == wanted
    flags = seen.modes()
    assert bool(flags[3] & termios.ECHO) == echo
    assert bool(flags[3] & termios.ICANON) == lines
    assert bool(flags[1] & termios.ONLCR) == feeds
    assert bool(flags[0] & termios.ICRNL) == lines, "Enter is a carriage return when keys come one by one"
    assert flags[3] & termios.ISIG, "Ctrl-C is always a signal"
    assert seen.size() == (80, 24)


def test_in_2022_there_were_no_line_feeds(seen: Screen, world: World) -> None:
    with World(generation=WASIX_2022) as old:
        old.kernel.terminal = world.kernel.terminal
        for fd in range(3):
            old.fds.add(world.fds.get(fd).copy())
        put(old, changed(told(old), echo=0, line_feeds=0))
        assert (told(old).echo, told(old).line_feeds) == (0, 1)


@pytest.mark.parametrize("garbage", [0, 1, 0xA5])
def test_tiocswinsz_leaves_modes_uninitialised(world: World, seen: Screen, garbage: int) -> None:
    before = seen.modes()
    told(world)
    names = [member.name for member in Tty.MEMBERS[4:]]
    put(world, Tty(100, 50, 7, 8, **dict.fromkeys(names, garbage)))
    assert seen.size() == (100, 50)
    assert seen.modes() == before
    assert told(world) == Tty(100, 50, 7, 8, 1, 1, 0, 1, 1, 1)
    put(world, Tty(100, 50, 7, 8, **dict.fromkeys(names, garbage)))
    assert seen.modes() == before


def test_a_window_that_grew_meanwhile_keeps_its_size(world: World, seen: Screen) -> None:
    wanted = changed(told(world), echo=0)
    seen.resize(100, 50)
    put(world, wanted)
    assert seen.size() == (100, 50)
    assert told(world) == changed(wanted, cols=100, rows=50)


def test_a_new_size_is_a_signal(world: World, seen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[int] = []
    monkeypatch.setattr(world.process.signals, "post", posted.append)
    put(world, changed(told(world), rows=30))
    put(world, changed(told(world), echo=0))
    assert posted == [Signal.WINCH]


def test_tty_get_notty(world: World) -> None:
    world.fails(Errno.NOTTY, tty_get, AT)


def test_tty_get_fault(world: World, seen: Screen) -> None:
    world.fails(Errno.FAULT, tty_get, MEMORY - Tty.SIZE + 1)


def test_tty_set_notty(world: World) -> None:
    world.fails(Errno.NOTTY, tty_set, AT)


def test_tty_set_fault(world: World, seen: Screen) -> None:
    world.fails(Errno.FAULT, tty_set, MEMORY - Tty.SIZE + 1)


@pytest.mark.parametrize("member", ["cols", "rows", "width", "height"])
def test_tty_set_inval(world: World, seen: Screen, member: str) -> None:
    before = seen.modes()
    world.memory.store(AT, changed(told(world), echo=0, **{member: 65536}))
    world.fails(Errno.INVAL, tty_set, AT)
    assert (seen.size(), seen.modes()) == ((80, 24), before)


def test_a_terminal_that_hung_up(world: World, seen: Screen) -> None:
    wanted = told(world)
    os.close(seen.ours)
    seen.ours = os.open(os.devnull, os.O_RDONLY)
    world.memory.store(AT, changed(wanted, echo=0))
    world.fails(Errno.IO, tty_set, AT)
    world.fails(Errno.IO, tty_get, AT)


@settings(max_examples=60)
@given(st.binary(min_size=Tty.SIZE, max_size=Tty.SIZE))
def test_whatever_the_record_says(record: bytes) -> None:
    """Only INVAL comes back, and what the program may not touch stays as it is."""
    with World() as world, screen() as seen:
        device = HostTerminal(seen.theirs)
        world.kernel.terminal = Terminal(device)
        before = seen.modes()
        world.put(AT, record)
        with suppress(SysError):
            world.call(tty_set, AT)
        assert seen.modes()[3] & termios.ISIG
        device.release()
        assert (seen.modes(), seen.size()) == (before, (80, 24))


# -- /dev/tty ---------------------------------------------------------------------

PATH, FD = 1024, 2048  # addresses in guest memory


class NoFiles:
    """What a user gives who gives no files."""

    volumes = tmpfs = archives = ()
    cwd = None


def root(world: World) -> int:
    """The descriptor of "/"."""
    install_files(world.process, NoFiles(), os.urandom, wasix=True)
    world.put(PATH, b"dev/tty")
    return max(number for number, _ in world.fds.items())


def opened(world: World) -> int:
    """Open /dev/tty."""
    world.call(path_open, root(world), 1, PATH, 7, 0, STREAM_RIGHTS, 0, 0, FD)
    return world.u32(FD)


def test_dev_tty_is_the_terminal_whatever_the_streams_are(world: World, seen: Screen) -> None:
    for fd in range(3):
        world.fds.replace(fd, world.fds.get(2).copy())
    before = seen.modes()
    file = world.fds.get(opened(world)).file
    assert file.terminal
    assert seen.modes() == before
    seen.type(b"line\n")
    data = bytearray(10)
    assert file.read(world.task, [memoryview(data)]) == 5
    assert (told(world).stdin_tty, told(world).cols) == (0, 80)


def test_dev_tty_of_a_rust_program_of_2022_is_raw_until_it_is_closed(world: World, seen: Screen) -> None:
    with World(generation=WASIX_2022._replace(tty_is_raw=True)) as rust:
        rust.kernel.terminal = world.kernel.terminal
        before = seen.modes()
        fd = opened(rust)
        assert seen.raw()
        assert not seen.modes()[3] & termios.ISIG, "Ctrl-C is a key: nothing tells the program of a signal"
        seen.type(b"\x03\r\x13")
        data = bytearray(10)
        assert rust.fds.get(fd).file.read(rust.task, [memoryview(data)]) == 3
        rust.fds.close(fd)
        assert seen.modes() == before


def test_dev_tty_of_a_terminal_that_hung_up(world: World, seen: Screen) -> None:
    with World(generation=WASIX_2022._replace(tty_is_raw=True)) as rust:
        rust.kernel.terminal = world.kernel.terminal
        directory = root(rust)
        os.close(seen.ours)
        seen.ours = os.open(os.devnull, os.O_RDONLY)
        rust.fails(Errno.IO, path_open, directory, 1, PATH, 7, 0, STREAM_RIGHTS, 0, 0, FD)
