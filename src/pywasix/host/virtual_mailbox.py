"""Where the datagrams of one socket of the virtual network wait: a pair of operating-system sockets."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.kernel.wait import FAILED, READABLE
from pywasix.net.virtual_datagrams import HEADER, unpack
from pywasix.net.virtual_ports import Endpoint

_MARKER = b"\0"  # shorter than any header, and no address has the length 0
_LARGEST = 1 << 16  # bytes; more than any datagram with its header
_MOST_PARTS = 1000  # of one sendmsg or recvmsg, below Linux's UIO_MAXIOV with the header
_PROBE = socket.MSG_PEEK | socket.MSG_DONTWAIT
_NO_WAIT = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)

Receive = Callable[[Sequence[memoryview | bytearray], int, int], tuple[int, Any, int, Any]]
"""`recvmsg_into` of the near end."""


class SocketMailbox:
    """A `net.virtual_datagrams.Mailbox`: two AF_UNIX datagram sockets.

    The network sends each datagram, with its sender before it, from the far end to the near one, which is its
    owner's socket for good. What the far end may have under way acts as the receive buffer: Linux limits
    nothing else between two ends that are connected to each other. Waiting, readiness and wake-ups are
    the operating system's. The near end sends nothing, so that it is always writable.

    What came back for an earlier datagram stands in `error`. A marker in the queue wakes who waits; a marker
    whose error somebody else was told of means nothing any more.

    Attributes:
        near: the owner's end.
        error: see `net.virtual_datagrams.Mailbox`.
    Errors of making one: MFILE, NFILE, NOBUFS, NOMEM of the host.
    """

    __slots__ = ("_far", "_lock", "_marked", "error", "near")

    def __init__(self) -> None:
        try:
            self.near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        except OSError as error:
            raise sys_error(error) from None
        self.near.settimeout(None)  # whatever default the embedding program set for all sockets
        self._far.settimeout(None)
        self.error: Errno | None = None
        self._marked = False  # a marker is in the queue
        self._lock = Lock()  # guards `error`; innermost

    def put(self, header: bytes, buffers: Sequence[memoryview]) -> None:
        if len(buffers) > _MOST_PARTS:
            buffers = (memoryview(b"".join(buffers)),)
        with suppress(OSError):  # no room, or nobody reads any more: UDP loses such a datagram
            self._far.sendmsg((header, *buffers), (), _NO_WAIT)

    def fail(self, error: Errno) -> None:
        with self._lock:
            self.error = error
        if not self._marked:
            self._marked = True
            try:
                self._far.send(_MARKER, _NO_WAIT)
            except OSError:  # the queue is full, so that nobody waits for it
                self._marked = False

    def take_error(self) -> Errno | None:
        with self._lock:
            error, self.error = self.error, None
        if self._marked:
            self._sweep()
        return error

    def conditions(self, events: int, asked: int) -> int:
        """`File.conditions`: a refusal is an error, and its marker nothing to read (Linux: `datagram_poll`)."""
        if self.error is None:
            return events
        try:
            marker = self.near.recv(1, _PROBE) == _MARKER
        except OSError:  # the queue is empty by now, or the socket closed
            marker = True
        return (events & ~READABLE if marker else events) | FAILED

    def receive(
        self, receive: Receive, buffers: Sequence[memoryview | bytearray], flags: int
    ) -> tuple[int, bool, Endpoint | None]:
        """The next datagram.

        Args:
            receive: `recvmsg_into` of the near end; its flags are the host's.
        Returns: bytes, whether some did not fit, the sender; None for it when the end was shut down.
        Raises: OSError as recvmsg(2). Errors: what came back for an earlier datagram.
        """
        if len(buffers) > _MOST_PARTS:
            return self._receive_joined(receive, buffers, flags)
        while True:
            if self.error is not None and (error := self.take_error()) is not None:
                raise SysError(error, "an earlier datagram came back")
            header = bytearray(HEADER)
            count, _, found, _ = receive((header, *buffers), 0, flags)
            if header[0]:
                if self._marked:
                    self._sweep()
                return count - HEADER, bool(found & socket.MSG_TRUNC), unpack(header)
            if not count:
                return 0, False, None
            if flags & socket.MSG_PEEK:
                self._sweep(told=False)
            else:
                self._marked = False  # before the next look at `error`, see `fail`

    def _receive_joined(
        self, receive: Receive, buffers: Sequence[memoryview | bytearray], flags: int
    ) -> tuple[int, bool, Endpoint | None]:
        whole = memoryview(bytearray(min(sum(map(len, buffers)), _LARGEST)))
        count, truncated, sender = self.receive(receive, (whole,), flags)
        done, stored = 0, min(count, len(whole))
        for buffer in buffers:
            part = whole[done : min(done + len(buffer), stored)]
            buffer[: len(part)] = part
            done += len(part)
        return count, truncated, sender

    def _sweep(self, *, told: bool = True) -> None:
        """Take a marker from the head of the queue, so that nobody is woken for nothing.

        Another task may take the marker between the look and the taking; what comes out instead goes in again
        at the end, which the order of datagrams allows.

        Args:
            told: only a marker whose error was told of.
        """
        try:
            if (told and self.error is not None) or self.near.recv(1, _PROBE) != _MARKER:
                return
            self._marked = False
            taken = self.near.recv(_LARGEST, socket.MSG_DONTWAIT)
            if taken != _MARKER:
                self._far.send(taken, _NO_WAIT)
        except OSError:  # the queue is empty
            return

    def resize(self, size: int) -> None:
        """The receive buffer has another size in bytes. Raises OSError."""
        self._far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def close_far(self) -> None:
        """Close the network's end, when nobody fills it any more."""
        self._far.close()

    def close(self) -> None:
        """Close both ends."""
        self.near.close()
        self._far.close()
