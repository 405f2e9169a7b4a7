"""Sockets: opening, binding, listening, accepting, connecting, and who is at both ends."""

from __future__ import annotations

from pywasix.abi.addresses import AddrPort
from pywasix.abi.codecs import decode_addr_unix
from pywasix.abi.enums import AddressFamily, FdFlags, Rights, SdFlags, SockProto, SockStatus, SockType
from pywasix.abi.errno import Errno
from pywasix.abi.scalars import Code, Fd, Flags, In, Out, Size
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor
from pywasix.net.address import NOWHERE, UNIX, Address
from pywasix.net.opening import open_pair, open_socket
from pywasix.net.sockets import SOCKET_RIGHTS, Socket
from pywasix.net.states import State
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, PREVIEW1_ONLY, Support, syscall
from pywasix.syscalls.socket_names import check_no_file

_ACCEPT = int(Rights.SOCK_ACCEPT)
_NONBLOCK = int(FdFlags.NONBLOCK)
_LISTENING = State.LISTENING  # looking a member up on its class costs as much as a call
_PROTOCOLS = {
    SockType.SOCKET_STREAM: (SockProto.IP, SockProto.TCP),
    SockType.SOCKET_DGRAM: (SockProto.IP, SockProto.UDP),
}
_STATUS = {
    State.FRESH: SockStatus.OPENING,
    State.BOUND: SockStatus.OPENING,
    State.CONNECTING: SockStatus.OPENING,
    State.LISTENING: SockStatus.OPENED,
    State.CONNECTED: SockStatus.OPENED,
    State.REFUSED: SockStatus.FAILED,
    State.FAILED: SockStatus.FAILED,
}
_KINDS = "Streams and datagrams only: raw sockets would get around the policy, and libc has no sequenced packets."


def socket_of(ctx: Context, fd: int, right: int) -> Socket:
    """The socket behind a descriptor that has a right, 0 for none in particular. Errors: BADF; NOTSOCK; NOTCAPABLE."""
    try:
        entry = ctx.fds.entries[fd]
    except KeyError:
        entry = ctx.fds.get(fd)  # says BADF, in its words
    file = entry.file
    if not isinstance(file, Socket):
        raise SysError(Errno.NOTSOCK, f"fd {fd} is no socket")
    if entry.rights != SOCKET_RIGHTS and right & ~entry.rights:
        raise SysError(Errno.NOTCAPABLE, f"fd {fd} lacks the right {right:#x}")
    return file


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_KINDS)
def sock_open(
    ctx: Context,
    af: Code[AddressFamily],
    socktype: Code[SockType],
    sock_proto: Code[SockProto],
    ro_sock: Out[Fd],
) -> None:
    """Open a socket.

    ABI: WASIX; the 2022 generation numbers the types differently.
    Errors: AFNOSUPPORT; INVAL unknown type; PROTONOSUPPORT; NOTSUP raw and seqpacket; MFILE; FAULT.
    """
    kind = _kind(ctx, socktype, sock_proto)
    ctx.memory.check(ro_sock, 4)
    fd = ctx.fds.reserve()
    try:
        socket = open_socket(ctx.network, _family(ctx, af), kind)
    except BaseException:
        ctx.fds.cancel(fd)
        raise
    ctx.fds.install(fd, Descriptor(socket, SOCKET_RIGHTS, SOCKET_RIGHTS))
    ctx.memory.store_u32(ro_sock, fd)


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_KINDS)
def sock_pair(
    ctx: Context,
    af: Code[AddressFamily],
    socktype: Code[SockType],
    sock_proto: Code[SockProto],
    ro_sock1: Out[Fd],
    ro_sock2: Out[Fd],
) -> None:
    """Open two Unix sockets that are connected to each other: socketpair(2). They need no network.

    ABI: WASIX since 2025-02. Errors: AFNOSUPPORT; INVAL unknown type; PROTONOSUPPORT; NOTSUP IPv4 and IPv6, raw and
        seqpacket; MFILE; FAULT.
    """
    kind = _kind(ctx, socktype, sock_proto)
    ctx.memory.check(ro_sock1, 4)
    ctx.memory.check(ro_sock2, 4)
    fds: list[int] = []
    try:
        fds.append(ctx.fds.reserve())
        fds.append(ctx.fds.reserve())
        sockets = open_pair(ctx.network, af, kind)
    except BaseException:
        list(map(ctx.fds.cancel, fds))
        raise
    for fd, socket, pointer in zip(fds, sockets, (ro_sock1, ro_sock2), strict=True):
        ctx.fds.install(fd, Descriptor(socket, SOCKET_RIGHTS, SOCKET_RIGHTS))
        ctx.memory.store_u32(pointer, fd)


