"""Listening sockets that the embedding program made and keeps, for a guest to accept from."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import errno
import os
import select
from threading import Lock

from pywasix.abi.enums import SdFlags
from pywasix.abi.errno import Errno
from pywasix.abi.socket_enums import SockType
from pywasix.errors import OptionError, SysError, WouldBlock
from pywasix.host.errors import sys_error
from pywasix.host.sockets import HostChannel
from pywasix.net.address import INET4, INET6, Address

_FAMILIES = {int(socket.AF_INET): INET4, int(socket.AF_INET6): INET6}

# Guards the moment between the look whether somebody calls and the accept, among all programs of this process:
# without it the second of two would wait in the host, where no kill reaches it.
_accepting = Lock()


class AdoptedListener(HostChannel):
    """A listening socket whose open file belongs to somebody else too.

    Its O_NONBLOCK and its timeouts are theirs, and stay as they are. So it does not count on its own patience: it
    looks first, and accepts when somebody calls. A guest can end its own part, never the owner's listening.
    """

    __slots__ = ()

    def accept(self, nonblocking: bool) -> tuple[HostChannel, Address]:
        with _accepting:
            if self.fd >= 0 and not _somebody_calls(self.fd):
                raise WouldBlock("nobody calls")
            accepted, peer = super().accept(nonblocking)
        try:
            os.set_blocking(accepted.fd, not nonblocking)  # BSD hands the listener's mode down
            return accepted.patient(), peer  # Linux hands the timeouts down
        except OSError as error:
            accepted.close()
            raise sys_error(error) from None

    def set_nonblocking(self, nonblocking: bool) -> None:
        """Nothing to do: an accept never waits here, and the guest's own flag says whether it waits elsewhere."""

    def listen(self, backlog: int) -> None:
        """Nothing to do: it listens, and the queue is its owner's."""

    def shutdown(self, how: int) -> None:
        """Errors: NOTSUP: it would end the owner's listening, and that of every other program."""
        if not how & SdFlags.RD:
            return  # on Linux it does nothing to a listener
        raise SysError(Errno.NOTSUP, "this listener belongs to the embedding program too; close the descriptor")

    def close(self) -> None:
        self._lingers = False  # it only described the connections; the owner's listener keeps the option
        super().close()


def _somebody_calls(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def adopt_listener(fd: int) -> AdoptedListener:
    """A channel of its own for a listening TCP socket that somebody else made and keeps.

    Raises: OptionError when the descriptor is no such socket; OSError when the host has no descriptor left.
    """
    own = _duplicate(fd)
    try:
        channel = AdoptedListener(own, _family_of(own), SockType.SOCKET_STREAM)
    except BaseException:
        os.close(own)
        raise
    try:
        channel._lingers = bool(channel.get_linger())
    except BaseException:
        channel.close()
        raise
    return channel


def _duplicate(fd: int) -> int:
    try:
        return os.dup(fd)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        raise OptionError(f"listen got a socket that is closed (descriptor {fd})") from None


def _family_of(fd: int) -> int:
    """The family of a listening TCP socket. Raises: OptionError when it is none."""
    blocking = os.get_blocking(fd)
    try:
        known = socket.socket(fileno=fd)
    except OSError:
        raise OptionError(f"listen got descriptor {fd}, which is no socket") from None
    try:
        # The embedding program's default timeout would make the socket non-blocking.
        if os.get_blocking(fd) is not blocking:
            os.set_blocking(fd, blocking)
        family = _FAMILIES.get(known.family)
        if family is None or known.type != socket.SOCK_STREAM:
            raise OptionError("listen got a socket that is no TCP socket over IPv4 or IPv6")
        if not known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OptionError("listen got a socket that does not listen; call its listen() first")
    finally:
        known.detach()
    return family
