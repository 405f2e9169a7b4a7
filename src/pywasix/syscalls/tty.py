"""The terminal of the program."""

from __future__ import annotations

from pywasix.abi.records import Tty
from pywasix.abi.scalars import In, Out
from pywasix.kernel.tty import Modes, WindowSize, terminal_of, terminal_streams
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall


@syscall(modules=EXTENSION)
def tty_get(ctx: Context, state: Out[Tty]) -> None:
    """Tell size and modes of the terminal, and which standard streams are terminals.

    ABI: WASIX; what libc makes tcgetattr() and TIOCGWINSZ of. Errors: NOTTY the program has no terminal; FAULT.
    """
    ctx.memory.check(state, Tty.SIZE)
    size, modes = terminal_of(ctx.kernel).look()
    streams = terminal_streams(ctx.process)
    ctx.memory.store(state, Tty(*size, *map(int, (*streams, modes.echo, modes.line_buffered, modes.line_feeds))))


@syscall(modules=EXTENSION)
def tty_set(ctx: Context, state: In[Tty]) -> None:
    """Set modes and size of the terminal, for the time of the program.

    ABI: WASIX; what libc makes tcsetattr() and TIOCSWINSZ of. The latter leaves everything behind the size
        uninitialised, so modes count only when the streams stand there as tty_get tells them.
    Errors: NOTTY the program has no terminal; FAULT; INVAL a size over 65535.
    """
    told = ctx.memory.load(Tty, state)
    size = WindowSize(told.cols, told.rows, told.width, told.height)
    terminal = terminal_of(ctx.kernel)
    terminal.change(ctx.process, size, _wanted(ctx, told, terminal.device.modes()))


def _wanted(ctx: Context, told: Tty, now: Modes) -> Modes | None:
    """The modes that a record asks for, None if it says nothing about them."""
    flags = (told.echo, told.line_buffered, told.line_feeds)
    if (told.stdin_tty, told.stdout_tty, told.stderr_tty) != terminal_streams(ctx.process) or max(flags) > 1:
        return None
    echo, line_buffered, line_feeds = map(bool, flags)
    if ctx.generation.tty_without_line_feeds:
        line_feeds = now.line_feeds
    return Modes(echo, line_buffered, line_feeds, now.signals)
