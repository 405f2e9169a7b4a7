"""The interface of a host on the virtual network, with the answers of Linux (`ip address`, `ip route`).

Addresses are those of the subnets. A host keeps the two that the network gave it even while it does without them:
nobody else gets them, and `acquire` brings them back. Routes count: what no route leads to is NETUNREACH. The hosts of
this network forward nothing and say so, so that whatever a router should bring on its way is NETUNREACH too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.interface import Cidr, Route
from pywasix.net.virtual_ports import is_loopback, is_wildcard

if TYPE_CHECKING:
    from pywasix.net.virtual import Fabric
    from pywasix.net.virtual_hosts import Node

MOST_ADDRESSES = 16
MOST_ROUTES = 64
"""Of one host."""

_LOCAL = b"\x02\x00"  # a MAC address that nobody assigned (IEEE 802: the bit of value 2), for one host


class VirtualInterface:
    """One host's interface: a `net.interface.Interface`."""

    def __init__(self, fabric: Fabric, node: Node) -> None:
        self._fabric = fabric
        self._node = node

    def addresses(self) -> list[Cidr]:
        """In the order of their coming."""
        with self._fabric.lock:
            return [Cidr(ip, self._subnet(ip).prefix) for ip in self._node.own]

    def mac(self) -> bytes:
        """Two fixed bytes, and the IPv4 address that the network gave to the host."""
        return _LOCAL + self._node.ips[0]

    def routes(self) -> list[Route]:
        """In the order of their coming."""
        with self._fabric.lock:
            return list(self._routes())

    def acquire(self) -> None:
        """The network's two addresses are the host's again. Errors: NETDOWN."""
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            for ip in self._node.ips:
                if ip not in self._node.own:
                    self._add(ip)

    def add_address(self, address: Cidr) -> None:
        """Errors: NOTSUP outside of the subnets; EXIST; ADDRINUSE; ADDRNOTAVAIL; NOBUFS; NETDOWN."""
        node, fabric, ip = self._node, self._fabric, address.ip
        with fabric.lock:
            fabric.need_open(node)
            subnet = fabric.plan.subnet_of(ip)
            if subnet is None or subnet.prefix != address.prefix:
                raise SysError(Errno.NOTSUP, f"the hosts of this network have addresses of {fabric.plan} only")
            if ip == subnet.ip or fabric.is_broadcast(ip):
                raise SysError(Errno.ADDRNOTAVAIL, "this address is no host's")
            if ip in node.own:
                raise SysError(Errno.EXIST, "the host has this address")
            if len(node.own) >= MOST_ADDRESSES:
                raise SysError(Errno.NOBUFS, f"a host has {MOST_ADDRESSES} addresses at most")
            fabric.take_address(node, ip)
            self._add(ip)

    def remove_address(self, ip: bytes) -> None:
        """Errors: ADDRNOTAVAIL; NETDOWN."""
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            if ip not in self._node.own:
                raise SysError(Errno.ADDRNOTAVAIL, "the host does not have this address")
            self._remove(ip)

    def clear_addresses(self) -> None:
        """Errors: NETDOWN."""
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            for ip in self._node.own:
                self._remove(ip)

    def set_gateway(self, ip: bytes) -> None:
        """Errors: INVAL one's own address; NETUNREACH; NOBUFS; NETDOWN."""
        default = Cidr(bytes(len(ip)), 0)
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            self._check_router(ip)
            self._keep(*(route for route in self._routes() if route.to != default), Route(default, ip))

    def add_route(self, route: Route) -> None:
        """Errors: EXIST; INVAL; NETUNREACH; NOBUFS; NETDOWN."""
        if has_host_bits(route.to) or (route.via and len(route.via) != len(route.to.ip)):
            raise SysError(Errno.INVAL, "a range with bits beyond its prefix, or a router of the other family")
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            if any(each.to == route.to for each in self._routes()):
                raise SysError(Errno.EXIST, "there is a route to that range")
            if route.via:
                self._check_router(route.via)
            self._keep(*self._routes(), route)

    def remove_route(self, ip: bytes) -> None:
        """Errors: SRCH; NETDOWN."""
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            left = [route for route in self._routes() if route.to.ip != ip]
            if len(left) == len(self._routes()):
                raise SysError(Errno.SRCH, "no route leads there")
            self._keep(*left)

    def clear_routes(self) -> None:
        """Errors: NETDOWN."""
        with self._fabric.lock:
            self._fabric.need_open(self._node)
            self._keep()

    # -- under the network's lock -------------------------------------------

    def _subnet(self, ip: bytes) -> Cidr:
        subnet = self._fabric.plan.subnet_of(ip)
        assert subnet is not None  # a host has no other addresses
        return subnet

    def _routes(self) -> tuple[Route, ...]:
        """Those that somebody made, or the ways to the subnets that come with addresses."""
        if self._node.routes is not None:
            return self._node.routes
        return tuple(dict.fromkeys(Route(self._subnet(ip)) for ip in self._node.own))

    def _keep(self, *routes: Route) -> None:
        if len(routes) > MOST_ROUTES:
            raise SysError(Errno.NOBUFS, f"a host has {MOST_ROUTES} routes at most")
        self._node.routes = routes

    def _add(self, ip: bytes) -> None:
        """With the first address of a family comes the way to its subnet."""
        routes, connected = self._routes(), Route(self._subnet(ip))
        first = all(len(each) != len(ip) for each in self._node.own)
        self._node.own += (ip,)
        if self._node.routes is not None and first and all(route.to != connected.to for route in routes):
            self._node.routes = (*routes, connected)

    def _remove(self, ip: bytes) -> None:
        """With the last address of a family go all of its ways."""
        node = self._node
        node.own = tuple(each for each in node.own if each != ip)
        if node.routes is not None and all(len(each) != len(ip) for each in node.own):
            node.routes = tuple(route for route in node.routes if len(route.to.ip) != len(ip))
        self._fabric.drop_address(node, ip)

    def _check_router(self, ip: bytes) -> None:
        """Errors: INVAL; NETUNREACH unless it is reached directly."""
        if ip in self._node.own or is_loopback(ip) or is_wildcard(ip):
            raise SysError(Errno.INVAL, "a router is another host")
        way = best_way(self._routes(), ip)
        if way is None or way.via:
            raise SysError(Errno.NETUNREACH, "there is no direct way to this router")


def best_way(routes: tuple[Route, ...], ip: bytes) -> Route | None:
    """The route that a packet to an address takes: that with the longest prefix."""
    matching = (route for route in routes if _holds(route.to, ip))
    return max(matching, key=lambda route: route.to.prefix, default=None)


def _holds(cidr: Cidr, ip: bytes) -> bool:
    rest = 8 * len(ip) - cidr.prefix
    return len(ip) == len(cidr.ip) and int.from_bytes(ip, "big") >> rest == int.from_bytes(cidr.ip, "big") >> rest


def has_host_bits(cidr: Cidr) -> bool:
    """Whether the address of a range has bits beyond its prefix."""
    rest = 8 * len(cidr.ip) - cidr.prefix
    return int.from_bytes(cidr.ip, "big") & ((1 << rest) - 1) != 0
