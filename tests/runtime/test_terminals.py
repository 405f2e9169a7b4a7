"""Terminals that Python lends to programs: put back whatever happens, shared in any order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest

import pywasix
from support import PATIENCE, guest
from terminals import Screen, screen

TERMINAL = guest("terminal")


@pytest.fixture
def seen() -> Iterator[Screen]:
    with screen() as found:
        yield found


def start(seen: Screen, *words: str, **options: Any) -> pywasix.Process:
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), seen.theirs) | options
    return pywasix.start([TERMINAL, *words], **streams)


def test_a_program_on_a_terminal_of_python_s(seen: Screen) -> None:
    before = seen.modes()
    with start(seen, "state", "raw", "key") as process:
        seen.read_until(b"80x24 tty 111 echo 1 lines 1 feeds 1\r\n")
        seen.read_until(b"raw\r\n")
        assert seen.raw()
        seen.type(b"\r")
        assert process.wait(PATIENCE) == 0
        assert seen.modes() == before, "it is put back before anybody hears of the end"
    seen.read_until(b"key 13\r\n")


def test_one_stream_is_enough(seen: Screen) -> None:
    out, error = pywasix.start([TERMINAL, "state"], stdin=seen.theirs, stdout=pywasix.PIPE, text=True).communicate()
    assert (out, error) == ("80x24 tty 100 echo 1 lines 1 feeds 1\n", None)


def test_an_error_in_python_kills_the_program_and_puts_the_terminal_back(seen: Screen) -> None:
    before = seen.modes()

    def use() -> None:
        with start(seen, "raw", "spin"):
            seen.read_until(b"spinning")
            assert seen.raw()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert seen.modes() == before


@pytest.mark.parametrize("first", [0, 1])
def test_two_programs_on_one_terminal(seen: Screen, first: int) -> None:
    """Whichever ends first, the other keeps its modes, and what was there before comes back after both."""
    before = seen.modes()
    both = []
    for _ in range(2):
        both.append(start(seen, "raw", "spin"))
        seen.read_until(b"spinning")
    both[first].kill()
    both[first].wait(PATIENCE)
    assert seen.raw()
    both[1 - first].kill()
    both[1 - first].wait(PATIENCE)
    assert seen.modes() == before


def test_the_one_that_set_it_last_has_it(seen: Screen) -> None:
    with start(seen, "raw", "spin") as raw:
        seen.read_until(b"spinning")
        with start(seen, "cooked", "spin") as cooked:
            seen.read_until(b"spinning")
            assert not seen.raw()
            cooked.kill()
            cooked.wait(PATIENCE)
            assert seen.raw()
        raw.kill()
    assert not seen.raw()


def test_a_size_that_somebody_else_set_since_stays(seen: Screen) -> None:
    with start(seen, "size", "100", "50", "spin") as process:
        seen.read_until(b"spinning")
        seen.resize(132, 43)
        process.kill()
    assert seen.size() == (132, 43)


# Leaves a program in raw mode behind, in the middle of whatever it does.
ABANDON = """
import sys, pywasix
process = pywasix.start([sys.argv[1], "raw", "spin"])
sys.stdin.readline()
"""


def test_the_end_of_python_puts_the_terminal_back(seen: Screen) -> None:
    before = seen.modes()
    streams: dict[str, Any] = {"stdout": seen.theirs, "stderr": seen.theirs}
    with subprocess.Popen([sys.executable, "-c", ABANDON, TERMINAL], stdin=subprocess.PIPE, **streams) as python:
        seen.read_until(b"spinning")
        assert seen.raw()
        assert python.stdin is not None
        python.stdin.close()
        assert python.wait(PATIENCE) == 0
    assert seen.modes() == before


def test_a_start_that_fails_gives_the_terminal_back(seen: Screen) -> None:
    with pytest.raises(pywasix.OptionError):
        start(seen, volumes=["nothing"])


def test_a_writer_whose_terminal_is_full_can_be_killed(seen: Screen) -> None:
    """Nobody reads what it prints. What is written at once must not wait for room in the operating system."""
    with pywasix.start([guest("cat")], stdin=bytes(1 << 20), stdout=seen.theirs) as process:
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(0.3)
        before = monotonic()
        process.kill()
        assert process.wait(PATIENCE) == -9
        assert monotonic() - before < 0.1
    assert os.get_blocking(seen.theirs), "the flag is everybody's"


def test_all_that_is_written_arrives(seen: Screen) -> None:
    text = b"".join(b"line %d\n" % number for number in range(20_000))
    with pywasix.start([guest("cat")], stdin=text, stdout=seen.theirs) as process:
        found = b""
        while len(found) < len(text) + text.count(b"\n"):
            found += os.read(seen.ours, 1 << 16)
        assert process.wait(PATIENCE) == 0
    assert found == text.replace(b"\n", b"\r\n")


def waits(process: pywasix.Process) -> bool:
    return process.awaits_input


def test_what_it_waits_for(seen: Screen) -> None:
    with start(seen, "state", "line", "spin") as process:
        seen.read_until(b"feeds 1\r\n")
        while not waits(process):
            with suppress(pywasix.TimeoutExpired):
                process.wait(0.01)
            assert process.poll() is None
        changed = [process.window_changed]
        seen.resize(100, 50)
        changed.append(process.window_changed)
        assert changed == [False, True]
        seen.type(b"\r")
        seen.read_until(b"spinning\r\n")
        assert not waits(process)
        process.kill()
    with pywasix.start([guest("sleep")], stdin=b"", stdout=pywasix.PIPE) as other:
        assert not waits(other)
        assert not other.window_changed
        other.kill()


def test_a_window_of_a_terminal_that_hung_up_has_not_changed(seen: Screen) -> None:
    with start(seen, "state", "spin") as process:
        seen.read_until(b"spinning\r\n")
        os.close(seen.ours)
        seen.ours = os.open(os.devnull, os.O_RDONLY)
        assert not process.window_changed
        process.kill()


def test_signals_for_everybody_in_the_foreground(seen: Screen) -> None:
    with start(seen, "watch", "line") as process:
        seen.read_until(b"watching\r\n")
        process.send_signal_to_all(signal.SIGUSR1)
        seen.read_until(b"caught 10\r\n")
        process.kill()
