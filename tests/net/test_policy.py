"""The policy object: wildcard destinations, learned names, answers to datagrams, callables."""

from __future__ import annotations

import pytest

from pywasix.net import judge
from pywasix.net.policy import (
    Action,
    Direction,
    NetworkPolicy,
    PolicyError,
    Request,
    hint,
)


def connect(address: str, port: int, protocol: str = "tcp") -> Request:
    return Request("connect", protocol, 6 if ":" in address else 4, remote=(address, port))


def resolve(name: str) -> Request:
    return Request("resolve", "udp", 0, name=name)


def test_directions() -> None:
    inbound = [action for action in Action if action.direction is Direction.INBOUND]
    assert inbound == [Action.BIND, Action.ACCEPT, Action.RECEIVE]
    assert Request("send", "udp", 4).direction is Direction.OUTBOUND
    with pytest.raises(ValueError, match="shout"):
        _ = Request("shout", "udp", 4).direction


def test_allow_all_is_unrestricted() -> None:
    policy = NetworkPolicy.allow_all()
    assert policy.unrestricted
    assert policy.check(Request("shout", "icmp", 9))
    assert policy.allowed == 1


def test_only_allow_all_is_unrestricted() -> None:
    assert not NetworkPolicy.deny_all().unrestricted
    assert not NetworkPolicy.from_rules("ipv4:allow=*:*,ipv6:allow=*:*,dns:allow=*:*").unrestricted
    assert not NetworkPolicy(lambda request: True).unrestricted


def test_rules_with_an_error() -> None:
    with pytest.raises(PolicyError) as caught:
        NetworkPolicy.from_rules("ipv4:allow=*:x")
    assert caught.value.position == 13


@pytest.mark.parametrize("policy", [NetworkPolicy.deny_all(), NetworkPolicy.from_rules("ipv4:deny=*:*")])
def test_unix_sockets_are_no_network(policy: NetworkPolicy) -> None:
    assert policy.check(Request("bind", "unix", 0, local=("/run/socket", 0)))
    assert policy.check(Request("connect", "unix", 0, remote=("/run/socket", 0)))


@pytest.mark.parametrize(
    "request_",
    [
        Request("bind", "tcp", 4, remote=("127.0.0.1", 1)),
        Request("connect", "tcp", 4, local=("127.0.0.1", 1)),
        Request("accept", "tcp", 4, local=("127.0.0.1", 1)),
        Request("accept", "tcp", 4, remote=("127.0.0.1", 1)),
        Request("receive", "udp", 4),
        Request("resolve", "udp", 0),
    ],
)
def test_a_request_that_says_too_little_is_refused(request_: Request) -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:*, dns:allow=*:*")
    assert not policy.check(request_)
    assert hint(request_) == "--net"


# --- wildcard destinations ---


def test_wildcard_destination_of_a_bound_socket_is_the_bound_address() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=127.0.0.1:80/out")
    assert policy.check(Request("connect", "tcp", 4, local=("0.0.0.0", 0), remote=("0.0.0.0", 80)))
    assert policy.check(Request("connect", "tcp", 4, local=("127.0.0.1", 5), remote=("0.0.0.0", 80)))
    assert not policy.check(Request("connect", "tcp", 4, local=("192.168.1.7", 5), remote=("0.0.0.0", 80)))


def test_wildcard_destination_of_a_socket_bound_to_a_mapped_address() -> None:
    request = Request("connect", "tcp", 6, local=("::ffff:0.0.0.0", 5), remote=("::", 80))
    assert not NetworkPolicy.from_rules("ipv6:allow=[::1]:80").check(request)
    assert NetworkPolicy.from_rules("ipv6:allow=[::1]:80,ipv4:allow=127.0.0.1:80").check(request)


def test_the_address_at_which_a_caller_arrives_may_be_denied() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:80/in, ipv4:deny=192.168.1.7:80/in")
    assert policy.check(Request("accept", "tcp", 4, local=("10.0.0.1", 80), remote=("10.0.0.2", 5)))
    assert not policy.check(Request("accept", "tcp", 4, local=("192.168.1.7", 80), remote=("10.0.0.2", 5)))


# --- names ---


def test_every_address_of_every_name_stays_allowed() -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*.example.org:443")
    assert not policy.check(connect("203.0.113.1", 443))
    policy.learn("a.example.org", ["203.0.113.1", "2001:db8::1"])
    policy.learn("b.example.org", ["203.0.113.2"])
    policy.learn("a.example.org", ["203.0.113.3"])
    for address in ("203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::1", "::ffff:203.0.113.1"):
        assert policy.check(connect(address, 443))
        assert policy.check(connect(address, 443, "udp"))
        assert not policy.check(connect(address, 80))
    assert not policy.check(connect("203.0.113.4", 443))


