"""The processes of one program: each is run by a thread of the host."""

from __future__ import annotations

from threading import Lock, Thread
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.engine.threads import start_thread
from pywasix.errors import SysError
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.launch import Running
from pywasix.kernel.process import Process


def run_process(process: Process, running: Running) -> tuple[Any, ...]:
    """Run a process to its end in this thread, whatever it runs (exec); returns the results of its entry point."""
    while True:
        results = running.run()
        successor, process.successor = process.successor, None
        if successor is None or process.status is not None:
            return results
        running = successor(process)


class Processes:
    """All processes of a program but the first: a `kernel.launch.Launcher`. `_lock` guards `_threads`."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lock = Lock()
        self._threads: list[Thread] = []

    def launch(self, process: Process, running: Running) -> None:
        def main() -> None:
            try:
                run_process(process, running)
            finally:
                process.task_ended(process.main_task)

        try:
            thread = start_thread(main, f"pywasix-{process.pid}")
        except RuntimeError:
            raise SysError(Errno.AGAIN, "the host has no thread left") from None
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)

    def finish(self) -> None:
        """The first process has ended: end all others, and wait until they have."""
        self._kernel.end_all()
        while True:
            with self._lock:
                threads, self._threads = self._threads, []
            if not threads:
                return
            for thread in threads:
                thread.join()
