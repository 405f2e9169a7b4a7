"""The host's network: operating-system sockets behind the kernel's `NetStack` and `Channel`.

A blocking channel leaves its socket in blocking mode with a kernel timer of `PATIENCE`: the common
wait, a few microseconds for the other side, costs one system call, and a long one comes back as
`WouldBlock` after 20 ms, to be continued by `kernel.wait` together with the wake descriptor.
Linux hands the timers of a listening socket to the sockets it accepts, so that they cost nothing there.
"""

from __future__ import annotations

import _socket as socket  # the C module itself: `socket` adds a Python call to each method, and much to every start
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import RiFlags, SdFlags, SiFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host.errors import ERRNO_OF, sys_error
from pywasix.host.files import available_bytes, file_status
from pywasix.host.sockaddr import from_host, to_host
from pywasix.host.unix_place import UnixPlace
from pywasix.kernel.file import Conditions, FileStatus
from pywasix.kernel.wait import Handle
from pywasix.net.address import INET4, INET6, UNIX, Address

if TYPE_CHECKING:
    from pywasix.host.interface import HostInterface

PATIENCE = 0.02  # seconds
# struct timeval of a 64-bit system: seconds, microseconds
_PATIENCE_TIMEVAL = bytes(8) + int(PATIENCE * 1_000_000).to_bytes(8, sys.byteorder)
_FAMILIES = {INET4: socket.AF_INET, INET6: socket.AF_INET6, UNIX: socket.AF_UNIX}
KINDS = {SockType.SOCKET_STREAM: socket.SOCK_STREAM, SockType.SOCKET_DGRAM: socket.SOCK_DGRAM}
_DIRECTIONS = {
    int(SdFlags.RD): socket.SHUT_RD,
    int(SdFlags.WR): socket.SHUT_WR,
    int(SdFlags.RD | SdFlags.WR): socket.SHUT_RDWR,
}
SEND_FLAGS = (socket.MSG_NOSIGNAL, socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
_INT_MAX = 2**31 - 1
# Guards the step of every channel between open and closed, for calls that name the descriptor by its number:
# once it is closed, the host may have given the number to somebody else. Held for calls that never wait.
_numbers = Lock()


def _receive_flags(flags: int) -> int:
    host = 0
    for ours, theirs in (
        (RiFlags.RECV_PEEK, socket.MSG_PEEK),
        (RiFlags.RECV_WAITALL, socket.MSG_WAITALL),
        (RiFlags.RECV_DATA_TRUNCATED, socket.MSG_TRUNC),
        (RiFlags.RECV_DONT_WAIT, socket.MSG_DONTWAIT),
    ):
        if flags & ours:
            host |= theirs
    return host


RECEIVE_FLAGS = tuple(_receive_flags(flags) for flags in range(16))
assert len(SEND_FLAGS) == int(SiFlags.SEND_DONT_WAIT) + 1

_OPTIONS: dict[SockOption, tuple[int, int]] = {
    SockOption.REUSE_PORT: (socket.SOL_SOCKET, socket.SO_REUSEPORT),
    SockOption.REUSE_ADDR: (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    SockOption.NO_DELAY: (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    SockOption.DONT_ROUTE: (socket.SOL_SOCKET, socket.SO_DONTROUTE),
    SockOption.ONLY_V6: (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
    SockOption.BROADCAST: (socket.SOL_SOCKET, socket.SO_BROADCAST),
    SockOption.MULTICAST_LOOP_V4: (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP),
    SockOption.MULTICAST_LOOP_V6: (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP),
    SockOption.KEEP_ALIVE: (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    SockOption.OOB_INLINE: (socket.SOL_SOCKET, socket.SO_OOBINLINE),
    SockOption.RECV_BUF_SIZE: (socket.SOL_SOCKET, socket.SO_RCVBUF),
    SockOption.SEND_BUF_SIZE: (socket.SOL_SOCKET, socket.SO_SNDBUF),
    SockOption.RECV_LOWAT: (socket.SOL_SOCKET, socket.SO_RCVLOWAT),
    SockOption.SEND_LOWAT: (socket.SOL_SOCKET, socket.SO_SNDLOWAT),
    SockOption.TTL: (socket.IPPROTO_IP, socket.IP_TTL),
    SockOption.MULTICAST_TTL_V4: (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL),
}


class HostStack(UnixPlace):
    """The operating system's network."""

    own_names = False

    def open(self, family: int, kind: SockType) -> HostChannel:
        if family == UNIX:
            return self.open_unix(kind)
        if family not in _FAMILIES:
            raise SysError(Errno.AFNOSUPPORT, f"address family {family} is not supported")
        try:
            opened = socket.socket(_FAMILIES[family], KINDS[kind])
        except OSError as error:
            raise sys_error(error) from None
        fd = opened.detach()
        if socket.getdefaulttimeout() is not None:
            os.set_blocking(fd, True)
        channel = HostChannel(fd, family, kind)
        try:
            return channel.patient()
        except OSError as error:
            channel.close()
            raise sys_error(error) from None

    def lookup(self, name: str) -> list[str]:
        from pywasix.host.resolver import lookup  # only who looks names up pays for it

        return lookup(name)

    @property
    def interface(self) -> HostInterface:
        """What the interfaces of the operating system are, to be looked at only."""
        from pywasix.host.interface import HostInterface

        return HostInterface()

    def close(self) -> None:
        """The operating system keeps nothing for a program beyond its sockets and their Unix names."""
        self.close_unix()


class HostChannel:
    """One operating-system socket.

    The Python socket object is made when it is first needed: a connection that is accepted and
    closed never pays for one.
    """

    __slots__ = ("_kind", "_lingers", "_socket", "family", "fd")

    def __init__(self, fd: int, family: int, kind: SockType) -> None:
        self.fd = fd
        self.family = family
        self._kind = kind
        self._socket: socket.socket | None = None
        self._lingers = False

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self.fd

    @property
    def conditions(self) -> Conditions | None:
        return None

    def patient(self) -> HostChannel:
        """Let blocking calls come back after `PATIENCE`. Raises OSError."""
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._open().setsockopt(socket.SOL_SOCKET, option, _PATIENCE_TIMEVAL)
        return self

    def _open(self) -> socket.socket:
        opened = self._socket
        if opened is None:
            with _numbers:
                opened = self._socket
                if opened is None:
                    opened = self._socket = self._wrapped(self._number())
        return opened

    def _number(self) -> int:
        """The descriptor, for a caller that holds `_numbers`. Errors: BADF closed."""
        if self.fd < 0:
            raise SysError(Errno.BADF, "the socket is closed")
        return self.fd

    def _wrapped(self, fd: int) -> socket.socket:
        if socket.getdefaulttimeout() is None:
            return socket.socket(_FAMILIES[self.family], KINDS[self._kind], 0, fd)
        # The embedding program set a time limit for all sockets; this one must stay as it is.
        blocking = os.get_blocking(fd)
        wrapped = socket.socket(_FAMILIES[self.family], KINDS[self._kind], 0, fd)
        wrapped.settimeout(None)
        os.set_blocking(fd, blocking)
        return wrapped

    # -- making connections -------------------------------------------------

    def bind(self, address: Address) -> None:
        try:
            self._open().bind(to_host(address))
        except OSError as error:
            raise sys_error(error) from None

    def listen(self, backlog: int) -> None:
        try:
            self._open().listen(min(backlog, _INT_MAX))
        except OSError as error:
            raise sys_error(error) from None

    def accept(self, nonblocking: bool) -> tuple[HostChannel, Address]:
        try:
            fd, peer = (self._socket or self._open())._accept()  # type: ignore[attr-defined]  # what socket.accept() wraps; typeshed leaves it out
        except OSError as error:
            raise sys_error(error) from None
        if nonblocking:
            os.set_blocking(fd, False)
        channel = HostChannel(fd, self.family, self._kind)
        if self._lingers:
            channel._lingers = True  # Linux hands the option down
        return channel, from_host(self.family, peer)

    def connect(self, address: Address) -> None:
        try:
            self._open().connect(to_host(address))
        except OSError as error:
            raise sys_error(error) from None

    def connect_result(self) -> None:
        try:
            opened = self._open()
            number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as error:
            raise sys_error(error) from None
        if number:
            raise sys_error(OSError(number, os.strerror(number)))
        try:
            opened.getpeername()
        except OSError:
            raise WouldBlock("the connection is being made") from None

    def give_up(self) -> bool:
        from pywasix.host.libc import disconnect  # ctypes takes its time, and few connects fail

        with _numbers:
            disconnect(self._number())
        self.take_error()  # Linux notes ECONNRESET for whom the attempt was taken away from
        return True

    # -- data ---------------------------------------------------------------

    def recv_into(self, buffer: memoryview, flags: int) -> int:
        try:
            if flags:
                count = self._open().recv_into(buffer, 0, RECEIVE_FLAGS[flags])
            else:
                count = (self._socket or self._open()).recv_into(buffer)
        except OSError as error:
            raise sys_error(error) from None
        # Python does not ask for no bytes at all; Linux looks at the connection.
        return count if count or len(buffer) else self.recv_vector((buffer,), flags)

    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        try:
            return self._open().recvmsg_into(buffers, 0, RECEIVE_FLAGS[flags])[0]
        except OSError as error:
            raise sys_error(error) from None

    def send(self, buffer: memoryview, flags: int) -> int:
        try:
            return (self._socket or self._open()).send(buffer, SEND_FLAGS[flags])
        except OSError as error:
            raise sys_error(error) from None

    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        try:
            return self._open().sendmsg(buffers, (), SEND_FLAGS[flags])
        except OSError as error:
            raise sys_error(error) from None

    def send_file(self, source: Handle, offset: int, count: int) -> int:
        from pywasix.host.sendfile import send_file  # few programs do this

        with _numbers:
            fd = self._number()
        return send_file(fd, source.fileno(), offset, count)  # the caller keeps both from being closed

    def recv_from(self, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        try:
            count, _, told, found = (self._socket or self._open()).recvmsg_into(buffers, 0, RECEIVE_FLAGS[flags])
        except OSError as error:
            raise sys_error(error) from None
        return count, told & socket.MSG_TRUNC != 0, from_host(self.family, found)

    def send_to(self, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        destination = to_host(address)
        try:
            if len(buffers) == 1:
                return (self._socket or self._open()).sendto(buffers[0], SEND_FLAGS[flags], destination)
            return self._open().sendmsg(buffers, (), SEND_FLAGS[flags], destination)
        except OSError as error:
            raise sys_error(error) from None

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        if isinstance(interface, int):  # struct ipv6_mreq: address, unsigned int
            level, name = socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP if joined else socket.IPV6_LEAVE_GROUP
            where = interface.to_bytes(4, sys.byteorder)
        else:  # struct ip_mreq: two addresses
            level, name = socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP if joined else socket.IP_DROP_MEMBERSHIP
            where = interface
        try:
            self._open().setsockopt(level, name, group + where)
        except OSError as error:
            raise sys_error(error) from None

    def shutdown(self, how: int) -> None:
        try:
            self._open().shutdown(_DIRECTIONS[how])
        except OSError as error:
            raise sys_error(error) from None

    # -- what it is ---------------------------------------------------------

    def local(self) -> Address:
        try:
            return from_host(self.family, self._open().getsockname())
        except OSError as error:
            raise sys_error(error) from None

    def peer(self) -> Address:
        try:
            return from_host(self.family, self._open().getpeername())
        except OSError as error:
            raise sys_error(error) from None

    def get_option(self, option: SockOption) -> int:
        level, name = self._option(option)
        try:
            return self._open().getsockopt(level, name)
        except OSError as error:
            raise sys_error(error) from None

    def set_option(self, option: SockOption, value: int) -> None:
        level, name = self._option(option)
        try:
            self._open().setsockopt(level, name, min(value, _INT_MAX))
        except OSError as error:
            raise sys_error(error) from None

    def get_linger(self) -> int | None:
        # struct linger: int l_onoff, int l_linger
        try:
            raw = self._open().getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        except OSError as error:
            raise sys_error(error) from None
        return int.from_bytes(raw[4:], sys.byteorder) if any(raw[:4]) else None

    def set_linger(self, seconds: int | None) -> None:
        raw = int(seconds is not None).to_bytes(4, sys.byteorder) + min(seconds or 0, _INT_MAX).to_bytes(
            4, sys.byteorder
        )
        try:
            self._open().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, raw)
        except OSError as error:
            raise sys_error(error) from None
        self._lingers = bool(seconds)

    def _option(self, option: SockOption) -> tuple[int, int]:
        if option is SockOption.TTL and self.family == INET6:
            return socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS
        try:
            return _OPTIONS[option]
        except KeyError:
            raise SysError(Errno.NOPROTOOPT, f"the host has no socket option {option.name}") from None

    def take_error(self) -> int:
        try:
            number = self._open().getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as error:
            raise sys_error(error) from None
        return int(ERRNO_OF.get(number, Errno.IO)) if number else 0

    def set_nonblocking(self, nonblocking: bool) -> None:
        try:
            with _numbers:
                os.set_blocking(self._number(), not nonblocking)
        except OSError as error:
            raise sys_error(error) from None

    def available(self) -> int:
        _numbers.acquire()
        try:
            return available_bytes(self._number())
        finally:
            _numbers.release()

    def status(self) -> FileStatus:
        with _numbers:
            return file_status(self._number())

    def close(self) -> None:
        """Close at once; the host sends what is left on its own. A close that lingers could not be interrupted."""
        if self._lingers and self.fd >= 0:
            with suppress(SysError):  # nothing may keep it from being closed
                self.set_linger(None)
        _numbers.acquire()  # as in `kernel.fdtable`: once for each connection
        fd, self.fd = self.fd, -1
        if self._socket is not None:
            self._socket.detach()
        _numbers.release()
        if fd >= 0:
            try:
                os.close(fd)
            except OSError:  # whatever close(2) says, the number is gone (Linux)
                return
