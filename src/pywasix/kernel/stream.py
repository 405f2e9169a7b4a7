"""Byte streams that are not sockets: standard streams and pipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.enums import FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import StackUnwinding, SysError, WouldBlock
from pywasix.kernel.file import SEEK_RIGHTS, STREAM_RIGHTS, File, FileStatus, after
from pywasix.kernel.wait import READABLE, WRITABLE, Handle, until

if TYPE_CHECKING:
    from pywasix.kernel.task import Task


class ByteChannel(Protocol):
    """One end of a host byte stream. Its reads and writes never block: they raise `WouldBlock`."""

    filetype: FileType
    terminal: bool
    seekable: bool
    readable: bool
    writable: bool

    @property
    def handle(self) -> Handle | None: ...
    @property
    def sendable(self) -> Handle | None: ...
    def read(self, buffers: Sequence[memoryview]) -> int: ...
    def write(self, buffers: Sequence[memoryview]) -> int: ...
    def seek(self, offset: int, whence: Whence) -> int: ...
    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Read from an offset in bytes, the position stays. Only seekable channels are asked, here and below."""
        ...

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int: ...
    def status(self) -> FileStatus: ...
    def available(self) -> int: ...
    def close(self) -> None: ...


class StreamFile(File):
    """A standard stream or one end of a pipe, over a host channel."""

    def __init__(self, channel: ByteChannel) -> None:
        self._channel = channel
        self.filetype = channel.filetype
        self.terminal = channel.terminal
        self.handle = channel.handle
        self.rights = STREAM_RIGHTS | (SEEK_RIGHTS if channel.seekable else 0)

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        if not self._channel.readable:
            raise SysError(Errno.BADF, "the stream is not open for reading")
        return self._transfer(task, lambda: self._channel.read(buffers), READABLE)

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        """Write all of it when blocking (POSIX write on a pipe); what is possible when not."""
        if not self._channel.writable:
            raise SysError(Errno.BADF, "the stream is not open for writing")
        try:
            return self._write(task, buffers)
        except SysError as error:
            task.process.signals.broken_pipe(task, error)
            raise

    def _write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        total = sum(map(len, buffers))
        done = self._transfer(task, lambda: self._channel.write(buffers), WRITABLE)
        while done < total and not self.nonblocking:
            rest = after(buffers, done)
            try:
                task.interruption_point()  # a channel takes a part at a time, so that a kill need not wait for all
                done += self._transfer(task, partial(self._channel.write, rest), WRITABLE)
            except (SysError, StackUnwinding):
                break  # what was written counts; the error shows on the next call, as POSIX says
        return done

    def _transfer(self, task: Task, attempt: Callable[[], int], events: int) -> int:
        task.waiting_on = self
        try:
            return attempt()
        except WouldBlock:
            if self.nonblocking or self.handle is None:
                raise
            return until(task, attempt, self.handle, events)
        finally:
            task.leave(self)

    def seek(self, offset: int, whence: Whence) -> int:
        if not self._channel.seekable:
            raise SysError(Errno.SPIPE, "a stream has no position")
        return self._channel.seek(offset, whence)

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        if not self._channel.seekable:
            raise SysError(Errno.SPIPE, "a stream has no positions")
        if not self._channel.readable:
            raise SysError(Errno.BADF, "the stream is not open for reading")
        return self._channel.read_at(buffers, offset)

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        if not self._channel.seekable:
            raise SysError(Errno.SPIPE, "a stream has no positions")
        if not self._channel.writable:
            raise SysError(Errno.BADF, "the stream is not open for writing")
        return self._channel.write_at(buffers, offset)

    def allocate(self, offset: int, size: int) -> None:
        if not self._channel.writable:
            raise SysError(Errno.BADF, "the stream is not open for writing")
        if self.filetype is FileType.CHARACTER_DEVICE:
            raise SysError(Errno.NODEV, "a device has no room of its own")
        super().allocate(offset, size)

    @property
    def sendable(self) -> Handle | None:
        return self._channel.sendable

    def status(self) -> FileStatus:
        return self._channel.status()

    def available(self) -> int:
        return self._channel.available()

    def close(self) -> None:
        self._channel.close()
