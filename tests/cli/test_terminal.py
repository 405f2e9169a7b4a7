"""Programs on a terminal: raw mode, and that it never outlives them."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress

import pytest

import pywasix
from cli.command import PYWASIX
from support import PATIENCE, guest
from terminals import END, INTERRUPT, JOB, QUIT, STOP, Terminal, on_terminal

TERMINAL = str(guest("terminal"))


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """A slow compile would show its progress on the terminals of these tests: the engine's cache has it before."""
    pywasix.load(TERMINAL)


def run(*words: str) -> list[str]:
    return [*PYWASIX, "run", *words]


def shown(*words: str, keys: bytes = b"") -> bytes:
    """What a terminal shows of a program that ends by itself."""
    with on_terminal(*run(TERMINAL, *words)) as terminal:
        if keys:
            terminal.read_until(b"raw\r\n")
            terminal.type(keys)
        seen = terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == 0
    return seen


def test_size_modes_and_what_is_a_terminal() -> None:
    assert shown("state") == b"80x24 tty 111 echo 1 lines 1 feeds 1\r\n"


def test_raw_mode_is_seen_and_taken_back() -> None:
    seen = shown("raw", "state", "cooked", "state").splitlines()
    assert seen[1::2] == [b"80x24 tty 111 echo 0 lines 0 feeds 1", b"80x24 tty 111 echo 1 lines 1 feeds 1"]


@pytest.mark.parametrize(
    ("keys", "bytes_read"),
    [
        (b"a", b"97"),
        (b"\x1b[A", b"27 91 65"),
        (b"\r", b"13"),
        (b"\n", b"10"),
        (b"\x13", b"19"),  # Ctrl-S, which does not hold the output
        (END, b"4"),
        (b"\x7f", b"127"),
        ("ü".encode(), b"195 188"),
    ],
)
def test_keys_arrive_one_by_one_and_do_not_show(keys: bytes, bytes_read: bytes) -> None:
    assert shown("raw", "key", keys=keys) == b"key " + bytes_read + b"\r\n"


def test_lines_are_edited_by_the_terminal() -> None:
    with on_terminal(*run(TERMINAL, "state", "key")) as terminal:
        terminal.read_until(b"feeds 1\r\n")
        terminal.type(b"ab\x7fc\r")
        assert terminal.read_until(b"key ").startswith(b"ab")
        assert terminal.read_until(b"\r\n") == b"97 99 10\r\n"


def test_control_d_is_the_end_of_the_input() -> None:
    with on_terminal(*run(str(guest("cat")))) as terminal:
        terminal.type(b"one line\r")
        terminal.read_until(b"one line\r\none line\r\n")
        terminal.type(END)
        assert terminal.process.wait(PATIENCE) == 0


# Becomes the command as it is: login_tty would make all three streams the terminal.
AS_IT_IS = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize(("stream", "told"), [("stdin", b"tty 011"), ("stdout", b""), ("stderr", b"tty 110")])
def test_a_stream_that_is_none(stream: str, told: bytes) -> None:
    with on_terminal(*run(TERMINAL, "state"), start=AS_IT_IS, **{stream: subprocess.DEVNULL}) as terminal:
        seen = terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == 0
    assert told in seen


def test_without_a_terminal_libc_sees_what_it_sees_on_linux() -> None:
    words = run(TERMINAL, "state", "raw", "size", "10", "10")
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    assert [line.partition(": ")[0] for line in done.stdout.decode().splitlines()] == ["state", "raw", "size"]
    assert len({line.partition(": ")[2] for line in done.stdout.decode().splitlines()}) == 1, done.stdout


# -- the terminal is put back ----------------------------------------------------

BY_ITSELF = [(("raw",), 0), (("raw", "fail"), 3), (("raw", "trap"), 128 + signal.SIGABRT), (("raw", "raw"), 0)]


@pytest.mark.parametrize(("words", "status"), BY_ITSELF)
def test_a_program_that_ends_in_raw_mode(words: tuple[str, ...], status: int) -> None:
    with on_terminal(*run(TERMINAL, *words)) as terminal:
        before = terminal.modes()
        terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == status
        assert terminal.modes() == before


def in_raw_mode(terminal: Terminal, text: bytes = b"raw\r\n") -> None:
    terminal.read_until(text)
    assert terminal.raw()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("words", [("raw", "key"), ("raw", "spin")])
def test_a_signal_ends_a_program_in_raw_mode(words: tuple[str, ...], number: int) -> None:
    with on_terminal(*run(TERMINAL, *words)) as terminal:
        before = terminal.modes()
        in_raw_mode(terminal)
        terminal.process.send_signal(number)
        terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == 128 + number
        assert terminal.modes() == before


