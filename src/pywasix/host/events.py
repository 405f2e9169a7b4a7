"""Connection events as an iterator, for threads and for asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pywasix.net.events import ConnectionEvent

_MOST_KEPT = 10_000


class ConnectionEvents:
    """Collects the events of programs that were started with it as `on_connection`.

        events = pywasix.ConnectionEvents()
        with pywasix.start(program, net=True, on_connection=events):
            for event in events:  # or: async for event in events
                print(event)

    Both loops wait for the next event, and end when every program that was started with it has ended and all events
    are read. An event goes to one reader only. All methods may be called from any thread.

    Args:
        limit: how many events are kept while nobody reads; then the oldest go.
    Attributes:
        dropped: how many events went unread.
    Raises: ValueError for a limit that is not positive.
    """

    def __init__(self, limit: int = _MOST_KEPT) -> None:
        if limit < 1:
            raise ValueError(f"limit is {limit}; at least one event is kept")
        self.dropped = 0
        self._limit = limit
        self._kept: deque[ConnectionEvent] = deque()
        self._running = 0
        self._over = False
        self._waiting: list[asyncio.Future[None]] = []
        self._changed = Condition()  # its lock guards all of the above; nothing is called under it

    def __call__(self, event: ConnectionEvent) -> None:
        with self._changed:
            if len(self._kept) >= self._limit:
                self._kept.popleft()
                self.dropped += 1
            self._kept.append(event)
        self._wake()

    def attach(self) -> None:
        """A program starts: `start` calls this."""
        with self._changed:
            self._running += 1
            self._over = False

    def detach(self) -> None:
        """A program has ended: `start` sees to this."""
        with self._changed:
            self._running -= 1
            self._over = not self._running
        self._wake()

    def _wake(self) -> None:
        with self._changed:
            waiting, self._waiting = self._waiting, []
            self._changed.notify_all()
        for future in waiting:
            with suppress(RuntimeError):  # its loop is closed
                future.get_loop().call_soon_threadsafe(_finish, future)

    def __iter__(self) -> ConnectionEvents:
        return self

    def __next__(self) -> ConnectionEvent:
        with self._changed:
            while not self._kept:
                if self._over:
                    raise StopIteration
                self._changed.wait()
            return self._kept.popleft()

    def __aiter__(self) -> ConnectionEvents:
        return self

    async def __anext__(self) -> ConnectionEvent:
        while True:
            with self._changed:
                if self._kept:
                    return self._kept.popleft()
                if self._over:
                    raise StopAsyncIteration
                future = asyncio.get_running_loop().create_future()
                self._waiting.append(future)
            try:
                await future
            finally:
                self._forget(future)

    def _forget(self, future: asyncio.Future[None]) -> None:
        """A reader waits no more; it may have been cancelled."""
        with self._changed, suppress(ValueError):
            self._waiting.remove(future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
