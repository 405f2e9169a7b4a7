"""Descriptors: closing, copying, flags, what they are."""

from __future__ import annotations

from pywasix.abi.codecs import encode_fdstat, encode_filestat
from pywasix.abi.enums import FdFlags, FdFlagsExt, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import FdStat, FileStat, Prestat, PrestatDir, PrestatU, UnstableFileStat
from pywasix.abi.scalars import U8, Bool, Code, Fd, Flags, Out, Size
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, syscall

_SET_FLAGS = int(Rights.FD_FDSTAT_SET_FLAGS)
_GET_STATUS = int(Rights.FD_FILESTAT_GET)


@syscall(modules=BASE)
def fd_close(ctx: Context, fd: Fd) -> None:
    """Close a descriptor; a thread that waits on it gets BADF.

    ABI: preview1. Errors: BADF.
    """
    ctx.fds.close(fd)


@syscall(modules=BASE)
def fd_fdstat_get(ctx: Context, fd: Fd, buf_ptr: Out[FdStat]) -> None:
    """Tell type, flags and rights of a descriptor.

    ABI: preview1. Errors: BADF; FAULT.
    """
    entry = ctx.fds.get(fd)
    file = entry.file
    ctx.memory.write(buf_ptr, encode_fdstat(file.filetype, file.flags, entry.rights, entry.inheriting))


@syscall(modules=BASE)
def fd_fdstat_set_flags(ctx: Context, fd: Fd, flags: Flags[FdFlags]) -> None:
    """Set the status flags of the open file, which all copies of the descriptor share.

    ABI: preview1. Errors: BADF; NOTCAPABLE; INVAL unknown flags.
    """
    ctx.fds.file(fd, _SET_FLAGS).set_flags(flags)


@syscall(modules=BASE)
def fd_fdstat_set_rights(
    ctx: Context, fd: Fd, fs_rights_base: Code[Rights], fs_rights_inheriting: Code[Rights]
) -> None:
    """Give rights of a descriptor up; what is given up does not come back.

    ABI: preview1. Errors: BADF; NOTCAPABLE a right that it does not have.
    """
    entry = ctx.fds.get(fd)
    if fs_rights_base & ~entry.rights or fs_rights_inheriting & ~entry.inheriting:
        raise SysError(Errno.NOTCAPABLE, f"fd {fd} does not have all of these rights")
    entry.rights = fs_rights_base
    entry.inheriting = fs_rights_inheriting


@syscall(modules=EXTENSION)
def fd_fdflags_get(ctx: Context, fd: Fd, buf_ptr: Out[FdFlagsExt]) -> None:
    """Tell whether a descriptor is closed on exec.

    ABI: WASIX since 2025-02-11. Errors: BADF; FAULT.
    """
    flags = FdFlagsExt.CLOEXEC if ctx.fds.get(fd).cloexec else 0
    ctx.memory.store_u16(buf_ptr, flags)


@syscall(modules=EXTENSION)
def fd_fdflags_set(ctx: Context, fd: Fd, flags: Flags[FdFlagsExt]) -> None:
    """Say whether a descriptor is closed on exec; other descriptors of its file are not touched.

    ABI: WASIX since 2025-02-11. Errors: BADF; INVAL unknown flags.
    """
    ctx.fds.get(fd).cloexec = bool(flags & FdFlagsExt.CLOEXEC)


@syscall(modules=("wasi_snapshot_preview1", "wasix_32v1"))
def fd_filestat_get(ctx: Context, fd: Fd, buf: Out[FileStat]) -> None:
    """Tell what stat tells: device, inode, type, links, size in bytes, times in ns.

    ABI: preview1. Errors: BADF; NOTCAPABLE; FAULT.
    """
    file = ctx.fds.file(fd, _GET_STATUS)
    device, inode, links, size, accessed, modified, changed, _ = file.status()
    record = encode_filestat(device, inode, file.filetype, links, size, accessed, modified, changed)
    ctx.memory.write(buf, record)


