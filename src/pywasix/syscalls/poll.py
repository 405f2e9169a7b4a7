"""poll_oneoff: waiting for clocks and descriptors."""

from __future__ import annotations

from time import monotonic_ns

from pywasix.abi.codecs import EVENT_SIZE, SUBSCRIPTION_SIZE, decode_subscriptions, encode_event
from pywasix.abi.enums import ClockId, EventRwFlags, EventType, Rights, SubclockFlags
from pywasix.abi.errno import Errno
from pywasix.abi.records import Event, Subscription, UnstableSubscription
from pywasix.abi.scalars import In, Out, Size
from pywasix.errors import SysError
from pywasix.kernel import wait
from pywasix.kernel.file import File
from pywasix.kernel.task import Task
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import PREVIEW1_AND_WASIX, syscall

_POLL = int(Rights.POLL_FD_READWRITE)
_HANGUP = int(EventRwFlags.FD_READWRITE_HANGUP)
_MOST = 65536  # subscriptions of one call, whatever the limit of descriptors: they are decoded one by one
_BREATH = 1000  # so many are decoded between two looks whether the task must end
_CLOCKS = (int(ClockId.REALTIME), int(ClockId.MONOTONIC))
_ABSOLUTE = int(SubclockFlags.SUBSCRIPTION_CLOCK_ABSTIME)
_CLOCK, _READ = int(EventType.CLOCK), int(EventType.FD_READ)
_INTERESTS = {_READ: wait.READABLE, int(EventType.FD_WRITE): wait.WRITABLE}


Row = tuple[int, int, int, File | None, int, int | None]
"""One subscription: userdata, type, events that are waited for, the file, an error, a clock's deadline (monotonic ns).

A clock without a deadline and without an error never fires. A server polls all of its connections again and again, so
that a row is what Python makes fastest."""


@syscall(modules=PREVIEW1_AND_WASIX)
def poll_oneoff(ctx: Context, in_: In[Subscription], out: Out[Event], nsubscriptions: Size, nevents: Out[Size]) -> None:
    """Wait until a clock or a descriptor of a list is ready; signal handlers run meanwhile.

    ABI: preview1; 48-byte subscriptions, 32-byte events, at most one event each.
    Errors: INVAL no subscriptions, more than two for each possible descriptor, or over 65536; FAULT;
        INTR a signal handler ran, where a terminal is watched: who waits for keys has to deal with Ctrl-C first.
        An event of its own tells BADF (also when another task closes the descriptor meanwhile), NOTCAPABLE,
        INVAL (unknown type or clock).
    """
    _poll(ctx, in_, out, nsubscriptions, nevents)


@syscall(modules=("wasi_unstable",), name="poll_oneoff")
def unstable_poll_oneoff(
    ctx: Context, in_: In[UnstableSubscription], out: Out[Event], nsubscriptions: Size, nevents: Out[Size]
) -> None:
    """Wait until a clock or a descriptor of a list is ready.

    ABI: wasi_unstable; 56-byte subscriptions. Errors: as poll_oneoff.
    """
    _poll(ctx, in_, out, nsubscriptions, nevents, unstable=True)


def _poll(ctx: Context, source: int, out: int, count: int, nevents: int, *, unstable: bool = False) -> None:
    if not 0 < count <= _MOST or count > 2 * ctx.fds.limit + 1:
        raise SysError(Errno.INVAL, f"{count} subscriptions")
    memory = ctx.memory
    raw = memory.read(source, count * SUBSCRIPTION_SIZE[unstable])
    memory.check(out, count * EVENT_SIZE)
    memory.check(nevents, 4)
    rows = _decode(ctx, raw, unstable=unstable)
    files = frozenset([row[3] for row in rows if row[3] is not None])
    try:
        events = _fired(rows, _wait(ctx.task, rows, files))
    finally:
        ctx.task.leave_all(files)
    memory.write(out, b"".join(events))
    memory.store_u32(nevents, len(events))


def _decode(ctx: Context, raw: bytes, *, unstable: bool) -> list[Row]:
    rows: list[Row] = []
    size = SUBSCRIPTION_SIZE[unstable]
    only = len(raw) == size
    entries = ctx.fds.entries
    for start in range(0, len(raw), _BREATH * size):
        if start:
            ctx.task.attend()
        some = raw[start : start + _BREATH * size]
        for userdata, kind, subject, timeout, flags in decode_subscriptions(some, unstable=unstable):
            interest = _INTERESTS.get(kind, 0)
            if interest:
                entry = entries.get(subject)
                if entry is not None and entry.rights & _POLL:
                    rows.append((userdata, kind, interest, entry.file, 0, None))
                    continue
            rows.append(_other_row(ctx, userdata, kind, subject, timeout, flags, only=only))
    return rows


def _other_row(ctx: Context, userdata: int, kind: int, subject: int, timeout: int, flags: int, *, only: bool) -> Row:
    """The row of a clock, or of what cannot be waited for."""
    file, deadline, error = None, None, 0
    try:
        if kind == _CLOCK:
            deadline = _deadline(ctx, subject, timeout, flags, only=only)
        elif kind in _INTERESTS:
            file = ctx.fds.file(subject, _POLL)  # says what is wrong, unless another task has just opened it
        else:
            error = Errno.INVAL
    except SysError as failure:
        error = failure.errno
    return userdata, kind, _INTERESTS.get(kind, 0), file, error, deadline


def _deadline(ctx: Context, clock: int, timeout: int, flags: int, *, only: bool) -> int | None:
    """The deadline of a clock subscription; None: it never fires. Errors: INVAL."""
    if clock not in _CLOCKS or flags & ~_ABSOLUTE:
        raise SysError(Errno.INVAL, f"clock {clock} with flags {flags:#x}")
    if flags:
        return monotonic_ns() + timeout - ctx.services.now(clock)
    if not timeout and not only and ctx.generation.zero_timeout_is_none:
        return None
    return monotonic_ns() + timeout


def _wait(task: Task, rows: list[Row], files: frozenset[File]) -> list[int]:
    """Wait until something fires; returns what is true of each file that one can wait on."""
    earliest: int | None = None
    interests = []
    for _, _, interest, file, error, deadline in rows:
        if file is not None:
            handle = file.handle
            if handle is not None:
                interests.append((handle, interest))
            else:
                earliest = 0  # it never makes anyone wait
        elif error:
            earliest = 0
        elif deadline is not None and (earliest is None or deadline < earliest):
            earliest = deadline
    return wait.poll(task, interests, earliest, files)


def _fired(rows: list[Row], found: list[int]) -> list[bytes]:
    """The events, at most one of each row."""
    events = []
    answers, now = iter(found), monotonic_ns()
    for userdata, kind, interest, file, error, deadline in rows:
        if file is None:
            if error or (deadline is not None and now >= deadline):
                events.append(encode_event(userdata, error, kind, 0, 0))
            continue
        ready = next(answers) if file.handle is not None else interest
        if not file.references:
            events.append(encode_event(userdata, Errno.BADF, kind, 0, 0))
        elif ready:
            size = file.available() if kind == _READ else 0
            events.append(encode_event(userdata, 0, kind, size, _HANGUP if ready & wait.HANGUP else 0))
    return events
