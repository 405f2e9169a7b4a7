"""What is in a zip or tar file, as directories that can be read.

Names of an archive are looked up in a tree of ours, so that no name of it leads anywhere else; one that seems to,
with "..", makes the archive be refused. Links are followed as everywhere, inside of the guest's namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import BinaryIO

from pywasix.abi.enums import FdFlags, FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError, quoted
from pywasix.fs.content import MOST
from pywasix.fs.directory import FILE_RIGHTS, WRITING_RIGHTS
from pywasix.fs.node import Opening, check_file
from pywasix.fs.tree import Leaf, Tree
from pywasix.kernel.file import File, FileStatus
from pywasix.kernel.task import Task

BUDGET = 256 << 20  # bytes of unpacked content that may be in memory at once
# Files, links and directories of one archive. Each takes some 500 bytes, and a few thousand bytes of an archive can
# name millions of directories.
MOST_OBJECTS = 1 << 19
_NANOSECONDS = 1_000_000_000


class _Budget:
    """The memory for unpacked content of one archive. `_lock` guards what is left, and the archive's file."""

    def __init__(self, size: int) -> None:
        self.lock = Lock()
        self._size = size
        self._left = size

    def take(self, size: int) -> None:
        """Errors: FBIG more than there ever is; NOMEM more than there is now."""
        if size > self._size:
            raise SysError(Errno.FBIG, f"unpacked it has {size} bytes, more than {self._size}")
        if size > self._left:
            raise SysError(Errno.NOMEM, "too much of the archive is open at once")
        self._left -= size

    def give(self, size: int) -> None:
        """So many bytes are gone."""
        self._left += size


def new_budget() -> _Budget:
    """For files in memory that are no archive's."""
    return _Budget(BUDGET)


class Stored(Leaf):
    """A file of an archive, unpacked as long as it is open.

    Args:
        unpack: all of its content. Raises what the archive's module raises for a broken archive.
    """

    def __init__(self, status: FileStatus, budget: _Budget, unpack: Callable[[], bytes]) -> None:
        self._status = status
        self._budget = budget
        self._unpack = unpack
        self._content = b""
        self._opened = 0

    def status(self) -> FileStatus:
        return self._status

    def open(self, how: Opening) -> File:
        check_file(self._status.filetype, how)
        if how.write or how.truncate:
            raise SysError(Errno.ROFS, "an archive cannot be changed")
        with self._budget.lock:
            if not self._opened:
                self._budget.take(self._status.size)
                try:
                    self._content = self._unpacked()
                except BaseException:
                    self._budget.give(self._status.size)
                    raise
            self._opened += 1
        return _ArchiveFile(self._status, self._content, self._closed, how)

    def _unpacked(self) -> bytes:
        try:
            content = self._unpack()
        except SysError:
            raise
        except RuntimeError as error:  # it is encrypted, or packed in a way nobody knows
            raise SysError(Errno.NOTSUP, str(error)) from None
        except Exception as error:  # broken in whatever way
            raise SysError(Errno.IO, f"the archive is broken: {error}") from None
        if len(content) != self._status.size:
            raise SysError(Errno.IO, "the archive is broken: a file has another size than it says")
        return content

    def _closed(self) -> None:
        with self._budget.lock:
            self._opened -= 1
            if not self._opened:
                self._content = b""
                self._budget.give(self._status.size)


class ArchiveLink(Leaf):
    """A symbolic link of an archive."""

    def __init__(self, status: FileStatus, target: bytes) -> None:
        self._status = status._replace(size=len(target))
        self._target = target

    def status(self) -> FileStatus:
        return self._status

    def target(self) -> bytes:
        return self._target


class Odd(Leaf):
    """A device or FIFO: it is seen, and not opened."""

    def __init__(self, status: FileStatus) -> None:
        self._status = status

    def status(self) -> FileStatus:
        return self._status


