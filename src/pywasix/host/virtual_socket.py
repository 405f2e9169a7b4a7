"""Python's own sockets on the virtual network: `socket.socket` objects with virtual addresses."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.virtual_pair import SocketPair
from pywasix.net.address import INET4, Address, parse
from pywasix.net.virtual_ports import shown

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from pywasix.net.virtual import Fabric
    from pywasix.net.virtual_hosts import Node
    from pywasix.net.virtual_ports import Binding
    from pywasix.net.virtual_queue import Arrival, Side

_STREAM = SockType.SOCKET_STREAM
_UNIX = (socket.AF_UNIX, socket.SOCK_STREAM, 0)
_MOST_PORTS = 0xFFFF
_LINGER = socket.SOL_SOCKET, socket.SO_LINGER
_UNCUT = socket.MSG_PEEK | socket.MSG_WAITALL
_LINGER_SIZE = 8  # struct linger: int l_onoff, int l_linger
# What TCP clients and servers set and ask for; the pair knows none of it, so it is only kept.
_KEPT = {
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 0,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 75,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 9,
    (socket.IPPROTO_IP, socket.IP_TTL): 64,
    (socket.IPPROTO_IP, socket.IP_TOS): 0,
    (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS): 64,
    (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): 0,
}
if hasattr(socket, "TCP_KEEPIDLE"):
    _KEPT[socket.IPPROTO_TCP, socket.TCP_KEEPIDLE] = 7200


def name_of(address: Address) -> tuple[Any, ...]:
    """An address as Python's sockets tell it: (host, port), and two numbers more for IPv6."""
    return (address.host, address.port) if address.family == INET4 else (address.host, address.port, 0, 0)


def read_address(address: Any) -> Address:
    """An address as Python's sockets take it. Raises: ValueError."""
    if not isinstance(address, (tuple, list)) or len(address) < 2:
        raise ValueError(f"{address!r} is no address; give a host and a port, as in ('10.0.0.2', 80)")
    host, port = address[:2]
    if not isinstance(port, int) or not 0 <= port <= _MOST_PORTS:
        raise ValueError(f"{port!r} is no port; ports are 0 to {_MOST_PORTS}")
    return parse(host, port)


def os_error(error: SysError) -> OSError:
    """The exception that a call of Python's `socket` would raise."""
    number = getattr(errno, error.errno.symbol)
    return OSError(number, error.text or os.strerror(number))


@contextmanager
def os_errors() -> Iterator[None]:
    """Errors of the network as exceptions of Python's `socket`."""
    try:
        yield
    except SysError as error:
        raise os_error(error) from None


def wait_ready(fd: int, event: int, deadline: float | None) -> bool:
    """Block until poll(2) has something to tell; returns False when the deadline (monotonic seconds) passed."""
    poll = select.poll()
    poll.register(fd, event)
    left = None if deadline is None else max(0.0, deadline - monotonic()) * 1000
    return bool(poll.poll(left))


class _Told:
    """Around a transfer: its first error after the peer broke off is ECONNRESET, whatever the pair says."""

    __slots__ = ("_side",)

    def __init__(self, side: Side) -> None:
        self._side = side

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if isinstance(error, (BrokenPipeError, ConnectionResetError)):
            self.tell()

    def tell(self) -> None:
        if self._side.take_reset():
            raise os_error(SysError(self._side.why)) from None


