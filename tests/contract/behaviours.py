"""The programs that tell how sockets behave, what each prints where, and where they may differ from Linux."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import pywasix
from support import PATIENCE, guest

PROGRAMS = {
    "behaviours_connect": "TCP: binding, listening, accepting, connecting",
    "behaviours_tcp": "TCP: receiving, sending, finishing, breaking off",
    "behaviours_udp": "UDP and multicast groups",
    "behaviours_unix": "Unix sockets and pairs",
    "behaviours_epoll": "epoll",
    "behaviours_options": "Socket options",
    "behaviours_files": "poll, duplicates, sendfile, pipes, event counters, names",
}
ADDRESSES = ("127.0.0.1", "::1")


class Deviation(NamedTuple):
    """What a guest is told where Linux says something else, and why that is right."""

    answer: str
    reason: str


_PAIR = (
    "An end of a pair of Unix sockets stands for the socket, and is neither readable nor hung up: "
    "it is told of when it can be written."
)

HOST_DEVIATIONS: dict[str, Deviation] = {}
"""Over the host's network nothing differs."""

VIRTUAL_DEVIATIONS: dict[str, Deviation] = {
    "epoll: a fresh socket, for reading alone": Deviation("nothing", _PAIR),
    "epoll: a refused connect, for reading alone": Deviation("nothing", _PAIR),
}
"""Over a virtual network, beside those of the host's network."""


def behaviours(output: str) -> dict[str, str]:
    """Name and result of each line. No name may come twice."""
    found: dict[str, str] = {}
    for line in output.splitlines():
        name, _, result = line.rpartition(": ")
        assert name, line
        assert name not in found, f"two behaviours are called {name!r}"
        found[name] = result
    return found


@contextmanager
def _file() -> Iterator[IO[bytes]]:
    """Standard input of the programs: a regular file."""
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789\n")
        file.seek(0)
        yield file


def of_linux(command: str, ip: str) -> dict[str, str]:
    """What a native build prints."""
    with _file() as file:
        done = subprocess.run(
            [command, ip], stdin=file, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    return behaviours(done.stdout)


def of_guest(program: str, ip: str, net: Any) -> dict[str, str]:
    """What the guest prints over a network."""
    with _file() as file:
        done = pywasix.run(
            [guest(program), ip], net=net, stdin=file, capture_output=True, text=True, timeout=2 * PATIENCE
        )
    assert (done.returncode, done.stderr) == (0, "")
    return behaviours(done.stdout)


def of_virtual_guest(program: str, ip: str) -> dict[str, str]:
    """What the guest prints over a virtual network's loopback."""
    with pywasix.VirtualNetwork() as network:
        return of_guest(program, ip, network)
