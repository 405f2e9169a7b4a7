"""Waiting for children (POSIX waitpid)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.wait import pause

if TYPE_CHECKING:
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task


class Told(NamedTuple):
    """A child that has ended, or that a signal has stopped (0: it has ended)."""

    child: Process
    stopped: int = 0


def join(task: Task, pid: int | None, *, wait: bool, stopped: bool = False) -> Told | None:
    """Wait until a child has ended, and forget it. Signal handlers run meanwhile.

    Args:
        pid: which one; None for any.
        wait: when none has ended yet, wait.
        stopped: a child that has stopped is told too, once for each stop (WUNTRACED).
    Returns: None when there is nothing to tell, and the caller did not want to wait.
    Errors: CHILD there is no such child; INTR.
    """
    process = task.process
    process.waiting.append(task)
    try:
        while True:
            told, others = _news(process, pid, stopped)
            if told is not None or (others and not wait):
                return told
            if not others:
                raise SysError(Errno.CHILD, "there is no child" if pid is None else f"{pid} is no child")
            if task.attention:
                task.interruption_point()  # who is stopped here, or runs a handler, is woken in place of this
            else:
                pause(task, None)
    finally:
        process.waiting.remove(task)


def _news(parent: Process, pid: int | None, stopped: bool) -> tuple[Told | None, bool]:
    """The child that ended first and is forgotten now, or one that has stopped; whether there are children at all."""
    kernel = parent.kernel
    with kernel.process_lock:
        children = [
            each
            for each in kernel.all_processes()
            if each.parent == parent.pid and not each.orphan and pid in (None, each.pid)
        ]
        ended = next((each for each in children if each.zombie), None)
        if ended is not None:
            kernel.reap(ended)
            return Told(ended), True
        halted = next((each for each in children if stopped and each.stop_untold and each.status is None), None)
        if halted is not None:
            halted.stop_untold = False
            return Told(halted, halted.halted), True
    return None, bool(children)