@pytest.mark.parametrize(("key", "number"), [(INTERRUPT, signal.SIGINT), (QUIT, signal.SIGQUIT)])
def test_a_key_ends_a_program_in_raw_mode(key: bytes, number: int) -> None:
    with on_terminal(*run(TERMINAL, "raw", "key")) as terminal:
        before = terminal.modes()
        in_raw_mode(terminal)
        terminal.type(key)
        terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == 128 + number
        assert terminal.modes() == before


def test_two_control_cs_end_a_program_that_handles_them() -> None:
    with on_terminal(*run(TERMINAL, "watch", "raw", "spin")) as terminal:
        before = terminal.modes()
        in_raw_mode(terminal, b"spinning\r\n")
        for _ in range(100):  # two of them count as one for Linux when they come at once
            terminal.type(INTERRUPT)
            with suppress(subprocess.TimeoutExpired):
                terminal.process.wait(0.1)
                break
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGKILL
        assert terminal.modes() == before


def test_the_time_limit_ends_a_program_in_raw_mode() -> None:
    with on_terminal(*run("--timeout=0.5", TERMINAL, "raw", "spin")) as terminal:
        before = terminal.modes()
        terminal.read_until(b"time limit of 0.5 seconds is over\r\n")
        assert terminal.process.wait(PATIENCE) == 124
        assert terminal.modes() == before


# -- an interactive program ------------------------------------------------------


def test_control_c_does_not_kill_a_program_that_goes_on_reading() -> None:
    with on_terminal(*run(TERMINAL, "watch", "line")) as terminal:
        terminal.read_until(b"watching\r\n")
        for _ in range(3):
            terminal.type(INTERRUPT)
            terminal.read_until(b"caught 02\r\n")
        terminal.type(b"y\r")
        terminal.read_until(b"line 2\r\n")
        assert terminal.process.wait(PATIENCE) == 0


def test_a_new_size_is_told() -> None:
    with on_terminal(*run(TERMINAL, "watch", "resize")) as terminal:
        terminal.read_until(b"watching\r\n")
        terminal.resize(100, 50)
        terminal.read_until(b"caught 28\r\n")
        terminal.type(b"\r")  # it goes on reading, as after a handler with SA_RESTART
        terminal.read_until(b"now 100x50\r\n")
        assert terminal.process.wait(PATIENCE) == 0


def test_setting_the_size_changes_nothing_else_and_ends_with_the_program() -> None:
    with on_terminal(*run(TERMINAL, "size", "100", "50", "state", "key")) as terminal:
        terminal.read_until(b"100x50 tty 111 echo 1 lines 1 feeds 1\r\n")
        assert terminal.size() == (100, 50)
        terminal.type(b"\r")
        assert terminal.process.wait(PATIENCE) == 0
        assert terminal.size() == (80, 24)


def test_a_stopped_program_does_not_keep_the_terminal() -> None:
    with on_terminal(*run(TERMINAL, "raw", "key", "state", "key"), start=JOB) as terminal:
        in_raw_mode(terminal)
        terminal.type(STOP)
        terminal.read_until(b"stopped, echo True lines True\r\n")
        terminal.type(b"go on\r")
        terminal.read_until(b"go on\r\n")
        terminal.type(b"x")
        terminal.read_until(b"echo 0 lines 0")
        terminal.type(b"y")
        assert terminal.process.wait(PATIENCE) == 0
        assert not terminal.raw()


def test_a_guest_that_stops_itself_gives_the_terminal_to_the_shell() -> None:
    with on_terminal(*run(str(guest("stops")), "self"), start=JOB) as terminal:
        terminal.read_until(b"stopped, echo True lines True\r\n")
        terminal.type(b"go on\r")
        terminal.read_until(b"goes on\r\n")
        assert terminal.process.wait(PATIENCE) == 0


def test_a_guest_that_stops_itself_does_not_escape_its_time() -> None:
    with on_terminal(*run("--timeout=0.3", str(guest("stops")), "self"), start=JOB) as terminal:
        terminal.read_until(b"0.3 seconds")
        assert terminal.process.wait(PATIENCE) == 124


def test_a_guest_that_stops_itself_where_nobody_sees_it_can_be_ended() -> None:
    command = run(str(guest("stops")), "self")
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stops\n"
        process.terminate()  # waits for the next one, unless it came before the stop
        process.send_signal(signal.SIGCONT)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_a_size_that_changed_while_it_was_stopped_is_told() -> None:
    with on_terminal(*run(TERMINAL, "state", "watch", "resize"), start=JOB) as terminal:
        terminal.read_until(b"watching\r\n")
        terminal.type(STOP)
        terminal.read_until(b"stopped")
        terminal.resize(100, 50)
        terminal.type(b"go on\r")
        terminal.read_until(b"caught 18\r\n")
        terminal.read_until(b"caught 28\r\n")
        terminal.type(b"\r")
        terminal.read_until(b"now 100x50\r\n")
        assert terminal.process.wait(PATIENCE) == 0
