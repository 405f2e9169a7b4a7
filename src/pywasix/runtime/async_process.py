"""Programs in asyncio: `await pywasix.create_process(...)`, with the manners of `asyncio.subprocess`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pywasix.errors import OptionError
from pywasix.host.async_streams import Ending, StreamReader, Streams, StreamWriter, in_thread, open_streams
from pywasix.host.exchange import check_input
from pywasix.runtime.process import Process
from pywasix.runtime.start import start

if TYPE_CHECKING:
    from pywasix.net.policy import NetworkPolicy
    from pywasix.runtime.options import Program

_LIMIT = 1 << 16  # bytes, as asyncio has it
_TEXT = ("text", "encoding", "errors")


class AsyncProcess:
    """A running program, made by `create_process`. It behaves as `asyncio.subprocess.Process` does.

    No method blocks the event loop. The program runs in threads of its own, whatever the loop does.

    Attributes:
        args, pid, listeners: as those of `Process`.
        stdin: an `asyncio.StreamWriter`, if it is a pipe, else None.
        stdout, stderr: an `asyncio.StreamReader` each, if it is a pipe, else None.
    """

    def __init__(self, process: Process, streams: Streams) -> None:
        self.args = process.args
        self.pid = process.pid
        self.listeners = process.listeners
        self.stdin: StreamWriter | None = streams.stdin
        self.stdout: StreamReader | None = streams.stdout
        self.stderr: StreamReader | None = streams.stderr
        self._process = process
        self._streams = streams
        self._ending = Ending()
        process._when_ended(self._ending.tell)

    def __repr__(self) -> str:
        return f"<pywasix.AsyncProcess {self.args!r} pid={self.pid} returncode={self.returncode}>"

    @property
    def returncode(self) -> int | None:
        """As `Process.returncode`; None while the program runs."""
        return self._process.returncode

    @property
    def results(self) -> tuple[Any, ...]:
        """What the function named by `invoke` returned."""
        return self._process.results

    @property
    def policy(self) -> NetworkPolicy | None:
        """As `Process.policy`."""
        return self._process.policy

    @property
    def reason(self) -> str:
        """As `Process.reason`."""
        return self._process.reason

    async def wait(self) -> int:
        """Wait for the end; returns the return code. A pipe that nobody reads can keep the program from ending.

        Cancelling, as by `asyncio.timeout`, leaves the program running.

        Raises: what reading or writing a file object given as a standard stream raised.
        """
        await self._ending.wait()
        return await in_thread(self._process.wait)

    async def communicate(self, input: Any = None) -> tuple[bytes | None, bytes | None]:
        """Send input, read both outputs to their ends, wait; returns (stdout, stderr), None where no pipe is.

        Raises: TypeError for input that is not bytes-like, before anything is sent.
        """
        if input is not None and self.stdin is not None:
            check_input(input, text=False)
        found = await self._streams.exchange(input)
        await self.wait()
        return found

    def send_signal(self, signal: int) -> None:
        """Send a signal; nothing happens when the program has ended."""
        self._process.send_signal(signal)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """End the program now, whatever it does."""
        self._process.kill()

    async def __aenter__(self) -> AsyncProcess:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the pipes and wait; a program that an error, or a cancelled task, left alone is killed first."""
        if kind is not None:
            self.kill()
        self._streams.close()
        await self.wait()


async def create_process(args: Program | Sequence[Any], *, limit: int = _LIMIT, **start_options: Any) -> AsyncProcess:
    """Start a program, as `asyncio.create_subprocess_exec` starts one of the operating system.

    The module is loaded, and compiled if need be, in a thread, so that the loop goes on. If the task is cancelled
    meanwhile, the program is killed.

    Args:
        args: as for `start`.
        limit: bytes that the readers of its pipes keep; twice as many stop the program's writes.
        start_options: those of `start`, but for text, encoding and errors: streams of asyncio carry bytes.
    Raises: what `start` raises.
    """
    for name in _TEXT:
        if start_options.get(name):
            raise OptionError(f"{name} is {start_options[name]!r}; streams of asyncio carry bytes")
    process = await in_thread(partial(start, args, **start_options), _abandon)
    pipes: tuple[Any, ...] = (process.stdin, process.stdout, process.stderr)
    ends = [None if each is None else each.detach() for each in pipes]  # without their buffers
    process.stdin = process.stdout = process.stderr = None  # the streams own them from now on
    try:
        return AsyncProcess(process, await open_streams(ends, limit))
    except BaseException:
        process.kill()
        raise


def _abandon(process: Process) -> None:
    """Nobody waits for this program any more."""
    process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
