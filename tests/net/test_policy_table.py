"""Rules against addresses: who is let in and out, one row per question."""

from __future__ import annotations

import pytest

from pywasix.net.policy import Endpoint, NetworkPolicy, Request

LOCAL_NET = "ipv4:allow=127.0.0.1/8:8080/in"
WEB_OUT = "ipv4:allow=93.184.216.0/24:{80,443}/out"
SIX = "ipv6:allow=[2001:db8::/32]:80"
SIX_LIST = "ipv6:allow={::1, [fe80::/10]}:1000-2000"
ALL_BUT_PRIVATE = "ipv4:allow=*:*, ipv6:allow=*:*, ipv4:deny={10.0.0.0/8, 127.0.0.0/8}:*"
DENY_FIRST = "ipv4:deny=192.168.1.1:22, ipv4:allow=192.168.1.0/24:*"
NAMES = "dns:allow={*.example.org, example.net, *example.com}:443,dns:deny={bad.example.org, *.ads.example.com}:*"
ANY_NAME = "dns:allow=*:*"
MAPPED_ALLOW = "ipv6:allow=[::ffff:10.0.0.0/104]:80"
MAPPED_DENY = "ipv4:allow=*:*, ipv6:deny=[::ffff:10.1.2.3]:*"
DNS_PORT_IN = "ipv4:allow=*:53/in"

