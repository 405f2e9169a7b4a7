"""A program for terminals from Python: type keys, look at the screen, change the window, get the terminal back."""

import os
import signal
import termios
from pathlib import Path

import pywasix

EDITOR = Path(__file__).resolve().parents[1] / "tests" / "guests" / "editor.wasm"
LEFT = b"\x1b[D"
SAVE = b"\x13"  # what Ctrl-S types


def read_line(screen: int, text: bytes) -> str:
    """The line of the screen that a text shows in, as soon as it does."""
    seen = b""
    while text not in seen:
        seen += os.read(screen, 1024)
    return next(line for line in seen.split(b"\r\n") if text in line).decode()


def echoes(screen: int) -> bool:
    """Whether the terminal shows by itself what is typed."""
    return bool(termios.tcgetattr(screen)[3] & termios.ECHO)


def main() -> None:
    """A session with an editor, which puts the terminal into raw mode and dies without putting it back."""
    screen, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    print(f"before, the terminal echoes: {echoes(screen)}")
    with pywasix.start([EDITOR, "Hell world"], stdin=terminal, stdout=terminal) as process:
        read_line(screen, b"Hell world")
        print(f"the editor has raw mode, the terminal echoes: {echoes(screen)}")
        os.write(screen, LEFT * 6 + b"o" + SAVE)
        print(read_line(screen, b"saved: Hello world"))
        termios.tcsetwinsize(terminal, (50, 132))
        process.send_signal(signal.SIGWINCH)  # the operating system tells only who has it as controlling terminal
        os.write(screen, LEFT)
        print(read_line(screen, b"window 132x50"))
        process.kill()
    print(f"after a kill, the terminal echoes: {echoes(screen)}")
    os.close(terminal)
    os.close(screen)


if __name__ == "__main__":
    main()
