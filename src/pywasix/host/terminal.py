"""Terminals of the host: lent to programs, and put back as they were.

Several programs of one Python process may use the same terminal, and begin and end in any order. So what a terminal
was like before is kept once for all of them, with the modes that each wants; the one that set them last has them, and
when the last one is gone the terminal is as it was found.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, TypeAlias

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.files import FdChannel, opened_again
from pywasix.kernel.tty import Modes, WindowSize

Attributes: TypeAlias = list[Any]
"""What tcgetattr gives: input, output, control and local flags, speeds, characters."""

_INPUT, _OUTPUT, _LOCAL, _CHARACTERS = 0, 1, 3, 6
# What stands between a key and the program when lines are buffered: CR becomes LF, Ctrl-S and Ctrl-Q hold the output.
_TRANSLATED = termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON
_WRITER_STOPPED = {signal.SIGTTOU}


class HostTerminal:
    """A `kernel.tty.TerminalDevice`: one terminal in the hands of one program. Errors: IO after `release`.

    Args:
        fd: a descriptor of the terminal; it stays the caller's.
    """

    def __init__(self, fd: int) -> None:
        self._fd = os.dup(fd)
        self._key = os.fstat(fd).st_rdev

    def size(self) -> WindowSize:
        with _LOCK, _host_errors():
            return _size(self._fd)

    def set_size(self, size: WindowSize) -> None:
        with _LOCK, _host_errors():
            lent = _lent(self)
            before = lent.size_before or _size(self._fd)
            _set_size(self._fd, size)
            lent.size_before, lent.size_set = before, size
            lent.users.setdefault(self, None)
            _LENT[self._key] = lent

    def modes(self) -> Modes:
        with _LOCK, _host_errors():
            return _modes(termios.tcgetattr(self._fd))

    def set_modes(self, modes: Modes) -> None:
        with _LOCK, _host_errors():
            lent = _lent(self)
            termios.tcsetattr(self._fd, termios.TCSANOW, lent.attributes(modes))
            lent.users.pop(self, None)
            lent.users[self] = modes
            _LENT[self._key] = lent

    def open(self) -> FdChannel:
        with _LOCK, _host_errors():
            return opened_again(self._fd) or FdChannel(os.dup(self._fd), owned=True)

    def release(self) -> None:
        """Give the terminal back: to the program that set its modes before, or to whoever had it before all of them."""
        with _LOCK:
            lent = _LENT.get(self._key)
            if lent is not None and self in lent.users:
                lent.leave(self)
                if not lent.users:
                    del _LENT[self._key]
            # A process of the program that is just being killed may still try.
            fd, self._fd = self._fd, -1
            os.close(fd)


class _Lent:
    """A terminal that programs have changed; `_LOCK` guards it.

    Attributes:
        before: what it was like.
        users: the programs, and the modes that each wants, in the order in which they set them.
        size_before, size_set: the size that was there, and the last one that a program set.
    """

    def __init__(self, before: Attributes) -> None:
        self.before = before
        self.users: dict[HostTerminal, Modes | None] = {}
        self.size_before: WindowSize | None = None
        self.size_set: WindowSize | None = None

    def attributes(self, modes: Modes) -> Attributes:
        """What the terminal was like, with these modes."""
        found: Attributes = [*self.before[:_CHARACTERS], list(self.before[_CHARACTERS])]
        before = _modes(self.before)
        if modes.echo != before.echo:
            _turn(found, _LOCAL, termios.ECHO | termios.ECHONL * (not modes.echo), on=modes.echo)
        if modes.signals != before.signals:
            _turn(found, _LOCAL, termios.ISIG, on=modes.signals)
        if modes.line_feeds != before.line_feeds:
            _turn(found, _OUTPUT, termios.ONLCR | termios.OPOST * modes.line_feeds, on=modes.line_feeds)
        if modes.line_buffered != before.line_buffered:
            _turn(found, _LOCAL, termios.ICANON | termios.IEXTEN, on=modes.line_buffered)
            _turn(found, _INPUT, termios.ICRNL if modes.line_buffered else _TRANSLATED, on=modes.line_buffered)
            if not modes.line_buffered:
                found[_CHARACTERS][termios.VMIN], found[_CHARACTERS][termios.VTIME] = 1, 0
        return found

    def wanted(self) -> Attributes:
        """What the terminal is to be like for those who use it now."""
        modes = next((each for each in reversed(self.users.values()) if each is not None), None)
        return self.before if modes is None else self.attributes(modes)

    def leave(self, user: HostTerminal) -> None:
        """Take a program off, and make the terminal what the others want of it."""
        del self.users[user]
        put(user._fd, self.wanted())
        if not self.users and self.size_before is not None:
            with suppress(OSError):
                if _size(user._fd) == self.size_set:  # nobody else has set another one since
                    _set_size(user._fd, self.size_before)


_LENT: dict[int, _Lent] = {}
_LOCK = Lock()
"""Guards `_LENT` and what is in it."""
_at_exit_of: set[int] = set()


def suspend() -> None:
    """Put every terminal back for the time that this process is stopped."""
    _put_all(lambda lent: lent.before)


def resume() -> None:
    """This process goes on: make every terminal again what its programs want of it."""
    _put_all(_Lent.wanted)


def put(fd: int, attributes: Attributes) -> None:
    """Set a terminal without a word, unless another job has it: a shell that took it has set it too.

    A terminal that hung up has no modes to put back.
    """
    with suppress(OSError, termios.error):
        if not _in_foreground(fd):
            return
        # Who loses the foreground in this moment is not to be stopped for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WRITER_STOPPED)
        try:
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _put_all(choose: Callable[[_Lent], Attributes]) -> None:
    with _LOCK:
        for lent in _LENT.values():
            put(next(iter(lent.users))._fd, choose(lent))


def _lent(terminal: HostTerminal) -> _Lent:
    """What is known of a terminal, for a caller that holds `_LOCK` and is about to change it."""
    if os.getpid() not in _at_exit_of:
        # An embedding program may end while guests run.
        _at_exit_of.add(os.getpid())
        atexit.register(_at_exit, os.getpid())
    return _LENT.get(terminal._key) or _Lent(termios.tcgetattr(terminal._fd))


def _at_exit(pid: int) -> None:
    if os.getpid() == pid:  # a process that was forked off has lent nothing
        suspend()


def _in_foreground(fd: int) -> bool:
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # not this process's controlling terminal, so that there are no jobs
        return True


def _modes(attributes: Attributes) -> Modes:
    return Modes(
        echo=bool(attributes[_LOCAL] & termios.ECHO),
        line_buffered=bool(attributes[_LOCAL] & termios.ICANON),
        line_feeds=bool(attributes[_OUTPUT] & termios.OPOST and attributes[_OUTPUT] & termios.ONLCR),
        signals=bool(attributes[_LOCAL] & termios.ISIG),
    )


def _turn(attributes: Attributes, which: int, bits: int, *, on: bool) -> None:
    attributes[which] = attributes[which] | bits if on else attributes[which] & ~bits


def _size(fd: int) -> WindowSize:
    cells = bytearray(8)
    fcntl.ioctl(fd, termios.TIOCGWINSZ, cells)
    rows, columns, width, height = (int.from_bytes(cells[at : at + 2], sys.byteorder) for at in range(0, 8, 2))
    return WindowSize(columns, rows, width, height)


def _set_size(fd: int, size: WindowSize) -> None:
    cells = (size.rows, size.columns, size.width, size.height)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, b"".join(each.to_bytes(2, sys.byteorder) for each in cells))


@contextmanager
def _host_errors() -> Iterator[None]:
    try:
        yield
    except termios.error as error:  # no OSError, but it has the same arguments
        raise sys_error(OSError(*error.args)) from None
    except OSError as error:
        raise sys_error(error) from None
    except ValueError:  # a negative descriptor
        raise SysError(Errno.IO, "the program has ended") from None
