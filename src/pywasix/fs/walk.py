"""Following paths, one name at a time, so that none leads out of what was given.

Backends never follow a symbolic link; it is done here, where ".." and links are held inside. The directories on the
way stay open until the walk ends: ".." goes back to where the walk came from, whatever was renamed meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.node import Node

_MOST_LINKS = 40  # Linux MAXSYMLINKS
_LONGEST_PATH = 4095  # bytes, Linux PATH_MAX without its NUL
_LONGEST_NAME = 255  # bytes, NAME_MAX


class Start(NamedTuple):
    """Where paths begin.

    Attributes:
        directory: relative paths begin here, and ".." does not leave it.
        root: absolute paths and links begin here; None refuses them (preview1: a path stays below its directory).
    """

    directory: Node
    root: Node | None


def names_after(names: tuple[bytes, ...], path: bytes) -> bytes:
    """The absolute path that a relative one means in the directory with these names; an absolute one stays."""
    return path if path.startswith(b"/") else b"/" + b"/".join((*names, path))


@contextmanager
def resolved(start: Start, path: bytes, *, follow: bool) -> Iterator[Node]:
    """The node that a path names; it stays open inside of the `with` only (`Node.keep` holds it longer).

    Args:
        follow: when the last name is a symbolic link, go on to what it points to.
    Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; PERM the path leads out; ACCES; INVAL a NUL byte.
    """
    _check(path)
    with ExitStack() as held:
        walk = _Walk(start, held, path)
        while walk.names:
            walk.step(follow=follow)
        yield walk.end()


def real_names(root: Node, path: bytes) -> tuple[bytes, ...]:
    """The names on the way from the root to a directory, without links and dots. Errors: as `resolved`; NOTDIR."""
    _check(path)
    with ExitStack() as held:
        walk = _Walk(Start(root, root), held, path)
        while walk.names:
            walk.step(follow=True)
        if walk.end().filetype is not FileType.DIRECTORY:
            raise SysError(Errno.NOTDIR, "it is no directory")
        return tuple(walk.names_here)


def _check(path: bytes) -> None:
    if not path:
        raise SysError(Errno.NOENT, "an empty path names nothing")
    if b"\0" in path:
        raise SysError(Errno.INVAL, "a path has no NUL byte")
    if len(path) > _LONGEST_PATH:
        raise SysError(Errno.NAMETOOLONG, f"a path has at most {_LONGEST_PATH} bytes")


class _Walk:
    """A walk under way: the nodes from the start to here, and the names still to follow."""

    def __init__(self, start: Start, held: ExitStack, path: bytes) -> None:
        self._start = start
        self._held = held
        self._links = 0
        self._trail: list[Node] = []
        self.names_here: list[bytes] = []
        self.names: deque[bytes] = deque()
        self._must_be_directory = False
        self._begin(path)

    def _begin(self, path: bytes) -> None:
        """Put the names of a path, or of a link's target, before those still to follow."""
        if path.startswith(b"/"):
            if self._start.root is None:
                raise SysError(Errno.PERM, "an absolute path leads out of the directory")
            self._trail = [self._start.root]
            self.names_here.clear()
        elif not self._trail:
            self._trail = [self._start.directory]
        names = [name for name in path.split(b"/") if name]
        if path.endswith((b"/", b"/.")) and not self.names:
            self._must_be_directory = True
        self.names.extendleft(reversed(names))

    def step(self, *, follow: bool) -> None:
        """Follow one name."""
        name = self.names.popleft()
        here = self._trail[-1]
        if here.filetype is not FileType.DIRECTORY:
            raise SysError(Errno.NOTDIR, "a name below what is no directory")
        if name == b".":
            return
        if name == b"..":
            self._go_up()
            return
        if len(name) > _LONGEST_NAME:
            raise SysError(Errno.NAMETOOLONG, f"a name has at most {_LONGEST_NAME} bytes")
        node = here.child(name)
        self._held.callback(node.close)
        last = not self.names
        if node.filetype is FileType.SYMBOLIC_LINK and (not last or follow or self._must_be_directory):
            self._follow(node)
        else:
            self._trail.append(node)
            self.names_here.append(name)

    def _go_up(self) -> None:
        if len(self._trail) > 1:
            self._trail.pop()
            self.names_here.pop()
        elif self._trail[0] is not self._start.root:  # the root is its own parent
            raise SysError(Errno.PERM, '".." leads out of the directory')

    def _follow(self, link: Node) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise SysError(Errno.LOOP, f"more than {_MOST_LINKS} symbolic links")
        target = link.target()
        if not target:
            raise SysError(Errno.NOENT, "a symbolic link to nothing")
        self._begin(target)

    def end(self) -> Node:
        """The node at the end of the path."""
        found = self._trail[-1]
        if self._must_be_directory and found.filetype is not FileType.DIRECTORY:
            raise SysError(Errno.NOTDIR, 'a path that ends in "/" names a directory')
        return found
