"""What a file system offers: nodes, which are directories, files, symbolic links and devices.

A backend implements `Node`. It never follows a symbolic link and never looks above itself; both are `fs.walk`'s,
which is how nothing outside of what was given can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pywasix.abi.enums import FileType
from pywasix.kernel.file import File, FileStatus


class Entry(NamedTuple):
    """One entry of a directory, as listed."""

    name: bytes
    inode: int
    filetype: FileType


class Node(Protocol):
    """An object of a file system, to be used until it is closed, and while its parent is open.

    Calls that do not fit its type answer as Linux does: NOTDIR, ISDIR, INVAL.
    """

    filetype: FileType

    def status(self) -> FileStatus: ...

    def child(self, name: bytes) -> Node:
        """The node with a name in this directory. Errors: NOENT; NOTDIR; NAMETOOLONG; ACCES."""
        ...

    def entries(self) -> Sequence[Entry]:
        """What is in this directory, without "." and "..". Errors: NOTDIR; ACCES."""
        ...

    def target(self) -> bytes:
        """Where this symbolic link points. Errors: INVAL it is none."""
        ...

    def open(self) -> File:
        """An open file description for reading. Errors: ISDIR; ACCES; NOTSUP what cannot be opened."""
        ...

    def keep(self) -> Node:
        """This directory once more, for somebody who closes it on his own. Errors: NOTDIR; MFILE, NFILE of the host."""
        ...

    def close(self) -> None:
        """Give back what holding the node takes. Harmless when done before."""
        ...
