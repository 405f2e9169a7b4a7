"""Sockets as state machines, the same over every network.

What a state allows stands in one table; an operation that the table does not allow changes nothing.
The channel below does the work; waiting is `kernel.wait`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic_ns
from typing import TYPE_CHECKING

from pywasix.abi.enums import FileType, Rights, SdFlags, SockProto, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.file import STREAM_RIGHTS, FileStatus
from pywasix.kernel.wait import READABLE, remaining, until
from pywasix.net.address import INET4, NOWHERE, UNIX, Address, meant, wildcard
from pywasix.net.network import Network
from pywasix.net.stack import Channel
from pywasix.net.states import State
from pywasix.net.transfer import Transfer

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

SOCKET_RIGHTS = STREAM_RIGHTS | int(
    Rights.SOCK_SHUTDOWN
    | Rights.SOCK_ACCEPT
    | Rights.SOCK_CONNECT
    | Rights.SOCK_LISTEN
    | Rights.SOCK_BIND
    | Rights.SOCK_RECV
    | Rights.SOCK_SEND
    | Rights.SOCK_ADDR_LOCAL
    | Rights.SOCK_ADDR_REMOTE
    | Rights.SOCK_RECV_FROM
    | Rights.SOCK_SEND_TO
)
# libc finds out how the host stores ports by binding this one once; no port of the host is opened for that.
PROBE_PORT = 10275
# Looking a member up on its class costs as much as a call.
_STREAM = SockType.SOCKET_STREAM
_CONNECTED, _LISTENING = State.CONNECTED, State.LISTENING
_FOREVER = None, Errno.AGAIN
# Guards the steps of every socket from state to state: one task must not undo what another has just done. In the order
# of locks before `transfer._answers`; held for calls that never wait. A lock of its own for each socket would be one
# for each connection that is accepted, and those take no such steps.
steps = Lock()


class Socket(Transfer):
    """A stream socket of a guest; `datagrams.DatagramSocket` makes the other kind of it.

    Attributes:
        family, kind: as the guest asked for them.
        transport: the protocol, unless it is a Unix socket.
        accept_timeout: ns or None.
        shut: the directions that the guest has closed, as `SdFlags`.
        door: lets callers in, in place of the program's network: of a listener that the user handed over, for as
            long as it listens. Whatever else becomes of the socket, and of the connections, is the program's own.
    """

    rights = SOCKET_RIGHTS
    filetype = FileType.SOCKET_STREAM
    transport = "tcp"
    door: Network | None = None
    _unopened: Address | None = None
    _unanswered = False  # a connect came back, or is, before its answer, which is the next one's to tell
    _judged = False  # the policy allowed to bind

    def __init__(
        self, network: Network, channel: Channel, family: int, kind: SockType, state: State = State.FRESH
    ) -> None:
        # One constructor for the whole socket, since accept is as fast as this is. What every call reads is an
        # attribute of the object, which Python finds faster than one of the class.
        self._network = network
        self.channel = self.handle = channel
        self.family = family
        self.kind = kind
        self.stream = kind is _STREAM
        self.state = state
        self.nonblocking = self.disposed = False
        self.references = 0
        self.watch = None
        self.receive_timeout: int | None = None
        self.send_timeout: int | None = None
        self.accept_timeout: int | None = None
        self.shut = 0

    @property
    def protocol_name(self) -> str:
        """What policies call the protocol: tcp, udp or unix."""
        return "unix" if self.family == UNIX else self.transport

    def bind(self, address: Address) -> None:
        """Errors: INVAL bound already; AFNOSUPPORT; ACCES; ADDRINUSE; ADDRNOTAVAIL."""
        self._permit("bind")
        self._same_family(address)
        noted = address.port == PROBE_PORT
        if not noted:
            self._network.require("bind", self.protocol_name, local=address)
        with steps:
            self._check("bind")
            if noted:
                self._unopened = address
            else:
                self.channel.bind(address)
            self._judged = True
            if self.state is not State.REFUSED:
                self.state = State.BOUND

    def _open_port(self) -> None:
        """Bind for real what `bind` only noted."""
        noted = self._unopened
        if noted is None:
            return
        self._network.require("bind", self.protocol_name, local=noted)
        with steps:
            if self._unopened is noted:
                self.channel.bind(noted)
                self._unopened = None

    def _check_opened(self) -> None:
        """For who holds `steps` and has called `_open_port`."""
        if self._unopened is not None:
            raise SysError(Errno.INVAL, "another task binds the socket")

    def listen(self, backlog: int) -> None:
        """Errors: NOTSUP a datagram socket; INVAL connected; ACCES; ADDRINUSE."""
        self._need_stream("listen")
        self._permit("listen")
        if self.state in (State.FRESH, State.FAILED) and not self._judged:
            self._network.require("bind", self.protocol_name, local=wildcard(self.family))
            self._judged = True
        self._open_port()
        with steps:
            self._check("listen")
            self._check_opened()
            self.channel.listen(backlog)
            self.state = State.LISTENING
        self._listening()

    def _listening(self) -> None:
        if self._network.watch is not None:
            self._network.watch.listening(self.channel)

    def check_accept(self) -> None:
        """Errors: NOTSUP a datagram socket; INVAL not listening."""
        self._need_stream("accept")
        if self.state is not _LISTENING:
            self._permit("accept")

    def accept(self, task: Task, nonblocking: bool) -> tuple[Socket, Address]:
        """Take a waiting connection.

        A peer that the policy or a limit refuses is closed and the next one is tried.

        Args:
            nonblocking: for the new socket; nothing is inherited from the listener's flags.
        Errors: AGAIN (non-blocking, or receive timeout), TIMEDOUT (accept timeout), INTR,
            CONNABORTED, and the host's MFILE, NFILE, NOBUFS, NOMEM, which leave the caller waiting.
        """
        timed = self.receive_timeout is not None or self.accept_timeout is not None
        deadline, late = self._accept_deadline() if timed else _FOREVER
        channel, peer = self._take(task, nonblocking, deadline, late)
        while not self._network.unguarded and not self._admits(channel, peer):
            channel.close()
            self._after_refusal(task, deadline, late)
            channel, peer = self._take(task, nonblocking, deadline, late)
        socket = type(self)(self._network, channel, self.family, self.kind, _CONNECTED)
        socket.nonblocking = nonblocking
        # Linux clones the listening socket, its timeouts included (sk_clone).
        socket.receive_timeout = self.receive_timeout
        socket.send_timeout = self.send_timeout
        return socket, peer

    def _admits(self, channel: Channel, peer: Address) -> bool:
        try:
            return (self.door or self._network).admits(self.protocol_name, channel, peer)
        except SysError as error:
            channel.close()
            raise SysError(Errno.CONNABORTED, f"the connection is of no use any more: {error}") from None
        except BaseException:
            channel.close()
            raise

    def _after_refusal(self, task: Task, deadline: int | None, late: Errno) -> None:
        """A flood of refused callers keeps accept from ever waiting; it must not keep it from ending."""
        if task.attention and task.attend() and not self.nonblocking:
            raise SysError(Errno.INTR, "a signal handler ran")
        if not self.nonblocking and remaining(deadline) == 0:
            raise SysError(late, "the timeout of the socket is over")

    def _take(self, task: Task, nonblocking: bool, deadline: int | None, late: Errno) -> tuple[Channel, Address]:
        task.waiting_on = self
        try:
            if deadline is None or self.nonblocking:
                return self.channel.accept(nonblocking)
            return until(task, self._acceptor(task, nonblocking), self.handle, READABLE, deadline, late)
        except WouldBlock:
            if self.nonblocking:
                raise
            return until(task, self._acceptor(task, nonblocking), self.handle, READABLE)
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _acceptor(self, task: Task, nonblocking: bool) -> Callable[[], tuple[Channel, Address]]:
        """Accept only when somebody waits: accept has no flag that says "do not wait"."""

        def attempt() -> tuple[Channel, Address]:
            if not task.poller.wait(((self.handle, READABLE),), 0)[0]:
                raise WouldBlock
            return self.channel.accept(nonblocking)

        return attempt

    def _accept_deadline(self) -> tuple[int, Errno]:
        times = ((self.receive_timeout, Errno.AGAIN), (self.accept_timeout, Errno.TIMEDOUT))
        timeout, late = min((time, late) for time, late in times if time is not None)
        return monotonic_ns() + timeout, late

    def connect(self, task: Task, address: Address) -> None:
        """Connect, waiting unless non-blocking.

        After a call that did not wait for its answer (INPROGRESS, INTR), the next one waits for it and tells it,
        whatever address it names, as on Linux.

        Errors: INPROGRESS (non-blocking, or send timeout), ALREADY, ISCONN, AFNOSUPPORT, ACCES,
            CONNREFUSED, HOSTUNREACH, NETUNREACH, ADDRNOTAVAIL, TIMEDOUT, INTR.
        """
        if self._unanswered:
            self._join(task)
            if self.state is State.CONNECTED:
                return
        self._permit("connect")
        if self.state is State.REFUSED or self._failure is not None:
            raise self._told_by_connect()
        self._same_family(address)
        if not self._network.unrestricted:
            local = self.local()
            self._network.require("connect", self.protocol_name, local=local, remote=address)
            address = meant(address, local)
        self._open_port()
        task.waiting_on = self
        try:
            self._connect(task, address)
        finally:
            task.leave(self)

    def _connect(self, task: Task, address: Address) -> None:
        if not self._start_connect():
            self._join(task)
            if self.state is not State.CONNECTED:
                raise self._told_by_connect()
            return
        self._unanswered = True
        self.shut = 0
        try:
            self.channel.connect(address)
            self.state = State.CONNECTED
            self._connected()
        except WouldBlock:
            if self.nonblocking:
                raise SysError(Errno.INPROGRESS, "the connection is being made") from None
            self._answer(task, Errno.INPROGRESS)
        except SysError as error:
            raise self._refused(error) from None
        self._unanswered = False

    def _connected(self) -> None:
        if self.stream and self._network.watch is not None:
            self._network.watch.connected(self.channel)

    def _refused(self, error: SysError) -> SysError:
        """The channel says no; if another task looked first, what it found is the reason."""
        self._unanswered = False
        if self.state is not State.CONNECTING:
            return self._told_by_connect()
        self.state = State.FAILED
        return error

    def _join(self, task: Task) -> None:
        """Wait for the answer of a connect that was begun by an earlier call, or by another task."""
        self._settle()
        if self.state is State.CONNECTING:
            if self.nonblocking:
                raise SysError(Errno.ALREADY, "the connection is being made")
            task.waiting_on = self
            try:
                self._answer(task, Errno.ALREADY)
            finally:
                task.leave(self)
        self._unanswered = False

    def _answer(self, task: Task, late: Errno) -> None:
        try:
            self._await_connect(task, self.send_timeout, late)
        finally:
            self._unanswered = self.state in (State.CONNECTING, State.CONNECTED)
        if self.state is not State.CONNECTED:
            raise self._told_by_connect()

    def shutdown(self, how: int) -> None:
        """Close directions. Errors: NOTCONN; INVAL for no or unknown directions."""
        self._permit("shutdown")
        with steps:
            self._check("shutdown")
            self.channel.shutdown(how)
            if self.state is State.LISTENING:
                if how & SdFlags.RD:  # Linux (inet_shutdown): that stops the listening; WR alone does nothing
                    # A port that nobody asked for by its number is given back; the channel knows.
                    self.state, self.door = State.FRESH, None
                return
        self._settle()  # the shutdown ends a connect under way
        if self.state is State.CONNECTED:
            self.shut |= how
        elif self.state is State.REFUSED:
            self.state = State.FAILED  # Linux (inet_shutdown) makes the socket new, and notes the error

    def current_state(self) -> State:
        """The state after looking whether a connect under way has its answer."""
        self._settle()
        return self.state

    def recv_from(self, task: Task, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        """As `recv`; then whether some did not fit, and the sender, which a TCP connection does not tell (Linux)."""
        count = self.recv(task, buffers, flags)
        if self.family != UNIX or not count:
            return count, False, NOWHERE
        sender = self.channel.peer()
        return count, False, sender if sender.ip else NOWHERE

    def send_to(self, task: Task, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        """As `send`: a TCP connection does not look at the address (Linux, tcp_sendmsg).

        Errors: as `send`; on a Unix socket ISCONN, and NOTSUP when it is not connected.
        """
        if self.family == UNIX:
            connected = self.current_state() is State.CONNECTED
            raise SysError(Errno.ISCONN if connected else Errno.NOTSUP, "an address on a Unix stream")
        return self.send(task, buffers, flags)

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Errors: PROTO: TCP has no multicast (Linux); NOPROTOOPT an IPv6 group over IPv4; NOTSUP a Unix socket."""
        why = Errno.NOTSUP if self.family == UNIX else Errno.PROTO
        if self.family == INET4 and len(group) == 16:
            why = Errno.NOPROTOOPT
        raise SysError(why, "a stream knows no groups")

    def take_error(self) -> int:
        """The pending error as an errno number, 0 for none; reading clears it (SO_ERROR)."""
        self._settle()
        if self._failure is not None:
            return int(self._take_failure().errno)
        return self._channel_error()

    @property
    def protocol(self) -> SockProto:
        """The transport protocol; Unix sockets have none."""
        if self.family == UNIX:
            return SockProto.IP
        return SockProto.TCP if self.kind is SockType.SOCKET_STREAM else SockProto.UDP

    def local(self) -> Address:
        """The local address and port; the wildcard with port 0 before it is bound."""
        return self._unopened or self.channel.local()

    def peer(self) -> Address:
        """The peer's address and port. Errors: NOTCONN."""
        self._settle()
        if self.state is not State.CONNECTED:
            raise SysError(Errno.NOTCONN, f"a {self.state.value} socket has no peer")
        return self.channel.peer()

    def set_flags(self, flags: int) -> None:
        super().set_flags(flags)
        self.channel.set_nonblocking(self.nonblocking)

    def status(self) -> FileStatus:
        return self.channel.status()

    def available(self) -> int:
        return self.channel.available() if self.state is _CONNECTED else 0

    def close(self) -> None:
        self.channel.close()

    def _start_connect(self) -> bool:
        with steps:
            self._check_opened()
            return super()._start_connect()

    def _same_family(self, address: Address) -> None:
        if address.family != self.family:
            wrong = Errno.INVAL if self.family == UNIX else Errno.AFNOSUPPORT  # Linux (unix_validate_addr)
            raise SysError(wrong, f"address {address} on a socket of another family")
