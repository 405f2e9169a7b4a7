"""What several families of calls share: decoding, and opening a file."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.abi.enums import Option
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionTimestamp
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context, GuestMemory


def optional_time(memory: GuestMemory, pointer: int) -> int | None:
    """The ns of an option_timestamp; None for `none`. Errors: FAULT; INVAL unknown tag."""
    option = memory.load(OptionTimestamp, pointer)
    if option.tag == Option.NONE:
        return None
    if option.tag != Option.SOME:
        raise SysError(Errno.INVAL, f"option tag {option.tag}")
    return option.value


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
