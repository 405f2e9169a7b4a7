"""Directories in memory: gone with the program, and limited, so that no guest takes the host's memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import RLock
from time import time_ns

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.fs.content import Content
from pywasix.fs.memory_file import MemoryFile
from pywasix.fs.node import NO_SHORTCUTS, NOW, Directory, Entry, Opening, check_directory, check_file, no_name
from pywasix.kernel.file import File, FileStatus, file_status_of

DEFAULT_SIZE = 64 << 20  # bytes
_OBJECT, _NAME = 512, 128  # bytes that an object and each name of it count beside its content and the text
_MOST_LINKS = 65000  # of a file, as ext4


class MemoryVolume:
    """One file system in memory.

    Attributes:
        lock: guards everything in it, down to the content of its files.

    Args:
        size: bytes of content, names and objects that it takes; more are NOSPC.
        device: the number that tells file systems apart.
    """

    def __init__(self, size: int = DEFAULT_SIZE, device: int = 0) -> None:
        self.lock = RLock()
        self.device = device
        self._size = size
        self._used = 0
        self._last_number = 1
        self.root = MemoryDirectory(self, None)

    def take(self, size: int) -> None:
        """Use so many bytes more; a negative number gives some back. Errors: NOSPC."""
        if size > 0 and self._used + size > self._size:
            raise SysError(Errno.NOSPC, f"the directory in memory is full: it has {self._size} bytes (--tmpfs)")
        self._used += size

    def check_room(self, size: int) -> None:
        """Errors: NOSPC so many bytes could not be taken."""
        if size > self._size - self._used:
            raise SysError(Errno.NOSPC, "the directory in memory has no room for that")

    @property
    def used(self) -> int:
        """Bytes in use."""
        return self._used

    def number(self) -> int:
        """An inode number that no object had before."""
        self._last_number += 1
        return self._last_number


class _Object:
    """What a directory in memory holds."""

    filetype: FileType

    def __init__(self, volume: MemoryVolume) -> None:
        self.volume = volume
        self.number = volume.number()
        self.links = 1
        self.accessed = self.modified = self.changed = time_ns()

    size_of_target = 0

    @property
    def size(self) -> int:
        """Bytes, as stat tells them."""
        return 0

    def status(self) -> FileStatus:
        """What stat tells."""
        return file_status_of(
            (
                self.volume.device,
                self.number,
                self.links,
                self.size,
                self.accessed,
                self.modified,
                self.changed,
                self.filetype,
            )
        )

    def touch(self) -> None:
        """It was changed now."""
        self.modified = self.changed = time_ns()

    def stamp(self, accessed: int | None, modified: int | None) -> None:
        """Set its time stamps, in ns; `NOW`; None keeps one."""
        now = self.changed = time_ns()
        if accessed is not None:
            self.accessed = now if accessed == NOW else accessed
        if modified is not None:
            self.modified = now if modified == NOW else modified

    def unlinked(self) -> None:
        """A name of it is gone."""
        self.links -= 1
        self.changed = time_ns()
        if not self.links:
            self.release()

    def release(self) -> None:
        """Give its room back, if nothing needs it any more."""
        self.volume.take(-_OBJECT - self.size_of_target)


class _Link(_Object):
    filetype = FileType.SYMBOLIC_LINK

    def __init__(self, volume: MemoryVolume, target: bytes) -> None:
        super().__init__(volume)
        self.target = target
        self.size_of_target = len(target)

    @property
    def size(self) -> int:
        return len(self.target)


class MemoryRegular(_Object):
    """A file; its content lives while it has a name or is open."""

    filetype = FileType.REGULAR_FILE

    def __init__(self, volume: MemoryVolume) -> None:
        super().__init__(volume)
        self.content = Content(volume.take)
        self.opened = 0

    @property
    def size(self) -> int:
        return self.content.size

    def release(self) -> None:
        if not self.links and not self.opened:
            self.content.resize(0)
            super().release()


class MemoryDirectory(_Object):
    """A directory in memory. All of its calls hold the volume's lock."""

    filetype = FileType.DIRECTORY

    shortcuts = NO_SHORTCUTS

    def __init__(self, volume: MemoryVolume, parent: MemoryDirectory | None) -> None:
        super().__init__(volume)
        self._children: dict[bytes, _Object] = {}
        self.parent = parent
        self.links = 2

    def _child(self, name: bytes) -> _Object:
        try:
            return self._children[name]
        except KeyError:
            raise no_name(name) from None

    def inspect(self, name: bytes) -> FileStatus:
        with self.volume.lock:
            return self._child(name).status()

    def enter(self, name: bytes) -> Directory:
        child = self._child(name)
        if isinstance(child, MemoryDirectory):
            return child
        raise SysError(Errno.NOTDIR, f"{quoted(name)} is no directory")

    def descend(self, names: Sequence[bytes]) -> Directory | None:
        here: _Object | None = self
        for name in names:
            if not isinstance(here, MemoryDirectory):
                return None
            here = here._children.get(name)
        return here if isinstance(here, MemoryDirectory) else None

    def open(self, name: bytes, how: Opening) -> File | Directory:
        with self.volume.lock:
            child = self._children.get(name)
            if child is None:
                if not how.create:
                    raise no_name(name)
                child = MemoryRegular(self.volume)
                self._add(name, child)
            elif isinstance(child, MemoryDirectory):
                check_directory(how)
                return child
            else:
                check_file(child.filetype, how)
            assert isinstance(child, MemoryRegular), "a directory in memory has regular files, links and directories"
            if how.truncate:
                child.content.resize(0)
                child.touch()
            return MemoryFile(child, how)

    def reopen(self) -> Directory:
        return self

    def entries(self) -> Iterable[Entry]:
        with self.volume.lock:
            return [Entry(name, each.number, each.filetype) for name, each in self._children.items()]

    def target(self, name: bytes) -> bytes:
        child = self._child(name)
        if isinstance(child, _Link):
            return child.target
        raise SysError(Errno.INVAL, "it is no symbolic link")

    def make_directory(self, name: bytes) -> None:
        with self.volume.lock:
            self._add_new(name, MemoryDirectory(self.volume, self))
            self.links += 1

    def make_link(self, name: bytes, target: bytes) -> None:
        with self.volume.lock:
            self._add_new(name, _Link(self.volume, target))

    def _add_new(self, name: bytes, child: _Object) -> None:
        if name in self._children:
            raise SysError(Errno.EXIST, "it is there already")
        self._add(name, child)

    def _add(self, name: bytes, child: _Object) -> None:
        """Give a new object its first name."""
        if self.links == 0:
            raise SysError(Errno.NOENT, "the directory was removed")
        self.volume.take(_OBJECT + child.size_of_target + _NAME + len(name))
        self._children[name] = child
        self.touch()

    def remove_directory(self, name: bytes) -> None:
        with self.volume.lock:
            child = self._child(name)
            if not isinstance(child, MemoryDirectory):
                raise SysError(Errno.NOTDIR, "it is no directory")
            child.check_empty()
            self._drop(name)

    def check_empty(self) -> None:
        """Errors: NOTEMPTY."""
        if self._children:
            raise SysError(Errno.NOTEMPTY, "it is not empty")

    def remove_file(self, name: bytes) -> None:
        with self.volume.lock:
            if isinstance(self._child(name), MemoryDirectory):
                raise SysError(Errno.ISDIR, "it is a directory")
            self._drop(name)

    def _drop(self, name: bytes) -> None:
        """Take a name away, and what only it named."""
        child = self._children.pop(name)
        self.volume.take(-_NAME - len(name))
        self.touch()
        if isinstance(child, MemoryDirectory):
            self.links -= 1
            child.links = 1  # "." goes with the last name
        child.unlinked()

    def rename(self, name: bytes, to: Directory, new: bytes) -> None:
        there = self._same_volume(to, new)
        with self.volume.lock:
            child = self._child(name)
            before = there._children.get(new)
            if before is child:
                return  # two names of one file: POSIX keeps both
            if self._is_below(before):
                raise SysError(Errno.NOTEMPTY, "what is moved is in it")
            there._check_target(child, before)
            if before is not None:
                there._drop(new)
            self.volume.take(len(new) - len(name))  # finds room in any case when the name was there before
            there._children[new] = self._children.pop(name)
            if isinstance(child, MemoryDirectory):
                self.links -= 1
                there.links += 1
                child.parent = there
            for each in (self, there):
                each.touch()
            child.changed = time_ns()

    def _is_below(self, other: _Object | None) -> bool:
        """It is that directory, or in it."""
        above: MemoryDirectory | None = self
        while above is not None and above is not other:
            above = above.parent
        return above is not None

    def _check_target(self, child: _Object, before: _Object | None) -> None:
        """Whether something may be moved here, over what has its name. Errors: INVAL; ISDIR; NOTDIR; NOTEMPTY."""
        if self.links == 0:
            raise SysError(Errno.NOENT, "the directory was removed")
        if self._is_below(child):
            raise SysError(Errno.INVAL, "a directory cannot be moved into itself")
        if isinstance(before, MemoryDirectory):
            if not isinstance(child, MemoryDirectory):
                raise SysError(Errno.ISDIR, "a directory has that name")
            before.check_empty()
        elif before is not None and isinstance(child, MemoryDirectory):
            raise SysError(Errno.NOTDIR, "something that is no directory has that name")

    def link(self, name: bytes, to: Directory, new: bytes) -> None:
        there = self._same_volume(to, new)
        with self.volume.lock:
            child = self._child(name)
            if new in there._children:
                raise SysError(Errno.EXIST, "it is there already")
            if isinstance(child, MemoryDirectory):
                raise SysError(Errno.PERM, "a directory has one name")
            if child.links >= _MOST_LINKS:
                raise SysError(Errno.MLINK, f"a file has at most {_MOST_LINKS} names")
            if there.links == 0:
                raise SysError(Errno.NOENT, "the directory was removed")
            self.volume.take(_NAME + len(new))
            there._children[new] = child
            child.links += 1
            child.changed = time_ns()
            there.touch()

    def _same_volume(self, to: Directory, new: bytes) -> MemoryDirectory:
        there = to.holder(new)
        if not isinstance(there, MemoryDirectory) or there.volume is not self.volume:
            raise SysError(Errno.XDEV, "it would leave its file system")
        return there

    def set_times(self, name: bytes, accessed: int | None, modified: int | None) -> None:
        with self.volume.lock:
            self._child(name).stamp(accessed, modified)

    def set_own_times(self, accessed: int | None, modified: int | None) -> None:
        with self.volume.lock:
            self.stamp(accessed, modified)

    def sync(self) -> None:
        """Nothing is anywhere else."""

    def holder(self, name: bytes) -> Directory:
        return self

    def stand(self) -> Directory:
        return self

    def keep(self) -> Directory:
        return self

    def close(self) -> None:
        """The volume holds it."""
