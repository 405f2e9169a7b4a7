"""What tests share: guests by name, networks to run them on, waiting for what a guest prints."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pywasix

GUESTS = Path(__file__).resolve().parent / "guests"
ROOT = GUESTS.parents[1]
PATIENCE = 30.0  # seconds until a test that waits in vain fails; a passing one never waits for them


def guest(name: str) -> Path:
    """The committed module of a guest, such as ``"echo_server"``."""
    path = GUESTS / f"{name}.wasm"
    assert path.exists(), f"there is no guest {name}; python tests/guests/build.py {name}"
    return path


def wait_for_line(process: pywasix.Process, text: str) -> str:
    """Read standard output up to the first line with a text in it; returns that line without its end.

    The process was started with ``stdout=PIPE, text=True``. A guest that ends first fails the test.
    """
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        if text in line:
            return str(line).rstrip("\n")
        seen.append(line)
    code = process.wait(PATIENCE)
    raise AssertionError(f"{process.args} ended with {code} {process.reason} and printed {seen}, never {text!r}")


def listening_port(process: pywasix.Process) -> int:
    """The port that a guest announces as ``listening on PORT``."""
    return int(wait_for_line(process, "listening on").split()[-1])


@dataclass(frozen=True)
class Wire:
    """A network that a guest listens on and Python calls it through.

    Attributes:
        net: what `pywasix.start` takes as ``net``; one program can use it.
        host: the address the guest listens on.
    """

    net: Any
    host: str
    _connect: Callable[[tuple[str, int]], socket.socket]

    def connect(self, port: int) -> socket.socket:
        """A connected socket whose blocking calls give up after `PATIENCE`."""
        caller = self._connect((self.host, port))
        caller.settimeout(PATIENCE)
        return caller


@contextmanager
def host_wire(host: str) -> Iterator[Wire]:
    """The operating system's loopback."""
    yield Wire(True, host, lambda address: socket.create_connection(address, PATIENCE))


@contextmanager
def virtual_wire(version: int) -> Iterator[Wire]:
    """A fresh in-memory network with one place for a guest, over IPv4 or IPv6."""
    with pywasix.VirtualNetwork() as network:
        place = network.attach()
        host = next(each for each in place.addresses if (":" in each) == (version == 6))
        yield Wire(place, host, lambda address: network.connect(address, timeout=PATIENCE))


WIRES: dict[str, Callable[[], Any]] = {
    "host-ipv4": lambda: host_wire("127.0.0.1"),
    "host-ipv6": lambda: host_wire("::1"),
    "virtual-ipv4": lambda: virtual_wire(4),
    "virtual-ipv6": lambda: virtual_wire(6),
}


def open_files() -> dict[int, str]:
    """This process's descriptors and what they refer to (`/proc/self/fd`, or only the numbers elsewhere).

    Without the engine's compile cache, whose own thread opens and closes files there at times of its choice.
    """
    found = {}
    for name in os.listdir("/dev/fd"):
        try:
            os.fstat(int(name))  # the listing itself used a descriptor that is gone
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}") if os.path.isdir("/proc/self/fd") else ""
        except OSError:
            continue
    return {fd: target for fd, target in found.items() if "/wasmtime/modules" not in target}


def children() -> set[str]:
    """Process ids of this process's children, zombies included (Linux; elsewhere nobody is found)."""
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found.update(path.read_text().split())
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as a condition holds; fail when it does not in time."""
    never, step = threading.Event(), 0.001
    for _ in range(int(PATIENCE / step)):
        if condition():
            return
        never.wait(step)
    raise AssertionError("the condition never came true")
