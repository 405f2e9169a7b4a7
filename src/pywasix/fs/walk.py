"""Following paths, so that none leads out of what was given.

Backends never follow a symbolic link; it is done here, where ".." and links are held inside. The directories on the
way stay open until the walk ends: ".." goes back to where the walk came from, whatever was renamed meanwhile. A walk
ends at the directory in which the last name is to be found, so that what is done then is done there.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Self

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.node import Directory, IsLink

_MOST_LINKS = 40  # Linux MAXSYMLINKS
_LONGEST_PATH = 4095  # bytes, Linux PATH_MAX without its NUL
_LONGEST_NAME = 255  # bytes, NAME_MAX
_DOTS = (b".", b"..")


class Start(NamedTuple):
    """Where paths begin.

    Attributes:
        directory: relative paths begin here.
        names: the way to it from "/", as it was when it was opened.
        root: absolute paths and links begin here, and ".." may leave `directory`; None refuses both (preview1: a
            path stays below its directory).
    """

    directory: Directory
    names: tuple[bytes, ...]
    root: Directory | None


def check_path(path: bytes) -> None:
    """Errors: NOENT an empty path; INVAL a NUL byte; NAMETOOLONG."""
    if not path:
        raise SysError(Errno.NOENT, "an empty path names nothing")
    if b"\0" in path:
        raise SysError(Errno.INVAL, "a path has no NUL byte")
    if len(path) > _LONGEST_PATH:
        raise SysError(Errno.NAMETOOLONG, f"a path has at most {_LONGEST_PATH} bytes")


def simple_place(start: Start, path: bytes) -> tuple[Directory, bytes, tuple[bytes, ...]] | None:
    """Where nothing has to be walked: the directory of a path's last name, that name, and the names to the directory.

    None for a path that is not as simple as that, or not right. It may be a single name, or one behind mount points
    alone: these never change, so that the way to them is remembered.
    """
    prefix, slash, name = path.rpartition(b"/")
    if not name or name in _DOTS or b"\0" in path or len(name) > _LONGEST_NAME:
        return None
    if not slash:
        return start.directory, name, start.names
    shortcut = start.directory.shortcuts.get(prefix)
    return None if shortcut is None else (shortcut[0], name, shortcut[1])


class _Step(NamedTuple):
    """A directory on the way, and the names that led there from the one before."""

    directory: Directory
    names: tuple[bytes, ...]


class Walk:
    """The way that a path goes, up to its last name. To be entered: what it opened is closed at its end.

    Attributes:
        directory: where the last name is to be found.
        name: the last name; b"" when the path leads to `directory` itself.
        last: how the path ends, which is `name`, ".", ".." or b"" for "/".
        slash: the path ends in "/", or in "/.": it must name a directory.

    Args:
        path: it is checked. Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; PERM the path leads out; ACCES; INVAL.
    """

    __slots__ = ("_held", "_links", "_names", "_start", "_trail", "directory", "last", "name", "slash")

    def __init__(self, start: Start, path: bytes) -> None:
        check_path(path)
        self._start = start
        self._held: list[Directory] = []
        self._links = 0
        self._trail: list[_Step] = []
        self.directory = start.directory
        self.slash = False
        self._names: deque[bytes] = deque()
        self._begin(path)
        try:
            self._advance()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        while self._held:
            self._held.pop().close()

    @property
    def names(self) -> tuple[bytes, ...]:
        """The names from "/" to `directory`."""
        names = self._trail_names()
        return names if self._at_root() else (*self._start.names, *names)

    def _trail_names(self) -> tuple[bytes, ...]:
        return tuple(name for step in self._trail for name in step.names)

    def _at_root(self) -> bool:
        """The way begins at the root, not at the start's directory."""
        return bool(self._trail) and self._trail[0].directory is self._start.root

    def _begin(self, path: bytes) -> None:
        """Put the names of a path, or of a link's target, before those still to follow."""
        if path.startswith(b"/"):
            self._go_to_root()
        if path.endswith((b"/", b"/.")) and not self._names:
            self.slash = True
        self._names.extendleft(name for name in reversed(path.split(b"/")) if name)

    def _go_to_root(self) -> None:
        root = self._start.root
        if root is None:
            raise SysError(Errno.PERM, "an absolute path leads out of the directory")
        self._trail = [_Step(root, ())]
        self.directory = root

    def _advance(self) -> None:
        """Go on until only one name is left, or none."""
        names = self._names
        while names:
            name = names[0]
            if name in _DOTS:
                names.popleft()
                if name == b"..":
                    self._go_up()
                if not names:
                    self.name, self.last = b"", name
                    return
                continue
            if len(name) > _LONGEST_NAME:
                raise SysError(Errno.NAMETOOLONG, f"a name has at most {_LONGEST_NAME} bytes")
            if len(names) == 1:
                self.name = self.last = names.popleft()
                return
            if len(names) == 2 or not self._stride():
                self._step(names.popleft())
        self.name = self.last = b""

    def _stride(self) -> bool:
        """Enter all directories but the last name at once, if these are plain names and nothing is in the way."""
        names = list(self._names)[:-1]
        if any(name in _DOTS or len(name) > _LONGEST_NAME for name in names):
            return False
        found = self.directory.descend(names)
        if found is None:
            return False
        self._push(found, tuple(names))
        last = self._names.pop()
        self._names.clear()
        self._names.append(last)
        return True

    def _step(self, name: bytes) -> None:
        try:
            found = self.directory.enter(name)
        except SysError as error:
            if error.errno is not Errno.NOTDIR:
                raise
            self._follow(name, otherwise=error)
        else:
            self._push(found, (name,))

    def _push(self, directory: Directory, names: tuple[bytes, ...]) -> None:
        self._held.append(directory)
        self._trail.append(_Step(directory, names))
        self.directory = directory

    def _go_up(self) -> None:
        if not self._trail:
            self._leave_start()
        elif self._trail[-1].names:
            names = self._trail.pop().names
            self.directory = self._trail[-1].directory if self._trail else self._start.directory
            if len(names) > 1:
                self._names.extendleft(reversed(names[:-1]))  # it was one stride: walk again, one less
                self._enter_again(len(names) - 1)
        # else the root, which is its own parent

    def _enter_again(self, count: int) -> None:
        """Walk the next names, of which the first `count` were directories a moment ago."""
        for _ in range(count):
            self._step(self._names.popleft())

    def _leave_start(self) -> None:
        """ ".." of the directory that the path began at: where it was opened, if it still is there."""
        start = self._start
        if start.root is None:
            raise SysError(Errno.PERM, '".." leads out of the directory')
        identity = start.directory.status()[:2]
        self._go_to_root()
        self._names.extendleft(reversed(start.names))
        self._enter_again(len(start.names))
        if self.directory.status()[:2] != identity:
            raise SysError(Errno.NOENT, "the directory was moved or removed")
        self._go_up()

    def follow(self) -> None:
        """The last name is a symbolic link: go on to the last name of where it points. Errors: as the constructor."""
        self._follow(self.name, otherwise=IsLink())
        self._advance()

    def _follow(self, name: bytes, *, otherwise: SysError) -> None:
        try:
            target = self.directory.target(name)
        except SysError as error:
            raise (otherwise if error.errno is Errno.INVAL else error) from None
        self._links += 1
        if self._links > _MOST_LINKS:
            raise SysError(Errno.LOOP, f"more than {_MOST_LINKS} symbolic links")
        if not target:
            raise SysError(Errno.NOENT, "a symbolic link to nothing")
        self._begin(target)
