"""What the user reads about a refusal, and the flag it names."""

from __future__ import annotations

import pytest

from pywasix.net.policy import NetworkPolicy, Refusals, Request, hint, refusal_message


def connect(address: str, port: int) -> Request:
    return Request("connect", "tcp", 6 if ":" in address else 4, remote=(address, port))


def resolve(name: str) -> Request:
    return Request("resolve", "udp", 0, name=name)


HINTS = [
    (Request("bind", "tcp", 4, local=("127.0.0.1", 8080)), "ipv4:allow=127.0.0.1:8080/in"),
    (Request("bind", "tcp", 4, local=("0.0.0.0", 8080)), "ipv4:allow=*:8080/in"),
    (Request("bind", "tcp", 6, local=("::", 8080)), "ipv6:allow=*:8080/in"),
    (Request("bind", "tcp", 6, local=("::1", 0)), "ipv6:allow=[::1]:*/in"),
    (Request("bind", "udp", 6, local=("::ffff:127.0.0.1", 5)), "ipv4:allow=127.0.0.1:5/in"),
    (
        Request("accept", "tcp", 4, local=("0.0.0.0", 8080), remote=("10.0.0.9", 50000)),
        "ipv4:allow=10.0.0.9:8080/in",
    ),
    (
        Request("receive", "udp", 4, local=("0.0.0.0", 53), remote=("198.51.100.9", 40000)),
        "ipv4:allow=198.51.100.9:53/in",
    ),
    (connect("93.184.216.34", 80), "ipv4:allow=93.184.216.34:80/out"),
    (connect("fe80::1%eth0", 80), "ipv6:allow=[fe80::1]:80/out"),
    (connect("0.0.0.0", 80), "ipv4:allow=127.0.0.1:80/out"),
    (
        Request("connect", "tcp", 6, local=("::ffff:10.0.0.1", 1), remote=("::", 80)),
        "ipv6:allow=[::1]:80/out,ipv4:allow=127.0.0.1:80/out,ipv4:allow=10.0.0.1:80/out",
    ),
    (Request("send", "udp", 4, remote=("192.0.2.1", 53)), "ipv4:allow=192.0.2.1:53/out"),
    (resolve("WWW.example.org."), "dns:allow=www.example.org:*"),
    (resolve("10.0.0.1"), "ipv4:allow=10.0.0.1:*/out"),
    (resolve("::1"), "ipv6:allow=[::1]:*/out"),
]


@pytest.mark.parametrize(("request_", "rule"), HINTS)
def test_the_hint_would_have_allowed_the_request(request_: Request, rule: str) -> None:
    assert hint(request_) == f"--net={rule}"
    assert not NetworkPolicy.deny_all().check(request_)
    assert NetworkPolicy.from_rules(rule).check(request_)


@pytest.mark.parametrize("name", ["127.1", "a b", "x" * 300, "\x1b[2J"])
def test_a_name_that_no_rule_allows_needs_the_whole_network(name: str) -> None:
    assert hint(resolve(name)) == "--net"


def test_refusal_message() -> None:
    assert refusal_message(HINTS[0][0]) == (
        "pywasix: the network policy refused bind to 127.0.0.1:8080/tcp; "
        "allow it with --net=ipv4:allow=127.0.0.1:8080/in"
    )
    assert refusal_message(HINTS[5][0]).startswith(
        "pywasix: the network policy refused accept from 10.0.0.9:50000/tcp; "
    )
    assert "connect to [fe80::1%eth0]:80/tcp;" in refusal_message(connect("fe80::1%eth0", 80))
    assert "connect to an unknown address/tcp;" in refusal_message(Request("connect", "tcp", 4))


def test_a_name_in_a_message_cannot_steer_the_terminal() -> None:
    line = refusal_message(resolve("\x1b[2J\nroot# ü" + "x" * 10_000))
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 500


def test_only_the_first_refusal_is_told() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=127.0.0.1:80")
    refusals = Refusals(policy)
    assert refusals.first(connect("192.0.2.1", 80)) == refusal_message(connect("192.0.2.1", 80))
    assert refusals.first(connect("192.0.2.2", 80)) is None


def test_a_refusal_by_a_deny_rule_names_the_rule() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:*, ipv4:deny={10.0.0.0/8,\n  127.0.0.1}:*, dns:deny=*.test:*")
    assert policy.refusal(connect("10.0.0.1", 80)) == (
        "pywasix: the network policy refused connect to 10.0.0.1:80/tcp: "
        "the rule ipv4:deny={10.0.0.0/8, 127.0.0.1}:* forbids it"
    )
    assert policy.refusal(resolve("a.test")).endswith("resolve of a.test: the rule dns:deny=*.test:* forbids it")


def test_a_refusal_by_a_callable_offers_no_flag() -> None:
    policy = NetworkPolicy(lambda request: False)
    assert policy.refusal(resolve("a.test")).endswith("resolve of a.test: the policy callable said no")


def test_a_policy_is_callable_and_a_broken_one_says_how() -> None:
    with pytest.raises(TypeError, match="from_rules"):
        NetworkPolicy("ipv4:allow=127.0.0.1:80")  # type: ignore[arg-type]  # the mistake

    def broken(request: Request) -> bool:
        raise RuntimeError("mine")

    policy = NetworkPolicy(broken)
    request = Request("connect", "tcp", 4, remote=("127.0.0.1", 80))
    assert not policy.check(request)
    assert "the policy callable raised RuntimeError: mine" in policy.refusal(request)
