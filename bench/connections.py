"""Memory of a server with many connections, and whether it grows with connections that come and go.

    python bench/connections.py [--idle 10000] [--sequential 100000] [--wasmer-python PATH]

Every contestant serves http_epoll. First it is asked by connections one after the other, then by connections that
stay; what its process occupies (RSS) and how many descriptors it has, before and after, tells the rest. The sockets'
own memory is the kernel's and not in it. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

from contestants import BENCH, Contestant, MissingError, Native, PlainPython, Pywasix, Server, Wasmer, compile_c

_PAGE = resource.getpagesize()
_PATIENCE = 5.0  # seconds
_WARM_UP = 2000  # connections before the first look: what is made once is made then


def main() -> int:
    """Command line; the exit status is 1 when a connection of ours went unanswered or left a descriptor."""
    options = _options()
    _raise_limit()
    contestants: list[Contestant] = [Native(), PlainPython(), Wasmer(options.wasmer_python), Pywasix()]
    answered = True
    print(
        "| | idle connections, answered | KiB each | sequential connections, answered | growth, KiB "
        "| descriptors left of both |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        compile_c(BENCH / "client.c", work / "client")
        for contestant in contestants:
            try:
                contestant.prepare(work)
                row, whole = _measure(contestant, work / "client", options.idle, options.sequential)
            except MissingError as error:
                print(f"{contestant.name} is left out: {error}", file=sys.stderr)
                continue
            print(row)
            answered = answered and (whole or not isinstance(contestant, Pywasix))
    return 0 if answered else 1


def _measure(contestant: Contestant, client: Path, idle: int, sequential: int) -> tuple[str, bool]:
    """One row of the table, and whether every connection was answered and left nothing."""
    server = Server(contestant, "http_epoll")
    try:
        server.wait_until_listening()
        _come_and_go(client, server.port, _WARM_UP)
        descriptors = _descriptors(server.pid)
        before = _resident(server.pid)
        done = _come_and_go(client, server.port, sequential)
        growth = _resident(server.pid) - before
        before = _resident(server.pid)
        stayed, occupied = _stay(client, server, idle)
        each = (occupied - before) / max(stayed, 1)
        left = _left(server.pid, descriptors)
    finally:
        server.close()
    row = f"| {contestant.name} | {stayed:,} | {each / 1024:.2f} | {done:,} | {growth / 1024:,.0f} | {left} |"
    return row, (stayed, done, left) == (idle, sequential, 0)


def _come_and_go(client: Path, port: int, count: int) -> int:
    """Connections one after the other; returns how many were answered."""
    command = [str(client), "sequential", "127.0.0.1", str(port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise MissingError(f"the client failed: {done.stderr.strip()}")
    return int(done.stdout.split()[0])


def _stay(client: Path, server: Server, count: int) -> tuple[int, int]:
    """Connections that stay: how many were answered, and what the server occupies then, in bytes."""
    command = [str(client), "idle", "127.0.0.1", str(server.port), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        occupied = _resident(server.pid)
        process.communicate()
    if not line:
        raise MissingError("the client failed")
    return int(line.split()[0]), occupied


def _left(pid: int, before: int) -> int:
    """How many descriptors a process has more than before; it has a few seconds to see that the callers are gone."""
    deadline = monotonic() + _PATIENCE
    while (left := _descriptors(pid) - before) and monotonic() < deadline:
        sleep(0.05)
    return left


def _descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def _resident(pid: int) -> int:
    """Bytes of memory that a process occupies."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _raise_limit() -> None:
    """Let this process's children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Memory per connection, and growth.")
    parser.add_argument("--idle", type=int, default=10_000, help="connections that stay (default 10,000)")
    parser.add_argument("--sequential", type=int, default=100_000, help="connections in a row (default 100,000)")
    parser.add_argument(
        "--wasmer-python", default=sys.executable, metavar="PATH", help="the interpreter that has wasmer-sdk"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
