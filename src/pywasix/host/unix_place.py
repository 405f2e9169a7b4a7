"""Where the Unix sockets of a program are: the part of both network stacks that is the same."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import SockType

if TYPE_CHECKING:
    from pywasix.host.unix import UnixChannel
    from pywasix.host.unix_names import UnixNames


class UnixPlace:
    """Opens Unix sockets. Their names are the program's own, so the place keeps them."""

    def __init__(self) -> None:
        self._unix: UnixNames | None = None
        self._making = Lock()  # guards the step from no names to some

    @property
    def unix(self) -> UnixNames:
        """The names of the program's Unix sockets."""
        from pywasix.host.unix_names import UnixNames  # few programs use Unix sockets

        with self._making:
            if self._unix is None:
                self._unix = UnixNames()
            return self._unix

    def open_unix(self, kind: SockType) -> UnixChannel:
        """A fresh Unix socket. Errors: NOTSUP (type); MFILE, NFILE, NOBUFS, NOMEM of the host."""
        from pywasix.host.unix import open_channel

        return open_channel(self.unix, kind)

    def pair(self, kind: SockType) -> tuple[UnixChannel, UnixChannel]:
        """Two Unix sockets that are connected to each other. Errors: as `open_unix`."""
        from pywasix.host.unix import open_pair

        return open_pair(self.unix, kind)

    @property
    def socket_names(self) -> UnixNames | None:
        """The names; None while no socket has had one."""
        return self._unix

    def close_unix(self) -> None:
        """The program ended: give back what the names hold."""
        with self._making:
            if self._unix is not None:
                self._unix.close()
