"""Pairs of connected operating-system sockets, on which the connections of the virtual network ride."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import sys
from contextlib import suppress

from pywasix.host.errors import sys_error

_DRAIN = 1 << 16  # bytes taken at a time
# Linux calls a stream writable while at most a quarter of its send buffer is used (unix_writable).
_WRITABLE_SHARE = 4 if sys.platform == "linux" else 1


def adopt(fd: int) -> socket.socket:
    """A socket object for the end of a pair."""
    return _plain(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd))


def _plain(end: socket.socket) -> socket.socket:
    """Blocking, whatever default the embedding program set for all sockets."""
    end.settimeout(None)
    return end


class SocketPair:
    """A `net.virtual_queue.Pair`: two AF_UNIX stream sockets.

    A byte that is sent from the far end makes the near one readable; bytes that fill its send buffer make
    it unwritable until they are taken out at the far end. So a descriptor that somebody waits on already
    stays the same while its socket binds, listens or connects.

    Errors of making one: MFILE, NFILE, NOBUFS, NOMEM of the host.
    """

    __slots__ = ("_far", "_held", "_rung", "near")

    def __init__(self) -> None:
        try:
            near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise sys_error(error) from None
        self.near = _plain(near)
        self._far: socket.socket | None = _plain(far)
        self._held = False
        self._rung = False

    def ring(self) -> None:
        if self._far is not None and not self._rung:
            self._far.send(b"\0", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            self._rung = True

    def hush(self) -> None:
        if self._rung:
            self.near.recv(1, socket.MSG_DONTWAIT)
            self._rung = False

    def hold(self) -> None:
        self._held = True
        size = self.near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        with suppress(BlockingIOError):  # the buffer may be full already
            self.near.send(bytes(size // _WRITABLE_SHARE + 1), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def refill(self) -> None:
        if self._held:
            self.hold()

    def release(self) -> None:
        if not self._held or self._far is None:
            return
        with suppress(BlockingIOError):
            while self._far.recv(_DRAIN, socket.MSG_DONTWAIT):
                pass
        self._held = False

    def give(self) -> socket.socket:
        far, self._far = self._far, None
        assert far is not None, "a pair makes one connection"
        return far

    def close_far(self) -> None:
        """Close the far end unless it was given away."""
        far, self._far = self._far, None
        if far is not None:
            far.close()
