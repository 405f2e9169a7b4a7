"""Thousands of connections through guests and through tasks: each is served once, and nothing is left."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pywasix
from contract.guest_process import Caller, GuestProcess
from pywasix.errors import Unwind
from pywasix.syscalls import fd as fd_calls
from support import PATIENCE, Wire, guest, listening_port, open_files, wait_for_line


def serve(caller: Caller, listener: int) -> list[tuple[str, int]]:
    """Accept and close until taken down; returns the peers."""
    peers = []
    try:
        while True:
            fd, peer = caller.accept(listener)
            peers.append((peer.host, peer.port))
            caller.must(fd_calls.fd_close, fd)
    except Unwind:
        return peers


def call(wire: Wire, port: int, times: int) -> list[tuple[str, int]]:
    """Connect again and again, each time until the other side has closed; returns the own addresses."""
    own = []
    for _ in range(times):
        with wire.connect(port) as caller:
            own.append(caller.getsockname()[:2])
            assert caller.recv(1) == b""
    return own


def test_three_tasks_and_three_callers(wire: Wire) -> None:
    before = open_files()
    with GuestProcess(wire.net) as server, ThreadPoolExecutor(6) as pool:
        listener, port = server.listen(wire, backlog=64)
        serving = [pool.submit(serve, server.another(), listener) for _ in range(3)]
        calling = [pool.submit(call, wire, port, 400) for _ in range(3)]
        own = [address for future in calling for address in future.result(PATIENCE)]
        server.process.terminate(9)
        peers = [peer for future in serving for peer in future.result(PATIENCE)]
    assert sorted(peers) == sorted(own)
    assert open_files() == before


def test_listeners_that_come_and_go_under_their_tasks(wire: Wire) -> None:
    """A table slot is closed and reused while tasks wait on it; nobody waits on for ever."""
    with GuestProcess(wire.net) as server, ThreadPoolExecutor(2) as pool:
        tasks = [server.another() for _ in range(2)]
        for turn in range(60):
            listener, port = server.listen(wire)
            waiting = [pool.submit(task.accept, listener) for task in tasks]
            if turn % 3:
                tasks[turn % 2].await_patience()
            if turn % 2:
                with wire.connect(port) as caller:
                    own = caller.getsockname()[:2]
                    server.main.close(listener)
                    found = [future.exception(PATIENCE) or future.result() for future in waiting]
                served = [each for each in found if isinstance(each, tuple)]
                assert len(served) <= 1
                for fd, peer in served:
                    assert (peer.host, peer.port) == own
                    server.main.close(fd)
            else:
                server.main.close(listener)
                assert all("BADF" in str(future.exception(PATIENCE)) for future in waiting)
            assert len(server.process.fds) == 0


def test_a_guest_serves_two_thousand_callers_and_closes_them(wire: Wire) -> None:
    before = open_files()
    count = 2000
    options: dict[str, Any] = {"net": wire.net, "stdout": pywasix.PIPE, "text": True}
    with pywasix.start([guest("echo_server"), "-n", str(count), "0", wire.host], **options) as server:
        port = listening_port(server)
        during = len(open_files())
        for _ in range(count):
            with wire.connect(port) as caller:
                caller.sendall(b"ping")
                assert caller.recv(4) == b"ping"
                shown = wait_for_line(server, ":")
                assert int(shown.rpartition(":")[2]) == caller.getsockname()[1]
        assert server.wait(PATIENCE) == 0
        assert len(open_files()) <= during
    assert open_files() == before


def test_many_idle_connections_at_once(wire: Wire) -> None:
    """They cost descriptors and no thread; all of them are given back when the guest is killed."""
    before = open_files()
    with GuestProcess(wire.net) as server, ExitStack() as stack:
        listener, port = server.listen(wire, backlog=512)
        callers = [stack.enter_context(wire.connect(port)) for _ in range(500)]
        peers = [server.main.accept(listener)[1].port for _ in callers]
        assert peers == [caller.getsockname()[1] for caller in callers]
        assert len(server.process.fds) == 501
        server.process.fds.close_all()
        for caller in callers:
            assert ended(caller)
    assert open_files() == before


def ended(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


def test_guests_that_are_killed_among_callers(wire: Wire) -> None:
    """Only on the host's network may programs follow each other at one address of the test's choice."""
    before = open_files()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10 if wire.net is True else 1):
            options: dict[str, Any] = {"net": wire.net, "stdout": pywasix.PIPE, "text": True}
            with pywasix.start([guest("echo_server"), "-q", "0", wire.host], **options) as server:
                port = listening_port(server)
                talking = [pool.submit(talk, wire, port) for _ in range(2)]
                with wire.connect(port) as caller:
                    caller.sendall(b"x")
                    server.kill()
                    assert server.wait(PATIENCE) == -9
                for future in talking:
                    future.result(PATIENCE)
    assert open_files() == before


def talk(wire: Wire, port: int) -> None:
    """Say something until nobody is there any more."""
    try:
        while True:
            with wire.connect(port) as caller:
                caller.sendall(b"hello")
                if not caller.recv(5):
                    return
    except OSError:
        return