# (rules, action, protocol, address, port, allowed). For bind the address is the guest's, for connect and send
# the other side's; for accept and receive the caller's, who comes from port 55555 to the guest's given port.
ADDRESSES = [
    # one network, inbound
    (LOCAL_NET, "bind", "tcp", "127.0.0.1", 8080, True),
    (LOCAL_NET, "bind", "tcp", "127.255.255.255", 8080, True),
    (LOCAL_NET, "bind", "tcp", "127.0.0.1", 8081, False),
    (LOCAL_NET, "bind", "tcp", "127.0.0.1", 0, False),
    (LOCAL_NET, "bind", "tcp", "128.0.0.0", 8080, False),
    (LOCAL_NET, "bind", "tcp", "126.255.255.255", 8080, False),
    (LOCAL_NET, "bind", "tcp", "0.0.0.0", 8080, False),
    (LOCAL_NET, "bind", "tcp", "::", 8080, False),
    (LOCAL_NET, "bind", "tcp", "::1", 8080, False),
    (LOCAL_NET, "bind", "tcp", "::ffff:127.0.0.1", 8080, True),
    (LOCAL_NET, "bind", "udp", "127.0.0.1", 8080, True),
    (LOCAL_NET, "bind", "udp", "127.0.0.1", 8081, False),
    (LOCAL_NET, "bind", "udp", "127.0.0.1", 0, False),
    (LOCAL_NET, "accept", "tcp", "127.0.0.1", 8080, True),
    (LOCAL_NET, "accept", "tcp", "127.9.9.9", 8080, True),
    (LOCAL_NET, "accept", "tcp", "::ffff:127.9.9.9", 8080, True),
    (LOCAL_NET, "accept", "tcp", "127.0.0.1", 55555, False),
    (LOCAL_NET, "accept", "tcp", "192.168.1.1", 8080, False),
    (LOCAL_NET, "accept", "tcp", "::1", 8080, False),
    (LOCAL_NET, "receive", "udp", "127.0.0.1", 8080, True),
    (LOCAL_NET, "receive", "udp", "10.0.0.1", 8080, False),
    (LOCAL_NET, "connect", "tcp", "127.0.0.1", 8080, False),
    (LOCAL_NET, "connect", "tcp", "0.0.0.0", 8080, False),
    (LOCAL_NET, "send", "udp", "127.0.0.1", 8080, False),
    # lists of ports, outbound
    (WEB_OUT, "connect", "tcp", "93.184.216.34", 80, True),
    (WEB_OUT, "connect", "tcp", "93.184.216.34", 443, True),
    (WEB_OUT, "connect", "tcp", "93.184.216.34", 444, False),
    (WEB_OUT, "connect", "tcp", "93.184.216.0", 80, True),
    (WEB_OUT, "connect", "tcp", "93.184.216.255", 80, True),
    (WEB_OUT, "connect", "tcp", "93.184.217.0", 80, False),
    (WEB_OUT, "connect", "tcp", "93.184.215.255", 80, False),
    (WEB_OUT, "connect", "tcp", "::ffff:93.184.216.34", 80, True),
    (WEB_OUT, "connect", "tcp", "::ffff:5db8:d822", 80, True),
    (WEB_OUT, "connect", "tcp", "::93.184.216.34", 80, False),
    (WEB_OUT, "connect", "tcp", "64:ff9b::93.184.216.34", 80, False),
    (WEB_OUT, "send", "udp", "93.184.216.34", 443, True),
    (WEB_OUT, "send", "udp", "93.184.216.34", 53, False),
    (WEB_OUT, "bind", "tcp", "93.184.216.34", 80, False),
    (WEB_OUT, "bind", "tcp", "0.0.0.0", 0, False),
    (WEB_OUT, "bind", "udp", "0.0.0.0", 0, True),
    (WEB_OUT, "bind", "udp", "::", 0, True),
    (WEB_OUT, "bind", "udp", "0.0.0.0", 443, False),
    (WEB_OUT, "accept", "tcp", "93.184.216.34", 80, False),
    (WEB_OUT, "receive", "udp", "93.184.216.34", 443, False),
    # IPv6, both directions
    (SIX, "connect", "tcp", "2001:db8::1", 80, True),
    (SIX, "connect", "tcp", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 80, True),
    (SIX, "connect", "tcp", "2001:db9::", 80, False),
    (SIX, "connect", "tcp", "2001:db7:ffff::", 80, False),
    (SIX, "connect", "tcp", "2001:db8::1", 81, False),
    (SIX, "connect", "tcp", "2001:0DB8:0000::1", 80, True),
    (SIX, "connect", "tcp", "2001:db8::1%eth0", 80, True),
    (SIX, "bind", "tcp", "2001:db8::1", 80, True),
    (SIX, "bind", "tcp", "::", 80, False),
    (SIX, "accept", "tcp", "2001:db8::7", 80, True),
    (SIX, "accept", "tcp", "2001:db8::7", 81, False),
    (SIX, "accept", "tcp", "fe80::7", 80, False),
    (SIX, "connect", "tcp", "32.1.13.184", 80, False),
    (SIX_LIST, "connect", "tcp", "::1", 1000, True),
    (SIX_LIST, "connect", "tcp", "::1", 2000, True),
    (SIX_LIST, "connect", "tcp", "::1", 999, False),
    (SIX_LIST, "connect", "tcp", "::1", 2001, False),
    (SIX_LIST, "connect", "tcp", "::", 1500, True),
    (SIX_LIST, "connect", "tcp", "::2", 1500, False),
    (SIX_LIST, "connect", "tcp", "fe80::1%2", 1500, True),
    (SIX_LIST, "connect", "tcp", "fe80::1%eth0", 1500, True),
    (SIX_LIST, "connect", "tcp", "febf::1", 1500, True),
    (SIX_LIST, "connect", "tcp", "fec0::1", 1500, False),
    (SIX_LIST, "connect", "tcp", "fec0::1%fe80::1", 1500, False),
    (SIX_LIST, "connect", "tcp", "127.0.0.1", 1500, False),
    (SIX_LIST, "connect", "tcp", "0.0.0.0", 1500, False),
    # deny wins, wherever it stands and however the address is written
    (ALL_BUT_PRIVATE, "connect", "tcp", "8.8.8.8", 53, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "10.0.0.1", 53, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "9.255.255.255", 53, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "11.0.0.0", 53, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "127.0.0.1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "0.0.0.0", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::ffff:0.0.0.0", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::ffff:10.0.0.1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::ffff:a00:1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::ffff:10.0.0.1%eth0", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::10.0.0.1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "64:ff9b::10.0.0.1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "64:ff9b::8.8.8.8", 80, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "2002:a00:1::1", 80, False),
    (ALL_BUT_PRIVATE, "connect", "tcp", "2002:808:808::1", 80, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::1", 80, True),
    (ALL_BUT_PRIVATE, "connect", "tcp", "::", 80, True),
    (ALL_BUT_PRIVATE, "send", "udp", "10.9.9.9", 53, False),
    (ALL_BUT_PRIVATE, "receive", "udp", "10.9.9.9", 53, False),
    (ALL_BUT_PRIVATE, "accept", "tcp", "10.9.9.9", 80, False),
    (ALL_BUT_PRIVATE, "accept", "tcp", "::ffff:10.9.9.9", 80, False),
    (ALL_BUT_PRIVATE, "accept", "tcp", "8.8.8.8", 80, True),
    (ALL_BUT_PRIVATE, "bind", "tcp", "0.0.0.0", 80, True),
    (ALL_BUT_PRIVATE, "bind", "tcp", "10.0.0.1", 80, False),
    (ALL_BUT_PRIVATE, "bind", "udp", "127.0.0.1", 0, False),
    (DENY_FIRST, "connect", "tcp", "192.168.1.1", 80, True),
    (DENY_FIRST, "connect", "tcp", "192.168.1.1", 22, False),
    (DENY_FIRST, "connect", "tcp", "192.168.1.2", 22, True),
    (DENY_FIRST, "accept", "tcp", "192.168.1.1", 22, False),
    (DENY_FIRST, "accept", "tcp", "192.168.1.1", 2222, True),
    ("ipv4:allow=*:*, ipv4:deny=0.0.0.0:*", "connect", "tcp", "0.0.0.0", 80, False),
    ("ipv4:allow=*:*, ipv4:deny=0.0.0.0:*", "connect", "tcp", "127.0.0.1", 80, True),
    ("ipv4:allow=*:*, ipv4:deny=*:25/out", "connect", "tcp", "8.8.8.8", 25, False),
    ("ipv4:allow=*:*, ipv4:deny=*:25/out", "accept", "tcp", "8.8.8.8", 25, True),
    # rules about mapped addresses are rules about IPv4
    (MAPPED_ALLOW, "connect", "tcp", "10.2.3.4", 80, True),
    (MAPPED_ALLOW, "connect", "tcp", "::ffff:10.2.3.4", 80, True),
    (MAPPED_ALLOW, "connect", "tcp", "11.2.3.4", 80, False),
    (MAPPED_DENY, "connect", "tcp", "10.1.2.3", 80, False),
    (MAPPED_DENY, "connect", "tcp", "::ffff:10.1.2.3", 80, False),
    (MAPPED_DENY, "connect", "tcp", "10.1.2.4", 80, True),
    ("ipv6:allow=*:*", "connect", "tcp", "::ffff:10.1.2.3", 80, False),
    ("ipv6:allow=[::/0]:*", "connect", "tcp", "10.1.2.3", 80, False),
    ("ipv6:allow=*:*", "accept", "tcp", "::ffff:10.1.2.3", 80, False),
    # inbound does not make outbound
    (DNS_PORT_IN, "send", "udp", "8.8.8.8", 53, False),
    (DNS_PORT_IN, "receive", "udp", "8.8.8.8", 53, True),
    (DNS_PORT_IN, "receive", "udp", "8.8.8.8", 54, False),
    (DNS_PORT_IN, "bind", "udp", "0.0.0.0", 53, True),
    (DNS_PORT_IN, "bind", "udp", "0.0.0.0", 0, False),
    (DNS_PORT_IN + ", dns:allow=a.test:*", "bind", "udp", "0.0.0.0", 0, True),
    (WEB_OUT + ", ipv4:deny=*:0", "bind", "udp", "0.0.0.0", 0, False),
    # what is no address is refused
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "010.0.0.1", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "127.1", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "example.org", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "8.8.8.8%eth0", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "8.8.8.8", 65536, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "8.8.8.8", -1, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "icmp", "8.8.8.8", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "shout", "tcp", "8.8.8.8", 80, False),
    ("ipv4:allow=*:*, ipv6:allow=*:*", "connect", "tcp", "8.8.8.8", 65535, True),
    (ANY_NAME, "connect", "tcp", "8.8.8.8", 80, False),
]

