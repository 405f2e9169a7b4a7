"""A server with a thread or a process for each connection: everybody is served, and nothing of it is left.

600 callers; `PYWASIX_FUZZ=nightly` makes them 10,000. 64 call at a time.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

import pywasix
from fuzz.profile import NIGHTLY
from support import PATIENCE, Wire, guest, listening_port, open_files

CALLERS, AT_ONCE = (10_000 if NIGHTLY else 600), 64
SERVERS = ("thread_server", "fork_server")
LEAK = 16 << 20  # bytes; what the interpreter keeps of its own, far below a thread's stack for each caller


def resident() -> int:
    """Bytes of memory in use (Linux; 0 elsewhere)."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


def serve_all(name: str, wire: Wire, callers: int) -> None:
    """Start the server, call it, and see it end."""
    with pywasix.start(
        [guest(name), "-n", str(callers), "0", wire.host], net=wire.net, stdout=pywasix.PIPE, text=True
    ) as server:
        port = listening_port(server)

        def call(text: bytes) -> bytes:
            with wire.connect(port) as caller:
                caller.sendall(text)
                return caller.recv(64)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert set(pool.map(call, repeat(b"hello", callers))) == {b"hello"}
        assert server.wait(PATIENCE) == 0


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Threads and descriptors are as many at the end as at the beginning."""
    threads, files = set(threading.enumerate()), open_files().keys()
    yield
    assert set(threading.enumerate()) <= threads
    assert open_files().keys() == files


@pytest.mark.parametrize("name", SERVERS)
def test_each_caller_has_its_own(name: str, wire: Wire, nothing_left: None) -> None:
    serve_all(name, wire, 100)


@pytest.mark.parametrize("name", SERVERS)
def test_memory_returns_to_the_start(name: str, nothing_left: None) -> None:
    from support import host_wire

    with host_wire("127.0.0.1") as wire:
        serve_all(name, wire, 200)  # what the interpreter and the allocator keep for ever is there afterwards
        gc.collect()
        before = resident()
        serve_all(name, wire, CALLERS)
        gc.collect()
        assert resident() - before < LEAK
