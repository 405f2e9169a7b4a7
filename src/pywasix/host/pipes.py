"""Pipes and event counters that guests make."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.files import PipeChannel


def make_pipe() -> tuple[PipeEnd, PipeEnd]:
    """The end that is read and the end that is written. Errors: MFILE, NFILE of the host."""
    try:
        reader, writer = os.pipe()
    except OSError as error:
        raise sys_error(error) from None
    return PipeEnd(reader), PipeEnd(writer)


class PipeEnd(PipeChannel):
    """One end of a pipe of a guest's own."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd, owned=True, private=True)


def make_two_way_pipe() -> tuple[PipeEnd, PipeEnd]:
    """Two ends, of which each is read and written. Errors: MFILE, NFILE of the host."""
    try:
        first, second = socket.socketpair()
    except OSError as error:
        raise sys_error(error) from None
    return TwoWayEnd(first.detach()), TwoWayEnd(second.detach())


class TwoWayEnd(PipeEnd):
    """One end of a pipe that goes both ways. To its reader and writer it is a pipe."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.filetype = FileType.UNKNOWN  # as that of a pipe

    def read(self, buffers: Sequence[memoryview]) -> int:
        try:
            return super().read(buffers)
        except SysError as error:
            if error.errno is Errno.CONNRESET:  # Linux: the other end was closed with data that nobody read
                return 0
            raise

    def write(self, buffers: Sequence[memoryview]) -> int:
        try:
            return super().write(buffers)
        except SysError as error:
            if error.errno is Errno.CONNRESET:
                raise SysError(Errno.PIPE, "nobody reads any more") from None
            raise


class HostCounter:
    """A `kernel.eventfd.Counter` over eventfd(2).

    Errors of making one: NOTSUP a system without eventfd; MFILE, NFILE, NOMEM of the host.
    """

    def __init__(self, initial: int, *, semaphore: bool) -> None:
        if not hasattr(os, "eventfd"):
            raise SysError(Errno.NOTSUP, "this system has no eventfd")
        flags = os.EFD_NONBLOCK | os.EFD_CLOEXEC | (os.EFD_SEMAPHORE if semaphore else 0)
        try:
            self._fd = os.eventfd(0, flags)
        except OSError as error:
            raise sys_error(error) from None
        if initial:
            os.eventfd_write(self._fd, initial)  # eventfd(2) itself takes no more than 32 bits

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self._fd

    def take(self) -> int:
        try:
            return os.eventfd_read(self._fd)
        except OSError as error:
            raise sys_error(error) from None

    def add(self, value: int) -> None:
        try:
            os.eventfd_write(self._fd, value)
        except OSError as error:
            raise sys_error(error) from None

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)
