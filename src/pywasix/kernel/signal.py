"""Signals of one process: what is pending, what is handled, what the default is.

libc has one guest function for all signals, named through `callback_signal`; which C handler runs
is the guest's own business. Naming a function that the guest does not export blocks: signals wait.
Defaults are those of POSIX signal.h. Numbers are musl's, which are Linux's.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import Disposition, Signal

if TYPE_CHECKING:
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task

# POSIX default action "ignore"; stop and continue have no meaning for a guest without job control.
IGNORED_BY_DEFAULT = frozenset(
    (Signal.CHLD, Signal.URG, Signal.WINCH, Signal.CONT, Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU)
)


class Signals:
    """The signal state of a process. `_lock` guards `_pending` and `_running`.

    As on Linux a signal that is pending already is not counted again, and none interrupts its own handler.
    """

    def __init__(self, process: Process, dispositions: dict[int, Disposition] | None = None) -> None:
        self._process = process
        self._pending: set[int] = set()
        self._running: set[int] = set()
        self._lock = Lock()
        self.handler: str | None = None
        self.blocked = False
        self.dispositions = dict(dispositions or {})

    def use_handler(self, name: str, *, exported: bool) -> None:
        """`callback_signal`: name the guest's handler; an unknown name blocks signals until a known one comes.

        Source: libc's crude mask, which names `__wasm_signal_blocked`, an export that never exists.
        """
        self.blocked = not exported
        if exported:
            self.handler = name
            if self._pending:
                self._process.main_task.notify()

    def post(self, number: int) -> None:
        """Send a signal to the process. Any thread may call it.

        A signal that nobody handles has its default effect at once, without waiting for the guest. 0 is none.
        """
        if not number:
            return
        if number == Signal.KILL or (self.handler is None and not self.blocked):
            self._default(number)
            return
        with self._lock:
            self._pending.add(number)
        self._process.main_task.notify()

    def deliver(self, task: Task) -> bool:
        """Run the guest's handler for each pending signal; returns whether any ran."""
        ran = False
        while not self.blocked and self.handler is not None:
            number = self._next()
            if not number:
                break
            try:
                task.call_guest(self.handler, (number,))
            finally:
                with self._lock:
                    self._running.discard(number)
            ran = True
        return ran

    def _next(self) -> int:
        """Take the pending signal with the lowest number whose handler does not run; 0 when there is none."""
        with self._lock:
            number = min(self._pending - self._running, default=0)
            if number:
                self._pending.discard(number)
                self._running.add(number)
        return number

    def _default(self, number: int) -> None:
        ignored = self.dispositions.get(number) == Disposition.IGNORE and number != Signal.KILL
        if not ignored and number not in IGNORED_BY_DEFAULT:
            self._process.terminate(number)
