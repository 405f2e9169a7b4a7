"""The text of a network policy: ``ipv4:allow=127.0.0.1/8:8080/in,dns:allow=*.example.org:*``.

The grammar is the one that Wasmer publishes for ``--net``::

    ruleset   = rule { "," rule }
    rule      = ( "ipv4" | "ipv6" ) ":" action "=" addresses ":" ports [ "/" ( "in" | "out" ) ]
              | "dns" ":" action "=" names ":" ports
    action    = "allow" | "deny"
    addresses = address | "{" address { "," address } "}"
    address   = "*" | ADDRESS [ "/" PREFIX ]      an IPv6 address outside braces stands in [brackets]
    names     = name | "{" name { "," name } "}"
    name      = "*" | NAME | "*." NAME | "*" NAME
    ports     = port | "{" port { "," port } "}"
    port      = "*" | NUMBER | NUMBER "-" NUMBER

White space may stand between any two of these signs. A rule without ``/in`` or ``/out`` speaks of both
directions, a ``dns`` rule of the outbound one only. ``*.example.org`` is every name below example.org;
``*example.org`` is these and example.org itself, but never badexample.org: a suffix matches at a dot.

This module reads rules and compares with them; `pywasix.net.policy` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple, NoReturn, TypeVar

_Item = TypeVar("_Item")

_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789abcdef")
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAPPED = 0xFFFF  # what stands above the IPv4 address in ::ffff:0:0/96, RFC 4291 section 2.5.5.2
_IP4_MASK = (1 << 32) - 1
_BITS = {4: 32, 6: 128}
_LARGEST_PORT = 0xFFFF

PortRange = tuple[int, int]
ALL_PORTS: tuple[PortRange, ...] = ((0, _LARGEST_PORT),)


class PolicyError(ValueError):
    """A rule text that cannot be read.

    Attributes:
        text: the whole text.
        position: index of the character in `text` where reading failed, `len(text)` at its end.
        reason: what was expected or is wrong, one line.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        super().__init__(reason, text, position)  # all three, so that the error survives pickling
        self.reason = reason
        self.text = text
        self.position = position

    def __str__(self) -> str:
        return f"{self.reason} (character {self.position + 1} of the network rules)"

    def pointer(self) -> str:
        """Two lines: the line of the text in which reading failed, and a caret below the character."""
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].split("\n", 1)[0]
        shown = "".join(sign if sign.isprintable() else " " for sign in line)
        return f"{shown}\n{' ' * (self.position - start)}^"


class Ip(NamedTuple):
    """An address in the form in which it is judged: version 4 or 6, and its value as a number."""

    version: int
    value: int

    def __str__(self) -> str:
        return str(IPv4Address(self.value) if self.version == 4 else IPv6Address(self.value))


@lru_cache(maxsize=4096)
def read_ip(text: str) -> Ip | None:
    """The address that a text names, None for what is no address.

    An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is the IPv4 address: that is where the host sends its
    packets. A scope (fe80::1%eth0) does not count.
    """
    try:
        if ":" not in text:
            return Ip(4, int(IPv4Address(text)))
        value = int(IPv6Address(text.partition("%")[0]))
    except AddressValueError:
        return None
    return Ip(4, value & _IP4_MASK) if value >> 32 == _MAPPED else Ip(6, value)


def normal_name(text: str) -> str | None:
    """The form in which a host name is judged: lower case, ASCII, no dot at the end.

    None for what no resolver should be asked: empty or long labels (RFC 1035 section 2.3.4), signs that
    no host name has (a NUL would end the name for C), text without an IDNA form. Resolve this form, not
    the text it came from, so that the name asked for is the name judged.
    """
    name = text
    if len(name) > 1024:  # no name is so long, and the IDNA codec takes quadratic time
        return None
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = name.lower().removesuffix(".")
    if not 0 < len(name) <= 253:
        return None
    labels = name.split(".")
    return name if all(0 < len(label) <= 63 and _NAME_SIGNS.issuperset(label) for label in labels) else None


def is_numeric(name: str) -> bool:
    """Whether a resolver reads a name as an address without asking anybody: 127.1, 0x7f000001 (inet_aton)."""
    last = name.rpartition(".")[2]
    return _DIGITS.issuperset(last) or (last.startswith("0x") and _HEX_DIGITS.issuperset(last[2:]))


