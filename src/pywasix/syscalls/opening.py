"""Directories behind descriptors, paths out of guest memory, and opening what a path names: for every family."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import NamedTuple

from pywasix.abi.enums import FdFlags, FstFlags, LookupFlags, OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.node import NOW, Opening, Redirect
from pywasix.fs.operations import open_path
from pywasix.fs.walk import Start
from pywasix.kernel.fdtable import Descriptor, FdTable
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context
from pywasix.syscalls.socket_names import refuse_socket

_LONGEST = 4096  # bytes of a path, Linux PATH_MAX
_OPEN = int(Rights.PATH_OPEN)
_CREATE = int(Rights.PATH_CREATE_FILE)
_CUT = int(Rights.PATH_FILESTAT_SET_SIZE)
_READ = int(Rights.FD_READ)
_WRITE = int(Rights.FD_WRITE)
_READ_WRITE = _READ | _WRITE
_CREAT, _DIRECTORY, _EXCL, _TRUNC = (
    int(OFlags.CREAT),
    int(OFlags.DIRECTORY),
    int(OFlags.EXCL),
    int(OFlags.TRUNC),
)
_FOLLOW = int(LookupFlags.SYMLINK_FOLLOW)
_NONBLOCK = int(FdFlags.NONBLOCK)


class OpenRequest(NamedTuple):
    """What path_open is asked for, beside the directory and the path. `open_request` makes it.

    Attributes:
        needed: the rights that the directory's descriptor must have.
    """

    needed: int
    follow: bool
    oflags: int
    rights: int
    inheriting: int
    fdflags: int
    cloexec: bool


@lru_cache(256)  # a program asks for the same few again and again
def open_request(
    dirflags: int, oflags: int, rights: int, inheriting: int, fdflags: int, cloexec: bool = False
) -> OpenRequest:
    """The arguments of path_open, put in order."""
    needed = _OPEN | (_CREATE if oflags & _CREAT else 0) | (_CUT if oflags & _TRUNC else 0)
    return OpenRequest(needed, bool(dirflags & _FOLLOW), oflags, rights, inheriting, fdflags, cloexec)


def path_of(ctx: Context, pointer: int, size: int) -> bytes:
    """A path that the guest wrote. Errors: FAULT; NAMETOOLONG."""
    if size > _LONGEST:
        ctx.memory.check(pointer, size)
        raise SysError(Errno.NAMETOOLONG, f"a path of {size} bytes")
    return ctx.memory.read(pointer, size)


def directory_of(fds: FdTable, fd: int, right: int) -> DirectoryFile:
    """The directory behind a descriptor that has a right. Errors: BADF; NOTDIR; NOTCAPABLE."""
    try:
        entry = fds.entries[fd]
    except KeyError:
        entry = fds.get(fd)  # says BADF, in its words
    file = entry.file
    if not isinstance(file, DirectoryFile):
        raise SysError(Errno.NOTDIR, f"fd {fd} is no directory")
    if right & ~entry.rights:
        raise SysError(Errno.NOTCAPABLE, f"fd {fd} lacks the right {right & ~entry.rights:#x}")
    return file


def start_of(ctx: Context, fd: int, right: int) -> Start:
    """Where paths begin that are relative to a descriptor. Errors: as `directory_of`.

    Libc of WASIX knows no working directory: it passes a relative path as it is, with the pre-opened "/".
    """
    start = directory_of(ctx.fds, fd, right).start
    files = ctx.process.files
    if files is None or not files.has_moved:
        return start
    return ctx.files.start() if start.root is not None and ctx.fds.get(fd).preopen is not None else start


def open_terminal(ctx: Context) -> File:
    """What /dev/tty is for the caller. Errors: NXIO it has no terminal (Linux)."""
    if ctx.kernel.terminal is None:
        raise SysError(Errno.NXIO, "the program has no terminal")
    return ctx.kernel.terminal.open(raw=ctx.generation.tty_is_raw)


@cache
def _how(rights: int, oflags: int, fdflags: int) -> Opening:
    return Opening(
        bool(rights & _READ),
        bool(rights & _WRITE),
        bool(oflags & _CREAT),
        bool(oflags & _EXCL),
        bool(oflags & _TRUNC),
        bool(oflags & _DIRECTORY),
        fdflags,
    )


def open_descriptor(ctx: Context, fd: int, path: bytes, request: OpenRequest) -> Descriptor:
    """A new descriptor of what a path names, not in the table yet. Errors: as path_open, without MFILE and FAULT."""
    start = start_of(ctx, fd, request.needed)
    if ctx.network.socket_names is not None:
        refuse_socket(ctx, start, path, request.oflags)
    return open_from(ctx.fds, start, path, request, ctx.fds.get(fd).inheriting, partial(open_terminal, ctx))


def open_from(
    fds: FdTable, start: Start, path: bytes, request: OpenRequest, allowed: int, terminal: Callable[[], File]
) -> Descriptor:
    """`open_descriptor` from a directory that no descriptor stands for.

    Args:
        fds: what /dev/stdin and its like mean.
        allowed: the rights that it may have.
        terminal: opens /dev/tty.
    """
    _, follow, oflags, rights, inheriting, fdflags, cloexec = request
    rights &= allowed
    found = open_path(start, path, _how(rights & _READ_WRITE, oflags, fdflags), follow=follow)
    if isinstance(found, Redirect):
        if not found.terminal:
            return _redirected(fds, found, rights, request)
        found = terminal()
    if isinstance(found, DirectoryFile):
        found.set_flags(fdflags)
    elif fdflags & _NONBLOCK:
        found.nonblocking = True
    return Descriptor(found, rights & found.rights, inheriting & allowed, cloexec=cloexec)


def _redirected(fds: FdTable, found: Redirect, rights: int, request: OpenRequest) -> Descriptor:
    """What /dev/stdin and its like stand for: a descriptor that the process has. Errors: NXIO it has none."""
    for number in found.fds:
        entry = fds.entries.get(number)
        if entry is not None:
            return Descriptor(entry.file, rights & entry.rights, entry.inheriting, cloexec=request.cloexec)
    raise SysError(Errno.NXIO, "there is no such descriptor")


def new_times(accessed: int, modified: int, flags: int) -> tuple[int | None, int | None]:
    """The time stamps to set, in ns: each a time, `NOW`, or None to keep it. Errors: INVAL a time and "now" at once."""
    both = FstFlags.ATIM | FstFlags.ATIM_NOW, FstFlags.MTIM | FstFlags.MTIM_NOW
    if any(flags & each == each for each in both):
        raise SysError(Errno.INVAL, "a time stamp is set to a time or to now")
    return (
        _new_time(accessed, flags & FstFlags.ATIM, flags & FstFlags.ATIM_NOW),
        _new_time(modified, flags & FstFlags.MTIM, flags & FstFlags.MTIM_NOW),
    )


def _new_time(time: int, given: int, now: int) -> int | None:
    return NOW if now else time if given else None
