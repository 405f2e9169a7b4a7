"""Running the command line as a user does: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from support import PATIENCE

PYWASIX = (sys.executable, "-m", "pywasix")


def pywasix(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `pywasix WORDS...` to its end; options are those of `subprocess.run`."""
    chosen: dict[str, Any] = {"capture_output": True, "text": True, "timeout": PATIENCE, "check": False, **options}
    return subprocess.run([*PYWASIX, *map(str, words)], **chosen)


def outputs(file: IO[str]) -> dict[str, Any]:
    """The options for a standard output that goes to a file, while standard error is captured."""
    return {"capture_output": False, "stdout": file, "stderr": subprocess.PIPE}


def closed(redirection: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `pywasix WORDS...` to its end with a standard stream closed, such as ``>&-``."""
    shell = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *PYWASIX, *map(str, words)]
    return subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def started(*words: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A running `pywasix WORDS...` with pipes for its outputs; killed at the end if it still runs."""
    chosen: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with subprocess.Popen([*PYWASIX, *map(str, words)], **chosen) as process:
        try:
            yield process
        finally:
            process.kill()


def line_with(stream: Any, text: str) -> str:
    """The first line of a stream with a text in it."""
    for line in stream:
        if text in line:
            return str(line)
    raise AssertionError(f"the stream ended without {text!r}")
