"""The names of one program's Unix sockets: a namespace of its own, in which no path is a path of the host.

A name is a real one for the operating system, so that queues, refusals and waiting are its own. The socket is bound
inside a directory that is gone before anybody else can look into it; a descriptor of the nameless inode stays, and
whoever connects names that descriptor (`/proc/self/fd/N`, which Linux takes for the inode itself). So nothing is left
in the host's file system, even when the host process is killed, and no other process can reach such a socket.

A path is resolved by its text ("." and "..") from "/", every directory exists, and nothing is there but sockets.
"""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import os
from collections import deque
from itertools import count
from posixpath import normpath
from threading import Lock

from pywasix.abi.codecs import UNIX_PATH_MAX
from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.host.errors import sys_error
from pywasix.host.files import file_status
from pywasix.host.limits import guest_file_limit
from pywasix.kernel.file import FileStatus

_MOST_STALE = 1024  # names without a socket that are remembered, to be refused and to be told as a peer's
_DESCRIPTORS = "/proc/self/fd"
_ROOT = b"/"
_PATH_ONLY = getattr(os, "O_PATH", None)  # Linux


class Name:
    """A name that was bound.

    Attributes:
        number: its own among all names of the program; the last part of what the operating system calls the socket.
        path: as the guest spelled it.
        place: the same, resolved.
        status: what stat tells of it, the name counted.
        door: what the operating system is told to reach the socket, for who has entered.
    """

    __slots__ = ("alive", "fd", "number", "path", "place", "status", "users")

    def __init__(self, number: int, path: bytes, place: bytes, fd: int) -> None:
        self.status = file_status(fd)._replace(links=1)
        self.number = number
        self.path = path
        self.place = place
        self.fd = fd
        self.alive = True
        self.users = 0

    @property
    def door(self) -> str:
        return f"{_DESCRIPTORS}/{self.fd}"


