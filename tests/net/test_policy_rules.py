"""The rule grammar: what is read, and where an error points."""

from __future__ import annotations

import pickle

import pytest

from pywasix.net.rules import (
    ALL_PORTS,
    Network,
    PolicyError,
    is_numeric,
    normal_name,
    parse_rules,
    read_ip,
)


def test_a_rule_without_direction_speaks_of_both() -> None:
    (rule,) = parse_rules("ipv4:allow=*:*").addresses
    assert (rule.allow, rule.inbound, rule.outbound, rule.ports) == (True, True, True, ALL_PORTS)


@pytest.mark.parametrize(("direction", "inbound"), [("in", True), ("out", False)])
def test_direction(direction: str, inbound: bool) -> None:
    (rule,) = parse_rules(f"ipv4:deny=1.2.3.4:80/{direction}").addresses
    assert (rule.allow, rule.inbound, rule.outbound) == (False, inbound, not inbound)


def test_lists_and_white_space() -> None:
    rules = parse_rules(
        " ipv4 : deny = { 127.0.0.1 / 24 , 192.168.1.1/24 }\n : { 80 , 443 , 8000 - 8100 } / in ,\n\t"
        "ipv6:allow={::1,[fe80::/10], * }:*,dns:allow={a.com, *.b.com}:{80,443} "
    )
    deny, allow = rules.addresses
    assert deny.networks == (Network(4, 0x7F000000, 0x7F0000FF), Network(4, 0xC0A80100, 0xC0A801FF))
    assert deny.ports == ((80, 80), (443, 443), (8000, 8100))
    assert [network.version for network in allow.networks] == [6, 6, 6]
    (names,) = rules.names
    assert [names.matches(name) for name in ("a.com", "x.a.com", "b.com", "x.b.com")] == [
        True,
        False,
        False,
        True,
    ]
    assert names.ports == ((80, 80), (443, 443))


def test_a_rule_keeps_its_text() -> None:
    rules = parse_rules("ipv4:allow=*:{1, 2}/in , dns:deny=*.a.b:*")
    assert rules.addresses[0].text == "ipv4:allow=*:{1, 2}/in"
    assert rules.names[0].text == "dns:deny=*.a.b:*"


def test_prefix_0_and_whole_prefix() -> None:
    every, one = parse_rules("ipv4:allow={9.9.9.9/0,9.9.9.9/32}:1").addresses[0].networks
    assert every == Network(4, 0, 0xFFFFFFFF)
    assert one == Network(4, 0x09090909, 0x09090909)


