"""Datagram sockets: UDP, and those of the Unix family.

Each call moves one datagram or none. What a state forbids is left to the channel here: Linux lets a datagram socket
do nearly everything at any time, and whoever is not connected names a peer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pywasix.abi.enums import FileType, SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.wait import READABLE, WRITABLE, deadline_after, remaining, until
from pywasix.net.address import INET4, INET6, NOWHERE, UNIX, Address, meant, wildcard
from pywasix.net.sockets import Socket
from pywasix.net.states import State
from pywasix.net.transfer import DONT_WAIT, PEEK, SEND_DONT_WAIT

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, without the IPv4 address
# Bytes of the longest datagram; the host lets root's Unix sockets send more, which a policy callable sees cut off.
_LONGEST_UDP = 1 << 16
_LONGEST_UNIX = 1 << 22

_READING = int(SdFlags.RD)

Received = tuple[int, bool, Address]
"""Bytes, whether some did not fit, and the sender, `NOWHERE` if there is none."""


class DatagramSocket(Socket):
    """A datagram socket of a guest. `shut` holds what Linux takes for closed, with and without a peer."""

    filetype = FileType.SOCKET_DGRAM
    transport = "udp"

    # -- addresses ----------------------------------------------------------

    def bind(self, address: Address) -> None:
        """Errors: INVAL bound already; AFNOSUPPORT; ACCES; ADDRINUSE; ADDRNOTAVAIL."""
        self._same_family(address)
        self._network.require("bind", self.protocol_name, local=address)
        self.channel.bind(address)
        if self.state is State.FRESH:
            self.state = State.BOUND

    def connect(self, task: Task, address: Address) -> None:
        """Choose the peer, or another one; `NOWHERE` lets the socket hear everybody again. It never waits.

        Errors: AFNOSUPPORT; ACCES; NETUNREACH; ADDRNOTAVAIL; INVAL; for Unix also CONNREFUSED, NOENT, PROTOTYPE.
        """
        if address.family == NOWHERE.family:
            self.channel.give_up()
            self.state = State.FRESH
            return
        address = self._reached(address)
        if not self._network.unrestricted:
            address = self._judged_peer("connect", address)
        self.channel.connect(address)
        self.state = State.CONNECTED

    def peer(self) -> Address:
        return self.channel.peer()

    def shutdown(self, how: int) -> None:
        """Close directions; pending and new calls of this socket find them closed.

        Errors: NOTCONN: without a peer Linux says so and closes them all the same (inet_shutdown).
        """
        try:
            self.channel.shutdown(how)
        finally:
            self.shut |= how

    def set_membership(self, group: bytes, interface: bytes | int, joined: bool) -> None:
        """Join or leave a multicast group, whose datagrams the policy judges as it does all others.

        Errors: ACCES; those of the channel.
        """
        if joined and not self._network.unrestricted:
            family = INET4 if len(group) == 4 else INET6
            self._network.require("bind", self.protocol_name, local=Address(family, group, self.local().port))
        self.channel.set_membership(group, interface, joined)

    def available(self) -> int:
        return self.channel.available()

    def _reached(self, address: Address) -> Address:
        """The address as this socket names it: an IPv6 socket reaches IPv4 as well. Errors: AFNOSUPPORT."""
        if address.family == INET4 and self.family == INET6:
            return Address(INET6, _MAPPED + address.ip, address.port)
        self._same_family(address)
        return address

    def _judged_peer(self, action: str, address: Address) -> Address:
        """Ask the policy about a peer; returns it, named so that nothing can change who it is.

        An answer is judged by what it answers, so the policy must know the port; but a program that may not
        send does not get one. Errors: ACCES.
        """
        local = self.local()
        if self.family != UNIX and not local.port:
            self._network.require(action, self.protocol_name, local=local, remote=address)
            self._take_port()
            local = self.local()
        self._network.require(action, self.protocol_name, local=local, remote=address)
        return address if self.family == UNIX else meant(address, local)

    def _take_port(self) -> None:
        """Do now what the host does when something is sent."""
        try:
            self.channel.bind(wildcard(self.family))
        except SysError as error:
            if error.errno is not Errno.INVAL:  # another task was faster
                raise

    # -- receiving ----------------------------------------------------------

    def recv(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """As `recv_from`, without the rest."""
        return self.recv_from(task, buffers, flags)[0]

    def recv_from(self, task: Task, buffers: Sequence[memoryview], flags: int) -> Received:
        """Take the next datagram that the policy allows; those that it forbids are lost.

        With RECV_DATA_TRUNCATED in the flags the bytes are the datagram's own, however many fit.

        Errors: AGAIN; INTR; CONNREFUSED an earlier datagram came back; BADF closed meanwhile.
        """
        deadline = deadline_after(self.receive_timeout)
        if self._network.unrestricted:
            return self._receive(task, buffers, flags, deadline)
        # Nothing of a forbidden datagram gets into the guest's memory.
        most = _LONGEST_UNIX if self.family == UNIX else _LONGEST_UDP
        private = memoryview(bytearray(min(sum(map(len, buffers)), most)))
        while True:
            found = self._receive(task, (private,), flags, deadline)
            if self._admits_datagram(found):
                _scatter(private[: found[0]], buffers)
                return found
            if flags & PEEK:
                self._drop()
            task.interruption_point()  # a flood of them must not keep the task from ending
            if remaining(deadline) == 0:
                raise SysError(Errno.AGAIN, "the timeout of the socket is over")

    def _receive(self, task: Task, buffers: Sequence[memoryview], flags: int, deadline: int | None) -> Received:
        task.waiting_on = self
        try:
            if deadline is None or self.nonblocking or flags & DONT_WAIT:
                return self.channel.recv_from(buffers, flags)
            return until(task, self._datagram_receiver(buffers, flags), self.handle, READABLE, deadline)
        except WouldBlock:
            if self.nonblocking or flags & DONT_WAIT:
                raise
            return until(task, self._datagram_receiver(buffers, flags), self.handle, READABLE)
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _datagram_receiver(self, buffers: Sequence[memoryview], flags: int) -> Callable[[], Received]:
        """One try. Linux tells of a direction that is shut only to who would wait; others hear EAGAIN."""

        def attempt() -> Received:
            return self.channel.recv_from(buffers, flags if self.shut & _READING else flags | DONT_WAIT)

        return attempt

    def _admits_datagram(self, found: Received) -> bool:
        count, _, sender = found
        if sender is NOWHERE:
            return not count  # the direction is shut
        return self._network.allows("receive", self.protocol_name, local=self.local(), remote=sender)

    def _drop(self) -> None:
        """Lose the datagram that was looked at.

        Who receives in another task at the same moment may make it the one behind it: the network may lose any.
        """
        try:
            self.channel.recv_from((), DONT_WAIT)
        except WouldBlock:
            return  # another task took it

    # -- sending ------------------------------------------------------------

    def send(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """Send one datagram to the peer, whom the policy judged when it was chosen.

        Errors: AGAIN; INTR; DESTADDRREQ no peer (Unix: NOTCONN); MSGSIZE; CONNREFUSED an earlier one came back;
            PIPE shut; BADF closed meanwhile.
        """
        if len(buffers) == 1:
            return self._transmit(task, lambda flags: self.channel.send(buffers[0], flags), flags)
        return self._transmit(task, lambda flags: self.channel.send_vector(buffers, flags), flags)

    def send_to(self, task: Task, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        """Send one datagram to an address, also when the socket has another peer.

        Errors: as `send`; ACCES; AFNOSUPPORT; INVAL; NETUNREACH, HOSTUNREACH; for Unix also NOENT, PROTOTYPE.
        """
        if address.family == NOWHERE.family:
            if self.family == INET6:
                return self.send(task, buffers, flags)  # Linux (udpv6_sendmsg): as if there were none
            raise SysError(Errno.INVAL, "no address to send to")
        address = self._reached(address)
        if not self._network.unrestricted:
            address = self._judged_peer("send", address)
        return self._transmit(task, lambda flags: self.channel.send_to(buffers, flags, address), flags)

    def _transmit(self, task: Task, attempt: Callable[[int], int], flags: int) -> int:
        task.waiting_on = self
        try:
            if self.send_timeout is None or self.nonblocking or flags & SEND_DONT_WAIT:
                return attempt(flags)
            return self._transmit_patiently(task, attempt, flags, deadline_after(self.send_timeout))
        except WouldBlock:
            if self.nonblocking or flags & SEND_DONT_WAIT:
                raise
            return self._transmit_patiently(task, attempt, flags, None)
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _transmit_patiently(self, task: Task, attempt: Callable[[int], int], flags: int, deadline: int | None) -> int:
        # A Unix socket that is not connected is always writable, even when the receiver's queue is full: there the
        # channel's own patience paces the tries.
        chosen = flags if self.family == UNIX else flags | SEND_DONT_WAIT
        return until(task, lambda: attempt(chosen), self.handle, WRITABLE, deadline)


def _scatter(data: memoryview, buffers: Sequence[memoryview]) -> None:
    """Store data in buffers, as much as there is room for."""
    done = 0
    for buffer in buffers:
        part = data[done : done + len(buffer)]
        buffer[: len(part)] = part
        done += len(part)