@syscall(modules=EXTENSION)
def sock_bind(ctx: Context, fd: Fd, addr: In[AddrPort]) -> None:
    """Give a socket its local address and port.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; INVAL bound already; AFNOSUPPORT; ACCES refused by
        the policy or the host; ADDRINUSE; ADDRNOTAVAIL; NOBUFS too many Unix sockets with names; FAULT.
    """
    socket, address = socket_of(ctx, fd, int(Rights.SOCK_BIND)), load_address(ctx, addr)
    check_no_file(ctx, address)
    socket.bind(address)


@syscall(modules=EXTENSION)
def sock_listen(ctx: Context, fd: Fd, backlog: Size) -> None:
    """Start to listen; `backlog` connections may wait to be accepted.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; NOTSUP a datagram socket; INVAL connected; ACCES; ADDRINUSE.
    """
    socket_of(ctx, fd, int(Rights.SOCK_LISTEN)).listen(backlog)


@syscall(modules=EXTENSION)
def sock_accept_v2(ctx: Context, sock: Fd, fd_flags: Flags[FdFlags], ro_fd: Out[Fd], ro_addr: Out[AddrPort]) -> None:
    """Take a waiting connection; tell its new descriptor and the peer's address and port.

    Both results and the descriptor are secured before a connection is taken: FAULT and MFILE leave
    the caller in the queue. The flags describe the new descriptor only, no flag is inherited; its rights are the
    listener's inheriting ones.

    ABI: WASIX since 2023-05-23. Errors: BADF; NOTSOCK; NOTCAPABLE; NOTSUP a datagram socket; INVAL
        not listening, or flags that are not NONBLOCK; FAULT; MFILE; AGAIN non-blocking, or the
        receive timeout is over; TIMEDOUT the accept timeout is over; INTR; CONNABORTED.
    """
    listener = socket_of(ctx, sock, _ACCEPT)
    if listener.state is not _LISTENING:
        listener.check_accept()  # says why not
    memory, generation = ctx.memory, ctx.generation
    if ro_addr > memory.last_cell:
        memory.check(ro_addr, generation.addr_port_written(listener.family))
    peer = _accept(ctx, listener, sock, fd_flags, ro_fd)
    memory.write(ro_addr, generation.encode_addr_port(peer[0], peer[2], peer[1], peer[3], peer[4]))


@syscall(modules=EXTENSION, name="sock_accept")
def sock_accept_with_peer(ctx: Context, fd: Fd, flags: Flags[FdFlags], ro_fd: Out[Fd], ro_addr: Out[AddrPort]) -> None:
    """Take a waiting connection: sock_accept_v2 under its name of 2022.

    ABI: WASIX, the four-parameter form. Errors: as sock_accept_v2.
    """
    sock_accept_v2(ctx, fd, flags, ro_fd, ro_addr)


@syscall(modules=PREVIEW1_ONLY)
def sock_accept(ctx: Context, fd: Fd, flags: Flags[FdFlags], ro_fd: Out[Fd]) -> None:
    """Take a waiting connection, without its peer's address.

    ABI: preview1, the three-parameter form. Errors: as sock_accept_v2.
    """
    listener = socket_of(ctx, fd, _ACCEPT)
    listener.check_accept()
    _accept(ctx, listener, fd, flags, ro_fd)


def _accept(ctx: Context, listener: Socket, sock: int, flags: int, ro_fd: int) -> Address:
    fds, memory = ctx.fds, ctx.memory
    rights = SOCKET_RIGHTS & fds.get(sock).inheriting  # preview1: the descriptors that come of this one
    if flags and flags != _NONBLOCK:
        raise SysError(Errno.INVAL, "accept takes no flag but NONBLOCK")
    if ro_fd > memory.last_cell:
        memory.check(ro_fd, 4)
    fd = fds.reserve()
    try:
        socket, peer = listener.accept(ctx.task, flags != 0)
    except BaseException:
        fds.cancel(fd)
        raise
    fds.install(fd, Descriptor(socket, rights, rights))
    put_u32 = memory.put_u32
    put_u32(ro_fd, fd)
    return peer


