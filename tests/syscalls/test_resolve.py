"""Looking up names, with resolvers of the test's own: no look-up leaves this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from threading import Event

import pytest

from pywasix.abi.addresses import AddrIp
from pywasix.abi.enums import AddressFamily
from pywasix.abi.errno import Errno
from pywasix.errors import Killed, SysError, ThreadEnd
from pywasix.host.resolver import MOST_THREADS, LookupThreads
from pywasix.net.policy import NetworkPolicy, Request
from pywasix.net.resolve import Names
from pywasix.syscalls.resolve import resolve
from support import PATIENCE
from world import MEMORY, WASIX_2022, VirtualWorld, World

COUNT, NAME, ADDRESSES = 0, 64, 1024
HOSTS = {"db": ("10.0.0.7",), "both": ("10.0.0.8", "fd00::8", "10.0.0.8", "fe80::1%eth0")}
UNTOUCHED = 0xEEEEEEEE


def named(
    ask: Callable[[str], list[str]] | None = None, policy: NetworkPolicy | None = None, **options: object
) -> World:
    """A world whose names are in HOSTS, or found by `ask`."""
    return World(names=Names(LookupThreads(), HOSTS, ask or nobody), policy=policy, **options)  # type: ignore[arg-type]  # passed on


def nobody(name: str) -> list[str]:
    """A resolver that knows no name."""
    return []


def failing(errno: Errno) -> Callable[[str], list[str]]:
    def ask(name: str) -> list[str]:
        raise SysError(errno, name)

    return ask


def unasked(name: str) -> list[str]:
    raise AssertionError(f"{name} was looked up")


def arguments(world: World, name: str | bytes, room: int = 8) -> tuple[int, ...]:
    raw = name if isinstance(name, bytes) else name.encode()
    return world.put(NAME, raw), len(raw), 0, ADDRESSES, room, world.words(COUNT, UNTOUCHED)


def found(world: World, name: str | bytes, room: int = 8) -> list[str]:
    """The addresses of a name as text."""
    world.call(resolve, *arguments(world, name, room))
    return stored(world)


def stored(world: World) -> list[str]:
    texts = []
    for index in range(world.u32(COUNT)):
        entry = world.memory.load(AddrIp, ADDRESSES + AddrIp.SIZE * index)
        raw = world.memory.read(ADDRESSES + AddrIp.SIZE * index, AddrIp.SIZE)
        four = entry.tag == AddressFamily.INET4
        assert entry.tag in (AddressFamily.INET4, AddressFamily.INET6)
        assert raw[1] == 0
        texts.append(str(ip_address(raw[2 : 6 if four else 18])))
    return texts


@pytest.fixture
def static() -> Iterator[World]:
    """A world that knows HOSTS and nobody else."""
    with named() as world:
        yield world


@pytest.fixture
def slow() -> Iterator[tuple[World, Event]]:
    """A world whose resolver waits for an event."""
    answer = Event()

    def ask(name: str) -> list[str]:
        assert answer.wait(PATIENCE)
        return ["192.0.2.1"]

    with named(ask) as world:
        yield world, answer
        answer.set()


# -- answers -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "fe80::2", "::ffff:10.0.0.1", "192.0.2.77"])
def test_literal_addresses_are_answered_without_a_look_up(text: str) -> None:
    with named(unasked) as world:
        assert found(world, text) == [str(ip_address(text))]
        assert found(world, text + "%eth0") == [str(ip_address(text))] if ":" in text else True


@pytest.mark.parametrize("name", ["localhost", "LocalHost.", "db.localhost", "localhost."])
def test_localhost_is_never_looked_up(name: str) -> None:
    with named(unasked) as world:
        assert found(world, name) == ["127.0.0.1", "::1"]


def test_static_hosts_come_first() -> None:
    with named(unasked) as world:
        assert found(world, "db") == ["10.0.0.7"]
        assert found(world, "DB.") == ["10.0.0.7"]


def test_both_families_in_order_without_duplicates_or_scopes(static: World) -> None:
    assert found(static, "both") == ["10.0.0.8", "fd00::8", "fe80::1"]


def test_the_resolver_is_asked_for_the_normal_name() -> None:
    asked = []

    def ask(name: str) -> list[str]:
        asked.append(name)
        return ["192.0.2.1"]

    with named(ask) as world:
        assert found(world, "WWW.Example.test.") == ["192.0.2.1"]
        assert found(world, "bücher.example") == ["192.0.2.1"]
    assert asked == ["www.example.test", "xn--bcher-kva.example"]


def test_no_more_than_fit_are_written(static: World) -> None:
    for room in range(4):
        static.put(ADDRESSES, b"\xcc" * 100)
        assert len(found(static, "both", room)) == room
        assert static.memory.read(ADDRESSES + 18 * room, 18) == b"\xcc" * 18


def test_guests_of_2022_have_the_same_entries() -> None:
    with named(generation=WASIX_2022) as world:
        assert found(world, "both") == ["10.0.0.8", "fd00::8", "fe80::1"]


def test_a_virtual_network_asks_nobody_else() -> None:
    with VirtualWorld() as world:
        world.virtual.add_name("db", "10.0.0.9")
        assert found(world, "db") == ["10.0.0.9"]
        world.fails(Errno.NOENT, resolve, *arguments(world, "example.test"))


def test_the_operating_system_is_asked() -> None:
    with World() as world:
        assert found(world, "127.1") == ["127.0.0.1"]  # its resolver reads this as an address: no packet leaves


# -- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nobody.test", "", ".", "a..b", "x" * 64, "a b", "-" * 254, "_" * 1000, "ü" * 300])
def test_resolve_noent(static: World, name: str) -> None:
    static.fails(Errno.NOENT, resolve, *arguments(static, name))


@pytest.mark.parametrize("name", [b"\xff\xfe", b"db\0", b"\0", b"x" * 1025])
def test_resolve_inval(static: World, name: bytes) -> None:
    static.fails(Errno.INVAL, resolve, *arguments(static, name))


def test_resolve_again() -> None:
    with named(failing(Errno.AGAIN)) as world:
        world.fails(Errno.AGAIN, resolve, *arguments(world, "a.test"))


def test_resolve_io() -> None:
    with named(failing(Errno.IO)) as world:
        world.fails(Errno.IO, resolve, *arguments(world, "a.test"))


@pytest.mark.parametrize(
    ("index", "pointer"), [(0, MEMORY - 1), (0, 2**32 - 1), (3, MEMORY - 100), (3, 2**32 - 1), (5, MEMORY - 3)]
)
def test_resolve_fault(index: int, pointer: int) -> None:
    """Whatever is wrong is found before anybody is asked."""
    with named(unasked) as world:
        given = list(arguments(world, "a.test"))
        given[index] = pointer
        world.fails(Errno.FAULT, resolve, *given)


def test_a_huge_array_is_not_taken_at_its_word(static: World) -> None:
    assert found(static, "db", 2**32 - 1) == ["10.0.0.7"]
    static.fails(Errno.FAULT, resolve, NAME, 2**32 - 1, 0, ADDRESSES, 1, COUNT)


def test_without_answers_nothing_is_written(static: World) -> None:
    static.fails(Errno.NOENT, resolve, *arguments(static, "nobody.test"))
    assert static.u32(COUNT) == UNTOUCHED


# -- the policy -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["db", "localhost", "10.0.0.7", "nobody.test", "", "a b"])
def test_resolve_acces(name: str) -> None:
    with named(unasked, NetworkPolicy.deny_all()) as world:
        world.fails(Errno.ACCES, resolve, *arguments(world, name))
        assert len(world.reports) == 1


def test_the_refusal_names_the_rule() -> None:
    with named(unasked, NetworkPolicy.from_rules("dns:allow=*.example.test:*")) as world:
        world.fails(Errno.ACCES, resolve, *arguments(world, "DB"))
        assert world.reports == [
            "pywasix: the network policy refused resolve of db; allow it with --net=dns:allow=db:*"
        ]


def sends_to(policy: NetworkPolicy, host: str, port: int = 80) -> bool:
    return policy.check(Request("connect", "tcp", 4, remote=(host, port)))


def test_a_dns_rule_opens_what_was_found() -> None:
    policy = NetworkPolicy.from_rules("dns:allow={db,a.test}:80")
    with named(lambda name: ["192.0.2.5", "127.0.0.1"], policy) as world:
        assert not sends_to(policy, "192.0.2.5")
        assert found(world, "a.test") == ["192.0.2.5", "127.0.0.1"]
        assert sends_to(policy, "192.0.2.5")
        assert not sends_to(policy, "192.0.2.5", 81)
        assert not sends_to(policy, "192.0.2.6")
        assert sends_to(policy, "127.0.0.1"), "the embedder's resolver is trusted"


class Foreign:
    """A network whose names belong to somebody else."""

    own_names = False

    def lookup(self, name: str) -> list[str]:
        return ["192.0.2.5", "127.0.0.1"]

    def close(self) -> None:
        """Nothing is held."""


def test_a_foreign_name_opens_no_way_to_this_computer() -> None:
    policy = NetworkPolicy.from_rules("dns:allow={local.test,a.test}:80")
    hosts = {"local.test": ("127.0.0.2",)}
    with World(stack=Foreign(), names=Names(LookupThreads(), hosts), policy=policy) as world:  # type: ignore[arg-type]  # opens nothing
        assert found(world, "a.test") == ["192.0.2.5", "127.0.0.1"]
        assert [sends_to(policy, host) for host in ("192.0.2.5", "127.0.0.1", "127.0.0.2")] == [True, False, False]
        assert found(world, "local.test") == ["127.0.0.2"]
        assert sends_to(policy, "127.0.0.2"), "the user's own table is trusted"


def test_a_callable_sees_the_normal_name() -> None:
    seen = []

    def judge(request: Request) -> bool:
        seen.append((request.action, request.name, request.family))
        return True

    with named(policy=NetworkPolicy(judge)) as world:
        assert found(world, "DB.") == ["10.0.0.7"]
    assert seen == [("resolve", "db", 0)]


# -- waiting --------------------------------------------------------------------------


def test_a_look_up_waits_for_its_resolver(slow: tuple[World, Event]) -> None:
    world, answer = slow
    call = world.start(resolve, *arguments(world, "a.test"))
    call.await_blocked()
    answer.set()
    assert call.errno() is None
    assert stored(world) == ["192.0.2.1"]


def test_a_stopped_task_does_not_wait_for_its_resolver(slow: tuple[World, Event]) -> None:
    world, _ = slow
    call = world.start(resolve, *arguments(world, "a.test"))
    call.await_blocked()
    world.process.tasks[-1].stop()
    assert isinstance(call.result(), ThreadEnd | Killed)


def test_signal_handlers_run_and_the_look_up_goes_on() -> None:
    handled = Event()

    def ask(name: str) -> list[str]:
        world.signal()
        assert handled.wait(PATIENCE)
        return ["192.0.2.1"]

    with named(ask) as world:
        world.task.call_guest = lambda name, arguments: handled.set()
        assert found(world, "a.test") == ["192.0.2.1"]


def test_many_look_ups_take_turns() -> None:
    gate, running = Event(), []

    def ask(name: str) -> list[str]:
        running.append(name)
        assert gate.wait(PATIENCE)
        return ["192.0.2.1"]

    with named(ask) as world:
        given = arguments(world, "a.test")
        calls = [world.start(resolve, *given) for _ in range(MOST_THREADS + 4)]
        for call in calls:
            call.await_blocked()
        assert len(running) == MOST_THREADS
        world.process.tasks[-1].stop()  # one that waits for its turn
        assert isinstance(calls[-1].result(), ThreadEnd | Killed)
        gate.set()
        assert [call.errno() for call in calls[:-1]] == [None] * (MOST_THREADS + 3)
        assert len(running) == MOST_THREADS + 3