class Network(NamedTuple):
    """A range of addresses, both ends included."""

    version: int
    first: int
    last: int

    def holds(self, ip: Ip) -> bool:
        """Whether an address lies in the range."""
        return self.version == ip.version and self.first <= ip.value <= self.last


class NamePattern(NamedTuple):
    """Names: `suffix` itself when `itself`, and all names below it when `below`; "" is the root."""

    suffix: str
    itself: bool
    below: bool

    def matches(self, name: str) -> bool:
        """Whether a name (as `normal_name` gives it) is meant."""
        if self.itself and name == self.suffix:
            return True
        return self.below and (not self.suffix or name.endswith("." + self.suffix))


def in_ports(ports: tuple[PortRange, ...], port: int) -> bool:
    """Whether a port lies in one of the ranges."""
    return any(first <= port <= last for first, last in ports)


@dataclass(frozen=True, slots=True)
class AddressRule:
    """An ``ipv4`` or ``ipv6`` rule; `text` is the rule as the user wrote it."""

    allow: bool
    networks: tuple[Network, ...]
    ports: tuple[PortRange, ...]
    inbound: bool
    outbound: bool
    text: str

    def matches(self, ip: Ip, port: int, inbound: bool) -> bool:
        """Whether the rule speaks of this address and port in this direction."""
        return (self.inbound if inbound else self.outbound) and in_ports(self.ports, port) and self.holds(ip)

    def holds(self, ip: Ip) -> bool:
        """Whether the rule speaks of this address, on whatever port."""
        return any(network.holds(ip) for network in self.networks)


