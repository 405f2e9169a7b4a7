"""Host descriptors as the kernel's byte channels: standard streams and pipes.

Descriptors that belong to other programs too (an inherited terminal, a shell's pipe) must not be
made non-blocking, because that flag is shared with everyone. They are asked first instead: by the
kernel's "do not wait" flag for one transfer where it has that (most pipes, sockets), otherwise by poll(2). Terminals
and pipes are opened again where that is possible, so that the flag is nobody else's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import stat
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from pywasix.abi.enums import FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError, WouldBlock
from pywasix.host.errors import sys_error
from pywasix.kernel.file import FileStatus, file_status_of
from pywasix.kernel.wait import Handle

_NO_WAIT = getattr(os, "RWF_NOWAIT", 0)
# poll(2) promises no more room than this to a writer (POSIX PIPE_BUF).
_SAFE_WRITE = select.PIPE_BUF
# What a file that is always ready moves at once: a transfer cannot be interrupted, and must not hold a kill up.
_MOST = 16 << 20
_PIPE_SIGNAL = {signal.SIGPIPE}
_BREAKABLE = (stat.S_IFIFO, stat.S_IFSOCK)
# Where Linux opens a file again. The /dev/fd of other systems gives a copy, which shares its flags.
_BY_DESCRIPTOR = "/proc/self/fd"
_WHENCE = {Whence.SET: os.SEEK_SET, Whence.CUR: os.SEEK_CUR, Whence.END: os.SEEK_END}
_TYPES = {
    stat.S_IFCHR: FileType.CHARACTER_DEVICE,
    stat.S_IFREG: FileType.REGULAR_FILE,
    stat.S_IFBLK: FileType.BLOCK_DEVICE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFSOCK: FileType.SOCKET_STREAM,
    stat.S_IFLNK: FileType.SYMBOLIC_LINK,
}
_FORMAT = 0o170000  # the bits of a mode that S_IFMT leaves
_UNKNOWN = FileType.UNKNOWN


def file_type(mode: int) -> FileType:
    """What the guest is told that a file of this mode is."""
    return _TYPES.get(stat.S_IFMT(mode), FileType.UNKNOWN)


def file_status(fd: int) -> FileStatus:
    """fstat(2) of a descriptor; times before 1970 count as 1970. Errors: as the host says."""
    try:
        return status_of(os.fstat(fd))
    except OSError as error:
        raise sys_error(error) from None


def status_of(found: os.stat_result) -> FileStatus:
    """What the host's stat tells, in the kernel's words; times before 1970 count as 1970."""
    accessed, modified, changed = found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns
    if accessed < 0 or modified < 0 or changed < 0:
        accessed, modified, changed = max(0, accessed), max(0, modified), max(0, changed)
    filetype = _TYPES.get(found.st_mode & _FORMAT, _UNKNOWN)
    return file_status_of(
        (found.st_dev, found.st_ino, found.st_nlink, found.st_size, accessed, modified, changed, filetype)
    )


def open_to_read(path: str, option: str) -> BinaryIO:
    """A file that the user named. Raises: OptionError."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise OptionError(f"{option}: {path}: {error.strerror}") from None


def available_bytes(fd: int) -> int:
    """How many bytes a read would find (FIONREAD); 0 where the host cannot tell, or the descriptor is closed."""
    cell = bytearray(4)
    try:
        fcntl.ioctl(fd, termios.FIONREAD, cell)
    except (OSError, ValueError):  # ValueError: -1, the number that closed channels have
        return 0
    return int.from_bytes(cell, sys.byteorder)


