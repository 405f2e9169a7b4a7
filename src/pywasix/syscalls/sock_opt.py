"""Socket options: flags, sizes and times."""

from __future__ import annotations

from pywasix.abi.enums import SockOption
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionTimestamp
from pywasix.abi.scalars import Bool, Code, Fd, Filesize, In, Out
from pywasix.errors import SysError
from pywasix.net.sockets import Socket
from pywasix.net.states import State
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import option_timestamp, optional_time
from pywasix.syscalls.row import EXTENSION, syscall
from pywasix.syscalls.sock import socket_of

_ANY = 0
_NS = 1_000_000_000
_FLAGS = frozenset(
    (
        SockOption.REUSE_PORT,
        SockOption.REUSE_ADDR,
        SockOption.NO_DELAY,
        SockOption.DONT_ROUTE,
        SockOption.ONLY_V6,
        SockOption.BROADCAST,
        SockOption.MULTICAST_LOOP_V4,
        SockOption.MULTICAST_LOOP_V6,
        SockOption.PROMISCUOUS,
        SockOption.LISTENING,
        SockOption.KEEP_ALIVE,
        SockOption.OOB_INLINE,
    )
)
_SIZES = frozenset(
    (
        SockOption.RECV_BUF_SIZE,
        SockOption.SEND_BUF_SIZE,
        SockOption.RECV_LOWAT,
        SockOption.SEND_LOWAT,
        SockOption.TTL,
        SockOption.MULTICAST_TTL_V4,
        SockOption.TYPE,
        SockOption.PROTO,
        SockOption.LAST_ERROR,
    )
)
_HOPS = frozenset((SockOption.TTL, SockOption.MULTICAST_TTL_V4))
_TOLD = frozenset((SockOption.LISTENING, SockOption.TYPE, SockOption.PROTO, SockOption.LAST_ERROR))  # and never set
_MINUS_ONE = frozenset(((1 << 32) - 1, (1 << 64) - 1))  # as libc passes an int on, and as somebody else may
_MOST_SECONDS = 2**31 - 1  # struct linger: int l_linger
_TIMES = {
    SockOption.RECV_TIMEOUT: "receive_timeout",
    SockOption.SEND_TIMEOUT: "send_timeout",
    SockOption.CONNECT_TIMEOUT: "connect_timeout",
    SockOption.ACCEPT_TIMEOUT: "accept_timeout",
}


@syscall(modules=EXTENSION)
def sock_set_opt_flag(ctx: Context, fd: Fd, sockopt: Code[SockOption], flag: Bool) -> None:
    """Switch an option on (anything but 0) or off.

    Which socket has which option is as on Linux; no socket can be PROMISCUOUS, or told that it is LISTENING.

    ABI: WASIX. Errors: BADF; NOTSOCK; INVAL no flag option, or ONLY_V6 after bind; NOPROTOOPT unknown, or not for
        this socket; NOTSUP an option of IP on a Unix socket.
    """
    socket = socket_of(ctx, fd, _ANY)
    socket.channel.set_option(_settable(sockopt, _FLAGS), int(flag != 0))


@syscall(modules=EXTENSION)
def sock_get_opt_flag(ctx: Context, fd: Fd, sockopt: Code[SockOption], ret_flag: Out[Bool]) -> None:
    """Tell whether an option is on; LISTENING tells whether the socket listens.

    ABI: WASIX, one byte. Errors: BADF; NOTSOCK; INVAL no flag option; NOPROTOOPT; NOTSUP an option of IPv6 or TCP on
        another socket (Linux; an IPv6 socket answers NOPROTOOPT); FAULT.
    """
    socket = socket_of(ctx, fd, _ANY)
    if sockopt == SockOption.LISTENING:
        value = socket.state is State.LISTENING
    else:
        value = bool(socket.channel.get_option(_option(sockopt, _FLAGS)))
    ctx.memory.store_u8(ret_flag, value)


