"""The file system as one process sees it: the program's namespace, and a working directory.

Paths of system calls begin at a descriptor. Those of `chdir`, of a program to be run and of its script
begin at the working directory, or at "/".
"""

from __future__ import annotations

from threading import RLock

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.mounts import Namespace
from pywasix.fs.node import READING, Directory, Opening, Redirect
from pywasix.fs.operations import Moved, open_path, stand_at, status_of_path
from pywasix.fs.walk import Start
from pywasix.kernel.file import File

_LARGEST_PROGRAM = 256 << 20  # bytes; the largest that are published have 100 MiB
_PIECE = 1 << 20  # bytes
_DIRECTORY = Opening(directory=True)


class GuestFiles:
    """`kernel.process.ProcessFiles`: a namespace that all processes of a program share, and where this one stands.

    Args:
        namespace: it has this process as a user until `close`.

    Attributes:
        has_moved: the working directory is another one than "/"; asked by every call with a path.

    `_lock` guards where it stands. A directory that was left closes itself when no thread walks from it any more.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._lock = RLock()
        self.namespace = namespace
        self._names: tuple[bytes, ...] = ()
        self.has_moved = False
        self._directory: Directory = namespace.root
        self._closed = False
        namespace.use(self)

    def copy(self) -> GuestFiles:
        """The same namespace and working directory, for a child. Errors: MFILE, NFILE of the host."""
        with self._lock:
            directory, names = self._directory.keep(), self._names
        found = GuestFiles(self.namespace)
        found._stand(directory, names)
        return found

    def _stand(self, directory: Directory, names: tuple[bytes, ...]) -> None:
        self._directory, self._names = directory, names
        self.has_moved = bool(names)

    def close(self) -> None:
        """The process ended."""
        if not self._closed:
            self._closed = True
            self._directory.close()
            self.namespace.leave(self)

    def open(self, path: bytes, how: Opening) -> File | Redirect:
        """Open what a path means from the working directory. Errors: as `operations.open_path`."""
        with self._lock:
            return open_path(Start(self._directory, self._names, self.namespace.root), path, how, follow=True)

    def start(self) -> Start:
        """Where paths begin. The directory stays open for who has this, whoever changes it meanwhile."""
        with self._lock:
            return Start(self._directory, self._names, self.namespace.root)

    def getcwd(self) -> bytes:
        """The absolute path of the working directory. Errors: NOENT it was removed, or moved by somebody else."""
        with self._lock:
            path = b"/" + b"/".join(self._names)
            if self._names:
                root = self.namespace.root
                found = status_of_path(Start(root, (), root), path, follow=False)
                if found[:2] != self._directory.status()[:2]:
                    raise SysError(Errno.NOENT, "the working directory was moved or removed")
            return path

    def chdir(self, path: bytes) -> None:
        """Change the working directory.

        Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; ACCES; INVAL a NUL byte; MFILE, NFILE of the host.
        """
        with self._lock:
            found = stand_at(Start(self._directory, self._names, self.namespace.root), path)
        self._move(found.directory, found.names)

    def enter(self, directory: DirectoryFile) -> None:
        """Make an open directory the working directory (fchdir). Errors: ACCES; MFILE, NFILE of the host."""
        self._move(directory.start.directory.stand(), directory.start.names)

    def directory(self, path: bytes) -> Directory:
        """A directory that can be listed, for somebody who closes it. Errors: as `chdir`."""
        file = self.open(path, _DIRECTORY)
        assert isinstance(file, DirectoryFile), "it was to be a directory"
        return file.start.directory

    def keep_directory(self) -> Directory:
        """The working directory, for somebody who closes it on his own. Errors: MFILE, NFILE of the host."""
        with self._lock:
            return self._directory.keep()

    def _move(self, directory: Directory, names: tuple[bytes, ...]) -> None:
        with self._lock:
            self._stand(directory, names)

    def moved(self, change: Moved) -> None:
        """A process of the program renamed something: whoever stands in it or below has another path now."""
        before, after = change
        for each in list(self.namespace.users):
            if each._names[: len(before)] == before:
                each._names = after + each._names[len(before) :]

    def read_program(self, path: bytes, limit: int = _LARGEST_PROGRAM) -> bytes:
        """All bytes of a file, for running it: a module, or a script that begins with "#!".

        Args:
            path: absolute, or relative to the working directory.
            limit: more bytes than this are NOMEM.
        Errors: as execve(2): NOENT; NOTDIR; ACCES no regular file, or not to be read; LOOP; NAMETOOLONG; NOMEM;
            MFILE, NFILE of the host.
        """
        try:
            file = self.open(path, READING)
        except SysError as error:
            if error.errno is Errno.NOTSUP:
                raise _no_program() from None
            raise
        if isinstance(file, Redirect):
            raise _no_program()
        try:
            return _content(file, limit)
        finally:
            file.close()


def _no_program() -> SysError:
    return SysError(Errno.ACCES, "only a regular file can be run")


def _content(file: File, limit: int) -> bytes:
    if file.filetype is not FileType.REGULAR_FILE:
        raise _no_program()
    if file.status().size > limit:  # a file with holes costs its owner nothing, and takes the host's memory when read
        raise SysError(Errno.NOMEM, f"a program of more than {limit} bytes")
    found = bytearray()
    piece = bytearray(_PIECE)
    while count := file.read_at([memoryview(piece)], len(found)):
        found += piece[:count]
        if len(found) > limit:
            raise SysError(Errno.NOMEM, f"a program of more than {limit} bytes")
    return bytes(found)