NAME_ROWS = [
    (NAMES, "www.example.org", True),
    (NAMES, "a.b.example.org", True),
    (NAMES, "WWW.Example.ORG", True),
    (NAMES, "www.example.org.", True),
    (NAMES, "www.example.org..", False),
    (NAMES, "example.org", False),
    (NAMES, "badexample.org", False),
    (NAMES, "www.example.org.evil.test", False),
    (NAMES, ".example.org", False),
    (NAMES, "www..example.org", False),
    (NAMES, "evil.test\0.example.org", False),
    (NAMES, "evil.test/.example.org", False),
    (NAMES, "evil.test .example.org", False),
    (NAMES, "bad.example.org", False),
    (NAMES, "BAD.example.org.", False),
    (NAMES, "not.bad.example.org", True),
    (NAMES, "bad。example。org", False),
    (NAMES, "www。example。org", True),
    (NAMES, "example.net", True),
    (NAMES, "www.example.net", False),
    (NAMES, "example.com", True),
    (NAMES, "www.example.com", True),
    (NAMES, "badexample.com", False),
    (NAMES, "x.ads.example.com", False),
    (NAMES, "ads.example.com", True),
    (NAMES, "", False),
    (NAMES, ".", False),
    (NAMES, f"{'a' * 64}.example.org", False),
    (NAMES, f"{'a' * 63}.example.org", True),
    (NAMES, "a." * 121 + "example.org", True),
    (NAMES, "a." * 122 + "example.org", False),
    ("dns:allow=bücher.example:*", "xn--bcher-kva.example", True),
    ("dns:allow=*:*, dns:deny=xn--bcher-kva.example:*", "bücher.example", False),
    ("dns:allow=*:*, dns:deny=xn--bcher-kva.example:*", "BÜCHER.example", False),
    ("dns:allow=*:*, dns:deny=localhost:80", "localhost", False),
    (ANY_NAME, "anything.test", True),
    (ANY_NAME, "localhost", True),
    (ANY_NAME, "under_score.test", True),
    (ANY_NAME, "127.0.0.1", False),
    (ANY_NAME, "127.1", False),
    (ANY_NAME, "2130706433", False),
    (ANY_NAME, "0x7f000001", False),
    (ANY_NAME, "0x7f.1", False),
    (ANY_NAME, "127.0.0.1.", False),
    (ANY_NAME, "::1", False),
    ("ipv4:allow=127.0.0.1:80/out", "127.0.0.1", True),
    ("ipv4:allow=127.0.0.1:80/out", "127.0.0.2", False),
    ("ipv4:allow=127.0.0.1:80/in", "127.0.0.1", False),
    ("ipv6:allow=[fe80::/10]:80/out", "fe80::1%eth0", True),
    ("ipv4:allow=*:*", "example.org", False),
]


