"""Datagram sockets of guests on the virtual network: the kernel's `Channel`."""

from __future__ import annotations

from collections.abc import Sequence

from pywasix.abi.enums import SdFlags, SockOption, SockType
from pywasix.host.errors import sys_error
from pywasix.host.sockets import RECEIVE_FLAGS
from pywasix.host.virtual_end import VirtualEnd
from pywasix.host.virtual_mailbox import SocketMailbox
from pywasix.kernel.file import Conditions
from pywasix.net.address import NOWHERE, Address
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_datagrams import HEADER, DatagramEnd
from pywasix.net.virtual_hosts import Node
from pywasix.net.virtual_ports import shown

_WRITING = int(SdFlags.WR)


class VirtualDatagrams(VirtualEnd):
    """One datagram socket of a guest: a `net.stack.Channel`."""

    __slots__ = ("_end", "_mailbox")

    def __init__(self, fabric: Fabric, node: Node, mailbox: SocketMailbox, family: int) -> None:
        super().__init__(mailbox.near, family, SockType.SOCKET_DGRAM)
        self._mailbox = mailbox
        self._end = DatagramEnd(fabric, node, family, mailbox, self._options)

    @property
    def conditions(self) -> Conditions:
        return self._mailbox.conditions

    def bind(self, address: Address) -> None:
        """Errors: those of `DatagramEnd.bind`."""
        self._end.bind(address)
        self._options.bound(address)

    def _is_bound(self) -> bool:
        return self._end.bound

    def connect(self, address: Address) -> None:
        """Errors: those of `DatagramEnd.connect`."""
        self._end.connect(address)

    def connect_result(self) -> None:
        self._end.peer()

    def give_up(self) -> bool:
        """Dissolve the connection."""
        self._end.disconnect()
        return True

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Errors: those of `DatagramEnd.set_membership`."""
        self._end.set_membership(group, interface, joined)

    # -- data ---------------------------------------------------------------

    def recv_from(self, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        try:
            count, truncated, sender = self._mailbox.receive(self._open().recvmsg_into, buffers, RECEIVE_FLAGS[flags])
        except OSError as error:
            raise sys_error(error) from None
        return count, truncated, NOWHERE if sender is None else shown(self.family, sender)

    def recv_into(self, buffer: memoryview, flags: int) -> int:
        return self.recv_from((buffer,), flags)[0]

    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        return self.recv_from(buffers, flags)[0]

    def send_to(self, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        """Errors: those of `DatagramEnd.send`. It never waits: what finds no room is lost."""
        return self._end.send(buffers, address)

    def send(self, buffer: memoryview, flags: int) -> int:
        return self._end.send((buffer,), None)

    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        return self._end.send(buffers, None)

    def available(self) -> int:
        return max(0, super().available() - HEADER)

    def shutdown(self, how: int) -> None:
        """Close directions. Errors: NOTCONN; without a peer Linux says so and closes them all the same."""
        if how & _WRITING:
            self._end.mute()
        super().shutdown(how)  # wakes who waits
        self._end.peer()

    # -- what it is ---------------------------------------------------------

    def local(self) -> Address:
        return self._end.local()

    def peer(self) -> Address:
        return self._end.peer()

    def set_option(self, option: SockOption, value: int) -> None:
        super().set_option(option, value)
        if option is SockOption.RECV_BUF_SIZE:
            try:
                self._mailbox.resize(self.get_option(option) // 2)  # Linux doubles what is set, at both ends
            except OSError as error:
                raise sys_error(error) from None
        elif option in (SockOption.REUSE_ADDR, SockOption.REUSE_PORT):
            self._end.share()

    def take_error(self) -> int:
        return int(self._mailbox.take_error() or 0)

    def close(self) -> None:
        self._end.close()
        super().close()
        self._mailbox.close_far()
