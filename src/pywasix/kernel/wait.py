"""Waiting: the only place in the project that blocks for long.

A blocking call tries, and when it must wait, waits on {its file, the task's own wake descriptor,
a deadline} and tries again. Nothing polls with sleeps and nothing wakes while it is idle. A host
channel may hold a first try in the operating system for a moment (its patience) before it answers
`WouldBlock`; that is an optimisation of the common case, and what makes it short is the host's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import TIMEOUT_MAX, Lock
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol, TypeVar

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock

if TYPE_CHECKING:
    from pywasix.kernel.file import File
    from pywasix.kernel.task import Task

T = TypeVar("T")

# What can be true of a file: the bits of the ABI's `EpollType`.
READABLE = 1
WRITABLE = 2
FINISHED = 4  # the peer sends no more
URGENT = 8
FAILED = 16
HANGUP = 32


class Handle(Protocol):
    """Something the host can wait on. The kernel passes it around and never looks inside."""

    def fileno(self) -> int: ...


class Poller(Protocol):
    """Waits for handles. One belongs to each task; only its task calls `wait`."""

    def wait(self, interests: Sequence[tuple[Handle, int]], timeout_ns: int | None) -> list[int]:
        """Block until a handle is ready, the task is woken, or the time is over.

        Args:
            interests: (handle, READABLE | WRITABLE) pairs.
            timeout_ns: None waits for ever; 0 only looks, and leaves a wake-up for the next wait.
        Returns:
            For each interest the events that are true now (0 if none).
        """
        ...

    def wake(self) -> None:
        """Make the current `wait`, or else the next one, return at once. Any thread may call it."""
        ...

    def close(self) -> None: ...


def deadline_after(timeout_ns: int | None) -> int | None:
    """The monotonic time in ns at which a timeout is over; None for no timeout."""
    return None if timeout_ns is None else monotonic_ns() + timeout_ns


def remaining(deadline: int | None) -> int | None:
    """Nanoseconds left until a deadline, never below 0; None for no deadline."""
    return None if deadline is None else max(0, deadline - monotonic_ns())


def until(
    task: Task,
    attempt: Callable[[], T],
    handle: Handle,
    events: int,
    deadline: int | None = None,
    late: Errno = Errno.AGAIN,
) -> T:
    """Try an operation again and again, waiting for its file in between.

    Args:
        attempt: tries without blocking; raises `WouldBlock` when it must wait.
        handle, events: what to wait for.
        deadline: monotonic ns; when it passes the call fails with `late`.
    Errors: whatever `attempt` raises; INTR when a signal handler ran; `late`.
    """
    while True:
        task.interruption_point()
        try:
            return attempt()
        except WouldBlock:
            pass
        left = remaining(deadline)
        if left == 0:
            raise SysError(late, "the timeout of the socket is over")
        task.asleep = True
        task.poller.wait(((handle, events),), left)
        task.asleep = False


def pause(task: Task, deadline: int | None) -> bool:
    """Sleep until the deadline or until the task is woken; returns whether the deadline passed."""
    if deadline is None:
        task.asleep = True
        task.poller.wait((), None)
        task.asleep = False
        return False
    left = remaining(deadline)
    if left:
        task.asleep = True
        task.poller.wait((), left)
        task.asleep = False
    return monotonic_ns() >= deadline


def rest(task: Task, token: Lock, deadline: int | None) -> bool:
    """Sleep until somebody releases a lock that is held; returns whether the deadline passed first.

    Handing over a lock takes half of the time that the poller takes, which threads feel that wait for each other.
    `Task.notify` releases it too.
    """
    task.token = token
    if task.attention:  # who came before did not find the token
        task.token = None
        return False
    if deadline is None:
        token.acquire()
        late = False
    else:
        late = not token.acquire(timeout=min(max(0, deadline - monotonic_ns()) / 1e9, TIMEOUT_MAX))
    task.token = None
    return late


def stand_still(task: Task) -> None:
    """Sleep until the task's process is no longer stopped (SIGCONT), or the task must end."""
    process = task.process
    process.task_stands(task)
    while not process.task_goes_on(task):
        task.poller.wait((), None)


def release(token: Lock) -> None:
    """Wake who rests with this token; nothing happens if somebody has done it already."""
    try:  # noqa: SIM105  # a context manager takes longer than the release
        token.release()
    except RuntimeError:
        pass


def sleep(task: Task, deadline: int) -> None:
    """Sleep until a monotonic time in ns.

    Errors: INTR when a signal handler ran first.
    """
    task.interruption_point()
    while not pause(task, deadline):
        task.interruption_point()


def poll(
    task: Task, interests: Sequence[tuple[Handle, int]], deadline: int | None, files: frozenset[File] = frozenset()
) -> list[int]:
    """Wait until at least one handle is ready or the deadline passes; signal handlers run meanwhile.

    Args:
        files: what the handles belong to. When one loses its last descriptor the wait ends, and none of them is
            closed before the caller calls `Task.leave_all` on them.
    Returns:
        For each interest the events that are true, all 0 when the deadline passed. Those of a lost file say nothing.
    Errors: INTR a signal handler ran, and one of the files is a terminal.
    """
    while True:
        while task.attention:
            # A handler makes calls of its own, so that what is waited on must be told again.
            if task.attend() and any(file.terminal for file in files):
                raise SysError(Errno.INTR, "a signal handler ran")
        task.wait_on(files)
        for file in files:
            if not file.references:
                return task.poller.wait(interests, 0)
        task.asleep = True
        ready = task.poller.wait(interests, remaining(deadline))
        task.asleep = False
        if any(ready) or (deadline is not None and monotonic_ns() >= deadline):
            return ready
