"""Unix sockets as what stands in directories: what calls on paths say of their names.

The names are the program's own and lie before its files (`host.unix_names`): a path is taken by its text, from "/".
Nobody pays for this but programs that have bound a Unix socket.
"""

from __future__ import annotations

from pywasix.abi.enums import OFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs import operations
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.node import Entry
from pywasix.fs.walk import Start
from pywasix.kernel.file import FileStatus
from pywasix.net.address import UNIX, Address
from pywasix.syscalls.context import Context

_CREAT, _EXCL, _DIRECTORY = int(OFlags.CREAT), int(OFlags.EXCL), int(OFlags.DIRECTORY)


def _whole(start: Start, path: bytes) -> bytes:
    """A path from "/"."""
    return path if path.startswith(b"/") else b"/".join((b"", *start.names, path))


def socket_at(ctx: Context, start: Start, path: bytes) -> FileStatus | None:
    """What stat tells of the socket that a path names; None when it names none. Errors: NOTDIR it leads through one."""
    names = ctx.network.socket_names
    if names is None or start.root is None:
        return None
    whole = _whole(start, path)
    found = names.find(whole)
    through = path.endswith((b"/", b"/.")) if found is not None else names.find(whole.rpartition(b"/")[0]) is not None
    if through:
        raise SysError(Errno.NOTDIR, "a socket is no directory")
    return found


def refuse_socket(ctx: Context, start: Start, path: bytes, oflags: int) -> None:
    """A socket is not opened. Errors: EXIST something new was wanted; NOTDIR a directory was; NXIO (open(2))."""
    if socket_at(ctx, start, path) is None:
        return
    if oflags & _CREAT and oflags & _EXCL:
        raise SysError(Errno.EXIST, "a socket has that name")
    raise SysError(Errno.NOTDIR if oflags & _DIRECTORY else Errno.NXIO, "a socket is connected to, not opened")


def check_no_socket(ctx: Context, start: Start, path: bytes) -> None:
    """Something new is to get a name. Errors: EXIST a socket has it."""
    if socket_at(ctx, start, path) is not None:
        raise SysError(Errno.EXIST, "a socket has that name")


def leave_socket(ctx: Context, start: Start, path: bytes, what: str) -> None:
    """Something is to be done with a file. Errors: NOTSUP it is a socket, with which that is not done."""
    if socket_at(ctx, start, path) is not None:
        raise SysError(Errno.NOTSUP, f"a socket's name {what}")


def check_no_file(ctx: Context, address: Address) -> None:
    """A socket is to get a name. Errors: ADDRINUSE something of the file system has it."""
    if address.family != UNIX or not address.ip or ctx.process.files is None:
        return
    root = ctx.files.namespace.root
    try:
        operations.status_of_path(Start(root, (), root), b"/" + address.ip, follow=False)
    except SysError:
        return
    raise SysError(Errno.ADDRINUSE, "a file has that name")


def check_no_sockets_in(ctx: Context, start: Start, path: bytes) -> None:
    """A directory is to be removed. Errors: NOTEMPTY there are sockets in it; NOTDIR it is a socket."""
    names = ctx.network.socket_names
    if names is None or start.root is None:
        return
    if names.find(_whole(start, path)) is not None:
        raise SysError(Errno.NOTDIR, "a socket has that name")
    if names.within(_whole(start, path)):
        raise SysError(Errno.NOTEMPTY, "there are sockets in it")


def unlink_socket(ctx: Context, start: Start, path: bytes) -> bool:
    """Take a path from the socket that it names; returns whether it named one."""
    names = ctx.network.socket_names
    if names is None or socket_at(ctx, start, path) is None:
        return False
    names.unlink(_whole(start, path))
    return True


def rename_socket(ctx: Context, start: Start, path: bytes, to: Start, new: bytes) -> bool:
    """Give a socket another name, in place of what has it; returns whether the path named a socket.

    Errors: ISDIR a directory has that name; those of removing what has it.
    """
    names = ctx.network.socket_names
    if names is None or socket_at(ctx, start, path) is None:
        return False
    before, after = _whole(start, path), _whole(to, new)
    if names.find(after) is None:
        try:
            operations.remove_file(to, new)
        except SysError as error:
            if error.errno not in (Errno.NOENT, Errno.ROFS):  # sockets have names also where no file can be
                raise
    names.move(before, after)
    return True


def sockets_moved(ctx: Context, change: operations.Moved) -> None:
    """Something was renamed: the name of a socket that it took is gone, and sockets below it have another path."""
    names = ctx.network.socket_names
    if names is None:
        return
    before, after = (b"/" + b"/".join(each) for each in change)
    if names.find(after) is not None:
        names.unlink(after)
    names.move(before, after)


def sockets_in(ctx: Context, directory: DirectoryFile) -> list[Entry]:
    """The sockets that an open directory is listed with."""
    names, start = ctx.network.socket_names, directory.start
    if names is None or start.root is None:
        return []
    return [Entry(name, status.inode, status.filetype) for name, status in names.within(_whole(start, b""))]
