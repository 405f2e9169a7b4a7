"""Connection events and limits as the embedder has them, with programs on both networks."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest

import pywasix
from conftest import StartGuest
from pywasix import Accepted, Closed, Connected, ConnectionEvents, Listening, OptionError, Refused
from support import PATIENCE, Wire, guest, listening_port, wait_for_line


def exchange(wire: Wire, port: int, data: bytes) -> None:
    """Send to an echo server and read the answer to its end."""
    with wire.connect(port) as caller:
        caller.sendall(data)
        caller.shutdown(socket.SHUT_WR)
        answer = b""
        while part := caller.recv(1 << 16):
            answer += part
    assert answer == data


def event(number: int) -> Listening:
    return Listening(("127.0.0.1", number), "tcp", 1)


def test_a_server_s_connections_in_a_loop(wire: Wire, start_guest: StartGuest) -> None:
    events = ConnectionEvents()
    server = start_guest("echo_server", "-n", "2", "0", wire.host, net=wire.net, on_connection=events)
    port = listening_port(server)
    for size in (5, 200_000):
        exchange(wire, port, b"x" * size)
    seen = list(events)
    assert seen[0] == Listening((wire.host, port), "tcp", server.pid)
    assert [type(each) for each in seen[1:]] == [Accepted, Closed] * 2
    closed = [each for each in seen if isinstance(each, Closed)]
    assert [(each.number, each.received, each.sent, each.reason) for each in closed] == [
        (1, 5, 5, "finished"),
        (2, 200_000, 200_000, "finished"),
    ]
    accepted = [each for each in seen if isinstance(each, Accepted)]
    assert [(each.number, each.local, each.peer) for each in accepted] == [
        (each.number, each.local, each.peer) for each in closed
    ]
    assert server.wait(PATIENCE) == 0


def test_a_client_s_connection() -> None:
    seen: list[pywasix.ConnectionEvent] = []
    with pywasix.VirtualNetwork() as network, network.listen(("10.0.0.1", 80)) as listener:
        program = [guest("tcp_client"), "10.0.0.1", "80", "question"]
        client = pywasix.start(program, net=network, stdout=pywasix.DEVNULL, on_connection=seen.append)
        with listener.accept()[0] as peer:
            assert peer.recv(100) == b"question"
            peer.sendall(b"an answer")
        assert client.wait(PATIENCE) == 0
    connected, closed = seen
    assert isinstance(connected, Connected)
    assert isinstance(closed, Closed)
    assert connected.peer == ("10.0.0.1", 80)
    assert (closed.number, closed.received, closed.sent) == (connected.number, 9, 8)


def test_an_asyncio_loop_while_the_program_runs(wire: Wire, start_guest: StartGuest) -> None:
    async def watch() -> list[str]:
        events = ConnectionEvents()
        server = start_guest("echo_server", "-q", "-n", "1", "0", wire.host, net=wire.net, on_connection=events)
        seen = []
        async for each in events:
            seen.append(type(each).__name__)
            if isinstance(each, Listening):
                assert not isinstance(each.local, str)
                await asyncio.to_thread(exchange, wire, each.local[1], b"hello")
        assert server.poll() == 0
        return seen

    assert asyncio.run(asyncio.wait_for(watch(), PATIENCE)) == ["Listening", "Accepted", "Closed"]


def test_a_reader_that_is_cancelled_loses_nothing() -> None:
    async def read() -> None:
        events = ConnectionEvents()
        reader = asyncio.create_task(anext(events))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert events._waiting == []
        thread = Thread(target=events, args=(event(1),))
        second = asyncio.create_task(anext(events))
        await asyncio.sleep(0)
        thread.start()
        assert await asyncio.wait_for(second, PATIENCE) == event(1)
        thread.join()

    asyncio.run(read())


def test_a_loop_that_was_closed_meanwhile_disturbs_nobody() -> None:
    events = ConnectionEvents()
    loop = asyncio.new_event_loop()
    reader = loop.create_task(anext(events))
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    events(event(1))
    assert next(events) == event(1)
    reader._log_destroy_pending = False  # type: ignore[attr-defined]  # it is what this test is about
    del reader


def test_what_nobody_reads_is_bounded() -> None:
    events = ConnectionEvents(limit=3)
    events.attach()
    for number in range(10):
        events(event(number))
    events.detach()
    assert list(events) == [event(7), event(8), event(9)]
    assert events.dropped == 7
    with pytest.raises(ValueError, match="at least one event is kept"):
        ConnectionEvents(limit=0)


def test_one_collector_for_several_programs() -> None:
    events = ConnectionEvents()
    programs = [pywasix.start([guest("hello")], stdout=pywasix.DEVNULL, on_connection=events) for _ in range(3)]
    assert list(events) == []
    assert [program.wait(PATIENCE) for program in programs] == [0, 0, 0]
    again = pywasix.start([guest("hello")], stdout=pywasix.DEVNULL, on_connection=events)
    assert list(events) == []
    assert again.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "options",
    [{"max_connections": -1}, {"max_connections_per_peer": "2"}, {"max_connections": True}, {"listen": ["nowhere"]}],
)
def test_a_start_that_fails_ends_the_events(options: dict[str, Any]) -> None:
    events = ConnectionEvents()
    with pywasix.VirtualNetwork("10.0.0.0/29") as network:
        for _ in range(9):  # each gives its address back
            with pytest.raises(OptionError):
                pywasix.start([guest("hello")], net=network, on_connection=events, **options)
    assert list(events) == []


def test_what_is_no_callable() -> None:
    with pytest.raises(OptionError, match="on_connection is 5; it is a callable"):
        pywasix.start([guest("hello")], on_connection=5)  # type: ignore[arg-type]  # the mistake under test


def test_a_kill_closes_what_is_open(wire: Wire, start_guest: StartGuest) -> None:
    events = ConnectionEvents()
    server = start_guest("echo_server", "0", wire.host, net=wire.net, on_connection=events)
    with wire.connect(listening_port(server)) as caller:
        caller.sendall(b"abc")
        assert caller.recv(3) == b"abc"
        server.kill()
        closed = list(events)[-1]
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.received, closed.sent) == ("exit", 3, 3)


def test_a_callable_that_fails_is_reported_once(wire: Wire, start_guest: StartGuest) -> None:
    def broken(each: pywasix.ConnectionEvent) -> None:
        raise KeyError(each.pid)

    said: list[str] = []
    server = start_guest(
        "echo_server", "-n", "1", "0", wire.host, net=wire.net, on_connection=broken, report=said.append
    )
    exchange(wire, listening_port(server), b"still works")
    assert server.wait(PATIENCE) == 0
    assert said == ["on_connection raised KeyError: 1"]


# -- limits ---------------------------------------------------------------------


def closed_at_once(caller: socket.socket) -> bool:
    """Whether the other side closes without a word."""
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
def test_many_connections_of_a_hostile_client(wire: Wire, start_guest: StartGuest, limit: str) -> None:
    """The guest never closes what it accepts, as a server that leaks its sockets."""
    events = ConnectionEvents()
    said: list[str] = []
    options: dict[str, Any] = {limit: 3, "report": said.append, "on_connection": events}
    server = start_guest("hoarder", "0", wire.host, net=wire.net, **options)
    port = listening_port(server)
    with ExitStack() as held:
        callers = [held.enter_context(wire.connect(port)) for _ in range(3)]
        for caller in callers:
            wait_for_line(server, f":{caller.getsockname()[1]}")
        for _ in range(40):
            assert closed_at_once(held.enter_context(wire.connect(port)))
        for caller in callers:
            caller.setblocking(False)
            with pytest.raises(BlockingIOError):  # nobody closed it
                caller.recv(1)
        server.kill()
    seen = list(events)
    refused = [each for each in seen if isinstance(each, Refused)]
    assert [(each.action, each.cause) for each in refused] == [("accept", "limit")] * 40
    assert len([each for each in seen if isinstance(each, Accepted)]) == 3
    assert [each.reason for each in seen if isinstance(each, Closed)] == ["exit"] * 3
    assert len(said) == 1
    assert said[0].endswith(f"as many connections are open as --{limit.replace('_', '-')} ({limit}) allows")


@pytest.mark.parametrize("own", [True, False], ids=["a socket of Python's", "an address"])
def test_limits_and_events_of_listening_sockets_that_are_handed_over(start_guest: StartGuest, own: bool) -> None:
    """No rule is needed for them, and none makes them free of limits."""
    events = ConnectionEvents()
    with ExitStack() as held:
        ours: Any = "127.0.0.1:0"
        if own:
            ours = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = start_guest(
            "preview1_server", listen=[ours], on_connection=events, max_connections=0, report=lambda line: None
        )
        assert next(events) == Listening(server.listeners[0], "tcp", server.pid)
        with socket.create_connection(server.listeners[0], PATIENCE) as caller:
            assert closed_at_once(caller)
        assert isinstance(next(events), Refused)
        server.kill()
    assert list(events) == []


def test_a_listener_on_a_virtual_network_needs_no_rule_and_is_limited() -> None:
    events = ConnectionEvents()
    with pywasix.VirtualNetwork() as network:
        options: dict[str, Any] = {"listen": ["10.0.0.2:80"], "on_connection": events, "max_connections": 0}
        with pywasix.start([guest("preview1_server")], net=network, report=lambda line: None, **options) as server:
            with network.connect(("10.0.0.2", 80), timeout=PATIENCE) as caller:
                assert closed_at_once(caller)
            server.kill()
    assert [type(each) for each in events] == [Listening, Refused]


# -- the policy -----------------------------------------------------------------


def test_the_policy_that_was_given_counts() -> None:
    policy = pywasix.NetworkPolicy(lambda request: request.action == "bind")
    with pywasix.start([guest("tcp_client"), "127.0.0.1", "9"], net=policy, **quiet()) as client:
        client.wait(PATIENCE)
    assert client.policy is policy
    assert (policy.allowed, policy.refused) == (0, 1)


@pytest.mark.parametrize("net", ["ipv4:allow=10.0.0.0/8:*/out", lambda request: False, None])
def test_counters_of_rules(net: Any) -> None:
    with pywasix.start([guest("tcp_client"), "127.0.0.1", "9"], net=net, **quiet()) as client:
        client.wait(PATIENCE)
    assert client.policy is not None
    assert (client.policy.allowed, client.policy.refused) == (0, 1)


def test_without_rules_there_is_no_policy() -> None:
    with pywasix.start([guest("hello")], net=True, stdout=pywasix.DEVNULL) as done:
        assert done.policy is None


def quiet() -> dict[str, Any]:
    """Nothing is shown."""
    return {"stdout": pywasix.DEVNULL, "stderr": pywasix.DEVNULL, "report": logging.getLogger("unheard").debug}
