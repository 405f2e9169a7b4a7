"""What streams and datagram sockets of guests on the virtual network have in common."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
from typing import Self

from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.sockets import HostChannel
from pywasix.net.address import INET6
from pywasix.net.virtual_options import KeptOptions

# What the pair itself has; it is handed down to accepted connections as well.
OF_PAIR = (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE, SockOption.RECV_LOWAT)


class VirtualEnd(HostChannel):
    """The near end of a pair, which a guest has as its socket from open to close.

    Args:
        options: of the socket; None makes fresh ones.
    """

    __slots__ = ("_linger", "_options")

    def __init__(self, near: socket.socket, family: int, kind: SockType, options: KeptOptions | None = None) -> None:
        super().__init__(near.fileno(), family, kind)
        self._socket: socket.socket | None = near
        self._options = options or KeptOptions(family, kind)
        self._linger: int | None = None

    def ready(self) -> Self:
        """Let blocking calls come back soon. Errors: as the host says; the channel is closed then."""
        try:
            self.patient()
        except OSError as error:
            self.close()
            raise sys_error(error) from None
        return self

    def _need_open(self) -> None:
        """A closed socket must claim nothing: nobody would give it back."""
        if self.fd < 0:
            raise SysError(Errno.BADF, "the socket is closed")

    def _is_bound(self) -> bool:
        """Whether the socket has a local port."""
        raise SysError(Errno.NOTSUP, "each kind of socket tells this itself")

    def get_option(self, option: SockOption) -> int:
        return super().get_option(option) if option in OF_PAIR else self._options.get(option)

    def set_option(self, option: SockOption, value: int) -> None:
        if option in OF_PAIR:
            super().set_option(option, value)
            self._options.of_pair[option] = value
            return
        if option is SockOption.ONLY_V6 and self.family == INET6 and self._is_bound():
            raise SysError(Errno.INVAL, "ONLY_V6 of a bound socket")  # Linux: after bind it is too late
        self._options.set(option, value)

    def get_linger(self) -> int | None:
        return self._linger

    def set_linger(self, seconds: int | None) -> None:
        self._linger = seconds
