"""The kernel: every process of one running program, their numbers and their locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

from pywasix.kernel.futex import Futexes
from pywasix.kernel.process import Process
from pywasix.kernel.task import Task
from pywasix.kernel.wait import Poller


class Kernel:
    """Processes and what they share.

    Attributes:
        descriptor_lock: guards the entries of every descriptor table and the files' references.
        process_lock: guards `status` of processes and `ended` of tasks, and the process table.

    Args:
        new_poller: makes the poller of a task.
    """

    def __init__(self, new_poller: Callable[[], Poller]) -> None:
        self.descriptor_lock = Lock()
        self.process_lock = Lock()
        self.futexes = Futexes()
        self._new_poller = new_poller
        self._processes: dict[int, Process] = {}
        self._next_id = 1

    def start_process(self, args: Sequence[bytes], env: Sequence[bytes], *, max_fds: int, parent: int = 0) -> Process:
        """A new process with its main task, and nothing open."""
        poller = self._new_poller()
        with self.process_lock:
            pid = self._next_id
            self._next_id += 1
            process = Process(self, pid, parent=parent, args=args, env=env, max_fds=max_fds)
            process.tasks.append(Task(process, pid, poller))
            self._processes[pid] = process
        return process

    def process(self, pid: int) -> Process | None:
        """The process with this number, if it runs."""
        return self._processes.get(pid)

    def all_tasks(self) -> Iterable[Task]:
        """Every task of every process."""
        return [task for process in list(self._processes.values()) for task in list(process.tasks)]

    def forget(self, process: Process) -> None:
        """A process ended; its number is not used again."""
        with self.process_lock:
            self._processes.pop(process.pid, None)
