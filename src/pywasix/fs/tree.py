"""Directories that exist in memory and never change: those of archives and devices, and those that lead to mounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.fs.node import NO_SHORTCUTS, Directory, Entry, Opening, Redirect, check_directory, check_file, no_name
from pywasix.kernel.file import File, FileStatus


class Leaf:
    """A file, a link or a device of a tree."""

    def status(self) -> FileStatus:
        """What stat tells."""
        raise AssertionError("a leaf has a status")

    def target(self) -> bytes:
        """Where it points. Errors: INVAL it is no symbolic link."""
        raise SysError(Errno.INVAL, "it is no symbolic link")

    def open(self, how: Opening) -> File | Redirect:
        """Open it. Errors: as `Directory.open`."""
        check_file(self.status().filetype, how)
        raise SysError(Errno.NOTSUP, "it cannot be opened")


class Tree:
    """A directory whose entries are known; every change is ROFS.

    Args:
        number: its inode number.
        device: the number that tells file systems apart.
        modified: its times, in ns.
    """

    shortcuts = NO_SHORTCUTS

    def __init__(self, number: int, device: int = 0, modified: int = 0) -> None:
        self._status = FileStatus(
            device=device,
            inode=number,
            accessed=modified,
            modified=modified,
            changed=modified,
            filetype=FileType.DIRECTORY,
        )
        self.children: dict[bytes, Tree | Leaf] = {}

    def status(self) -> FileStatus:
        return self._status

    def _child(self, name: bytes) -> Tree | Leaf:
        try:
            return self.children[name]
        except KeyError:
            raise no_name(name) from None

    def inspect(self, name: bytes) -> FileStatus:
        return self._child(name).status()

    def enter(self, name: bytes) -> Directory:
        child = self._child(name)
        if isinstance(child, Leaf):
            raise SysError(Errno.NOTDIR, f"{quoted(name)} is no directory")
        return child

    def descend(self, names: Sequence[bytes]) -> Directory | None:
        return None

    def open(self, name: bytes, how: Opening) -> File | Directory | Redirect:
        child = self.children.get(name)
        if child is None:
            if how.create:
                self._refuse()
            raise no_name(name)
        if isinstance(child, Leaf):
            return child.open(how)
        check_directory(how)
        return child

    def reopen(self) -> Directory:
        return self

    def entries(self) -> Iterable[Entry]:
        for name, child in self.children.items():
            status = child.status()
            yield Entry(name, status.inode, status.filetype)

    def target(self, name: bytes) -> bytes:
        child = self._child(name)
        if isinstance(child, Leaf):
            return child.target()
        raise SysError(Errno.INVAL, "it is no symbolic link")

    def make_directory(self, name: bytes) -> None:
        self._refuse_new(name)

    def make_link(self, name: bytes, target: bytes) -> None:
        self._refuse_new(name)

    def remove_directory(self, name: bytes) -> None:
        self._refuse()

    def remove_file(self, name: bytes) -> None:
        self._refuse()

    def rename(self, name: bytes, to: Directory, new: bytes) -> None:
        self._child(name)
        if to.holder(new) is not self:
            raise SysError(Errno.XDEV, "it would leave its file system")
        self._refuse()

    def link(self, name: bytes, to: Directory, new: bytes) -> None:
        self.rename(name, to, new)

    def set_times(self, name: bytes, accessed: int | None, modified: int | None) -> None:
        self._refuse()

    def set_own_times(self, accessed: int | None, modified: int | None) -> None:
        self._refuse()

    def sync(self) -> None:
        """Nothing is to be written."""

    def holder(self, name: bytes) -> Directory:
        return self

    def stand(self) -> Directory:
        return self

    def keep(self) -> Directory:
        return self

    def close(self) -> None:
        """Whoever made the tree holds it."""

    def _refuse_new(self, name: bytes) -> NoReturn:
        if name in self.children:
            raise SysError(Errno.EXIST, "it is there already")
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise SysError(Errno.ROFS, "it cannot be changed")
