"""A process: what its tasks share, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pywasix.abi.enums import Signal
from pywasix.kernel.fdtable import FdTable
from pywasix.kernel.local import LocalKeys
from pywasix.kernel.signal import Signals

if TYPE_CHECKING:
    from pywasix.kernel.kernel import Kernel
    from pywasix.kernel.launch import Program
    from pywasix.kernel.task import Task
    from pywasix.kernel.threads import ThreadStarter


class ExitStatus(NamedTuple):
    """How a process ended: an exit code, or the signal that ended it, with an explanation for people."""

    code: int = 0
    signal: int = 0
    reason: str = ""


class ProcessFiles(Protocol):
    """The file system as one process sees it: the program's namespace, and a working directory of its own.

    `fs.files.GuestFiles` is it; the kernel hands it on and looks no deeper.
    """

    @property
    def has_moved(self) -> bool:
        """Whether the working directory is another one than "/"."""
        ...

    def copy(self) -> ProcessFiles:
        """The same for a child: same namespace, same working directory, each moving on its own from then on."""
        ...

    def close(self) -> None:
        """The process ended: give back what its view of the files holds. Harmless when done before."""
        ...


class Process:
    """A guest process.

    Attributes:
        pid, parent: the kernel's own numbers; no OS process stands behind them. The parent of a
            program that Python started is 0, that of an orphan is the first process.
        orphan: its parent has ended; nobody waits for its end.
        zombie: it has ended, and is known for as long as its parent may ask how; guarded by the process lock.
        waiting: the tasks that wait for a child.
        halted: the signal that has stopped it, until SIGCONT; 0 while it goes on. Guarded by the process lock.
        stands: it was stopped and all its tasks stand still; guarded by the process lock.
        stop_untold: its parent may still ask for that, once; guarded by the process lock.
        args, env: bytes, `env` as KEY=VALUE.
        status: how it ended; None while it runs. Set once, under the kernel's process lock.
        local_keys: thread-local keys of the 2022 generation.
        ended: set when the last task is gone and every descriptor is closed.
        starter: runs guest code in new threads; None for a guest without.
        successor: the program that it runs next, in place of what it runs now (exec), and the new environment;
            guarded by the process lock.
        complain: tells the user something about the guest that the guest itself cannot be told.
        files: its view of the file system; whoever makes the process sets it, and it is closed with the process.
        missing: calls that were answered with NOSYS because nothing stands behind them, in their order.
        crash: the mistake in pywasix that ended the process, if one did.
    """

    def __init__(
        self,
        kernel: Kernel,
        pid: int,
        *,
        parent: int = 0,
        args: Sequence[bytes] = (),
        env: Sequence[bytes] = (),
        max_fds: int,
    ) -> None:
        self.kernel = kernel
        self.pid = pid
        self.parent = parent
        self.args = list(args)
        self.env = list(env)
        self.fds = FdTable(max_fds, kernel.descriptor_lock, kernel.waiters, kernel.files)
        self.signals = Signals(self)
        self.tasks: list[Task] = []
        self.orphan = self.zombie = False
        self.waiting: list[Task] = []
        self.halted = 0
        self.stands = self.stop_untold = False
        self.local_keys = LocalKeys()
        self.files: ProcessFiles | None = None
        self.status: ExitStatus | None = None
        self.ended = Event()
        self.missing: dict[str, None] = {}
        self.starter: ThreadStarter | None = None
        self.successor: tuple[Program, Sequence[bytes] | None] | None = None
        self.complain: Callable[[str], None] = _say_nothing
        self.crash: Exception | None = None

    @property
    def main_task(self) -> Task:
        """The first task, which gets signals before the others. Its tid is the pid."""
        return self.tasks[0]

    def finish(self, status: ExitStatus) -> None:
        """End the process: the first status counts, and every task is taken down."""
        self.ask_to_finish(status)
        self.main_task.interrupt_engine()

    def ask_to_finish(self, status: ExitStatus) -> None:
        """`finish` for a caller that interrupts the engine himself, once for many processes."""
        with self.kernel.process_lock:
            if self.status is None:
                self.status = status
                self.halted, self.stands, self.stop_untold = 0, False, False
        self.kernel.ending_tasks.stop(list(self.tasks))

    def terminate(self, signal: int) -> None:
        """End the process by a signal."""
        self.finish(ExitStatus(signal=signal))

    def abort(self, reason: str) -> None:
        """End the process by SIGABRT, as if it had called abort(), for what it cannot be told."""
        self.finish(ExitStatus(signal=Signal.ABRT, reason=reason))

    def halt(self, number: int) -> None:
        """Stop the process by a signal until `go_on`: each task stands still as soon as it can (POSIX SIGSTOP)."""
        with self.kernel.process_lock:
            if self.status is not None or self.halted:
                return
            self.halted = number
            stopped = self._has_stopped()  # it may have gone on so shortly before that nobody noticed
        for task in list(self.tasks):
            task.notify()
        if stopped:
            self.kernel.process_stopped(self)
        else:
            self.main_task.interrupt_engine()

    def go_on(self, to: Task | None = None) -> bool:
        """Let a process go on by SIGCONT, whose handler it runs first; returns whether it was stopped.

        Args:
            to: the task that the signal was sent to, if it was not the process.
        """
        with self.kernel.process_lock:
            if not self.halted:
                return False
            self.signals.keep(Signal.CONT, to)
            self.halted, self.stands, self.stop_untold = 0, False, False
        for task in list(self.tasks):
            task.notify()
        self.kernel.tell_parent(self)
        return True

    def task_stands(self, task: Task) -> None:
        """A task stands still; the process has stopped when the last one does."""
        with self.kernel.process_lock:
            task.standing = True
            stopped = self._has_stopped()
        if stopped:
            self.kernel.process_stopped(self)

    def task_goes_on(self, task: Task) -> bool:
        """Whether a task that stands still may go on or has to end; it does so then."""
        with self.kernel.process_lock:
            task.standing = bool(self.halted) and not task.stopping
            return not task.standing

    def _has_stopped(self) -> bool:
        """Whether the last task stands still only now, for a caller that holds the process lock.

        One that runs a child in its place (vfork) comes to a stop when the child has ended, as on Linux.
        """
        if not self.halted or self.stands or self.status is not None:
            return False
        self.stands = all(each.ended or (each.standing and each.process is self) for each in self.tasks)
        self.stop_untold = self.stands
        return self.stands

    def task_ended(self, task: Task) -> None:
        """A task is gone; the last one closes what the process held."""
        with self.kernel.process_lock:
            last = all(other.ended or other is task for other in self.tasks)
            task.ended = True
            if task is not self.main_task:
                self.tasks.remove(task)
            if last and self.status is None:
                self.status = ExitStatus()
            stopped = self._has_stopped()
        try:
            if stopped:
                self.kernel.process_stopped(self)
            if last:
                self.fds.close_all()
        finally:
            if last and self.files is not None:
                self.files.close()
            for joiner in list(task.joiners):
                joiner.poller.wake()
            self.signals.left(task)
            task.poller.close()
            self.kernel.ending_tasks.wake_next()
            if last:
                self.signals.cancel_timers()
                self.starter = None  # it holds the guest's memory
                self.kernel.process_ended(self)


def _say_nothing(text: str) -> None:
    """A process whose starter does not want to hear."""
