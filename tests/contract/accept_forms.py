"""The three forms of accept, and a network whose answers a test writes down."""

from __future__ import annotations

import socket
from typing import Any

from contract.guest_process import RO_ADDR, RO_FD, Caller, GuestProcess
from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.host.sockets import HostStack
from pywasix.kernel.fdtable import Descriptor
from pywasix.net.address import Address
from pywasix.net.network import Network
from pywasix.net.sockets import SOCKET_RIGHTS, Socket
from pywasix.net.states import State
from pywasix.syscalls import sock

FORMS = {
    "sock_accept_v2": sock.sock_accept_v2,
    "four-parameters": sock.sock_accept_with_peer,
    "three-parameters": sock.sock_accept,
}


class Accept:
    """One form of accept, called with good result pointers unless others are given."""

    def __init__(self, name: str) -> None:
        self.tells_peer = name != "three-parameters"
        self._handler: Any = FORMS[name]

    def __call__(self, caller: Caller, fd: int, flags: int = 0, ro_fd: int = RO_FD, ro_addr: int = RO_ADDR) -> Errno:
        pointers = (ro_fd, ro_addr) if self.tells_peer else (ro_fd,)
        return caller.call(self._handler, fd, flags, *pointers)


def address_of(caller: socket.socket) -> tuple[str, int]:
    """Host and port of a connected Python socket, as it knows them itself."""
    host, port = caller.getsockname()[:2]
    return host, port


def same_peer(found: Address, caller: socket.socket) -> bool:
    return (found.host, found.port) == address_of(caller)


class StubChannel:
    """A listening channel that answers accept from a list of peers and errors."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers
        self.closed = 0

    def accept(self, nonblocking: bool) -> tuple[Any, Address]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return StubChannel([]), answer

    def close(self) -> None:
        self.closed += 1


def stub_network(answers: list[Any]) -> Network:
    channel = StubChannel(answers)

    class Stack(HostStack):
        def open(self, family: int, kind: SockType) -> Any:
            return channel

    return Network(Stack, None, print)


def listening(network: Network, family: int = 1) -> Socket:
    channel = network.stack.open(family, SockType.SOCKET_STREAM)
    return Socket(network, channel, family, SockType.SOCKET_STREAM, State.LISTENING)


def install(server: GuestProcess, listener: Socket) -> int:
    return server.process.fds.add(Descriptor(listener, SOCKET_RIGHTS, SOCKET_RIGHTS))
