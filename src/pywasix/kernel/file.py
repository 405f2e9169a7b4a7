"""Open file descriptions: what descriptors refer to.

A `File` is shared by every descriptor that was made from it by dup, renumber or inheritance, and
so are its flags (POSIX "open file description"). A class of files overrides what it can do; what
it does not override answers as Linux does for a file that cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pywasix.abi.enums import FdFlags, FileType, Rights, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.epoll import Watch
    from pywasix.kernel.task import Task
    from pywasix.kernel.wait import Handle

ALL_RIGHTS = int(sum(right.value for right in Rights))
# libc's isatty() takes a character device without these two for a terminal.
SEEK_RIGHTS = int(Rights.FD_SEEK | Rights.FD_TELL)
STREAM_RIGHTS = int(
    Rights.FD_READ | Rights.FD_WRITE | Rights.FD_FDSTAT_SET_FLAGS | Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE
)


Conditions = Callable[[int, int], int]
"""What is true of a file, of what the host says of it and of what is asked for: events of `kernel.wait`."""


def after(buffers: Sequence[memoryview], count: int) -> list[memoryview]:
    """What is left of the buffers when the first `count` bytes are done."""
    rest = []
    for buffer in buffers:
        if count < len(buffer):
            rest.append(buffer[count:] if count else buffer)
        count = max(0, count - len(buffer))
    return rest


class FileStatus(NamedTuple):
    """What stat tells. Times are in ns since the epoch, size in bytes. Of an open file, the file knows its type."""

    device: int = 0
    inode: int = 0
    links: int = 1
    size: int = 0
    accessed: int = 0
    modified: int = 0
    changed: int = 0
    filetype: FileType = FileType.UNKNOWN


file_status_of: Callable[[tuple[Any, ...]], FileStatus] = partial(tuple.__new__, FileStatus)
"""A `FileStatus` of its eight values; by a call of C alone, because every look at a file makes one."""


class File:
    """An open file description.

    Attributes:
        filetype: what the guest is told it is.
        terminal: it is a terminal of the host.
        handle: what to wait on; None for a file that is always ready.
        nonblocking: the NONBLOCK flag; other flags live in `flags`.
        disposed: it was given back; guarded as `references`.
        closes_safely: its `close` may come while a call uses it, so that nobody looks for such calls.
        references: how many descriptors refer to it; guarded by the kernel's descriptor lock.
        watch: the first of the epoll watches that end with its last descriptor; `kernel.epoll` guards it.
    """

    filetype: FileType = FileType.UNKNOWN
    terminal = False
    rights: int = STREAM_RIGHTS
    handle: Handle | None = None
    nonblocking = False
    references = 0
    disposed = False
    closes_safely = False
    watch: Watch | None = None

    @property
    def conditions(self) -> Conditions | None:
        """Corrects what the host's epoll tells of it; None when that is the whole truth."""
        return None

    @property
    def sendable(self) -> Handle | None:
        """What the host can send bytes of by itself; None when they must be read first."""
        return None

    def without_right(self, fd: int, right: int) -> SysError:
        """The error of a call whose descriptor lacks a right."""
        if self.filetype is FileType.REGULAR_FILE and not self.rights & right:
            return SysError(Errno.BADF, f"the file was not opened for what fd {fd} should do")  # as Linux says it
        return SysError(Errno.NOTCAPABLE, f"fd {fd} lacks the right {right:#x}")

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        """Read into the buffers; returns how many bytes, 0 at the end of the file."""
        raise SysError(Errno.BADF, "this file cannot be read")

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Read from an offset in bytes; the position does not move. SPIPE for what has none."""
        raise SysError(Errno.SPIPE, "this file has no positions")

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        """Write from the buffers; returns how many bytes were taken."""
        raise SysError(Errno.BADF, "this file cannot be written")

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Write at an offset in bytes; the position does not move. SPIPE for what has none."""
        raise SysError(Errno.SPIPE, "this file has no positions")

    def send_file(self, task: Task, source: File, offset: int, count: int) -> int:
        """Write up to `count` bytes of another file, which `read_at` reads from `offset` on.

        Returns: how many were written; less than `count` where the source ends, or where this file takes no more.
        """
        from pywasix.kernel.copying import copy  # few programs do this

        return copy(task, source, offset, self, count)

    def seek(self, offset: int, whence: Whence) -> int:
        """Move the position; returns the new one. SPIPE for what has none."""
        raise SysError(Errno.SPIPE, "this file has no position")

    def status(self) -> FileStatus:
        """What stat tells of it."""
        return FileStatus()

    def sync(self, *, data_only: bool) -> None:
        """Return when what was written is on the disk. INVAL for what has none (fsync(2))."""
        raise SysError(Errno.INVAL, "this file has nothing to be written to a disk")

    def set_size(self, size: int) -> None:
        """Cut or grow it to so many bytes. INVAL for what has no size (ftruncate(2))."""
        raise SysError(Errno.INVAL, "this file has no size")

    def allocate(self, offset: int, size: int) -> None:
        """Make sure that writing there will find room. BADF, SPIPE, NODEV for what has none (fallocate(2))."""
        if self.filetype in (FileType.REGULAR_FILE, FileType.DIRECTORY):
            raise SysError(Errno.BADF, "the file was not opened for writing")
        raise SysError(Errno.SPIPE, "this file has no positions")

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Say how it will be read: an `Advice`. SPIPE for what has no positions (posix_fadvise(2))."""
        raise SysError(Errno.SPIPE, "this file has no positions")

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        """Set its time stamps, in ns; `fs.node.NOW`; None keeps one."""
        raise SysError(Errno.NOTSUP, "this file has no time stamps")

    def available(self) -> int:
        """How many bytes a read would find at least; 0 when that is not known."""
        return 0

    @property
    def flags(self) -> int:
        """The status flags that fd_fdstat_get shows."""
        return int(FdFlags.NONBLOCK) if self.nonblocking else 0

    def set_flags(self, flags: int) -> None:
        """fd_fdstat_set_flags. APPEND and the SYNC flags change nothing on a stream, as on Linux."""
        self.nonblocking = bool(flags & FdFlags.NONBLOCK)

    def close(self) -> None:
        """The last descriptor is gone: give back what the file holds. Called once."""