@syscall(modules=EXTENSION)
def sock_connect(ctx: Context, fd: Fd, addr: In[AddrPort]) -> None:
    """Connect to a peer; a datagram socket only hears that one then, until it gets an address without a family.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; INPROGRESS non-blocking, or the send timeout is
        over; ALREADY; ISCONN; AFNOSUPPORT; INVAL flow information of over 20 bits; ACCES;
        CONNREFUSED; HOSTUNREACH; NETUNREACH;
        ADDRNOTAVAIL; TIMEDOUT; INTR; FAULT; of Unix sockets NOENT; PROTOTYPE; AGAIN the listener's queue is full.
    """
    socket_of(ctx, fd, int(Rights.SOCK_CONNECT)).connect(ctx.task, load_address(ctx, addr))


@syscall(modules=BASE)
def sock_shutdown(ctx: Context, fd: Fd, how: Flags[SdFlags]) -> None:
    """Close one or both directions of a connection.

    ABI: preview1. Errors: BADF; NOTSOCK; NOTCAPABLE; NOTCONN; INVAL no direction; NOTSUP a listener that the
        embedding program keeps for itself too.
    """
    socket = socket_of(ctx, fd, int(Rights.SOCK_SHUTDOWN))
    if not how:
        raise SysError(Errno.INVAL, "shutdown of no direction")
    socket.shutdown(how)


@syscall(modules=EXTENSION)
def sock_addr_local(ctx: Context, fd: Fd, ret_addr: Out[AddrPort]) -> None:
    """Tell the local address and port.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; FAULT.
    """
    store_address(ctx, ret_addr, socket_of(ctx, fd, int(Rights.SOCK_ADDR_LOCAL)).local())


@syscall(modules=EXTENSION)
def sock_addr_peer(ctx: Context, fd: Fd, ro_addr: Out[AddrPort]) -> None:
    """Tell the peer's address and port.

    ABI: WASIX. Errors: BADF; NOTSOCK; NOTCAPABLE; NOTCONN; FAULT.
    """
    store_address(ctx, ro_addr, socket_of(ctx, fd, int(Rights.SOCK_ADDR_REMOTE)).peer())


@syscall(modules=EXTENSION)
def sock_status(ctx: Context, fd: Fd, ret_status: Out[SockStatus]) -> None:
    """Tell where a socket is in its life: opening, opened, closed (both directions shut) or failed.

    ABI: WASIX. Errors: BADF; NOTSOCK; FAULT.
    """
    socket = socket_of(ctx, fd, 0)
    closed = socket.shut == SdFlags.RD | SdFlags.WR
    status = SockStatus.CLOSED if closed else _STATUS[socket.current_state()]
    ctx.memory.store_u8(ret_status, status)


def _kind(ctx: Context, socktype: int, protocol: int) -> SockType:
    """Errors: INVAL unknown type; PROTONOSUPPORT."""
    kind = ctx.generation.sock_type(socktype)
    if kind is None:
        raise SysError(Errno.INVAL, f"unknown socket type {socktype}")
    if protocol not in _PROTOCOLS.get(kind, (protocol,)):
        raise SysError(Errno.PROTONOSUPPORT, f"protocol {protocol} on {kind.name}")
    return kind


def _family(ctx: Context, family: int) -> int:
    """Errors: AFNOSUPPORT Unix sockets, whose addresses guests of before 2023-09 have no room for."""
    if family == UNIX and not ctx.generation.wide_addresses:
        raise SysError(Errno.AFNOSUPPORT, "addresses of 20 bytes hold no path of a Unix socket")
    return family


def load_address(ctx: Context, pointer: int) -> Address:
    """A socket address of the guest's; `NOWHERE` of the unspecified family.

    Errors: FAULT; AFNOSUPPORT a family that this generation does not have; NOENT the working directory is gone.
    """
    generation = ctx.generation
    family, port, ip, flow, scope = generation.decode_addr_port(
        ctx.memory.read(pointer, generation.addr_port_read_size)
    )
    if family == UNIX and generation.wide_addresses:
        return _named(ctx, decode_addr_unix(ctx.memory.read(pointer, generation.addr_port_size)))
    if not ip:
        if family == NOWHERE.family:
            return NOWHERE
        raise SysError(Errno.AFNOSUPPORT, f"address family {family}")
    return Address(family, ip, port, flow, scope)


def _named(ctx: Context, path: bytes) -> Address:
    """The address of a path, which begins at the working directory if it is relative."""
    if path and not path.startswith(b"/") and ctx.process.files is not None:
        where = ctx.files.getcwd()
        path = path if where == b"/" else where + b"/" + path
    return Address(UNIX, path, 0)


def store_address(ctx: Context, pointer: int, address: Address) -> None:
    """Write a socket address as the guest's generation has it. Errors: FAULT."""
    raw = ctx.generation.encode_addr_port(address.family, address.port, address.ip, address.flow, address.scope)
    ctx.memory.write(pointer, raw)
