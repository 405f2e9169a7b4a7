"""What a program needs in asyncio: its pipes as streams, its end to be awaited, a thread for what blocks."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Generic, TypeVar

__all__ = ["Ending", "StreamReader", "StreamWriter", "Streams", "in_thread", "open_streams"]

_Made = TypeVar("_Made")


class Ending:
    """The end of something that happens in another thread."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards the rest
        self._over = False
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self) -> None:
        """It is over. Any thread may say so, as often as it likes."""
        with self._lock:
            self._over = True
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            with suppress(RuntimeError):  # its loop is closed
                future.get_loop().call_soon_threadsafe(_finish, future)

    async def wait(self) -> None:
        """Wait until it is over, in any loop and any number of tasks."""
        with self._lock:
            if self._over:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
        try:
            await future
        finally:
            with self._lock, suppress(ValueError):  # it was told, or this task is cancelled
                self._waiting.remove(future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Handover(Generic[_Made]):
    """Something that a thread makes for a task, which may be cancelled meanwhile. `undo` gets what nobody takes."""

    def __init__(self, make: Callable[[], _Made], undo: Callable[[_Made], object]) -> None:
        self._make, self._undo = make, undo
        self._lock = Lock()  # guards the rest
        self._dropped = False
        self._made: list[_Made] = []

    def make(self) -> _Made:
        """In the thread."""
        made = self._make()
        with self._lock:
            dropped = self._dropped
            self._made.append(made)
        if dropped:
            self._undo(made)
        return made

    def drop(self) -> None:
        """The task does not want it any more."""
        with self._lock:
            self._dropped, made = True, self._made[:]
        for each in made:
            self._undo(each)


async def in_thread(make: Callable[[], _Made], undo: Callable[[_Made], object] = lambda made: None) -> _Made:
    """What a call that may block returns; the loop goes on meanwhile.

    Args:
        undo: gets the result when the awaiting task was cancelled.
    Raises: what the call raises.
    """
    handover = _Handover(make, undo)
    try:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, handover.make))
    except asyncio.CancelledError:
        handover.drop()
        raise


class Streams:
    """A program's pipes.

    Attributes:
        stdin, stdout, stderr: None for what is no pipe.
    """

    def __init__(self) -> None:
        self.stdin: StreamWriter | None = None
        self.stdout: StreamReader | None = None
        self.stderr: StreamReader | None = None
        self._transports: list[asyncio.BaseTransport] = []

    async def open(self, ends: Sequence[IO[bytes] | None], limit: int) -> None:
        """Take Python's pipe ends over: standard input, output and error."""
        loop = asyncio.get_running_loop()
        if ends[0] is not None:
            reader = StreamReader(loop=loop)
            into, flow = await loop.connect_write_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), ends[0])
            self._transports.append(into)
            self.stdin = StreamWriter(into, flow, None, loop)
        self.stdout, self.stderr = [await self._reader(end, limit) for end in ends[1:3]]

    async def _reader(self, end: IO[bytes] | None, limit: int) -> StreamReader | None:
        if end is None:
            return None
        loop = asyncio.get_running_loop()
        reader = StreamReader(limit=limit, loop=loop)
        out, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), end)
        self._transports.append(out)
        return reader

    async def exchange(self, data: Any) -> tuple[bytes | None, bytes | None]:
        """Send input and its end, and read both outputs to theirs."""
        _, out, err = await asyncio.gather(self._feed(data), _all_of(self.stdout), _all_of(self.stderr))
        return out, err

    async def _feed(self, data: Any) -> None:
        if self.stdin is None:
            return
        # The program ended or closed its input: `subprocess` ignores that too.
        with suppress(BrokenPipeError, ConnectionResetError):
            if data is not None:
                self.stdin.write(data)
                await self.stdin.drain()
        self.stdin.close()

    def close(self) -> None:
        """Close every pipe, whatever is still in it."""
        for transport in self._transports:
            transport.close()


async def _all_of(stream: StreamReader | None) -> bytes | None:
    return None if stream is None else await stream.read()


async def open_streams(ends: Sequence[IO[bytes] | None], limit: int) -> Streams:
    """Python's pipe ends as streams of the running loop, which owns them from now on.

    Args:
        ends: unbuffered files for standard input, output and error.
        limit: bytes that a reader keeps, as in `asyncio.create_subprocess_exec`.
    """
    streams = Streams()
    try:
        await streams.open(ends, limit)
    except BaseException:
        streams.close()
        for end in ends:
            if end is not None:
                end.close()
        raise
    return streams
