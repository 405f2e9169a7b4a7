"""A network in memory, on which guests and Python code meet without any port of the operating system."""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.virtual_channel import VirtualHost
from pywasix.host.virtual_pair import SocketPair
from pywasix.host.virtual_socket import VirtualListener, VirtualSocket, os_error, os_errors, wait_ready
from pywasix.net.address import Address, parse
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_hosts import Node

if TYPE_CHECKING:
    import asyncio

__all__ = ["VirtualHost", "VirtualListener", "VirtualNetwork", "VirtualSocket"]

_MOST_PORTS = 0xFFFF


class VirtualNetwork:
    """A network in memory. Each guest gets an address of its own; Python itself is 10.0.0.1 and fd00::1.

    Guests reach Python and each other. Each has a loopback interface of its own that nobody else reaches,
    and there is no way out to a real network. All methods may be called from any thread.

    Args:
        subnet, subnet6: where addresses are taken from; a host has the same number in both.
    Attributes:
        addresses: Python's IPv4 and IPv6 address as text.
    Raises: OptionError for what is no subnet.
    """

    def __init__(self, subnet: str = "10.0.0.0/24", subnet6: str = "fd00::/64") -> None:
        self._fabric = Fabric(subnet, subnet6)
        self._node = self._fabric.attach()
        self._listeners: WeakSet[VirtualListener] = WeakSet()
        self.addresses = self._node.addresses

    def attach(self, address: str | None = None) -> VirtualHost:
        """A place for one guest, to be given to `start` as `net`.

        Args:
            address: its IPv4 or IPv6 address; None takes the next free one: 10.0.0.2, 10.0.0.3, ...
        Raises: OptionError for an address that is taken or outside the subnets; OSError ENETDOWN.
        """
        with os_errors():
            return VirtualHost(self._fabric, self._fabric.attach(address))

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
        self._listeners.add(listener)
        return listener

    def wait_listening(self, address: tuple[Any, ...], timeout: float | None = None) -> None:
        """Block until somebody listens on an address, so that `connect` will not be refused.

        Args:
            timeout: seconds; None waits for ever.
        Raises: TimeoutError; OSError ENETUNREACH outside of the subnets, ENETDOWN the network is closed.
        """
        wanted = read_address(address)
        with os_errors():
            found = self._fabric.wait_listening(self._node, wanted, timeout)
        if not found:
            raise TimeoutError(f"nobody listens on {wanted} after {timeout} s")

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

    def close(self) -> None:
        """Close every listener and refuse further use. Connections that are made stay until they are closed."""
        self._fabric.close()
        for listener in list(self._listeners):
            listener.close()

    def __enter__(self) -> VirtualNetwork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


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
            raise os_error(SysError(failure, "the listener is gone"))
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


def read_address(address: tuple[Any, ...]) -> Address:
    """An address as Python's sockets take it. Raises: ValueError."""
    host, port = address[:2]
    if not isinstance(port, int) or not 0 <= port <= _MOST_PORTS:
        raise ValueError(f"{port!r} is no port; ports are 0 to {_MOST_PORTS}")
    return parse(host, port)
