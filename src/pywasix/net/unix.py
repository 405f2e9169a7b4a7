"""Unix stream sockets: what is different from TCP, as Linux has it (unix(7), net/unix/af_unix.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywasix.abi.enums import SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.wait import deadline_after, remaining
from pywasix.net.address import Address
from pywasix.net.sockets import Socket, steps
from pywasix.net.states import State

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

_UNCONNECTED = (State.FRESH, State.BOUND, State.LISTENING)
# As `net.states.REFUSALS`. There is no CONNECTING and no FAILED: a connect has its answer when it returns, and a socket
# that was refused is what it was before. A connected socket may still be bound.
_REFUSALS: dict[str, dict[State, Errno]] = {
    "listen": {State.CONNECTED: Errno.INVAL},
    "accept": dict.fromkeys((State.FRESH, State.BOUND, State.CONNECTED), Errno.INVAL),
    "recv": dict.fromkeys(_UNCONNECTED, Errno.INVAL),
    "send": dict.fromkeys(_UNCONNECTED, Errno.NOTCONN),
}


class UnixStream(Socket):
    """A Unix stream socket. Its names belong to the program, so that no rule of a policy refuses one."""

    def bind(self, address: Address) -> None:
        """Errors: INVAL bound already, no path, or another family; ACCES a policy callable says no; ADDRINUSE."""
        self._same_family(address)
        self._network.require("bind", self.protocol_name, local=address)
        with steps:
            self.channel.bind(address)
            if self.state is State.FRESH:
                self.state = State.BOUND

    def listen(self, backlog: int) -> None:
        """Errors: INVAL connected, or not bound."""
        with steps:
            self._permit("listen")
            self.channel.listen(backlog)
            self.state = State.LISTENING
        self._listening()

    def accept(self, task: Task, nonblocking: bool) -> tuple[Socket, Address]:
        socket, peer = super().accept(task, nonblocking)
        socket.receive_timeout = socket.send_timeout = None  # unlike TCP, the listener is not cloned
        return socket, peer

    def connect(self, task: Task, address: Address) -> None:
        """Connect; while the listener's queue is full a blocking socket waits, and a non-blocking one does not begin.

        Errors: AGAIN (non-blocking, or send timeout), TIMEDOUT (connect timeout), ISCONN, INVAL another family or
            listening, ACCES, CONNREFUSED, NOENT, PROTOTYPE, INTR.
        """
        self._same_family(address)  # Linux looks for the listener next, then at the state of the caller
        if not self._network.unrestricted:
            self._network.require("connect", self.protocol_name, local=self.local(), remote=address)
        task.waiting_on = self
        try:
            self._reach(task, address)
        finally:
            task.leave(self)

    def _reach(self, task: Task, address: Address) -> None:
        timeout, late = self.send_timeout, Errno.AGAIN
        if self.connect_timeout is not None and (timeout is None or self.connect_timeout < timeout):
            timeout, late = self.connect_timeout, Errno.TIMEDOUT
        deadline = deadline_after(timeout)
        while True:
            try:
                self.channel.connect(address)
            except WouldBlock:
                if self.nonblocking:
                    raise
            else:
                break
            # No event of poll(2) tells that a listener's queue has room again. The operating system knows, so it
            # is asked again for the patience of the channel each time.
            task.interruption_point()
            if remaining(deadline) == 0:
                raise SysError(late, "the listener's queue was full all the time")
        with steps:
            self.state = State.CONNECTED
        self._connected()

    def shutdown(self, how: int) -> None:
        """Close directions; Linux allows it in every state, and a listener that does not read takes nobody."""
        self.channel.shutdown(how)
        self.shut |= how & (SdFlags.RD | SdFlags.WR)

    def take_error(self) -> int:
        return self.channel.take_error()

    def _permit(self, operation: str) -> None:
        refusal = _REFUSALS[operation].get(self.state)
        if refusal is not None:
            raise SysError(refusal, f"{operation} on a {self.state.value} socket")
