"""A WebAssembly HTTP server keeps many connections open in one thread, and each of them costs little memory.

    python examples/epoll_http.py [CONNECTIONS]

The server is a C program, tests/guests/http_epoll.c, that waits for all its connections in epoll. A second process
makes the connections (200 unless told otherwise), asks once on each and lets them stay. For 10,000 the system must
allow each process so many open files (`ulimit -Hn`).
"""

import resource
import socket
import subprocess
import sys
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "http_epoll.wasm"
REQUEST = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n"


def main(count: int) -> None:
    """Start the guest, let the other process call it, and tell what that cost."""
    allow_open_files()
    rules = "ipv4:allow=127.0.0.1:*/in"  # this computer may call
    with pywasix.start([SERVER], net=rules, stdout=pywasix.PIPE, text=True, max_fds=count + 16) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split()[-1]
        before = occupied()
        command = [sys.executable, __file__, "--call", port, str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as callers:
            assert callers.stdout is not None
            print(f"{callers.stdout.readline().strip()} of {count} connections were answered and are open")
            print(f"each takes {(occupied() - before) / count:.1f} KiB of this process")
            callers.communicate()  # its standard input ends, and so does it
        server.kill()


def call(port: int, count: int) -> None:
    """The other process: connect, ask, tell how many answers came, and stay until standard input ends."""
    allow_open_files()
    callers = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
    for caller in callers:
        caller.sendall(REQUEST)
    print(sum(caller.recv(1024).endswith(b"hello\n") for caller in callers), flush=True)
    sys.stdin.read()
    for caller in callers:
        caller.close()


def allow_open_files() -> None:
    """Raise this process's limit of open files as far as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def occupied() -> float:
    """KiB of memory that this process takes (Linux, as epoll is)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--call"]:
        call(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 200)
