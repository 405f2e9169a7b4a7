"""Paths: opening what they name, telling what it is, and setting its time stamps."""

from __future__ import annotations

from pywasix.abi.codecs import encode_filestat
from pywasix.abi.enums import FdFlags, FdFlagsExt, FstFlags, LookupFlags, OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import FileStat, UnstableFileStat
from pywasix.abi.scalars import U8, Char, Code, Fd, Flags, In, Out, Size, Timestamp
from pywasix.errors import SysError
from pywasix.fs import operations
from pywasix.syscalls.context import Context
from pywasix.syscalls.opening import OpenRequest, new_times, open_descriptor, open_request, path_of, start_of
from pywasix.syscalls.row import BASE, EXTENSION, PREVIEW1_AND_WASIX, UNSTABLE_ONLY, Support, syscall
from pywasix.syscalls.socket_names import leave_socket, socket_at

_FILESTAT_GET = int(Rights.PATH_FILESTAT_GET)
_FILESTAT_SET_TIMES = int(Rights.PATH_FILESTAT_SET_TIMES)
_READLINK = int(Rights.PATH_READLINK)
_CLOEXEC = int(FdFlagsExt.CLOEXEC)


@syscall(modules=BASE)
def path_open(
    ctx: Context,
    fd: Fd,
    dirflags: Flags[LookupFlags],
    path: In[Char],
    path_len: Size,
    oflags: Flags[OFlags],
    fs_rights_base: Code[Rights],
    fs_rights_inheriting: Code[Rights],
    fdflags: Flags[FdFlags],
    ret_fd: Out[Fd],
) -> None:
    """Open the file or directory that a path names, below a directory.

    ABI: preview1; rights beyond what the file or the directory's inheriting rights allow are left out.
    Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; EXIST; ISDIR; LOOP; NAMETOOLONG; PERM the path leads out; ROFS it would
        write; NOTSUP a device or a FIFO of the host; NXIO no terminal, or a socket of the program's; INVAL; MFILE;
        FAULT; those of the host.
    """
    request = open_request(dirflags, oflags, fs_rights_base, fs_rights_inheriting, fdflags)
    _open(ctx, fd, path_of(ctx, path, path_len), request, ret_fd)


@syscall(modules=EXTENSION)
def path_open2(
    ctx: Context,
    fd: Fd,
    dirflags: Flags[LookupFlags],
    path: In[Char],
    path_len: Size,
    oflags: Flags[OFlags],
    fs_rights_base: Code[Rights],
    fs_rights_inheriting: Code[Rights],
    fdflags: Flags[FdFlags],
    fdflagsext: Flags[FdFlagsExt],
    ret_fd: Out[Fd],
) -> None:
    """Open what a path names, and say whether the descriptor is closed on exec.

    ABI: WASIX since 2025-02-11. Errors: as path_open.
    """
    cloexec = bool(fdflagsext & _CLOEXEC)
    request = open_request(dirflags, oflags, fs_rights_base, fs_rights_inheriting, fdflags, cloexec)
    _open(ctx, fd, path_of(ctx, path, path_len), request, ret_fd)


def _open(ctx: Context, fd: int, path: bytes, request: OpenRequest, ret_fd: int) -> None:
    memory = ctx.memory
    if ret_fd > memory.last_cell:
        memory.check(ret_fd, 4)
    number = ctx.fds.reserve()
    try:
        entry = open_descriptor(ctx, fd, path, request)
    except BaseException:
        ctx.fds.cancel(number)
        raise
    ctx.fds.install(number, entry)
    put_u32 = memory.put_u32
    put_u32(ret_fd, number)


@syscall(modules=PREVIEW1_AND_WASIX)
def path_filestat_get(
    ctx: Context, fd: Fd, flags: Flags[LookupFlags], path: In[Char], path_len: Size, buf: Out[FileStat]
) -> None:
    """Tell what stat tells of what a path names; without SYMLINK_FOLLOW, of a link itself.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; LOOP; NAMETOOLONG; PERM the path leads out; INVAL; FAULT.
    """
    start = start_of(ctx, fd, _FILESTAT_GET)
    ctx.memory.check(buf, FileStat.SIZE)
    name = path_of(ctx, path, path_len)
    found = socket_at(ctx, start, name) or operations.status_of_path(start, name, follow=bool(flags))
    device, inode, links, size, accessed, modified, changed, filetype = found
    ctx.memory.write(buf, encode_filestat(device, inode, filetype, links, size, accessed, modified, changed))


@syscall(modules=UNSTABLE_ONLY, name="path_filestat_get")
def unstable_path_filestat_get(
    ctx: Context, fd: Fd, flags: Flags[LookupFlags], path: In[Char], path_len: Size, buf: Out[UnstableFileStat]
) -> None:
    """Tell what stat tells, in the layout with a 32-bit link count.

    ABI: wasi_unstable. Errors: as path_filestat_get.
    """
    start = start_of(ctx, fd, _FILESTAT_GET)
    ctx.memory.check(buf, UnstableFileStat.SIZE)
    name = path_of(ctx, path, path_len)
    s = socket_at(ctx, start, name) or operations.status_of_path(start, name, follow=bool(flags))
    links = s.links & 0xFFFFFFFF
    record = UnstableFileStat(s.device, s.inode, s.filetype, links, s.size, s.accessed, s.modified, s.changed)
    ctx.memory.store(buf, record)


@syscall(modules=BASE, support=Support.PARTIAL, note="Not of a Unix socket's name.")
def path_filestat_set_times(
    ctx: Context,
    fd: Fd,
    flags: Flags[LookupFlags],
    path: In[Char],
    path_len: Size,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: Flags[FstFlags],
) -> None:
    """Set the time stamps of what a path names, in ns; without SYMLINK_FOLLOW, of a link itself.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; LOOP; NAMETOOLONG; ROFS; PERM the path leads out;
        INVAL a time and "now" at once; NOTSUP a Unix socket; FAULT.
    """
    start = start_of(ctx, fd, _FILESTAT_SET_TIMES)
    accessed, modified = new_times(atim, mtim, fst_flags)
    name = path_of(ctx, path, path_len)
    leave_socket(ctx, start, name, "keeps its time stamps")
    operations.set_times(start, name, accessed, modified, follow=bool(flags))


@syscall(modules=BASE)
def path_readlink(
    ctx: Context, fd: Fd, path: In[Char], path_len: Size, buf: Out[U8], buf_len: Size, buf_used: Out[Size]
) -> None:
    """Tell where a symbolic link points: as many bytes as fit, without NUL.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; INVAL no symbolic link; NAMETOOLONG; PERM the path
        leads out; FAULT.
    """
    start = start_of(ctx, fd, _READLINK)
    ctx.memory.check(buf, buf_len)
    ctx.memory.check(buf_used, 4)
    name = path_of(ctx, path, path_len)
    if socket_at(ctx, start, name) is not None:
        raise SysError(Errno.INVAL, "a socket is no symbolic link")
    target = operations.target_of(start, name)[:buf_len]
    ctx.memory.write(buf, target)
    ctx.memory.store_u32(buf_used, len(target))
