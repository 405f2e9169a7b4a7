"""Sockets of guests on the virtual network: the kernel's `NetStack` and `Channel`.

Connections ride on AF_UNIX pairs, whose ends behave as TCP sockets do in all but a few points, which are
mended here: a connection can be broken off (SO_LINGER 0), and MSG_TRUNC discards what it receives. One
difference stays: after `shutdown(SHUT_RD)` the peer's sends fail with EPIPE, where TCP takes and drops them.
"""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import os
from collections.abc import Sequence

from pywasix.abi.enums import AddressFamily, RiFlags, SdFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host.errors import sys_error
from pywasix.host.sockets import HostChannel
from pywasix.host.virtual_pair import SocketPair, adopt
from pywasix.net.address import Address, wildcard
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_hosts import Node
from pywasix.net.virtual_options import KeptOptions
from pywasix.net.virtual_ports import Binding, shown
from pywasix.net.virtual_queue import Arrival, Attempt, Listener, Side

_STREAM = SockType.SOCKET_STREAM
_DATAGRAM = SockType.SOCKET_DGRAM
_FAMILIES = (AddressFamily.INET4, AddressFamily.INET6)
_TRUNCATE = int(RiFlags.RECV_DATA_TRUNCATED)
_READING = int(SdFlags.RD)
_MOST_DISCARDED = 1 << 20  # bytes in one call, whatever the guest asks for
# What the pair itself has; it is handed down to accepted connections as well.
_OF_PAIR = (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE, SockOption.RECV_LOWAT)


class VirtualHost:
    """One guest's place on a virtual network: a `net.stack.NetStack`.

    Attributes:
        addresses: its IPv4 and its IPv6 address as text.
    """

    def __init__(self, fabric: Fabric, node: Node) -> None:
        self._fabric = fabric
        self._node = node
        self.addresses = node.addresses

    def open(self, family: int, kind: SockType) -> VirtualChannel:
        """A fresh socket. Errors: AFNOSUPPORT; NOTSUP; NETDOWN; MFILE, NFILE, NOBUFS, NOMEM of the host."""
        if family not in _FAMILIES:
            raise SysError(Errno.AFNOSUPPORT, f"address family {family} is not supported")
        if kind not in (_STREAM, _DATAGRAM):
            raise SysError(Errno.NOTSUP, f"{kind.name} sockets are not supported")
        self._fabric.require_open(self._node)
        pair = SocketPair()
        channel = VirtualChannel(self._fabric, self._node, pair.near, family, kind)
        channel.pair = pair
        return channel.ready()

    def close(self) -> None:
        """Leave the network: listeners are over, the addresses are free, connections stay until closed."""
        self._fabric.detach(self._node)


