"""The kernel: every process of one running program, their numbers and their locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import Signal
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.ending import Ending
from pywasix.kernel.fdtable import OpenFiles
from pywasix.kernel.futex import Futexes
from pywasix.kernel.launch import NO_LAUNCHER, Launcher
from pywasix.kernel.memory import MemorySum
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.task import Task, nothing
from pywasix.kernel.wait import Poller, deadline_after, pause

if TYPE_CHECKING:
    from pywasix.kernel.cpu import CpuLimit
    from pywasix.kernel.file import File
    from pywasix.kernel.timers import Timers
    from pywasix.kernel.tty import Terminal

_MOST_IDS = 0x1FFFFFFF  # libc keeps a tid in 29 bits of its locks
MOST_THREADS = 1024  # of one program
MOST_FILES = 65536  # of one program
MOST_PROCESSES = 256  # of one program, zombies included
_REFUSED = 200_000  # ns for each thread: programs that want more and more must not keep the host from all else
FIRST = 1
"""The process that Python started: when it ends, all others do, and it is the parent of orphans."""


class Kernel:
    """Processes and what they share.

    Attributes:
        descriptor_lock: guards the entries of every descriptor table and the files' references.
        timers: made when they are first used, which `_making` guards, and closed with the last process.
        process_lock: guards `status` of processes and `ended` of tasks, and the process table.
        terminal: the program's terminal, if it has one.

        launcher: runs processes; set by the runtime.
        cpu: the limit of its processor time, if it has one; set by the runtime.
        when_stopped: called when the first process has stopped (SIGSTOP), whose parent is not of the program.
        ending: the first process has ended.

    Args:
        new_poller: makes the poller of a task.
        max_processes: at once, those included that ended and were not waited for.
        max_threads: at once, of all processes together.
        max_files: that all processes may have open together.
        max_total_memory: bytes that all processes may have together; None for no limit of the sum.
    """

    def __init__(
        self,
        new_poller: Callable[[], Poller],
        *,
        max_processes: int = MOST_PROCESSES,
        max_threads: int = MOST_THREADS,
        max_total_memory: int | None = None,
        max_files: int = MOST_FILES,
    ) -> None:
        self.max_processes = max_processes
        self.max_threads = max_threads
        self.launcher: Launcher = NO_LAUNCHER
        self.when_stopped: Callable[[], object] = nothing
        self.ending = False
        self.descriptor_lock = Lock()
        self.process_lock = Lock()
        self.futexes = Futexes()
        self.ending_tasks = Ending()
        self.files = OpenFiles(max_files)
        self.memory = MemorySum(max_total_memory)
        self.cpu: CpuLimit | None = None
        self._making = Lock()
        self._timers: Timers | None = None
        self._over = False  # the last process has ended
        self.terminal: Terminal | None = None
        self._new_poller = new_poller
        self._processes: dict[int, Process] = {}
        self._last_id = self._highest_id = 0

    @property
    def timers(self) -> Timers:
        """What happens at a time."""
        with self._making:
            if self._timers is None:
                from pywasix.kernel.timers import Timers  # few programs have any

                self._timers = Timers()
                if self._over:
                    self._timers.close()
        return self._timers

    def start_process(self, args: Sequence[bytes], env: Sequence[bytes], *, max_fds: int, parent: int = 0) -> Process:
        """A new process with its main task, and nothing open."""
        poller = self._new_poller()
        with self.process_lock:
            return self._new_process(poller, args, env, max_fds=max_fds, parent=parent)

    def _new_process(
        self, poller: Poller, args: Sequence[bytes], env: Sequence[bytes], *, max_fds: int, parent: int
    ) -> Process:
        pid = self._take_id()
        process = Process(self, pid, parent=parent, args=args, env=env, max_fds=max_fds)
        process.tasks.append(Task(process, pid, poller))
        self._processes[pid] = process
        return process

    def start_task(self, process: Process) -> Task:
        """A further task of a process. Errors: AGAIN too many, or the process has ended or runs another program."""
        poller = self._further_poller()
        with self.process_lock:
            # Who ends a process looks at its tasks after that: hundreds that start more would keep it alive.
            over = process.status is not None or process.successor is not None
            full = self._threads() >= self.max_threads
            if not (over or full):
                task = Task(process, self._take_id(), poller)
                task.attention = bool(process.halted)  # who stops a process tells those that it has by then
                process.tasks.append(task)
        if over:
            poller.close()
            raise SysError(Errno.AGAIN, "the process is being ended")
        if full:
            poller.close()
            raise SysError(Errno.AGAIN, f"all {self.max_threads} threads are in use (--max-threads)")
        return task

    def _further_poller(self) -> Poller:
        """Errors: AGAIN the host has no descriptors for one more task (POSIX fork, pthread_create)."""
        try:
            return self._new_poller()
        except SysError as error:
            raise SysError(Errno.AGAIN, error.text) from None

    def _threads(self) -> int:
        return sum(len(process.tasks) for process in self._processes.values())

    def _take_id(self) -> int:
        """The next number for a process or a task, for a caller that holds `process_lock`."""
        while True:
            self._last_id = self._last_id % _MOST_IDS + 1
            self._highest_id = max(self._highest_id, self._last_id)
            # Only when all numbers were given once can one be in use still.
            if self._highest_id < _MOST_IDS or all(task.tid != self._last_id for task in self.all_tasks()):
                return self._last_id

    def was_given(self, number: int) -> bool:
        """Whether a process or a task has or had this number."""
        return 0 < number <= self._highest_id

    def process(self, pid: int) -> Process | None:
        """The process with this number, if it runs."""
        return self._processes.get(pid)

    def all_processes(self) -> list[Process]:
        """Every process, those that nobody has waited for included."""
        return list(self._processes.values())

    def all_tasks(self) -> Iterable[Task]:
        """Every task of every process."""
        return [task for process in self.all_processes() for task in list(process.tasks)]

    def counted(self) -> AbstractContextManager[None]:
        """Count the processor time of this thread of the host's meanwhile, if that is limited."""
        return nullcontext() if self.cpu is None else self.cpu.counted()

    def waiters(self, file: File) -> list[Task]:
        """The tasks that wait on a file, alone or among others. Every close asks."""
        found = []
        for process in list(self._processes.values()):
            for task in list(process.tasks):
                waiting_on = task.waiting_on
                if waiting_on is file or (type(waiting_on) is frozenset and file in waiting_on):
                    found.append(task)
        return found

    def fork_process(self, task: Task) -> Process:
        """A copy of a task's process, with a main task and what fork hands down; nothing runs in it yet.

        Errors: AGAIN too many processes, or too little of the host.
        """
        if task.stopping:  # hundreds that fork while they are being ended would keep each other alive
            raise SysError(Errno.AGAIN, "the process is being ended")
        parent = task.process
        poller = self._further_poller()
        try:
            files = None if parent.files is None else parent.files.copy()
        except SysError as error:
            poller.close()
            raise SysError(Errno.AGAIN, error.text) from None
        with self.process_lock:
            processes, threads = len(self._processes), self._threads()
            full = processes >= self.max_processes or threads >= self.max_threads
            if not full:
                child = self._new_process(poller, parent.args, parent.env, max_fds=parent.fds.limit, parent=parent.pid)
        if full:
            poller.close()
            if files is not None:
                files.close()
            self.refused(task)
            what = f"{processes} processes (--max-processes) and {threads} threads (--max-threads)"
            raise SysError(Errno.AGAIN, f"the program has {what}")
        child.complain = parent.complain
        child.local_keys = parent.local_keys.copy()
        child.main_task.locals = dict(task.locals)
        child.main_task.checkpoints = task.checkpoints.copy()
        child.files = files
        parent.signals.forked(child, task)
        parent.fds.copy_to(child.fds)
        if self.ending:
            child.terminate(Signal.KILL)
        return child

    def refused(self, task: Task) -> None:
        """Somebody was refused a process: he waits a moment, for which it must not be his turn again."""
        pause(task, deadline_after(_REFUSED * self._threads()))

    def discard(self, process: Process) -> None:
        """A process that could not begin."""
        process.orphan = True  # nobody is to be told
        process.terminate(Signal.KILL)
        process.task_ended(process.main_task)

    def process_stopped(self, process: Process) -> None:
        """A process was stopped and all its tasks stand still."""
        if process.pid == FIRST:
            self.when_stopped()
        else:
            self.tell_parent(process)

    def tell_parent(self, process: Process) -> None:
        """A process has stopped or goes on: SIGCHLD to its parent, which may wait for that."""
        with self.process_lock:
            parent = self._parent_of(process)
        if parent is not None:
            parent.signals.post(Signal.CHLD)
            for task in list(parent.waiting):
                task.poller.wake()

    def _parent_of(self, process: Process) -> Process | None:
        """Who may wait for a process, for a caller that holds `process_lock`."""
        parent = None if process.orphan else self._processes.get(process.parent)
        return None if parent is None or parent.zombie else parent

    def process_ended(self, process: Process) -> None:
        """A process is gone but for its status, which its parent may ask for; its own children are orphans now."""
        with self.process_lock:
            parent = self._parent_of(process)
            for child in [each for each in self._processes.values() if each.parent == process.pid]:
                child.orphan = True
                child.parent = FIRST
                if child.zombie:
                    self._processes.pop(child.pid)
            process.zombie = True
            if parent is None:
                self._processes.pop(process.pid, None)
            else:
                # As on Linux the signal is there when the parent's wait returns. Its default does nothing.
                parent.signals.post(Signal.CHLD)
            last = not self._processes
        if last:
            with self._making:
                self._over, timers = True, self._timers
            if timers is not None:
                timers.close()
        process.ended.set()
        if parent is not None:
            for task in list(parent.waiting):
                task.poller.wake()

    def reap(self, process: Process) -> None:
        """Forget a process whose status was told, for a caller that holds `process_lock`."""
        del self._processes[process.pid]

    def end_all(self) -> None:
        """The first process has ended: nothing outlives the program."""
        self.ending = True
        running = [each for each in self.all_processes() if each.status is None and each.pid != FIRST]
        for process in running:
            process.ask_to_finish(ExitStatus(signal=Signal.KILL))
        interruptions = (process.main_task.interrupt_engine for process in running)
        next((interrupt for interrupt in interruptions if interrupt is not nothing), nothing)()  # it is one engine
