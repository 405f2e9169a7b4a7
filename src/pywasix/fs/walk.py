"""Following paths, so that none leads out of what was given.

Backends never follow a symbolic link; it is done here, where ".." and links are held inside. The directories on the
way stay open while the walk is below them: ".." goes back to where the walk came from, whatever was renamed meanwhile.
A walk ends at the directory in which the last name is to be found, so that what is done then is done there.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple, Self

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.fs.node import Directory, IsLink

_MOST_LINKS = 40  # Linux MAXSYMLINKS
_LONGEST_PATH = 4095  # bytes, Linux PATH_MAX without its NUL
_LONGEST_NAME = 255  # bytes, NAME_MAX
_STRIDE = 256  # names that are entered at once; links can make a way of many thousands, and each try looks at all
_DOTS = (b".", b"..")
_SLASH = ord("/")
_SPECIAL = b"./\0"


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


def is_plain(path: bytes) -> bool:
    """Whether nothing in a path needs a look of its own: it is relative and made of names alone, none of them too long.

    Names that begin with a dot are not worth telling "." and ".." apart here.
    """
    return (
        0 < len(path) <= _LONGEST_NAME
        and path[0] not in _SPECIAL
        and path[-1] != _SLASH
        and b"/." not in path
        and b"//" not in path
        and b"\0" not in path
    )


Place = tuple[Directory, bytes, tuple[bytes, ...], bool]
"""Where the last name of a path is to be found: the directory, that name, the names from "/" to the directory, and
whether the directory was entered for this, to be closed by who has asked. A bare tuple, made for nearly every path."""


def simple_place(start: Start, path: bytes) -> Place | None:
    """Where a path leads that takes one step to the directory of its last name, as nearly all do.

    None for a path that is not as simple as that, or not right; a walk finds out. The way over mount points alone is
    remembered, because these never change. No other one is: what was a directory a moment ago may be elsewhere now.
    """
    prefix, slash, name = path.rpartition(b"/")
    if not name or name in _DOTS or b"\0" in path or len(name) > _LONGEST_NAME:
        return None
    if not slash:
        return start.directory, name, start.names, False
    shortcut = start.directory.shortcuts.get(prefix)
    if shortcut is not None:
        return shortcut[0], name, shortcut[1], False
    if not is_plain(path):
        return None
    names = prefix.split(b"/")
    shortcut = start.directory.shortcuts.get(names[0])
    found = start.directory.descend(names) if shortcut is None else shortcut[0].descend(names[1:])
    return None if found is None else (found, name, (*start.names, *names), True)


_Step = tuple[Directory, tuple[bytes, ...]]
"""A directory on the way, and the names that led there from the one before."""


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
        self._start = start
        self._held: list[Directory] = []
        self._links = 0
        self._trail: list[_Step] = []
        self.directory = start.directory
        self.slash = False
        self._names: deque[bytes] = deque()
        if self._in_one_stride(path):
            return
        check_path(path)
        self._begin(path)
        try:
            self._advance()
        except BaseException:
            self._close()
            raise

    def _in_one_stride(self, path: bytes) -> bool:
        """Go to the directory of the last name at once, as nearly all paths let it be done."""
        place = simple_place(self._start, path)
        if place is None:
            return False
        directory, name, names, entered = place
        between = names[len(self._start.names) :]
        if entered:
            self._push(directory, between)
        elif between:
            self._trail.append((directory, between))
            self.directory = directory
        self.name = self.last = name
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._close()

    def _close(self) -> None:
        while self._held:
            self._held.pop().close()

    @property
    def names(self) -> tuple[bytes, ...]:
        """The names from "/" to `directory`."""
        trail = self._trail
        from_root = bool(trail) and trail[0][0] is self._start.root
        names = [] if from_root else list(self._start.names)
        for _, between in trail:
            names += between
        return tuple(names)

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
        self._trail = [(root, ())]
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
        """Enter all directories but the last name at once, if these are plain names and nothing is in the way.

        Of very many it enters the first ones.
        """
        names = tuple(islice(self._names, min(_STRIDE, len(self._names) - 1)))
        if any(name in _DOTS or len(name) > _LONGEST_NAME for name in names):
            return False
        found = self.directory.descend(names)
        if found is None:
            return False
        self._push(found, names)
        for _ in names:
            self._names.popleft()
        return True

    def _step(self, name: bytes) -> None:
        try:
            found = self.directory.enter(name)
        except SysError as error:
            if error.errno is not Errno.NOTDIR:
                raise
            found = None
        if found is None:
            self._follow(name, Errno.NOTDIR)
        else:
            self._push(found, (name,))

    def _push(self, directory: Directory, names: tuple[bytes, ...]) -> None:
        self._held.append(directory)
        self._trail.append((directory, names))
        self.directory = directory

    def _go_up(self) -> None:
        if not self._trail:
            self._leave_start()
        elif self._trail[-1][1]:
            left, names = self._trail.pop()
            if self._held and self._held[-1] is left:
                self._held.pop().close()  # nothing leads back to it, and a long way should not take many descriptors
            self.directory = self._trail[-1][0] if self._trail else self._start.directory
            self._enter_again(names[:-1])  # it may have been one stride: one less
        # else the root, which is its own parent

    def _enter_again(self, names: tuple[bytes, ...]) -> None:
        """Enter what were directories before. Errors: NOENT one of them is none any more; as `Directory.enter`.

        No link is followed: who put one there has moved the directory away, and where it leads is not above it.
        """
        for first in range(0, len(names), _STRIDE):
            some = names[first : first + _STRIDE]
            found = self.directory.descend(some)
            if found is not None:
                self._push(found, some)
                continue
            for name in some:
                try:
                    found = self.directory.enter(name)
                except SysError as error:
                    raise (_moved() if error.errno is Errno.NOTDIR else error) from None
                self._push(found, (name,))

    def _leave_start(self) -> None:
        """ ".." of the directory that the path began at: where it was opened, if it still is there."""
        start = self._start
        if start.root is None:
            raise SysError(Errno.PERM, '".." leads out of the directory')
        identity = start.directory.status()[:2]
        self._go_to_root()
        self._enter_again(start.names)
        if self.directory.status()[:2] != identity:
            raise _moved()
        self._go_up()

    def follow(self, otherwise: Errno = Errno.LOOP) -> None:
        """The last name is a symbolic link: go on to the last name of where it points.

        Args:
            otherwise: the error when it is no link, or none any more: LOOP or NOTDIR.
        Errors: as the constructor.
        """
        self._follow(self.name, otherwise)
        self._advance()

    def _follow(self, name: bytes, otherwise: Errno) -> None:
        try:
            target = self.directory.target(name)
        except SysError as error:
            if error.errno is not Errno.INVAL:
                raise
            # Made here and in no variable: an error that a frame of its own holds keeps the walk's directories open.
            raise _no_link(name, otherwise) from None
        self._links += 1
        if self._links > _MOST_LINKS:
            raise SysError(Errno.LOOP, f"more than {_MOST_LINKS} symbolic links")
        if not target:
            raise SysError(Errno.NOENT, "a symbolic link to nothing")
        self._begin(target)


def _no_link(name: bytes, errno: Errno) -> SysError:
    return IsLink() if errno is Errno.LOOP else SysError(errno, f"{quoted(name)} is no directory")


def _moved() -> SysError:
    return SysError(Errno.NOENT, "the directory was moved or removed")
