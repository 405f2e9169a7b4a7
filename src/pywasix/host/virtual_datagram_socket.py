"""Python's own datagram sockets on the virtual network: `socket.socket` objects with virtual addresses."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pywasix.abi.enums import SockOption, SockType
from pywasix.host.virtual_mailbox import SocketMailbox
from pywasix.host.virtual_socket import name_of, os_errors, read_address
from pywasix.net.address import INET4, INET6
from pywasix.net.virtual_datagrams import DatagramEnd
from pywasix.net.virtual_options import KeptOptions
from pywasix.net.virtual_ports import shown

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from pywasix.net.virtual import Fabric
    from pywasix.net.virtual_hosts import Node

_FAMILIES = {socket.AF_INET: INET4, socket.AF_INET6: INET6}
_OPTIONS = {
    (socket.SOL_SOCKET, socket.SO_BROADCAST): SockOption.BROADCAST,
    (socket.SOL_SOCKET, socket.SO_REUSEADDR): SockOption.REUSE_ADDR,
    (socket.SOL_SOCKET, socket.SO_REUSEPORT): SockOption.REUSE_PORT,
    (socket.IPPROTO_IP, socket.IP_TTL): SockOption.TTL,
    (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL): SockOption.MULTICAST_TTL_V4,
    (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP): SockOption.MULTICAST_LOOP_V4,
    (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP): SockOption.MULTICAST_LOOP_V6,
    (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): SockOption.ONLY_V6,
}
# (level, option): whether the group is joined, and the bytes of its address.
_MEMBERSHIPS = {
    (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP): (True, 4),
    (socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP): (False, 4),
    (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP): (True, 16),
    (socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP): (False, 16),
}
_ERROR = socket.SOL_SOCKET, socket.SO_ERROR
_BUFFER = socket.SOL_SOCKET, socket.SO_RCVBUF
_LARGEST = 65535  # bytes that one receive of asyncio takes


class VirtualDatagramSocket(socket.socket):
    """A UDP socket. It is an AF_UNIX socket that sends to and hears from addresses on the virtual network,
    used as any other: blocking, with a timeout, non-blocking, polled, or in asyncio.

    `VirtualNetwork.datagram` makes them.

    Raises: OSError as socket(2): EMFILE, ENETDOWN.
    """

    _closing = False

    def __init__(self, fabric: Fabric, node: Node, family: int) -> None:
        if family not in _FAMILIES:
            raise ValueError(f"{family!r} is neither AF_INET nor AF_INET6")
        self._family = _FAMILIES[socket.AddressFamily(family)]
        self._kept = KeptOptions(self._family, SockType.SOCKET_DGRAM)
        with os_errors():
            fabric.require_open(node)
            self._mailbox = SocketMailbox()
        self._end = DatagramEnd(fabric, node, self._family, self._mailbox, self._kept)
        try:
            # A descriptor of its own: the timeout of this socket must not become one of the mailbox.
            super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM, 0, os.dup(self._mailbox.near.fileno()))
        except OSError:
            self._mailbox.close()
            raise

    # -- addresses ----------------------------------------------------------

    def bind(self, address: Any, /) -> None:
        """Take a local address and port; port 0 takes a free one. Raises: OSError as bind(2); ValueError."""
        wanted = read_address(address)
        self._need_family(wanted.family)
        with os_errors():
            self._end.bind(wanted)

    def connect(self, address: Any, /) -> None:
        """Name the only peer. Raises: OSError as connect(2); ValueError for what is no address."""
        wanted = read_address(address)
        self._need_family(wanted.family)
        with os_errors():
            self._end.connect(wanted)

    def connect_ex(self, address: Any, /) -> int:
        """As `connect`, but returns the error's number."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _need_family(self, family: int) -> None:
        if family != self._family:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    def getsockname(self) -> tuple[Any, ...]:
        """(host, port) on the virtual network; with flow information and scope, both 0, for IPv6."""
        self._need_open()
        return name_of(self._end.local())

    def getpeername(self) -> tuple[Any, ...]:
        """(host, port) of the peer on the virtual network. Raises: OSError ENOTCONN."""
        self._need_open()
        with os_errors():
            return name_of(self._end.peer())

    def _need_open(self) -> None:
        if self.fileno() < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    # -- data ---------------------------------------------------------------

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """The next datagram and its sender's address.

        Raises: ConnectionRefusedError nobody wanted an earlier datagram; TimeoutError; BlockingIOError; OSError
            EBADF when the socket is closed meanwhile.
        """
        if bufsize < 0:
            raise ValueError("negative buffersize in recvfrom")
        data = bytearray(bufsize)
        count, _, sender = self._take([data], flags)
        return bytes(data[:count]), sender

    def recvfrom_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As `recvfrom`, into a buffer; returns (bytes, address)."""
        whole = memoryview(buffer).cast("B")
        count, _, sender = self._take([whole[: nbytes or len(whole)]], flags)
        return count, sender

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As `recvfrom`, without the address."""
        return self.recvfrom(bufsize, flags)[0]

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """As `recvfrom_into`, without the address."""
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As `socket.socket.recvmsg`; there is no ancillary data."""
        data = bytearray(bufsize)
        count, found, sender = self._take([data], flags)
        return bytes(data[:count]), [], found, sender

    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As `socket.socket.recvmsg_into`; there is no ancillary data."""
        count, found, sender = self._take([memoryview(each).cast("B") for each in buffers], flags)
        return count, [], found, sender

    def _take(self, buffers: list[Any], flags: int) -> tuple[int, int, Any]:
        """(bytes, flags, address) of the next datagram."""
        with os_errors():
            count, truncated, sender = self._mailbox.receive(super().recvmsg_into, buffers, flags)
        if sender is None:  # Linux: who waits where reading is shut down learns that nothing comes
            if self._closing:
                raise OSError(errno.EBADF, "the socket is closed")
            return 0, 0, None
        return count, socket.MSG_TRUNC if truncated else 0, name_of(shown(self._family, sender))

    def sendto(self, data: ReadableBuffer, *flags_and_address: Any) -> int:
        """`sendto(data, address)` or `sendto(data, flags, address)`: send one datagram; it never waits.

        Raises: OSError as sendto(2): EMSGSIZE, EACCES broadcast without SO_BROADCAST, ENETUNREACH, ENETDOWN;
            ConnectionRefusedError nobody wanted an earlier one; ValueError for what is no address.
        """
        if len(flags_and_address) not in (1, 2):
            raise TypeError(f"sendto() takes 2 or 3 arguments ({1 + len(flags_and_address)} given)")
        return self._send([data], flags_and_address[-1])

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send one datagram to the peer. Raises: as `sendto`; OSError EDESTADDRREQ without a peer."""
        return self._send([data], None)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """As `send`."""
        self._send([data], None)

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /) -> int:
        """As `sendto` or `send`, from several buffers; there is no ancillary data."""
        return self._send(list(buffers), address)

    def _send(self, parts: list[Any], address: Any) -> int:
        wanted = None if address is None else read_address(address)
        if wanted is not None:
            self._need_family(wanted.family)
        with os_errors():
            return self._end.send([memoryview(each).cast("B") for each in parts], wanted)

    # -- options ------------------------------------------------------------

    def setsockopt(self, level: int, optname: int, value: Any, optlen: Any = None, /) -> None:
        """As `socket.socket.setsockopt`."""
        option = level, optname
        if option in _MEMBERSHIPS:
            self._set_membership(*_MEMBERSHIPS[option], bytes(value))
        elif option in _OPTIONS:
            with os_errors():
                number = value if isinstance(value, int) else int.from_bytes(value, sys.byteorder)
                self._kept.set(_OPTIONS[option], number)
            self._end.share()
        elif optlen is not None:
            super().setsockopt(level, optname, value, optlen)
        else:
            super().setsockopt(level, optname, value)
            if option == _BUFFER:
                self._mailbox.resize(super().getsockopt(*_BUFFER) // 2)  # Linux doubles what is set, at both ends

    def _set_membership(self, joined: bool, size: int, request: bytes) -> None:
        """Take struct ip_mreq, ip_mreqn or ipv6_mreq apart: a group, then an address or (at the end) an index."""
        group, rest = request[:size], request[size:]
        if len(rest) < 4:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        index = int.from_bytes(rest[-4:], sys.byteorder) if size == 16 or len(rest) == 8 else 0
        with os_errors():
            self._end.set_membership(group, index if size == 16 or index else rest[:4], joined)

    def getsockopt(self, level: int, optname: int, buflen: int = 0, /) -> Any:
        """As `socket.socket.getsockopt`."""
        option = level, optname
        if option == _ERROR:
            value = self._mailbox.take_error()
            number = 0 if value is None else getattr(errno, value.symbol)
        elif option in _OPTIONS:
            with os_errors():
                number = self._kept.get(_OPTIONS[option])
        elif buflen:
            return super().getsockopt(level, optname, buflen)
        else:
            return super().getsockopt(level, optname)
        return number.to_bytes(4, sys.byteorder)[:buflen] if buflen else number

    # -- the end ------------------------------------------------------------

    def shutdown(self, how: int, /) -> None:
        """Close directions. Raises: OSError ENOTCONN without a peer."""
        self._need_open()
        if how != socket.SHUT_RD:
            self._end.mute()
        super().shutdown(how)
        with os_errors():
            self._end.peer()

    def dup(self) -> VirtualDatagramSocket:
        """Raises: OSError EOPNOTSUPP: the port belongs to one socket object."""
        raise OSError(errno.EOPNOTSUPP, "a datagram socket of a virtual network cannot be duplicated")

    def close(self) -> None:
        """Close; whoever waits for a datagram gets an OSError."""
        if self.fileno() >= 0:
            self._closing = True
            self._end.close()
            with suppress(OSError):  # the network, which another thread closed, was faster
                super().shutdown(socket.SHUT_RDWR)  # wakes threads that wait before the descriptor is gone
        super().close()
        if self.fileno() < 0:
            self._mailbox.close()

    def detach(self) -> int:
        """Raises: OSError EOPNOTSUPP: a bare descriptor would show what only this object can read."""
        raise OSError(errno.EOPNOTSUPP, "a datagram socket of a virtual network cannot be detached")


class AsyncDatagrams:
    """A UDP socket for asyncio; use it in one event loop.

    `VirtualNetwork.open_datagram` makes them. For a protocol object instead, give a socket of
    `VirtualNetwork.datagram` to `loop.create_datagram_endpoint(factory, sock=...)`.

    Attributes:
        socket: what it uses, for options and addresses.
    """

    def __init__(self, sock: VirtualDatagramSocket) -> None:
        sock.setblocking(False)
        self.socket = sock

    async def recvfrom(self, most: int = _LARGEST) -> tuple[bytes, tuple[Any, ...]]:
        """Wait for the next datagram; returns it and its sender's address. Raises: as the socket's `recvfrom`."""
        import asyncio  # whoever uses this has loaded it

        found: tuple[bytes, tuple[Any, ...]] = await asyncio.get_running_loop().sock_recvfrom(self.socket, most)
        return found

    async def sendto(self, data: ReadableBuffer, address: tuple[Any, ...] | None = None) -> int:
        """Send one datagram, to the peer unless an address is given. Raises: as the socket's `sendto`."""
        return self.socket.send(data) if address is None else self.socket.sendto(data, address)

    def getsockname(self) -> tuple[Any, ...]:
        """The local address, as the socket's."""
        return self.socket.getsockname()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    async def __aenter__(self) -> AsyncDatagrams:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