def test_ports_of_several_names_at_one_address_add_up() -> None:
    policy = NetworkPolicy.from_rules("dns:allow=a.test:80, dns:allow=b.test:{443,8000-8001}")
    policy.learn("a.test", ["203.0.113.1"])
    assert not policy.check(connect("203.0.113.1", 443))
    policy.learn("b.test", ["203.0.113.1"])
    assert [port for port in (80, 81, 443, 8001, 8002) if policy.check(connect("203.0.113.1", port))] == [
        80,
        443,
        8001,
    ]


@pytest.mark.parametrize("name", ["evil.test", "bad.example.org", "badexample.org", "", "127.1", "a\0b.example.org"])
def test_a_name_that_is_not_allowed_teaches_nothing(name: str) -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*.example.org:*, dns:deny=bad.example.org:80")
    policy.learn(name, ["203.0.113.1"])
    assert not policy.check(connect("203.0.113.1", 443))


def test_deny_wins_over_a_learned_address() -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*:*, ipv4:deny=10.0.0.0/8:*")
    policy.learn("inside.test", ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
    for address in ("10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"):
        assert not policy.check(connect(address, 80))


def test_a_learned_address_is_outbound_only() -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*:*")
    policy.learn("a.test", ["203.0.113.1"])
    assert not policy.check(Request("accept", "tcp", 4, local=("0.0.0.0", 80), remote=("203.0.113.1", 5)))
    assert not policy.check(Request("bind", "tcp", 4, local=("203.0.113.1", 80)))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_a_name_does_not_open_the_host_itself(address: str) -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*:*")
    policy.learn("rebind.test", [address])
    for target in (address, "127.0.0.1", "0.0.0.0", "::1"):
        assert not policy.check(connect(target, 80))


def test_localhost_and_trusted_answers_may_be_loopback() -> None:
    policy = NetworkPolicy.from_rules("dns:allow={localhost, *.localhost, static.test}:80")
    policy.learn("localhost", ["127.0.0.1", "169.254.169.254", "203.0.113.1"])
    policy.learn("web.localhost", ["::1"])
    policy.learn("static.test", ["169.254.1.1"], trusted=True)
    assert [policy.check(connect(address, 80)) for address in ("127.0.0.1", "::1", "169.254.1.1")] == [True] * 3
    assert not policy.check(connect("169.254.169.254", 80))
    assert not policy.check(connect("203.0.113.1", 80))


def test_learned_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MOST_LEARNED", 3)
    policy = NetworkPolicy.from_rules("dns:allow=*:*")
    addresses = [f"203.0.113.{number}" for number in range(1, 5)]
    policy.learn("a.test", addresses[:3])
    policy.learn("a.test", [addresses[0]])  # used again, so it is the youngest now
    policy.learn("a.test", [addresses[3]])
    assert [policy.check(connect(address, 80)) for address in addresses] == [True, False, True, True]


def test_learn_takes_any_iterable_without_holding_the_lock() -> None:
    policy = NetworkPolicy.from_rules("dns:allow=*:*")
    policy.learn("a.test", ("203.0.113.1" for _ in range(2) if not policy.check(connect("203.0.113.1", 80))))
    assert policy.check(connect("203.0.113.1", 80))


# --- datagrams ---

SERVER = ("192.0.2.1", 53)
CLIENT = ("198.51.100.9", 40000)


def datagram(action: str, local: tuple[str, int] | None, remote: tuple[str, int]) -> Request:
    return Request(action, "udp", 4, local=local, remote=remote)


def test_who_asks_gets_the_answer() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=192.0.2.1:53/out")
    assert not policy.check(datagram("receive", ("0.0.0.0", 5000), SERVER))
    assert policy.check(datagram("send", ("0.0.0.0", 5000), SERVER))
    assert policy.check(datagram("receive", ("0.0.0.0", 5000), SERVER))
    assert not policy.check(datagram("receive", ("0.0.0.0", 5001), SERVER))
    assert not policy.check(datagram("receive", ("0.0.0.0", 5000), ("192.0.2.1", 54)))
    assert not policy.check(datagram("receive", ("0.0.0.0", 5000), ("192.0.2.2", 53)))


def test_a_connected_datagram_socket_gets_the_answer() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=192.0.2.1:53/out")
    assert policy.check(datagram("connect", ("10.0.0.1", 5000), SERVER))
    assert policy.check(datagram("receive", ("10.0.0.1", 5000), SERVER))


def test_a_server_may_answer_only_who_asked() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:53/in")
    assert not policy.check(datagram("send", ("0.0.0.0", 53), CLIENT))
    assert policy.check(datagram("receive", ("0.0.0.0", 53), CLIENT))
    assert policy.check(datagram("send", ("0.0.0.0", 53), CLIENT))
    assert policy.check(datagram("connect", ("0.0.0.0", 53), CLIENT))
    assert not policy.check(datagram("send", ("0.0.0.0", 54), CLIENT))
    assert not policy.check(datagram("send", None, CLIENT))
    assert not policy.check(datagram("send", ("0.0.0.0", 53), (CLIENT[0], 40001)))


def test_a_refused_datagram_opens_nothing() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:53/in, ipv4:deny=198.51.100.0/24:*/out")
    assert not policy.check(datagram("receive", ("0.0.0.0", 54), ("192.0.2.7", 9)))
    assert not policy.check(datagram("send", ("0.0.0.0", 54), ("192.0.2.7", 9)))
    assert policy.check(datagram("receive", ("0.0.0.0", 53), CLIENT))
    assert not policy.check(datagram("send", ("0.0.0.0", 53), CLIENT))  # a deny rule wins over the question


def test_a_stream_opens_nothing_for_datagrams() -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:53/in")
    assert policy.check(Request("accept", "tcp", 4, local=("0.0.0.0", 53), remote=CLIENT))
    assert not policy.check(datagram("send", ("0.0.0.0", 53), CLIENT))
    assert not policy.check(Request("connect", "tcp", 4, local=("0.0.0.0", 53), remote=CLIENT))


def test_peers_that_may_be_answered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MOST_FLOWS", 2)
    policy = NetworkPolicy.from_rules("ipv4:allow=*:53/in")
    peers = [("198.51.100.1", port) for port in (1, 2, 3)]
    for peer in peers:
        assert policy.check(datagram("receive", ("0.0.0.0", 53), peer))
    assert [policy.check(datagram("send", ("0.0.0.0", 53), peer)) for peer in peers] == [False, True, True]


# --- callables ---


def test_a_callable_sees_the_request() -> None:
    seen: list[Request] = []

    def judge_it(request: Request) -> bool:
        seen.append(request)
        return request.remote == ("192.0.2.1", 80)

    policy = NetworkPolicy(judge_it)
    assert policy.check(connect("192.0.2.1", 80))
    assert not policy.check(connect("192.0.2.1", 81))
    assert [request.remote for request in seen] == [("192.0.2.1", 80), ("192.0.2.1", 81)]
    assert (policy.allowed, policy.refused, policy.last_error) == (1, 1, None)


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), Unshowable()])
def test_a_callable_that_raises_refuses(error: BaseException) -> None:
    def broken(request: Request) -> bool:
        raise error

    policy = NetworkPolicy(broken)
    assert not policy.check(connect("192.0.2.1", 80))
    assert policy.refused == 1
    assert type(error).__name__ in str(policy.last_error)


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
def test_a_callable_must_answer_true_or_false(answer: object) -> None:
    policy = NetworkPolicy(lambda request: answer)  # type: ignore[arg-type,return-value]  # the mistake under test
    assert not policy.check(connect("192.0.2.1", 80))
    assert type(answer).__name__ in str(policy.last_error)


