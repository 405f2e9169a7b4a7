"""What a guest asks of the network, and what rules answer; `pywasix.net.policy` tells what rules mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeVar

from pywasix.net.rules import (
    AddressRule,
    Ip,
    NameRule,
    PortRange,
    RuleSet,
    in_ports,
    is_numeric,
    normal_name,
    parse_rules,
    read_ip,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

Endpoint = tuple[str, int]
"""An address as text and a port 0..65535; for a Unix socket its path and 0."""

Flow = tuple[int, Ip, int]
"""Two UDP sockets that talk: the guest's port, the peer's address, the peer's port."""

MOST_LEARNED = 65536  # addresses learned from names; a guest that looks up more loses the oldest
MOST_FLOWS = 16384  # UDP peers that may be answered; the oldest is forgotten first

_LOOPBACK = {4: Ip(4, 0x7F000001), 6: Ip(6, 1)}
_NAT64 = 0x0064FF9B << 64  # 64:ff9b::/96 (RFC 6052), without the IPv4 address that follows
_SIX_TO_FOUR = 0x2002  # 2002::/16 (RFC 3056), the IPv4 address follows
# Where no public name should lead: to the host itself, and to its neighbours and their metadata services.
_NOT_BY_NAME = parse_rules(
    "ipv4:deny={0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255}:*,"
    "ipv6:deny={::, ::1, fe80::/10, ff00::/8}:*"
).addresses
_MANY = parse_rules("ipv4:deny={224.0.0.0/4, 255.255.255.255}:*, ipv6:deny=[ff00::/8]:*").addresses
_LOOPBACK_ONLY = parse_rules("ipv4:allow=127.0.0.0/8:*, ipv6:allow=[::1]:*").addresses


class Direction(Enum):
    """Where a conversation starts: outside the guest, or in it."""

    INBOUND = "in"
    OUTBOUND = "out"


