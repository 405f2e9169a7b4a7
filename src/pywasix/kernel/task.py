"""A task: one thread of a guest, with what wakes it, stops it and signals it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import Killed, StackUnwinding, SysError, ThreadEnd, Unwind
from pywasix.kernel.checkpoints import Checkpoints
from pywasix.kernel.signal import TaskSignals
from pywasix.kernel.stack import NO_STACK, CallStack
from pywasix.kernel.wait import release, stand_still

if TYPE_CHECKING:
    from pywasix.kernel.file import File
    from pywasix.kernel.process import Process
    from pywasix.kernel.vfork import VforkChild
    from pywasix.kernel.wait import Poller


class Task:
    """One thread of a guest.

    Attributes:
        attention: true when a kill or a signal waits for this task; the border looks at it after
            each call, so it must stay one plain attribute.
        waiting_on: the file that a blocking call of this task uses now, or the files of a poll on several. A
            file that some task waits on is given back by the last task that leaves it (`FdTable.dispose`).
        lost_file: the file whose last descriptor another thread closed while this task waited on it.
            It counts only while `waiting_on` is the same: the closer may be late, and the task gone on. A poll
            looks at its files' `references` instead.
        ended: the task is gone; guarded by the process lock.
        unwind: why the guest's stack is being taken down, stored before it is raised.
        asleep: it waits in its poller, which a wake-up ends.
        standing: it stands still, because its process was stopped; guarded by the process lock.
        nudge_engine: makes the guest of this task look for signals soon, while it computes; None when it cannot.
            Set by the engine.
        token: what `wait.rest` waits for now.
        interrupted: how many handlers run now in the middle of the guest's computing: its call stack cannot be
            saved meanwhile.
        interrupt_engine: makes the engine look at every task that runs guest code; set by the engine.
        thread: the host's number of the thread that runs it, 0 before and after that; set by the engine.
        call_guest: calls an export of the guest, from inside a system call; set by the engine.
        locals: values of the thread-local keys of the 2022 generation.
        stack: the guest's call stack, which it can save and go back into; set by the engine.
        checkpoints: stacks that it has saved for longjmp.
        child: the child that runs in its place now (vfork).
        joiners: the tasks that wait for this one's end.
        signals: what is pending for this task alone, and whether signals wait.
    """

    __slots__ = (
        "asleep",
        "attention",
        "call_guest",
        "checkpoints",
        "child",
        "ended",
        "interrupt_engine",
        "interrupted",
        "joiners",
        "locals",
        "lost_file",
        "nudge_engine",
        "poller",
        "process",
        "signals",
        "stack",
        "standing",
        "stopping",
        "thread",
        "tid",
        "token",
        "unwind",
        "waiting_on",
    )

    def __init__(self, process: Process, tid: int, poller: Poller) -> None:
        self.process = process
        self.tid = tid
        self.poller = poller
        self.attention = False
        self.stopping = False
        self.standing = False
        self.ended = False
        self.thread = 0
        self.unwind: Unwind | None = None
        self.waiting_on: File | frozenset[File] | None = None
        self.lost_file: File | None = None
        self.interrupt_engine: Callable[[], None] = nothing
        self.nudge_engine: Callable[[], None] | None = None
        self.interrupted = 0
        self.asleep = False
        self.token: Lock | None = None
        self.call_guest: Callable[[str, tuple[int, ...]], None] = _no_guest
        self.stack: CallStack = NO_STACK
        self.locals: dict[int, int] = {}
        self.checkpoints = Checkpoints()
        self.child: VforkChild | None = None
        self.joiners: list[Task] = []
        self.signals = TaskSignals()

    def disconnect(self) -> None:
        """The engine has let go of this task."""
        self.interrupt_engine = nothing
        self.nudge_engine = None
        self.call_guest = _no_guest
        self.stack = NO_STACK

    def belong_to(self, process: Process) -> None:
        """Be the task of another process from now on (vfork)."""
        self.process = process
        self.stack.belong_to(process)

    def stop(self) -> None:
        """Take this task down at its next interruption point. Any thread may call it, repeatedly."""
        self.stopping = True
        self.notify()
        self.interrupt_engine()

    def notify(self) -> None:
        """Make the task look for signals or its end, wherever it is. Any thread may call it."""
        self.attention = True
        token = self.token
        if token is not None:
            release(token)
        self.poller.wake()

    def attend(self) -> bool:
        """Act on what `notify` announced; returns whether a signal handler of the guest ran.

        Raises: Unwind when the task must end.
        """
        if not self.attention:
            return False
        self.attention = False
        if self.stopping:
            self.attention = True  # stays up: every later point must end the task too
            raise self._end()
        if self.stack.moving:
            self.attention = True  # until the guest is back where it was
            if self.stack.unwinding:
                raise StackUnwinding(nested=True)
            return False
        waiting = self.waiting_on
        ran = self._deliver()
        if waiting is not None:
            self._wait_again(waiting)
        return ran

    def _deliver(self) -> bool:
        """Stand still while the process is stopped, and take signals, one of which may stop it again."""
        ran = False
        while True:
            self.stand_still()
            ran = self.process.signals.deliver(self) or ran
            if not self.process.halted:
                return ran

    def stand_still(self) -> None:
        """Do nothing while the process is stopped. Raises: Unwind when the task must end."""
        if self.process.halted:
            stand_still(self)
            if self.stopping:
                self.attention = True
                raise self._end()

    def _wait_again(self, waiting: File | frozenset[File]) -> None:
        """A handler has run inside of a call on a file, which goes on; its own calls ended with no file at all.

        Nobody may close the file from now on; somebody may have done so meanwhile.
        """
        self.waiting_on = waiting
        if not isinstance(waiting, frozenset) and not waiting.references:
            self.lost_file = waiting

    def interruption_point(self) -> None:
        """Where a blocking call may be interrupted.

        Errors: INTR when a signal handler ran; BADF when the file was closed by another thread.
        Raises Unwind when the task must end.
        """
        if self.attention and self._interrupted():
            raise SysError(Errno.INTR, "a signal handler ran")
        if self.lost_file is not None and self.lost_file is self.waiting_on:
            raise SysError(Errno.BADF, "another thread closed the descriptor")

    def _interrupted(self) -> bool:
        try:
            return self.attend()
        except StackUnwinding as unwinding:
            unwinding.outcome = SysError(Errno.INTR, "a signal handler ran")
            raise

    def leave(self, file: File) -> None:
        """A call on a file is over; give the file back if its last descriptor went meanwhile."""
        self.waiting_on = None
        if not file.references:
            self.lost_file = None
            self.process.fds.dispose(file)

    def wait_on(self, files: frozenset[File]) -> None:
        """Begin to wait on several files, so that nobody closes them meanwhile."""
        self.waiting_on = next(iter(files)) if len(files) == 1 else files or None

    def leave_all(self, files: Iterable[File]) -> None:
        """`leave` for a call on several files."""
        self.waiting_on = None
        for file in files:
            if not file.references:
                self.leave(file)

    def _end(self) -> Unwind:
        status = self.process.status
        if status is not None and status.signal:
            return Killed(status.signal)
        return ThreadEnd()


def nothing() -> None:
    """A task that the engine has not taken over yet runs no guest code to interrupt."""


def _no_guest(name: str, arguments: tuple[int, ...]) -> None:
    raise AssertionError(f"no engine runs this task, so {name}{arguments} cannot be called")
