"""Regular files of the host, open for guests. Data goes straight between guest memory and the descriptor."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence

from pywasix.abi.enums import Advice, FdFlags, FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import RIGHTS_OF
from pywasix.fs.node import NOW, Opening
from pywasix.host import libc
from pywasix.host.errors import sys_error
from pywasix.host.files import status_of
from pywasix.host.lent import LentFd
from pywasix.kernel.file import File, FileStatus, after
from pywasix.kernel.task import Task
from pywasix.kernel.wait import Handle

# What one call of the host moves: it cannot be interrupted, and must not hold a kill up.
_MOST = 16 << 20
_WHENCE = {Whence.SET: os.SEEK_SET, Whence.CUR: os.SEEK_CUR, Whence.END: os.SEEK_END}
_ADVICE = {
    Advice.NORMAL: "POSIX_FADV_NORMAL",
    Advice.SEQUENTIAL: "POSIX_FADV_SEQUENTIAL",
    Advice.RANDOM: "POSIX_FADV_RANDOM",
    Advice.WILLNEED: "POSIX_FADV_WILLNEED",
    Advice.DONTNEED: "POSIX_FADV_DONTNEED",
    Advice.NOREUSE: "POSIX_FADV_NOREUSE",
}
_DURABLE = int(FdFlags.SYNC | FdFlags.DSYNC | FdFlags.RSYNC)
_SYNC = int(FdFlags.SYNC | FdFlags.RSYNC)

readv, write, writev = os.readv, os.write, os.writev


class HostFile(File):
    """An open regular file of the host.

    Args:
        fd: owned.
        how: as it was opened.
        settable: its file system may be changed, so that its time stamps may.
    """

    filetype = FileType.REGULAR_FILE
    closes_safely = True

    def __init__(self, fd: int, how: Opening, *, settable: bool) -> None:
        self._lent = LentFd(fd)
        self._settable = settable
        self.rights = RIGHTS_OF[how.read, how.write]
        self._flags = how.flags
        self._sync_after = 0  # SYNC flags that were not there when the host opened it, which it cannot learn any more

    @property
    def sendable(self) -> Handle | None:
        """Itself, if sendfile(2) may be tried on it."""
        return self if hasattr(os, "sendfile") else None

    def fileno(self) -> int:
        """The descriptor; -1 once closed."""
        return self._lent.fd

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        if len(buffers) != 1 or len(buffers[0]) > _MOST:
            return self._in_pieces(task, buffers, lambda piece, _: self._lent.do(lambda fd: readv(fd, piece)))
        lent = self._lent  # `LentFd.do` written out, here and in `write`, for the calls that it would add to each
        lent.users.append(None)
        try:
            return readv(lent.fd, buffers)
        except OSError as error:
            raise sys_error(error) from None
        finally:
            lent.users.pop()
            if lent.fd < 0:
                lent.left()

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        if len(buffers) != 1 or len(buffers[0]) > _MOST or self._sync_after:
            return self._synced(
                self._in_pieces(task, buffers, lambda piece, _: self._lent.do(lambda fd: writev(fd, piece)))
            )
        lent = self._lent
        lent.users.append(None)
        try:
            return write(lent.fd, buffers[0])
        except OSError as error:
            raise sys_error(error) from None
        finally:
            lent.users.pop()
            if lent.fd < 0:
                lent.left()

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        _check_offset(offset)
        return self._in_pieces(
            None, buffers, lambda piece, done: self._lent.do(lambda fd: os.preadv(fd, piece, offset + done))
        )

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Write at an offset; to the end with APPEND, as on Linux."""
        _check_offset(offset)
        return self._synced(
            self._in_pieces(
                None, buffers, lambda piece, done: self._lent.do(lambda fd: os.pwritev(fd, piece, offset + done))
            )
        )

    def _in_pieces(
        self,
        task: Task | None,
        buffers: Sequence[memoryview],
        move: Callable[[Sequence[memoryview], int], int],
    ) -> int:
        """Move it all, a piece at a time, so that a kill need not wait for all."""
        total = sum(map(len, buffers))
        if total <= _MOST:
            return move(buffers, 0)
        done = 0
        while done < total:
            piece = _first(_MOST, after(buffers, done))
            try:
                if done and task is not None:
                    task.interruption_point()
                count = move(piece, done)
            except (SysError, OverflowError):
                if not done:
                    raise
                break  # what was moved counts; the error shows on the next call, as POSIX says
            done += count
            if count < sum(map(len, piece)):
                break
        return done

    def _synced(self, count: int) -> int:
        if self._sync_after:
            self.sync(data_only=not self._sync_after & _SYNC)
        return count

    def seek(self, offset: int, whence: Whence) -> int:
        return self._lent.do(lambda fd: os.lseek(fd, offset, _WHENCE[whence]))

    def status(self) -> FileStatus:
        return status_of(self._lent.do(os.fstat))

    def sync(self, *, data_only: bool) -> None:
        self._lent.do(os.fdatasync if data_only and hasattr(os, "fdatasync") else os.fsync)

    def set_size(self, size: int) -> None:
        if size >> 63:
            raise SysError(Errno.FBIG if size >> 64 else Errno.INVAL, f"no file has {size} bytes")
        self._lent.do(lambda fd: os.ftruncate(fd, size))

    def allocate(self, offset: int, size: int) -> None:
        if not size or offset >> 63 or size >> 63:
            raise SysError(Errno.INVAL, "a part of a file with no bytes, or beyond all files")
        if offset + size >> 63:
            raise SysError(Errno.FBIG, "no file is that large")
        self._lent.do(lambda fd: libc.allocate(fd, offset, size))

    def advise(self, offset: int, size: int, advice: int) -> None:
        if offset >> 63 or size >> 63:
            raise SysError(Errno.INVAL, "no file is that large")
        if hasattr(os, "posix_fadvise"):
            self._lent.do(lambda fd: os.posix_fadvise(fd, offset, size, getattr(os, _ADVICE[Advice(advice)])))

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        if not self._settable:
            raise SysError(Errno.ROFS, "the directory was given read-only")
        self._lent.do(lambda fd: libc.set_times(fd, None, accessed, modified, NOW))

    @property
    def flags(self) -> int:
        return self._flags

    def set_flags(self, flags: int) -> None:
        """The host is told of APPEND; it cannot learn SYNC flags after opening, so that they are kept here."""
        if (flags ^ self._flags) & FdFlags.APPEND:
            self._lent.do(lambda fd: _set_append(fd, append=bool(flags & FdFlags.APPEND)))
        self._sync_after |= flags & ~self._flags & _DURABLE
        self._sync_after &= flags
        self._flags = flags
        self.nonblocking = bool(flags & FdFlags.NONBLOCK)

    def close(self) -> None:
        error = self._lent.close()
        if error is not None:
            try:
                raise error
            finally:
                del error  # it would keep this frame, which keeps it


def given_file(fd: int) -> HostFile:
    """A regular file that somebody else opened, as a standard stream; owned. Errors: OSError."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    access = flags & os.O_ACCMODE
    how = Opening(
        read=access != os.O_WRONLY,
        write=access != os.O_RDONLY,
        flags=int(FdFlags.APPEND) if flags & os.O_APPEND else 0,
    )
    return HostFile(fd, how, settable=True)


def _check_offset(offset: int) -> None:
    if offset >> 63:
        raise SysError(Errno.INVAL, f"no file has an offset of {offset}")


def _set_append(fd: int, *, append: bool) -> None:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_APPEND
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | (os.O_APPEND if append else 0))


def _first(limit: int, buffers: Sequence[memoryview]) -> list[memoryview]:
    """The first `limit` bytes of the buffers."""
    found = []
    for each in buffers:
        found.append(each[:limit])
        limit -= len(found[-1])
        if not limit:
            break
    return found