class Action(StrEnum):
    """What a guest is about to do.

    SEND and RECEIVE are datagrams; a stream is judged once, when it begins.
    """

    BIND = "bind"
    CONNECT = "connect"
    ACCEPT = "accept"
    SEND = "send"
    RECEIVE = "receive"
    RESOLVE = "resolve"

    @property
    def direction(self) -> Direction:
        """BIND, ACCEPT and RECEIVE are inbound, the others outbound."""
        return Direction.INBOUND if self.value in ("bind", "accept", "receive") else Direction.OUTBOUND


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that a guest wants to do on the network.

    Attributes:
        action: an `Action`, or its value.
        protocol: "tcp", "udp" or "unix".
        family: 4 or 6; 0 for Unix sockets, and for names of any family.
        local: the guest's own address, needed for bind, accept and receive. For accept, the address at which
            the caller arrived if it is known, else the listener's. For connect and send, give it whenever the
            socket is bound: a wildcard destination, and the answer to a datagram, are judged by it.
        remote: the other side, needed for accept, receive, connect and send.
        name: the name to resolve.
    """

    action: str
    protocol: str
    family: int
    local: Endpoint | None = None
    remote: Endpoint | None = None
    name: str | None = None

    @property
    def direction(self) -> Direction:
        """Inbound or outbound. Raises ValueError for an unknown action."""
        return Action(self.action).direction


@dataclass(frozen=True, slots=True)
class Traffic:
    """A request in terms of rules.

    Attributes:
        peers: addresses that must all be allowed, and none of them denied, at `port`.
        port: the peer's port when outbound, the guest's when inbound.
        inbound: the direction.
        also: further addresses that must not be denied at `port`.
        flows: the UDP conversations that the request belongs to.
    """

    peers: tuple[Ip, ...]
    port: int
    inbound: bool
    also: tuple[Ip, ...] = ()
    flows: tuple[Flow, ...] = ()


def read_traffic(request: Request) -> Traffic | None:
    """What a request means to address rules; None when it says too little, or what is no IP address."""
    local, remote = _read_endpoint(request.local), _read_endpoint(request.remote)
    if request.protocol not in ("tcp", "udp"):
        return None
    if request.action == Action.BIND:
        return Traffic((local[0],), local[1], inbound=True) if local else None
    if remote is None or request.action == Action.RESOLVE:
        return None
    own_port = local[1] if local and request.protocol == "udp" else 0
    if request.action in (Action.CONNECT, Action.SEND):
        peers = _destinations(remote[0], local[0] if local else None)
        flows = tuple((own_port, peer, remote[1]) for peer in peers if own_port)
        return Traffic(peers, remote[1], inbound=False, also=_passed(remote[0], local), flows=flows)
    if local is None or request.action not in (Action.ACCEPT, Action.RECEIVE):
        return None
    flows = ((own_port, remote[0], remote[1]),) if own_port else ()
    # A wildcard listener does not tell at which address the caller arrived; its bind was judged.
    also = (local[0],) if local[0].value else ()
    return Traffic((remote[0],), local[1], inbound=True, also=also, flows=flows)


def _read_endpoint(endpoint: Endpoint | None) -> tuple[Ip, int] | None:
    if endpoint is None or not 0 <= endpoint[1] <= 0xFFFF:
        return None
    ip = read_ip(endpoint[0])
    return None if ip is None else (ip, endpoint[1])


def _passed(remote: Ip, local: tuple[Ip, int] | None) -> tuple[Ip, ...]:
    """Addresses that what is sent must not be denied, whatever it reaches.

    What a socket of the loopback interface sends to a group, or to all, goes to those who listen there.
    """
    to_many = any(rule.holds(remote) for rule in _MANY)
    if local is not None and to_many and any(rule.holds(local[0]) for rule in _LOOPBACK_ONLY):
        return remote, local[0]
    return (remote,)


def _destinations(remote: Ip, local: Ip | None) -> tuple[Ip, ...]:
    """The addresses that packets to `remote` may reach; several only for the wildcard address.

    Linux sends what goes to 0.0.0.0 to the address that the socket is bound to, and to 127.0.0.1 if it is
    not bound (ip_route_output_key_hash_rcu); what goes to :: to ::1, and to ::ffff:127.0.0.1 if the socket
    is bound to a mapped address (tcp_v6_connect).
    """
    if remote.value:
        return (remote,)
    found = [_LOOPBACK[remote.version]]
    if local is not None and local.version == 4:
        found.append(_LOOPBACK[4])
    if local is not None and local.value:
        found.append(local)
    return tuple(dict.fromkeys(found))


def _with_embedded(ip: Ip) -> tuple[Ip, ...]:
    """An address, and the IPv4 address that a tunnel or translator takes out of it.

    Only what is forbidden looks at the second: it must not be reached by a detour over IPv6.
    """
    if ip.version == 4:
        return (ip,)
    if ip.value >> 112 == _SIX_TO_FOUR:
        return ip, Ip(4, ip.value >> 80 & 0xFFFFFFFF)
    compatible = ip.value >> 32 == 0 and ip.value > 1  # ::a.b.c.d, RFC 4291 section 2.5.5.1
    if compatible or ip.value >> 32 == _NAT64:
        return ip, Ip(4, ip.value & 0xFFFFFFFF)
    return (ip,)


def _remember(table: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Put an entry at the young end of a table, and drop the oldest if there are too many."""
    table.pop(key, None)
    table[key] = value
    if len(table) > most:
        del table[next(iter(table))]


