"""The threads of a guest: each is a thread of the host with an instance of its own on the guest's memory."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread, stack_size
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.engine.instance import GuestTask
from pywasix.errors import ModuleError, SysError
from pywasix.kernel.task import Task

# Bytes: the guest's own stack (`engine.module`) and the host's frames.
_THREAD_STACK = 16 << 20
_stack_size_lock = Lock()  # guards the process-wide setting of thread stack sizes


def start_thread(main: Callable[[], None], name: str) -> Thread:
    """Start a thread of the host that has room for a guest. Raises: RuntimeError when the host has none left."""
    thread = Thread(target=main, name=name, daemon=True)
    with _stack_size_lock:
        before = stack_size(_THREAD_STACK)
        try:
            thread.start()
        finally:
            stack_size(before)
    return thread


class GuestProcess:
    """A guest in its process: the main task and every thread. A `kernel.launch.Running` and a `ThreadStarter`.

    `_lock` guards `_threads`.

    Args:
        main: the main task, whose module and memory the threads share.
        begin: runs it to its end and gives the results of its entry point.
    """

    def __init__(self, main: GuestTask, begin: Callable[[], tuple[Any, ...]]) -> None:
        self._main = main
        self._begin = begin
        self._lock = Lock()
        self._threads: list[Thread] = []
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

        def main() -> None:
            try:
                guest.run_thread(entry, arguments)
            finally:
                guest.close()
                task.process.task_ended(task)

        try:
            thread = start_thread(main, f"pywasix-{task.process.pid}.{task.tid}")
        except BaseException as error:
            guest.close()
            if isinstance(error, RuntimeError):
                raise SysError(Errno.AGAIN, "the host has no thread left") from None
            raise
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)

    def _join(self) -> None:
        """Wait until all of them have ended; the main thread calls it last of all, when no more can start."""
        while True:
            with self._lock:
                threads, self._threads = self._threads, []
            if not threads:
                return
            for thread in threads:
                thread.join()
