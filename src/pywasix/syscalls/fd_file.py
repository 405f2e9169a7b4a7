"""Files and directories through descriptors: at an offset, on the disk, sizes and times; listing; working directory."""

from __future__ import annotations

from functools import partial

from pywasix.abi.enums import Advice, FstFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import (
    U8,
    Char,
    Code,
    DirCookie,
    Fd,
    Filesize,
    Flags,
    In,
    InOut,
    Out,
    PointerSize,
    Size,
    Timestamp,
)
from pywasix.errors import SysError
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context
from pywasix.syscalls.opening import directory_of, new_times, path_of
from pywasix.syscalls.row import BASE, EXTENSION, syscall
from pywasix.syscalls.socket_names import sockets_in

_READDIR = int(Rights.FD_READDIR)
_READ = int(Rights.FD_READ)


def _file(ctx: Context, fd: int, right: Rights, without: Errno) -> File:
    """The file of a descriptor that has a right. What can never have it answers `without`, as Linux does."""
    entry = ctx.fds.get(fd)
    if not entry.rights & right:
        errno = Errno.NOTCAPABLE if entry.file.rights & right else without
        raise SysError(errno, f"fd {fd} lacks the right {right.name}")
    return entry.file


@syscall(modules=BASE)
def fd_pread(ctx: Context, fd: Fd, iovs: In[Iovec], iovs_len: Size, offset: Filesize, nread: Out[Size]) -> None:
    """Read from an offset in bytes; the position stays where it is.

    ABI: preview1. Errors: BADF; NOTCAPABLE; SPIPE a stream; INVAL an offset that no file has, or over 1024 buffers;
        ISDIR; FAULT.
    """
    file = ctx.fds.file(fd, _READ)
    ctx.memory.check(nread, 4)
    ctx.memory.store_u32(nread, file.read_at(ctx.memory.iovecs(iovs, iovs_len), offset))


@syscall(modules=BASE)
def fd_pwrite(ctx: Context, fd: Fd, iovs: In[Ciovec], iovs_len: Size, offset: Filesize, nwritten: Out[Size]) -> None:
    """Write at an offset in bytes; the position stays where it is. With APPEND to the end, as on Linux.

    ABI: preview1. Errors: BADF not open, or not for writing; NOTCAPABLE; SPIPE a stream; INVAL an offset that no
        file has, or over 1024 buffers; FBIG; NOSPC; FAULT.
    """
    file = _file(ctx, fd, Rights.FD_WRITE, Errno.BADF)
    ctx.memory.check(nwritten, 4)
    ctx.memory.store_u32(nwritten, file.write_at(ctx.memory.iovecs(iovs, iovs_len), offset))


@syscall(modules=BASE)
def fd_sync(ctx: Context, fd: Fd) -> None:
    """Return when everything that was written to a file is on its disk.

    ABI: preview1. Errors: BADF; NOTCAPABLE; INVAL what has no disk; those of the host.
    """
    _file(ctx, fd, Rights.FD_SYNC, Errno.INVAL).sync(data_only=False)


@syscall(modules=BASE)
def fd_datasync(ctx: Context, fd: Fd) -> None:
    """Return when the data that was written to a file can be read back from its disk.

    ABI: preview1. Errors: BADF; NOTCAPABLE; INVAL what has no disk; those of the host.
    """
    _file(ctx, fd, Rights.FD_DATASYNC, Errno.INVAL).sync(data_only=True)


@syscall(modules=BASE)
def fd_allocate(ctx: Context, fd: Fd, offset: Filesize, len: Filesize) -> None:
    """Make sure that there is room for a part of a file, in bytes, which grows as needed.

    ABI: preview1. Errors: BADF not open, or not for writing; NOTCAPABLE; SPIPE a pipe; NODEV another stream;
        INVAL no bytes, or beyond all files; FBIG; NOSPC; NOTSUP the file system cannot do it.
    """
    entry = ctx.fds.get(fd)
    if not entry.rights & Rights.FD_ALLOCATE and entry.file.rights & Rights.FD_ALLOCATE:
        raise SysError(Errno.NOTCAPABLE, f"fd {fd} lacks the right FD_ALLOCATE")
    entry.file.allocate(offset, len)  # what can never have it says why


