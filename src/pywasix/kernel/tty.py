"""The terminal of a program: its size, its modes, and who is waiting for what is typed.

A program has at most one, which all its processes share: the first of its standard streams that is a terminal. Its
modes belong to the terminal, as POSIX says, not to the process that set them; the host puts them back at the end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pywasix.abi.enums import Signal
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.stream import ByteChannel, StreamFile

if TYPE_CHECKING:
    from pywasix.kernel.file import File
    from pywasix.kernel.kernel import Kernel
    from pywasix.kernel.process import Process

_MOST_CELLS = 0xFFFF  # struct winsize has 16 bits for each
_STREAMS = (0, 1, 2)


class WindowSize(NamedTuple):
    """The size of a window in characters and, where the host knows, in pixels."""

    columns: int
    rows: int
    width: int
    height: int


class Modes(NamedTuple):
    """How a terminal treats what is typed and written.

    Attributes:
        echo: what is typed shows.
        line_buffered: input comes in lines that can be edited; otherwise key by key, Enter as a carriage return.
        line_feeds: a line feed that is written begins a new line, without a carriage return before it.
        signals: Ctrl-C, Ctrl-Backslash and Ctrl-Z are signals.
    """

    echo: bool = True
    line_buffered: bool = True
    line_feeds: bool = True
    signals: bool = True


_RAW = Modes(echo=False, line_buffered=False, line_feeds=False, signals=False)


class TerminalDevice(Protocol):
    """A terminal of the host, in the hands of one program."""

    def size(self) -> WindowSize: ...
    def set_size(self, size: WindowSize) -> None: ...
    def modes(self) -> Modes: ...
    def set_modes(self, modes: Modes) -> None:
        """Set the modes until `release`, or until another program sets them."""
        ...

    def open(self) -> ByteChannel:
        """A channel of its own. Errors: those of the host's open."""
        ...

    def release(self) -> None:
        """The program has ended: what it set is put back."""
        ...


class Terminal:
    """The terminal of a program.

    Args:
        device: the host's terminal.
    """

    def __init__(self, device: TerminalDevice) -> None:
        self.device = device
        self._told: WindowSize | None = None

    def look(self) -> tuple[WindowSize, Modes]:
        """Size and modes as they are now. Errors: those of the host, such as IO for a terminal that hung up."""
        self._told = self.device.size()
        return self._told, self.device.modes()

    def change(self, process: Process, size: WindowSize, modes: Modes | None) -> None:
        """Set what a program asks for. A new size is told to the process by SIGWINCH, as Linux does.

        A guest cannot set modes without telling a size too: the one that it was told last changes nothing, so that
        a window which grew meanwhile keeps its size.

        Args:
            modes: None leaves them. Others are this program's, also if they are there already: another program
                may have set them, and end first.
        Errors: INVAL a size over 65535; those of the host.
        """
        if max(size) > _MOST_CELLS:
            raise SysError(Errno.INVAL, f"a terminal has at most {_MOST_CELLS} rows and columns")
        if modes is not None:
            self.device.set_modes(modes)
        if size not in (self._told, self.device.size()):
            self.device.set_size(size)
            self._told = size
            process.signals.post(Signal.WINCH)

    def window_changed(self) -> bool:
        """Whether the size is another one than the program was told last."""
        try:
            return self._told is not None and self._told != self.device.size()
        except SysError:  # it hung up
            return False

    def open(self, *, raw: bool = False) -> File:
        """Open /dev/tty.

        Args:
            raw: the terminal is raw until the file is closed.
        Errors: those of the host.
        """
        channel = self.device.open()
        if not raw:
            return StreamFile(channel)
        try:
            return _RawFile(channel, self.device)
        except SysError:
            channel.close()
            raise


class _RawFile(StreamFile):
    """/dev/tty for a program that cannot set modes: reading keys is what it opens it for.

    Source: the first hosts of WASIX, for which opening it was the way to raw mode; programs of 2022 rely on it.
    """

    def __init__(self, channel: ByteChannel, device: TerminalDevice) -> None:
        super().__init__(channel)
        self._device = device
        self._before = device.modes()
        device.set_modes(_RAW)

    def close(self) -> None:
        with suppress(SysError):  # it hung up, or was put back already at the end of the program
            self._device.set_modes(self._before)
        super().close()


def terminal_of(kernel: Kernel) -> Terminal:
    """The terminal of a program. Errors: NOTTY it has none (POSIX tcgetattr)."""
    if kernel.terminal is None:
        raise SysError(Errno.NOTTY, "none of the standard streams is a terminal")
    return kernel.terminal


def terminal_streams(process: Process) -> tuple[bool, ...]:
    """Which of standard input, output and error is a terminal for this process now."""
    entries = process.fds.entries
    return tuple((entry := entries.get(fd)) is not None and entry.file.terminal for fd in _STREAMS)


def awaits_input(kernel: Kernel) -> bool:
    """Whether any task of the program waits for its terminal, as one does that has nothing else to do."""
    waiting_on = [task.waiting_on for task in kernel.all_tasks() if task.asleep]
    files = [each if isinstance(each, frozenset) else {each} for each in waiting_on if each is not None]
    return any(file.terminal for file in frozenset().union(*files))
