"""Threads of a process: starting one, and waiting for its end.

A thread is a task of its own on the guest's shared memory. What runs guest code in it is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.wait import pause

if TYPE_CHECKING:
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task


class ThreadStarter(Protocol):
    """Runs guest code in new threads."""

    def can_start(self, entry: str) -> bool:
        """Whether the guest shares its memory and exports a function of this name."""
        ...

    def start(self, task: Task, entry: str, arguments: tuple[int, ...]) -> None:
        """Call an export in a new thread of the host, as a task. Errors: AGAIN the host has none left."""
        ...


def spawn(process: Process, entry: str, arguments: Callable[[int], tuple[int, ...]]) -> int:
    """Start a thread; returns its tid.

    Args:
        arguments: what the export gets, i32 numbers, by the thread's tid.
    Errors: NOTCAPABLE the guest cannot have threads; AGAIN too many.
    """
    starter = process.starter
    if starter is None or not starter.can_start(entry):
        raise SysError(Errno.NOTCAPABLE, f"threads need a shared imported memory and an export {entry}")
    task = process.kernel.start_task(process)
    try:
        starter.start(task, entry, arguments(task.tid))
    except BaseException:
        process.task_ended(task)
        raise
    return task.tid


def join(task: Task, tid: int) -> None:
    """Wait until a thread of the same process has ended; signal handlers run meanwhile.

    Errors: SRCH there never was such a thread; DEADLK it is the caller.
    """
    if tid == task.tid:
        raise SysError(Errno.DEADLK, "a thread cannot wait for its own end")
    other = next((each for each in list(task.process.tasks) if each.tid == tid), None)
    if other is None:
        if not task.process.kernel.was_given(tid):
            raise SysError(Errno.SRCH, f"there is no thread {tid}")
        return
    other.joiners.append(task)
    while not other.ended:
        if task.attention:
            task.attend()  # a handler may wait too, and be woken in place of this
        else:
            pause(task, None)
