"""What several families of calls share: decoding, and opening a file."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.abi.enums import JoinStatusType, Option
from pywasix.abi.errno import Errno
from pywasix.abi.records import ErrnoSignal, ExitNormal, JoinStatus, JoinStatusU, OptionTimestamp, StoppedBy
from pywasix.errors import SysError
from pywasix.kernel.children import Told
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.file import File
from pywasix.kernel.process import ExitStatus
from pywasix.syscalls.context import Context, GuestMemory

_EXIT_BITS = 0xFF  # of an exit code, which a parent is told (POSIX _exit)
_NONE, _SOME = int(Option.NONE), int(Option.SOME)


def optional_time(memory: GuestMemory, pointer: int) -> int | None:
    """The ns of an option_timestamp; None for `none`. Errors: FAULT; INVAL unknown tag."""
    tag, time = memory.load_option(pointer)
    if tag == _NONE:
        return None
    if tag != _SOME:
        raise SysError(Errno.INVAL, f"option tag {tag}")
    return time


def option_timestamp(time: int | None) -> OptionTimestamp:
    """The record for an optional time in ns."""
    return OptionTimestamp(Option.NONE, 0) if time is None else OptionTimestamp(Option.SOME, time)


def open_file(ctx: Context, cell: int, make: Callable[[], File]) -> None:
    """Make a file and store its descriptor in a cell; both are secured first. Errors: FAULT; MFILE; those of `make`."""
    ctx.memory.check(cell, 4)
    fd = ctx.fds.reserve()
    try:
        file = make()
    except BaseException:
        ctx.fds.cancel(fd)
        raise
    ctx.fds.install(fd, Descriptor(file, file.rights, file.rights))
    ctx.memory.store_u32(cell, fd)


def join_status(told: Told | None) -> JoinStatus:
    """How a child ended or what has stopped it, as proc_join tells it; None: neither."""
    if told is not None and told.stopped:
        return JoinStatus(JoinStatusType.STOPPED, JoinStatusU.of(StoppedBy(told.stopped)))
    status = None if told is None else told.child.status
    if status is None:
        return JoinStatus(JoinStatusType.NOTHING, JoinStatusU(bytes(JoinStatusU.SIZE)))
    if status.signal:
        return JoinStatus(JoinStatusType.EXIT_SIGNAL, JoinStatusU.of(ErrnoSignal(0, status.signal)))
    return JoinStatus(JoinStatusType.EXIT_NORMAL, JoinStatusU.of(ExitNormal(status.code & _EXIT_BITS)))


def wait_status(status: ExitStatus | None) -> int:
    """How a child ended, as waitpid() tells it: the signal, or the exit code in the second byte."""
    assert status is not None
    return status.signal or (status.code & _EXIT_BITS) << 8
