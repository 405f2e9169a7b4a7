"""A running program, as Python sees it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from pywasix.engine.threads import start_thread
from pywasix.errors import OptionError
from pywasix.host.exchange import Exchange
from pywasix.host.stdio import Stdio
from pywasix.kernel.launch import Running
from pywasix.kernel.process import Process as KernelProcess
from pywasix.net.network import Network
from pywasix.runtime.processes import run_process

if TYPE_CHECKING:
    from pywasix.net.policy import NetworkPolicy

_STOP_GRACE = 1.0  # seconds; a kill takes some milliseconds
_SIGKILL, _SIGTERM = 9, 15


class Process:
    """A running program, made by `start`. It behaves as `subprocess.Popen` does.

    Attributes:
        args: the program's name and its arguments.
        pid: the guest's process id: the kernel's own number, no OS process has it.
        stdin, stdout, stderr: Python's ends of the pipes asked for, else None.
        listeners: (host, port) of each pre-opened listening socket, in order from fd 3.
        results: what the function named by `invoke` returned.
    """

    def __init__(
        self, args: list[str], process: KernelProcess, network: Network, stdio: Stdio, streams: list[IO[Any] | None]
    ) -> None:
        self.args = args
        self.pid = process.pid
        self.stdin, self.stdout, self.stderr = streams
        self.listeners: list[tuple[str, int]] = []
        self.results: tuple[Any, ...] = ()
        self._network = network
        self._process = process
        self._stdio = stdio
        self._thread: Thread | None = None
        self._exchange: Exchange | None = None
        self._at_end: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<pywasix.Process {self.args!r} pid={self.pid} returncode={self.returncode}>"

    @property
    def returncode(self) -> int | None:
        """The exit code; the negative number of the signal that ended it; None while it runs.

        A trap counts as SIGABRT, -6, as if the program had called abort(); `reason` has the backtrace.
        """
        if not self._process.ended.is_set():
            return None
        status = self._process.status
        assert status is not None
        return -status.signal if status.signal else _as_int32(status.code)

    @property
    def policy(self) -> NetworkPolicy | None:
        """What judges its use of the network, with its counters; None when nothing is refused."""
        return self._network.policy

    @property
    def reason(self) -> str:
        """Why a trap ended the program: its kind and the guest's backtrace; empty otherwise."""
        status = self._process.status
        return status.reason if status is not None else ""

    @property
    def stopped(self) -> bool:
        """Whether a signal has stopped it (SIGSTOP) and nothing has let it go on (SIGCONT)."""
        return self._process.stands

    @property
    def awaits_input(self) -> bool:
        """Whether it waits for what is typed on its terminal."""
        kernel = self._process.kernel
        if kernel.terminal is None:
            return False
        from pywasix.kernel.tty import awaits_input

        return awaits_input(kernel)

    @property
    def window_changed(self) -> bool:
        """Whether its terminal has another size than it was told last."""
        terminal = self._process.kernel.terminal
        return terminal is not None and terminal.window_changed()

    def poll(self) -> int | None:
        """The return code if the program has ended, else None."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; returns the return code.

        Args:
            timeout: seconds. Raises `TimeoutExpired` when they are over; the program goes on.
        Raises: what reading or writing a file object given as a standard stream raised.
        """
        if not self._process.ended.wait(timeout):
            from subprocess import TimeoutExpired

            assert timeout is not None
            raise TimeoutExpired(self.args, timeout)
        if self._thread is not None:
            self._thread.join()
        self._stdio.finish()
        code = self.returncode
        assert code is not None
        return code

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Send input, read both outputs to their ends, wait; returns (stdout, stderr), None where no pipe is.

        Args:
            timeout: seconds. Raises `TimeoutExpired` when they are over; the program goes on, and
                calling again goes on reading without loss.
        Raises: ValueError for input in a further call; TypeError for input that the pipe does not take, before
            anything is sent; what reading or writing raised, as UnicodeDecodeError for a text pipe.
        """
        if self._exchange is None:
            self._exchange = Exchange(self.stdin, self.stdout, self.stderr, input)
        elif input:
            raise ValueError("Cannot send input after starting communication")
        exchange = self._exchange
        if not exchange.wait(timeout):
            from subprocess import TimeoutExpired

            assert timeout is not None
            raise TimeoutExpired(self.args, timeout, *exchange.so_far())
        self.wait(timeout)
        return exchange.result()

    def _received(self) -> list[bytes | None]:
        """What `communicate` has read of both outputs until now, as bytes."""
        return [None, None] if self._exchange is None else self._exchange.so_far()

    def send_signal(self, signal: int) -> None:
        """Send a signal; nothing happens when the program has ended."""
        if not 0 <= signal <= 31:
            raise OptionError(f"signal {signal}; signals of a guest are 1 to 31")
        if not self._process.ended.is_set():
            self._process.signals.post(int(signal))

    def send_signal_to_all(self, signal: int) -> None:
        """Send a signal to every process of the program, as a terminal does to the jobs in its foreground."""
        for process in self._process.kernel.all_processes():
            process.signals.post(int(signal))

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(_SIGTERM)

    def kill(self) -> None:
        """End the program now, whatever it does."""
        self.send_signal(_SIGKILL)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the pipes and wait, as Popen does; a program that an error left alone is killed first.

        No shell could kill it: it is a part of this process.
        """
        if kind is not None:
            self.kill()
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self.wait()

    def _when_ended(self, tell: Callable[[], object]) -> None:
        """Call this when the program has ended, perhaps twice; it must be quick and raise nothing."""
        self._at_end.append(tell)
        if self._process.ended.is_set():
            tell()

    def _when_stopped(self, tell: Callable[[], object]) -> None:
        """Call this each time that the guest's first process has stopped, from any thread; it must raise nothing."""
        self._process.kernel.when_stopped = tell
        if self.stopped:
            tell()

    def _launch(self, first: Running, held: ExitStack) -> None:
        """Run the guest in a thread of its own, which gives back all that is held, whatever fails."""

        def main() -> None:
            try:
                with held:
                    self.results = run_process(self._process, first)
            finally:
                for tell in self._at_end:
                    tell()

        try:
            self._thread = start_thread(main, f"pywasix-{self.pid}")
        except Exception:  # the host has no thread left
            held.close()
            raise
        except BaseException:  # Ctrl-C, when the thread may run already: what it uses is its own to give back
            self.kill()
            self._process.ended.wait(_STOP_GRACE)
            raise


def _as_int32(code: int) -> int:
    """An exit code as C's int, which is what a guest's exit() took; negative ones are no signals."""
    return code if code < 1 << 31 else code & 0xFF