@dataclass(frozen=True, slots=True)
class NameRule:
    """A ``dns`` rule; `text` is the rule as the user wrote it."""

    allow: bool
    patterns: tuple[NamePattern, ...]
    ports: tuple[PortRange, ...]
    text: str

    def matches(self, name: str) -> bool:
        """Whether the rule speaks of this name (as `normal_name` gives it)."""
        return any(pattern.matches(name) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a text, in its order."""

    addresses: tuple[AddressRule, ...] = ()
    names: tuple[NameRule, ...] = ()


def parse_rules(text: str) -> RuleSet:
    """Read a rule text. Raises `PolicyError`, which points at the character."""
    return _Reader(text).ruleset()


class _Reader:
    """A recursive-descent parser: one method per line of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def ruleset(self) -> RuleSet:
        addresses: list[AddressRule] = []
        names: list[NameRule] = []
        while True:
            rule = self._rule()
            if isinstance(rule, NameRule):
                names.append(rule)
            else:
                addresses.append(rule)
            if not self._peek():
                return RuleSet(tuple(addresses), tuple(names))
            self._expect(",", "between two rules")

    def _rule(self) -> AddressRule | NameRule:
        kind = self._keyword(("ipv4", "ipv6", "dns"), "a rule begins with")
        begin = self._at - len(kind)
        self._expect(":", f"after {kind!r}")
        allow = self._keyword(("allow", "deny"), "the action of a rule is") == "allow"
        self._expect("=", "after the action")
        if kind == "dns":
            patterns = self._list(self._name)
            ports = self._ports()
            if self._peek() == "/":
                self._fail("a dns rule has no direction: it is always outbound")
            return NameRule(allow, patterns, ports, self._text[begin : self._at])
        networks = self._list(self._ip4) if kind == "ipv4" else self._ip6_list()
        ports = self._ports()
        inbound, outbound = self._directions()
        return AddressRule(allow, networks, ports, inbound, outbound, self._text[begin : self._at])

    def _directions(self) -> tuple[bool, bool]:
        if self._peek() != "/":
            return True, True
        self._at += 1
        inbound = self._keyword(("in", "out"), "a direction is") == "in"
        return inbound, not inbound

    def _ports(self) -> tuple[PortRange, ...]:
        self._expect(":", "and the ports")
        return self._list(self._port)

    def _port(self) -> PortRange:
        if self._peek() == "*":
            self._at += 1
            return 0, _LARGEST_PORT
        begin = self._at
        first = self._number(_LARGEST_PORT, "a port")
        if self._peek() != "-":
            return first, first
        self._at += 1
        last = self._number(_LARGEST_PORT, "a port")
        if last < first:
            self._fail("the range of ports ends before it begins", begin)
        return first, last

    def _ip4(self) -> Network:
        if self._peek() == "*":
            self._at += 1
            return Network(4, 0, _IP4_MASK)
        begin = self._at
        word = self._word()
        try:
            value = int(IPv4Address(word))
        except AddressValueError:
            self._fail(f"expected an IPv4 address or '*', not {word!r}", begin)
        return self._network(4, value)

    def _ip6_list(self) -> tuple[Network, ...]:
        if self._peek() in ("{", "*", "["):
            return self._list(self._ip6)
        # Without brackets nobody can tell where the address ends: is ::1:80 an address, or a port on ::1?
        self._fail("an IPv6 address stands in brackets, such as [::1] or [fd00::/8]")

    def _ip6(self) -> Network:
        if self._peek() == "*":
            self._at += 1
            return Network(6, 0, (1 << 128) - 1)
        bracketed = self._peek() == "["
        if bracketed:
            self._at += 1
            self._peek()
        begin = self._at
        word = self._word(also=":")
        if "%" in word:
            self._fail("a rule has no scope: leave out '%' and what follows", begin + word.index("%"))
        try:
            value = int(IPv6Address(word))
        except AddressValueError:
            self._fail(f"expected an IPv6 address or '*', not {word!r}", begin)
        network = self._network(6, value)
        if bracketed:
            self._expect("]", "after the IPv6 address")
        return network

    def _network(self, version: int, value: int) -> Network:
        """A network from an address already read and the prefix length that may follow."""
        bits = _BITS[version]
        prefix = bits
        if self._peek() == "/":
            self._at += 1
            prefix = self._number(bits, "a prefix length")
        hosts = (1 << (bits - prefix)) - 1
        first = value & ~hosts
        if version == 6 and prefix >= 96 and first >> 32 == _MAPPED:
            # Mapped addresses are judged as IPv4, so a rule about them is a rule about IPv4.
            return Network(4, first & _IP4_MASK, (first | hosts) & _IP4_MASK)
        return Network(version, first, first | hosts)

    def _name(self) -> NamePattern:
        self._peek()
        begin = self._at
        word = self._word()
        if word == "*":
            return NamePattern("", itself=False, below=True)
        star = word.startswith("*")
        suffix = word.removeprefix("*")
        name = normal_name(suffix.removeprefix(".") if star else suffix)
        if name is None:
            self._fail(f"expected a host name, '*.' and a host name, or '*', not {word!r}", begin)
        if is_numeric(name):
            self._fail(f"{word!r} is no host name: addresses belong in an ipv4 or ipv6 rule", begin)
        return NamePattern(name, itself=not suffix.startswith("."), below=star)

    def _list(self, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        """One item, or several between braces."""
        if self._peek() != "{":
            return (item(),)
        opened = self._at
        self._at += 1
        items = [item()]
        while self._peek() == ",":
            self._at += 1
            items.append(item())
        if not self._peek():
            self._fail("this '{' is never closed", opened)
        self._expect("}", "or ',' in the list")
        return tuple(items)

    def _keyword(self, words: tuple[str, ...], what: str) -> str:
        self._peek()
        begin = self._at
        word = self._word()
        if word not in words:
            choice = ", ".join(map(repr, words[:-1])) + f" or {words[-1]!r}"
            self._fail(f"{what} {choice}" + (f", not {word!r}" if word else ""), begin)
        return word

    def _number(self, largest: int, what: str) -> int:
        self._peek()
        begin = self._at
        while self._at < len(self._text) and self._text[self._at] in _DIGITS:
            self._at += 1
        digits = self._text[begin : self._at]
        if not digits:
            self._fail(f"expected {what}")
        if len(digits) > 5 or int(digits) > largest:
            self._fail(f"{what} is at most {largest}", begin)
        return int(digits)

    def _word(self, also: str = "") -> str:
        """The signs up to white space or to one that separates; those in `also` do not separate here."""
        begin = self._at
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign.isspace() or (sign in ":=,/{}[]" and sign not in also):
                break
            self._at += 1
        return self._text[begin : self._at]

    def _expect(self, sign: str, where: str) -> None:
        if self._peek() != sign:
            self._fail(f"expected {sign!r} {where}")
        self._at += 1

    def _peek(self) -> str:
        """The next sign that is not white space, "" at the end."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _fail(self, reason: str, position: int | None = None) -> NoReturn:
        raise PolicyError(reason, self._text, self._at if position is None else position)
