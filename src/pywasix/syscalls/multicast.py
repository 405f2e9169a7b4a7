"""Multicast: joining and leaving groups."""

from __future__ import annotations

from pywasix.abi.addresses import AddrIp4, AddrIp6
from pywasix.abi.scalars import U32, Fd, In
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall
from pywasix.syscalls.sock import socket_of

_ANY = 0


@syscall(modules=EXTENSION)
def sock_join_multicast_v4(ctx: Context, fd: Fd, multiaddr: In[AddrIp4], interface: In[AddrIp4]) -> None:
    """Join an IPv4 group on the interface that has an address; 0.0.0.0 lets the network choose.

    The policy judges it as binding the group's address and the socket's port.

    ABI: WASIX. Errors: BADF; NOTSOCK; FAULT; ACCES; INVAL no multicast address; NODEV no such interface;
        ADDRINUSE joined already; PROTO a TCP socket; NOTSUP a Unix socket.
    """
    socket = socket_of(ctx, fd, _ANY)
    socket.set_membership(_bytes(ctx, multiaddr, 4), _bytes(ctx, interface, 4), True)


@syscall(modules=EXTENSION)
def sock_leave_multicast_v4(ctx: Context, fd: Fd, multiaddr: In[AddrIp4], interface: In[AddrIp4]) -> None:
    """Leave an IPv4 group.

    ABI: WASIX. Errors: BADF; NOTSOCK; FAULT; ADDRNOTAVAIL not joined; PROTO a TCP socket; NOTSUP a Unix socket.
    """
    socket = socket_of(ctx, fd, _ANY)
    socket.set_membership(_bytes(ctx, multiaddr, 4), _bytes(ctx, interface, 4), False)


@syscall(modules=EXTENSION)
def sock_join_multicast_v6(ctx: Context, fd: Fd, multiaddr: In[AddrIp6], interface: U32) -> None:
    """Join an IPv6 group on the interface of an index; 0 lets the network choose.

    The policy judges it as binding the group's address and the socket's port.

    ABI: WASIX; of the address only the 16 octets are read, in network order. Errors: BADF; NOTSOCK; FAULT; ACCES;
        INVAL no multicast address; NODEV no such interface; ADDRINUSE joined already; NOPROTOOPT an IPv4 socket;
        PROTO a TCP socket; NOTSUP a Unix socket.
    """
    socket_of(ctx, fd, _ANY).set_membership(_bytes(ctx, multiaddr, 16), interface, True)


@syscall(modules=EXTENSION)
def sock_leave_multicast_v6(ctx: Context, fd: Fd, multiaddr: In[AddrIp6], interface: U32) -> None:
    """Leave an IPv6 group.

    ABI: WASIX. Errors: BADF; NOTSOCK; FAULT; INVAL no multicast address; ADDRNOTAVAIL not joined;
        NOPROTOOPT an IPv4 socket; PROTO a TCP socket; NOTSUP a Unix socket.
    """
    socket_of(ctx, fd, _ANY).set_membership(_bytes(ctx, multiaddr, 16), interface, False)


def _bytes(ctx: Context, pointer: int, size: int) -> bytes:
    return bytes(ctx.memory.read(pointer, size))
