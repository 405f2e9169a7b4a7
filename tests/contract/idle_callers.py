"""Many HTTP clients in one process of their own: python idle_callers.py HOST PORT COUNT.

All connect and stay. Two rounds: each connection asks once and is answered. Prints the number of answers of each
round, and keeps the connections until standard input ends.
"""

from __future__ import annotations

import resource
import socket
import struct
import sys

REQUEST = b"GET / HTTP/1.1\r\nHost: many\r\n\r\n"
_PATIENCE = 30.0  # seconds
_AT_ONCE = struct.pack("ii", 1, 0)  # a reset: thousands of ports would else be in TIME_WAIT for a minute


def caller(host: str, port: int) -> socket.socket:
    """One connection."""
    connected = socket.create_connection((host, port), _PATIENCE)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    return connected


def ask(callers: list[socket.socket]) -> int:
    """Send one request on each; returns how many were answered."""
    for each in callers:
        each.sendall(REQUEST)
    return sum(each.recv(4096).endswith(b"\r\n\r\nhello\n") for each in callers)


def main() -> None:
    """Command line."""
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    callers = [caller(host, port) for _ in range(count)]
    for _ in range(2):
        print(ask(callers), flush=True)
    sys.stdin.read()
    for each in callers:
        each.close()


if __name__ == "__main__":
    main()
