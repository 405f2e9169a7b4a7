"""epoll: watching many descriptors, and waiting for those that have something to tell."""

from __future__ import annotations

from pywasix.abi.codecs import EPOLL_EVENT_SIZE, decode_epoll_event
from pywasix.abi.enums import EpollCtl, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import EpollEvent
from pywasix.abi.scalars import Code, Fd, In, Out, Size, Timestamp
from pywasix.errors import SysError
from pywasix.kernel.epoll import Epoll
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import open_file
from pywasix.syscalls.row import EXTENSION, syscall

_POLL = int(Rights.POLL_FD_READWRITE)
# libc passes Linux's numbers on, so that these are what arrives; the ABI's own 0 is ADD as well.
_ADD, _DEL, _MOD = 1, 2, 3
_MOST_EVENTS = (2**31 - 1) // 12  # Linux: EP_MAX_EVENTS
_FOREVER = 2**63  # ns; libc passes -1, and what is negative waits for ever on Linux


@syscall(modules=EXTENSION)
def epoll_create(ctx: Context, ret_fd: Out[Fd]) -> None:
    """Make a descriptor that watches others.

    ABI: WASIX since 2023-06; no flags. Errors: MFILE; FAULT; NOTSUP the host has no epoll.
    """
    open_file(ctx, ret_fd, lambda: Epoll(ctx.services.new_epoll()))


@syscall(modules=EXTENSION)
def epoll_ctl(ctx: Context, epfd: Fd, op: Code[EpollCtl], fd: Fd, event: In[EpollEvent]) -> None:
    """Watch a descriptor (1, or 0), change what it is watched for (3), or watch it no more (2).

    ABI: WASIX since 2023-06, with Linux's numbers for the operations. ERR and HUP are told unasked, unknown
        event bits do nothing. Errors: FAULT; BADF; NOTCAPABLE; PERM a file that cannot be polled; INVAL epfd is no
        epoll descriptor or is fd, or an unknown operation; EXIST; NOENT; LOOP; MFILE of the host.
    """
    events, data = (0, b"") if op == _DEL else decode_epoll_event(ctx.memory.read(event, EPOLL_EVENT_SIZE))
    watcher = ctx.fds.get(epfd).file
    file = ctx.fds.file(fd, _POLL)
    if file.handle is None:
        raise SysError(Errno.PERM, f"fd {fd} is a file that never makes anyone wait")
    if not isinstance(watcher, Epoll) or file is watcher:
        raise SysError(Errno.INVAL, f"fd {epfd} is no epoll descriptor that could watch fd {fd}")
    if op == _DEL:
        watcher.remove(fd, file)
    elif op == _MOD:
        watcher.change(fd, file, events, data)
    elif op <= _ADD:
        watcher.add(ctx.task, fd, file, events, data)
    else:
        raise SysError(Errno.INVAL, f"unknown operation {op}")


@syscall(modules=EXTENSION)
def epoll_wait(
    ctx: Context, epfd: Fd, event: Out[EpollEvent], maxevents: Size, timeout: Timestamp, ret_nevents: Out[Size]
) -> None:
    """Wait for events of watched descriptors; signal handlers run meanwhile. No events: the time is over.

    ABI: WASIX since 2023-06; ns, a negative timeout waits for ever.
    Errors: INVAL no room, more than Linux takes, or no epoll descriptor; FAULT; BADF.
    """
    if not 0 < maxevents <= _MOST_EVENTS:
        raise SysError(Errno.INVAL, f"room for {maxevents} events")
    memory = ctx.memory
    if event + maxevents * EPOLL_EVENT_SIZE > memory.last_cell or ret_nevents > memory.last_cell:
        memory.check(event, maxevents * EPOLL_EVENT_SIZE)
        memory.check(ret_nevents, 4)
    try:
        watcher = ctx.fds.entries[epfd].file
    except KeyError:
        watcher = ctx.fds.get(epfd).file  # says BADF, in its words
    if not isinstance(watcher, Epoll):
        raise SysError(Errno.INVAL, f"fd {epfd} is no epoll descriptor")
    found = watcher.wait(ctx.task, maxevents, timeout if timeout < _FOREVER else None)
    memory.write(event, found)
    memory.store_u32(ret_nevents, len(found) // EPOLL_EVENT_SIZE)
