"""Files and directories through descriptors: reading at an offset, listing; the working directory."""

from __future__ import annotations

from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import Dirent, Iovec
from pywasix.abi.scalars import U8, Char, DirCookie, Fd, Filesize, In, InOut, Out, PointerSize, Size
from pywasix.errors import SysError
from pywasix.syscalls.context import Context
from pywasix.syscalls.path import directory_of, path_of
from pywasix.syscalls.row import BASE, EXTENSION, syscall

_READ = int(Rights.FD_READ)
_SEEK = int(Rights.FD_SEEK)
_READDIR = int(Rights.FD_READDIR)


@syscall(modules=BASE)
def fd_pread(ctx: Context, fd: Fd, iovs: In[Iovec], iovs_len: Size, offset: Filesize, nread: Out[Size]) -> None:
    """Read from an offset in bytes; the position stays where it is.

    ABI: preview1. Errors: BADF; NOTCAPABLE; SPIPE a stream; INVAL an offset that no file has, or over 1024 buffers;
        ISDIR; FAULT.
    """
    entry = ctx.fds.get(fd)
    if _READ & ~entry.rights:
        raise SysError(Errno.NOTCAPABLE, f"fd {fd} may not be read")
    ctx.memory.check(nread, 4)
    ctx.memory.store_u32(nread, entry.file.read_at(ctx.memory.iovecs(iovs, iovs_len), offset))


@syscall(modules=BASE)
def fd_readdir(ctx: Context, fd: Fd, buf: Out[U8], buf_len: Size, cookie: DirCookie, bufused: Out[Size]) -> None:
    """List a directory from a cookie on: entries of 24 bytes, each followed by its name; the last one may be cut.

    Less than `buf_len` bytes say that nothing follows. The list is made at cookie 0, and stays as it was.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; FAULT.
    """
    directory = directory_of(ctx, fd, _READDIR)
    ctx.memory.check(buf, buf_len)
    ctx.memory.check(bufused, 4)
    listed = bytearray()
    for place, entry in enumerate(directory.entries(again=not cookie)[cookie:], cookie + 1):
        listed += Dirent(place, entry.inode, len(entry.name), entry.filetype).pack() + entry.name
        if len(listed) >= buf_len:
            break
    size = min(len(listed), buf_len)
    ctx.memory.write(buf, bytes(listed[:size]))
    ctx.memory.store_u32(bufused, size)


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

    ABI: WASIX. Errors: NOENT; NOTDIR; LOOP; NAMETOOLONG; INVAL a NUL byte; FAULT.
    """
    ctx.files.chdir(path_of(ctx, path, path_len))
