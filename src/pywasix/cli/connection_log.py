"""`--log-connections`: one line for each event of a program's connections."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from pywasix.errors import OptionError, printable
from pywasix.net.events import Accepted, Closed, Connected, ConnectionEvent, Listening, Place

_REASONS = {
    "closed": "by the guest",
    "finished": "by the peer, then by the guest",
    "reset": "reset by the peer",
    "timeout": "the peer does not answer",
    "exit": "the program ended",
}


class FileLog:
    """Writes lines with their time to a file. A disk that is full is no matter of the guest's."""

    def __init__(self, path: str) -> None:
        try:
            self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115  # closed by close()
        except OSError as error:
            raise OptionError(f"the connection log {path} cannot be written: {error.strerror}") from None

    def __call__(self, event: ConnectionEvent) -> None:
        with suppress(OSError):
            self._file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {describe(event)}\n")

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


def reported(report: Callable[[str], None]) -> Callable[[ConnectionEvent], None]:
    """Tells the user each event in a line."""
    return lambda event: report(describe(event))


def describe(event: ConnectionEvent) -> str:
    """An event in words, such as ``accepted 127.0.0.1:51234 on 127.0.0.1:8080 (#3)``."""
    if isinstance(event, Listening):
        return f"listening on {shown(event.local)}{'/udp' if event.protocol == 'udp' else ''}"
    if isinstance(event, Accepted):
        return f"accepted {shown(event.peer)} on {shown(event.local)} (#{event.number})"
    if isinstance(event, Connected):
        return f"connected {shown(event.local)} to {shown(event.peer)} (#{event.number})"
    if isinstance(event, Closed):
        moved = f"received {_size(event.received)}, sent {_size(event.sent)}"
        return f"closed #{event.number}: {moved}, {_time(event.seconds)}, {_REASONS[event.reason]}"
    cause = "by the policy" if event.cause == "policy" else "too many connections"
    if event.action == "connect":
        return f"refused to connect to {shown(event.peer)}: {cause}"
    on = "" if event.local is None else f" on {shown(event.local)}"
    return f"refused {shown(event.peer)}{on}: {cause}"


def shown(place: Place) -> str:
    """An address as people write it. The guest chose the path of a Unix socket, so it may steer no terminal."""
    if isinstance(place, str):
        return f"unix:{printable(place)}"
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"