@syscall(modules=("wasi_unstable",), name="fd_filestat_get")
def unstable_fd_filestat_get(ctx: Context, fd: Fd, buf: Out[UnstableFileStat]) -> None:
    """Tell what stat tells, in the layout with a 32-bit link count.

    ABI: wasi_unstable. Errors: BADF; NOTCAPABLE; FAULT.
    """
    file = ctx.fds.file(fd, _GET_STATUS)
    s = file.status()
    record = UnstableFileStat(
        s.device, s.inode, file.filetype, s.links & 0xFFFFFFFF, s.size, s.accessed, s.modified, s.changed
    )
    ctx.memory.store(buf, record)


@syscall(modules=BASE)
def fd_renumber(ctx: Context, fd: Fd, to: Fd) -> None:
    """Move a descriptor to another number, closing what is there; WASIX guests keep the old one too (dup2).

    ABI: preview1 says the old number is gone, and the new one must be open; WASIX libc makes dup2() of it.
    Errors: BADF; BUSY another thread is just opening that number.
    """
    if not ctx.generation.renumber_copies:
        ctx.fds.move(fd, to)
        return
    entry = ctx.fds.get(fd)
    if fd != to:
        ctx.fds.replace(to, entry.copy())


@syscall(modules=EXTENSION)
def fd_dup(ctx: Context, fd: Fd, ret_fd: Out[Fd]) -> None:
    """Make another descriptor of the same file, with the lowest free number.

    ABI: WASIX. Errors: BADF; MFILE; FAULT.
    """
    _duplicate(ctx, ctx.fds.get(fd).copy(), 0, ret_fd)


@syscall(modules=EXTENSION)
def fd_dup2(ctx: Context, fd: Fd, min_result_fd: Fd, cloexec: Bool, ret_fd: Out[Fd]) -> None:
    """Make another descriptor of the same file, with the lowest free number from a minimum on (F_DUPFD).

    ABI: WASIX since 2025-02-11. Errors: BADF; INVAL minimum beyond the limit, or no bool; MFILE; FAULT.
    """
    if cloexec > 1:
        raise SysError(Errno.INVAL, f"cloexec is {cloexec}, not 0 or 1")
    _duplicate(ctx, ctx.fds.get(fd).copy(cloexec=bool(cloexec)), min_result_fd, ret_fd)


def _duplicate(ctx: Context, entry: Descriptor, minimum: int, ret_fd: int) -> None:
    ctx.memory.check(ret_fd, 4)
    ctx.memory.store_u32(ret_fd, ctx.fds.add(entry, minimum))


@syscall(modules=BASE)
def fd_prestat_get(ctx: Context, fd: Fd, buf: Out[Prestat]) -> None:
    """Tell about a directory that was open from the start.

    ABI: preview1; libc asks from fd 3 on until BADF. Errors: BADF not such a directory; FAULT.
    """
    name = _preopen(ctx, fd)
    ctx.memory.store(buf, Prestat(0, PrestatU.of(PrestatDir(len(name)))))


@syscall(modules=BASE)
def fd_prestat_dir_name(ctx: Context, fd: Fd, path: Out[U8], path_len: Size) -> None:
    """Copy the name of a directory that was open from the start, without NUL.

    ABI: preview1. Errors: BADF not such a directory; NAMETOOLONG the buffer is too small; FAULT.
    """
    name = _preopen(ctx, fd)
    if path_len < len(name):
        raise SysError(Errno.NAMETOOLONG, f"the name has {len(name)} bytes, the buffer {path_len}")
    ctx.memory.write(path, name)


def _preopen(ctx: Context, fd: int) -> bytes:
    name = ctx.fds.get(fd).preopen
    if name is None:
        raise SysError(Errno.BADF, f"fd {fd} is no pre-opened directory")
    return name
