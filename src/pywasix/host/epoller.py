"""The host's epoll, which watches the descriptors that guests watch."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Sequence
from contextlib import suppress

from pywasix.abi.enums import EpollType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.poller import asked, told
from pywasix.kernel.wait import FAILED, FINISHED, HANGUP, READABLE, URGENT, WRITABLE, Handle

_KNOWN = READABLE | WRITABLE | FINISHED | URGENT | FAILED | HANGUP
_EDGE, _ONCE = int(EpollType.EPOLLET), int(EpollType.EPOLLONESHOT)


class HostEpoll:
    """A `kernel.epoll.EpollHost` over epoll(7). A key is the host's descriptor.

    Attributes:
        look: the host's own function, which every wait of every guest calls.

    Errors of making one: NOTSUP a system without epoll; MFILE, NFILE, NOMEM of the host.
    """

    __slots__ = ("_copies", "_epoll", "look", "readable", "told")

    def __init__(self) -> None:
        if not hasattr(select, "epoll"):
            raise SysError(Errno.NOTSUP, "this system has no epoll")
        try:
            self._epoll = select.epoll()
        except OSError as error:
            raise sys_error(error) from None
        self.look: Callable[[float, int], Sequence[tuple[int, int]]] = self._epoll.poll
        self.told: Callable[[int], int] = told
        self.readable = int(select.EPOLLIN)
        self._copies: set[int] = set()

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return -1 if self._epoll.closed else self._epoll.fileno()

    def key_of(self, handle: Handle) -> int:
        return handle.fileno()

    def add(self, handle: Handle, events: int) -> int:
        fd = handle.fileno()
        if fd < 0:
            raise SysError(Errno.BADF, "the file is closed")
        try:
            try:
                self._epoll.register(fd, _mask(events))
            except FileExistsError:
                fd = self._add_copy(fd, events)
        except OSError as error:
            raise sys_error(error) from None
        return fd

    def _add_copy(self, fd: int, events: int) -> int:
        """The host watches a descriptor once; what is watched under several numbers needs more of them."""
        copy = os.dup(fd)
        try:
            self._epoll.register(copy, _mask(events))
        except BaseException:
            os.close(copy)
            raise
        self._copies.add(copy)
        return copy

    def change(self, key: int, events: int) -> None:
        try:
            self._epoll.modify(key, _mask(events))
        except OSError as error:
            raise sys_error(error) from None

    def remove(self, key: int) -> None:
        with suppress(OSError):  # a standard stream that the embedding program closed itself
            self._epoll.unregister(key)
        if key in self._copies:
            self._copies.discard(key)
            os.close(key)

    def close(self) -> None:
        self._epoll.close()


def _mask(events: int) -> int:
    """The kernel's events and modes as epoll(7) takes them."""
    mask = asked(events & _KNOWN)  # whose answers are kept: a guest may ask for 2^32 others
    if events & _EDGE:
        mask |= select.EPOLLET
    if events & _ONCE:
        mask |= select.EPOLLONESHOT
    return mask
