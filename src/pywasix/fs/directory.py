"""An open directory, as a descriptor refers to it, and the rights of directories and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.codecs import encode_dirent
from pywasix.abi.enums import FileType, Rights, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.file import File, FileStatus

if TYPE_CHECKING:
    from pywasix.fs.node import Entry
    from pywasix.fs.walk import Start
    from pywasix.kernel.task import Task

DIRECTORY_RIGHTS = int(
    Rights.FD_DATASYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_ADVISE
    | Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_GET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
)
WRITING_RIGHTS = int(Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE)
FILE_RIGHTS = WRITING_RIGHTS | int(
    Rights.FD_DATASYNC
    | Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_TELL
    | Rights.FD_ADVISE
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.POLL_FD_READWRITE
)
_NO_READING = ~int(Rights.FD_READ)
RIGHTS_OF = {
    (True, True): FILE_RIGHTS,
    (True, False): FILE_RIGHTS & ~WRITING_RIGHTS,
    (False, True): FILE_RIGHTS & _NO_READING,
    (False, False): FILE_RIGHTS & ~WRITING_RIGHTS & _NO_READING,
}
"""What may be done with a file, by whether it was opened for reading and for writing."""
INHERITING_RIGHTS = DIRECTORY_RIGHTS | FILE_RIGHTS


class Listings:
    """How many entries the open directories of one program remember, so that they do not fill the host's memory.

    `_lock` guards the rest.
    """

    MOST = 1 << 19

    def __init__(self) -> None:
        self._lock = Lock()
        self._sizes: dict[DirectoryFile, int] = {}
        self._total = 0

    def keep(self, directory: DirectoryFile, size: int) -> None:
        """A directory remembers so many entries. The oldest list that is one too many goes; a large one alone stays."""
        with self._lock:
            self._total += size - self._sizes.pop(directory, 0)
            self._sizes[directory] = size
            while self._total > self.MOST and len(self._sizes) > 1:
                oldest = next(iter(self._sizes))
                self._total -= self._sizes.pop(oldest)
                oldest.forget_list()

    def drop(self, directory: DirectoryFile) -> None:
        """A directory was closed."""
        with self._lock:
            self._total -= self._sizes.pop(directory, 0)


class DirectoryFile(File):
    """An open directory.

    Args:
        make: tells where paths begin that are relative to it, when that is asked for the first time: "/" is open in
            every program, and few look into it. The directory is owned, and closed with the last descriptor.
    """

    filetype = FileType.DIRECTORY
    rights = DIRECTORY_RIGHTS
    closes_safely = True

    def __init__(self, make: Callable[[], Start]) -> None:
        self._make = make
        self._start: Start | None = None
        self._flags = 0
        self._listed: list[Entry] | None = None
        self._listings: Listings | None = None

    @classmethod
    def of(cls, start: Start) -> DirectoryFile:
        """The open directory that paths begin at."""
        found = cls(lambda: start)
        found._start = start
        return found

    @property
    def start(self) -> Start:
        """Where paths begin that are relative to it."""
        start = self._start
        if start is None:
            start = self._start = self._make()
        return start

    def without_right(self, fd: int, right: int) -> SysError:
        """Nobody has the right to read a directory, and read(2) says why."""
        return _not_a_file() if right & Rights.FD_READ else super().without_right(fd, right)

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        raise _not_a_file()

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        raise _not_a_file()

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        raise _not_a_file()

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        raise _not_a_file()

    def seek(self, offset: int, whence: Whence) -> int:
        raise _not_a_file()

    def list_into(
        self, size: int, cookie: int, listings: Listings, others: Callable[[], Iterable[Entry]] = tuple
    ) -> bytes:
        """Entries from a cookie on as fd_readdir gives them, at most `size` bytes; the last one may be cut.

        The list is made once, at cookie 0, and stays as it was: cookies are places in it.

        Args:
            listings: those of the program.
            others: what else has names in it.
        """
        listed = self._listed  # another thread may begin anew meanwhile
        if not cookie or listed is None:
            listed = self._listed = [*self._list(), *others()]
            self._listings = listings
            listings.keep(self, len(listed))
        found = bytearray()
        for place in range(min(cookie, len(listed)), len(listed)):
            name, inode, filetype = listed[place]
            found += encode_dirent(place + 1, inode, len(name), filetype)
            found += name
            if len(found) >= size:
                break
        return bytes(found[:size])

    def _list(self) -> list[Entry]:
        from pywasix.fs.node import Entry

        directory = self.start.directory
        own = directory.status()
        above = self._above(own)
        here = Entry(b".", own.inode, FileType.DIRECTORY), Entry(b"..", above, FileType.DIRECTORY)
        return [*here, *directory.entries()]

    def _above(self, own: FileStatus) -> int:
        """The inode that ".." is listed with: its own at the root of a file system, as on Linux.

        So it is too where ".." cannot be looked at: a preview1 guest stays below, and a directory may have moved.
        """
        from pywasix.fs.operations import status_of_path  # which makes such files itself

        try:
            parent = status_of_path(self.start, b"..", follow=False)
        except SysError:
            return own.inode
        return parent.inode if parent.device == own.device else own.inode

    def status(self) -> FileStatus:
        return self.start.directory.status()

    @property
    def flags(self) -> int:
        return self._flags

    def set_flags(self, flags: int) -> None:
        """They change nothing, as on Linux, and are shown."""
        self._flags = flags

    def sync(self, *, data_only: bool) -> None:
        self.start.directory.sync()

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        self.start.directory.set_own_times(accessed, modified)

    def advise(self, offset: int, size: int, advice: int) -> None:
        """It says nothing about a directory."""

    def forget_list(self) -> None:
        """It is made anew when somebody reads on. Cookies then mean what they meant if nothing has changed."""
        self._listed = None

    def close(self) -> None:
        if self._listings is not None:
            self._listings.drop(self)
        if self._start is not None:
            self._start.directory.close()


def _not_a_file() -> SysError:
    return SysError(Errno.ISDIR, "a directory is listed, not read or written")
