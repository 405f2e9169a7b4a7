"""Feeding a program and reading both its outputs at once, without one filling up while the other waits."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import IO, Any


class Exchange:
    """One `communicate`: a thread for each pipe. It may be waited for several times.

    Args:
        stdin, stdout, stderr: Python's pipe ends, or None.
        data: what goes to stdin, which is closed after it; bytes, or text for a text pipe.
    """

    def __init__(self, stdin: IO[Any] | None, stdout: IO[Any] | None, stderr: IO[Any] | None, data: Any) -> None:
        self._outputs = (stdout, stderr)
        self._found: list[list[Any]] = [[], []]
        self._threads: list[Thread] = []
        for stream, found in zip(self._outputs, self._found, strict=True):
            if stream is not None:
                self._start(_collect, stream, found)
        if stdin is not None:
            self._start(_send, stdin, data)

    def _start(self, work: Any, *arguments: Any) -> None:
        thread = Thread(target=work, args=arguments, name="pywasix-exchange", daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, timeout: float | None) -> bool:
        """Wait for both ends of file; returns whether they came within `timeout` seconds."""
        deadline = None if timeout is None else monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def so_far(self) -> list[bytes | None]:
        """What was read until now, as bytes: what `subprocess` puts into `TimeoutExpired`."""
        return [
            None if stream is None else b"".join(_as_bytes(part) for part in list(found))
            for stream, found in zip(self._outputs, self._found, strict=True)
        ]

    def result(self) -> tuple[Any, Any]:
        """Both outputs, None where there was no pipe."""
        out, err = (
            None if stream is None else (type(found[0])().join(found) if found else _empty(stream))
            for stream, found in zip(self._outputs, self._found, strict=True)
        )
        return out, err


def _collect(stream: IO[Any], found: list[Any]) -> None:
    read = getattr(stream, "read1", stream.read)
    with suppress(ValueError):  # closed by its owner meanwhile
        while part := read(1 << 16):
            found.append(part)
        stream.close()


def _send(stream: IO[Any], data: Any) -> None:
    # BrokenPipeError: the program ended or closed its input; subprocess ignores that too.
    with suppress(BrokenPipeError, ValueError):
        if data:
            stream.write(data)
    with suppress(BrokenPipeError, ValueError):
        stream.close()


def _as_bytes(part: Any) -> bytes:
    return part.encode() if isinstance(part, str) else bytes(part)


def _empty(stream: IO[Any]) -> Any:
    return "" if hasattr(stream, "encoding") else b""
