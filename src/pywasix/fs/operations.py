"""What is done with paths: opened, told, made, moved, removed. Errnos are those of Linux's calls of the same names.

Every operation walks to the directory of the path's last name, and does there what it does in one step of the backend.
"""

from __future__ import annotations

from typing import NamedTuple

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.node import Directory, IsLink, Opening, Redirect, check_directory
from pywasix.fs.walk import Start, Walk, check_path, simple_place
from pywasix.kernel.file import File, FileStatus


def open_path(start: Start, path: bytes, how: Opening, *, follow: bool) -> File | Redirect:
    """Open what a path names.

    Errors: NOENT; EXIST; ISDIR; NOTDIR; LOOP; NAMETOOLONG; PERM; INVAL; ACCES; ROFS; NOSPC; NOTSUP.
    """
    place = None if how.directory else simple_place(start, path)
    if place is not None:
        directory, name, names, entered = place
        try:
            found = directory.open(name, how)
            return found if isinstance(found, (File, Redirect)) else _as_file(found, names, name, start)
        except IsLink:
            if not follow:
                raise
        finally:
            if entered:
                directory.close()
    if how.create and how.directory:
        raise SysError(Errno.INVAL, "directories are made by a call of their own")
    with Walk(start, path) as walk:
        return _opened(walk, start, how, follow=follow and not (how.create and how.exclusive))


def _opened(walk: Walk, start: Start, how: Opening, *, follow: bool) -> File | Redirect:
    while True:
        if not walk.name:
            check_directory(how)
            return DirectoryFile.of(Start(walk.directory.reopen(), walk.names, start.root))
        try:
            found = walk.directory.open(walk.name, _with_slash(how) if walk.slash else how)
        except IsLink:
            if not follow and not walk.slash:
                if how.directory:
                    raise SysError(Errno.NOTDIR, "a symbolic link is no directory") from None
                raise
            walk.follow()
            continue
        return found if isinstance(found, (File, Redirect)) else _as_file(found, walk.names, walk.name, start)


def _as_file(directory: Directory, names: tuple[bytes, ...], name: bytes, start: Start) -> DirectoryFile:
    return DirectoryFile.of(Start(directory, (*names, name), start.root))


def _with_slash(how: Opening) -> Opening:
    """Opening "name/": only a directory will do. Errors: ISDIR something would be made, whatever is there (Linux)."""
    if how.create:
        raise SysError(Errno.ISDIR, 'a path that ends in "/" names no file')
    return how._replace(directory=True)


def stand_at(start: Start, path: bytes) -> Start:
    """Where paths begin once the working directory is what a path names, to be closed (chdir(2)).

    Errors: NOENT; NOTDIR; ACCES; LOOP; NAMETOOLONG; PERM; INVAL.
    """
    with Walk(start, path) as walk:
        while walk.name:
            try:
                found = walk.directory.enter(walk.name)
            except SysError as error:
                if error.errno is not Errno.NOTDIR:
                    raise
                walk.follow(Errno.NOTDIR)
                continue
            try:
                return Start(found.stand(), (*walk.names, walk.name), start.root)
            finally:
                found.close()
        return Start(walk.directory.stand(), walk.names, start.root)


def status_of_path(start: Start, path: bytes, *, follow: bool) -> FileStatus:
    """What stat tells of what a path names. Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; PERM; INVAL; ACCES."""
    place = simple_place(start, path)
    if place is not None:
        directory, name, _, entered = place
        try:
            status = directory.inspect(name)
        finally:
            if entered:
                directory.close()
        if status.filetype is not FileType.SYMBOLIC_LINK or not follow:
            return status
    with Walk(start, path) as walk:
        return _inspected(walk, follow=follow)


def _inspected(walk: Walk, *, follow: bool) -> FileStatus:
    """What stat tells of the end of a walk, which goes on where a link points."""
    while walk.name:
        status = walk.directory.inspect(walk.name)
        if status.filetype is FileType.DIRECTORY:
            return status
        if status.filetype is FileType.SYMBOLIC_LINK and (follow or walk.slash):
            walk.follow()
            continue
        if walk.slash:
            raise SysError(Errno.NOTDIR, 'a path that ends in "/" names a directory')
        return status
    return walk.directory.status()


def target_of(start: Start, path: bytes) -> bytes:
    """Where the symbolic link points that a path names. Errors: INVAL it is none; as `status_of_path`."""
    with Walk(start, path) as walk:
        if not walk.name or walk.slash:
            _inspected(walk, follow=True)
            raise SysError(Errno.INVAL, "it is no symbolic link")
        return walk.directory.target(walk.name)


