"""Unix sockets of guests: operating-system sockets whose names are the program's own (`host.unix_names`)."""

from __future__ import annotations

import _socket as socket  # as in `host.sockets`
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.errors import sys_error
from pywasix.host.sockets import KINDS, RECEIVE_FLAGS, SEND_FLAGS, HostChannel
from pywasix.host.unix_names import Name, UnixNames
from pywasix.net.address import UNIX, Address

T = TypeVar("T")


class UnixChannel(HostChannel):
    """One Unix socket: a `net.stack.Channel`."""

    __slots__ = ("_name", "_names", "_path")

    def __init__(self, fd: int, kind: SockType, names: UnixNames) -> None:
        super().__init__(fd, UNIX, kind)
        self._names = names
        self._name: Name | None = None  # which this socket gives back
        self._path = b""

    def ready(self) -> UnixChannel:
        """Let blocking calls come back soon. Errors: as the host says; the channel is closed then."""
        try:
            self.patient()
        except OSError as error:
            self.close()
            raise sys_error(error) from None
        return self

    def bind(self, address: Address) -> None:
        name = self._names.bind(self._open(), address.ip)
        self._name, self._path = name, name.path
        if self.fd < 0:  # closed by another task meanwhile, which found no name to give back
            self._names.release(name)

    def accept(self, nonblocking: bool) -> tuple[UnixChannel, Address]:
        try:
            fd, peer = self._open()._accept()  # type: ignore[attr-defined]  # as in HostChannel.accept
        except OSError as error:
            raise sys_error(error) from None
        channel = UnixChannel(fd, self._kind, self._names)
        channel._path = self._path
        channel.ready()  # unlike TCP, Linux hands no timer of the listener down
        if nonblocking:
            os.set_blocking(fd, False)
        return channel, self._address(peer)

    def connect(self, address: Address) -> None:
        self._reaching(address, lambda door: self._open().connect(door))

    def send_to(self, buffers: Sequence[memoryview], flags: int, address: Address) -> int:
        return self._reaching(address, lambda door: self._open().sendmsg(buffers, (), SEND_FLAGS[flags], door))

    def _reaching(self, address: Address, call: Callable[[str], T]) -> T:
        name = self._names.enter(address.ip)
        try:
            return call(name.door)
        except OSError as error:
            raise sys_error(error) from None
        finally:
            self._names.leave(name)

    def recv_from(self, buffers: Sequence[memoryview], flags: int) -> tuple[int, bool, Address]:
        try:
            count, _, told, sender = self._open().recvmsg_into(buffers, 0, RECEIVE_FLAGS[flags])
        except OSError as error:
            raise sys_error(error) from None
        return count, bool(told & socket.MSG_TRUNC), self._address(sender)

    def local(self) -> Address:
        self._open()
        return Address(UNIX, self._path, 0)

    def peer(self) -> Address:
        try:
            return self._address(self._open().getpeername())
        except OSError as error:
            raise sys_error(error) from None

    def _address(self, found: str | bytes | None) -> Address:
        return Address(UNIX, self._names.path_of(found), 0)

    def close(self) -> None:
        super().close()
        name, self._name = self._name, None
        if name is not None:
            self._names.release(name)


def open_channel(names: UnixNames, kind: SockType) -> UnixChannel:
    """A fresh Unix socket. Errors: NOTSUP (type); MFILE, NFILE, NOBUFS, NOMEM of the host."""
    try:
        return _adopt(socket.socket(socket.AF_UNIX, _host_kind(kind)), kind, names)
    except OSError as error:
        raise sys_error(error) from None


def open_pair(names: UnixNames, kind: SockType) -> tuple[UnixChannel, UnixChannel]:
    """Two Unix sockets that are connected to each other. Errors: as `open_channel`."""
    try:
        first, second = socket.socketpair(socket.AF_UNIX, _host_kind(kind))
    except OSError as error:
        raise sys_error(error) from None
    channel = _adopt(first, kind, names)
    try:
        return channel, _adopt(second, kind, names)
    except BaseException:
        channel.close()
        raise


def _adopt(opened: socket.socket, kind: SockType, names: UnixNames) -> UnixChannel:
    fd = opened.detach()
    if socket.getdefaulttimeout() is not None:
        os.set_blocking(fd, True)  # the embedding program set a time limit for all sockets
    return UnixChannel(fd, kind, names).ready()


def _host_kind(kind: SockType) -> int:
    if kind not in KINDS:
        raise SysError(Errno.NOTSUP, f"{kind.name} sockets are not supported")
    return KINDS[kind]
