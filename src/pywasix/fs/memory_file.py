"""Open files in memory."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns
from typing import TYPE_CHECKING

from pywasix.abi.enums import FdFlags, FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.content import MOST
from pywasix.fs.directory import RIGHTS_OF, WRITING_RIGHTS
from pywasix.kernel.file import File, FileStatus

if TYPE_CHECKING:
    from pywasix.fs.memory import MemoryRegular
    from pywasix.fs.node import Opening
    from pywasix.kernel.task import Task

# Python combines numbers at once, and members of an enumeration by a call of theirs.
_APPEND, _NONBLOCK = int(FdFlags.APPEND), int(FdFlags.NONBLOCK)
_FAR = MOST - (1 << 33)  # only beyond it could the buffers of one call, of a 32-bit memory, pass the end of all files


class MemoryFile(File):
    """An open file in memory."""

    filetype = FileType.REGULAR_FILE
    closes_safely = True

    def __init__(self, regular: MemoryRegular, how: Opening) -> None:
        self._regular = regular
        self._content = regular.content
        self._lock = regular.volume.lock
        self._position = 0
        self._flags = how.flags
        regular.opened += 1
        self.nonblocking = bool(how.flags & _NONBLOCK)
        self.rights = RIGHTS_OF[how.read, how.write]

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        with self._lock:
            position = self._position
            if position > _FAR:
                _check_part(buffers, position)
            count = self._content.read(buffers, position)
            self._position = position + count
            return count

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        with self._lock:
            position = self._content.size if self._flags & _APPEND else self._position
            count = self._write(buffers, position)
            if count:  # no bytes are not appended: the position stays (Linux)
                self._position = position + count
            return count

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        _check_offset(offset)
        if offset > _FAR:
            _check_part(buffers, offset)
        with self._lock:
            return self._content.read(buffers, offset)

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Write at an offset; to the end with APPEND, as on Linux."""
        _check_offset(offset)
        with self._lock:
            return self._write(buffers, self._content.size if self._flags & _APPEND else offset)

    def _write(self, buffers: Sequence[memoryview], offset: int) -> int:
        if offset > _FAR:
            _check_part(buffers, offset, Errno.FBIG if self._flags & _APPEND else Errno.INVAL)
        count = self._content.write(buffers, offset)
        regular = self._regular
        regular.modified = regular.changed = time_ns()  # `touch`, written out for small writes
        return count

    def seek(self, offset: int, whence: Whence) -> int:
        with self._lock:
            base = {Whence.SET: 0, Whence.CUR: self._position, Whence.END: self._content.size}[whence]
            if not 0 <= base + offset <= MOST:
                raise SysError(Errno.INVAL, f"no file has an offset of {base + offset}")
            self._position = base + offset
            return self._position

    def status(self) -> FileStatus:
        with self._lock:
            return self._regular.status()

    def sync(self, *, data_only: bool) -> None:
        """Nothing is anywhere else."""

    def set_size(self, size: int) -> None:
        if size > MOST:
            raise SysError(Errno.INVAL, f"no file has {size} bytes")
        with self._lock:
            self._content.resize(size)
            self._regular.touch()

    def allocate(self, offset: int, size: int) -> None:
        if not size or offset > MOST or size > MOST:
            raise SysError(Errno.INVAL, "a part of a file with no bytes, or beyond all files")
        if offset + size > MOST:
            raise SysError(Errno.FBIG, "no file is that large")
        if not self.rights & WRITING_RIGHTS:
            super().allocate(offset, size)
        with self._lock:
            # So that no guest lets us count to the end of time.
            self._regular.volume.check_room(size - self._content.held)
            self._content.fill(offset, size)
            self._regular.touch()

    def advise(self, offset: int, size: int, advice: int) -> None:
        _check_offset(offset)
        _check_offset(size)

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        with self._lock:
            self._regular.stamp(accessed, modified)

    @property
    def flags(self) -> int:
        return self._flags

    def set_flags(self, flags: int) -> None:
        self._flags = flags
        self.nonblocking = bool(flags & _NONBLOCK)

    def close(self) -> None:
        with self._lock:
            self._regular.opened -= 1
            self._regular.release()


def _check_offset(offset: int) -> None:
    if offset > MOST:
        raise SysError(Errno.INVAL, f"no file has an offset of {offset}")


def _check_part(buffers: Sequence[memoryview], offset: int, errno: Errno = Errno.INVAL) -> None:
    """Errors: INVAL such a part would pass the end of all files, also one that is only read (Linux); FBIG appended."""
    if offset + sum(map(len, buffers)) > MOST:
        raise SysError(errno, "no file has a byte there")
