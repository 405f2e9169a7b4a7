"""An open directory, as a descriptor refers to it."""

from __future__ import annotations

from collections.abc import Sequence

from pywasix.abi.enums import FileType, Rights
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.node import Entry, Node
from pywasix.fs.walk import Start
from pywasix.kernel.file import File, FileStatus
from pywasix.kernel.task import Task

DIRECTORY_RIGHTS = int(
    Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_FILESTAT_GET
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
    | Rights.FD_ADVISE
)
FILE_RIGHTS = int(
    Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_TELL
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
    | Rights.FD_ADVISE
    | Rights.POLL_FD_READWRITE
)
"""What may be done with a file of a read-only file system."""


class DirectoryFile(File):
    """An open directory.

    Args:
        node: owned, closed with the last descriptor.
        root: where absolute paths begin; None keeps all paths below this directory.
    """

    filetype = FileType.DIRECTORY
    rights = DIRECTORY_RIGHTS

    def __init__(self, node: Node, root: Node | None) -> None:
        self.start = Start(node, root)
        self._listed: tuple[Entry, ...] | None = None

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        raise SysError(Errno.ISDIR, "a directory is listed, not read")

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        raise SysError(Errno.ISDIR, "a directory is listed, not read")

    def entries(self, *, again: bool) -> Sequence[Entry]:
        """What is in the directory, as it was when it was listed last.

        Args:
            again: list it anew (POSIX rewinddir).
        """
        if again or self._listed is None:
            node = self.start.directory
            inode = node.status().inode
            here = Entry(b".", inode, FileType.DIRECTORY), Entry(b"..", inode, FileType.DIRECTORY)
            self._listed = (*here, *node.entries())
        return self._listed

    def status(self) -> FileStatus:
        return self.start.directory.status()

    def close(self) -> None:
        self.start.directory.close()