def request_for(action: str, protocol: str, address: str, port: int) -> Request:
    """The request that a row of the table is about."""
    family = 6 if ":" in address else 4
    asked: Endpoint = (address, port)
    if action == "bind":
        return Request(action, protocol, family, local=asked)
    if action in ("accept", "receive"):
        listener: Endpoint = ("::" if family == 6 else "0.0.0.0", port)
        return Request(action, protocol, family, local=listener, remote=(address, 55555))
    return Request(action, protocol, family, remote=asked)


@pytest.mark.parametrize(("rules", "action", "protocol", "address", "port", "allowed"), ADDRESSES)
def test_address(rules: str, action: str, protocol: str, address: str, port: int, allowed: bool) -> None:
    policy = NetworkPolicy.from_rules(rules)
    assert policy.check(request_for(action, protocol, address, port)) is allowed
    assert (policy.allowed, policy.refused) == (int(allowed), int(not allowed))


@pytest.mark.parametrize(("rules", "name", "allowed"), NAME_ROWS)
def test_name(rules: str, name: str, allowed: bool) -> None:
    policy = NetworkPolicy.from_rules(rules)
    assert policy.check(Request("resolve", "udp", 0, name=name)) is allowed


@pytest.mark.parametrize(("rules", "action", "protocol", "address", "port", "allowed"), ADDRESSES)
def test_nothing_is_allowed_without_rules(
    rules: str, action: str, protocol: str, address: str, port: int, allowed: bool
) -> None:
    assert not NetworkPolicy.deny_all().check(request_for(action, protocol, address, port))


def test_the_table_is_large_enough() -> None:
    assert len(ADDRESSES) >= 100
    assert len(set(ADDRESSES)) == len(ADDRESSES)
