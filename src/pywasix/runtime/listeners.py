"""Listening sockets that a program finds open when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pywasix.abi.socket_enums import SockOption, SockType
from pywasix.errors import OptionError, SysError
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.process import Process
from pywasix.net.address import Address, parse
from pywasix.net.network import Network
from pywasix.net.sockets import SOCKET_RIGHTS, Socket
from pywasix.net.stack import Channel, NetStack
from pywasix.net.states import State

if TYPE_CHECKING:
    from _typeshed import HasFileno

    Listen: TypeAlias = str | tuple[str, int] | HasFileno

_BACKLOG = 128


def install_listeners(process: Process, listeners: Sequence[Socket]) -> list[tuple[str, int]]:
    """Put listening sockets under the next free numbers; returns their (host, port).

    Raises: OptionError when the limit of descriptors leaves no room for them.
    """
    needed = len(process.fds) + len(listeners)
    if needed > process.fds.limit:
        for listener in listeners:
            listener.close()
        raise OptionError(
            f"--max-fds (max_fds) is {process.fds.limit}; the standard streams and the listeners need {needed}"
        )
    for listener in listeners:
        process.fds.add(Descriptor(listener, SOCKET_RIGHTS, SOCKET_RIGHTS))
    addresses = [listener.local() for listener in listeners]
    return [(address.host, address.port) for address in addresses]


def open_listeners(network: Network, addresses: Sequence[Listen], *, ruled: bool) -> list[Socket]:
    """Listening sockets to hand to a program.

    The user named these addresses, so that they need no rule to be opened.

    Args:
        ruled: the network's policy judges who may connect to them; otherwise everybody may.
    Raises: OSError when an address cannot be had, OptionError when it is none, or no listening socket.
    """
    door = None if ruled else network.unruled()
    opened: list[Socket] = []
    try:
        for each in [addresses] if isinstance(addresses, str) else addresses:
            opened.append(_listener(network, each))
            opened[-1].door = door
    except BaseException:
        for socket in opened:
            socket.close()
        raise
    return opened


def _listener(network: Network, wanted: Any) -> Socket:
    if hasattr(wanted, "fileno"):
        from pywasix.host.adopted import adopt_listener

        adopted = adopt_listener(_number(wanted))
        channel: Channel = adopted if network.watch is None else network.watch.over_listener(adopted)
        return Socket(network, channel, adopted.family, SockType.SOCKET_STREAM, State.LISTENING)
    address = parse_listen(wanted)
    try:
        channel = _listening(network.stack, address)
    except SysError as error:
        raise OSError(f"cannot listen on {address}: {error.text}") from None
    if network.watch is not None:
        network.watch.listening(channel)
    return Socket(network, channel, address.family, SockType.SOCKET_STREAM, State.LISTENING)


def _number(wanted: HasFileno) -> int:
    try:
        return wanted.fileno()
    except (OSError, ValueError):  # a closed file; io.UnsupportedOperation is both
        raise OptionError(f"listen got {wanted!r}, which has no descriptor") from None


def _listening(stack: NetStack, address: Address) -> Channel:
    channel = stack.open(address.family, SockType.SOCKET_STREAM)
    try:
        channel.set_option(SockOption.REUSE_ADDR, 1)
        channel.bind(address)
        channel.listen(_BACKLOG)
    except BaseException:
        channel.close()
        raise
    return channel


def parse_listen(wanted: str | tuple[str, int]) -> Address:
    """An address to listen on: "HOST:PORT", "[V6]:PORT", ":PORT" for every IPv4 address, or (host, port)."""
    if isinstance(wanted, str):
        host, colon, port = wanted.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not port.isascii() or not port.isdecimal():
            raise OptionError(f"listen address {wanted!r} is not HOST:PORT, [V6]:PORT or :PORT")
        if ":" in host and not bracketed:
            raise OptionError(f"listen address {wanted!r} is ambiguous; write [V6]:PORT, as in [{host}]:{port}")
        host = host.removeprefix("[").removesuffix("]") or "0.0.0.0"
        wanted = host, int(port)
    host, number = wanted
    try:
        address = parse("127.0.0.1" if host == "localhost" else host, number)
    except ValueError:
        raise OptionError(f"listen address {host!r} is no IP address") from None
    if not 0 <= number <= 65535:
        raise OptionError(f"listen port {number} is not between 0 and 65535")
    return address
