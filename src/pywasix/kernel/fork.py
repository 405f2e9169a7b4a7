"""fork and vfork: what happens while the caller's stack is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pywasix.kernel.vfork import VforkChild

if TYPE_CHECKING:
    from pywasix.kernel.stack import SavedStack
    from pywasix.kernel.task import Task


def copied(task: Task) -> Callable[[SavedStack], int]:
    """fork(2): start a copy of the caller's process; gives its pid.

    Errors: AGAIN too many processes; NOMEM, also when all processes would have too much together.
    """

    def fork(saved: SavedStack) -> int:
        kernel = task.process.kernel
        child = kernel.fork_process(task)
        try:
            task.stack.fork(child, saved)
        except BaseException:
            kernel.discard(child)
            kernel.refused(task)
            raise
        return child.pid

    return fork


def shared(task: Task) -> Callable[[SavedStack], int]:
    """vfork(2): let a child run in the caller's place; gives 0 to the child, and its pid when the caller goes on.

    Errors: AGAIN too many processes; NOMEM more on the stack than can be kept.
    """

    def vfork(saved: SavedStack) -> int:
        kernel = task.process.kernel
        child = kernel.fork_process(task)
        try:
            running = VforkChild(task, child, saved)
        except BaseException:
            kernel.discard(child)
            raise
        running.begin()
        return 0

    return vfork


def environment(task: Task) -> int:
    """Let a child run in the caller's place that returns to the guest at once; gives its pid (proc_fork_env).

    The guest itself sees to it that its parent goes on where it was, with setjmp.
    Errors: AGAIN too many processes.
    """
    child = task.process.kernel.fork_process(task)
    VforkChild(task, child).begin()
    return child.pid
