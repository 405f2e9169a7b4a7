"""recvmsg and sendmsg, as hosts under development have them: an address that may be left out, no ancillary data."""

from __future__ import annotations

from pywasix.abi.addresses import AddrPort
from pywasix.abi.enums import RiFlags, RoFlags, SiFlags
from pywasix.abi.errno import Errno
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import U8, Fd, Flags, In, Out, Size
from pywasix.errors import SysError
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, Support, syscall
from pywasix.syscalls.sock_io import sock_recv, sock_recv_from, sock_send, sock_send_to

_NOTE = "No ancillary data: none is received, and to send some is NOTSUP, because the ABI has no layout for it."


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_NOTE)
def sock_recv_msg(
    ctx: Context,
    fd: Fd,
    ri_data: In[Iovec],
    ri_data_len: Size,
    ri_flags: Flags[RiFlags],
    addr: Out[AddrPort],
    ro_control: Out[U8],
    ro_control_len: Size,
    ro_data_len: Out[Size],
    ro_flags: Out[RoFlags],
    ret_control_len: Out[Size],
) -> None:
    """Receive, and tell the sender unless `addr` is 0; `ret_control_len` is always 0.

    ABI: WASIX hosts under development. Errors: FAULT; as sock_recv_from.
    """
    ctx.memory.check(ret_control_len, 4)
    ctx.memory.check(ro_control, ro_control_len)
    if addr:
        sock_recv_from(ctx, fd, ri_data, ri_data_len, ri_flags, ro_data_len, ro_flags, addr)
    else:
        sock_recv(ctx, fd, ri_data, ri_data_len, ri_flags, ro_data_len, ro_flags)
    ctx.memory.store_u32(ret_control_len, 0)


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_NOTE)
def sock_send_msg(
    ctx: Context,
    fd: Fd,
    si_data: In[Ciovec],
    si_data_len: Size,
    si_flags: Flags[SiFlags],
    addr: In[AddrPort],
    si_control: In[U8],
    si_control_len: Size,
    ret_data_len: Out[Size],
) -> None:
    """Send, to an address unless `addr` is 0.

    ABI: WASIX hosts under development. Errors: NOTSUP ancillary data; as sock_send_to.
    """
    ctx.memory.check(si_control, si_control_len)
    if si_control_len:
        raise SysError(Errno.NOTSUP, "no ancillary data can be sent")
    if addr:
        sock_send_to(ctx, fd, si_data, si_data_len, si_flags, addr, ret_data_len)
    else:
        sock_send(ctx, fd, si_data, si_data_len, si_flags, ret_data_len)