def test_the_last_error_stays() -> None:
    answers = iter([None, True])
    policy = NetworkPolicy(lambda request: next(answers))  # type: ignore[arg-type,return-value]  # as above
    assert [policy.check(resolve("a.test")) for _ in range(2)] == [False, True]
    assert "NoneType" in str(policy.last_error)


def test_a_callable_may_ask_another_policy_and_itself() -> None:
    rules = NetworkPolicy.from_rules("ipv4:allow=192.0.2.1:*")

    def judge_it(request: Request) -> bool:
        policy.learn("a.test", ["192.0.2.1"])  # the policy's lock is free while the callable runs
        return rules.check(request)

    policy = NetworkPolicy(judge_it)
    assert policy.check(connect("192.0.2.1", 80))


@pytest.mark.parametrize("everybody", ["255.255.255.255", "224.0.0.1", "::ffff:224.0.0.1", "ff02::1"])
def test_what_the_loopback_tells_everybody_is_told_to_the_loopback(everybody: str) -> None:
    policy = NetworkPolicy.from_rules("ipv4:allow=*:*, ipv6:allow=*:*, ipv4:deny=127.0.0.0/8:*, ipv6:deny=[::1]:*")
    family = 6 if ":" in everybody else 4
    own = {"ff02::1": "::1", "::ffff:224.0.0.1": "::ffff:127.0.0.9"}.get(everybody, "127.0.0.9")
    for action in ("send", "connect"):
        assert not policy.check(Request(action, "udp", family, local=(own, 5), remote=(everybody, 5)))
        assert policy.check(Request(action, "udp", family, local=("10.0.0.9", 5), remote=(everybody, 5)))
        assert policy.check(Request(action, "udp", family, remote=(everybody, 5)))