class VirtualChannel(HostChannel):
    """One socket of a guest: a `net.stack.Channel`.

    Attributes:
        pair: both ends, until the far one goes to a listener; None for an accepted connection.
        side: this side of the connection, once there is one.
        binding: the claim on the local port.
    """

    __slots__ = ("_attempt", "_fabric", "_linger", "_listener", "_node", "_options", "binding", "pair", "side")

    def __init__(self, fabric: Fabric, node: Node, near: socket.socket, family: int, kind: SockType) -> None:
        super().__init__(near.fileno(), family, kind)
        self._socket: socket.socket | None = near
        self._fabric = fabric
        self._node = node
        self._options = KeptOptions(family, kind)
        self._linger: int | None = None
        self._listener: Listener | None = None
        self._attempt: Attempt | None = None
        self.pair: SocketPair | None = None
        self.side: Side | None = None
        self.binding: Binding | None = None

    def ready(self) -> VirtualChannel:
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

    # -- making connections -------------------------------------------------

    def bind(self, address: Address) -> None:
        """Errors: ADDRINUSE; ADDRNOTAVAIL; INVAL bound already; NETDOWN; BADF closed by another task."""
        self._need_open()
        if self.binding is not None:
            raise SysError(Errno.INVAL, "the socket is bound")
        options = self._options
        self.binding = self._fabric.bind(self._node, self._kind, address, options.only_v6, options.reuse)

    def listen(self, backlog: int) -> None:
        """Errors: ADDRINUSE; NETDOWN; BADF closed by another task."""
        self._need_open()
        if self.binding is None:
            self.bind(wildcard(self.family))
        if self.binding is None or self.pair is None:
            raise SysError(Errno.INVAL, "a connection cannot listen")
        self._listener = self._fabric.listen(self._node, self.binding, self.pair, backlog)

    def accept(self, nonblocking: bool) -> tuple[VirtualChannel, Address]:
        """The next waiting connection. Errors: WouldBlock; INVAL not listening; NETDOWN."""
        listener = self._listener
        if listener is None:
            raise SysError(Errno.INVAL, "the socket does not listen")
        arrival = self._fabric.accept(listener)
        if arrival is None:
            self._await_caller()
            arrival = self._fabric.accept(listener)
            if arrival is None:
                raise WouldBlock("another task took the connection")
        channel = self._accepted(arrival)
        if nonblocking:
            os.set_blocking(channel.fd, False)
        return channel, shown(self.family, arrival.side.peer)

    def _await_caller(self) -> None:
        """Wait in the operating system, for the patience of the channel at most. Errors: WouldBlock."""
        try:
            self._open().recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise sys_error(error) from None

    def _accepted(self, arrival: Arrival) -> VirtualChannel:
        near = adopt(arrival.far.detach())
        channel = VirtualChannel(self._fabric, self._node, near, self.family, self._kind)
        channel.side = arrival.side
        channel.binding = arrival.binding
        channel._linger = self._linger
        channel._options = self._options.handed_down()
        channel.ready()
        for option, value in self._options.of_pair.items():
            HostChannel.set_option(channel, option, value)
        return channel

    def connect(self, address: Address) -> None:
        """Errors: WouldBlock the queue is full; those of `Fabric.connect`; ISCONN; BADF closed by another task."""
        self._need_open()
        options = self._options
        if self._kind is _DATAGRAM:
            self.binding = self._fabric.associate(
                self._node, self.binding, address, only_v6=options.only_v6, reuse=options.reuse
            )
            return
        if self.pair is None or self.side is not None:
            raise SysError(Errno.ISCONN, "the socket is connected")
        self.give_up()
        self._attempt = self._fabric.connect(
            self._node, self.binding, address, self.pair, only_v6=options.only_v6, reuse=options.reuse
        )
        self.binding = self._attempt.binding
        self.connect_result()

    def connect_result(self) -> None:
        """Errors: WouldBlock; CONNREFUSED the listener is gone."""
        attempt = self._attempt
        if attempt is None:
            if self.side is None:
                raise WouldBlock("the connection is being made")
            return
        failure = self._take_failure()
        if failure is not None:
            raise SysError(failure, "the connection could not be made")
        if not attempt.connected:
            raise WouldBlock("the listener's queue is full")
        self.side = attempt.side
        self._attempt = None

    def _take_failure(self) -> Errno | None:
        """Why the attempt to connect failed, if it did; told once."""
        attempt = self._attempt
        if attempt is None or attempt.failure is None:
            return None
        self._attempt = None
        if attempt.bound is None:
            self.binding = None
        return attempt.failure

    def give_up(self) -> bool:
        attempt = self._attempt
        if attempt is None or not self._fabric.give_up(attempt, Errno.CONNABORTED):
            return False
        self._take_failure()
        return True

    # -- data ---------------------------------------------------------------

    def recv_into(self, buffer: memoryview, flags: int) -> int:
        side = self.side
        if side is None or flags & _TRUNCATE:
            return self.recv_vector((buffer,), flags)
        try:
            count = super().recv_into(buffer, flags)
        except SysError as error:
            raise self._told(error) from None
        if not count and side.reset and len(buffer):
            raise self._reset()
        return count

    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        if self.side is None:
            raise self._no_data()
        size = sum(map(len, buffers))
        if flags & _TRUNCATE:
            # tcp(7): on a stream MSG_TRUNC discards the bytes instead of passing them to the caller.
            buffers = (memoryview(bytearray(min(size, _MOST_DISCARDED))),)
        try:
            count = super().recv_vector(buffers, flags & ~_TRUNCATE)
        except SysError as error:
            raise self._told(error) from None
        if not count and self.side.reset and size:
            raise self._reset()
        return count

    def send(self, buffer: memoryview, flags: int) -> int:
        if self.side is None:
            raise self._no_data()
        try:
            return super().send(buffer, flags)
        except SysError as error:
            raise self._told(error) from None

    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        if self.side is None:
            raise self._no_data()
        try:
            return super().send_vector(buffers, flags)
        except SysError as error:
            raise self._told(error) from None

    def _told(self, error: SysError) -> SysError:
        """An error of the pair as TCP tells it: the first call after a reset says so (`sk_stream_error`)."""
        if self.side is not None and error.errno in (Errno.PIPE, Errno.CONNRESET) and self.side.take_reset():
            return SysError(Errno.CONNRESET, "the peer broke the connection off")
        return error

    def _reset(self) -> SysError:
        if self.side is not None:
            self.side.take_reset()
        return SysError(Errno.CONNRESET, "the peer broke the connection off")

    def _no_data(self) -> SysError:
        if self._kind is _DATAGRAM:
            return SysError(Errno.NOTSUP, "the virtual network carries no datagrams")
        return SysError(Errno.NOTCONN, "the socket is not connected")

    def shutdown(self, how: int) -> None:
        """Close directions; a listener stops to listen if RD is among them, as on Linux."""
        if self._listener is not None:
            if how & _READING:
                self._fabric.stop(self._listener)
                self._listener = None
        elif self._attempt is not None and not self._attempt.connected:
            self._fabric.give_up(self._attempt, Errno.CONNRESET)  # as tcp_disconnect in SYN_SENT
        else:
            super().shutdown(how)

    # -- what it is ---------------------------------------------------------

    def local(self) -> Address:
        if self.side is not None:
            return shown(self.family, self.side.local)
        return wildcard(self.family) if self.binding is None else self.binding.address

    def peer(self) -> Address:
        if self.side is not None:
            return shown(self.family, self.side.peer)
        if self._kind is _DATAGRAM and self.binding is not None and self.binding.peer is not None:
            return shown(self.family, self.binding.peer)
        raise SysError(Errno.NOTCONN, "the socket is not connected")

    def get_option(self, option: SockOption) -> int:
        return super().get_option(option) if option in _OF_PAIR else self._options.get(option)

    def set_option(self, option: SockOption, value: int) -> None:
        if option in _OF_PAIR:
            super().set_option(option, value)
            self._options.of_pair[option] = value
            if self.pair is not None:
                self._fabric.refill(self.pair)
            return
        if option is SockOption.ONLY_V6 and self.binding is not None:
            raise SysError(Errno.INVAL, "ONLY_V6 of a bound socket")  # Linux: after bind it is too late
        self._options.set(option, value)
        if self.binding is not None:
            self.binding.reuse_address, self.binding.reuse_port = self._options.reuse

    def get_linger(self) -> int | None:
        return self._linger

    def set_linger(self, seconds: int | None) -> None:
        self._linger = seconds

    def take_error(self) -> int:
        failure = self._take_failure()
        if failure is not None:
            return int(failure)
        number = super().take_error()
        if self.side is not None and self.side.take_reset():
            return int(Errno.CONNRESET)
        return number

    def close(self) -> None:
        listener, attempt, side = self._listener, self._attempt, self.side
        if listener is not None:
            self._fabric.stop(listener)
        if attempt is not None and not self._fabric.give_up(attempt, Errno.CONNABORTED):
            side = attempt.side
        if side is not None and self._linger == 0:
            side.abort()
        if self.binding is not None:
            self._fabric.unbind(self._node, self._kind, self.binding)
        super().close()
        if self.pair is not None:
            self.pair.close_far()
