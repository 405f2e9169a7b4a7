"""The network interface that a program sees: its addresses, its hardware address, its routes."""

from __future__ import annotations

from typing import NamedTuple, NoReturn, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, wildcard
from pywasix.net.network import Network


class Cidr(NamedTuple):
    """An address, or a range of addresses, with the length of its prefix.

    Attributes:
        ip: 4 or 16 bytes in network order.
        prefix: 0..32 or 0..128.
    """

    ip: bytes
    prefix: int


class Route(NamedTuple):
    """A way to a range of addresses.

    Attributes:
        to: the range; its address has no bits beyond the prefix.
        via: the router, 4 or 16 bytes; empty when the range is reached directly.
    """

    to: Cidr
    via: bytes = b""


class Interface(Protocol):
    """What `port_*` works on. The loopback interface is no part of it. Any thread may call.

    A change that a network cannot make is NOTSUP.
    """

    def addresses(self) -> list[Cidr]: ...

    def mac(self) -> bytes:
        """Six bytes. Errors: NODEV there is none."""
        ...

    def routes(self) -> list[Route]: ...

    def acquire(self) -> None:
        """Have the addresses assigned that the network has for this program, as DHCP does."""
        ...

    def add_address(self, address: Cidr) -> None:
        """Errors: NOTSUP; EXIST it is there; ADDRINUSE another host has it; ADDRNOTAVAIL nobody may; NOBUFS."""
        ...

    def remove_address(self, ip: bytes) -> None:
        """Errors: NOTSUP; ADDRNOTAVAIL it is not there."""
        ...

    def clear_addresses(self) -> None: ...

    def set_gateway(self, ip: bytes) -> None:
        """Send what has no other way to a router.

        Errors: NOTSUP; INVAL it is no other host; NETUNREACH no direct way to the router; NOBUFS.
        """
        ...

    def add_route(self, route: Route) -> None:
        """Errors: NOTSUP; EXIST; INVAL bits beyond the prefix; NETUNREACH no way to the router; NOBUFS."""
        ...

    def remove_route(self, ip: bytes) -> None:
        """Forget every route to ranges that begin at an address. Errors: NOTSUP; SRCH there is none."""
        ...

    def clear_routes(self) -> None: ...


class FixedInterface:
    """The part of an `Interface` that says no, for a network whose interface is not the guest's to change."""

    def acquire(self) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def add_address(self, address: Cidr) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def remove_address(self, ip: bytes) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def clear_addresses(self) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def set_gateway(self, ip: bytes) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def add_route(self, route: Route) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def remove_route(self, ip: bytes) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    def clear_routes(self) -> None:
        """Errors: NOTSUP."""
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise SysError(Errno.NOTSUP, "the interfaces of the host are not the guest's to change")


def interface_of(network: Network) -> Interface:
    """The interface of a program that may see it.

    It tells where the host is on its networks, so that it is shown only to those who may be called from everywhere:
    a policy is asked whether a TCP socket may be bound to 0.0.0.0, port 0 ("any port").

    Errors: ACCES.
    """
    if not network.unrestricted:
        network.require("bind", "tcp", local=wildcard(INET4))
    return network.stack.interface
