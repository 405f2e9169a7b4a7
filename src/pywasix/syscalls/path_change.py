"""Paths: making, moving and removing what they name."""

from __future__ import annotations

from pywasix.abi.enums import LookupFlags, Rights
from pywasix.abi.scalars import Char, Fd, Flags, In, Size
from pywasix.fs import operations
from pywasix.syscalls.context import Context
from pywasix.syscalls.opening import path_of, start_of
from pywasix.syscalls.row import BASE, Support, syscall
from pywasix.syscalls.socket_names import (
    check_no_socket,
    check_no_sockets_in,
    leave_socket,
    rename_socket,
    sockets_moved,
    unlink_socket,
)

_CREATE_DIRECTORY = int(Rights.PATH_CREATE_DIRECTORY)
_REMOVE_DIRECTORY = int(Rights.PATH_REMOVE_DIRECTORY)
_UNLINK_FILE = int(Rights.PATH_UNLINK_FILE)
_RENAME_SOURCE = int(Rights.PATH_RENAME_SOURCE)
_RENAME_TARGET = int(Rights.PATH_RENAME_TARGET)
_LINK_SOURCE = int(Rights.PATH_LINK_SOURCE)
_LINK_TARGET = int(Rights.PATH_LINK_TARGET)
_SYMLINK = int(Rights.PATH_SYMLINK)


@syscall(modules=BASE)
def path_create_directory(ctx: Context, fd: Fd, path: In[Char], path_len: Size) -> None:
    """Make a directory.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; EXIST; LOOP; NAMETOOLONG; PERM the path leads out; ROFS;
        NOSPC; INVAL a NUL byte; FAULT.
    """
    start, name = start_of(ctx, fd, _CREATE_DIRECTORY), path_of(ctx, path, path_len)
    check_no_socket(ctx, start, name)
    operations.make_directory(start, name)


@syscall(modules=BASE)
def path_remove_directory(ctx: Context, fd: Fd, path: In[Char], path_len: Size) -> None:
    """Remove an empty directory.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; NOTEMPTY; BUSY something is mounted there; LOOP;
        NAMETOOLONG; PERM the path leads out; ROFS; INVAL it ends in "."; FAULT.
    """
    start, name = start_of(ctx, fd, _REMOVE_DIRECTORY), path_of(ctx, path, path_len)
    check_no_sockets_in(ctx, start, name)
    operations.remove_directory(start, name)


@syscall(modules=BASE)
def path_unlink_file(ctx: Context, fd: Fd, path: In[Char], path_len: Size) -> None:
    """Take a name from a file, a symbolic link or a Unix socket; what is open stays usable.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; ISDIR; LOOP; NAMETOOLONG; PERM the path leads out; ROFS;
        INVAL a NUL byte; FAULT.
    """
    start, name = start_of(ctx, fd, _UNLINK_FILE), path_of(ctx, path, path_len)
    if not unlink_socket(ctx, start, name):
        operations.remove_file(start, name)


@syscall(modules=BASE)
def path_rename(
    ctx: Context,
    fd: Fd,
    old_path: In[Char],
    old_path_len: Size,
    new_fd: Fd,
    new_path: In[Char],
    new_path_len: Size,
) -> None:
    """Give a file or directory another name, in place of what has that name.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; ISDIR; NOTEMPTY; XDEV another mount; BUSY "." or a mount;
        INVAL into itself; LOOP; NAMETOOLONG; PERM the path leads out; ROFS; NOSPC; FAULT.
    """
    start = start_of(ctx, fd, _RENAME_SOURCE)
    to = start_of(ctx, new_fd, _RENAME_TARGET)
    path, new = path_of(ctx, old_path, old_path_len), path_of(ctx, new_path, new_path_len)
    if not rename_socket(ctx, start, path, to, new):
        change = operations.rename(start, path, to, new)
        ctx.files.moved(change)
        sockets_moved(ctx, change)


@syscall(modules=BASE, support=Support.PARTIAL, note="A Unix socket has one name.")
def path_link(
    ctx: Context,
    old_fd: Fd,
    old_flags: Flags[LookupFlags],
    old_path: In[Char],
    old_path_len: Size,
    new_fd: Fd,
    new_path: In[Char],
    new_path_len: Size,
) -> None:
    """Give a file one more name; of a symbolic link, the link itself without SYMLINK_FOLLOW.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; EXIST; XDEV another mount; PERM a directory, or the path
        leads out; LOOP; NAMETOOLONG; ROFS; NOSPC; INVAL a NUL byte; NOTSUP a Unix socket; FAULT.
    """
    start = start_of(ctx, old_fd, _LINK_SOURCE)
    to = start_of(ctx, new_fd, _LINK_TARGET)
    path, new = path_of(ctx, old_path, old_path_len), path_of(ctx, new_path, new_path_len)
    check_no_socket(ctx, to, new)
    leave_socket(ctx, start, path, "is its only one")
    operations.link(start, path, to, new, follow=bool(old_flags))


@syscall(modules=BASE)
def path_symlink(
    ctx: Context, old_path: In[Char], old_path_len: Size, fd: Fd, new_path: In[Char], new_path_len: Size
) -> None:
    """Make a symbolic link that says `old_path`, which nobody looks at now.

    ABI: preview1. Errors: BADF; NOTDIR; NOTCAPABLE; NOENT; EXIST; LOOP; NAMETOOLONG; PERM the path leads out, or
        the link of a guest without WASIX is absolute; ROFS; NOSPC; INVAL a NUL byte; FAULT.
    """
    start = start_of(ctx, fd, _SYMLINK)
    target, path = path_of(ctx, old_path, old_path_len), path_of(ctx, new_path, new_path_len)
    check_no_socket(ctx, start, path)
    operations.make_link(start, path, target)
