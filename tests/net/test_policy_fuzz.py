"""Whatever the text, name or address: no error but `PolicyError`, and no spelling of an address gets more."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from pywasix.net.policy import NetworkPolicy, PolicyError, Request, hint, refusal_message
from pywasix.net.rules import normal_name, parse_rules, read_ip

ip4 = st.one_of(
    st.sampled_from(["127.0.0.1", "10.0.0.1", "0.0.0.0", "255.255.255.255", "192.168.1.1", "8.8.8.8"]),
    st.integers(0, 2**32 - 1).map(lambda value: str(IPv4Address(value))),
)
ip6 = st.one_of(
    st.sampled_from(["::", "::1", "fe80::1", "2001:db8::1", "ff02::1", "64:ff9b::a00:1", "2002:a00:1::"]),
    st.integers(0, 2**128 - 1).map(lambda value: str(IPv6Address(value))),
)
ports = st.one_of(st.sampled_from([0, 1, 53, 80, 443, 65535]), st.integers(0, 65535))
names = st.sampled_from(["a.test", "b.a.test", "example.org", "localhost", "xn--bcher-kva.example"])
actions = st.sampled_from(["bind", "connect", "accept", "send", "receive"])
protocols = st.sampled_from(["tcp", "udp"])


def braces(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(item, min_size=1, max_size=3).map(lambda items: "{" + ", ".join(items) + "}")
    return st.one_of(item, several)


port_specs = braces(
    st.one_of(
        st.just("*"),
        ports.map(str),
        st.tuples(ports, ports).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    )
)
ip4_specs = braces(st.one_of(st.just("*"), ip4, st.builds("{}/{}".format, ip4, st.integers(0, 32))))
ip6_specs = braces(
    st.one_of(st.just("*"), ip6.map("[{}]".format), st.builds("[{}/{}]".format, ip6, st.integers(0, 128)))
)
name_specs = braces(st.one_of(st.just("*"), names, names.map("*.{}".format), names.map("*{}".format)))
verdicts = st.sampled_from(["allow", "deny"])
directions = st.sampled_from(["", "/in", "/out"])
rule_texts = st.lists(
    st.one_of(
        st.builds("ipv4:{}={}:{}{}".format, verdicts, ip4_specs, port_specs, directions),
        st.builds("ipv6:{}={}:{}{}".format, verdicts, ip6_specs, port_specs, directions),
        st.builds("dns:{}={}:{}".format, verdicts, name_specs, port_specs),
    ),
    min_size=1,
    max_size=4,
).map(",".join)
pieces = st.lists(
    st.sampled_from(["ipv4:", "ipv6:", "dns:", "allow=", "deny=", "*", "{", "}", "[", "]", ",", ":", "/", "-", " "])
    | st.sampled_from(["1.2.3.4", "::1", "a.test", "*.b", "80", "99999", "in", "out", "%", "\n", "\ud800", "٣", "\0"]),
    max_size=25,
).map("".join)
endpoints = st.none() | st.tuples(st.one_of(ip4, ip6, st.text(max_size=20)), st.integers(-10, 70000))
requests = st.builds(
    Request,
    action=actions | st.just("resolve") | st.text(max_size=8),
    protocol=protocols | st.just("unix") | st.text(max_size=5),
    family=st.sampled_from([0, 4, 6]),
    local=endpoints,
    remote=endpoints,
    name=st.none() | names | ip4 | ip6 | st.text(),
)


@given(st.one_of(st.text(), pieces, st.tuples(rule_texts, st.text(max_size=3)).map("".join)))
def test_the_parser_raises_only_policy_errors(text: str) -> None:
    error = None
    try:
        parse_rules(text)
    except PolicyError as caught:
        error = caught
    if error is not None:
        assert 0 <= error.position <= len(text)
        assert str(error).isprintable()
        line, caret = error.pointer().split("\n")
        assert line.isprintable()
        assert caret.strip() == "^"
        assert len(caret) <= len(line) + 1


@given(rule_texts)
def test_every_text_of_the_grammar_is_read(text: str) -> None:
    rules = parse_rules(text)
    assert [parse_rules(rule.text).addresses for rule in rules.addresses] == [(rule,) for rule in rules.addresses]
    assert [parse_rules(rule.text).names for rule in rules.names] == [(rule,) for rule in rules.names]


@given(
    rule_texts,
    st.lists(requests, max_size=5),
    st.text(max_size=10),
    st.lists(st.text(max_size=10), max_size=3),
)
def test_check_learn_and_messages_never_raise(text: str, asked: list[Request], name: str, addresses: list[str]) -> None:
    policy = NetworkPolicy.from_rules(text)
    policy.learn(name, addresses)
    for request in asked:
        assert policy.check(request) in (True, False)
        assert policy.refusal(request).isprintable()
        assert refusal_message(request).startswith("pywasix: ")
    assert policy.allowed + policy.refused == len(asked)


@given(requests)
def test_the_hint_always_allows(request: Request) -> None:
    if NetworkPolicy.deny_all().check(request):
        assert request.protocol == "unix"
        return
    flag = hint(request)
    if flag == "--net":
        assert NetworkPolicy.allow_all().check(request)
    else:
        assert NetworkPolicy.from_rules(flag.removeprefix("--net=")).check(request)


def ask(text: str, action: str, protocol: str, address: str, port: int, own: str) -> bool:
    """A fresh policy's answer about an address, with everything else the same."""
    local, remote = ((address, port), None) if action == "bind" else ((own, port), (address, port))
    return NetworkPolicy.from_rules(text).check(Request(action, protocol, 6, local=local, remote=remote))


