"""Moving data through a connected stream socket: what a blocking, a non-blocking and a timed call do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import RiFlags, SiFlags
from pywasix.abi.errno import Errno
from pywasix.errors import StackUnwinding, SysError, WouldBlock
from pywasix.kernel.file import Conditions, File, after
from pywasix.kernel.wait import HANGUP, READABLE, WRITABLE, Handle, deadline_after, remaining, until
from pywasix.net.stack import Channel
from pywasix.net.states import REFUSALS, State

if TYPE_CHECKING:
    from pywasix.kernel.task import Task

DONT_WAIT = int(RiFlags.RECV_DONT_WAIT)
WAIT_ALL = int(RiFlags.RECV_WAITALL)
PEEK = int(RiFlags.RECV_PEEK)
_CONNECTED = State.CONNECTED  # looking a member up on its class costs as much as a call
SEND_DONT_WAIT = int(SiFlags.SEND_DONT_WAIT)
_TOLD_BY = ("recv", "send")
_PACE = 10_000_000  # ns
_PIECE = 1 << 17  # bytes of a file at once: the host may take the channel's patience with each half of it
# Guards the steps of every socket into and out of CONNECTING: the operating system gives the answer of a connect
# once, so that whoever asks for it must store it too. Held for calls that never wait.
_answers = Lock()


class Transfer(File):
    """The part of a socket that carries data; `sockets.Socket` is the rest, and makes both.

    Attributes:
        stream: whether it is a stream.
        state: see `State`.
        receive_timeout, send_timeout, connect_timeout: ns or None; kept by us, because the operating
            system's own timers are in use for the channels' patience.
    """

    channel: Channel
    handle: Handle
    stream: bool
    state: State
    receive_timeout: int | None
    send_timeout: int | None
    connect_timeout: int | None = None
    _failure: SysError | None = None  # of a connect; nobody was told yet

    @property
    def conditions(self) -> Conditions | None:
        return self.channel.conditions

    def _permit(self, operation: str) -> None:
        if self.state is State.CONNECTING:
            self._settle()
        if self._failure is not None and operation in _TOLD_BY:
            raise self._take_failure()
        self._check(operation)

    def _check(self, operation: str) -> None:
        """`_permit` for who has called that and holds a lock by now."""
        refusal = REFUSALS[operation].get(self.state)
        if refusal is not None:
            raise SysError(refusal, f"{operation} on a {self.state.value} socket")

    def _settle(self) -> None:
        """Look whether a connect under way has its answer; nobody else may ask the channel for it.

        Looking takes the failure from the channel. It is kept for the calls that tell of it: connect, recv,
        send and `take_error`, once, as Linux does with sk_err.
        """
        if self.state is State.CONNECTING:
            with _answers:
                made = self._look()
            if made:
                self._connected()

    def _connected(self) -> None:
        """A connect has succeeded; no lock is held."""

    def _look(self) -> bool:
        """Returns whether the connection is made now."""
        if self.state is not State.CONNECTING:
            return False  # another task looked first
        try:
            self.channel.connect_result()
        except WouldBlock:
            return False
        except SysError as failure:
            self._failure = failure
            self.state = State.REFUSED
            return False
        self.state = State.CONNECTED
        return True

    def _await_connect(self, task: Task, timeout: int | None, late: Errno) -> None:
        """Wait for the answer of a connect under way.

        Returns when there is one, which the state tells.

        Args:
            timeout: ns; when it is over, the connect goes on without this task. After `connect_timeout` it does not.
        Errors: INTR; TIMEDOUT (connect timeout); `late`.
        """
        if self.connect_timeout is not None and (timeout is None or self.connect_timeout < timeout):
            timeout, late = self.connect_timeout, Errno.TIMEDOUT
        try:
            until(task, self._answered, self.handle, WRITABLE, deadline_after(timeout), late)
        except SysError as error:
            if error.errno is not Errno.TIMEDOUT:
                raise
            self._give_up()
            self._answered()
            if self.state is State.FAILED:
                raise

    def _start_connect(self) -> bool:
        """Step into CONNECTING; returns False when another task has just done that. Errors: ISCONN."""
        with _answers:
            if self.state is State.CONNECTING:
                return False
            self._check("connect")
            self.state = State.CONNECTING
            return True

    def _answered(self) -> None:
        self._settle()
        if self.state is State.CONNECTING:
            raise WouldBlock("the connection is being made")

    def _take_failure(self) -> SysError:
        """Why there is no connection; told once, and to one task."""
        failure, self._failure = self._failure, None
        # Linux (inet_stream_connect) says so to a second one
        return failure or SysError(Errno.CONNABORTED, "it was told already why there is no connection")

    def _channel_error(self) -> int:
        """What SO_ERROR of the channel tells; the answer of a connect under way is not taken away by that."""
        with _answers:
            return 0 if self.state is State.CONNECTING else self.channel.take_error()

    def _told_by_connect(self) -> SysError:
        """What connect says of its failure. Only after that the socket is as good as new (Linux: tcp_disconnect)."""
        with _answers:
            if self.state is State.REFUSED:
                self.channel.give_up()
                self.state = State.FAILED
            return self._take_failure()

    def _give_up(self) -> None:
        """The connect timeout is over: no connection may come of the attempt, unless it was answered just now."""
        with _answers:
            if self.state is State.CONNECTING and self.channel.give_up():
                self.state = State.FAILED

    def recv(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """Receive; returns how many bytes, 0 when the peer has finished.

        Errors: AGAIN, INTR, NOTCONN, CONNRESET, TIMEDOUT, BADF closed meanwhile.
        """
        if self.state is not _CONNECTED:
            self._ready_for(task, "recv", flags & DONT_WAIT)
        task.waiting_on = self
        try:
            if self.receive_timeout is None and len(buffers) == 1 and (not flags or not flags & WAIT_ALL):
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
        if not flags & WAIT_ALL or not any(buffers):
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

        Until the first byte it is waited for as ever; from then on the tries are paced, for as long as this rare
        combination lasts.
        """
        total = sum(map(len, buffers))
        receive = self._receiver(buffers, (flags | DONT_WAIT) & ~WAIT_ALL)
        finished = 0
        while True:
            count = until(task, receive, self.handle, READABLE, deadline)
            left = remaining(deadline)
            if count in (0, total) or finished or left == 0:
                return count
            task.poller.wait((), _PACE if left is None else min(left, _PACE))
            finished = task.poller.wait(((self.handle, READABLE),), 0)[0] & HANGUP

    def send(self, task: Task, buffers: Sequence[memoryview], flags: int) -> int:
        """Send; a blocking socket sends all of it.

        Errors: AGAIN, INTR, PIPE, CONNRESET, TIMEDOUT, BADF closed meanwhile. Never a signal to the host.
        """
        if self.state is not _CONNECTED:
            self._ready_for(task, "send", flags & SEND_DONT_WAIT)
        task.waiting_on = self
        try:
            if len(buffers) == 1 and self.send_timeout is None:
                buffer = buffers[0]
                done = self.channel.send(buffer, flags)
                if self.nonblocking or done == len(buffer) or flags & SEND_DONT_WAIT:
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

    def send_file(self, task: Task, source: File, offset: int, count: int) -> int:
        """Send bytes of a file from an offset on; a blocking socket sends all of them, until the file ends.

        Errors: as `send`; those of reading the file.
        """
        handle = source.sendable
        if handle is None or not self.stream:
            return super().send_file(task, source, offset, count)
        if self.state is not _CONNECTED:
            if not count or not source.read_at((memoryview(bytearray(1)),), offset):
                return 0  # Linux reads before it looks at the connection
            self._ready_for(task, "send", 0)
        both = frozenset((self, source))
        task.wait_on(both)
        try:
            if not source.references:
                raise SysError(Errno.BADF, "another thread closed the file")
            return self._send_file(task, handle, offset, count)
        finally:
            task.leave_all(both)

    def _send_file(self, task: Task, source: Handle, offset: int, count: int) -> int:
        done, deadline = 0, deadline_after(self.send_timeout)

        def attempt() -> int:
            if not self.references:  # the file may go meanwhile: it is kept until it was sent, as on Linux
                raise SysError(Errno.BADF, "another thread closed the descriptor")
            return self.channel.send_file(source, offset + done, min(count - done, _PIECE))

        while done < count:
            try:
                if done:
                    task.interruption_point()
                sent = attempt() if self.nonblocking else until(task, attempt, self.handle, WRITABLE, deadline)
            except (SysError, StackUnwinding):
                if done:
                    break  # what was taken counts; the error shows on the next call
                raise
            if not sent:
                break
            done += sent
        return done

    def _ready_for(self, task: Task, operation: str, dont_wait: int) -> None:
        """Let data pass only on a connection; wait for a connect under way as Linux does."""
        self._permit(operation)
        if self.state is State.CONNECTING:
            if self.nonblocking or dont_wait:
                raise WouldBlock("the connection is being made")
            timeout = self.receive_timeout if operation == "recv" else self.send_timeout
            task.waiting_on = self
            try:
                self._await_connect(task, timeout, Errno.AGAIN)
            finally:
                task.leave(self)
            self._permit(operation)

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        if not (buffers and buffers[0]) and not any(buffers):
            return 0  # Linux (sock_read_iter): unlike recv, it does not look at the connection
        return self.recv(task, buffers, 0)

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        try:
            return self.send(task, buffers, 0)
        except SysError as error:
            task.process.signals.broken_pipe(task, error)
            raise

    def _need_stream(self, operation: str) -> None:
        if not self.stream:
            raise SysError(Errno.NOTSUP, f"{operation} on a datagram socket")
