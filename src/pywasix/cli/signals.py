"""What the operating system's signals mean while a program runs: the terminal's are the guest's."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from pywasix.runtime import Process

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGWINCH)
# Who started us may have set these to be ignored: nohup(1), and a shell without job control.
_FORWARDED_UNLESS_IGNORED = (signal.SIGHUP, signal.SIGQUIT)
_GRACE = 0.3  # seconds


class GuestSignals:
    """While it is entered, signals wait for the guest, and a stop of this process gives the terminal back meanwhile.

    A guest that gets a second SIGINT is killed, unless it soon waits for its terminal: an interactive program has
    dealt with both.

    Python calls handlers between two steps of the main thread, and one that is just about to wait for a lock waits
    on. So the main thread waits for a pipe, into which Python's own handler writes the number of each signal, and
    a thread of its own waits for the guest. All is in place before the guest starts, for it may call for a signal
    with its first words.
    """

    def __init__(self) -> None:
        self._before: list[tuple[int, Any]] = []
        self._arrived, self._arrives = os.pipe()
        os.set_blocking(self._arrives, False)

    def __enter__(self) -> GuestSignals:
        self._wakeup = signal.set_wakeup_fd(self._arrives, warn_on_full_buffer=False)
        for number in _FORWARDED:
            self._handle(number, _nothing)
        for number in _FORWARDED_UNLESS_IGNORED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handle(number, _nothing)
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            self._handle(signal.SIGTSTP, _nothing)
        self._handle(signal.SIGCONT, _nothing)
        return self

    def _handle(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._before.append((number, signal.signal(number, handler)))

    def until(self, wait: Callable[[], int], process: Process, *, limited: bool = False) -> int:
        """Send what has arrived and what arrives to a guest, until `wait` knows how it ended; returns what it does.

        Args:
            limited: `wait` ends the guest after a time, which a guest must not escape by stopping this process.
        """
        found: list[int] = []
        failed: list[BaseException] = []

        def main() -> None:
            try:
                found.append(wait())
            except BaseException as error:
                failed.append(error)
            finally:
                os.set_blocking(self._arrives, True)
                os.write(self._arrives, b"\0")

        waiter = Thread(target=main, name="pywasix-wait", daemon=True)
        waiter.start()
        if not limited:
            process._when_stopped(self._stopped)
        interrupted = False
        while number := os.read(self._arrived, 1)[0]:
            if number == signal.SIGTSTP or (number == signal.SIGSTOP and process.stopped and _has_a_shell()):
                _stop()
            elif number == signal.SIGCONT:
                _terminals("resume")
                _go_on(process)
            elif number == signal.SIGSTOP:
                continue  # it goes on already, or only who started us could let it
            elif number == signal.SIGTERM:
                process.send_signal(number)
            else:  # what terminals send
                process.send_signal_to_all(number)
            if number == signal.SIGINT:
                if interrupted and not (_ends(process) or process.awaits_input):
                    process.kill()
                interrupted = True
        waiter.join()
        if failed:
            raise failed[0]
        return found[0]

    def _stopped(self) -> None:
        """The guest was stopped by itself or by one of its processes: stop too, so that the user's shell sees it."""
        with suppress(OSError):  # it has ended meanwhile
            os.write(self._arrives, bytes((signal.SIGSTOP,)))

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._arrived)
        os.close(self._arrives)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Python has noted it already."""


def _has_a_shell() -> bool:
    """Whether somebody is there who sees this process stop: it is in the foreground of a terminal."""
    try:
        fd = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(fd) == os.getpgrp()
        finally:
            os.close(fd)
    except OSError:
        return False


def _stop() -> None:
    """Ctrl-Z: stop as everybody does, but not with a terminal that the guest has made raw."""
    _terminals("suspend")
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)  # comes back when the process goes on
    signal.signal(signal.SIGTSTP, handler)
    _terminals("resume")  # where no shell could start it again nothing has stopped


def _go_on(process: Process) -> None:
    process.send_signal_to_all(signal.SIGCONT)
    if process.window_changed:
        process.send_signal_to_all(signal.SIGWINCH)  # which only the jobs in the foreground were told


def _ends(process: Process) -> bool:
    """Whether it ends in the time that an interactive program needs to deal with an interrupt."""
    from subprocess import TimeoutExpired

    with suppress(TimeoutExpired):
        process.wait(_GRACE)
        return True
    return False


def _terminals(action: str) -> None:
    """Act on the terminals that guests use. Who has not loaded that module has lent none."""
    terminals = sys.modules.get("pywasix.host.terminal")
    if terminals is not None:
        getattr(terminals, action)()