@syscall(modules=EXTENSION)
def sock_set_opt_size(ctx: Context, fd: Fd, sockopt: Code[SockOption], size: Filesize) -> None:
    """Set a number: buffer sizes in bytes (Linux keeps twice as much), time to live in hops, -1 for the default.

    A size that is beyond the host's limits becomes the limit.

    ABI: WASIX. Errors: BADF; NOTSOCK; INVAL no size option, or out of its range; NOPROTOOPT unknown, or only told;
        NOTSUP an option of IP on a Unix socket.
    """
    socket = socket_of(ctx, fd, _ANY)
    option = _settable(sockopt, _SIZES)
    socket.channel.set_option(option, -1 if option in _HOPS and size in _MINUS_ONE else size)


@syscall(modules=EXTENSION)
def sock_get_opt_size(ctx: Context, fd: Fd, sockopt: Code[SockOption], ret_size: Out[Filesize]) -> None:
    """Tell a number: buffer sizes in bytes, hops, TYPE, PROTO, or the pending error (LAST_ERROR).

    ABI: WASIX, 8 bytes. LAST_ERROR is an errno; reading clears it. Errors: BADF; NOTSOCK; INVAL; NOPROTOOPT;
        NOTSUP an option of IP on a Unix socket; FAULT.
    """
    socket = socket_of(ctx, fd, _ANY)
    ctx.memory.check(ret_size, 8)
    ctx.memory.store_u64(ret_size, _size(socket, sockopt))


def _size(socket: Socket, option: int) -> int:
    match option:
        case SockOption.TYPE:
            return int(socket.kind)
        case SockOption.PROTO:
            return int(socket.protocol)
        case SockOption.LAST_ERROR:
            return socket.take_error()
        case _:
            return socket.channel.get_option(_option(option, _SIZES))


@syscall(modules=EXTENSION)
def sock_set_opt_time(ctx: Context, fd: Fd, sockopt: Code[SockOption], timeout: In[OptionTimestamp]) -> None:
    """Set a time in ns; none, and 0 for the timeouts, means for ever. LINGER counts in whole seconds.

    LINGER of 0 makes close break the connection off; with more, close still returns at once.

    ABI: WASIX. Errors: BADF; NOTSOCK; INVAL no time option, or an unknown tag; NOPROTOOPT; FAULT.
    """
    socket = socket_of(ctx, fd, _ANY)
    time = optional_time(ctx.memory, timeout)
    option = _option(sockopt, _TIMES.keys() | {SockOption.LINGER})
    if option is SockOption.LINGER:
        socket.channel.set_linger(None if time is None else min(-(-time // _NS), _MOST_SECONDS))
    else:
        setattr(socket, _TIMES[option], time or None)


@syscall(modules=EXTENSION)
def sock_get_opt_time(ctx: Context, fd: Fd, sockopt: Code[SockOption], ret_time: Out[OptionTimestamp]) -> None:
    """Tell a time in ns, none for no limit.

    ABI: WASIX, 16 bytes. Errors: BADF; NOTSOCK; INVAL no time option; NOPROTOOPT; FAULT.
    """
    socket = socket_of(ctx, fd, _ANY)
    option = _option(sockopt, _TIMES.keys() | {SockOption.LINGER})
    if option is SockOption.LINGER:
        seconds = socket.channel.get_linger()
        time = None if seconds is None else seconds * _NS
    else:
        time = getattr(socket, _TIMES[option])
    ctx.memory.store(ret_time, option_timestamp(time))


def _settable(number: int, fitting: frozenset[SockOption]) -> SockOption:
    """As `_option`; NOPROTOOPT also for what is only told (Linux)."""
    option = _option(number, fitting)
    if option in _TOLD:
        raise SysError(Errno.NOPROTOOPT, f"socket option {option.name} cannot be set")
    return option


def _option(number: int, fitting: frozenset[SockOption] | set[SockOption]) -> SockOption:
    """The option of a number. Errors: NOPROTOOPT unknown; INVAL known, but of another kind."""
    try:
        option = SockOption(number)
    except ValueError:
        raise SysError(Errno.NOPROTOOPT, f"unknown socket option {number}") from None
    if option not in fitting:
        raise SysError(Errno.INVAL, f"socket option {option.name} is not of this kind")
    return option
