"""Waiting for the end of children (POSIX waitpid)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.wait import pause

if TYPE_CHECKING:
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task


def join(task: Task, pid: int | None, *, wait: bool) -> Process | None:
    """Wait until a child has ended, and forget it. Signal handlers run meanwhile.

    Args:
        pid: which one; None for any.
        wait: when none has ended yet, wait.
    Returns: the child that ended; None when none has, and the caller did not want to wait.
    Errors: CHILD there is no such child; INTR.
    """
    process = task.process
    process.waiting.append(task)
    try:
        while True:
            ended, others = _ended_child(process, pid)
            if ended is not None or (others and not wait):
                return ended
            if not others:
                raise SysError(Errno.CHILD, "there is no child" if pid is None else f"{pid} is no child")
            task.interruption_point()
            pause(task, None)
    finally:
        process.waiting.remove(task)


def _ended_child(parent: Process, pid: int | None) -> tuple[Process | None, bool]:
    """The child that ended first and is forgotten now, if there is one; whether there are children at all."""
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
    return ended, bool(children)
