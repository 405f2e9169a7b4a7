"""The command line: one module per command, imported when the command is used.

Start-up counts. `pywasix run` is called for every short program, and importing click would cost more than
running one: so a command line of `run` that can be understood without click is (`quick`), with options declared
once for both (`run_options`). Everything else (help, mistakes, other commands) is click's.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

INTERRUPTED = 130  # what shells show for the end by SIGINT
_FAILED = 1


def main() -> None:
    """Run this process's command line, and end the process with its exit status.

    The process ends at once: taking the interpreter apart, object by object, takes time that
    a short program does not have, and the program has closed all it had.
    """
    status = INTERRUPTED
    with suppress(KeyboardInterrupt):
        _end_on_interrupt()
        _replace_closed_streams()
        status = command_line(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    os._exit(status)


def command_line(words: Sequence[str]) -> int:
    """Run a command line, without the name of the program; returns the exit status."""
    try:
        if words[:1] == ["run"]:
            from pywasix.cli.quick import parse

            options = parse(words[1:])
            if options is not None:
                from pywasix.cli.program import run_or_explain

                return run_or_explain(**options)
        return _with_click(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0


def _with_click(words: Sequence[str]) -> int:
    from pywasix.cli.commands import group

    try:
        group.main(list(words), prog_name="pywasix")
    except OSError as error:  # commands explain their other failures themselves
        with suppress(OSError):
            sys.stderr.write(f"pywasix: cannot write: {error.strerror}\n")
            sys.stderr.flush()
        return _FAILED


def _end_on_interrupt() -> None:
    """Let Ctrl-C end the process without a word.

    KeyboardInterrupt would be raised in the middle of anything, also of the importing of a module, where Python
    prints it with a traceback and goes on. Who ignores SIGINT, as jobs in the background do, still does.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(INTERRUPTED))


def _replace_closed_streams() -> None:
    """Give the numbers of standard streams that were closed (`>&-`) to files that cannot be used.

    Else the next file opened would get the number, and a program that prints would write into that. Reading
    and writing fail with EBADF, as on the closed descriptor.
    """
    for name, mode, wrong in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_RDONLY)):
        if getattr(sys, name) is None:
            unusable = os.open(os.devnull, wrong)  # the lowest free number: the one that was closed
            setattr(sys, name, os.fdopen(unusable, mode, closefd=False))
