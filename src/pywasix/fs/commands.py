"""/bin as programs see it that were given commands: a file for each, beside what is there anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pywasix.abi.enums import FileType
from pywasix.errors import SysError
from pywasix.fs.archive import Stored, new_budget
from pywasix.fs.mounts import MountPoint, Namespace
from pywasix.fs.node import Directory, Entry, Opening, Redirect
from pywasix.fs.tree import Tree
from pywasix.kernel.file import File, FileStatus

_DEVICE = 1 << 7
_BIN = b"bin"


class CommandDirectory(Tree):
    """Commands, in front of another directory.

    Args:
        commands: the size of each file and what reads it.
        within: the other directory, closed with this one; None when there is none.
    """

    def __init__(self, commands: Mapping[bytes, tuple[int, Callable[[], bytes]]], within: Directory | None) -> None:
        super().__init__(1, _DEVICE)
        self._within = within
        budget = new_budget()
        for number, (name, (size, read)) in enumerate(commands.items(), 2):
            status = FileStatus(device=_DEVICE, inode=number, size=size, filetype=FileType.REGULAR_FILE)
            self.children[name] = Stored(status, budget, read)

    def inspect(self, name: bytes) -> FileStatus:
        if name in self.children or self._within is None:
            return super().inspect(name)
        return self._within.inspect(name)

    def enter(self, name: bytes) -> Directory:
        if name in self.children or self._within is None:
            return super().enter(name)
        return self._within.enter(name)

    def open(self, name: bytes, how: Opening) -> File | Directory | Redirect:
        if name in self.children or self._within is None or how.write or how.create or how.truncate:
            return super().open(name, how)
        return self._within.open(name, how)

    def target(self, name: bytes) -> bytes:
        if name in self.children or self._within is None:
            return super().target(name)
        return self._within.target(name)

    def entries(self) -> Iterable[Entry]:
        yield from super().entries()
        if self._within is not None:
            yield from (each for each in self._within.entries() if each.name not in self.children)

    def close(self) -> None:
        if self._within is not None:
            self._within.close()


def mount_commands(namespace: Namespace, commands: Mapping[bytes, tuple[int, Callable[[], bytes]]]) -> None:
    """Show commands in /bin of a namespace that is complete otherwise."""
    try:
        within: Directory | None = namespace.root.enter(_BIN)
    except SysError:  # there is none, or it is no directory
        within = None
    if isinstance(within, MountPoint):
        within = within.mounted
    namespace.mount([_BIN], CommandDirectory(commands, within))
