"""The command line: one module per command, imported when the command is used.

Start-up counts. `pywasix run` is called for every short program, and importing click would cost more than
running one: so a command line of `run` that can be understood without click is (`quick`), with options declared
once for both (`run_options`). Everything else (help, mistakes, other commands) is click's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from os import _exit

_INTERRUPTED = 130  # what shells show for the end by SIGINT


def main() -> None:
    """Run this process's command line, and end the process with its exit status.

    The process ends at once: taking the interpreter apart, object by object, would be a fifth of the time of
    a short program, and the program has closed all it had.
    """
    status = command_line(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    _exit(status)


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
        return _INTERRUPTED


def _with_click(words: Sequence[str]) -> int:
    from pywasix.cli.commands import group

    try:
        group.main(list(words), prog_name="pywasix")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
