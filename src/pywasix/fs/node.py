"""What a file system offers: directories, and in them names of files, symbolic links and directories.

A backend implements `Directory`. It never follows a symbolic link and never looks above itself; both are `fs.walk`'s,
which is how nothing outside of what was given can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from pywasix.abi.enums import FdFlags, FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.kernel.file import File, FileStatus

NOW = -1
"""A time stamp that is the current time when it is set."""


class Entry(NamedTuple):
    """One entry of a directory, as listed."""

    name: bytes
    inode: int
    filetype: FileType


class Opening(NamedTuple):
    """How something is to be opened.

    Attributes:
        read, write: what the new descriptor may do.
        create: make a regular file if nothing is there.
        exclusive: with `create`: something that is there is an error.
        truncate: drop the content of a regular file.
        directory: it must be a directory.
        flags: `FdFlags` of the open file.
    """

    read: bool = True
    write: bool = False
    create: bool = False
    exclusive: bool = False
    truncate: bool = False
    directory: bool = False
    flags: int = 0

    @property
    def append(self) -> bool:
        """Writes go to the end."""
        return bool(self.flags & FdFlags.APPEND)


READING = Opening()
NO_SHORTCUTS: Mapping[bytes, tuple[Directory, tuple[bytes, ...]]] = {}


class IsLink(SysError):
    """LOOP, in a form of its own: the name is a symbolic link, and may be followed."""

    def __init__(self) -> None:
        super().__init__(Errno.LOOP, "it is a symbolic link, and links are not to be followed")


class Redirect(NamedTuple):
    """What opening a name gives that stands for a descriptor which the process has (/dev/stdin), or its terminal."""

    fds: tuple[int, ...]
    terminal: bool = False


class Directory(Protocol):
    """A directory, to be used until it is closed. Names are single ones, never empty, "." or "..".

    Attributes:
        shortcuts: directories that some paths lead to for ever, with the names of these paths.

    Errors of every call: NAMETOOLONG; ACCES; IO and others of the host; ROFS for what would change a file system
    that may only be read.
    """

    @property
    def shortcuts(self) -> Mapping[bytes, tuple[Directory, tuple[bytes, ...]]]: ...

    def status(self) -> FileStatus: ...

    def inspect(self, name: bytes) -> FileStatus:
        """What stat tells of a name, of a link itself. Errors: NOENT."""
        ...

    def enter(self, name: bytes) -> Directory:
        """A directory in this one, for finding names in it. Errors: NOENT; NOTDIR, also for a link."""
        ...

    def descend(self, names: Sequence[bytes]) -> Directory | None:
        """`enter` several at once; None when the names must be entered one by one. Errors: as `enter`."""
        ...

    def open(self, name: bytes, how: Opening) -> File | Directory | Redirect:
        """Open a file, or a directory for listing it.

        Errors: IsLink; NOENT; EXIST; ISDIR a directory to be written; NOTDIR; NOTSUP what is not opened.
        """
        ...

    def reopen(self) -> Directory:
        """This directory, for listing it."""
        ...

    def entries(self) -> Iterable[Entry]:
        """What is in it, without "." and ".."."""
        ...

    def target(self, name: bytes) -> bytes:
        """Where a symbolic link points. Errors: NOENT; INVAL it is none."""
        ...

    def make_directory(self, name: bytes) -> None:
        """Errors: EXIST; NOSPC."""
        ...

    def make_link(self, name: bytes, target: bytes) -> None:
        """Make a symbolic link. Errors: EXIST; NOSPC."""
        ...

    def remove_directory(self, name: bytes) -> None:
        """Errors: NOENT; NOTDIR; NOTEMPTY; BUSY something is mounted there."""
        ...

    def remove_file(self, name: bytes) -> None:
        """Errors: NOENT; ISDIR."""
        ...

    def rename(self, name: bytes, to: Directory, new: bytes) -> None:
        """Move a name into a directory, in place of what has the new name there.

        Errors: XDEV another file system; NOENT; ISDIR; NOTDIR; NOTEMPTY; INVAL into itself; BUSY.
        """
        ...

    def link(self, name: bytes, to: Directory, new: bytes) -> None:
        """Give a file one more name. Errors: XDEV another file system; NOENT; EXIST; PERM a directory."""
        ...

    def set_times(self, name: bytes, accessed: int | None, modified: int | None) -> None:
        """Set time stamps of a name, of a link itself, in ns; `NOW`; None keeps one. Errors: NOENT."""
        ...

    def set_own_times(self, accessed: int | None, modified: int | None) -> None:
        """The same of this directory."""
        ...

    def sync(self) -> None:
        """Return when its entries are on the disk."""
        ...

    def holder(self, name: bytes) -> Directory:
        """The directory of a file system that holds a name of this one. Errors: BUSY something is mounted there."""
        ...

    def stand(self) -> Directory:
        """This directory once more, to be a working directory, which closes itself when nobody refers to it.

        Errors: ACCES its names may not be looked up.
        """
        ...

    def keep(self) -> Directory:
        """This directory once more, as `stand`, or for somebody who closes it. Errors: MFILE, NFILE of the host."""
        ...

    def close(self) -> None:
        """Give back what holding it takes. Harmless when done before."""
        ...


def check_directory(how: Opening) -> None:
    """What is there is a directory: it can be opened for listing only. Errors: EXIST; ISDIR."""
    if how.create and how.exclusive:
        raise SysError(Errno.EXIST, "it is there already")
    if how.write or how.truncate or how.create:
        raise SysError(Errno.ISDIR, "a directory is not written")


def check_file(filetype: FileType, how: Opening) -> None:
    """What is there must be a regular file, and may be opened so. Errors: EXIST; IsLink; NOTDIR; NOTSUP."""
    if how.create and how.exclusive:
        raise SysError(Errno.EXIST, "it is there already")
    if filetype is FileType.SYMBOLIC_LINK:
        raise IsLink
    if how.directory:
        raise SysError(Errno.NOTDIR, "it is no directory")
    if filetype is not FileType.REGULAR_FILE:
        raise SysError(Errno.NOTSUP, "only regular files and directories are opened")


def no_name(name: bytes) -> SysError:
    """The error for a name that nobody has."""
    return SysError(Errno.NOENT, f"there is no {quoted(name)}")
