"""Waiting on the host: poll(2) with a wake descriptor for each task, and what poll(2) and epoll(7) say."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Lock

from pywasix.host.errors import sys_error
from pywasix.kernel.wait import FAILED, FINISHED, HANGUP, READABLE, URGENT, WRITABLE, Handle

_RDHUP = getattr(select, "POLLRDHUP", 0)  # Linux: the peer has finished sending
_WORDS = (
    (READABLE, select.POLLIN),
    (WRITABLE, select.POLLOUT),
    (FINISHED, _RDHUP),
    (URGENT, select.POLLPRI),
    (FAILED, select.POLLERR | select.POLLNVAL),
    (HANGUP, select.POLLHUP),
)
_NS_PER_MS = 1_000_000
_ONE = (1).to_bytes(8, sys.byteorder)  # what eventfd(2) adds; a pipe takes any bytes
_LONGEST_MS = 2**31 - 1  # poll(2) takes an int; the caller looks at its deadline again


@cache  # there are few combinations, and a table of all would cost every start
def told(found: int) -> int:
    """What poll(2) or epoll(7) found, whose bits are the same, in the kernel's words."""
    return sum(ours for ours, theirs in _WORDS if found & theirs)


@cache
def asked(events: int) -> int:
    """The kernel's words, and nothing else, as poll(2) and epoll(7) are asked for them; failures are told unasked."""
    return sum(theirs for ours, theirs in _WORDS if events & ours and ours != FAILED)


class HostPoller:
    """A `kernel.wait.Poller` over poll(2).

    The wake descriptor is an eventfd where there is one (Linux), otherwise a pipe. `_lock` guards
    it against being written to after it is closed, when the host may have given its number away.
    """

    __slots__ = ("_closed", "_lock", "_lost", "_masks", "_poll", "_read_end", "_wanted", "_write_end")

    def __init__(self) -> None:
        try:
            if hasattr(os, "eventfd"):
                self._read_end = self._write_end = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            else:
                self._read_end, self._write_end = os.pipe()
                os.set_blocking(self._read_end, False)
                os.set_blocking(self._write_end, False)
        except OSError as error:
            raise sys_error(error) from None
        self._poll = select.poll()
        self._poll.register(self._read_end, select.POLLIN)
        self._wanted: list[tuple[int, int]] = []  # what was waited for last: descriptors and events
        self._masks: dict[int, int] = {}  # the same as poll(2) is asked for it
        self._lost = False  # one of them was closed by another thread: the next try is to find out
        self._closed = False
        self._lock = Lock()

    def wait(self, interests: Sequence[tuple[Handle, int]], timeout_ns: int | None) -> list[int]:
        if not interests and timeout_ns is not None and timeout_ns < 2 * _NS_PER_MS:
            # poll(2) counts in ms. So short a sleep needs no wake-up; it keeps the guest's timers exact.
            time.sleep(timeout_ns / 1e9)
            return []
        wanted = [(handle.fileno(), events) for handle, events in interests]
        if wanted != self._wanted:
            self._ask(wanted)
        found = self._sleep(0 if self._lost else timeout_ns)
        return [FAILED if fd < 0 else _events(found[fd], events) if fd in found else 0 for fd, events in wanted]

    def _ask(self, wanted: list[tuple[int, int]]) -> None:
        """Watch these descriptors from now on: a server waits for the same ones again and again.

        poll(2) keeps nothing but numbers, so that one which is closed later does no harm: it is asked for by who
        waits for it, or no more.
        """
        masks: dict[int, int] = {}
        for fd, events in wanted:
            masks[fd] = masks.get(fd, 0) | _mask(events)
        lost = masks.pop(-1, None) is not None
        before, poll = self._masks, self._poll
        for fd in before.keys() - masks.keys():
            poll.unregister(fd)
        for fd, mask in masks.items() - before.items():
            poll.register(fd, mask)
        self._wanted, self._masks, self._lost = wanted, masks, lost

    def _sleep(self, timeout_ns: int | None) -> dict[int, int]:
        timeout = None if timeout_ns is None else min(-(-timeout_ns // _NS_PER_MS), _LONGEST_MS)
        found = dict(self._poll.poll(timeout))
        if found.pop(self._read_end, 0) and timeout != 0:
            self._clear()
        return found

    def wake(self) -> None:
        with self._lock:
            if not self._closed:
                # BlockingIOError: woken so often already that the counter or the pipe is full.
                with suppress(BlockingIOError):
                    os.write(self._write_end, _ONE)

    def _clear(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._read_end, 4096)

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._read_end)
            if self._write_end != self._read_end:
                os.close(self._write_end)


@cache
def _mask(events: int) -> int:
    # A writer must not ask for the peer's end: one that only finished sending would wake it for ever.
    return asked(events | FINISHED if events & READABLE else events)


@cache
def _events(found: int, wanted: int) -> int:
    """What makes a direction ready that is waited for; a hang-up or an error makes both ready (POSIX poll)."""
    events = told(found)
    ready = events
    if events & (HANGUP | FAILED):
        ready |= READABLE | WRITABLE
    elif events & FINISHED:
        ready |= READABLE
    ready &= wanted
    if not ready:
        return 0
    if events & (HANGUP | FINISHED):
        ready |= HANGUP
    return ready | events & FAILED
