"""Opening sockets: which class of file stands behind a family and a type."""

from __future__ import annotations

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, INET6, UNIX
from pywasix.net.network import Network
from pywasix.net.sockets import Socket
from pywasix.net.stack import Channel
from pywasix.net.states import State

_FAMILIES = (INET4, INET6, UNIX)
_KINDS = (SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM)


def open_socket(network: Network, family: int, kind: SockType) -> Socket:
    """A fresh socket. Errors: AFNOSUPPORT; NOTSUP (type); MFILE, NFILE, NOBUFS, NOMEM."""
    if family not in _FAMILIES:
        raise SysError(Errno.AFNOSUPPORT, f"address family {family} is not supported")
    if kind not in _KINDS:
        raise SysError(Errno.NOTSUP, f"{kind.name} sockets are not supported")
    channel = network.stack.open(family, kind)
    return _over(network, channel, family, kind, State.FRESH)


def open_pair(network: Network, family: int, kind: SockType) -> tuple[Socket, Socket]:
    """Two sockets that are connected to each other.

    Errors: NOTSUP a type or family without pairs; AFNOSUPPORT; MFILE, NFILE, NOBUFS, NOMEM.
    """
    if family not in _FAMILIES:
        raise SysError(Errno.AFNOSUPPORT, f"address family {family} is not supported")
    if family != UNIX or kind not in _KINDS:
        raise SysError(Errno.NOTSUP, f"there are no pairs of {kind.name} sockets of family {family}")
    first, second = network.stack.pair(kind)
    return (
        _over(network, first, UNIX, kind, State.CONNECTED),
        _over(network, second, UNIX, kind, State.CONNECTED),
    )


def _over(network: Network, channel: Channel, family: int, kind: SockType, state: State) -> Socket:
    """The file of a channel. Few programs have Unix sockets, and most servers no datagram sockets."""
    if kind is SockType.SOCKET_STREAM:
        if family != UNIX:
            return Socket(network, channel, family, kind, state)
        from pywasix.net.unix import UnixStream

        return UnixStream(network, channel, family, kind, state)
    from pywasix.net.datagrams import DatagramSocket

    return DatagramSocket(network, channel, family, kind, state)
