"""The namespace of a program: directories that were given to it, each under a path of its own.

Between the mounts stand directories that only exist to lead to them, so that "/" can always be listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import Listings
from pywasix.fs.node import READING, Directory, Entry, Opening, Redirect, check_directory
from pywasix.fs.tree import Tree
from pywasix.kernel.file import File, FileStatus

if TYPE_CHECKING:
    from pywasix.fs.files import GuestFiles


def components(path: bytes) -> list[bytes]:
    """The names in a path; empty ones and "." say nothing."""
    return [name for name in path.split(b"/") if name not in (b"", b".")]


class MountPoint:
    """A directory of the namespace: a mount, one on the way to mounts, or both.

    What is mounted hides what the directory around it has under that name, and its name cannot be taken away.

    Attributes:
        shortcuts: where plain paths lead that are made of mount points alone, which never change: a walk that is kept.

    Args:
        number: its inode number, unique in the namespace.
    """

    def __init__(self, number: int) -> None:
        self._own = Tree(number)
        self._below: dict[bytes, MountPoint] = {}
        self._mounted: Directory | None = None
        self.shortcuts: dict[bytes, tuple[Directory, tuple[bytes, ...]]] = {}

    def point(self, name: bytes, number: int) -> MountPoint:
        """The mount point with a name in this one, made if there is none."""
        return self._below.setdefault(name, MountPoint(number))

    def mount(self, directory: Directory) -> None:
        """From now on this is that directory."""
        self._mounted = directory

    def points(self, names: tuple[bytes, ...] = ()) -> Iterator[tuple[tuple[bytes, ...], MountPoint]]:
        """Every mount point below this one, with its names."""
        for name, point in self._below.items():
            yield (*names, name), point
            yield from point.points((*names, name))

    @property
    def mounted(self) -> Directory | None:
        """What is mounted here itself."""
        return self._mounted

    @property
    def simplest(self) -> Directory:
        """What says the same as this point: what is mounted here, where no mount is below that would hide a part."""
        return self if self._mounted is None or self._below else self._mounted

    def cover(self) -> Iterable[Directory]:
        """Let each name on the way to a mount below still be the directory that it was. Returns what was opened."""
        for name, point in self._below.items():
            if point._mounted is None and self._mounted is not None:
                try:
                    found = self._mounted.open(name, READING)
                except SysError:  # nothing is there, or a link: the mount is seen all the same
                    found = None
                if found is not None and not isinstance(found, (File, Redirect)):
                    point.mount(found)
                    yield found
                elif isinstance(found, File):
                    found.close()
            yield from point.cover()

    @property
    def _within(self) -> Directory:
        """What is mounted here, else a directory that is empty and cannot be changed."""
        return self._own if self._mounted is None else self._mounted

    def status(self) -> FileStatus:
        return self._within.status()

    def inspect(self, name: bytes) -> FileStatus:
        point = self._below.get(name)
        return self._within.inspect(name) if point is None else point.status()

    def enter(self, name: bytes) -> Directory:
        point = self._below.get(name)
        return self._within.enter(name) if point is None else point

    def descend(self, names: Sequence[bytes]) -> Directory | None:
        point = self._below.get(names[0])
        if point is None:
            return self._within.descend(names)
        return point if len(names) == 1 else point.descend(names[1:])

    def open(self, name: bytes, how: Opening) -> File | Directory | Redirect:
        point = self._below.get(name)
        if point is None:
            return self._within.open(name, how)
        check_directory(how)
        return point

    def reopen(self) -> Directory:
        return self

    def entries(self) -> Iterable[Entry]:
        for name, point in self._below.items():
            yield Entry(name, point.status().inode, FileType.DIRECTORY)
        for entry in self._within.entries():
            if entry.name not in self._below:
                yield entry

    def target(self, name: bytes) -> bytes:
        if name in self._below:
            raise SysError(Errno.INVAL, "a directory is no symbolic link")
        return self._within.target(name)

    def make_directory(self, name: bytes) -> None:
        self._free(name).make_directory(name)

    def make_link(self, name: bytes, target: bytes) -> None:
        self._free(name).make_link(name, target)

    def remove_directory(self, name: bytes) -> None:
        self.holder(name).remove_directory(name)

    def remove_file(self, name: bytes) -> None:
        if name in self._below:
            raise SysError(Errno.ISDIR, "it is a directory")
        self._within.remove_file(name)

    def rename(self, name: bytes, to: Directory, new: bytes) -> None:
        self.holder(name).rename(name, to, new)

    def link(self, name: bytes, to: Directory, new: bytes) -> None:
        self.holder(name).link(name, to, new)

    def set_times(self, name: bytes, accessed: int | None, modified: int | None) -> None:
        point = self._below.get(name)
        if point is None:
            self._within.set_times(name, accessed, modified)
        else:
            point.set_own_times(accessed, modified)

    def set_own_times(self, accessed: int | None, modified: int | None) -> None:
        self._within.set_own_times(accessed, modified)

    def sync(self) -> None:
        self._within.sync()

    def holder(self, name: bytes) -> Directory:
        if name in self._below:
            raise SysError(Errno.BUSY, "something is mounted there")
        return self._within

    def _free(self, name: bytes) -> Directory:
        if name in self._below:
            raise SysError(Errno.EXIST, "it is there already")
        return self._within

    def stand(self) -> Directory:
        self._within.stand().close()
        return self

    def keep(self) -> Directory:
        return self

    def close(self) -> None:
        """Nothing to give back: the namespace holds its mounts."""


class Namespace:
    """The mounts of one program. The last mount under a path hides an earlier one.

    Every process of the program uses it; when the last of them ends, the mounts are given back.

    Attributes:
        root: "/".
        users: the processes' views; `_lock` guards it.
        listings: what their open directories remember.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.users: list[GuestFiles] = []
        self.listings = Listings()
        self._count = 1
        self.root = MountPoint(1)
        self._held: list[Directory] = []

    def mount(self, names: Iterable[bytes], directory: Directory) -> None:
        """Put a directory, which the namespace closes in the end, where these names lead from "/"."""
        point = self.root
        for name in names:
            self._count += 1
            point = point.point(name, self._count)
        point.mount(directory)
        self._held.append(directory)
        if self.root.shortcuts:
            self._find_shortcuts()  # those from before may lead to what is hidden now

    def complete(self) -> None:
        """Everything is mounted, but for what covers all that is there."""
        self._held += self.root.cover()
        self._find_shortcuts()

    def _find_shortcuts(self) -> None:
        self.root.shortcuts = {b"/".join(names): (point.simplest, names) for names, point in self.root.points()}

    def use(self, files: GuestFiles) -> None:
        """One more process uses it."""
        with self._lock:
            self.users.append(files)

    def leave(self, files: GuestFiles) -> None:
        """A process that used it ended."""
        with self._lock:
            self.users.remove(files)
            last = not self.users
        if last:
            self.close()

    def close(self) -> None:
        """Give every mount back."""
        while self._held:
            self._held.pop().close()
