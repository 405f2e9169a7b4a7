"""Reading, writing and seeking through descriptors."""

from __future__ import annotations

from pywasix.abi.enums import FileType, Rights, Whence
from pywasix.abi.errno import Errno
from pywasix.abi.records import Ciovec, Iovec
from pywasix.abi.scalars import Code, Fd, FileDelta, Filesize, In, Out, Size
from pywasix.errors import SysError
from pywasix.kernel.file import File
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, syscall

_READ = int(Rights.FD_READ)
_WRITE = int(Rights.FD_WRITE)
_SEEK = int(Rights.FD_SEEK)
_TELL = int(Rights.FD_TELL)


@syscall(modules=BASE)
def fd_read(ctx: Context, fd: Fd, iovs: In[Iovec], iovs_len: Size, nread: Out[Size]) -> None:
    """Read into buffers; 0 bytes is the end of the file.

    ABI: preview1. Errors: BADF; NOTCAPABLE; ISDIR; FAULT; INVAL over 1024 buffers; AGAIN; INTR; those of sock_recv.
    """
    file = ctx.fds.file(fd, _READ)
    memory = ctx.memory
    if nread > memory.last_cell:
        memory.check(nread, 4)
    count = file.read(ctx.task, memory.iovecs(iovs, iovs_len))
    put_u32 = memory.put_u32  # called as a name: Python looks a method up at length
    put_u32(nread, count)


@syscall(modules=BASE)
def fd_write(ctx: Context, fd: Fd, iovs: In[Ciovec], iovs_len: Size, nwritten: Out[Size]) -> None:
    """Write from buffers; a blocking stream takes all of it.

    ABI: preview1. Errors: BADF; NOTCAPABLE; FAULT; INVAL over 1024 buffers; AGAIN; INTR; PIPE; those of sock_send.
    """
    file = ctx.fds.file(fd, _WRITE)
    memory = ctx.memory
    if nwritten > memory.last_cell:
        memory.check(nwritten, 4)
    count = file.write(ctx.task, memory.iovecs(iovs, iovs_len))
    put_u32 = memory.put_u32
    put_u32(nwritten, count)


@syscall(modules=BASE)
def fd_seek(ctx: Context, fd: Fd, offset: FileDelta, whence: Code[Whence], newoffset: Out[Filesize]) -> None:
    """Move the position of a file, in bytes, and tell where it is.

    ABI: preview1; wasi_unstable numbers the origins differently.
    Errors: BADF; SPIPE a stream; ISDIR; NOTCAPABLE; INVAL; FAULT.
    """
    origin = ctx.generation.whence(whence)
    if origin is None:
        raise SysError(Errno.INVAL, f"unknown origin {whence}")
    file = _seekable(ctx, fd, _SEEK)
    ctx.memory.check(newoffset, 8)
    ctx.memory.store_u64(newoffset, file.seek(offset, origin))


@syscall(modules=BASE)
def fd_tell(ctx: Context, fd: Fd, offset: Out[Filesize]) -> None:
    """Tell the position of a file in bytes.

    ABI: preview1. Errors: BADF; SPIPE a stream; ISDIR; NOTCAPABLE; FAULT.
    """
    file = _seekable(ctx, fd, _TELL)
    ctx.memory.check(offset, 8)
    ctx.memory.store_u64(offset, file.seek(0, Whence.CUR))


def _seekable(ctx: Context, fd: int, right: int) -> File:
    """The file of a descriptor that has a position, and the right to it. Errors: BADF; SPIPE; ISDIR; NOTCAPABLE."""
    file = ctx.fds.get(fd).file
    if not file.rights & right:  # lseek(2): so a program finds out what is a stream, which needs no right
        if file.filetype is FileType.DIRECTORY:  # preview1 has cookies in place of a position
            raise SysError(Errno.ISDIR, f"fd {fd} is a directory")
        raise SysError(Errno.SPIPE, f"fd {fd} has no position")
    return ctx.fds.file(fd, right)
