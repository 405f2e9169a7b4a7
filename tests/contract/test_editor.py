"""The same editor, natively and as a guest: on terminals with the same person before them both show the same."""

from __future__ import annotations

import termios
from collections.abc import Sequence
from subprocess import DEVNULL

import pytest

from cli.command import PYWASIX
from contract.natives import Natives
from support import PATIENCE, guest
from terminals import on_terminal

LEFT, RIGHT = b"\x1b[D", b"\x1b[C"
QUIT = b"\x11"  # Ctrl-Q

# What is typed, and the text to wait for before the next.
SESSIONS: dict[str, Sequence[tuple[bytes, bytes]]] = {
    "typing": [(b"hello", b"hello"), (b"\r", b"saved: hello\r\n")],
    "arrows": [(b"helo", b"helo"), (LEFT, b"\x1b[4G"), (b"l", b"hello\x1b[5G"), (b"\x13", b"saved: hello\r\n")],
    "both ends": [
        (b"b", b"b"),
        (b"\x01", b"\x1b[1G"),
        (b"a", b"ab"),
        (b"\x05", b"\x1b[3G"),
        (b"c\r", b"saved: abc\r\n"),
    ],
    "erasing": [(b"abc", b"abc"), (b"\x7f", b"ab\x1b[3G"), (b"\x15", b"\x1b[1G"), (b"x\r", b"saved: x\r\n")],
    "beyond the ends": [(LEFT + RIGHT + b"\x7f", b"\x1b[1G"), (b"a" + RIGHT + b"b\r", b"saved: ab\r\n")],
    "other characters": [("grüße €".encode(), "grüße €".encode()), (b"\r", "saved: grüße €\r\n".encode())],
    "nothing": [],
}


def transcript(command: Sequence[str], session: Sequence[tuple[bytes, bytes]], *, resize: bool = False) -> bytes:
    """What the terminal shows of a session."""
    with on_terminal(*command, stderr=DEVNULL) as terminal:  # a slow compile shows its progress there
        before = terminal.modes()
        shown = terminal.read_until(b"editing 80x24\r\n")
        shown += terminal.read_until(b"\x1b[1G")
        assert terminal.raw()
        for keys, answer in session:
            terminal.type(keys)
            shown += terminal.read_until(answer)
        if resize:
            terminal.resize(132, 43)
            shown += terminal.read_until(b"caught 28\n")
            terminal.type(b"x")  # the signal may have come just before the editor waits for a key
            shown += terminal.read_until(b"window 132x43\r\n")
        terminal.type(QUIT)
        shown += terminal.read_to_the_end()
        assert terminal.process.wait(PATIENCE) == 0
        assert terminal.modes() == before
    return shown


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_looks_the_same(natives: Natives, session: str) -> None:
    native = transcript([natives.command("editor")], SESSIONS[session])
    assert native.endswith(b"bye\r\n")
    assert transcript([*PYWASIX, "run", str(guest("editor"))], SESSIONS[session]) == native


def test_a_new_size_is_drawn_the_same(natives: Natives) -> None:
    native = transcript([natives.command("editor")], [], resize=True)
    assert transcript([*PYWASIX, "run", str(guest("editor"))], [], resize=True) == native


@pytest.mark.parametrize("words", [["state"], ["raw", "state"], ["raw", "cooked", "state"]])
def test_modes_are_what_linux_says(natives: Natives, words: list[str]) -> None:
    shown, flags = [], []
    for command in ([natives.command("terminal")], [*PYWASIX, "run", str(guest("terminal"))]):
        with on_terminal(*command, *words, "key", stderr=DEVNULL) as terminal:
            shown.append(terminal.read_until(b"feeds 1\r\n"))
            flags.append([terminal.modes()[0] & (termios.ICRNL | termios.IXON), terminal.modes()[1]])
            terminal.type(b"\r")
            shown.append(terminal.read_to_the_end())
            terminal.process.wait(PATIENCE)
    assert shown[:2] == shown[2:]
    assert flags[0] == flags[1]
