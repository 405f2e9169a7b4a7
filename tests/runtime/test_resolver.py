"""Names of a running program: the table, the embedder's resolver, the operating system's. No packet leaves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

import pywasix
from cli.command import pywasix as pywasix_command
from pywasix.abi.errno import Errno
from pywasix.cli.program import added_hosts
from pywasix.errors import OptionError, SysError
from pywasix.host import resolver as host_resolver
from pywasix.host.resolver import AskedResolver, LookupThreads, lookup
from support import PATIENCE, guest, wait_for_line

LIMIT = 0.1  # seconds
ATTEMPTS = 4  # a busy machine may be late once


def answers(*names: str, **options: Any) -> dict[str, str]:
    """What a program prints for names."""
    done = pywasix.run([guest("lookup"), *names], capture_output=True, text=True, **{"net": True, **options})
    assert (done.returncode, done.stderr) == (0, ""), done
    lines = done.stdout.splitlines()
    assert lines[0] == "blocking"
    return {name: addresses.strip() for name, addresses in (line.split(":", 1) for line in lines[1:])}


def unasked(name: str) -> list[str]:
    raise AssertionError(name)


@pytest.fixture
def gate() -> Iterator[Event]:
    """What a slow resolver waits for; opened when the test ends."""
    event = Event()
    yield event
    event.set()


# -- sources --------------------------------------------------------------------------


def test_the_table_comes_before_the_resolver() -> None:
    hosts = {"DB": "10.0.0.7", "x.test": ["::1", "127.0.0.1"]}
    told = answers("db", "x.test", "y.test", "z.test", hosts=hosts, resolver={"y.test": ["192.0.2.1"]}.get)
    assert told == {"db": "10.0.0.7", "x.test": "::1 127.0.0.1", "y.test": "192.0.2.1", "z.test": "NOENT"}


def test_the_resolver_is_in_place_of_the_networks_own_names() -> None:
    with pywasix.VirtualNetwork() as network:
        network.add_name("db", "10.0.0.9")
        assert answers("db", net=network) == {"db": "10.0.0.9"}
        assert answers("db", net=network, resolver=lambda name: "10.0.0.8") == {"db": "10.0.0.8"}
        assert answers("localhost", net=network, resolver=unasked) == {"localhost": "127.0.0.1 ::1"}


def test_guests_of_a_virtual_network_find_each_other() -> None:
    with pywasix.VirtualNetwork() as network, network.attach(name="db") as place:
        assert answers("db", "host", "example.test", net=network) == {
            "db": " ".join(place.addresses),
            "host": "10.0.0.1 fd00::1",
            "example.test": "NOENT",
        }


def test_the_table_is_judged_too() -> None:
    lines: list[str] = []
    options: dict[str, Any] = {"hosts": {"db": "10.0.0.7"}, "report": lines.append}
    assert answers("db", net="dns:allow=db:*", **options) == {"db": "10.0.0.7"}
    assert lines == []
    assert answers("db", "x.test", net=None, **options) == {"db": "ACCES", "x.test": "ACCES"}
    assert lines == ["pywasix: the network policy refused resolve of db; allow it with --net=dns:allow=db:*"]


@pytest.mark.parametrize("answer", [None, [], ()])
def test_an_unknown_name(answer: Any) -> None:
    assert answers("a.test", resolver=lambda name: answer) == {"a.test": "NOENT"}


@pytest.mark.parametrize(
    "answer", ["192.0.2.1", ["192.0.2.1"], (ip_address("192.0.2.1"),), iter(["192.0.2.1", "192.0.2.1"])]
)
def test_a_resolver_answers_in_many_forms(answer: Any) -> None:
    assert answers("a.test", resolver=lambda name: answer) == {"a.test": "192.0.2.1"}


async def asynchronous(name: str) -> list[str]:
    return [name]


def raising(kind: type[BaseException], *arguments: object) -> Callable[[str], list[str]]:
    def ask(name: str) -> list[str]:
        raise kind(*arguments)

    return ask


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (raising(ValueError, "no\nidea"), "the resolver callable failed for a.test: ValueError: no\\nidea"),
        (raising(SystemExit, 3), "the resolver callable failed for a.test: SystemExit: 3"),
        (raising(OSError, 5, "broken"), "the resolver callable failed for a.test: OSError: [Errno 5] broken"),
        (lambda name: 7, "the resolver callable failed for a.test: TypeError: 'int' object is not iterable"),
        (lambda name: ["db"], "the resolver callable failed for a.test: ValueError: 'db' does not appear to be"),
        (asynchronous, "the resolver callable failed for a.test: TypeError: it is asynchronous"),
    ],
)
def test_a_resolver_that_fails_is_told_of_once(ask: Callable[[str], Any], line: str) -> None:
    lines: list[str] = []
    told = answers("a.test", "b.test", resolver=ask, report=lines.append)
    assert told == {"a.test": "IO", "b.test": "IO"}
    assert len(lines) == 1
    assert lines[0].startswith(line)


def test_a_resolver_may_ask_the_system_and_fail() -> None:
    lines: list[str] = []
    unknown = raising(socket.gaierror, socket.EAI_NONAME, "Name or service not known")
    assert answers("a.test", resolver=unknown, report=lines.append) == {"a.test": "NOENT"}
    assert lines == []


# -- the operating system's -----------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "errno"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Errno.NOENT),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Errno.NOENT),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Errno.AGAIN),
        (socket.gaierror(socket.EAI_MEMORY, "memory"), Errno.NOMEM),
        (socket.gaierror(socket.EAI_FAIL, "broken"), Errno.IO),
        (OSError(24, "too many files"), Errno.MFILE),
    ],
)
def test_failures_of_the_system(monkeypatch: pytest.MonkeyPatch, error: OSError, errno: Errno) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: raising(type(error), *error.args)(""))
    with pytest.raises(SysError) as raised:
        lookup("a.test")
    assert raised.value.errno is errno


def test_the_order_of_the_system_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def found(name: bytes, port: None, **options: Any) -> list[Any]:
        asked.append((name, port))
        return [
            (10, 1, 6, "", ("fe80::1%eth0", 0, 0, 2)),
            (2, 1, 6, "", ("192.0.2.1", 0)),
            (2, 1, 6, "", ("192.0.2.1", 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    assert answers("Web.test") == {"Web.test": "fe80::1 192.0.2.1"}
    assert asked == [(b"web.test", None)]


# -- waiting --------------------------------------------------------------------------


def test_a_kill_ends_a_program_that_waits_for_a_name(gate: Event) -> None:
    took = []
    for _ in range(ATTEMPTS):
        asked = Event()

        def ask(name: str, asked: Event = asked) -> None:
            asked.set()
            assert gate.wait(PATIENCE)

        options: dict[str, Any] = {"net": True, "resolver": ask, "stdout": pywasix.PIPE, "text": True}
        with pywasix.start([guest("lookup"), "a.test"], **options) as process:
            wait_for_line(process, "blocking")
            assert asked.wait(PATIENCE)
            begin = monotonic()
            process.kill()
            assert process.wait(PATIENCE) == -9
            took.append(monotonic() - begin)
        if took[-1] <= LIMIT:
            return
    raise AssertionError(f"it took {took} seconds")


def test_one_program_does_not_wait_for_the_look_up_of_another(gate: Event) -> None:
    asked = Event()

    def ask(name: str) -> None:
        asked.set()
        assert gate.wait(PATIENCE)

    with pywasix.start([guest("lookup"), "a.test"], net=True, resolver=ask, stdout=pywasix.DEVNULL) as process:
        assert asked.wait(PATIENCE)
        assert answers("localhost") == {"localhost": "127.0.0.1 ::1"}
        gate.set()
        assert process.wait(PATIENCE) == 0


def test_what_has_not_begun_when_a_program_ends_never_does(monkeypatch: pytest.MonkeyPatch, gate: Event) -> None:
    monkeypatch.setattr(host_resolver, "MOST_THREADS", 1)
    threads, began = LookupThreads(), Event()

    def find() -> list[str]:
        began.set()
        assert gate.wait(PATIENCE)
        return []

    first, woken = threads.begin(find, lambda: None), Event()
    assert began.wait(PATIENCE)
    second = threads.begin(lambda: unasked("second"), woken.set)
    threads.close()
    gate.set()
    first.abandon()
    second.abandon()
    assert not second.done


def test_without_a_thread_a_look_up_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_start(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    threads = LookupThreads()
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_start)
        for _ in range(host_resolver.MOST_THREADS + 1):
            with pytest.raises(SysError, match="AGAIN"):
                threads.begin(list, lambda: None)
    woken = Event()
    done = threads.begin(lambda: ["192.0.2.1"], woken.set)
    assert woken.wait(PATIENCE)
    assert done.result() == ["192.0.2.1"]


def test_a_failure_is_told_by_one_of_many_threads() -> None:
    lines: list[str] = []
    asked = AskedResolver(raising(ValueError, "x"), lines.append)
    for _ in range(3):
        with pytest.raises(SysError, match="IO"):
            asked.lookup("a.test")
    assert len(lines) == 1


# -- options --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"resolver": 7}, "resolver is 7; it is a callable that gets a name and gives its addresses"),
        ({"hosts": ["db"]}, "--add-host (hosts) is ['db']; it is a dict of names and their addresses"),
        ({"hosts": {"a b": "::1"}}, "--add-host (hosts) has 'a b', which is no host name"),
        ({"hosts": {7: "::1"}}, "--add-host (hosts) has 7, which is no host name"),
        ({"hosts": {"127.1": "::1"}}, "--add-host (hosts) has '127.1', which is no host name"),
        ({"hosts": {"LOCALHOST.": "::1"}}, "--add-host (hosts) has 'LOCALHOST.', which is always the program's own"),
        ({"hosts": {"db": "db2"}}, "--add-host (hosts) gives 'db' an address that is none: 'db2' does not"),
        ({"hosts": {"db": [7, None]}}, "--add-host (hosts) gives 'db' an address that is none: '7' does not"),
        ({"hosts": {"db": None}}, "--add-host (hosts) gives 'db' an address that is none: 'None' does not"),
        ({"hosts": {"db": []}}, "--add-host (hosts) gives 'db' no address"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as refused:
        pywasix.start([guest("lookup")], **options)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_hosts_of_a_program_on_the_command_line() -> None:
    options = "--add-host", "db=10.0.0.7", "--add-host=db=::1", "--net=dns:allow=db:*"
    done = pywasix_command("run", *options, guest("lookup"), "db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "blocking\ndb: 10.0.0.7 ::1\n", "")


def test_hosts_on_the_command_line() -> None:
    assert added_hosts(("db=10.0.0.7", "x=::1", "db=::1")) == {"db": ["10.0.0.7", "::1"], "x": ["::1"]}
    with pytest.raises(OptionError, match="--add-host db is not NAME=ADDR"):
        added_hosts(("db",))