class RuleJudge:
    """Judges by rules, and by what went before: names that were resolved, datagrams that may be answered.

    Only `denied_by` is safe for use by several threads at once; `NetworkPolicy` locks around the rest.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._allow = tuple(rule for rule in rules.addresses if rule.allow)
        self._deny = tuple(rule for rule in rules.addresses if not rule.allow)
        self._allow_names = tuple(rule for rule in rules.names if rule.allow)
        self._deny_names = tuple(rule for rule in rules.names if not rule.allow)
        self._has_outbound = bool(self._allow_names) or any(rule.outbound for rule in self._allow)
        self._learned: dict[Ip, tuple[PortRange, ...]] = {}
        self._flows: dict[Flow, None] = {}

    def allows(self, request: Request) -> bool:
        """Whether the rules allow a request; a datagram that they allow may be answered from then on."""
        if request.protocol == "unix":
            return True
        if request.action == Action.RESOLVE:
            return self._allows_name(request.name or "")
        traffic = read_traffic(request)
        if traffic is None or self._denial(traffic) is not None:
            return False
        if not (self._allows_traffic(traffic) or self._is_client_bind(request, traffic)):
            return False
        for flow in traffic.flows:
            _remember(self._flows, flow, None, MOST_FLOWS)
        return True

    def _allows_traffic(self, traffic: Traffic) -> bool:
        if traffic.flows and all(flow in self._flows for flow in traffic.flows):
            return True
        return all(self._allows_peer(peer, traffic) for peer in traffic.peers)

    def _allows_peer(self, peer: Ip, traffic: Traffic) -> bool:
        if any(rule.matches(peer, traffic.port, traffic.inbound) for rule in self._allow):
            return True
        return not traffic.inbound and in_ports(self._learned.get(peer, ()), traffic.port)

    def _is_client_bind(self, request: Request, traffic: Traffic) -> bool:
        """A UDP client binds port 0 before it sends; each datagram that arrives there is judged itself."""
        client = request.action == Action.BIND and request.protocol == "udp" and traffic.port == 0
        return client and self._has_outbound

    def _allows_name(self, text: str) -> bool:
        literal = read_ip(text)
        if literal is not None:  # nobody is asked, so this is no matter of names
            return any(rule.outbound and rule.holds(literal) for rule in self._allow)
        name = normal_name(text)
        if name is None or is_numeric(name) or _matching(self._deny_names, name):
            return False
        return bool(_matching(self._allow_names, name))

    def denied_by(self, request: Request) -> str | None:
        """The text of a deny rule that matches a request, None when there is none."""
        if request.action == Action.RESOLVE:
            matching = _matching(self._deny_names, normal_name(request.name or "") or "")
            return matching[0].text if matching else None
        traffic = read_traffic(request)
        rule = None if traffic is None else self._denial(traffic)
        return None if rule is None else rule.text

    def _denial(self, traffic: Traffic) -> AddressRule | None:
        for address in dict.fromkeys(traffic.peers + traffic.also):
            for ip in _with_embedded(address):
                for rule in self._deny:
                    if rule.matches(ip, traffic.port, traffic.inbound):
                        return rule
        return None

    def learn(self, text: str, addresses: Iterable[str], trusted: bool) -> None:
        """Let the addresses of a name be reached on the ports of the rules that allow the name."""
        name = normal_name(text)
        if name is None or is_numeric(name) or not self._allows_name(name):
            return
        ports = tuple(ports for rule in _matching(self._allow_names, name) for ports in rule.ports)
        for address in addresses:
            ip = read_ip(address)
            if ip is not None and (trusted or _may_be_named(ip, name)):
                known = self._learned.get(ip, ())
                _remember(self._learned, ip, tuple(dict.fromkeys(known + ports)), MOST_LEARNED)


def _matching(rules: tuple[NameRule, ...], name: str) -> tuple[NameRule, ...]:
    return tuple(rule for rule in rules if name and rule.matches(name))


def _may_be_named(ip: Ip, name: str) -> bool:
    """Whether an address found for a name may be reached because of the name."""
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3
        return any(rule.matches(ip, 0, inbound=False) for rule in _LOOPBACK_ONLY)
    return not any(rule.matches(one, 0, inbound=False) for one in _with_embedded(ip) for rule in _NOT_BY_NAME)
