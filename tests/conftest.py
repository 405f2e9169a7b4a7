"""Fixtures for every test. The first one holds all of them to a promise: nothing is left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import pywasix
from support import PATIENCE, WIRES, Wire, children, guest, open_files

_GRACE = 5.0  # seconds for a thread that is on its way out; joined, not slept

# Speed belongs to the machine: under coverage and beside other work an example may take its time.
settings.register_profile("pywasix", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pywasix")

StartGuest = Callable[..., pywasix.Process]


@pytest.fixture(scope="session", autouse=True)
def _warm_engine() -> None:
    """What the engine makes once per process (its compile cache, its worker threads) is no leak."""
    done = pywasix.run([guest("hello")], capture_output=True)
    assert done.returncode == 0, done


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(_warm_engine: None) -> Iterator[None]:
    """No thread, descriptor or process of a test outlives it."""
    threads, files, processes = set(threading.enumerate()), open_files(), children()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(_GRACE)
    left_threads = [thread for thread in threading.enumerate() if thread not in threads]
    assert not left_threads, f"threads are left: {left_threads}"
    if open_files().keys() - files.keys():
        gc.collect()  # what only a cycle keeps is closed now, and warns if it should have been closed before
    left_files = {fd: target for fd, target in open_files().items() if fd not in files}
    assert not left_files, f"descriptors are left open: {left_files}"
    left_processes = children() - processes
    assert not left_processes, f"processes are left: {left_processes}"


@pytest.fixture
def start_guest() -> Iterator[StartGuest]:
    """Start a guest by name; it is killed and its pipes are closed when the test ends.

    ``start_guest("echo_server", "-q", net=True)``: further names are the guest's arguments, options are
    those of `pywasix.start`. Output goes to a text pipe, for `support.wait_for_line`.
    """
    running: list[pywasix.Process] = []

    def start(name: str, *args: str, **options: Any) -> pywasix.Process:
        chosen: dict[str, Any] = {"stdout": pywasix.PIPE, "text": True, **options}
        process = pywasix.start([guest(name), *args], **chosen)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait(PATIENCE)


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """Each network in turn: the host's and a virtual one, over IPv4 and IPv6."""
    with WIRES[request.param]() as found:
        yield found
