"""What a network must offer: the Protocols that the host's stack and the virtual network implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pywasix.abi.enums import SockOption, SockType
from pywasix.kernel.file import FileStatus
from pywasix.kernel.wait import Handle
from pywasix.net.address import Address


class Channel(Protocol):
    """One socket of a network.

    A call that must wait raises `WouldBlock`; it may hold the caller for a moment first (the
    patience of the channel, at most 20 ms) unless the channel is non-blocking or DONT_WAIT is in
    the flags. Flags are `RiFlags` and `SiFlags` as plain numbers.
    """

    @property
    def handle(self) -> Handle:
        """What to wait on."""
        ...

    def bind(self, address: Address) -> None: ...
    def listen(self, backlog: int) -> None: ...

    def accept(self, nonblocking: bool) -> tuple[Channel, Address]:
        """The next waiting connection and its peer; `nonblocking` describes the new channel."""
        ...

    def connect(self, address: Address) -> None:
        """Start to connect; raises `WouldBlock` when the answer is still to come."""
        ...

    def connect_result(self) -> None:
        """The answer: returns when connected, raises `WouldBlock` or why it failed, which is told once.

        After a failure the channel may be bound, listen and connect as if it had not been tried.
        """
        ...

    def give_up(self) -> bool:
        """Withdraw an attempt to connect, so that no connection comes of it; as after a failure.

        Returns: False when the answer came first; `connect_result` tells it.
        """
        ...

    def recv_into(self, buffer: memoryview, flags: int) -> int: ...
    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int: ...
    def send(self, buffer: memoryview, flags: int) -> int: ...
    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int: ...

    def shutdown(self, how: int) -> None:
        """Close directions: `SdFlags` as a number."""
        ...

    def local(self) -> Address: ...
    def peer(self) -> Address: ...
    def get_option(self, option: SockOption) -> int: ...
    def set_option(self, option: SockOption, value: int) -> None: ...

    def get_linger(self) -> int | None:
        """Seconds that close waits for unsent data; None when it does not."""
        ...

    def set_linger(self, seconds: int | None) -> None: ...

    def take_error(self) -> int:
        """The pending asynchronous error as an `Errno` number, 0 for none; reading clears it."""
        ...

    def set_nonblocking(self, nonblocking: bool) -> None: ...
    def available(self) -> int: ...
    def status(self) -> FileStatus: ...
    def close(self) -> None: ...


class NetStack(Protocol):
    """A network that sockets can be opened on."""

    def open(self, family: int, kind: SockType) -> Channel:
        """A fresh channel. Errors: AFNOSUPPORT; NOTSUP; MFILE, NFILE, NOBUFS, NOMEM of the host."""
        ...

    def close(self) -> None:
        """The program ended: give back what the stack holds for it."""
        ...