class VirtualSocket(socket.socket):
    """A connected stream. It is an AF_UNIX socket that answers with its addresses on the virtual network.

    `VirtualNetwork.connect` and `VirtualListener.accept` make them.
    """

    _side: Side
    _fabric: Fabric
    _node: Node
    _binding: Binding
    _family: int
    _kept: dict[tuple[int, int], int]
    _told: _Told
    _lingers = False

    @classmethod
    def take(cls, fd: int, side: Side, family: int, claim: tuple[Fabric, Node, Binding]) -> VirtualSocket:
        """A socket for a descriptor, which it owns then.

        Args:
            family: how the addresses look.
            claim: the local port, given back when the socket is closed.
        """
        made = cls(*_UNIX, fileno=fd)
        made._side, made._family = side, family
        made._fabric, made._node, made._binding = claim
        made._kept, made._told = {}, _Told(side)
        return made

    def dup(self) -> VirtualSocket:
        """Another socket object for the same connection."""
        fd = os.dup(self.fileno())
        copy = VirtualSocket.take(fd, self._side, self._family, (self._fabric, self._node, self._binding))
        copy.settimeout(self.gettimeout())
        copy._kept = self._kept
        return copy

    def getsockname(self) -> tuple[Any, ...]:
        """(host, port) on the virtual network; with flow information and scope, both 0, for IPv6."""
        self._need_open()
        return name_of(shown(self._family, self._side.local))

    def getpeername(self) -> tuple[Any, ...]:
        """(host, port) of the peer on the virtual network."""
        self._need_open()
        return name_of(shown(self._family, self._side.peer))

    def _need_open(self) -> None:
        if self.fileno() < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    # -- data: as the pair has it, but a connection that was broken off says so --------------

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As `socket.socket.recv`."""
        with self._told:
            data = super().recv(self._cut(bufsize, flags), flags)
        if not data and bufsize:
            self._end()
        self._received(len(data), flags)
        return data

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """As `socket.socket.recv_into`."""
        way = self._side.way
        if way is not None and not nbytes:
            nbytes = memoryview(buffer).nbytes
        with self._told:
            count = super().recv_into(buffer, nbytes if way is None else self._cut(nbytes, flags), flags)
        if not count:
            self._end()
        self._received(count, flags)
        return count

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, None]:
        """As `socket.socket.recvfrom`; TCP tells no address either."""
        return self.recv(bufsize, flags), None

    def recvfrom_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> tuple[int, None]:
        """As `socket.socket.recvfrom_into`; TCP tells no address either."""
        return self.recv_into(buffer, nbytes, flags), None

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As `socket.socket.recvmsg`."""
        with self._told:
            answer = super().recvmsg(self._cut(bufsize, flags), ancbufsize, flags)
        if not answer[0] and bufsize:
            self._end()
        self._received(len(answer[0]), flags)
        return answer

    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As `socket.socket.recvmsg_into`."""
        way = self._side.way
        if way is not None and not flags & _UNCUT:
            buffers = way.cut([memoryview(each).cast("B") for each in buffers], 0)
        with self._told:
            answer = super().recvmsg_into(buffers, ancbufsize, flags)
        if not answer[0]:
            self._end()
        self._received(answer[0], flags)
        return answer

    def _cut(self, size: int, flags: int) -> int:
        """How many bytes a receive may return, where a link makes them fewer."""
        way = self._side.way
        most = None if way is None or flags & _UNCUT else way.most()
        return size if most is None else min(size, most)

    def _received(self, count: int, flags: int) -> None:
        if self._side.way is not None:
            self._side.way.received(count, bool(flags & socket.MSG_PEEK))

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """As `socket.socket.send`."""
        with self._told:
            return super().send(data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """As `socket.socket.sendall`."""
        with self._told:
            super().sendall(data, flags)

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /) -> int:
        """As `socket.socket.sendmsg`."""
        with self._told:
            return super().sendmsg(buffers, ancdata, flags, address)

    def _end(self) -> None:
        """The peer has finished; if it broke off, this raises ConnectionResetError, once."""
        if self._side.must_tell():
            self._told.tell()

    # -- options ------------------------------------------------------------

    def setsockopt(self, level: int, optname: int, value: Any, optlen: Any = None, /) -> None:
        """As `socket.socket.setsockopt`; options of TCP and IP are kept without effect."""
        option = level, optname
        if option in _KEPT:
            self._kept[option] = value if isinstance(value, int) else int.from_bytes(value, "little")
        elif optlen is not None:
            super().setsockopt(level, optname, value, optlen)
        else:
            super().setsockopt(level, optname, value)
        self._lingers |= option == _LINGER

    def getsockopt(self, level: int, optname: int, buflen: int = 0, /) -> Any:
        """As `socket.socket.getsockopt`."""
        option = level, optname
        if option in _KEPT:
            value = self._kept.get(option, _KEPT[option])
            return value.to_bytes(4, "little")[:buflen] if buflen else value
        if option == (socket.SOL_SOCKET, socket.SO_ERROR) and not buflen and self._side.take_reset():
            return os_error(SysError(self._side.why)).errno
        return super().getsockopt(level, optname, buflen) if buflen else super().getsockopt(level, optname)

    # -- the end ------------------------------------------------------------

    def close(self) -> None:
        """Close; with SO_LINGER of 0 seconds the peer is told that the connection was broken off."""
        if self._lingers and self.fileno() >= 0:
            linger = super().getsockopt(*_LINGER, _LINGER_SIZE)
            if any(linger[:4]) and not any(linger[4:]):
                self._side.abort()
        self._side.close()
        super().close()
        self._release()

    def detach(self) -> int:
        """As `socket.socket.detach`; what gets the descriptor does not know the virtual addresses."""
        fd = super().detach()
        self._release()
        return fd

    def _release(self) -> None:
        if self.fileno() < 0:  # files made by makefile() keep it open
            self._fabric.unbind(self._node, _STREAM, self._binding)


class VirtualListener(socket.socket):
    """A listening socket of Python's on the virtual network, used as any other: blocking, with a timeout,
    non-blocking, polled, or in an asyncio server.

    `VirtualNetwork.listen` makes them.

    Raises: OSError as bind(2) and listen(2): EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENETDOWN.
    """

    def __init__(self, fabric: Fabric, node: Node, address: Address, backlog: int) -> None:
        self._fabric = fabric
        self._node = node
        self._address = address
        with os_errors():
            self._pair = SocketPair()
            super().__init__(*_UNIX, fileno=self._pair.near.detach())
            self._pair.near = self
            try:
                # As asyncio does for its servers: a port that an ended connection still holds is no obstacle.
                self._binding = fabric.bind(node, _STREAM, address, False, (True, False))
                self._queue = fabric.listen(node, self._binding, self._pair, max(backlog, 0))
            except BaseException:
                self._close_pair()
                raise

    def listen(self, backlog: int = 128, /) -> None:
        """Change how many may wait to be accepted."""
        with os_errors():
            self._fabric.listen(self._node, self._binding, self._pair, max(backlog, 0))

    def accept(self) -> tuple[VirtualSocket, tuple[Any, ...]]:
        """Wait for a caller; returns a connected socket and the caller's address.

        Raises: TimeoutError; BlockingIOError if non-blocking; OSError EBADF when it is closed meanwhile.
        """
        timeout = self.gettimeout()
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            arrival = self._take()
            if arrival is not None:
                return self._connected(arrival)
            if timeout == 0:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            if not wait_ready(self._polled(), select.POLLIN, deadline):
                raise TimeoutError("timed out")

    def _polled(self) -> int:
        fd = self.fileno()
        if fd < 0:
            raise OSError(errno.EBADF, "the listener is closed")
        return fd

    def _take(self) -> Arrival | None:
        try:
            return self._fabric.accept(self._queue)
        except SysError as error:
            if error.errno is Errno.INVAL:
                raise OSError(errno.EBADF, "the listener is closed") from None
            raise os_error(error) from None

    def _connected(self, arrival: Arrival) -> tuple[VirtualSocket, tuple[Any, ...]]:
        claim = self._fabric, self._node, arrival.binding
        made = VirtualSocket.take(arrival.far.detach(), arrival.side, self._address.family, claim)
        return made, made.getpeername()

    def getsockname(self) -> tuple[Any, ...]:
        """(host, port) on the virtual network; with flow information and scope, both 0, for IPv6."""
        return name_of(self._binding.address)

    def close(self) -> None:
        """Stop listening; whoever waits in `accept` gets an OSError, callers in the queue are reset."""
        if self.fileno() >= 0:
            self._fabric.stop(self._queue)
            self._fabric.unbind(self._node, _STREAM, self._binding)
            with suppress(OSError):  # the network, which another thread closed, was faster
                self.shutdown(socket.SHUT_RDWR)  # wakes threads that poll the descriptor before it is gone
            self._close_pair()

    def _close_pair(self) -> None:
        super().close()
        self._pair.close_far()
