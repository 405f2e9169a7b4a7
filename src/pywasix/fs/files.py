"""The file system as one process sees it: the program's namespace, and a working directory.

Paths of system calls begin at a descriptor. Those of `chdir`, of a program to be run and of its script
begin at the working directory, or at "/".
"""

from __future__ import annotations

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.mounts import Namespace
from pywasix.fs.walk import Start, names_after, real_names, resolved
from pywasix.kernel.file import File

_PIECE = 1 << 20  # bytes


class GuestFiles:
    """`kernel.process.ProcessFiles`: a namespace that all processes of a program share, and where this one stands.

    Args:
        namespace: it counts this process as a user until `close`.
    """

    def __init__(self, namespace: Namespace) -> None:
        namespace.use()
        self.namespace = namespace
        self._names: tuple[bytes, ...] = ()
        self._closed = False

    @classmethod
    def without_mounts(cls) -> GuestFiles:
        """For a program that was given no files."""
        return cls(Namespace())

    def copy(self) -> GuestFiles:
        """The same namespace and working directory, for a child."""
        found = GuestFiles(self.namespace)
        found._names = self._names
        return found

    def close(self) -> None:
        """The process ended."""
        if not self._closed:
            self._closed = True
            self.namespace.leave()

    def getcwd(self) -> bytes:
        """The absolute path of the working directory."""
        return b"/" + b"/".join(self._names)

    def chdir(self, path: bytes) -> None:
        """Change the working directory. Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; ACCES; INVAL a NUL byte."""
        self._names = real_names(self.namespace.root, self.absolute(path))

    def absolute(self, path: bytes) -> bytes:
        """What a path means from the working directory. Errors: NOENT an empty path."""
        if not path:
            raise SysError(Errno.NOENT, "an empty path names nothing")
        return names_after(self._names, path)

    def read_program(self, path: bytes, limit: int = 1 << 30) -> bytes:
        """All bytes of a file, for running it: a module, or a script that begins with "#!".

        Args:
            path: absolute, or relative to the working directory.
            limit: more bytes than this are NOMEM.
        Errors: as execve(2): NOENT; NOTDIR; ACCES no regular file, or not to be read; LOOP; NAMETOOLONG; NOMEM;
            MFILE, NFILE of the host.
        """
        root = self.namespace.root
        with resolved(Start(root, root), self.absolute(path), follow=True) as node:
            if node.filetype is not FileType.REGULAR_FILE:
                raise SysError(Errno.ACCES, "only a regular file can be run")
            file = node.open()
        try:
            return _content(file, limit)
        finally:
            file.close()


def _content(file: File, limit: int) -> bytes:
    found = bytearray()
    piece = bytearray(_PIECE)
    while count := file.read_at([memoryview(piece)], len(found)):
        found += piece[:count]
        if len(found) > limit:
            raise SysError(Errno.NOMEM, f"a program of more than {limit} bytes")
    return bytes(found)