ERRORS = [
    ("", 0, "'ipv4', 'ipv6' or 'dns'"),
    ("   ", 3, "'ipv4', 'ipv6' or 'dns'"),
    ("all", 0, "not 'all'"),
    ("ip4:allow=*:*", 0, "not 'ip4'"),
    ("IPV4:allow=*:*", 0, "not 'IPV4'"),
    ("ipv4", 4, "expected ':' after 'ipv4'"),
    ("ipv4=allow", 4, "expected ':' after 'ipv4'"),
    ("ipv4:permit=*:*", 5, "'allow' or 'deny', not 'permit'"),
    ("ipv4:", 5, "'allow' or 'deny'"),
    ("ipv4:allow:*:*", 10, "expected '='"),
    ("ipv4:allow=", 11, "IPv4 address"),
    ("ipv4:allow=*", 12, "the ports"),
    ("ipv4:allow=1.2.3:80", 11, "IPv4 address or '*', not '1.2.3'"),
    ("ipv4:allow=1.2.3.256:80", 11, "not '1.2.3.256'"),
    ("ipv4:allow=01.2.3.4:80", 11, "not '01.2.3.4'"),
    ("ipv4:allow=1.2.3.٤:80", 11, "IPv4 address"),
    ("ipv4:allow=example.org:80", 11, "not 'example.org'"),
    ("ipv4:allow=1.2.3.4/33:80", 19, "at most 32"),
    ("ipv4:allow=1.2.3.4/:80", 19, "expected a prefix length"),
    ("ipv4:allow=1.2.3.4/255.0.0.0:80", 19, "at most 32"),
    ("ipv4:allow=1.2.3.4/8.0.0.0:80", 20, "the ports"),
    ("ipv4:allow=[::1]:80", 11, "IPv4 address"),
    ("ipv4:allow=1.2.3.4:", 19, "expected a port"),
    ("ipv4:allow=1.2.3.4:http", 19, "expected a port"),
    ("ipv4:allow=1.2.3.4:65536", 19, "at most 65535"),
    ("ipv4:allow=1.2.3.4:" + "9" * 5000, 19, "at most 65535"),
    ("ipv4:allow=1.2.3.4:-5", 19, "expected a port"),
    ("ipv4:allow=1.2.3.4:٨٠", 19, "expected a port"),
    ("ipv4:allow=1.2.3.4:5-", 21, "expected a port"),
    ("ipv4:allow=1.2.3.4:90-80", 19, "ends before it begins"),
    ("ipv4:allow=1.2.3.4:80/both", 22, "'in' or 'out', not 'both'"),
    ("ipv4:allow=1.2.3.4:80/", 22, "'in' or 'out'"),
    ("ipv4:allow=1.2.3.4:80 90", 22, "expected ','"),
    ("ipv4:allow=1.2.3.4:8 0", 21, "expected ','"),
    ("ipv4:allow=1.2.3.4:80,", 22, "'ipv4', 'ipv6' or 'dns'"),
    ("ipv4:allow=1.2.3.4:80,443", 22, "not '443'"),
    ("ipv4:allow={}:80", 12, "IPv4 address"),
    ("ipv4:allow={1.2.3.4,}:80", 20, "IPv4 address"),
    ("ipv4:allow={1.2.3.4:80", 19, "'}'"),
    ("ipv4:allow={1.2.3.4", 11, "never closed"),
    ("ipv4:allow=*:{80", 13, "never closed"),
    ("ipv4:allow=*:{{80}}", 14, "expected a port"),
    ("ipv6:allow=::1:80", 11, "brackets"),
    ("ipv6:allow=1.2.3.4:80", 11, "brackets"),
    ("ipv6:allow=[::1:80", 18, "expected ']'"),
    ("ipv6:allow=[::g]:80", 12, "not '::g'"),
    ("ipv6:allow=[::1]/64:80", 16, "the ports"),
    ("ipv6:allow=[::1/129]:80", 16, "at most 128"),
    ("ipv6:allow=[fe80::1%eth0]:80", 19, "scope"),
    ("ipv6:allow={::1,1.2.3.4}:80", 16, "IPv6 address"),
    ("dns:allow=:80", 10, "host name"),
    ("dns:allow=example.org", 21, "the ports"),
    ("dns:allow=a*b.org:80", 10, "host name"),
    ("dns:allow=*.*.org:80", 10, "host name"),
    ("dns:allow=**:80", 10, "host name"),
    ("dns:allow=*.:80", 10, "host name"),
    ("dns:allow=exa mple.org:80", 14, "the ports"),
    ("dns:allow={a.org,b..org}:80", 17, "host name"),
    ("dns:allow=127.0.0.1:80", 10, "addresses belong"),
    ("dns:allow=example.org:80/out", 24, "no direction"),
    ("ipv4:allow=*:*,\n dns:allow=a!b:80", 27, "host name"),
]


@pytest.mark.parametrize(("text", "position", "reason"), ERRORS)
def test_an_error_points_at_the_character(text: str, position: int, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_rules(text)
    error = caught.value
    assert (error.text, error.position) == (text, position)
    assert reason in str(error)
    assert "\n" not in str(error)
    assert f"character {position + 1} " in str(error)


def test_pointer_shows_the_line_and_a_caret() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_rules("ipv4:allow=*:*,\n\tdns:allow=a!b:80,\n dns:allow=c:80")
    assert caught.value.pointer() == " dns:allow=a!b:80,\n           ^"


def test_an_error_can_be_pickled() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_rules("ipv4:allow")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.pointer()) == (str(caught.value), caught.value.pointer())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("0:0:0:0:0:FFFF:7f00:1%9", "127.0.0.1"),
        ("fe80:0::0001%eth0", "fe80::1"),
        ("::fffe:127.0.0.1", "::fffe:7f00:1"),
    ],
)
def test_address_in_the_form_it_is_judged(text: str, shown: str) -> None:
    assert str(read_ip(text)) == shown


@pytest.mark.parametrize(
    "text", ["", " 1.2.3.4", "1.2.3.4 ", "1.2.3", "0x7f.0.0.1", ":", "1.2.3.4%1", "\ud800", "::%:"]
)
def test_address_or_none(text: str) -> None:
    known = {"::%:": "::"}
    assert str(read_ip(text)) == known.get(text, "None")


def test_names_in_the_form_they_are_judged() -> None:
    assert normal_name("WWW.Example.org.") == "www.example.org"
    assert normal_name("Bücher.example") == "xn--bcher-kva.example"
    assert normal_name("ü" * 100_000) is None
    assert normal_name("a\ud800b") is None


@pytest.mark.parametrize(
    ("name", "numeric"), [("127.1", True), ("0x7f", True), ("0x", True), ("1.example", False), ("0xg", False)]
)
def test_numeric_names(name: str, numeric: bool) -> None:
    assert is_numeric(name) is numeric