class _ArchiveFile(File):
    """An open file of an archive."""

    filetype = FileType.REGULAR_FILE
    rights = FILE_RIGHTS & ~WRITING_RIGHTS

    def __init__(self, status: FileStatus, content: bytes, closed: Callable[[], None], how: Opening) -> None:
        self._status = status
        self._content = memoryview(content)
        self._closed = closed
        self._position = 0
        self._flags = how.flags
        self.nonblocking = bool(how.flags & FdFlags.NONBLOCK)

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        count = self.read_at(buffers, self._position)
        self._position += count
        return count

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        if offset > MOST:
            raise SysError(Errno.INVAL, f"no file has an offset of {offset}")
        done = 0
        for buffer in buffers:
            part = self._content[offset + done : offset + done + len(buffer)]
            buffer[: len(part)] = part
            done += len(part)
        return done

    def seek(self, offset: int, whence: Whence) -> int:
        base = {Whence.SET: 0, Whence.CUR: self._position, Whence.END: len(self._content)}[whence]
        if not 0 <= base + offset <= MOST:
            raise SysError(Errno.INVAL, f"no file has an offset of {base + offset}")
        self._position = base + offset
        return self._position

    def status(self) -> FileStatus:
        return self._status

    def sync(self, *, data_only: bool) -> None:
        """Nothing is to be written."""

    def advise(self, offset: int, size: int, advice: int) -> None:
        """All of it is in memory."""

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        raise SysError(Errno.ROFS, "an archive cannot be changed")

    @property
    def flags(self) -> int:
        return self._flags

    def set_flags(self, flags: int) -> None:
        self._flags = flags
        self.nonblocking = bool(flags & FdFlags.NONBLOCK)

    def close(self) -> None:
        self._content = memoryview(b"")
        self._closed()


class Archive(Tree):
    """The root of an archive.

    Args:
        file: owned; closed with the archive.
        device: the number that tells file systems apart.
    """

    def __init__(self, file: BinaryIO, device: int) -> None:
        super().__init__(1, device)
        self._file = file
        self._device = device
        self._numbers = 1
        self.budget = _Budget(BUDGET)

    def number(self) -> int:
        """An inode number that nothing had before. Raises: OptionError the archive has too many things."""
        if self._numbers > MOST_OBJECTS:
            raise OptionError(
                f"it has more than {MOST_OBJECTS} files and directories: unpack it, and give the directory"
            )
        self._numbers += 1
        return self._numbers

    def described(self, filetype: FileType, size: int, seconds: float) -> FileStatus:
        """What stat tells of a new file. Raises: OptionError as `number`."""
        time = max(0, int(seconds * _NANOSECONDS))
        return FileStatus(self._device, self.number(), 1, max(0, size), time, time, time, filetype)

    def place(self, path: bytes) -> tuple[Tree, bytes] | None:
        """The directory that an entry belongs in, made as needed, and its name; None for the root itself.

        Raises: OptionError for a path that leads out, or below what is no directory.
        """
        names = [name for name in path.split(b"/") if name not in (b"", b".")]
        if b".." in names or b"\0" in path:
            raise OptionError(f"the archive has an entry {quoted(path)}, which leads out of it")
        if not names:
            return None
        here: Tree = self
        for name in names[:-1]:
            here = self.directory(here, name)
        return here, names[-1]

    def directory(self, parent: Tree, name: bytes) -> Tree:
        """A directory of the tree, made if there is none. Raises: OptionError."""
        found = parent.children.get(name)
        if found is None:
            found = parent.children[name] = Tree(self.number(), self._device)
        if isinstance(found, Leaf):
            raise OptionError(f"the archive has entries below {quoted(name)}, which is no directory")
        return found

    def put(self, path: bytes, leaf: Leaf) -> None:
        """Give a file or link its name; the last one of a name counts. Raises: OptionError."""
        where = self.place(path)
        if where is None or isinstance(where[0].children.get(where[1]), Tree):
            raise OptionError(f"the archive has {quoted(path)} as a directory and as something else")
        where[0].children[where[1]] = leaf

    def close(self) -> None:
        self._file.close()
