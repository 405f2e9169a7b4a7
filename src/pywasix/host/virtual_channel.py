"""Streams of guests on the virtual network: the kernel's `Channel`.

Connections ride on AF_UNIX pairs, whose ends behave as TCP sockets do in all but a few points, which are mended here: a
connection can be broken off (SO_LINGER 0), a peer that has closed is sent to once, epoll tells of errors, MSG_TRUNC
discards. One difference stays: after `shutdown(SHUT_RD)` the peer's sends fail with EPIPE; TCP takes and drops them.
"""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import os
from collections.abc import Sequence
from threading import RLock

from pywasix.abi.enums import RiFlags, SdFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.host.errors import sys_error
from pywasix.host.sockets import HostChannel
from pywasix.host.virtual_end import OF_PAIR, VirtualEnd
from pywasix.host.virtual_pair import SocketPair, adopt
from pywasix.kernel.file import Conditions
from pywasix.kernel.wait import FAILED, FINISHED, HANGUP, READABLE, Handle
from pywasix.net.address import Address, wildcard
from pywasix.net.virtual import Fabric
from pywasix.net.virtual_hosts import Node
from pywasix.net.virtual_options import KeptOptions
from pywasix.net.virtual_ports import Binding, shown
from pywasix.net.virtual_queue import Arrival, Attempt, Listener, Side

_STREAM = SockType.SOCKET_STREAM
_TRUNCATE = int(RiFlags.RECV_DATA_TRUNCATED)
_PEEK = int(RiFlags.RECV_PEEK)
_READING, _WRITING = int(SdFlags.RD), int(SdFlags.WR)
# What comes from the network; other errors are found before anything is sent.
_ANSWERS = (Errno.CONNREFUSED, Errno.HOSTUNREACH)
_ENDED = READABLE | FINISHED
_MOST_DISCARDED = 1 << 20  # bytes in one call, whatever the guest asks for


