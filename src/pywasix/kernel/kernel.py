"""The kernel: every process of one running program, their numbers and their locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.futex import Futexes
from pywasix.kernel.process import Process
from pywasix.kernel.task import Task
from pywasix.kernel.wait import Poller

if TYPE_CHECKING:
    from pywasix.kernel.timers import Timers
    from pywasix.kernel.tty import Terminal

_MOST_IDS = 0x1FFFFFFF  # libc keeps a tid in 29 bits of its locks
MOST_TASKS = 1024  # of one process


class Kernel:
    """Processes and what they share.

    Attributes:
        descriptor_lock: guards the entries of every descriptor table and the files' references.
        timers: made when they are first used, which `_making` guards.
        process_lock: guards `status` of processes and `ended` of tasks, and the process table.
        terminal: the program's terminal, if it has one.

    Args:
        new_poller: makes the poller of a task.
    """

    def __init__(self, new_poller: Callable[[], Poller]) -> None:
        self.descriptor_lock = Lock()
        self.process_lock = Lock()
        self.futexes = Futexes()
        self._making = Lock()
        self._timers: Timers | None = None
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
        return self._timers

    def start_process(self, args: Sequence[bytes], env: Sequence[bytes], *, max_fds: int, parent: int = 0) -> Process:
        """A new process with its main task, and nothing open."""
        poller = self._new_poller()
        with self.process_lock:
            pid = self._take_id()
            process = Process(self, pid, parent=parent, args=args, env=env, max_fds=max_fds)
            process.tasks.append(Task(process, pid, poller))
            self._processes[pid] = process
        return process

    def start_task(self, process: Process) -> Task:
        """A further task of a process. Errors: AGAIN too many; MFILE, NFILE of the host."""
        poller = self._new_poller()
        with self.process_lock:
            full = len(process.tasks) >= MOST_TASKS
            if not full:
                task = Task(process, self._take_id(), poller)
                process.tasks.append(task)
        if full:
            poller.close()
            raise SysError(Errno.AGAIN, f"a process has at most {MOST_TASKS} threads")
        if process.status is not None:
            task.stop()  # the process ended meanwhile
        return task

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
        """Every process, those without a parent included."""
        return list(self._processes.values())

    def all_tasks(self) -> Iterable[Task]:
        """Every task of every process."""
        return [task for process in self.all_processes() for task in list(process.tasks)]

    def forget(self, process: Process) -> None:
        """A process ended; its number is not used again."""
        with self.process_lock:
            self._processes.pop(process.pid, None)
            last = not self._processes
        if last and self._timers is not None:
            self._timers.close()
