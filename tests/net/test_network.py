"""What a process may reach, and the one line that tells of a refusal."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostStack
from pywasix.net.address import INET4, INET6, Address, parse, wildcard
from pywasix.net.network import Network
from pywasix.net.policy import NetworkPolicy, Request


def test_addresses_read_as_people_write_them() -> None:
    assert str(parse("127.0.0.1", 80)) == "127.0.0.1:80"
    assert str(parse("::1", 80)) == "[::1]:80"
    assert wildcard(INET4) == Address(INET4, bytes(4), 0)
    assert str(wildcard(INET6)) == "[::]:0"
    with pytest.raises(ValueError, match="host"):
        parse("host", 1)


def test_without_a_policy_nothing_is_asked() -> None:
    network = Network(HostStack, None, pytest.fail)
    assert network.unrestricted
    assert network.allows("connect", "tcp", remote=parse("192.0.2.1", 1))
    network.require("bind", "tcp", local=wildcard(INET6))
    network.close()


def test_the_stack_is_made_once_and_only_when_used() -> None:
    made = []

    class Stack(HostStack):
        def __init__(self) -> None:
            made.append(self)
            self.closed = False

        def close(self) -> None:
            self.closed = True

    network = Network(Stack, None, pytest.fail)
    assert made == []
    network.stack.open(INET4, SockType.SOCKET_STREAM).close()
    assert network.stack is made[0]
    network.close()
    assert [each.closed for each in made] == [True]


def test_a_request_says_who_and_where() -> None:
    seen: list[Request] = []

    def note(request: Request) -> bool:
        seen.append(request)
        return True

    network = Network(HostStack, lambda: NetworkPolicy(note), pytest.fail)
    assert not network.unrestricted
    network.require("accept", "tcp", local=parse("::1", 80), remote=parse("::2", 5))
    network.require("bind", "udp", local=parse("127.0.0.1", 0))
    assert [(each.action, each.protocol, each.family, each.local, each.remote) for each in seen] == [
        ("accept", "tcp", 6, ("::1", 80), ("::2", 5)),
        ("bind", "udp", 4, ("127.0.0.1", 0), None),
    ]


def test_only_the_first_refusal_is_reported() -> None:
    lines: list[str] = []
    network = Network(HostStack, NetworkPolicy.deny_all, lines.append)
    for _ in range(3):
        with pytest.raises(SysError) as raised:
            network.require("connect", "tcp", remote=parse("192.0.2.1", 80))
        assert raised.value.errno is Errno.ACCES
        assert "192.0.2.1:80" in raised.value.text
    assert not network.allows("accept", "tcp")
    assert len(lines) == 1
    assert "192.0.2.1" in lines[0]
