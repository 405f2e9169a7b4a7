"""The threads of a guest: each is a thread of the host with an instance of its own on the guest's memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock, Thread, current_thread, stack_size
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.engine.instance import GuestTask
from pywasix.errors import ModuleError, SysError
from pywasix.kernel.task import Task

# Bytes: the guest's own stack (`engine.module`) and the host's frames.
_THREAD_STACK = 16 << 20
_MOST_IDLE = 64  # of the host's threads that wait for a guest thread to run
_stack_size_lock = Lock()  # guards the process-wide setting of thread stack sizes


def start_thread(main: Callable[[], None], name: str, task: Task | None = None) -> Thread:
    """Start a thread of the host that has room for a guest.

    Args:
        task: what it is for. Hundreds may wait here; those that are to end by then start no thread.
    Raises: RuntimeError when the host has none left.
    """
    thread = Thread(target=main, name=name, daemon=True)
    with _stack_size_lock:
        if task is not None and task.stopping:
            raise SysError(Errno.AGAIN, "the process is being ended")
        before = stack_size(_THREAD_STACK)
        try:
            thread.start()
        finally:
            stack_size(before)
    return thread


class _Worker:
    """A thread of the host that runs one guest thread after the other; `token` is released when there is a job."""

    __slots__ = ("job", "token")

    def __init__(self, job: Callable[[], None]) -> None:
        self.job: Callable[[], None] | None = job
        self.token = Lock()
        self.token.acquire()


class GuestProcess:
    """A guest in its process: the main task and every thread. A `kernel.launch.Running` and a `ThreadStarter`.

    A host thread whose guest thread has ended waits for the next one: to begin one takes a third of the start.
    `_lock` guards `_threads`, `_idle` and `_ending`.

    Args:
        main: the main task, whose module and memory the threads share.
        begin: runs it to its end and gives the results of its entry point.
    """

    def __init__(self, main: GuestTask, begin: Callable[[], tuple[Any, ...]]) -> None:
        self._main = main
        self._begin = begin
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._idle: list[_Worker] = []
        self._ending = False
        main.task.process.starter = self

    def run(self) -> tuple[Any, ...]:
        """Run all of it to the end, and give it back."""
        try:
            return self._begin()
        finally:
            self._join()
            self.close()

    def close(self) -> None:
        self._main.close()

    def can_start(self, entry: str) -> bool:
        return self._main.can_start(entry)

    def start(self, task: Task, entry: str, arguments: tuple[int, ...]) -> None:
        try:
            guest = self._main.sibling(task)
        except ModuleError as error:
            raise SysError(Errno.AGAIN, str(error)) from None

        name = f"pywasix-{task.process.pid}.{task.tid}"

        def job() -> None:
            current_thread().name = name
            try:
                with task.process.kernel.counted():
                    guest.run_thread(entry, arguments)
            finally:
                guest.close()
                task.process.task_ended(task)

        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is not None:
            worker.job = job
            worker.token.release()
            return
        worker = _Worker(job)
        try:
            thread = start_thread(partial(self._work, worker), name, task)
        except BaseException as error:
            guest.close()
            if isinstance(error, RuntimeError):
                raise SysError(Errno.AGAIN, "the host has no thread left") from None
            raise
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)

    def _work(self, worker: _Worker) -> None:
        """Run jobs until there is none any more."""
        while worker.job is not None:
            job, worker.job = worker.job, None
            job()
            del job  # it holds the guest
            with self._lock:
                if self._ending or len(self._idle) >= _MOST_IDLE:
                    return
                self._idle.append(worker)
            worker.token.acquire()

    def _join(self) -> None:
        """Wait until all of them have ended; the main thread calls it last of all, when no more can start."""
        while True:
            with self._lock:
                self._ending = True
                threads, self._threads = self._threads, []
                idle, self._idle = self._idle, []
            for worker in idle:
                worker.token.release()
            if not threads:
                return
            for thread in threads:
                thread.join()
