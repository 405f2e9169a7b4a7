"""A place on a virtual network, from which Python listens, connects and sends datagrams."""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.virtual_pair import SocketPair
from pywasix.host.virtual_socket import VirtualListener, VirtualSocket, os_error, os_errors, read_address, wait_ready
from pywasix.net.address import INET6, Address
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_hosts import Node

if TYPE_CHECKING:
    import asyncio

    from pywasix.host.virtual_datagram_socket import AsyncDatagrams, VirtualDatagramSocket
    from pywasix.host.virtual_unix import UnixListener


class Place:
    """One host of a virtual network as Python uses it.

    Attributes:
        addresses: its IPv4 and its IPv6 address as text.
    """

    def __init__(self, fabric: Fabric, node: Node) -> None:
        self._fabric = fabric
        self._node = node
        self._sockets: WeakSet[VirtualListener | UnixListener | VirtualDatagramSocket] = WeakSet()
        self.addresses = node.addresses

    def connect(self, address: tuple[Any, ...], timeout: float | None = None) -> VirtualSocket:
        """Connect to a listener, as `socket.create_connection` does.

        While the listener's queue is full the call waits.

        Args:
            address: (host, port); host is an IP address as text.
            timeout: seconds for connecting, and the timeout of the socket; None waits for ever.
        Raises: ConnectionRefusedError nobody listens there; TimeoutError; OSError EHOSTUNREACH in the subnet,
            ENETUNREACH outside of it; ENETDOWN the network is closed; ValueError for what is no address.
        """
        deadline = None if timeout is None else monotonic() + timeout
        call = _Call(self._fabric, self._node, read_address(address))
        try:
            while not call.answered():
                if not wait_ready(call.fileno(), select.POLLOUT, deadline):
                    raise TimeoutError("timed out")
            made = call.take()
        except BaseException:
            call.drop()
            raise
        made.settimeout(timeout)
        return made

    def listen(self, address: tuple[Any, ...], backlog: int = 128) -> VirtualListener:
        """Listen on an address of Python's, on a wildcard or on Python's own loopback.

        Args:
            address: (host, port); port 0 takes a free one.
            backlog: how many callers may wait to be accepted.
        Raises: OSError EADDRINUSE, EADDRNOTAVAIL, ENETDOWN; ValueError for what is no address.
        """
        listener = VirtualListener(self._fabric, self._node, read_address(address), backlog)
        self._sockets.add(listener)
        return listener

    def datagram(
        self,
        address: tuple[Any, ...] | None = None,
        *,
        peer: tuple[Any, ...] | None = None,
        family: int | None = None,
        reuse_port: bool = False,
        broadcast: bool = False,
    ) -> VirtualDatagramSocket:
        """A UDP socket.

        Args:
            address: (host, port) to bind to; port 0 takes a free one. None waits for `bind`, or for the first send.
            peer: (host, port) to connect to.
            family: `socket.AF_INET` or `AF_INET6`; None takes that of the addresses, IPv4 without any.
            reuse_port: several sockets may share the port, and the datagrams' senders.
            broadcast: datagrams to all hosts are allowed.
        Raises: OSError EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH, ENETDOWN; ValueError for what is no address.
        """
        import socket

        from pywasix.host.virtual_datagram_socket import VirtualDatagramSocket

        if family is None:
            named = [read_address(each) for each in (address, peer) if each is not None]
            family = socket.AF_INET6 if named and named[0].family == INET6 else socket.AF_INET
        made = VirtualDatagramSocket(self._fabric, self._node, family)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse_port)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, broadcast)
            if address is not None:
                made.bind(address)
            if peer is not None:
                made.connect(peer)
        except BaseException:
            made.close()
            raise
        self._sockets.add(made)
        return made

    async def open_datagram(self, address: tuple[Any, ...] | None = None, **options: Any) -> AsyncDatagrams:
        """`datagram` for asyncio, with the same options."""
        from pywasix.host.virtual_datagram_socket import AsyncDatagrams

        return AsyncDatagrams(self.datagram(address, **options))

    def wait_bound(self, address: tuple[Any, ...], timeout: float | None = None) -> None:
        """Block until somebody takes datagrams at an address; otherwise as `wait_listening`."""
        self._wait(address, timeout, SockType.SOCKET_DGRAM, "is bound to")

    def lookup(self, name: str) -> list[str]:
        """The addresses of a host's name, IPv4 before IPv6; an empty list for a name that no host has.

        Names are those of `attach` and `add_name`; Python's own is "host".
        """
        return self._fabric.lookup(name)

    def wait_listening(self, address: tuple[Any, ...], timeout: float | None = None) -> None:
        """Block until somebody listens on an address, so that `connect` will not be refused.

        Args:
            timeout: seconds; None waits for ever.
        Raises: TimeoutError; OSError ENETUNREACH outside of the subnets, ENETDOWN the network is closed.
        """
        self._wait(address, timeout, SockType.SOCKET_STREAM, "listens on")

    def _wait(self, address: tuple[Any, ...], timeout: float | None, kind: SockType, how: str) -> None:
        wanted = read_address(address)
        with os_errors():
            found = self._fabric.wait_listening(self._node, wanted, timeout, kind)
        if not found:
            raise TimeoutError(f"nobody {how} {wanted} after {timeout} s")

    async def open_connection(
        self, address: tuple[Any, ...], **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """`connect` for asyncio: as `asyncio.open_connection`, which also explains the options."""
        import asyncio

        call = _Call(self._fabric, self._node, read_address(address))
        try:
            while not call.answered():
                await _writable(call.fileno())
            made = call.take()
        except BaseException:
            call.drop()
            raise
        made.setblocking(False)
        try:
            return await asyncio.open_connection(sock=made, **options)
        except BaseException:
            made.close()
            raise

    async def start_server(
        self,
        client_connected_cb: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
        address: tuple[Any, ...],
        *,
        backlog: int = 100,
        **options: Any,
    ) -> asyncio.Server:
        """`listen` for asyncio: as `asyncio.start_server`, which also explains callback and options."""
        import asyncio

        listener = self.listen(address, backlog)
        listener.setblocking(False)
        try:
            return await asyncio.start_server(client_connected_cb, sock=listener, backlog=backlog, **options)
        except BaseException:
            listener.close()
            raise

    def _close_sockets(self) -> None:
        """Close what would wait for the network."""
        for each in list(self._sockets):
            each.close()


class _Call:
    """A connect of Python's that is under way.

    Raises: OSError as connect(2).
    """

    def __init__(self, fabric: Fabric, node: Node, address: Address) -> None:
        self._fabric = fabric
        self._node = node
        self._family = address.family
        with os_errors():
            self._pair = SocketPair()
        try:
            self._attempt = fabric.connect(node, None, address, self._pair)
        except SysError as error:
            self._close()
            raise os_error(error) from None

    def fileno(self) -> int:
        """What is writable when there is an answer."""
        return self._pair.near.fileno()

    def answered(self) -> bool:
        """Whether the connection is made. Raises: OSError when it will not be."""
        failure = self._attempt.failure
        if failure is not None:
            raise os_error(SysError(failure))
        return self._attempt.connected

    def take(self) -> VirtualSocket:
        """The connection."""
        claim = self._fabric, self._node, self._attempt.binding
        return VirtualSocket.take(self._pair.near.detach(), self._attempt.side, self._family, claim)

    def drop(self) -> None:
        """Give up, whatever the answer was."""
        self._fabric.give_up(self._attempt, Errno.CONNABORTED)
        self._close()

    def _close(self) -> None:
        self._pair.near.close()
        self._pair.close_far()


async def _writable(fd: int) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(fd)
