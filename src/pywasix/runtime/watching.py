"""Watching a program's connections: the options of `start` that are about them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pywasix.errors import OptionError
from pywasix.kernel.process import Process
from pywasix.net.policy import ConnectionLimits
from pywasix.net.watch import Watch

if TYPE_CHECKING:
    from pywasix.net.events import ConnectionEvent

    OnConnection = Callable[[ConnectionEvent], object]


def make_watch(
    process: Process,
    on_connection: OnConnection | None,
    max_connections: int | None,
    max_connections_per_peer: int | None,
    report: Callable[[str], None],
) -> Watch:
    """What watches a program's connections. Raises: OptionError."""
    if on_connection is not None and not callable(on_connection):
        raise OptionError(f"on_connection is {on_connection!r}; it is a callable that gets a ConnectionEvent")
    total = _limit("max_connections", max_connections)
    per_peer = _limit("max_connections_per_peer", max_connections_per_peer)
    limits = None if total is None and per_peer is None else ConnectionLimits(total, per_peer)
    return Watch(process.pid, lambda: process.status is not None, on_connection, limits, report)


def _limit(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OptionError(f"{name} is {value!r}; it is a number of connections")
    return value


def attached(on_connection: Any) -> Callable[[], None]:
    """Tell a collector of events that a program starts; returns what tells it that the program has ended."""
    collectors = sys.modules.get("pywasix.host.events")  # who has not loaded it has made none
    if collectors is None or not isinstance(on_connection, collectors.ConnectionEvents):
        return _nothing
    on_connection.attach()
    detach: Callable[[], None] = on_connection.detach
    return detach


def _nothing() -> None:
    """A plain callable is not told of the end."""
