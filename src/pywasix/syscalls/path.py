"""Paths: opening what they name, and telling what it is. Directories are read-only."""

from __future__ import annotations

from pywasix.abi.enums import FdFlags, FdFlagsExt, FileType, LookupFlags, OFlags, Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import FileStat, UnstableFileStat
from pywasix.abi.scalars import U8, Char, Code, Fd, Flags, In, Out, Size
from pywasix.errors import SysError
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.node import Node
from pywasix.fs.walk import Start, resolved
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, PREVIEW1_AND_WASIX, UNSTABLE_ONLY, Support, syscall

_LONGEST = 4096  # bytes of a path, Linux PATH_MAX
_READ_ONLY = "Directories are read-only: what would write answers ROFS."


def directory_of(ctx: Context, fd: int, right: int) -> DirectoryFile:
    """The directory behind a descriptor that has a right. Errors: BADF; NOTDIR; NOTCAPABLE."""
    file = ctx.fds.get(fd).file
    if not isinstance(file, DirectoryFile):
        raise SysError(Errno.NOTDIR, f"fd {fd} is no directory")
    ctx.fds.file(fd, right)
    return file


def path_of(ctx: Context, pointer: int, size: int) -> bytes:
    """A path that the guest wrote. Errors: FAULT; NAMETOOLONG."""
    ctx.memory.check(pointer, size)
    if size > _LONGEST:
        raise SysError(Errno.NAMETOOLONG, f"a path of {size} bytes")
    return ctx.memory.read(pointer, size)


def _start(ctx: Context, fd: int, right: Rights) -> Start:
    return directory_of(ctx, fd, int(right)).start


@syscall(modules=BASE, support=Support.PARTIAL, note=_READ_ONLY)
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
        write; NOTSUP a device or a FIFO; INVAL; MFILE; FAULT.
    """
    rights = fs_rights_base, fs_rights_inheriting
    _open(ctx, fd, dirflags, path_of(ctx, path, path_len), oflags, rights, ret_fd, nonblocking=fdflags, cloexec=0)


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_READ_ONLY)
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
    rights = fs_rights_base, fs_rights_inheriting
    _open(
        ctx, fd, dirflags, path_of(ctx, path, path_len), oflags, rights, ret_fd, nonblocking=fdflags, cloexec=fdflagsext
    )


def _open(
    ctx: Context,
    fd: int,
    dirflags: int,
    path: bytes,
    oflags: int,
    rights: tuple[int, int],
    ret_fd: int,
    *,
    nonblocking: int,
    cloexec: int,
) -> None:
    start = _start(ctx, fd, Rights.PATH_OPEN)
    allowed = ctx.fds.get(fd).inheriting
    ctx.memory.check(ret_fd, 4)
    number = ctx.fds.reserve()
    try:
        file = _opened(start, path, oflags, rights[0], follow=bool(dirflags & LookupFlags.SYMLINK_FOLLOW))
    except BaseException:
        ctx.fds.cancel(number)
        raise
    file.nonblocking = bool(nonblocking & FdFlags.NONBLOCK)
    base = rights[0] & allowed & file.rights
    ctx.fds.install(number, Descriptor(file, base, rights[1] & allowed, cloexec=bool(cloexec)))
    ctx.memory.store_u32(ret_fd, number)


def _opened(start: Start, path: bytes, oflags: int, rights: int, *, follow: bool) -> File:
    exclusive = oflags & OFlags.CREAT and oflags & OFlags.EXCL
    try:
        with resolved(start, path, follow=follow and not exclusive) as node:
            if exclusive:
                raise SysError(Errno.EXIST, "it is there already")
            return _opened_node(start, node, oflags, rights)
    except SysError as error:
        if error.errno is Errno.NOENT and oflags & OFlags.CREAT and path:
            raise SysError(Errno.ROFS, "no file can be made in a read-only directory") from None
        raise


def _opened_node(start: Start, node: Node, oflags: int, rights: int) -> File:
    if node.filetype is FileType.DIRECTORY:
        # Who says that it is a directory asks for all rights that one might have.
        if oflags & OFlags.TRUNC or (rights & Rights.FD_WRITE and not oflags & OFlags.DIRECTORY):
            raise SysError(Errno.ISDIR, "a directory is not written")
        return DirectoryFile(node.keep(), start.root)
    if oflags & OFlags.DIRECTORY:
        raise SysError(Errno.NOTDIR, "it is no directory")
    if node.filetype is FileType.SYMBOLIC_LINK:
        raise SysError(Errno.LOOP, "it is a symbolic link, and links are not to be followed")
    if rights & Rights.FD_WRITE or oflags & OFlags.TRUNC:
        raise SysError(Errno.ROFS, "the directory is read-only")
    return node.open()


@syscall(modules=PREVIEW1_AND_WASIX)
def path_filestat_get(
    ctx: Context, fd: Fd, flags: Flags[LookupFlags], path: In[Char], path_len: Size, buf: Out[FileStat]
) -> None:
    """Tell what stat tells of what a path names; without SYMLINK_FOLLOW, of a link itself.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; LOOP; NAMETOOLONG; PERM the path leads out; FAULT.
    """
    start = _start(ctx, fd, Rights.PATH_FILESTAT_GET)
    ctx.memory.check(buf, FileStat.SIZE)
    with resolved(start, path_of(ctx, path, path_len), follow=bool(flags)) as node:
        s, kind = node.status(), node.filetype
    ctx.memory.store(buf, FileStat(s.device, s.inode, kind, s.links, s.size, s.accessed, s.modified, s.changed))


@syscall(modules=UNSTABLE_ONLY, name="path_filestat_get")
def unstable_path_filestat_get(
    ctx: Context, fd: Fd, flags: Flags[LookupFlags], path: In[Char], path_len: Size, buf: Out[UnstableFileStat]
) -> None:
    """Tell what stat tells, in the layout with a 32-bit link count.

    ABI: wasi_unstable. Errors: as path_filestat_get.
    """
    start = _start(ctx, fd, Rights.PATH_FILESTAT_GET)
    ctx.memory.check(buf, UnstableFileStat.SIZE)
    with resolved(start, path_of(ctx, path, path_len), follow=bool(flags)) as node:
        s, kind = node.status(), node.filetype
    links = s.links & 0xFFFFFFFF
    ctx.memory.store(buf, UnstableFileStat(s.device, s.inode, kind, links, s.size, s.accessed, s.modified, s.changed))


@syscall(modules=BASE)
def path_readlink(
    ctx: Context, fd: Fd, path: In[Char], path_len: Size, buf: Out[U8], buf_len: Size, buf_used: Out[Size]
) -> None:
    """Tell where a symbolic link points: as many bytes as fit, without NUL.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; INVAL no symbolic link; NAMETOOLONG; PERM the path
        leads out; FAULT.
    """
    start = _start(ctx, fd, Rights.PATH_READLINK)
    ctx.memory.check(buf, buf_len)
    ctx.memory.check(buf_used, 4)
    with resolved(start, path_of(ctx, path, path_len), follow=False) as node:
        target = node.target()[:buf_len]
    ctx.memory.write(buf, target)
    ctx.memory.store_u32(buf_used, len(target))
