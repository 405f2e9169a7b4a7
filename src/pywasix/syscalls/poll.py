"""poll_oneoff: waiting for clocks and descriptors."""

from __future__ import annotations

from time import monotonic_ns

from pywasix.abi.codecs import EVENT_SIZE, SUBSCRIPTION_SIZE, decode_subscription, encode_event
from pywasix.abi.enums import ClockId, EventRwFlags, EventType, Rights, SubclockFlags
from pywasix.abi.errno import Errno
from pywasix.abi.records import Event, Subscription, UnstableSubscription
from pywasix.abi.scalars import In, Out, Size
from pywasix.errors import SysError
from pywasix.kernel import wait
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import PREVIEW1_AND_WASIX, syscall

_POLL = int(Rights.POLL_FD_READWRITE)
_HANGUP = int(EventRwFlags.FD_READWRITE_HANGUP)
_MOST = 65536  # subscriptions of one call, whatever the limit of descriptors: they are decoded one by one
_BREATH = 1000  # so many are decoded between two looks whether the task must end
_INTERESTS = {int(EventType.FD_READ): wait.READABLE, int(EventType.FD_WRITE): wait.WRITABLE}


class _Watched:
    """One subscription, decoded: a deadline, a file with the events asked for, or an error."""

    __slots__ = ("deadline", "error", "file", "interest", "kind", "ready", "userdata")

    def __init__(self, userdata: int, kind: int, interest: int = 0) -> None:
        self.userdata = userdata
        self.kind = kind
        self.interest = interest
        self.deadline: int | None = None
        self.file: File | None = None
        self.error = 0
        self.ready = 0


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
    if not 0 < count <= min(2 * ctx.fds.limit + 1, _MOST):
        raise SysError(Errno.INVAL, f"{count} subscriptions")
    raw = ctx.memory.read(source, count * SUBSCRIPTION_SIZE[unstable])
    ctx.memory.check(out, count * EVENT_SIZE)
    ctx.memory.check(nevents, 4)
    watched = _decode(ctx, raw, count, unstable=unstable)
    files = frozenset(each.file for each in watched if each.file is not None)
    try:
        _wait(ctx, watched, files)
        events = [_event(each) for each in watched if _fired(each)]
    finally:
        ctx.task.leave_all(files)
    ctx.memory.write(out, b"".join(events))
    ctx.memory.store_u32(nevents, len(events))


def _decode(ctx: Context, raw: bytes, count: int, *, unstable: bool) -> list[_Watched]:
    size = SUBSCRIPTION_SIZE[unstable]
    only = count == 1
    watched = []
    for index in range(count):
        if index % _BREATH == _BREATH - 1:
            ctx.task.attend()
        watched.append(_watch(ctx, *decode_subscription(raw, index * size, unstable=unstable), only=only))
    return watched


def _watch(
    ctx: Context,
    userdata: int,
    kind: int,
    subject: int,
    timeout: int,
    _precision: int,
    flags: int,
    *,
    only: bool,
) -> _Watched:
    if kind == EventType.CLOCK:
        return _watch_clock(ctx, userdata, subject, timeout, flags, only=only)
    watched = _Watched(userdata, kind, interest=_INTERESTS.get(kind, 0))
    if not watched.interest:
        watched.error = Errno.INVAL
        return watched
    try:
        watched.file = ctx.fds.file(subject, _POLL)
    except SysError as error:
        watched.error = error.errno
    return watched


def _watch_clock(ctx: Context, userdata: int, clock: int, timeout: int, flags: int, *, only: bool) -> _Watched:
    watched = _Watched(userdata, int(EventType.CLOCK))
    if clock not in (ClockId.REALTIME, ClockId.MONOTONIC) or flags & ~1:
        watched.error = Errno.INVAL
        return watched
    absolute = flags & SubclockFlags.SUBSCRIPTION_CLOCK_ABSTIME
    if not absolute and not timeout and not only and ctx.generation.zero_timeout_is_none:
        return watched
    past = ctx.services.now(clock) if absolute else 0
    watched.deadline = monotonic_ns() + timeout - past
    return watched


def _wait(ctx: Context, watched: list[_Watched], files: frozenset[File]) -> None:
    deadline = min((each.deadline for each in watched if each.deadline is not None), default=None)
    for each in watched:
        if each.file is not None and each.file.handle is None:
            each.ready = each.interest  # never makes anyone wait
        if each.ready or each.error:
            deadline = 0
    waiting = [each for each in watched if each.file is not None and not each.ready]
    interests = [(each.file.handle, each.interest) for each in waiting if each.file and each.file.handle]
    for each, ready in zip(waiting, wait.poll(ctx.task, interests, deadline, files), strict=True):
        each.ready = ready
    for each in watched:
        if each.file is not None and not each.file.references:
            each.error = Errno.BADF


def _fired(watched: _Watched) -> bool:
    over = watched.deadline is not None and monotonic_ns() >= watched.deadline
    return bool(watched.error or watched.ready or over)


def _event(watched: _Watched) -> bytes:
    size = 0
    if watched.file is not None and not watched.error and watched.kind == EventType.FD_READ:
        size = watched.file.available()
    hangup = _HANGUP if watched.ready & wait.HANGUP else 0
    return encode_event(watched.userdata, watched.error, watched.kind, size, hangup)
