"""Hosts of a virtual network: the places of guests, and of Python where it wants more than one."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostChannel
from pywasix.host.unix_place import UnixPlace
from pywasix.host.virtual_channel import VirtualChannel
from pywasix.host.virtual_datagrams import VirtualDatagrams
from pywasix.host.virtual_mailbox import SocketMailbox
from pywasix.host.virtual_pair import SocketPair
from pywasix.host.virtual_place import Place
from pywasix.net.address import INET4, INET6, UNIX
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_hosts import Node

if TYPE_CHECKING:
    import socket

    from pywasix.host.virtual_unix import UnixListener
    from pywasix.net.virtual_interface import VirtualInterface

_STREAM = SockType.SOCKET_STREAM
_DATAGRAM = SockType.SOCKET_DGRAM
_FAMILIES = (INET4, INET6)


class VirtualHost(Place, UnixPlace):
    """One place on a virtual network: a `net.stack.NetStack` for a guest, or where Python has a peer.

    It is left when the guest ends; without a guest, `close` or a with statement ends it.

    Attributes:
        addresses: its IPv4 and its IPv6 address as text.
    """

    own_names = True

    def __init__(self, fabric: Fabric, node: Node) -> None:
        Place.__init__(self, fabric, node)
        UnixPlace.__init__(self)

    @property
    def interface(self) -> VirtualInterface:
        """What the guest sees of its place, and may change."""
        from pywasix.net.virtual_interface import VirtualInterface  # few programs look

        return VirtualInterface(self._fabric, self._node)

    def open(self, family: int, kind: SockType) -> HostChannel:
        """A fresh socket. Errors: AFNOSUPPORT; NOTSUP; NETDOWN; MFILE, NFILE, NOBUFS, NOMEM of the host."""
        if family == UNIX:
            return self.open_unix(kind)
        if family not in _FAMILIES:
            raise SysError(Errno.AFNOSUPPORT, f"address family {family} is not supported")
        if kind not in (_STREAM, _DATAGRAM):
            raise SysError(Errno.NOTSUP, f"{kind.name} sockets are not supported")
        self._fabric.require_open(self._node)
        if kind is _DATAGRAM:
            return VirtualDatagrams(self._fabric, self._node, SocketMailbox(), family).ready()
        pair = SocketPair()
        channel = VirtualChannel(self._fabric, self._node, pair.near, family)
        channel.pair = pair
        return channel.ready()

    def close(self) -> None:
        """Leave the network: listeners are over, the addresses are free, connections stay until closed."""
        self._fabric.detach(self._node)
        self._close_sockets()
        self.close_unix()

    def connect_unix(self, path: str, timeout: float | None = None) -> socket.socket:
        """Connect to a Unix stream socket that the guest listens on.

        While the listener's queue is full the call waits.

        Args:
            path: in the guest's namespace, relative to its "/".
            timeout: seconds for connecting, and the timeout of the socket; None waits for ever.
        Raises: FileNotFoundError no socket has that name; ConnectionRefusedError it does not listen any more;
            TimeoutError; OSError EPROTOTYPE a datagram socket.
        """
        from pywasix.host.virtual_unix import connect

        return connect(self.unix, path, timeout)

    def listen_unix(self, path: str, backlog: int = 128) -> UnixListener:
        """Listen on a path of the guest's namespace, for the guest to connect to.

        Raises: OSError EADDRINUSE.
        """
        from pywasix.host.virtual_unix import UnixListener

        listener = UnixListener(self.unix, path, backlog)
        self._sockets.add(listener)
        return listener

    def __enter__(self) -> VirtualHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
