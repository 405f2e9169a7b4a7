"""Commands and guests on pseudo-terminals: what is typed, what shows, what the terminal is like."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support import PATIENCE

INTERRUPT, END, STOP, QUIT = b"\x03", b"\x04", b"\x1a", b"\x1c"  # what Ctrl-C, -D, -Z and -Backslash type

# Makes standard input the controlling terminal, from which Ctrl-C comes, and becomes the command.
LOG_IN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"

# The same, as a shell starts a job: it tells of a stop, with what the terminal is like, and goes on after a line.
JOB = """
import os, signal, sys, termios
os.login_tty(0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    local = termios.tcgetattr(0)[3]
    print("stopped, echo", bool(local & termios.ECHO), "lines", bool(local & termios.ICANON), flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
"""


class Screen:
    """A pseudo-terminal, seen from the side of the person before it.

    Attributes:
        theirs: the descriptor of the other side, which programs get; closed by `give_away`.
    """

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        self._seen = b""

    def give_away(self) -> None:
        """Close the other side, which somebody else has by now."""
        fd, self.theirs = self.theirs, -1
        if fd >= 0:
            os.close(fd)

    def close(self) -> None:
        self.give_away()
        os.close(self.ours)

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def read_until(self, text: bytes) -> bytes:
        """What shows up to the end of a text."""
        while text not in self._seen:
            data = self._read(text)
            assert data, f"the terminal was closed before {text!r}, and showed {self._seen!r}"
            self._seen += data
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def read_to_the_end(self) -> bytes:
        """What shows until everybody has closed the terminal."""
        while data := self._read(b"the end"):
            self._seen += data
        seen, self._seen = self._seen, b""
        return seen

    def _read(self, wanted: bytes) -> bytes:
        assert select.select([self.ours], [], [], PATIENCE)[0], f"{wanted!r} does not come, only {self._seen!r}"
        try:
            return os.read(self.ours, 4096)
        except OSError:  # EIO: everybody has closed the terminal
            return b""

    def modes(self) -> list[Any]:
        """What tcgetattr says."""
        return termios.tcgetattr(self.ours)

    def raw(self) -> bool:
        """Whether neither echo nor lines are on."""
        return not self.modes()[3] & (termios.ECHO | termios.ICANON)

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return os.get_terminal_size(self.ours)[:2]

    def resize(self, columns: int, rows: int) -> None:
        """Change the window; the operating system sends SIGWINCH to the job in the foreground."""
        termios.tcsetwinsize(self.ours, (rows, columns))


class Terminal(Screen):
    """A command on a terminal of its own."""

    process: subprocess.Popen[bytes]


@contextmanager
def screen() -> Iterator[Screen]:
    """A pseudo-terminal of 80 columns and 24 rows."""
    found = Screen()
    found.resize(80, 24)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def on_terminal(*command: str, start: str = LOG_IN, **options: Any) -> Iterator[Terminal]:
    """Start a command whose standard streams, and whose Ctrl-C, are those of a new terminal.

    Args:
        start: `LOG_IN`, or `JOB` for a terminal with a shell that the command is a job of.
        options: those of `subprocess.Popen`, as for a stream that is to be something else.
    """
    terminal = Terminal()
    terminal.resize(80, 24)
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs) | options
    terminal.process = subprocess.Popen([sys.executable, "-c", start, *command], **streams)
    terminal.give_away()
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        terminal.close()
