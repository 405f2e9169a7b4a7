"""The virtual network: hosts with addresses of their own, which reach each other without any port of the OS.

This is the part that needs no operating system: addresses, ports, routes and queues. The sockets are in
`host.virtual`; they bring pairs of connected ends (`Pair`), one of which the network hands to the listener.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from threading import Condition, Lock
from time import monotonic
from typing import TYPE_CHECKING

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.net.address import Address
from pywasix.net.virtual_groups import is_multicast
from pywasix.net.virtual_hosts import AddressPlan, Node
from pywasix.net.virtual_names import Names
from pywasix.net.virtual_ports import Binding, Endpoint, covers, is_wildcard, shown
from pywasix.net.virtual_queue import Arrival, Attempt, Listener, Pair, Side
from pywasix.net.virtual_routes import Reuse, claim_for_call, direct

if TYPE_CHECKING:
    from pywasix.net.virtual_links import Links


class Fabric:
    """Everything that is on one virtual network.

    `lock` guards the hosts, their ports, the bindings and every listener's queue. It is held for a few
    steps at a time, never while anybody waits; the only system calls under it are those of `Pair` and of
    `Mailbox`, which do not block.

    Args:
        subnet, subnet6: the addresses that hosts are given, as `10.0.0.0/24` and `fd00::/64`.
    Attributes:
        plan: the addresses that hosts may have.
        links: the conditions between hosts; None while there are none.
    """

    def __init__(self, subnet: str, subnet6: str) -> None:
        self.plan = AddressPlan(subnet, subnet6)
        self.lock = Lock()
        self._changed = Condition(self.lock)  # somebody began to listen, or the network was closed
        self._nodes: dict[bytes, Node] = {}
        self._names = Names()
        self._calls = 0
        self._closed = False
        self.links: Links | None = None

    # -- hosts --------------------------------------------------------------

    def attach(self, address: str | None = None, name: str | None = None) -> Node:
        """A new host, with the lowest free number or with an address of either subnet.

        Raises: OptionError the address or the name is taken or impossible, or no address is left.
        Errors: NETDOWN.
        """
        number = None if address is None else self.plan.number(address)
        kept = None if name is None else self._names.check(name)
        with self.lock:
            self.need_open()
            if number is None:
                number = self._free_number()
            node = Node(self.plan.ips(number), kept)
            if self._taken(number):
                raise OptionError(f"the address {address} is taken already")
            if kept is not None:
                if self._names.knows(kept):
                    raise OptionError(f"the name {name} is taken already")
                self._names.add(kept, *node.addresses)
            self._nodes.update(dict.fromkeys(node.ips, node))
            return node

    def _free_number(self) -> int:
        for number in self.plan.numbers:
            if not self._taken(number):
                return number
        raise OptionError(f"every address is taken in {self.plan}")

    def _taken(self, number: int) -> bool:
        return not self._nodes.keys().isdisjoint(self.plan.ips(number))

    def detach(self, node: Node) -> None:
        """A host is gone: its listeners are over and its addresses are free. Harmless when done before."""
        with self.lock:
            if not self.is_attached(node):
                return
            for ip in {*node.ips, *node.own}:
                del self._nodes[ip]
            if node.name is not None:
                self._names.forget(node.name, *node.addresses)
            dropped = self._stop_all(node)
        _close(dropped)

    def close(self) -> None:
        """Every host is gone. Connections that are made stay; nothing new begins."""
        with self.lock:
            self._closed = True
            dropped = [arrival for node in set(self._nodes.values()) for arrival in self._stop_all(node)]
            self._nodes.clear()
            self._changed.notify_all()
            links = self.links
            if links is not None:
                links.stop()
        _close(dropped)
        if links is not None:
            links.close()

    def linked(self, make: Callable[[], Links]) -> Links:
        """The links of the network, made when they are first asked for. Errors: NETDOWN."""
        with self.lock:
            self.need_open()
            if self.links is None:
                self.links = make()
            return self.links

    def place(self, address: str) -> bytes:
        """The IPv4 address of the host that has an address of either subnet, or may have it. Raises: OptionError."""
        return self.plan.ips(self.plan.number(address))[0]

    def take_address(self, node: Node, ip: bytes) -> None:
        """Give a host one address more; the caller holds the lock. Errors: ADDRINUSE."""
        if self._nodes.setdefault(ip, node) is not node:
            raise SysError(Errno.ADDRINUSE, f"another host has {ip_address(ip)}")

    def drop_address(self, node: Node, ip: bytes) -> None:
        """A host gave an address up, which is free then unless the network gave it; the caller holds the lock."""
        if ip not in node.ips:
            del self._nodes[ip]

    def add_name(self, name: str, address: str) -> None:
        """Give an address a name. Raises: OptionError for what is no name or no address."""
        kept = self._names.check(name)
        try:
            text = str(ip_address(address))
        except ValueError:
            raise OptionError(f"{address!r} is no IP address") from None
        with self.lock:
            self._names.add(kept, text)

    def lookup(self, name: str) -> list[str]:
        """The addresses of a name as text, IPv4 first; none when nobody has it."""
        with self.lock:
            return self._names.lookup(name)

    def _stop_all(self, node: Node) -> list[Arrival]:
        for mailbox in node.datagrams.mailboxes():
            mailbox.fail(Errno.NETDOWN)
        return [arrival for listener in node.streams.listeners() for arrival in self._stop(listener, Errno.NETDOWN)]

    def require_open(self, node: Node) -> None:
        """Errors: NETDOWN when the network is closed or the host is gone."""
        with self.lock:
            self.need_open(node)

    def need_open(self, node: Node | None = None) -> None:
        """As `require_open`, for who holds the lock."""
        if self._closed or (node is not None and not self.is_attached(node)):
            raise SysError(Errno.NETDOWN, "the virtual network is closed")

    def is_attached(self, node: Node) -> bool:
        """Whether a host is on the network; the caller holds the lock."""
        return self._nodes.get(node.ips[0]) is node

    # -- ports --------------------------------------------------------------

    def bind(self, node: Node, kind: SockType, address: Address, only_v6: bool, reuse: Reuse) -> Binding:
        """Claim a local address and port; port 0 takes an ephemeral one.

        Args:
            reuse: the options REUSE_ADDR and REUSE_PORT.
        Errors: ADDRINUSE; ADDRNOTAVAIL; INVAL; NETDOWN.
        """
        with self.lock:
            return self.claim(node, kind, address, only_v6, reuse)

    def claim(self, node: Node, kind: SockType, address: Address, only_v6: bool, reuse: Reuse) -> Binding:
        """As `bind`, for who holds the lock."""
        claimed = covers(address, only_v6)
        if not self._can_bind(node, kind, claimed[0]):
            raise SysError(Errno.ADDRNOTAVAIL, f"{address.host} is not an address of this host")
        binding = Binding(address._replace(flow=0), claimed, reuse_address=reuse[0], reuse_port=reuse[1])
        self.need_open(node)
        node.ports[kind].claim(binding)
        return binding

    def _can_bind(self, node: Node, kind: SockType, ip: bytes) -> bool:
        if is_wildcard(ip) or node.holds(ip):
            return True
        # A datagram socket that is bound to a group, or where all are called, hears nothing else (Linux).
        return kind is SockType.SOCKET_DGRAM and (is_multicast(ip) or self.is_broadcast(ip))

    def unbind(self, node: Node, kind: SockType, binding: Binding) -> None:
        """Give a port back. Harmless when done before."""
        with self.lock:
            node.ports[kind].release(binding)

    # -- listening ----------------------------------------------------------

    def listen(self, node: Node, binding: Binding, bell: Pair, backlog: int) -> Listener:
        """Listen on a bound port, or change the backlog. Errors: ADDRINUSE; NETDOWN."""
        with self.lock:
            self.need_open(node)
            listener = binding.listener
            if listener is not None:
                listener.set_backlog(backlog)
                return listener
            bell.hush()  # what an earlier listener of this socket left
            listener = Listener(node.streams, binding, bell, backlog)
            node.streams.start_listening(binding, listener)
            bell.hold()  # Linux: a listening socket is never writable
            self._changed.notify_all()
            return listener

    def accept(self, listener: Listener) -> Arrival | None:
        """The next connection, given to one caller only; None when nobody waits.

        Errors: INVAL the listener was shut down; NETDOWN.
        """
        with self.lock:
            return listener.take()

    def stop(self, listener: Listener) -> None:
        """Stop listening; connections that nobody accepted are reset. The port stays claimed."""
        with self.lock:
            dropped = self._stop(listener, Errno.INVAL)
        _close(dropped)

    def _stop(self, listener: Listener, why: Errno) -> list[Arrival]:
        if listener.over is not None:
            return []
        listener.ports.stop_listening(listener.binding)
        arrivals, refused = listener.stop(why)
        for attempt in refused:
            self.fail(attempt, Errno.CONNREFUSED)
        return arrivals

    def notice(self) -> None:
        """Somebody may be reached now who was not; the caller holds the lock."""
        self._changed.notify_all()

    def wait_listening(
        self, node: Node, address: Address, timeout: float | None, kind: SockType = SockType.SOCKET_STREAM
    ) -> bool:
        """Block until somebody listens where `node` would connect to; returns False when the time is over.

        Args:
            kind: for datagrams it is enough that somebody is bound there.
        Errors: NETDOWN; NETUNREACH for an address outside the network.
        """
        deadline = None if timeout is None else monotonic() + timeout
        with self.lock:
            while True:
                self.need_open(node)
                if self._is_heard(node, address, kind):
                    return True
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)

    def _is_heard(self, node: Node, address: Address, kind: SockType) -> bool:
        destination, _ = direct(node, None, address, only_v6=False)
        target = self.target(node, destination)
        if target is None:
            return False
        if kind is SockType.SOCKET_DGRAM:
            return any(not binding.peer and binding.rank(destination) for binding in target.datagrams.at(address.port))
        return target.streams.listener(destination, address.port, 0) is not None

    def refill(self, pair: Pair) -> None:
        """The buffers of a pair have another size; keep what waits on it as it is."""
        with self.lock:
            pair.refill()

    # -- connecting ---------------------------------------------------------

    def connect(
        self,
        node: Node,
        binding: Binding | None,
        address: Address,
        pair: Pair,
        *,
        only_v6: bool = False,
        reuse: Reuse = (False, False),
    ) -> Attempt:
        """Call a listener.

        When its queue is full the attempt waits, and the near end of `pair` is not writable before there
        is an answer.

        Args:
            binding: what the caller bound; None claims an ephemeral port.
            pair: its far end goes to the listener.
            only_v6, reuse: options of the caller.
        Errors: CONNREFUSED; HOSTUNREACH; NETUNREACH; ADDRNOTAVAIL; AFNOSUPPORT; INVAL; NETDOWN.
        """
        destination, source = direct(node, binding, address, only_v6)
        called = destination, address.port
        with self.lock:
            self.need_open(node)
            target = self.target(node, destination)
            if target is None:
                raise SysError(Errno.HOSTUNREACH, f"there is no host {address.host}")
            # Linux chooses among listeners that share a port by a hash of both ends; taking turns is as good.
            self._calls += 1
            line = None if self.links is None or target is node else self.links.between(node, target)
            listener = self.called(target, called, self._calls) if line is None else None
            bound = None if binding is None else binding.claim
            binding = claim_for_call(node.streams, binding, shown(address.family, (source, 0)), called, reuse)
            side = Side.calling((source, binding.address.port), called)
            attempt = Attempt(node, listener, pair, side, binding)
            attempt.bound = bound
            if listener is not None:
                listener.offer(attempt)
            elif self.links is not None and line is not None:
                self.links.call(line, attempt, target, self._calls)
                if attempt.failure is not None:
                    raise SysError(attempt.failure, f"no connection to {address}")
            return attempt

    def called(self, target: Node, endpoint: Endpoint, turn: int) -> Listener:
        """Who listens at a host; `turn` is as in `Ports.listener`. For who holds the lock.

        Errors: CONNREFUSED; HOSTUNREACH the host is gone.
        """
        listener = target.streams.listener(*endpoint, turn)
        if listener is None:
            why = Errno.CONNREFUSED if self.is_attached(target) else Errno.HOSTUNREACH
            raise SysError(why, f"nobody listens on port {endpoint[1]} of {ip_address(endpoint[0])}")
        return listener

    def settle(self) -> None:
        """Return when every step that has begun is done."""
        with self.lock:
            return

    def give_up(self, attempt: Attempt, why: Errno) -> bool:
        """Withdraw a connect that still waits; returns whether it did."""
        with self.lock:
            waiting = attempt.listener is not None and attempt.listener.forget(attempt)
            if waiting:
                self.fail(attempt, why)
            return waiting

    @staticmethod
    def fail(attempt: Attempt, why: Errno) -> None:
        """There will be no connection. For who holds the lock."""
        if attempt.passage is not None:
            attempt.passage.close()
        if attempt.bound is None:
            attempt.node.streams.release(attempt.binding)
        else:
            attempt.binding.peer = None
            attempt.binding.claim = attempt.bound
        attempt.failure = why

    def is_broadcast(self, ip: bytes) -> bool:
        """Whether every host takes packets to an address."""
        return self.plan.is_broadcast(ip)

    def others(self, node: Node) -> list[Node]:
        """All hosts but one, in the order of their attaching; the caller holds the lock."""
        return [each for each in dict.fromkeys(self._nodes.values()) if each is not node]

    def target(self, node: Node, destination: bytes) -> Node | None:
        """The host with an address, as seen from a host; None when nobody has it. Errors: NETUNREACH."""
        if node.holds(destination):
            return node
        if node.routes is not None and not self.is_broadcast(destination):
            node.require_way(node.routes, destination)
        elif destination not in self._nodes:
            self.plan.require(destination)
        target = self._nodes.get(destination)
        return target if target is not None and target.holds(destination) else None


def _close(dropped: Iterable[Arrival]) -> None:
    for arrival in dropped:
        arrival.far.close()
