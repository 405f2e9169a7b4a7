"""Waiting on the host: poll(2) with a wake descriptor for each task."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

from pywasix.kernel.wait import FAILED, HANGUP, READABLE, WRITABLE, Handle

_RDHUP = getattr(select, "POLLRDHUP", 0)  # Linux: the peer has finished sending
_NS_PER_MS = 1_000_000
_ONE = (1).to_bytes(8, sys.byteorder)  # what eventfd(2) adds; a pipe takes any bytes
_LONGEST_MS = 2**31 - 1  # poll(2) takes an int; the caller looks at its deadline again


class HostPoller:
    """A `kernel.wait.Poller` over poll(2).

    The wake descriptor is an eventfd where there is one (Linux), otherwise a pipe. `_lock` guards
    it against being written to after it is closed, when the host may have given its number away.
    """

    __slots__ = ("_closed", "_lock", "_poll", "_read_end", "_write_end")

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self._read_end = self._write_end = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read_end, self._write_end = os.pipe()
            os.set_blocking(self._read_end, False)
            os.set_blocking(self._write_end, False)
        self._poll = select.poll()
        self._poll.register(self._read_end, select.POLLIN)
        self._closed = False
        self._lock = Lock()

    def wait(self, interests: Sequence[tuple[Handle, int]], timeout_ns: int | None) -> list[int]:
        if timeout_ns == 0:
            return self._look(interests)
        if timeout_ns is not None and timeout_ns < 2 * _NS_PER_MS and not interests:
            # poll(2) counts in ms. So short a sleep needs no wake-up; it keeps the guest's timers exact.
            time.sleep(timeout_ns / 1e9)
            return []
        if len(interests) == 1:
            return [self._wait_one(interests[0], timeout_ns)]
        masks = _masks(interests)
        for fd, mask in masks.items():
            self._poll.register(fd, mask)
        try:
            found = self._sleep(timeout_ns)
        finally:
            for fd in masks:
                self._poll.unregister(fd)
        return _answers(interests, found)

    def _wait_one(self, interest: tuple[Handle, int], timeout_ns: int | None) -> int:
        handle, events = interest
        fd = handle.fileno()
        if fd < 0:
            return FAILED  # closed by another thread: let the next try find out
        self._poll.register(fd, _mask(events))
        try:
            found = self._sleep(timeout_ns)
        finally:
            self._poll.unregister(fd)
        return _events(found.get(fd, 0), events)

    def _sleep(self, timeout_ns: int | None) -> dict[int, int]:
        timeout = None if timeout_ns is None else min(-(-timeout_ns // _NS_PER_MS), _LONGEST_MS)
        found = dict(self._poll.poll(timeout))
        if found.pop(self._read_end, 0):
            self._clear()
        return found

    @staticmethod
    def _look(interests: Sequence[tuple[Handle, int]]) -> list[int]:
        poll = select.poll()
        for fd, mask in _masks(interests).items():
            poll.register(fd, mask)
        return _answers(interests, dict(poll.poll(0)))

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


def _masks(interests: Sequence[tuple[Handle, int]]) -> dict[int, int]:
    masks: dict[int, int] = {}
    for handle, events in interests:
        fd = handle.fileno()
        if fd >= 0:
            masks[fd] = masks.get(fd, 0) | _mask(events)
    return masks


def _mask(events: int) -> int:
    mask = 0
    if events & READABLE:
        # A writer must not ask for it: a peer that only finished sending would wake it for ever.
        mask |= select.POLLIN | _RDHUP
    if events & WRITABLE:
        mask |= select.POLLOUT
    return mask


def _answers(interests: Sequence[tuple[Handle, int]], found: dict[int, int]) -> list[int]:
    return [
        FAILED if handle.fileno() < 0 else _events(found.get(handle.fileno(), 0), events)
        for handle, events in interests
    ]


def _events(found: int, asked: int) -> int:
    """Poll's answer in the kernel's bits; a hang-up or an error makes both directions ready (POSIX poll)."""
    if not found:
        return 0
    events = 0
    broken = found & (select.POLLERR | select.POLLNVAL)
    hung_up = found & select.POLLHUP
    if found & (select.POLLIN | _RDHUP) or hung_up or broken:
        events |= READABLE
    if found & select.POLLOUT or broken or hung_up:
        events |= WRITABLE
    events &= asked
    if not events:
        return 0
    if hung_up or found & _RDHUP:
        events |= HANGUP
    return events | (FAILED if broken else 0)
