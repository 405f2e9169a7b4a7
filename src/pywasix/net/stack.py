"""What a network must offer: the Protocols that the host's stack and the virtual network implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pywasix.kernel.file import Conditions, FileStatus
from pywasix.kernel.wait import Handle
from pywasix.net.address import Address

if TYPE_CHECKING:
    from pywasix.abi.enums import SockOption, SockType
    from pywasix.net.interface import Interface


class Channel(Handle, Protocol):
    """One socket of a network, which is also what to wait on.

    A call that must wait raises `WouldBlock`; it may hold the caller for a moment first (the
    patience of the channel, at most 20 ms) unless the channel is non-blocking or DONT_WAIT is in
    the flags. Flags are `RiFlags` and `SiFlags` as plain numbers.
    """

    @property
    def conditions(self) -> Conditions | None:
        """As `File.conditions`."""
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

        After a failure that `connect` did not raise, `give_up` makes the channel new; until then it receives no bytes.
        """
        ...

    def give_up(self) -> bool:
        """Withdraw an attempt to connect, so that no connection comes of it, or forget one that failed.

        Then the channel may be bound, listen and connect as if it had not been tried.

        Returns: False when the answer came first; `connect_result` tells it.
        """
        ...

    def recv_from(self, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        """The next datagram: (bytes, whether some did not fit, its sender).

        With RECV_DATA_TRUNCATED in the flags the bytes are the datagram's own, however many were stored
        (recv(2), MSG_TRUNC). A Unix socket without a name sends from `Address(UNIX, b"", 0)`.

        Errors: WouldBlock; CONNREFUSED an earlier datagram came back; NOTCONN, and others that the host tells.
        """
        ...

    def send_to(self, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        """Send one datagram, binding the socket to a free port first if it is not bound; returns its bytes.

        Errors: WouldBlock; MSGSIZE; CONNREFUSED an earlier one came back; ACCES broadcast without BROADCAST;
            NETUNREACH, HOSTUNREACH, ADDRNOTAVAIL, AFNOSUPPORT, INVAL; for Unix also NOENT, PROTOTYPE.
        """
        ...

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Join or leave a multicast group.

        Args:
            group: 4 or 16 bytes.
            interface: its IPv4 address (4 bytes, zero: the host chooses), or its index for an IPv6 group.
        Errors: INVAL no multicast address; NODEV no such interface; ADDRINUSE joined already; ADDRNOTAVAIL
            not joined; NOBUFS too many; NOPROTOOPT an IPv6 group on an IPv4 socket.
        """
        ...

    def recv_into(self, buffer: memoryview, flags: int) -> int: ...
    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int: ...
    def send(self, buffer: memoryview, flags: int) -> int: ...
    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int: ...

    def send_file(self, source: Handle, offset: int, count: int) -> int:
        """Send up to `count` bytes of a file of the host, from `offset` on; 0 where it ends. Streams only.

        A blocking channel may hold the caller for its patience with every 64 KiB.
        """
        ...

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


class SocketNames(Protocol):
    """The names of a program's Unix sockets: absolute paths of its own, whose parents count as there."""

    def find(self, path: bytes) -> FileStatus | None:
        """What stat tells of the socket that has a path; None when none has it."""
        ...

    def within(self, directory: bytes) -> list[tuple[bytes, FileStatus]]:
        """The names right in a directory, and what stat tells of each."""
        ...

    def unlink(self, path: bytes) -> None:
        """Take a path away; who is connected stays so. Errors: NOENT."""
        ...

    def move(self, path: bytes, new: bytes) -> None:
        """Something has another path now: so have a socket of that name and those below it."""
        ...


class NetStack(Protocol):
    """A network that sockets can be opened on."""

    def open(self, family: int, kind: SockType) -> Channel:
        """A fresh channel. Errors: AFNOSUPPORT; NOTSUP; MFILE, NFILE, NOBUFS, NOMEM of the host."""
        ...

    def pair(self, kind: SockType) -> tuple[Channel, Channel]:
        """Two Unix sockets that are connected to each other (socketpair). Errors: as `open`."""
        ...

    @property
    def socket_names(self) -> SocketNames | None:
        """The names of the program's Unix sockets; None while none has had one."""
        ...

    @property
    def own_names(self) -> bool:
        """Its names are the user's own, not what some server on the internet says."""
        ...

    def lookup(self, name: str) -> list[str]:
        """The addresses of a name (as `rules.normal_name` gives it) as text, in the order to try them.

        It may take long: it is called in a thread of its own, several at once.

        Errors: NOENT, or an empty list, for an unknown name; AGAIN, IO the look-up failed.
        """
        ...

    @property
    def interface(self) -> Interface:
        """The network interface that the program sees."""
        ...

    def close(self) -> None:
        """The program ended: give back what the stack holds for it."""
        ...
