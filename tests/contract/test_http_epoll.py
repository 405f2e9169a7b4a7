"""An HTTP server on epoll, as users write it: what it answers, and ten thousand connections at once."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

import pywasix
from conftest import StartGuest
from contract.idle_callers import REQUEST
from support import PATIENCE, Wire, listening_port, wait_until

CALLERS = Path(__file__).with_name("idle_callers.py")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"
MANY, AT_LEAST = 10_000, 4_000  # connections; fewer where the system allows fewer files
_SPARE = 500  # files of the test's own

Call = Callable[[], socket.socket]


@pytest.fixture
def call(wire: Wire, start_guest: StartGuest) -> Iterator[Call]:
    """Connects to a server on each network in turn."""
    port = listening_port(start_guest("http_epoll", "0", wire.host, net=wire.net))
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        opened.append(wire.connect(port))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def answers(caller: socket.socket, count: int) -> bytes:
    """Receive so many answers."""
    found = b""
    while len(found) < count * len(ANSWER):
        part = caller.recv(65536)
        if not part:
            break
        found += part
    return found


def rest(caller: socket.socket) -> bytes:
    """Receive to the end."""
    found = b""
    while part := caller.recv(65536):
        found += part
    return found


def test_a_connection_is_kept(call: Call) -> None:
    caller = call()
    for _ in range(3):
        caller.sendall(REQUEST)
        assert answers(caller, 1) == ANSWER


def test_requests_in_one_piece_and_in_many(call: Call) -> None:
    caller = call()
    caller.sendall(REQUEST * 200)
    assert answers(caller, 200) == ANSWER * 200
    for at in range(len(REQUEST)):
        caller.sendall(REQUEST[at : at + 1])
    assert answers(caller, 1) == ANSWER
    caller.sendall(REQUEST + REQUEST[:9])
    assert answers(caller, 1) == ANSWER
    caller.sendall(REQUEST[9:])
    assert answers(caller, 1) == ANSWER


@pytest.mark.parametrize(
    "request_that_ends",
    [b"GET / HTTP/1.1\r\nHost: a\r\nconnection:\tClose\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"],
    ids=["close", "old"],
)
def test_the_last_request(call: Call, request_that_ends: bytes) -> None:
    caller = call()
    caller.sendall(REQUEST + request_that_ends)
    assert rest(caller) == ANSWER * 2


def test_what_is_no_request(call: Call) -> None:
    caller = call()
    caller.sendall(REQUEST + b"hello, server\r\n\r\n")
    assert rest(caller).removeprefix(ANSWER).startswith(b"HTTP/1.1 400 ")
    assert answers_a_fresh_caller(call)


def answers_a_fresh_caller(call: Call) -> bool:
    caller = call()
    caller.sendall(REQUEST)
    return answers(caller, 1) == ANSWER


def test_a_caller_that_does_not_read(call: Call) -> None:
    """Its answers wait in the server, which goes on serving others."""
    count = 60_000
    caller = call()
    sender = Thread(target=caller.sendall, args=(REQUEST * count,))
    sender.start()
    assert answers_a_fresh_caller(call)
    assert answers(caller, count) == ANSWER * count
    sender.join(PATIENCE)
    caller.sendall(REQUEST)
    assert answers(caller, 1) == ANSWER


def test_it_goes_on_when_descriptors_have_run_out(start_guest: StartGuest) -> None:
    """Callers wait in the queue until one of the others leaves."""
    port = listening_port(start_guest("http_epoll", net=True, max_fds=8))
    callers = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(6)]
    try:
        for each in callers:
            each.sendall(REQUEST)
        for each in callers:
            assert answers(each, 1) == ANSWER
            each.close()
    finally:
        for each in callers:
            each.close()


# -- very many --------------------------------------------------------------


@pytest.fixture
def count() -> Iterator[int]:
    """As many connections as one process may have files, up to `MANY`."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1] if before[1] != resource.RLIM_INFINITY else 2 * MANY
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, before[1]))
    yield min(MANY, hard - _SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def idle_callers(port: int, count: int) -> Iterator[None]:
    """Connections of another process, each answered twice; they are open inside."""
    command = [sys.executable, str(CALLERS), "127.0.0.1", str(port), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as callers:
        assert callers.stdout is not None
        assert [callers.stdout.readline() for _ in range(2)] == [f"{count}\n"] * 2
        yield
        callers.communicate(timeout=PATIENCE)
    assert callers.returncode == 0


def files() -> int:
    return len(os.listdir("/dev/fd"))


def many_server(start_guest: StartGuest, count: int) -> tuple[pywasix.Process, int]:
    assert count >= AT_LEAST, "the hard limit of open files (ulimit -Hn) is too low"
    process = start_guest("http_epoll", net=True, max_fds=count + 16)
    return process, listening_port(process)


def test_ten_thousand_idle_connections(start_guest: StartGuest, count: int) -> None:
    process, port = many_server(start_guest, count)
    before = files()
    with idle_callers(port, count):
        assert files() >= before + count
    wait_until(lambda: files() == before)
    with idle_callers(port, 10):
        assert process.poll() is None


def test_a_kill_with_ten_thousand_connections(start_guest: StartGuest, count: int) -> None:
    process, port = many_server(start_guest, count)
    before = files()
    with idle_callers(port, count):
        start = monotonic()
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        took = monotonic() - start
        assert files() < before
    assert took < 1, "what remains to be done is to close them"


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def test_connections_one_after_the_other_leave_nothing(start_guest: StartGuest) -> None:
    """A hundred times as many are `bench/connections.py`'s."""
    port = listening_port(start_guest("http_epoll", net=True))

    def visit(times: int) -> None:
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as caller:
                caller.sendall(REQUEST)
                assert answers(caller, 1) == ANSWER

    before_calls = files()
    visit(20)
    wait_until(lambda: files() == before_calls)
    before = objects()
    visit(1000)
    wait_until(lambda: files() == before_calls)
    assert objects() < before + 100