class UnixNames:
    """The names of one program.

    Args:
        most: how many sockets may have one at once: each takes a descriptor of the host's beside its own.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = guest_file_limit() // 2 if most is None else most
        self._alive = 0
        self._names: dict[bytes, Name] = {}  # by place; what connect finds
        self._known: dict[int, Name] = {}  # by number; more than that: an unlinked name is still told
        self._stale: deque[Name] = deque()
        self._numbers = count(1)
        # Guards all of the above and every Name. Held for calls that never wait. Innermost.
        self._lock = Lock()

    def bind(self, opened: socket.socket, path: bytes) -> Name:
        """Give a socket a name.

        A name whose socket is gone may be given again: a guest has no file system to unlink it from.

        Errors: INVAL no path, or the socket has a name; ADDRINUSE; NOBUFS too many names; NOTSUP the host cannot;
            what the host says.
        """
        place = resolved(path)
        if not path:
            raise SysError(Errno.INVAL, "a Unix socket is bound to a path")
        with self._lock:
            known = self._names.get(place)
            if place == _ROOT or (known is not None and known.alive):
                raise SysError(Errno.ADDRINUSE, f"{quoted(path)} is in use")
            if self._alive >= self._most:
                raise SysError(Errno.NOBUFS, f"{self._most} Unix sockets of the program have names")
            number = next(self._numbers)
            name = Name(number, path, place, _bind_hidden(opened, str(number)))
            self._names[place] = self._known[number] = name
            self._alive += 1
            return name

    def enter(self, path: bytes) -> Name:
        """Find a name and keep its door open until `leave`. Errors: NOENT; CONNREFUSED its socket is gone; INVAL."""
        place = resolved(path)
        with self._lock:
            name = self._names.get(place)
            if name is None and path and place != _ROOT:
                raise SysError(Errno.NOENT, f"no socket has the name {quoted(path)}")
            if name is None or not name.alive:
                raise SysError(Errno.CONNREFUSED, f"{quoted(path)} is no open socket")
            name.users += 1
            return name

    def leave(self, name: Name) -> None:
        """The door of a name is not used any more."""
        with self._lock:
            name.users -= 1
            self._shut(name)

    def release(self, name: Name) -> None:
        """The socket of a name is closed."""
        with self._lock:
            if not name.alive:
                return
            name.alive = False
            self._alive -= 1
            self._shut(name)
            self._stale.append(name)
            if len(self._stale) > _MOST_STALE:
                self._forget(self._stale.popleft())

    def unlink(self, path: bytes) -> None:
        """Take a name away; who is connected stays so, and the path is free. Errors: NOENT."""
        with self._lock:
            name = self._names.pop(_place(path), None)
        if name is None:
            raise SysError(Errno.NOENT, f"no socket has the name {quoted(path)}")

    def find(self, path: bytes) -> FileStatus | None:
        """What stat tells of the socket that has a path, one that is closed too; None when none has it."""
        with self._lock:
            name = self._names.get(_place(path))
            return None if name is None else name.status

    def within(self, directory: bytes) -> list[tuple[bytes, FileStatus]]:
        """The names right in a directory, and what stat tells of each."""
        above = directory.rstrip(b"/") + b"/"
        with self._lock:
            found = [(name.place.rpartition(b"/"), name.status) for name in self._names.values()]
        return [(name, status) for (before, _, name), status in found if before + b"/" == above]

    def move(self, path: bytes, new: bytes) -> None:
        """Something has another path now: so have a socket of that name and those below it."""
        with self._lock:
            for place in [each for each in self._names if each == path or each.startswith(path + b"/")]:
                name = self._names.pop(place)
                name.place = new + place[len(path) :]
                self._names[name.place] = name

    def names(self) -> list[bytes]:
        """The resolved paths of all names, those of closed sockets too."""
        with self._lock:
            return sorted(self._names)

    def path_of(self, found: str | bytes | None) -> bytes:
        """What the guest calls a socket, by what the operating system calls it; empty for one without a name."""
        if not found:
            return b""
        number = os.fsdecode(found).rpartition("/")[2]
        name = self._known.get(int(number)) if number.isdecimal() else None
        return b"" if name is None else name.path

    def close(self) -> None:
        """The program ended: every name goes."""
        with self._lock:
            for name in self._known.values():
                name.alive = False
                self._shut(name)
            self._names.clear()
            self._known.clear()
            self._stale.clear()

    def _shut(self, name: Name) -> None:
        """Close the door when nobody needs it: its number may belong to somebody else then."""
        if not name.alive and not name.users and name.fd >= 0:
            os.close(name.fd)
            name.fd = -1

    def _forget(self, name: Name) -> None:
        del self._known[name.number]
        if self._names.get(name.place) is name:
            del self._names[name.place]


def resolved(path: bytes) -> bytes:
    """A path from the root, without ".", ".." and empty parts. Errors: INVAL longer than an address may be."""
    if len(path) > UNIX_PATH_MAX:
        raise SysError(Errno.INVAL, f"the path of a Unix socket has at most {UNIX_PATH_MAX} bytes")
    return _place(path)


def _place(path: bytes) -> bytes:
    """The same for a path that need not fit into an address: a rename may have made it longer."""
    return normpath(_ROOT + path.lstrip(b"/"))


def _bind_hidden(opened: socket.socket, leaf: str) -> int:
    """Bind a socket to a name that is gone at once; returns a descriptor of its inode.

    Errors: NOTSUP; what the host says.
    """
    if _PATH_ONLY is None or not os.path.isdir(_DESCRIPTORS):
        raise SysError(Errno.NOTSUP, "this host cannot name sockets by descriptors (Linux with /proc)")
    try:
        directory = _make_directory()
        try:
            folder = os.open(directory, _PATH_ONLY)
            try:
                # By its descriptor: the name of a directory may be longer than an address of a socket.
                opened.bind(f"{_DESCRIPTORS}/{folder}/{leaf}")
                try:
                    return os.open(leaf, _PATH_ONLY, dir_fd=folder)
                finally:
                    os.unlink(leaf, dir_fd=folder)
            finally:
                os.close(folder)
        finally:
            os.rmdir(directory)
    except OSError as error:
        raise sys_error(error) from None


def _make_directory() -> str:
    """A fresh directory that is ours alone. Not by `tempfile`, which takes longer to load than many a guest runs."""
    refusal: OSError | None = None
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm"):
        if parent:
            directory = f"{parent}/pywasix-{os.urandom(16).hex()}"
            try:
                os.mkdir(directory, 0o700)
            except OSError as error:
                refusal = refusal or error
            else:
                return directory
    assert refusal is not None
    raise refusal