@given(rule_texts, actions, protocols, ip4, ports)
def test_a_mapped_address_gets_what_its_ipv4_address_gets(
    text: str, action: str, protocol: str, address: str, port: int
) -> None:
    plain = ask(text, action, protocol, address, port, "0.0.0.0")
    assert ask(text, action, protocol, f"::ffff:{address}", port, "0.0.0.0") is plain
    spelled = IPv6Address(f"::ffff:{address}").exploded.upper()
    assert ask(text, action, protocol, f"{spelled}%eth0", port, "0.0.0.0") is plain


@given(rule_texts, actions, protocols, ip6, ports, st.text(max_size=8))
def test_a_scope_changes_nothing(text: str, action: str, protocol: str, address: str, port: int, scope: str) -> None:
    plain = ask(text, action, protocol, address, port, "::")
    assert ask(text, action, protocol, f"{address}%{scope}", port, "::") is plain


@given(rule_texts, st.sampled_from(["connect", "send"]), protocols, ports)
def test_a_wildcard_destination_gets_no_more_than_loopback(text: str, action: str, protocol: str, port: int) -> None:
    for wildcard, loopback in (("0.0.0.0", "127.0.0.1"), ("::ffff:0.0.0.0", "127.0.0.1"), ("::", "::1")):
        if ask(text, action, protocol, wildcard, port, wildcard):
            assert ask(text, action, protocol, loopback, port, wildcard)


@given(rule_texts, rule_texts, actions, protocols, st.one_of(ip4, ip6), ports)
def test_a_deny_rule_only_ever_takes_away(
    text: str, more: str, action: str, protocol: str, address: str, port: int
) -> None:
    denied = text + "," + more.replace(":allow=", ":deny=")
    if ask(denied, action, protocol, address, port, "::"):
        assert ask(text, action, protocol, address, port, "::")
    assert ask(f"{denied},{text}", action, protocol, address, port, "::") is ask(
        denied, action, protocol, address, port, "::"
    )


@given(st.text())
def test_names_have_one_form(text: str) -> None:
    name = normal_name(text)
    if name is not None:
        assert normal_name(name) == normal_name(name.upper() + ".") == name


@given(st.one_of(ip4, ip6))
def test_an_address_has_one_form(text: str) -> None:
    ip = read_ip(text)
    assert ip is not None
    assert read_ip(str(ip)) == ip
