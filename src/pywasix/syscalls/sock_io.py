"""Receiving and sending."""

from __future__ import annotations

from pywasix.abi.enums import RiFlags, Rights, RoFlags, SiFlags
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import Fd, Flags, In, Out, Size
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, syscall
from pywasix.syscalls.sock import socket_of

_READ = int(Rights.FD_READ)
_WRITE = int(Rights.FD_WRITE)


@syscall(modules=BASE)
def sock_recv(
    ctx: Context,
    fd: Fd,
    ri_data: In[Iovec],
    ri_data_len: Size,
    ri_flags: Flags[RiFlags],
    ro_data_len: Out[Size],
    ro_flags: Out[RoFlags],
) -> None:
    """Receive into buffers; 0 bytes says that the peer has finished.

    ABI: preview1, with WASIX's flags in both worlds; a stream never reports truncation.
    Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags or over 1024 buffers; NOTCONN;
        NOTSUP a datagram socket; CONNREFUSED the connect that was under way failed;
        AGAIN non-blocking, or the receive timeout is over; INTR; CONNRESET; TIMEDOUT.
    """
    socket = socket_of(ctx, fd, _READ)
    memory = ctx.memory
    if ro_data_len + 4 > memory.size or ro_flags + 2 > memory.size:  # one look instead of two calls
        memory.check(ro_data_len, 4)
        memory.check(ro_flags, 2)
    received = socket.recv(ctx.task, memory.iovecs(ri_data, ri_data_len), ri_flags)
    memory.store_u32(ro_data_len, received)
    memory.store_u16(ro_flags, 0)


@syscall(modules=BASE)
def sock_send(
    ctx: Context,
    fd: Fd,
    si_data: In[Ciovec],
    si_data_len: Size,
    si_flags: Flags[SiFlags],
    ret_data_len: Out[Size],
) -> None:
    """Send from buffers; a blocking socket sends all of it. Never raises SIGPIPE.

    ABI: preview1, with WASIX's DONT_WAIT in both worlds.
    Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags or over 1024 buffers; PIPE;
        NOTSUP a datagram socket; CONNREFUSED the connect that was under way failed;
        AGAIN non-blocking, or the send timeout is over; INTR; CONNRESET; TIMEDOUT.
    """
    socket = socket_of(ctx, fd, _WRITE)
    memory = ctx.memory
    if ret_data_len + 4 > memory.size:
        memory.check(ret_data_len, 4)
    sent = socket.send(ctx.task, memory.iovecs(si_data, si_data_len), si_flags)
    memory.store_u32(ret_data_len, sent)