class FdChannel:
    """A `ByteChannel` over a host descriptor. One transfer moves at most 16 MiB.

    Args:
        fd: the descriptor.
        owned: close it with the channel. Otherwise it belongs to somebody else and stays open.
        private: nobody else uses the open file behind it, so that it may be made non-blocking.
    """

    def __init__(self, fd: int, *, owned: bool, private: bool = False) -> None:
        self._fd = fd
        self._owned = owned
        mode = stat.S_IFMT(os.fstat(fd).st_mode)
        access = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        self.readable = access in (os.O_RDONLY, os.O_RDWR)
        self.writable = access in (os.O_WRONLY, os.O_RDWR)
        self.filetype = _TYPES.get(mode, FileType.UNKNOWN)
        self.regular = mode == stat.S_IFREG
        self.seekable = mode in (stat.S_IFREG, stat.S_IFBLK)
        self.terminal = mode == stat.S_IFCHR and os.isatty(fd)
        # /dev/null and the like never block, but count as a terminal to libc unless they can seek.
        self._always_ready = self.seekable or (mode == stat.S_IFCHR and not self.terminal)
        self.seekable = self._always_ready
        self._nonblocking = private and not self._always_ready
        if self._nonblocking:
            os.set_blocking(fd, False)
        self._asks_kernel = mode in _BREAKABLE and bool(_NO_WAIT)

    @property
    def handle(self) -> Handle | None:
        """What to wait on; None for files that never make anyone wait."""
        return None if self._always_ready else self

    @property
    def sendable(self) -> Handle | None:
        """Itself, if sendfile(2) may be tried on it."""
        return self if self.seekable and hasattr(os, "sendfile") else None

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self._fd

    def read(self, buffers: Sequence[memoryview]) -> int:
        try:
            if self._always_ready:
                return os.readv(self._fd, _at_most(_MOST, buffers))
            if self._nonblocking:
                return os.readv(self._fd, buffers)
            if self._asks_kernel:
                try:
                    return os.preadv(self._fd, buffers, -1, _NO_WAIT)
                except OSError as error:
                    if not _unknown_here(error):
                        raise
                    self._asks_kernel = False
            self._require(select.POLLIN)
            return os.readv(self._fd, buffers)
        except OSError as error:
            raise sys_error(error) from None

    def write(self, buffers: Sequence[memoryview]) -> int:
        try:
            if self._always_ready:
                return os.writev(self._fd, _at_most(_MOST, buffers))
            if self._nonblocking:
                return os.writev(self._fd, buffers)
            if self._asks_kernel:
                try:
                    return os.pwritev(self._fd, buffers, -1, _NO_WAIT)
                except OSError as error:
                    if not _unknown_here(error):
                        raise
                    self._asks_kernel = False
            self._require(select.POLLOUT)
            return os.write(self._fd, next((each for each in buffers if each), b"")[:_SAFE_WRITE])
        except OSError as error:
            raise sys_error(error) from None

    def _require(self, event: int) -> None:
        fd = self._fd
        if fd < 0:
            raise OSError(errno.EBADF, "another thread closed the stream")
        poll = select.poll()
        poll.register(fd, event)
        if not poll.poll(0):
            raise WouldBlock("the stream is not ready")

    def seek(self, offset: int, whence: Whence) -> int:
        try:
            return os.lseek(self._fd, offset, _WHENCE[whence])
        except OSError as error:
            raise sys_error(error) from None

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        try:
            return os.preadv(self._fd, _at_most(_MOST, buffers), offset)
        except OverflowError:
            raise SysError(Errno.INVAL, f"no file has an offset of {offset}") from None
        except OSError as error:
            raise sys_error(error) from None

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        try:
            return os.pwritev(self._fd, _at_most(_MOST, buffers), offset)
        except OverflowError:
            raise SysError(Errno.INVAL, f"no file has an offset of {offset}") from None
        except OSError as error:
            raise sys_error(error) from None

    def status(self) -> FileStatus:
        return file_status(self._fd)

    def available(self) -> int:
        return 0 if self._always_ready else available_bytes(self._fd)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if not self._owned or fd < 0:
            return
        try:
            os.close(fd)
        except OSError as error:  # what was written did not reach its disk; the number is free all the same
            raise sys_error(error) from None


class PipeChannel(FdChannel):
    """An `FdChannel` whose reader may go away."""

    def write(self, buffers: Sequence[memoryview]) -> int:
        # Python ignores SIGPIPE; an embedding program may have put its default back, which would end it.
        if signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN:
            return super().write(buffers)
        with without_pipe_signal():
            return super().write(buffers)


@contextmanager
def without_pipe_signal() -> Iterator[None]:
    """Take the SIGPIPE that a write of this thread raises away."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PIPE_SIGNAL)
    try:
        yield
    except SysError as error:
        if error.errno is Errno.PIPE and signal.SIGPIPE not in before:
            signal.sigtimedwait(_PIPE_SIGNAL, 0)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def channel_of(fd: int, *, owned: bool) -> FdChannel:
    """A channel over a descriptor that the caller has, and that may be shared with other programs.

    Args:
        owned: the channel closes it. Where it is opened again it is closed at once.
    Raises: OSError when it is not open.
    """
    own = opened_again(fd)
    if own is None:
        breaks = stat.S_IFMT(os.fstat(fd).st_mode) in _BREAKABLE
        return (PipeChannel if breaks else FdChannel)(fd, owned=owned)
    if owned:
        os.close(fd)
    return own


def opened_again(fd: int) -> FdChannel | None:
    """A channel over an open file of its own for the terminal or pipe behind a descriptor; None for anything else.

    A terminal that has room for a byte may make a writer of several wait, and another program may read what was
    there: only a descriptor that does not block cannot be held up. The flag is shared by everybody who has the same
    open file.
    """
    terminal = os.isatty(fd)
    if not (terminal or stat.S_ISFIFO(os.fstat(fd).st_mode)):
        return None
    flags = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    with suppress(OSError):  # no right to the device, a pipe that nobody reads
        if os.path.isdir(_BY_DESCRIPTOR):
            kind = FdChannel if terminal else PipeChannel
            return kind(os.open(f"{_BY_DESCRIPTOR}/{fd}", flags), owned=True, private=True)
        if terminal:
            return FdChannel(os.open(os.ttyname(fd), flags), owned=True, private=True)
    return None


def _unknown_here(error: OSError) -> bool:
    """The kernel knows no "do not wait" for this file: Linux for FIFOs, and before 6.4 for all pipes."""
    return error.errno in (errno.EOPNOTSUPP, errno.ENOTSUP)


def _at_most(limit: int, buffers: Sequence[memoryview]) -> Sequence[memoryview]:
    """The first `limit` bytes of the buffers."""
    if sum(map(len, buffers)) <= limit:
        return buffers
    first = []
    for each in buffers:
        first.append(each[:limit])
        limit -= len(first[-1])
        if not limit:
            break
    return first
