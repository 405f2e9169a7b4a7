"""The virtual network: hosts with addresses of their own, which reach each other without any port of the OS.

This is the part that needs no operating system: addresses, ports, routes and queues. The sockets are in
`host.virtual`; they bring pairs of connected ends (`Pair`), one of which the network hands to the listener.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Condition, Lock
from time import monotonic

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError
from pywasix.net.address import INET6, Address
from pywasix.net.virtual_hosts import AddressPlan, Node
from pywasix.net.virtual_ports import (
    LOOPBACK4,
    LOOPBACK6,
    Binding,
    Endpoint,
    Ports,
    covers,
    is_loopback,
    is_wildcard,
    shown,
    unmapped,
)
from pywasix.net.virtual_queue import Arrival, Attempt, Listener, Pair, Side

Reuse = tuple[bool, bool]
"""The options REUSE_ADDR and REUSE_PORT of a socket."""


class Fabric:
    """Everything that is on one virtual network.

    `_lock` guards the hosts, their ports, the bindings and every listener's queue. It is held for a few
    steps at a time, never while anybody waits; the only system calls under it are those of `Pair`, which
    do not block.

    Args:
        subnet, subnet6: the addresses that hosts are given, as `10.0.0.0/24` and `fd00::/64`.
    """

    def __init__(self, subnet: str, subnet6: str) -> None:
        self._plan = AddressPlan(subnet, subnet6)
        self._lock = Lock()
        self._changed = Condition(self._lock)  # somebody began to listen, or the network was closed
        self._nodes: dict[bytes, Node] = {}
        self._calls = 0
        self._closed = False

    # -- hosts --------------------------------------------------------------

    def attach(self, address: str | None = None) -> Node:
        """A new host, with the lowest free number or with an address of either subnet.

        Raises: OptionError the address is taken or not in a subnet, or none is left.
        Errors: NETDOWN.
        """
        number = None if address is None else self._plan.number(address)
        with self._lock:
            self._need_open()
            if number is None:
                number = self._free_number()
            node = Node(self._plan.ips(number))
            if self._taken(number):
                raise OptionError(f"the address {address} is taken already")
            self._nodes.update(dict.fromkeys(node.ips, node))
            return node

    def _free_number(self) -> int:
        for number in self._plan.numbers:
            if not self._taken(number):
                return number
        raise OptionError(f"every address is taken in {self._plan}")

    def _taken(self, number: int) -> bool:
        return self._plan.ips(number)[0] in self._nodes

    def detach(self, node: Node) -> None:
        """A host is gone: its listeners are over and its addresses are free. Harmless when done before."""
        with self._lock:
            if self._nodes.get(node.ips[0]) is not node:
                return
            for ip in node.ips:
                del self._nodes[ip]
            dropped = self._stop_all(node)
        _close(dropped)

    def close(self) -> None:
        """Every host is gone. Connections that are made stay; nothing new begins."""
        with self._lock:
            self._closed = True
            dropped = [arrival for node in set(self._nodes.values()) for arrival in self._stop_all(node)]
            self._nodes.clear()
            self._changed.notify_all()
        _close(dropped)

    def _stop_all(self, node: Node) -> list[Arrival]:
        return [arrival for listener in node.streams.listeners() for arrival in self._stop(listener, Errno.NETDOWN)]

    def require_open(self, node: Node) -> None:
        """Errors: NETDOWN when the network is closed or the host is gone."""
        with self._lock:
            self._need_open(node)

    def _need_open(self, node: Node | None = None) -> None:
        if self._closed or (node is not None and self._nodes.get(node.ips[0]) is not node):
            raise SysError(Errno.NETDOWN, "the virtual network is closed")

    # -- ports --------------------------------------------------------------

    def bind(self, node: Node, kind: SockType, address: Address, only_v6: bool, reuse: Reuse) -> Binding:
        """Claim a local address and port; port 0 takes an ephemeral one.

        Args:
            reuse: the options REUSE_ADDR and REUSE_PORT.
        Errors: ADDRINUSE; ADDRNOTAVAIL; INVAL; NETDOWN.
        """
        claimed = covers(address, only_v6)
        if not is_wildcard(claimed[0]) and not node.holds(claimed[0]):
            raise SysError(Errno.ADDRNOTAVAIL, f"{address.host} is not an address of this host")
        binding = Binding(address._replace(flow=0), claimed, reuse_address=reuse[0], reuse_port=reuse[1])
        with self._lock:
            self._need_open(node)
            node.ports[kind].claim(binding)
        return binding

    def unbind(self, node: Node, kind: SockType, binding: Binding) -> None:
        """Give a port back. Harmless when done before."""
        with self._lock:
            node.ports[kind].release(binding)

    # -- listening ----------------------------------------------------------

    def listen(self, node: Node, binding: Binding, bell: Pair, backlog: int) -> Listener:
        """Listen on a bound port, or change the backlog. Errors: ADDRINUSE; NETDOWN."""
        with self._lock:
            self._need_open(node)
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
        with self._lock:
            return listener.take()

    def stop(self, listener: Listener) -> None:
        """Stop listening; connections that nobody accepted are reset. The port stays claimed."""
        with self._lock:
            dropped = self._stop(listener, Errno.INVAL)
        _close(dropped)

    def _stop(self, listener: Listener, why: Errno) -> list[Arrival]:
        if listener.over is not None:
            return []
        listener.ports.stop_listening(listener.binding)
        arrivals, refused = listener.stop(why)
        for attempt in refused:
            self._fail(attempt, Errno.CONNREFUSED)
        return arrivals

    def wait_listening(self, node: Node, address: Address, timeout: float | None) -> bool:
        """Block until somebody listens where `node` would connect to; returns False when the time is over.

        Errors: NETDOWN; NETUNREACH for an address outside the network.
        """
        deadline = None if timeout is None else monotonic() + timeout
        with self._lock:
            while True:
                self._need_open(node)
                if self._listener(node, address) is not None:
                    return True
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)

    def _listener(self, node: Node, address: Address) -> Listener | None:
        destination, _ = _direct(node, None, address, only_v6=False)
        target = self._target(node, destination)
        return None if target is None else target.streams.listener(destination, address.port, 0)

    def refill(self, pair: Pair) -> None:
        """The buffers of a pair have another size; keep what waits on it as it is."""
        with self._lock:
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
        destination, source = _direct(node, binding, address, only_v6)
        called = destination, address.port
        with self._lock:
            self._need_open(node)
            target = self._target(node, destination)
            if target is None:
                raise SysError(Errno.HOSTUNREACH, f"there is no host {address.host}")
            # Linux chooses among listeners that share a port by a hash of both ends; taking turns is as good.
            self._calls += 1
            listener = target.streams.listener(*called, self._calls)
            if listener is None:
                raise SysError(Errno.CONNREFUSED, f"nobody listens on {address}")
            bound = None if binding is None else binding.claim
            binding = _claim(node.streams, binding, shown(address.family, (source, 0)), called, reuse)
            side = Side.calling((source, binding.address.port), called)
            attempt = Attempt(node, listener, pair, side, binding)
            attempt.bound = bound
            listener.offer(attempt)
            return attempt

    def associate(
        self,
        node: Node,
        binding: Binding | None,
        address: Address,
        *,
        only_v6: bool = False,
        reuse: Reuse = (False, False),
    ) -> Binding:
        """Connect a datagram socket: no packet is sent, both ends are only noted.

        Returns: the claim on the local port, a new one if there was none; `peer` is set.
        Errors: NETUNREACH; ADDRNOTAVAIL; AFNOSUPPORT; INVAL; NETDOWN.
        """
        destination, source = _direct(node, binding, address, only_v6)
        with self._lock:
            self._need_open(node)
            self._target(node, destination)
            local = shown(address.family, (source, 0))
            ports = node.ports[SockType.SOCKET_DGRAM]
            return _claim(ports, binding, local, (destination, address.port), reuse)

    def give_up(self, attempt: Attempt, why: Errno) -> bool:
        """Withdraw a connect that still waits; returns whether it did."""
        with self._lock:
            waiting = attempt.listener.forget(attempt)
            if waiting:
                self._fail(attempt, why)
            return waiting

    @staticmethod
    def _fail(attempt: Attempt, why: Errno) -> None:
        if attempt.bound is None:
            attempt.node.streams.release(attempt.binding)
        else:
            attempt.binding.peer = None
            attempt.binding.claim = attempt.bound
        attempt.failure = why

    def _target(self, node: Node, destination: bytes) -> Node | None:
        """The host with an address, as seen from a host; None when nobody has it. Errors: NETUNREACH."""
        if node.holds(destination):
            return node
        target = self._nodes.get(destination)
        if target is None:
            self._plan.require(destination)
        return target


def _direct(node: Node, binding: Binding | None, address: Address, only_v6: bool) -> tuple[bytes, bytes]:
    """Where packets to an address go and what they come from, as Linux answers for each kind of socket.

    Errors: NETUNREACH; AFNOSUPPORT; INVAL.
    """
    destination = unmapped(address.ip)
    bound = None if binding is None else binding.covers[0]
    if len(destination) == 4 and address.family == INET6 and (only_v6 or (bound and _is_own_v6(bound))):
        raise SysError(Errno.NETUNREACH, f"no IPv4 from this socket: {address}")
    if is_wildcard(destination):
        destination = _meant_by_wildcard(destination, bound)
    if bound is not None and len(bound) < len(destination):
        raise SysError(Errno.AFNOSUPPORT, f"{address} from a socket that is bound to an IPv4 address")
    if bound is None or is_wildcard(bound):
        return destination, node.source(destination)
    if is_loopback(bound) and not node.holds(destination):
        # Linux drops such IPv6 packets on the way; a refusal says the same sooner.
        why = Errno.INVAL if len(bound) == 4 else Errno.NETUNREACH
        raise SysError(why, f"no packet from the loopback interface reaches {address}")
    return destination, bound


def _is_own_v6(bound: bytes) -> bool:
    return len(bound) == 16 and not is_wildcard(bound)


def _meant_by_wildcard(destination: bytes, bound: bytes | None) -> bytes:
    """Linux takes a wildcard destination for this host (`ip_route_output_key_hash_rcu`, `tcp_v6_connect`)."""
    if len(destination) == 16:
        return LOOPBACK4 if bound is not None and len(bound) == 4 else LOOPBACK6
    return LOOPBACK4 if bound is None or is_wildcard(bound) else bound


def _claim(ports: Ports, binding: Binding | None, local: Address, peer: Endpoint, reuse: Reuse) -> Binding:
    """The caller's port, for one connection. Errors: ADDRNOTAVAIL."""
    source = (unmapped(local.ip),)
    if binding is None:
        binding = Binding(local, source, reuse_address=reuse[0], reuse_port=reuse[1], peer=peer)
        try:
            ports.claim(binding)
        except SysError:
            raise SysError(Errno.ADDRNOTAVAIL, "every ephemeral port is in use") from None
        return binding
    for other in ports.at(binding.address.port):
        if other is not binding and other.peer == peer and other.covers == source:
            raise SysError(Errno.ADDRNOTAVAIL, f"{binding.address} is connected to that peer already")
    binding.claim = local._replace(port=binding.address.port), source
    binding.peer = peer
    return binding


def _close(dropped: Iterable[Arrival]) -> None:
    for arrival in dropped:
        arrival.far.close()
