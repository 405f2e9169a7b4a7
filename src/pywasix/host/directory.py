"""Directories of the host as a read-only file system for guests.

Every step goes through a directory descriptor and never follows a link: what is swapped for a link meanwhile is an
error, not a way out. Devices and FIFOs can be seen, and not opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.fs.directory import FILE_RIGHTS
from pywasix.fs.node import Entry
from pywasix.host.errors import sys_error
from pywasix.host.files import FdChannel, file_type, status_of
from pywasix.kernel.file import File, FileStatus
from pywasix.kernel.stream import StreamFile

_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | _SAFELY


class HostNode:
    """A node of a host directory. A directory has a descriptor of its own; others are named in their parent's.

    Args:
        parent: the descriptor of the directory that it is in.
        found: what lstat(2) told of it.
        fd: the directory's own descriptor, -1 for what is none.
    """

    __slots__ = ("_fd", "_found", "_name", "_parent", "filetype")

    def __init__(self, parent: int, name: bytes, found: os.stat_result, fd: int = -1) -> None:
        self._parent = parent
        self._name = name
        self._found = found
        self._fd = fd
        self.filetype = file_type(found.st_mode)

    def status(self) -> FileStatus:
        if self._fd < 0:
            return status_of(self._found)
        try:
            return status_of(os.fstat(self._fd))
        except OSError as error:
            raise sys_error(error) from None

    def child(self, name: bytes) -> HostNode:
        self._need_directory()
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            if not stat.S_ISDIR(found.st_mode):
                return HostNode(self._fd, name, found)
            return HostNode(self._fd, name, found, os.open(name, _DIRECTORY, dir_fd=self._fd))
        except OSError as error:
            raise sys_error(error) from None

    def entries(self) -> Sequence[Entry]:
        self._need_directory()
        listed = []
        try:
            with os.scandir(self._fd) as found:
                for each in found:
                    listed.append(Entry(os.fsencode(each.name), each.inode(), _type_of(each)))
        except OSError as error:
            raise sys_error(error) from None
        return listed

    def target(self) -> bytes:
        if self.filetype is not FileType.SYMBOLIC_LINK:
            raise SysError(Errno.INVAL, "it is no symbolic link")
        try:
            return os.readlink(self._name, dir_fd=self._parent)
        except OSError as error:
            raise sys_error(error) from None

    def open(self) -> File:
        if self.filetype is FileType.DIRECTORY:
            raise SysError(Errno.ISDIR, "a directory is listed, not read")
        if self.filetype is not FileType.REGULAR_FILE:
            raise SysError(Errno.NOTSUP, "only regular files of the host are opened")
        try:
            fd = os.open(self._name, os.O_RDONLY | _SAFELY, dir_fd=self._parent)
        except OSError as error:
            raise sys_error(error) from None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise SysError(Errno.NOTSUP, "it was swapped for something that is no regular file")
            file = StreamFile(FdChannel(fd, owned=True))
        except OSError as error:
            os.close(fd)
            raise sys_error(error) from None
        except BaseException:
            os.close(fd)
            raise
        file.rights = FILE_RIGHTS
        return file

    def keep(self) -> HostNode:
        self._need_directory()
        try:
            return HostNode(-1, self._name, self._found, os.dup(self._fd))
        except OSError as error:
            raise sys_error(error) from None

    def _need_directory(self) -> None:
        if self.filetype is not FileType.DIRECTORY:
            raise SysError(Errno.NOTDIR, "it is no directory")
        if self._fd < 0:
            raise SysError(Errno.BADF, "the directory is closed")

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):  # the number is gone, whatever close(2) says
                os.close(fd)


def _type_of(entry: os.DirEntry[bytes] | os.DirEntry[str]) -> FileType:
    if entry.is_symlink():
        return FileType.SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return FileType.DIRECTORY
    return FileType.REGULAR_FILE if entry.is_file(follow_symlinks=False) else FileType.UNKNOWN


def host_directory(path: str) -> HostNode:
    """A directory of the host, to be mounted. A symbolic link that the user names is followed. Raises: OptionError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OptionError(f"--volume (volumes): {path}: {error.strerror}") from None
    return HostNode(-1, os.fsencode(path), os.fstat(fd), fd)
