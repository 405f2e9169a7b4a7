"""Sending files through sockets."""

from __future__ import annotations

from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.abi.scalars import Fd, Filesize, Out
from pywasix.errors import SysError
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall

_READ = int(Rights.FD_READ)
_WRITE = int(Rights.FD_WRITE)
_MOST = 0x7FFF_F000  # bytes in one call (Linux: MAX_RW_COUNT)
_END = 1 << 63  # of the offsets that a file can have


@syscall(modules=EXTENSION)
def sock_send_file(
    ctx: Context, out_fd: Fd, in_fd: Fd, offset: Filesize, count: Filesize, ret_sent: Out[Filesize]
) -> None:
    """Send bytes of a file from an offset on, whose own position stays; the end of the file ends it.

    As with Linux's sendfile, anything that can be written takes them. A blocking socket takes all of them,
    at most 2147479552 in one call.

    ABI: WASIX; libc tells the position as offset when its caller gives none, and does not move it.
    Errors: BADF; NOTCAPABLE; SPIPE `in_fd` has no positions; INVAL an end that no file has, or a file that the host
        cannot send; FAULT; PIPE; AGAIN non-blocking, or the send timeout is over; INTR; CONNRESET;
        DESTADDRREQ, MSGSIZE a datagram socket.
    """
    source = ctx.fds.file(in_fd, _READ)
    if offset + count >= _END:
        raise SysError(Errno.INVAL, f"no file has {count} bytes from {offset} on")
    source.read_at((), offset)  # nothing: it only tells what cannot be read so
    target = ctx.fds.file(out_fd, _WRITE)
    ctx.memory.check(ret_sent, 8)
    ctx.memory.store_u64(ret_sent, target.send_file(ctx.task, source, offset, min(count, _MOST)))
