"""What a wildcard destination means is settled when it is judged: no other task can make another of it."""

from __future__ import annotations

from itertools import product

import pytest

from pywasix.abi.enums import SockType
from pywasix.net.address import INET4, INET6, meant, parse
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from world import NONBLOCK, VirtualWorld, World

BINDS = {
    INET4: (None, "0.0.0.0", "127.0.0.1", "127.0.0.9"),
    INET6: (None, "::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:127.0.0.9"),
}
WANTED = {INET4: ("0.0.0.0", "127.0.0.1"), INET6: ("::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.9")}
CASES = [
    (kind, family, bind, wanted)
    for kind, family in product((SockType.SOCKET_STREAM, SockType.SOCKET_DGRAM), (INET4, INET6))
    for bind, wanted in product(BINDS[family], WANTED[family])
]


def reached(world: World, kind: SockType, family: int, bind: str | None, wanted: str, port: int) -> str:
    """Who is connected to in the end, or why not."""
    file = world.socket_file(world.socket(family, kind))
    file.set_flags(NONBLOCK if kind is SockType.SOCKET_DGRAM else 0)
    if bind is not None:
        file.bind(parse(bind, 0))
    try:
        file.connect(world.task, parse(wanted, port))
    except Exception as error:
        return str(error).partition(":")[0]
    return file.peer().host


def listen(world: World) -> int:
    """A port with listeners at every address of this computer."""
    first = world.socket_file(world.socket(INET6))
    first.bind(parse("::", 0))
    first.listen(100)
    return first.local().port


@pytest.mark.parametrize("network", [World, VirtualWorld])
def test_a_judged_socket_reaches_whom_a_free_one_reaches(network: type[World]) -> None:
    found: list[dict[object, str]] = []
    for policy in (None, NetworkPolicy.from_rules("ipv4:allow=*:*, ipv6:allow=*:*")):
        with network(policy=policy, max_fds=200) as world:
            port = listen(world)
            found.append({case: reached(world, *case, port) for case in CASES})
    assert found[0] == found[1]
    assert len(set(found[0].values())) > 4


def test_a_bind_after_the_judgement_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task binds the socket in the moment between: 0.0.0.0 would mean that address then."""
    with World(
        policy=NetworkPolicy.from_rules("ipv4:allow=127.0.0.1:*, ipv4:allow=*:*/in, ipv6:allow=*:*/in")
    ) as world:
        port = listen(world)
        file = world.socket_file(world.socket())
        require = world.network.require

        def judged(action: str, *args: object, **about: object) -> None:
            require(action, *args, **about)  # type: ignore[arg-type]  # passed on as it is
            if action == "connect":
                Socket.bind(file, parse("127.0.0.9", 0))

        monkeypatch.setattr(world.network, "require", judged)
        file.connect(world.task, parse("0.0.0.0", port))
        assert (file.local().host, file.peer().host) == ("127.0.0.9", "127.0.0.1")


@pytest.mark.parametrize(
    ("wanted", "local", "found"),
    [
        ("0.0.0.0", "0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "10.0.0.5", "10.0.0.5"),
        ("10.0.0.7", "10.0.0.5", "10.0.0.7"),
        ("::", "fd00::5", "::1"),
        ("::", "::", "::1"),
        ("::", "::ffff:10.0.0.5", "::ffff:127.0.0.1"),
        ("::ffff:0.0.0.0", "::ffff:10.0.0.5", "::ffff:10.0.0.5"),
        ("::ffff:0.0.0.0", "fd00::5", "::ffff:127.0.0.1"),
        ("fd00::7", "::", "fd00::7"),
    ],
)
def test_what_a_wildcard_means(wanted: str, local: str, found: str) -> None:
    assert meant(parse(wanted, 1), parse(local, 2)) == parse(found, 1)
