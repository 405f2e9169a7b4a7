"""Sending bytes of a file without a way through Python: sendfile(2)."""

from __future__ import annotations

import os
import signal

from pywasix.host.errors import sys_error
from pywasix.host.files import without_pipe_signal


def send_file(out: int, source: int, offset: int, count: int) -> int:
    """Send from one descriptor to the other; returns how many bytes, 0 at the end of the file.

    Errors: WouldBlock; PIPE, and never a signal to the host; INVAL the file cannot be mapped; those of the host.
    """
    # sendfile(2) has no MSG_NOSIGNAL: as with pipes, an embedding program may have put the signal's default back.
    if signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN:
        return _send(out, source, offset, count)
    with without_pipe_signal():
        return _send(out, source, offset, count)


def _send(out: int, source: int, offset: int, count: int) -> int:
    try:
        return os.sendfile(out, source, offset, count)
    except OSError as error:
        raise sys_error(error) from None
