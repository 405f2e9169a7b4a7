"""Pipes and event counters."""

from __future__ import annotations

from pywasix.abi.enums import EventFdFlags
from pywasix.abi.errno import Errno
from pywasix.abi.scalars import U64, Code, Fd, Out
from pywasix.errors import SysError
from pywasix.kernel.eventfd import COUNTER_MAX, CounterFile
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import open_file
from pywasix.syscalls.row import EXTENSION, syscall

_SEMAPHORE = int(EventFdFlags.SEMAPHORE)
_NONBLOCK = 4  # libc's EFD_NONBLOCK, which it passes on


@syscall(modules=EXTENSION)
def fd_event(ctx: Context, initial_val: U64, flags: Code[EventFdFlags], ret_fd: Out[Fd]) -> None:
    """Make an event counter (eventfd): 8 bytes that are written are added, a read takes them all, or 1 (semaphore).

    ABI: WASIX; libc passes EFD_NONBLOCK (4) beside the ABI's own flag.
    Errors: INVAL unknown flags, or a counter of all ones; MFILE; FAULT; NOTSUP the host has none.
    """
    if flags & ~(_SEMAPHORE | _NONBLOCK) or initial_val > COUNTER_MAX:
        raise SysError(Errno.INVAL, f"an event counter of {initial_val:#x} with flags {int(flags):#x}")

    def make() -> CounterFile:
        file = CounterFile(ctx.services.new_counter(initial_val, semaphore=bool(flags & _SEMAPHORE)))
        file.nonblocking = bool(flags & _NONBLOCK)
        return file

    open_file(ctx, ret_fd, make)


@syscall(modules=EXTENSION)
def fd_pipe(ctx: Context, ro_read_fd: Out[Fd], ro_write_fd: Out[Fd]) -> None:
    """Make a pipe: what is written to the second descriptor is read from the first.

    ABI: WASIX since 2022-09. Errors: MFILE; FAULT.
    """
    _pipe(ctx, ro_read_fd, ro_write_fd)


@syscall(modules=EXTENSION)
def pipe(ctx: Context, ro_fd1: Out[Fd], ro_fd2: Out[Fd]) -> None:
    """Make a pipe: fd_pipe under its name of 2022.

    ABI: WASIX before 2022-09. Errors: as fd_pipe.
    """
    _pipe(ctx, ro_fd1, ro_fd2)


def _pipe(ctx: Context, read_cell: int, write_cell: int) -> None:
    ctx.memory.check(read_cell, 4)
    ctx.memory.check(write_cell, 4)
    fds = ctx.fds
    reading = fds.reserve()
    try:
        writing = fds.reserve()
        try:
            ends = ctx.services.new_pipe(two_way=ctx.generation.pipes_go_both_ways)
        except BaseException:
            fds.cancel(writing)
            raise
    except BaseException:
        fds.cancel(reading)
        raise
    for fd, cell, end in zip((reading, writing), (read_cell, write_cell), ends, strict=True):
        file = StreamFile(end)
        fds.install(fd, Descriptor(file, file.rights, file.rights))
        ctx.memory.store_u32(cell, fd)