def make_directory(start: Start, path: bytes) -> None:
    """mkdir(2). Errors: EXIST; ROFS; NOSPC; as `status_of_path`."""
    with Walk(start, path) as walk:
        if not walk.name:
            raise SysError(Errno.EXIST, "it is there already")
        walk.directory.make_directory(walk.name)


def make_link(start: Start, path: bytes, target: bytes) -> None:
    """symlink(2). Errors: EXIST; ROFS; NOSPC; PERM an absolute target, for a guest without "/"; as `status_of_path`."""
    check_path(target)
    if start.root is None and target.startswith(b"/"):
        raise SysError(Errno.PERM, "an absolute link leads out of the directory")
    with Walk(start, path) as walk:
        if not walk.name or walk.slash:
            _must_be_free(walk)
            raise SysError(Errno.NOENT, 'a path that ends in "/" names a directory')
        walk.directory.make_link(walk.name, target)


def _must_be_free(walk: Walk) -> None:
    """Errors: EXIST something is there."""
    if walk.name:
        try:
            walk.directory.inspect(walk.name)
        except SysError as error:
            if error.errno is Errno.NOENT:
                return
            raise
    raise SysError(Errno.EXIST, "it is there already")


def remove_directory(start: Start, path: bytes) -> None:
    """rmdir(2). Errors: NOTEMPTY; NOTDIR; BUSY something is mounted there; INVAL "."; as `status_of_path`."""
    with Walk(start, path) as walk:
        if not walk.name:
            errno = {b".": Errno.INVAL, b"..": Errno.NOTEMPTY}.get(walk.last, Errno.BUSY)
            raise SysError(errno, "this name of a directory cannot be removed")
        walk.directory.remove_directory(walk.name)


def remove_file(start: Start, path: bytes) -> None:
    """unlink(2). Errors: ISDIR; NOTDIR; ROFS; as `status_of_path`."""
    with Walk(start, path) as walk:
        if not walk.name:
            raise SysError(Errno.ISDIR, "it is a directory")
        if walk.slash:
            found = walk.directory.inspect(walk.name)
            errno = Errno.ISDIR if found.filetype is FileType.DIRECTORY else Errno.NOTDIR
            raise SysError(errno, 'a path that ends in "/" names no file')
        walk.directory.remove_file(walk.name)


class Moved(NamedTuple):
    """The names from "/" that a rename changed."""

    before: tuple[bytes, ...]
    after: tuple[bytes, ...]


def rename(start: Start, path: bytes, to: Start, new: bytes) -> Moved:
    """rename(2). Errors: XDEV another mount; NOTEMPTY; ISDIR; NOTDIR; BUSY; INVAL into itself; as `status_of_path`."""
    with Walk(start, path) as source, Walk(to, new) as target:
        if not source.name or not target.name:
            raise SysError(Errno.BUSY, "this name of a directory cannot be moved")
        if source.slash or target.slash:
            found = source.directory.inspect(source.name)
            if found.filetype is not FileType.DIRECTORY:
                raise SysError(Errno.NOTDIR, 'a path that ends in "/" names a directory')
        source.directory.rename(source.name, target.directory, target.name)
        return Moved((*source.names, source.name), (*target.names, target.name))


def link(start: Start, path: bytes, to: Start, new: bytes, *, follow: bool) -> None:
    """linkat(2). Errors: EXIST; XDEV another mount; PERM a directory; ROFS; as `status_of_path`."""
    with Walk(start, path) as source:
        found = _inspected(source, follow=follow)
        with Walk(to, new) as target:
            if not target.name:
                raise SysError(Errno.EXIST, "it is there already")
            if target.slash:
                _must_be_free(target)
                raise SysError(Errno.NOENT, 'a path that ends in "/" names a directory')
            if found.filetype is FileType.DIRECTORY:
                _must_be_free(target)
                raise SysError(Errno.PERM, "a directory has one name")
            source.directory.link(source.name, target.directory, target.name)


def set_times(start: Start, path: bytes, accessed: int | None, modified: int | None, *, follow: bool) -> None:
    """utimensat(2). Errors: ROFS; PERM; as `status_of_path`."""
    with Walk(start, path) as walk:
        _inspected(walk, follow=follow)
        if walk.name:
            walk.directory.set_times(walk.name, accessed, modified)
        else:
            walk.directory.set_own_times(accessed, modified)
