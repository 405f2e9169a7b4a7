"""vfork: a child that runs in the place of its parent, on its stack and memory, until it runs another program or ends.

The child is a process with descriptors, a working directory and a pid of its own. Only the caller's thread
stands still; its task belongs to the child meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywasix.abi.enums import Signal
from pywasix.errors import StackJump, SysError
from pywasix.kernel.process import ExitStatus

if TYPE_CHECKING:
    from pywasix.kernel.launch import Program, Running
    from pywasix.kernel.process import Process
    from pywasix.kernel.stack import SavedStack
    from pywasix.kernel.task import Task


class VforkChild:
    """A child that runs in its parent's place. They can be nested.

    Attributes:
        pid: the child's.

    Args:
        task: the caller's.
        saved: where the parent goes on; None when the guest finds its way itself (proc_fork_env). The data on its
            stack is then as it is now: the child may return from the function that called vfork, whose data other
            calls overwrite then.
    """

    def __init__(self, task: Task, child: Process, saved: SavedStack | None = None) -> None:
        self.pid = child.pid
        self._task = task
        self._back = None if saved is None else StackJump(saved, child.pid, task.stack.data(saved))
        self._child = child
        self._own_task = child.main_task
        self._parent, self._outer, self._signals = task.process, task.child, task.signals

    def begin(self) -> None:
        """From now on the task is the child's."""
        task = self._task
        self._child.tasks[:] = [task]
        task.child, task.signals = self, self._own_task.signals
        task.belong_to(self._child)
        task.attention = True  # the child may have been stopped, or sent a signal, before it had a task to be told
        if self._child.status is not None:
            task.stop()

    def end(self, status: ExitStatus) -> StackJump | None:
        """The child has ended, in the middle of what it did; the task is the parent's again.

        Returns: where the parent goes on; None when it cannot.
        """
        alive = not self._over()
        self._leave()
        self._child.finish(status if alive else ExitStatus(signal=Signal.KILL))
        self._child.task_ended(self._own_task)
        if not alive:
            return None
        if self._back is None:
            self._parent.abort("a child of proc_fork_env ended by something else than proc_exit2, which cannot return")
        return self._back

    def go_away(self, program: Program) -> StackJump | None:
        """The child runs another program from now on, in a thread of its own; the task is the parent's again.

        Returns: where the parent goes on; None when the guest finds its way itself.
        """
        self._leave()
        child = self._child
        running: Running | None = None
        try:
            running = program.begin(child)
            child.kernel.launcher.launch(child, running)
        except SysError as error:  # it has given up what it was: as Linux does then, it is killed
            if running is not None:
                running.close()
            child.finish(ExitStatus(signal=Signal.KILL, reason=str(error)))
            child.task_ended(self._own_task)
        return self._back

    def exited(self, code: int) -> None:
        """The child of a guest that finds its way itself has ended; the task is the parent's again."""
        self._leave()
        self._child.finish(ExitStatus(code=code))
        self._child.task_ended(self._own_task)

    @property
    def returns(self) -> bool:
        """Whether the guest finds its way itself (proc_fork_env)."""
        return self._back is None

    def _leave(self) -> None:
        task = self._task
        self._child.tasks[:] = [self._own_task]
        task.child, task.signals, task.unwind = self._outer, self._signals, None
        task.belong_to(self._parent)
        # What stopped or woke the task meant the child, or else the parent: both look again.
        task.stopping = False
        task.attention = self._own_task.attention = True
        if self._over():
            task.stopping = True
        if self._child.status is not None:
            self._own_task.stopping = True

    def _over(self) -> bool:
        """Whether one of those in whose place the child runs has ended: they cannot go on without each other."""
        level: VforkChild | None = self
        while level is not None and level._parent.status is None:
            level = level._outer
        return level is not None
