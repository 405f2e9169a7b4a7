"""A network in memory, on which guests and Python code meet without any port of the operating system."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING
from weakref import WeakSet

from pywasix.errors import OptionError
from pywasix.host.virtual_host import VirtualHost
from pywasix.host.virtual_place import Place
from pywasix.host.virtual_socket import VirtualListener, VirtualSocket, os_errors
from pywasix.net.virtual import Fabric

if TYPE_CHECKING:
    from pywasix.net.virtual_links import Link

__all__ = ["VirtualHost", "VirtualListener", "VirtualNetwork", "VirtualSocket"]


class VirtualNetwork(Place):
    """A network in memory. Each guest gets an address of its own; Python itself is 10.0.0.1 and fd00::1.

    Guests reach Python and each other. Each has a loopback interface of its own that nobody else reaches,
    and there is no way out to a real network. All methods may be called from any thread.

    Args:
        subnet, subnet6: where addresses are taken from; a host has the same number in both.
    Attributes:
        addresses: Python's IPv4 and IPv6 address as text.
    Raises: OptionError for what is no subnet.
    """

    def __init__(self, subnet: str = "10.0.0.0/24", subnet6: str = "fd00::/64") -> None:
        fabric = Fabric(subnet, subnet6)
        super().__init__(fabric, fabric.attach(name="host"))
        self._hosts: WeakSet[VirtualHost] = WeakSet()

    def attach(self, address: str | None = None, name: str | None = None) -> VirtualHost:
        """A place for one guest, to be given to `start` as `net`, or for Python to act from.

        Args:
            address: its IPv4 or IPv6 address; None takes the next free one: 10.0.0.2, 10.0.0.3, ...
            name: what the other hosts may look it up by, while it is there; letters count as their small ones.
        Raises: OptionError for an address or a name that is taken or cannot be; OSError ENETDOWN.
        """
        with os_errors():
            host = VirtualHost(self._fabric, self._fabric.attach(address, name))
        self._hosts.add(host)
        return host

    def add_name(self, name: str, address: str) -> None:
        """Let hosts look up an address by a name. A name may have several addresses, of hosts or of nobody.

        Raises: OptionError for what is no name or no address.
        """
        self._fabric.add_name(name, address)

    def link(
        self,
        a: str | Place,
        b: str | Place | None = None,
        *,
        latency: float = 0.0,
        bandwidth: float | None = None,
        loss: float = 0.0,
        partial: int | None = None,
        reset_after: int | None = None,
        seed: int = 0,
    ) -> Link:
        """Set conditions between two places: how long data takes, how much gets lost, when connections break.

        Connections that are made already stay as they are; only those begun while the link exists go over it.
        What a host sends to itself goes over no link. The same seed gives the same draws, connection by
        connection and datagram by datagram.

        Args:
            a, b: addresses as text, of hosts that are attached or will be, or hosts, or this network for
                Python's own place; b None is every place but a. A link of two places goes before links to all.
            latency: seconds that data takes one way; a connect takes two of them.
            bandwidth: bytes a second each way, for all that goes over the link that way; None for no limit.
            loss: share of the datagrams that do not arrive.
            partial: a receive of a stream returns so many bytes at most; the number is drawn each time, from 1 to
                this. PEEK and WAITALL are not cut. What is left gives no new edge to an edge-triggered epoll.
            reset_after: bytes; a connection that has carried so many in one direction is broken off.
            seed: of all that is drawn.
        Returns: the link, whose attributes can be set later on; it can be partitioned, healed and reset.
        Raises: OptionError for what cannot be; OSError ENETDOWN the network is closed.
        """
        from pywasix.host.virtual_relay import Relay
        from pywasix.net.virtual_links import Links

        settings = {
            "latency": latency,
            "bandwidth": bandwidth,
            "loss": loss,
            "partial": partial,
            "reset_after": reset_after,
        }
        places = self._place_of(a), None if b is None else self._place_of(b)
        with os_errors():
            links = self._fabric.linked(lambda: Links(self._fabric, Relay()))
        return links.make(*places, seed, settings)

    def _place_of(self, place: object) -> bytes:
        if isinstance(place, str):
            return self._fabric.place(place)
        if not isinstance(place, Place) or place._fabric is not self._fabric:
            raise OptionError(f"{place!r} is no place of this network")
        return self._fabric.place(place.addresses[0])

    def close(self) -> None:
        """Close Python's listeners and UDP sockets and refuse further use.

        Connections that are made stay until they are closed, but those that go over a link are broken off.
        """
        self._fabric.close()
        for place in (self, *self._hosts):
            place._close_sockets()

    def __enter__(self) -> VirtualNetwork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