class VirtualChannel(VirtualEnd):
    """One stream socket of a guest: a `net.stack.Channel`.

    Attributes:
        pair: both ends, until the far one goes to a listener; None for an accepted connection.
        side: this side of the connection, once there is one.
        binding: the claim on the local port.
    """

    __slots__ = (
        "_attempt",
        "_changing",
        "_chosen",
        "_fabric",
        "_listener",
        "_mute",
        "_node",
        "_plain",
        "_refused",
        "_stopped",
        "_unanswered",
        "_waits",
        "binding",
        "pair",
        "side",
    )

    def __init__(
        self, fabric: Fabric, node: Node, near: socket.socket, family: int, options: KeptOptions | None = None
    ) -> None:
        super().__init__(near, family, _STREAM, options)
        self._fabric = fabric
        self._node = node
        self._listener: Listener | None = None
        self._attempt: Attempt | None = None
        self._waits = True
        # Guards the steps from one place on the network to another, so that none of them finds the socket half
        # closed by another task. Before `Fabric.lock`; held for calls that never wait.
        self._changing = RLock()
        self._unanswered: Errno | None = None  # why a non-blocking connect failed; nobody was told yet
        self._mute = False  # shut for sending
        self._refused = False  # nothing came of an attempt: there is only an end to receive, as on Linux
        self.pair: SocketPair | None = None
        self.side: Side | None = None
        self._plain: Side | None = None  # the same for a connection that goes over no link
        self.binding: Binding | None = None
        self._chosen = False  # the network chose the port
        self._stopped = False  # it listened there, and does no more

    # -- making connections -------------------------------------------------

    def bind(self, address: Address) -> None:
        """Errors: ADDRINUSE; ADDRNOTAVAIL; INVAL bound already; NETDOWN; BADF closed by another task."""
        options = self._options
        with self._changing:
            self._need_open()
            if self.binding is not None:
                if not (self._chosen and self._stopped):
                    raise SysError(Errno.INVAL, "the socket is bound")
                # Linux (inet_csk_listen_stop) has given the port back by now; here that is left until it matters.
                self._fabric.unbind(self._node, _STREAM, self.binding)
                self.binding = None
            self.binding = self._fabric.bind(self._node, _STREAM, address, options.only_v6, options.reuse)
            self._chosen, self._stopped = not address.port, False
            options.bound(address)

    def _is_bound(self) -> bool:
        return self.binding is not None

    def listen(self, backlog: int) -> None:
        """Errors: ADDRINUSE; NETDOWN; BADF closed by another task."""
        with self._changing:
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
        channel = VirtualChannel(self._fabric, self._node, near, self.family, self._options.handed_down())
        channel._begin(arrival.side)
        channel.binding = arrival.binding
        channel._linger = self._linger
        channel.ready()
        for option, value in self._options.of_pair.items():
            HostChannel.set_option(channel, option, value)
        return channel

    def connect(self, address: Address) -> None:
        """Begin to connect; what the network answers is told by `connect_result` if the socket is non-blocking.

        Linux does the same on the loopback: a non-blocking connect is INPROGRESS, however quick the answer.

        Errors: WouldBlock (also: the queue is full); those of `Fabric.connect`; ISCONN; BADF closed by another task.
        """
        with self._changing:
            self._need_open()
            if self.pair is None or self.side is not None:
                raise SysError(Errno.ISCONN, "the socket is connected")
            self.give_up()
            try:
                self._call(address, self.pair)
            except SysError as error:
                if self._waits or error.errno not in _ANSWERS:
                    raise
                self._unanswered = error.errno
        if not self._waits:
            raise WouldBlock("the answer is told later")
        self.connect_result()

    def _call(self, address: Address, pair: SocketPair) -> None:
        options = self._options
        self._attempt = self._fabric.connect(
            self._node, self.binding, address, pair, only_v6=options.only_v6, reuse=options.reuse
        )
        self.binding = self._attempt.binding

    def connect_result(self) -> None:
        """Errors: WouldBlock; CONNREFUSED the listener is gone."""
        attempt = self._attempt
        if attempt is None and self._unanswered is None:
            if self.side is None:
                raise WouldBlock("the connection is being made")
            return
        if attempt is not None and not attempt.connected:
            self._fabric.settle()  # the near end is writable a moment before the answer is noted
        failure = self._take_failure()
        if failure is not None:
            raise SysError(failure, "the connection could not be made")
        if attempt is None or not attempt.connected:
            raise WouldBlock("the listener's queue is full, or the answer is on its way")
        self._begin(attempt.side)
        self._attempt = None

    def _begin(self, side: Side) -> None:
        self.side = side
        self._plain = side if side.way is None else None

    def _take_failure(self) -> Errno | None:
        """Why the attempt to connect failed, if it did; told once."""
        attempt, refusal = self._attempt, self._unanswered
        if refusal is not None:
            self._unanswered, self._refused = None, True
            return refusal
        if attempt is None or attempt.failure is None:
            return None
        self._attempt = None
        self._refused = True
        if attempt.bound is None:
            self.binding = None
        return attempt.failure

    def give_up(self) -> bool:
        attempt, self._refused, self._unanswered = self._attempt, False, None
        if attempt is None or not self._fabric.give_up(attempt, Errno.CONNABORTED):
            return False
        self._take_failure()
        self._refused = False
        return True

    @property
    def conditions(self) -> Conditions:
        return self._conditions

    def _conditions(self, events: int, asked: int) -> int:
        """Refusals and resets, of which a pair knows nothing, as tcp_poll of Linux tells them.

        They come with what the pair is ready for: a fresh or refused socket wakes nobody who asks for reading alone.
        """
        attempt, side = self._attempt, self.side
        if side is not None or self._listener is not None:
            return events | FAILED if side is not None and side.reset else events
        failed = self._unanswered is not None or (attempt is not None and attempt.failure is not None)
        if failed or self._refused:
            return events | HANGUP | asked & _ENDED | FAILED * failed
        return events if attempt is not None else events | HANGUP

    # -- data ---------------------------------------------------------------

    def recv_into(self, buffer: memoryview, flags: int) -> int:
        side = self._plain
        if side is None or flags & _TRUNCATE:
            return self.recv_vector((buffer,), flags)
        try:
            count = super().recv_into(buffer, flags)
        except SysError as error:
            raise self._told(error) from None
        if not count and side.reset and len(buffer):
            self._end(side)
        return count

    def recv_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        side = self.side
        if side is None:
            if self._refused:
                return 0
            raise SysError(Errno.NOTCONN, "the socket is not connected")
        size = sum(map(len, buffers))
        if flags & _TRUNCATE:
            # tcp(7): on a stream MSG_TRUNC discards the bytes instead of passing them to the caller.
            buffers = (memoryview(bytearray(min(size, _MOST_DISCARDED))),)
        if side.way is not None:
            buffers = side.way.cut(buffers, flags)
        try:
            count = super().recv_vector(buffers, flags & ~_TRUNCATE)
        except SysError as error:
            raise self._told(error) from None
        if not count and side.reset and size:
            self._end(side)
        if side.way is not None:
            side.way.received(count, bool(flags & _PEEK))
        return count

    def send(self, buffer: memoryview, flags: int) -> int:
        if self.side is None:
            raise SysError(Errno.NOTCONN, "the socket is not connected")
        try:
            return super().send(buffer, flags)
        except SysError as error:
            if self._is_taken(error):
                return len(buffer)
            raise self._told(error) from None

    def send_vector(self, buffers: Sequence[memoryview], flags: int) -> int:
        if self.side is None:
            raise SysError(Errno.NOTCONN, "the socket is not connected")
        try:
            return super().send_vector(buffers, flags)
        except SysError as error:
            if self._is_taken(error):
                return sum(map(len, buffers))
            raise self._told(error) from None

    def send_file(self, source: Handle, offset: int, count: int) -> int:
        if self.side is None:
            raise SysError(Errno.NOTCONN, "the socket is not connected")
        try:
            return super().send_file(source, offset, count)
        except SysError as error:
            if self._is_taken(error):
                return count
            raise self._told(error) from None

    def _is_taken(self, error: SysError) -> bool:
        """Whether TCP would have taken what the pair refused: the first send to a peer that has closed."""
        return error.errno is Errno.PIPE and not self._mute and self.side is not None and self.side.answered()

    def _told(self, error: SysError) -> SysError:
        """An error of the pair as TCP tells it: the first call after a reset says so (`sk_stream_error`)."""
        if self.side is not None and error.errno in (Errno.PIPE, Errno.CONNRESET) and self.side.take_reset():
            return SysError(self.side.why, "the connection was broken off")
        return error

    @staticmethod
    def _end(side: Side) -> None:
        """A receive found nothing. Errors: why the connection was broken off, once."""
        if side.must_tell() and side.take_reset():
            raise SysError(side.why, "the connection was broken off")

    def shutdown(self, how: int) -> None:
        """Close directions; a listener stops to listen if RD is among them, as on Linux."""
        with self._changing:
            self._shut(how)

    def _shut(self, how: int) -> None:
        if self._listener is not None:
            if how & _READING:
                self._fabric.stop(self._listener)
                self._listener, self._stopped = None, True
        elif self._attempt is not None and not self._attempt.connected:
            self._fabric.give_up(self._attempt, Errno.CONNRESET)  # as tcp_disconnect in SYN_SENT
        elif self.side is not None and self.side.broken:
            raise SysError(Errno.NOTCONN, "the connection was broken off")  # Linux: its state is TCP_CLOSE
        elif self.side is None and self._attempt is None:
            raise SysError(Errno.NOTCONN, "the socket is not connected")  # another task was quicker
        else:
            super().shutdown(how)
            self._mute = self._mute or bool(how & _WRITING)

    # -- what it is ---------------------------------------------------------

    def set_nonblocking(self, nonblocking: bool) -> None:
        super().set_nonblocking(nonblocking)
        self._waits = not nonblocking

    def local(self) -> Address:
        if self.side is not None:
            return shown(self.family, self.side.local)
        return wildcard(self.family) if self.binding is None else self.binding.address

    def peer(self) -> Address:
        if self.side is not None and not self.side.broken:
            return shown(self.family, self.side.peer)
        raise SysError(Errno.NOTCONN, "the socket is not connected")

    def set_option(self, option: SockOption, value: int) -> None:
        with self._changing:
            super().set_option(option, value)
            if option in OF_PAIR:
                if self.pair is not None:
                    self._fabric.refill(self.pair)
            elif self.binding is not None:
                self.binding.reuse_address, self.binding.reuse_port = self._options.reuse

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Errors: PROTO streams are in no multicast group (Linux: `inet_test_bit(IS_ICSK)`)."""
        raise SysError(Errno.PROTO, "a stream socket joins no multicast group")

    def take_error(self) -> int:
        failure = self._take_failure()
        if failure is not None:
            return int(failure)
        number = super().take_error()
        if self.side is not None and self.side.take_reset():
            return int(self.side.why)
        return number

    def close(self) -> None:
        with self._changing:
            self._leave()
            super().close()
            if self.pair is not None:
                self.pair.close_far()

    def _leave(self) -> None:
        """Nothing of the socket is on the network any more."""
        listener, attempt, side = self._listener, self._attempt, self.side
        if listener is not None:
            self._fabric.stop(listener)
        if attempt is not None and not self._fabric.give_up(attempt, Errno.CONNABORTED):
            side = attempt.side
        if side is not None:
            side.abort() if self._linger == 0 else side.close()
        if self.binding is not None:
            self._fabric.unbind(self._node, _STREAM, self.binding)
