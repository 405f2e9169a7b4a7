"""Which network a program gets, who judges its use, and the listening sockets it finds open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pywasix.abi.enums import SockOption, SockType
from pywasix.errors import OptionError, SysError
from pywasix.host.sockets import HostStack, adopt_listener
from pywasix.net.address import Address, parse
from pywasix.net.network import Network
from pywasix.net.policy import NetworkPolicy, PolicyError
from pywasix.net.sockets import Socket
from pywasix.net.stack import Channel, NetStack
from pywasix.net.states import State

if TYPE_CHECKING:
    import socket

    from pywasix.host.virtual import VirtualNetwork
    from pywasix.net.policy import Request

    Net: TypeAlias = bool | str | NetworkPolicy | Callable[[Request], bool] | VirtualNetwork | NetStack | None
    Listen: TypeAlias = str | tuple[str, int] | socket.socket

_BACKLOG = 128


def make_network(
    net: Net, policy: NetworkPolicy | None, report: Callable[[str], None]
) -> tuple[Network, Callable[[], None]]:
    """The network of a program, and what to call when the program has ended."""
    stack = _virtual_stack(net)
    if stack is not None:
        return Network(stack, policy or NetworkPolicy.allow_all(), report), stack.close
    if policy is not None:
        raise OptionError("policy goes with a VirtualNetwork; give the policy as net to use the host's network")
    return Network(HostStack(), _policy(net), report), _nothing


def _virtual_stack(net: Any) -> NetStack | None:
    """A program's place on a virtual network. Who has not loaded that module has not made one."""
    virtual = sys.modules.get("pywasix.host.virtual")
    if virtual is not None and isinstance(net, virtual.VirtualNetwork):
        stack: NetStack = net.attach()
        return stack
    return net if hasattr(net, "open") and hasattr(net, "close") else None


def _policy(net: Any) -> NetworkPolicy:
    if net is None or net is False:
        return NetworkPolicy.deny_all()
    if net is True:
        return NetworkPolicy.allow_all()
    if isinstance(net, str):
        try:
            return NetworkPolicy.from_rules(net)
        except PolicyError as error:
            raise OptionError(f"net: {error}") from error
    if isinstance(net, NetworkPolicy):
        return net
    if callable(net):
        return NetworkPolicy(net)
    raise OptionError(f"net is {net!r}; it is True, rules, a NetworkPolicy, a callable or a VirtualNetwork")


def open_listeners(network: Network, addresses: Sequence[Listen], *, ruled: bool) -> list[Socket]:
    """Listening sockets to hand to a program.

    The user named these addresses, so that they need no rule to be opened.

    Args:
        ruled: the network's policy judges who may connect to them; otherwise everybody may.
    Raises: OSError when an address cannot be had, OptionError when it is none.
    """
    if not ruled:
        network = Network(network.stack, NetworkPolicy.allow_all(), _ignore)
    opened: list[Socket] = []
    try:
        for each in addresses:
            opened.append(_listener(network, each))
    except BaseException:
        for socket in opened:
            socket.close()
        raise
    return opened


def _listener(network: Network, wanted: Any) -> Socket:
    if hasattr(wanted, "fileno"):
        import os

        adopted = adopt_listener(os.dup(wanted.fileno()))
        return Socket(network, adopted, adopted.family, SockType.SOCKET_STREAM, State.LISTENING)
    address = parse_listen(wanted)
    try:
        channel = _listening(network.stack, address)
    except SysError as error:
        raise OSError(f"cannot listen on {address}: {error.text}") from None
    return Socket(network, channel, address.family, SockType.SOCKET_STREAM, State.LISTENING)


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
        host = host.removeprefix("[").removesuffix("]") or "0.0.0.0"
        if not colon or not port.isascii() or not port.isdecimal():
            raise OptionError(f"listen address {wanted!r} is not HOST:PORT, [V6]:PORT or :PORT")
        wanted = host, int(port)
    host, number = wanted
    try:
        address = parse("127.0.0.1" if host == "localhost" else host, number)
    except ValueError:
        raise OptionError(f"listen address {host!r} is no IP address") from None
    if not 0 <= number <= 65535:
        raise OptionError(f"listen port {number} is not between 0 and 65535")
    return address


def _nothing() -> None:
    """The host's network needs no farewell."""


def _ignore(message: str) -> None:
    """Nothing is refused, so that there is nothing to report."""
