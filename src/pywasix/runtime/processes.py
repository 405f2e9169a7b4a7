"""The processes of one program: each is run by a thread of the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from pywasix.abi.errno import Errno
from pywasix.engine.threads import start_thread
from pywasix.errors import PywasixError, SysError, printable
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.launch import Program, Running
from pywasix.kernel.process import ExitStatus, Process

if TYPE_CHECKING:
    from pywasix.runtime.loader import Loader

_KILL = 9


def run_process(process: Process, running: Running) -> tuple[Any, ...]:
    """Run a process to its end in this thread, whatever it runs (exec); returns the results of its entry point."""
    with process.kernel.counted():
        return _run_all(process, running)


def _run_all(process: Process, running: Running) -> tuple[Any, ...]:
    while True:
        results = running.run()
        if process.successor is None:
            return results
        from pywasix.kernel.execute import succeed  # few programs run another one

        program = succeed(process)
        if program is None:
            return results
        try:
            running = program.begin(process)
        except (PywasixError, SysError) as error:  # it has given up what it was: as Linux does then, it is killed
            process.finish(ExitStatus(signal=_KILL, reason=str(error)))
            return results


def _name(process: Process) -> str:
    name = process.args[0] if process.args else b""
    return printable(name.decode("utf-8", "replace"))


class Processes:
    """All processes of a program but the first: a `kernel.launch.Launcher`. `_lock` guards `_threads` and `_loader`.

    Args:
        make_loader: makes what finds programs, when it is first asked.
    """

    def __init__(self, kernel: Kernel, make_loader: Callable[[], Loader]) -> None:
        self._kernel = kernel
        self._make_loader = make_loader
        self._loader: Loader | None = None
        self._lock = Lock()
        self._threads: list[Thread] = []

    def find(self, process: Process, name: bytes, args: Sequence[bytes], path: Sequence[bytes] | None) -> Program:
        with self._lock:
            if self._loader is None:
                self._loader = self._make_loader()
        return self._loader.find(process, name, args, path)

    def launch(self, process: Process, running: Running) -> None:
        def main() -> None:
            try:
                run_process(process, running)
                if process.status is not None and process.status.reason:
                    process.complain(f"{_name(process)} (pid {process.pid}): {process.status.reason}")
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
