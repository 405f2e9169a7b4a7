"""Whole guests of other generations: big-endian ports of 2022, and preview1 servers that find a listener open."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import pywasix
from conftest import StartGuest
from pywasix.engine.module import load
from support import PATIENCE, guest, listening_port, wait_for_line


@contextmanager
def caller_of(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as caller:
        yield caller


def swapped(port: int) -> int:
    """The port that a guest of the other byte order reads."""
    return int.from_bytes(port.to_bytes(2, "little"), "big")


def answer(caller: socket.socket) -> bytes:
    """All that the other side sends."""
    with caller.makefile("rb") as stream:
        return stream.read()


def test_a_guest_of_2022_reads_and_writes_big_endian_ports(start_guest: StartGuest) -> None:
    assert load(guest("listener_2022")).generation.big_endian_ports
    server = start_guest("listener_2022", net=True)
    with caller_of(listening_port(server)) as caller:
        assert wait_for_line(server, "peer") == f"peer 127.0.0.1:{caller.getsockname()[1]}"
        assert answer(caller) == b"hello\n"
    assert server.wait(PATIENCE) == 0  # 2 would tell of a byte beyond the 20


@pytest.mark.parametrize("order", ["big", "little"])
def test_port_order_overrides(start_guest: StartGuest, order: str) -> None:
    server = start_guest("listener_2022", net=True, port_order=order)
    reads = swapped if order == "little" else int
    with caller_of(reads(listening_port(server))) as caller:
        peer = wait_for_line(server, "peer 127.0.0.1:")
        assert reads(int(peer.rpartition(":")[2])) == caller.getsockname()[1]
    assert server.wait(PATIENCE) == 0


def test_port_order_of_a_modern_guest(start_guest: StartGuest) -> None:
    """What the option does is not bound to a generation: this guest now writes what it should not."""
    server = start_guest("echo_server", "-n", "1", net=True, port_order="big")
    with caller_of(swapped(listening_port(server))) as caller:
        shown = wait_for_line(server, "127.0.0.1:")
        assert swapped(int(shown.rpartition(":")[2])) == caller.getsockname()[1]
    assert server.wait(PATIENCE) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_preview1_server_accepts_from_a_listener_given(start_guest: StartGuest, host: str) -> None:
    server = start_guest("preview1_server", "3", "2", listen=[(host, 0)])
    assert server.listeners[0][0] == host
    for text in (b"first", b"second"):
        with socket.create_connection(server.listeners[0], PATIENCE) as caller:
            caller.sendall(text)
            caller.shutdown(socket.SHUT_WR)
            assert answer(caller) == text
    assert server.wait(PATIENCE) == 0


def test_listeners_stand_in_order_from_3_on(start_guest: StartGuest) -> None:
    servers = ["127.0.0.1:0", ("127.0.0.1", 0), "[::1]:0"]
    for index in range(len(servers)):
        server = start_guest("preview1_server", str(3 + index), "1", listen=servers)
        assert [host for host, _ in server.listeners] == ["127.0.0.1", "127.0.0.1", "::1"]
        with socket.create_connection(server.listeners[index], PATIENCE) as caller:
            caller.sendall(b"x")
            caller.shutdown(socket.SHUT_WR)
            assert answer(caller) == b"x"
        assert server.wait(PATIENCE) == 0


def test_a_listening_socket_of_python_is_handed_over(start_guest: StartGuest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        server = start_guest("preview1_server", "3", "1", listen=[ours])
        assert server.listeners == [ours.getsockname()]
        with socket.create_connection(ours.getsockname(), PATIENCE) as caller:
            caller.sendall(b"x")
            caller.shutdown(socket.SHUT_WR)
            assert answer(caller) == b"x"
        assert server.wait(PATIENCE) == 0
        # The guest's copy is gone, ours still listens.
        with caller_of(ours.getsockname()[1]), ours.accept()[0]:
            pass


def test_rules_judge_who_may_call_a_listener_given(start_guest: StartGuest) -> None:
    said: list[str] = []
    net = "ipv4:allow=127.0.0.2:*/in"
    server = start_guest("preview1_server", "3", "1", listen=["127.0.0.1:0"], net=net, report=said.append)
    with caller_of(server.listeners[0][1]) as forbidden:
        assert answer(forbidden) == b""
    with socket.create_connection(server.listeners[0], PATIENCE, ("127.0.0.2", 0)) as allowed:
        allowed.sendall(b"x")
        allowed.shutdown(socket.SHUT_WR)
        assert answer(allowed) == b"x"
    assert server.wait(PATIENCE) == 0
    assert len(said) == 1
    assert "--net=ipv4:allow=127.0.0.1" in said[0]


def test_a_preview1_server_on_a_virtual_network(start_guest: StartGuest) -> None:
    with pywasix.VirtualNetwork() as network:
        server = start_guest("preview1_server", "3", "1", net=network, listen=["0.0.0.0:80"])
        assert server.listeners == [("0.0.0.0", 80)]
        with network.connect(("10.0.0.2", 80), timeout=PATIENCE) as caller:
            caller.sendall(b"virtual")
            caller.shutdown(socket.SHUT_WR)
            assert answer(caller) == b"virtual"
        assert server.wait(PATIENCE) == 0


def test_a_preview1_server_without_a_listener_gets_badf(start_guest: StartGuest) -> None:
    server = start_guest("preview1_server", "3", "1", stderr=pywasix.PIPE)
    _, error = server.communicate(timeout=PATIENCE)
    assert server.returncode == 1
    assert "Bad file descriptor" in error
