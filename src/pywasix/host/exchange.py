"""Feeding a program and reading both its outputs at once, without one filling up while the other waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import IO, Any


def check_input(data: Any, *, text: bool) -> None:
    """Look whether a pipe takes this as input.

    Raises: TypeError, as `subprocess` does: a text pipe takes str, a binary one bytes-like objects.
    """
    if text and not isinstance(data, str):
        raise TypeError(f"input is {type(data).__name__}; a text pipe takes str")
    if not text:
        try:
            memoryview(data)
        except TypeError:
            raise TypeError(f"input is {type(data).__name__}; a binary pipe takes bytes-like objects") from None


class Exchange:
    """One `communicate`: a thread for each pipe. It may be waited for several times.

    Args:
        stdin, stdout, stderr: Python's pipe ends, or None.
        data: what goes to stdin, which is closed after it; bytes, or text for a text pipe.
    Raises: TypeError for data that stdin does not take; nothing is started then, and nothing closed.
    """

    def __init__(self, stdin: IO[Any] | None, stdout: IO[Any] | None, stderr: IO[Any] | None, data: Any) -> None:
        if stdin is not None and data is not None:
            check_input(data, text=_is_text(stdin))
        self._outputs = (stdout, stderr)
        self._found: list[list[Any]] = [[], []]
        self._threads: list[Thread] = []
        self._failures: list[Exception] = []
        for stream, found in zip(self._outputs, self._found, strict=True):
            if stream is not None:
                self._start(_collect, stream, found)
        if stdin is not None:
            self._start(_send, stdin, data)

    def _start(self, work: Callable[[IO[Any], Any], None], stream: IO[Any], data: Any) -> None:
        def main() -> None:
            try:
                work(stream, data)
            except Exception as error:
                self._failures.append(error)

        thread = Thread(target=main, name="pywasix-exchange", daemon=True)
        thread.start()
        self._threads.append(thread)

    def wait(self, timeout: float | None) -> bool:
        """Wait for both ends of file; returns whether they came within `timeout` seconds.

        Raises: what reading or writing raised, such as UnicodeDecodeError for output that is no text.
        """
        deadline = None if timeout is None else monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return False
        if self._failures:
            raise self._failures[0]
        return True

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
    try:
        while part := read(1 << 16):
            found.append(part)
    except ValueError:
        if not stream.closed:  # otherwise its owner closed it meanwhile
            raise
    finally:
        stream.close()


def _send(stream: IO[Any], data: Any) -> None:
    # BrokenPipeError: the program ended or closed its input; subprocess ignores that too.
    try:
        with suppress(BrokenPipeError):
            if data is not None:
                stream.write(data)
    except ValueError:
        if not stream.closed:
            raise
    finally:
        with suppress(BrokenPipeError):
            stream.close()


def _is_text(stream: IO[Any]) -> bool:
    return hasattr(stream, "encoding")


def _as_bytes(part: Any) -> bytes:
    return part.encode() if isinstance(part, str) else bytes(part)


def _empty(stream: IO[Any]) -> Any:
    return "" if _is_text(stream) else b""
