"""Moving data through a connected stream socket: what a blocking, a non-blocking and a timed call do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING

from pywasix.abi.enums import RiFlags, SiFlags, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock
from pywasix.kernel.file import File, after
from pywasix.kernel.wait import HANGUP, READABLE, WRITABLE, Handle, deadline_after, until
from pywasix.net.stack import Channel
from pywasix.net.states import REFUSALS, State

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

DONT_WAIT = int(RiFlags.RECV_DONT_WAIT)
WAIT_ALL = int(RiFlags.RECV_WAITALL)
PEEK = int(RiFlags.RECV_PEEK)
_CONNECTED = State.CONNECTED  # looking a member up on its class costs as much as a call
SEND_DONT_WAIT = int(SiFlags.SEND_DONT_WAIT)
_TOLD_BY = ("connect", "recv", "send")
_PACE = 10_000_000  # ns


class Transfer(File):
    """The part of a socket that carries data; `sockets.Socket` is the rest.

    Attributes:
        kind: the socket type; `stream` is whether it is a stream.
        state: see `State`.
        receive_timeout, send_timeout, connect_timeout: ns or None; kept by us, because the operating
            system's own timers are in use for the channels' patience.
    """

    handle: Handle
    connect_timeout: int | None = None

    def __init__(self, channel: Channel, kind: SockType, state: State) -> None:
        self.channel = channel
        self.stream = kind is SockType.SOCKET_STREAM
        self.kind = kind
        self.handle = channel.handle
        self.state = state
        self._failure: SysError | None = None  # of a connect; nobody was told yet
        self.receive_timeout: int | None = None
        self.send_timeout: int | None = None

    def _permit(self, operation: str) -> None:
        if self.state is State.CONNECTING:
            self._settle()
        if self._failure is not None and operation in _TOLD_BY:
            failure, self._failure = self._failure, None
            raise failure
        refusal = REFUSALS[operation].get(self.state)
        if refusal is not None:
            raise SysError(refusal, f"{operation} on a {self.state.value} socket")

    def _settle(self) -> None:
        """Look whether a connect under way has its answer.

        Looking takes the failure from the channel. It is kept for the calls that tell of it: connect, recv,
        send and `take_error`, once, as Linux does with sk_err.
        """
        try:
            self.channel.connect_result()
        except WouldBlock:
            return
        except SysError as failure:
            self.state = State.FAILED
            self._failure = failure
            return
        self.state = State.CONNECTED

    def _await_connect(self, task: Task) -> None:
        times = ((self.send_timeout, Errno.INPROGRESS), (self.connect_timeout, Errno.TIMEDOUT))
        chosen = min(((time, late) for time, late in times if time is not None), default=None)
        deadline, late = (None, Errno.TIMEDOUT) if chosen is None else (deadline_after(chosen[0]), chosen[1])
        try:
            until(task, self.channel.connect_result, self.handle, WRITABLE, deadline, late)
        except SysError as error:
            if error.errno not in (Errno.INTR, Errno.INPROGRESS):
                self.state = State.FAILED
            raise

    def recv(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """Receive; returns how many bytes, 0 when the peer has finished.

        Errors: AGAIN, INTR, NOTCONN, CONNRESET, TIMEDOUT, BADF closed meanwhile.
        """
        if self.state is not _CONNECTED or not self.stream:
            self._ready_for(task, "recv", flags & DONT_WAIT)
        task.waiting_on = self
        try:
            if len(buffers) == 1 and not flags & WAIT_ALL and self.receive_timeout is None:
                return self.channel.recv_into(buffers[0], flags)
            return self._recv(task, buffers, flags)
        except WouldBlock:
            if self.nonblocking or flags & DONT_WAIT:
                raise
            return until(task, self._receiver(buffers, flags | DONT_WAIT), self.handle, READABLE)
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _receiver(self, buffers: Sequence[memoryview], flags: int) -> Callable[[], int]:
        if len(buffers) == 1:
            return lambda: self.channel.recv_into(buffers[0], flags)
        return lambda: self.channel.recv_vector(buffers, flags)

    def _recv(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """The general way: several buffers, a timeout, or all that was asked for."""
        if self.nonblocking or flags & DONT_WAIT:
            return self._receiver(buffers, flags & ~WAIT_ALL)()
        deadline = deadline_after(self.receive_timeout)
        if not flags & WAIT_ALL:
            return until(task, self._receiver(buffers, flags | DONT_WAIT), self.handle, READABLE, deadline)
        if flags & PEEK:
            return self._peek_all(task, buffers, flags, deadline)
        total, done = sum(map(len, buffers)), 0
        while done < total:
            receive = self._receiver(after(buffers, done), (flags | DONT_WAIT) & ~WAIT_ALL)
            try:
                count = until(task, receive, self.handle, READABLE, deadline)
            except SysError:
                if done:
                    break  # what arrived counts; the error shows on the next call
                raise
            if not count:
                break
            done += count
        return done

    def _peek_all(self, task: Task, buffers: Sequence[memoryview], flags: int, deadline: int | None) -> int:
        """PEEK with WAITALL: what was seen stays there, so that waiting for readiness would spin.

        The channel's patience paces the tries instead, for as long as this rare combination lasts; a channel
        that does not hold the call (AF_UNIX never waits for all when it peeks) is paced here.
        """
        total = sum(map(len, buffers))
        receive = self._receiver(buffers, flags)
        finished = 0
        while True:
            task.interruption_point()
            began = monotonic_ns()
            try:
                count = receive()
            except WouldBlock:
                count = -1
            if count in (0, total) or (finished and count > 0):
                return count
            if deadline is not None and monotonic_ns() >= deadline:
                if count < 0:
                    raise SysError(Errno.AGAIN, "the receive timeout is over")
                return count
            if monotonic_ns() - began < _PACE:
                task.poller.wait((), _PACE)
            finished = task.poller.wait(((self.handle, READABLE),), 0)[0] & HANGUP

    def send(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """Send; a blocking socket sends all of it.

        Errors: AGAIN, INTR, PIPE, CONNRESET, TIMEDOUT, BADF closed meanwhile. Never a signal to the host.
        """
        if self.state is not _CONNECTED or not self.stream:
            self._ready_for(task, "send", flags & SEND_DONT_WAIT)
        task.waiting_on = self
        try:
            if len(buffers) == 1 and self.send_timeout is None:
                buffer = buffers[0]
                done = self.channel.send(buffer, flags)
                if done == len(buffer) or self.nonblocking or flags & SEND_DONT_WAIT:
                    return done
                return self._send_rest(task, buffers, done, None)
            return self._send(task, buffers, flags)
        except WouldBlock:
            if self.nonblocking or flags & SEND_DONT_WAIT:
                raise
            return self._send_rest(task, buffers, 0, deadline_after(self.send_timeout))
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _send(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        if self.nonblocking or flags & SEND_DONT_WAIT:
            return self.channel.send_vector(buffers, flags)
        return self._send_rest(task, buffers, 0, deadline_after(self.send_timeout))

    def _send_rest(self, task: Task, buffers: Sequence[memoryview], done: int, deadline: int | None) -> int:
        total = sum(map(len, buffers))
        while True:
            send = self._sender(after(buffers, done) if total else buffers)
            try:
                done += until(task, send, self.handle, WRITABLE, deadline)
            except SysError:
                if done:
                    return done  # what was taken counts; the error shows on the next call
                raise
            if done >= total:
                return done

    def _sender(self, buffers: Sequence[memoryview]) -> Callable[[], int]:
        return lambda: self.channel.send_vector(buffers, SEND_DONT_WAIT)

    def _ready_for(self, task: Task, operation: str, dont_wait: int) -> None:
        """Let data pass only on a connected stream; wait for a connect under way as Linux does."""
        self._need_stream(operation)
        self._permit(operation)
        if self.state is State.CONNECTING:
            if self.nonblocking or dont_wait:
                raise WouldBlock("the connection is being made")
            self._await_connect(task)
            self.state = State.CONNECTED

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        return self.recv(task, buffers, 0)

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        return self.send(task, buffers, 0)

    def _need_stream(self, operation: str) -> None:
        if not self.stream:
            raise SysError(Errno.NOTSUP, f"{operation} on a datagram socket")