@syscall(modules=BASE)
def fd_advise(ctx: Context, fd: Fd, offset: Filesize, len: Filesize, advice: Code[Advice]) -> None:
    """Say how a part of a file will be read.

    ABI: preview1. Errors: BADF; NOTCAPABLE; SPIPE a stream; INVAL unknown advice, or beyond all files.
    """
    file = _file(ctx, fd, Rights.FD_ADVISE, Errno.SPIPE)
    if advice > Advice.NOREUSE:
        raise SysError(Errno.INVAL, f"unknown advice {advice}")
    file.advise(offset, len, advice)


@syscall(modules=BASE)
def fd_filestat_set_size(ctx: Context, fd: Fd, size: Filesize) -> None:
    """Cut a file to so many bytes, or let it grow with zeros.

    ABI: preview1. Errors: BADF; NOTCAPABLE; INVAL what has no size, was not opened for writing, or no file has; FBIG.
    """
    _file(ctx, fd, Rights.FD_FILESTAT_SET_SIZE, Errno.INVAL).set_size(size)


@syscall(modules=BASE)
def fd_filestat_set_times(ctx: Context, fd: Fd, atim: Timestamp, mtim: Timestamp, fst_flags: Flags[FstFlags]) -> None:
    """Set the time stamps of an open file, in ns.

    ABI: preview1. Errors: BADF; NOTCAPABLE; INVAL a time and "now" at once; ROFS.
    """
    file = _file(ctx, fd, Rights.FD_FILESTAT_SET_TIMES, Errno.NOTCAPABLE)
    file.set_times(*new_times(atim, mtim, fst_flags))


@syscall(modules=BASE)
def fd_readdir(ctx: Context, fd: Fd, buf: Out[U8], buf_len: Size, cookie: DirCookie, bufused: Out[Size]) -> None:
    """List a directory from a cookie on: entries of 24 bytes, each followed by its name; the last one may be cut.

    Less than `buf_len` bytes say that nothing follows. The list is made at cookie 0, and stays as it was.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; FAULT.
    """
    directory = directory_of(ctx.fds, fd, _READDIR)
    ctx.memory.check(buf, buf_len)
    ctx.memory.check(bufused, 4)
    listed = directory.list_into(buf_len, cookie, ctx.files.namespace.listings, partial(sockets_in, ctx, directory))
    ctx.memory.write(buf, listed)
    ctx.memory.store_u32(bufused, len(listed))


@syscall(modules=EXTENSION)
def getcwd(ctx: Context, path: Out[U8], path_len: InOut[PointerSize]) -> None:
    """Tell the working directory with a NUL behind it; `path_len` is the room first and the length without NUL then.

    ABI: WASIX; libc neither adds the NUL nor more room than RANGE tells, which therefore counts the NUL. libc's
    getcwd(NULL, size) comes with address 0, and allocates what RANGE tells.
    Errors: RANGE the room is too small, the needed one is told; FAULT.
    """
    room = ctx.memory.load_u32(path_len)
    found = ctx.files.getcwd() + b"\0"
    if not path or room < len(found):
        ctx.memory.store_u32(path_len, len(found))
        raise SysError(Errno.RANGE, f"the path needs {len(found)} bytes, there is room for {room}")
    ctx.memory.check(path, len(found))
    ctx.memory.store_u32(path_len, len(found) - 1)
    ctx.memory.write(path, found)


@syscall(modules=EXTENSION)
def chdir(ctx: Context, path: In[Char], path_len: Size) -> None:
    """Change the working directory.

    ABI: WASIX. Errors: NOENT; NOTDIR; ACCES names in it may not be looked up, which is all that it takes; LOOP;
        NAMETOOLONG; INVAL a NUL byte; FAULT.
    """
    ctx.files.chdir(path_of(ctx, path, path_len))
