"""The namespace of a program: directories that were given to it, each under a path of its own.

Between the mounts stand directories that only exist to lead to them, so that "/" can always be listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.node import Entry, Node
from pywasix.kernel.file import File, FileStatus


def components(path: bytes) -> list[bytes]:
    """The names in a path; empty ones and "." say nothing."""
    return [name for name in path.split(b"/") if name not in (b"", b".")]


class MountPoint:
    """A directory of the namespace: a mount, one on the way to mounts, or both.

    Args:
        number: its inode number, unique in the namespace.
    """

    filetype = FileType.DIRECTORY

    def __init__(self, number: int) -> None:
        self._number = number
        self._below: dict[bytes, MountPoint] = {}
        self.mounted: Node | None = None

    def point(self, name: bytes, number: int) -> MountPoint:
        """The mount point with a name in this one, made if there is none."""
        return self._below.setdefault(name, MountPoint(number))

    def status(self) -> FileStatus:
        return FileStatus(inode=self._number) if self.mounted is None else self.mounted.status()

    def child(self, name: bytes) -> Node:
        found = self._below.get(name)
        if found is not None:
            return found
        if self.mounted is not None:
            return self.mounted.child(name)
        raise SysError(Errno.NOENT, f"there is no {name!r}")

    def entries(self) -> Sequence[Entry]:
        listed = [] if self.mounted is None else list(self.mounted.entries())
        hidden = self._below.keys()
        points = [Entry(name, point.status().inode, FileType.DIRECTORY) for name, point in self._below.items()]
        return points + [entry for entry in listed if entry.name not in hidden]

    def target(self) -> bytes:
        raise SysError(Errno.INVAL, "a directory is no symbolic link")

    def open(self) -> File:
        raise SysError(Errno.ISDIR, "a directory is not read as a file")

    def keep(self) -> Node:
        return self

    def close(self) -> None:
        """Nothing to give back: the namespace holds its mounts."""


class Namespace:
    """The mounts of one program. The last mount under a path hides an earlier one.

    Every process of the program uses it; when the last of them ends, the mounts are given back. `_lock` guards
    `_users`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._count = 1
        self.root = MountPoint(1)
        self._mounts: list[Node] = []

    def mount(self, path: bytes, directory: Node) -> None:
        """Put a directory under an absolute path."""
        point = self.root
        for name in components(path):
            self._count += 1
            point = point.point(name, self._count)
        point.mounted = directory
        self._mounts.append(directory)

    def __bool__(self) -> bool:
        """Whether anything is mounted."""
        return bool(self._mounts)

    def use(self) -> None:
        """One more process uses it."""
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """A process that used it ended."""
        with self._lock:
            self._users -= 1
            last = not self._users
        if last:
            self.close()

    def close(self) -> None:
        """Give every mount back."""
        for directory in self._mounts:
            directory.close()
