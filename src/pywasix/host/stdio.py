"""Standard streams, given the way `subprocess` takes them.

`None` inherits, `PIPE` makes a pipe, `DEVNULL` discards; a descriptor number or an object with
`fileno()` is used as it is; any other object with `read` or `write` is served by a thread of its own
through a pipe, so that the guest's side is always something that can be waited on.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from signal import SIG_BLOCK, SIGPIPE, pthread_sigmask
from threading import Thread
from typing import IO, Any

from pywasix.errors import PywasixError
from pywasix.host.files import FdChannel, PipeChannel, channel_of
from pywasix.kernel.file import File
from pywasix.kernel.stream import StreamFile

PIPE = -1
STDOUT = -2
DEVNULL = -3
_CHUNK = 1 << 16
_GRACE = 0.05  # seconds; a thread that is not blocked needs microseconds


class Stdio:
    """The three streams of a program: channels for the guest, pipe ends and threads for Python.

    Attributes:
        channels: standard input, output and error for the guest.
        ends: Python's ends as raw binary files, None where there is no pipe.

    Raises: PywasixError for an argument that is no stream; OSError when the host runs out of descriptors.
    """

    def __init__(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        self.channels: list[FdChannel] = []
        self.ends: list[IO[bytes] | None] = []
        self._feeders: list[Thread] = []
        self._drainers: list[Thread] = []
        self._failures: list[BaseException] = []
        try:
            for number, stream in enumerate((stdin, stdout, stderr)):
                self._add(number, stream)
        except BaseException:
            self.abandon()
            raise

    @property
    def terminal(self) -> FdChannel | None:
        """The first stream that is a terminal."""
        return next((channel for channel in self.channels if channel.terminal), None)

    def _add(self, number: int, stream: Any) -> None:
        writing = number > 0
        end: IO[bytes] | None = None
        if stream is None:
            channel = _inherited(number)
        elif isinstance(stream, int):
            if stream == PIPE:
                channel, end = _pipe(writing)
            elif stream == DEVNULL:
                channel = FdChannel(os.open(os.devnull, os.O_RDWR), owned=True)
            elif stream == STDOUT and number == 2:
                channel = self._same_as_stdout()
            else:
                channel = channel_of(os.dup(_checked(stream)), owned=True)
        elif isinstance(stream, (bytes, bytearray, memoryview)) and not writing:
            channel = self._fed(io.BytesIO(stream))
        else:
            channel = self._object(stream, writing)
        self.channels.append(channel)
        self.ends.append(end)

    def _same_as_stdout(self) -> FdChannel:
        return channel_of(os.dup(self.channels[1].fileno()), owned=True)

    def _object(self, stream: Any, writing: bool) -> FdChannel:
        fileno = getattr(stream, "fileno", None)
        if fileno is not None:
            with suppress(OSError, ValueError):  # io.UnsupportedOperation is both
                if writing and hasattr(stream, "flush"):
                    stream.flush()  # what Python has buffered comes first
                return channel_of(os.dup(fileno()), owned=True)
        if writing and hasattr(stream, "write"):
            return self._drained(stream)
        if not writing and hasattr(stream, "read"):
            return self._fed(stream)
        raise PywasixError(f"{stream!r} is no stream; give PIPE, DEVNULL, a descriptor or a file object")

    def _fed(self, source: Any) -> FdChannel:
        channel, end = _pipe(writing=False)
        with _given_back(channel, end):
            self._feeders.append(self._pump(_feed, source, end))
        return channel

    def _drained(self, target: Any) -> FdChannel:
        channel, end = _pipe(writing=True)
        with _given_back(channel, end):
            self._drainers.append(self._pump(_drain, end, target))
        return channel

    def _pump(self, work: Callable[[Any, Any], None], source: Any, target: Any) -> Thread:
        def main() -> None:
            # A guest that reads no more is no reason to end Python, even if SIGPIPE would do that.
            pthread_sigmask(SIG_BLOCK, (SIGPIPE,))
            try:
                work(source, target)
            except BaseException as error:
                self._failures.append(error)

        thread = Thread(target=main, name="pywasix-stdio", daemon=True)
        thread.start()
        return thread

    def finish(self) -> None:
        """The guest has ended: wait until what it wrote to file objects has arrived.

        Raises: what reading or writing an object raised. The guest found the end of its input or a closed pipe then.

        A feeder that sits in the `read` of an object which blocks cannot be stopped; it is a
        daemon, and ends when that `read` returns. The others notice the closed pipe.
        """
        for thread in self._drainers:
            thread.join()
        for thread in self._feeders:
            thread.join(_GRACE)
        if self._failures:
            raise self._failures[0]

    def abandon(self) -> None:
        """The program was not started: close everything, and wait a moment for the threads that notice."""
        with ExitStack() as closing:
            for each in (*self.channels, *self.ends):
                if each is not None:
                    closing.callback(each.close)
        for thread in (*self._drainers, *self._feeders):
            thread.join(_GRACE)


def stream_file(channel: FdChannel) -> File:
    """A standard stream as the guest has it: where it was redirected to a file, all that can be done with files.

    Args:
        channel: owned.
    Raises: OSError when the host runs out of descriptors.
    """
    if not channel.regular:
        return StreamFile(channel)
    from pywasix.host.regular import given_file  # with all that files take

    try:
        return given_file(os.dup(channel.fileno()))  # the open file is the same one, its position too
    finally:
        channel.close()


def _pipe(writing: bool) -> tuple[FdChannel, IO[bytes]]:
    """A pipe: the guest's end, which is private to it, and Python's."""
    reader, writer = os.pipe()
    guest, ours = (writer, reader) if writing else (reader, writer)
    return PipeChannel(guest, owned=True, private=True), open(ours, "rb" if writing else "wb", buffering=0)


@contextmanager
def _given_back(channel: FdChannel, end: IO[bytes]) -> Iterator[None]:
    """Close both ends of a pipe when the host refuses the thread that would serve it."""
    try:
        yield
    except BaseException:
        channel.close()
        end.close()
        raise


def fill_standard_descriptors() -> None:
    """Open the null device on each of 0, 1 and 2 that this process was started without.

    Otherwise the next descriptor that anybody opens gets such a number, and a guest that inherits its standard
    streams would get that: one of ours, or of the embedding program.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # POSIX: the lowest free number, which is this one


