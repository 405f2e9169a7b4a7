"""Terminals that are lent and put back."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host import terminal
from pywasix.host.files import channel_of
from pywasix.host.terminal import HostTerminal
from pywasix.kernel.tty import Modes, WindowSize
from terminals import Screen, screen

RAW = Modes(echo=False, line_buffered=False)


@pytest.fixture
def seen() -> Iterator[Screen]:
    with screen() as found:
        yield found


@pytest.fixture
def device(seen: Screen) -> Iterator[HostTerminal]:
    found = HostTerminal(seen.theirs)
    yield found
    if found._fd >= 0:
        found.release()


def test_what_is_not_asked_for_stays(seen: Screen, device: HostTerminal) -> None:
    """Characters, speeds and flags that the ABI has no word for are the person's own."""
    mine = seen.modes()
    mine[3] &= ~termios.ECHOE
    mine[6][termios.VERASE] = b"\b"
    termios.tcsetattr(seen.theirs, termios.TCSANOW, mine)
    device.set_modes(Modes(echo=False))
    found = seen.modes()
    assert found[3] == mine[3] & ~(termios.ECHO | termios.ECHONL)
    assert (found[:3], found[6]) == (mine[:3], mine[6])
    device.set_modes(Modes())
    assert seen.modes() == mine


def test_a_terminal_that_was_raw_before_is_raw_again(seen: Screen, device: HostTerminal) -> None:
    raw = seen.modes()
    raw[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(seen.theirs, termios.TCSANOW, raw)
    before = seen.modes()
    device.set_modes(Modes())
    assert not seen.raw()
    device.release()
    assert seen.modes() == before


def test_a_stop_gives_it_back_for_a_while(seen: Screen, device: HostTerminal) -> None:
    before = seen.modes()
    device.set_modes(RAW)
    raw = seen.modes()
    terminal.suspend()
    assert seen.modes() == before
    terminal.resume()
    assert seen.modes() == raw
    device.release()
    terminal.resume()
    assert seen.modes() == before


def test_after_release_nothing_is_touched(seen: Screen, device: HostTerminal) -> None:
    """A process of the program that is being killed may be late; the descriptor may be somebody else's by then."""
    device.release()
    before = seen.modes()
    size = WindowSize(1, 2, 3, 4)
    for call in (device.size, device.modes, lambda: device.set_modes(RAW), lambda: device.set_size(size)):
        with pytest.raises(SysError) as raised:
            call()
        assert raised.value.errno is Errno.IO
    with pytest.raises(SysError):
        device.open()
    assert (seen.modes(), seen.size()) == (before, (80, 24))
    assert not terminal._LENT


def test_a_terminal_that_hung_up_is_given_back_without_a_word(seen: Screen, device: HostTerminal) -> None:
    device.set_modes(RAW)
    device.set_size(WindowSize(100, 50, 0, 0))
    os.close(seen.ours)
    seen.ours = os.open(os.devnull, os.O_RDONLY)
    device.release()
    assert not terminal._LENT


def test_a_channel_of_a_terminal_is_its_own(seen: Screen) -> None:
    channel = channel_of(os.dup(seen.theirs), owned=True)
    try:
        assert channel.terminal
        assert channel.readable
        assert channel.writable
        assert not os.get_blocking(channel.fileno())
        assert os.get_blocking(seen.theirs)
        with pytest.raises(SysError) as raised:
            channel.read([memoryview(bytearray(1))])
        assert raised.value.errno is Errno.AGAIN
    finally:
        channel.close()


def test_without_a_name_for_descriptors(seen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems that do not open a file again by its descriptor know the terminal's name; a pipe has none."""
    from pywasix.host import files

    monkeypatch.setattr(files, "_BY_DESCRIPTOR", "/nowhere")
    reader, writer = os.pipe()
    channels = [channel_of(os.dup(fd), owned=True) for fd in (seen.theirs, reader, writer)]
    try:
        assert not os.get_blocking(channels[0].fileno())
        assert os.get_blocking(channels[1].fileno())
        assert channels[2].write([memoryview(b"x")]) == 1
        assert channels[1].read([memoryview(bytearray(2))]) == 1
    finally:
        for each in channels:
            each.close()
        os.close(reader)
        os.close(writer)
