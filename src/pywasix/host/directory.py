"""Directories of the host as a file system for guests.

Every step goes through a directory descriptor and never follows a link: what is swapped for a link meanwhile is an
error, not a way out. Devices, FIFOs and sockets can be seen, and not opened.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from stat import S_ISREG

from pywasix.abi.enums import FdFlags, FileType
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.fs.node import NO_SHORTCUTS, NOW, Directory, Entry, IsLink, Opening, check_directory, check_file, no_name
from pywasix.host import libc
from pywasix.host.errors import sys_error
from pywasix.host.files import file_type, status_of
from pywasix.host.lent import LentFd
from pywasix.host.regular import HostFile
from pywasix.kernel.file import File, FileStatus

_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_LISTED = os.O_RDONLY | os.O_DIRECTORY | _SAFELY
# For finding names in a directory the right to do that is enough, as on Linux.
_ENTERED = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FLAGS = {
    FdFlags.APPEND: os.O_APPEND,
    FdFlags.DSYNC: os.O_DSYNC,
    FdFlags.RSYNC: getattr(os, "O_RSYNC", os.O_SYNC),
    FdFlags.SYNC: os.O_SYNC,
}
# What entering several directories at once says that a look at each of them must explain. Names that links lead
# to may be longer together than a path may be.
_LOOK_CLOSER = (Errno.LOOP, Errno.NOTDIR, Errno.XDEV, Errno.AGAIN, Errno.INVAL, Errno.NAMETOOLONG)
_TRIES = range(16)  # a name that comes and goes under us
_REGULAR = FileType.REGULAR_FILE


os_open, os_stat, os_fstat = os.open, os.stat, os.fstat


class Mount:
    """What all directories of one mount share. Hard links and renames stay inside of one.

    Attributes:
        writable: it may be changed.
        strides: the host can enter several directories at once.
    """

    def __init__(self, *, writable: bool) -> None:
        self.writable = writable
        self.strides = True


class HostDirectory:
    """A directory of the host.

    Args:
        fd: its descriptor, owned.
    """

    shortcuts = NO_SHORTCUTS
    __slots__ = ("_lent", "_mount")

    def __init__(self, mount: Mount, fd: int) -> None:
        self._mount = mount
        self._lent = LentFd(fd)

    def status(self) -> FileStatus:
        return self._lent.do(lambda fd: status_of(os.fstat(fd)))

    def inspect(self, name: bytes) -> FileStatus:
        return status_of(self._lent.do(lambda fd: os_stat(name, dir_fd=fd, follow_symlinks=False)))

    def enter(self, name: bytes) -> HostDirectory:
        return self._opened(name, _ENTERED)

    def descend(self, names: Sequence[bytes]) -> Directory | None:
        if len(names) == 1:
            return self._entered(lambda fd: os_open(names[0], _ENTERED, dir_fd=fd))
        if not self._mount.strides:
            return None
        path = b"/".join(names)
        return self._entered(lambda fd: libc.open_beneath(fd, path, _ENTERED))

    def _entered(self, opened: Callable[[int], int]) -> Directory | None:
        """The directory that was opened; None where a look at each name must tell why it could not be."""
        try:
            return HostDirectory(self._mount, self._lent.do(opened))
        except SysError as error:
            if error.errno in (Errno.NOSYS, Errno.PERM):  # an old kernel, or one that may not say so
                self._mount.strides = False
            elif error.errno not in _LOOK_CLOSER:
                raise
            return None

    def open(self, name: bytes, how: Opening) -> File | Directory:
        for _ in _TRIES:
            found = self._try_open(name, how)
            if found is not None:
                return found
        raise SysError(Errno.AGAIN, "somebody makes and removes the name all the time")

    def _try_open(self, name: bytes, how: Opening) -> File | Directory | None:
        """Open what is there, or make it; None if somebody else did at the same time."""
        lent = self._lent
        lent.users.append(None)  # `LentFd.do`, written out: every file that is opened comes by
        try:
            mode = os_stat(name, dir_fd=lent.fd, follow_symlinks=False).st_mode
            if not S_ISREG(mode):
                return self._open_other(name, file_type(mode), how)
            if how.directory or how.exclusive:
                check_file(_REGULAR, how)
            if how.write or how.truncate:
                self._need_writable()
            fd = os_open(name, _access(how), dir_fd=lent.fd)
            if S_ISREG(os_fstat(fd).st_mode):
                return HostFile(fd, how, settable=self._mount.writable)
            os.close(fd)
            raise SysError(Errno.NOTSUP, "it was swapped for something that is no regular file")
        except OSError as error:
            if error.errno == errno.ENOENT and how.create:
                return self._made(name, how)
            if error.errno == errno.ELOOP:
                raise IsLink from None  # swapped for a link meanwhile
            raise sys_error(error) from None
        finally:
            lent.users.pop()
            if lent.fd < 0:
                lent.left()

    def _open_other(self, name: bytes, filetype: FileType, how: Opening) -> Directory:
        """Open what is no regular file."""
        if filetype is not FileType.DIRECTORY:
            check_file(filetype, how)
        check_directory(how)
        return self._opened(name, _LISTED)

    def _made(self, name: bytes, how: Opening) -> File | None:
        """A new file; None if somebody was faster."""
        if how.directory:
            raise no_name(name)
        self._need_writable()
        try:
            fd = self._lent.do(lambda at: os.open(name, _access(how) | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=at))
        except SysError as error:
            if error.errno is Errno.EXIST and not how.exclusive:
                return None
            raise
        return HostFile(fd, how, settable=self._mount.writable)

    def _opened(self, name: bytes, flags: int) -> HostDirectory:
        return HostDirectory(self._mount, self._lent.do(lambda fd: os.open(name, flags, dir_fd=fd)))

    def reopen(self) -> Directory:
        return HostDirectory(self._mount, self._lent.do(lambda fd: os.open(b".", _LISTED, dir_fd=fd)))

    def entries(self) -> Iterable[Entry]:
        return self._lent.do(_listed)

    def target(self, name: bytes) -> bytes:
        return self._lent.do(lambda fd: os.readlink(name, dir_fd=fd))

    def make_directory(self, name: bytes) -> None:
        self._need_free(name)
        self._lent.do(lambda fd: os.mkdir(name, 0o777, dir_fd=fd))

    def make_link(self, name: bytes, target: bytes) -> None:
        self._need_free(name)
        self._lent.do(lambda fd: os.symlink(target, name, dir_fd=fd))

    def remove_directory(self, name: bytes) -> None:
        self._need_writable()
        self._lent.do(lambda fd: os.rmdir(name, dir_fd=fd))

    def remove_file(self, name: bytes) -> None:
        self._need_writable()
        self._lent.do(lambda fd: os.unlink(name, dir_fd=fd))

    def rename(self, name: bytes, to: Directory, new: bytes) -> None:
        there = self._same_mount(to, new)
        there._lent.do(lambda to_fd: self._lent.do(lambda fd: os.rename(name, new, src_dir_fd=fd, dst_dir_fd=to_fd)))

    def link(self, name: bytes, to: Directory, new: bytes) -> None:
        there = self._same_mount(to, new)
        there._lent.do(
            lambda to_fd: self._lent.do(
                lambda fd: os.link(name, new, src_dir_fd=fd, dst_dir_fd=to_fd, follow_symlinks=False)
            )
        )

    def _same_mount(self, to: Directory, new: bytes) -> HostDirectory:
        there = to.holder(new)
        if not isinstance(there, HostDirectory) or there._mount is not self._mount:
            raise SysError(Errno.XDEV, "it would leave its mount")
        self._need_writable()
        return there

    def set_times(self, name: bytes, accessed: int | None, modified: int | None) -> None:
        self._need_writable()
        self._lent.do(lambda fd: libc.set_times(fd, name, accessed, modified, NOW))

    def set_own_times(self, accessed: int | None, modified: int | None) -> None:
        self._need_writable()
        self._lent.do(lambda fd: libc.set_times(fd, b".", accessed, modified, NOW))

    def sync(self) -> None:
        self._lent.do(_sync_directory)

    def holder(self, name: bytes) -> Directory:
        return self

    def stand(self) -> HostDirectory:
        return _Standing(self._mount, self._lent.do(lambda fd: os.open(b".", _ENTERED, dir_fd=fd)))

    def keep(self) -> HostDirectory:
        return _Standing(self._mount, self._lent.do(_duplicate))

    def close(self) -> None:
        self._lent.close()  # a directory has no data of ours that could be lost

    def _need_writable(self) -> None:
        if not self._mount.writable:
            raise SysError(Errno.ROFS, "the directory was given read-only")

    def _need_free(self, name: bytes) -> None:
        """A directory that cannot be changed still tells that a name is taken, as Linux does."""
        if not self._mount.writable:
            try:
                self.inspect(name)
            except SysError as error:
                if error.errno is Errno.NOENT:
                    self._need_writable()
                raise
            raise SysError(Errno.EXIST, "it is there already")


class _Standing(HostDirectory):
    """A working directory. Other threads may walk from it while it is left: the last one that knows it closes it."""

    __slots__ = ()

    def __del__(self) -> None:
        self.close()


def _access(how: Opening) -> int:
    """The flags of open(2), without those that make a file."""
    flags = _SAFELY | (os.O_TRUNC if how.truncate else 0)
    if how.write:
        flags |= os.O_RDWR if how.read else os.O_WRONLY
    if how.flags:
        for flag, meant in _FLAGS.items():
            if how.flags & flag:
                flags |= meant
    return flags


def _listed(fd: int) -> list[Entry]:
    with os.scandir(fd) as found:
        return [Entry(os.fsencode(each.name), each.inode(), _type_of(each)) for each in found]


def _type_of(entry: os.DirEntry[bytes] | os.DirEntry[str]) -> FileType:
    if entry.is_file(follow_symlinks=False):
        return FileType.REGULAR_FILE
    if entry.is_dir(follow_symlinks=False):
        return FileType.DIRECTORY
    return FileType.SYMBOLIC_LINK if entry.is_symlink() else FileType.UNKNOWN


def _sync_directory(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without that: nothing is to be written
            raise


def _duplicate(fd: int) -> int:
    return os.dup(fd)


def host_directory(path: str, *, writable: bool = False) -> HostDirectory:
    """A directory of the host, to be mounted. A symbolic link that the user names is followed. Raises: OptionError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except NotADirectoryError:
        raise OptionError(f"--volume (volumes): {path} is no directory; give the one that it is in") from None
    except OSError as error:
        raise OptionError(f"--volume (volumes): {path}: {error.strerror}") from None
    return HostDirectory(Mount(writable=writable), fd)