def _inherited(number: int) -> FdChannel:
    try:
        return channel_of(number, owned=False)
    except OSError:  # this process was started without it
        return FdChannel(os.open(os.devnull, os.O_RDWR), owned=True)


def _checked(fd: int) -> int:
    try:
        os.fstat(fd)
    except (OSError, OverflowError):
        raise PywasixError(f"descriptor {fd} is not open") from None
    return fd


def _feed(source: Any, pipe: IO[bytes]) -> None:
    """Copy an object that can be read into the guest's standard input."""
    # A buffered reader's own `read` waits until it has all that was asked for.
    read = getattr(source, "read1", source.read)
    with pipe, suppress(BrokenPipeError):
        while data := read(_CHUNK):
            view = memoryview(data.encode() if isinstance(data, str) else data).cast("B")
            while view:
                view = view[pipe.write(view) :]


def _drain(pipe: IO[bytes], target: Any) -> None:
    """Copy what the guest writes into an object that can be written; text objects get UTF-8 text."""
    with pipe:
        if isinstance(target, io.TextIOBase) or hasattr(target, "encoding"):
            _drain_text(pipe, target)
            return
        while data := pipe.read(_CHUNK):
            while data:
                count = target.write(data)
                # Raw files may take a part. Most objects that are none return nothing.
                data = data[count:] if isinstance(count, int) and 0 < count < len(data) else b""


def _drain_text(pipe: IO[bytes], target: Any) -> None:
    import codecs

    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    while data := pipe.read(_CHUNK):
        target.write(decode(data))
    target.write(decode(b"", True))


def open_ends(
    ends: Sequence[IO[bytes] | None], *, text: bool | None, encoding: str | None, errors: str | None
) -> list[IO[Any] | None]:
    """Python's pipe ends as `subprocess` hands them out: buffered, and text files when asked for."""
    opened: list[IO[Any] | None] = []
    for number, raw in enumerate(ends):
        if raw is None:
            opened.append(None)
            continue
        assert isinstance(raw, io.FileIO)
        end: IO[Any] = io.BufferedWriter(raw) if number == 0 else io.BufferedReader(raw)
        if text or encoding or errors:
            # Line by line to the guest, which may wait for each line.
            end = io.TextIOWrapper(end, encoding=encoding, errors=errors, line_buffering=number == 0)
        opened.append(end)
    return opened
