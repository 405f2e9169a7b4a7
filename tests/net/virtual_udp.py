"""UDP sockets of guests without a guest; see `net.virtual_guest`."""

from __future__ import annotations

from net.virtual_guest import DATAGRAM, Guest, refusal
from pywasix.abi.enums import RiFlags
from pywasix.abi.errno import Errno
from pywasix.errors import WouldBlock
from pywasix.net.address import INET4, Address, parse
from pywasix.net.sockets import Socket

DONT_WAIT = int(RiFlags.RECV_DONT_WAIT)


def host_of(guest: Guest, version: int) -> str:
    return guest.ip4 if version == 4 else guest.ip6


def view(data: bytes) -> memoryview:
    return memoryview(bytearray(data))


def post(socket: Socket, data: bytes, host: str, port: int) -> int:
    """Send one datagram to an address."""
    return socket.channel.send_to((view(data),), 0, parse(host, port))


def send(socket: Socket, data: bytes) -> int:
    """Send one datagram to the peer."""
    return socket.channel.send(view(data), 0)


def take(socket: Socket, most: int = 100, flags: int = DONT_WAIT) -> tuple[bytes, Address]:
    """The next datagram and its sender."""
    buffer = bytearray(most)
    count, _, sender = socket.channel.recv_from((memoryview(buffer),), flags)
    return bytes(buffer[:count]), sender


def nothing(socket: Socket) -> None:
    """No datagram waits, and poll says so too."""
    with refusal(Errno.AGAIN):
        take(socket)


def udp(guest: Guest, host: str | None = None, port: int = 0, family: int = INET4) -> Socket:
    """A datagram socket, bound if a host is given."""
    return guest.socket(family, DATAGRAM) if host is None else guest.bound(host, port, DATAGRAM)


def drain(socket: Socket) -> list[bytes]:
    """Every datagram that waits."""
    found: list[bytes] = []
    while True:
        try:
            found.append(take(socket)[0])
        except WouldBlock:
            return found
