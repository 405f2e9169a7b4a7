"""Receiving and sending, with and without addresses."""

from __future__ import annotations

from pywasix.abi.addresses import AddrPort
from pywasix.abi.enums import RiFlags, Rights, RoFlags, SiFlags
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import Fd, Flags, In, Out, Size
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, syscall
from pywasix.syscalls.sock import load_address, socket_of, store_address

_READ = int(Rights.FD_READ)
_WRITE = int(Rights.FD_WRITE)
_RECV_FROM = int(Rights.SOCK_RECV_FROM)
_SEND_TO = int(Rights.SOCK_SEND_TO)


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
    """Receive into buffers; 0 bytes says that the peer has finished, or that a datagram is empty.

    ABI: preview1, with WASIX's flags in both worlds. DATA_TRUNCATED comes out when a datagram did not fit; as a
        flag it asks for the datagram's own length, and makes a stream discard what it receives.
    Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags or over 1024 buffers; NOTCONN a stream;
        CONNREFUSED the connect that was under way failed, or an earlier datagram came back;
        AGAIN non-blocking, or the receive timeout is over; INTR; CONNRESET; TIMEDOUT.
    """
    socket = socket_of(ctx, fd, _READ)
    memory = ctx.memory
    if ro_data_len > memory.last_cell or ro_flags > memory.last_cell:  # one look instead of two calls
        memory.check(ro_data_len, 4)
        memory.check(ro_flags, 2)
    buffers = memory.iovecs(ri_data, ri_data_len)
    if socket.stream:
        received, truncated = socket.recv(ctx.task, buffers, ri_flags), False
    else:
        received, truncated, _ = socket.recv_from(ctx.task, buffers, ri_flags)
    put_u32, put_u16 = memory.put_u32, memory.put_u16  # called as names: Python looks a method up at length
    put_u32(ro_data_len, received)
    put_u16(ro_flags, truncated)


@syscall(modules=BASE)
def sock_send(
    ctx: Context,
    fd: Fd,
    si_data: In[Ciovec],
    si_data_len: Size,
    si_flags: Flags[SiFlags],
    ret_data_len: Out[Size],
) -> None:
    """Send from buffers; a blocking stream sends all of it, a datagram goes as one. Never raises SIGPIPE.

    ABI: preview1, with WASIX's DONT_WAIT in both worlds.
    Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags or over 1024 buffers; PIPE;
        DESTADDRREQ a datagram without peer; MSGSIZE a datagram that is too long;
        CONNREFUSED the connect that was under way failed, or an earlier datagram came back;
        AGAIN non-blocking, or the send timeout is over; INTR; CONNRESET; TIMEDOUT.
    """
    socket = socket_of(ctx, fd, _WRITE)
    memory = ctx.memory
    if ret_data_len > memory.last_cell:
        memory.check(ret_data_len, 4)
    sent = socket.send(ctx.task, memory.iovecs(si_data, si_data_len), si_flags)
    put_u32 = memory.put_u32
    put_u32(ret_data_len, sent)


@syscall(modules=EXTENSION)
def sock_recv_from(
    ctx: Context,
    fd: Fd,
    ri_data: In[Iovec],
    ri_data_len: Size,
    ri_flags: Flags[RiFlags],
    ro_data_len: Out[Size],
    ro_flags: Out[RoFlags],
    ro_addr: Out[AddrPort],
) -> None:
    """Receive into buffers and tell who sent it; a TCP connection tells an address of no family, as Linux does.

    ABI: WASIX; results are as sock_recv's. All of them are secured before a datagram is taken.
    Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags or over 1024 buffers; NOTCONN a stream;
        CONNREFUSED an earlier datagram came back; AGAIN non-blocking, or the receive timeout is over; INTR;
        CONNRESET.
    """
    socket = socket_of(ctx, fd, _RECV_FROM)
    memory = ctx.memory
    memory.check(ro_data_len, 4)
    memory.check(ro_flags, 2)
    memory.check(ro_addr, ctx.generation.addr_port_written(socket.family))
    buffers = memory.iovecs(ri_data, ri_data_len)
    received, truncated, sender = socket.recv_from(ctx.task, buffers, ri_flags)
    memory.store_u32(ro_data_len, received)
    memory.store_u16(ro_flags, truncated)
    store_address(ctx, ro_addr, sender)


@syscall(modules=EXTENSION)
def sock_send_to(
    ctx: Context,
    fd: Fd,
    si_data: In[Ciovec],
    si_data_len: Size,
    si_flags: Flags[SiFlags],
    addr: In[AddrPort],
    ret_data_len: Out[Size],
) -> None:
    """Send one datagram to an address; the socket gets a free port if it has none.

    A TCP connection sends to its peer whatever the address says, as on Linux.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT; INVAL unknown flags, over 1024 buffers, port 0 or no
        address; AFNOSUPPORT; ACCES refused by the policy, or broadcast without BROADCAST; MSGSIZE; DESTADDRREQ
        no address and no peer; CONNREFUSED an earlier datagram came back; NETUNREACH; AGAIN non-blocking, or the
        send timeout is over; PIPE shut, or a stream without connection; ISCONN, NOTSUP a Unix stream.
    """
    socket = socket_of(ctx, fd, _SEND_TO)
    ctx.memory.check(ret_data_len, 4)
    address = load_address(ctx, addr)
    sent = socket.send_to(ctx.task, ctx.memory.iovecs(si_data, si_data_len), si_flags, address)
    ctx.memory.store_u32(ret_data_len, sent)
