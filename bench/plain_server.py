"""The servers of the measurements in plain Python, written as one would: blocking sockets, nothing clever.

python bench/plain_server.py echo_server|bench_accept|bench_bulk|http_epoll PORT
"""

from __future__ import annotations

import select
import socket
import sys

CHUNK = 65536
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"


def echo(listener: socket.socket) -> None:
    """Echo, one caller after the other."""
    data = bytearray(CHUNK)
    view = memoryview(data)
    while True:
        caller, _peer = listener.accept()
        with caller:
            while size := caller.recv_into(data):
                caller.sendall(view[:size])


def accept_and_close(listener: socket.socket) -> None:
    """Accept and close, nothing else."""
    while True:
        caller, _peer = listener.accept()
        caller.close()


def bulk(listener: socket.socket) -> None:
    """Receive or send chunks of 64 KiB; the caller's first byte says which."""
    data = bytearray(CHUNK)
    while True:
        caller, _peer = listener.accept()
        with caller:
            if caller.recv(1) == b"r":
                total = 0
                while size := caller.recv_into(data):
                    total += size
                caller.sendall(total.to_bytes(8, "little"))
                continue
            try:
                while True:
                    caller.send(data)
            except OSError:  # the caller has closed
                pass


def http(listener: socket.socket) -> None:
    """Answer HTTP requests on keep-alive connections, with epoll; every request comes whole."""
    listener.setblocking(False)
    events = select.epoll()
    events.register(listener, select.EPOLLIN)
    callers: dict[int, socket.socket] = {}
    while True:
        for fd, _event in events.poll():
            if fd == listener.fileno():
                caller, _peer = listener.accept()
                caller.setblocking(False)
                callers[caller.fileno()] = caller
                events.register(caller, select.EPOLLIN)
                continue
            try:
                request = callers[fd].recv(4096)
                if request:
                    callers[fd].send(RESPONSE * request.count(b"\r\n\r\n"))
            except ConnectionError:  # a client that breaks off
                request = b""
            if not request:
                callers.pop(fd).close()


SERVERS = {"echo_server": echo, "bench_accept": accept_and_close, "bench_bulk": bulk, "http_epoll": http}


def main() -> None:
    """Listen on the given port and serve for ever."""
    with socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=1024) as listener:
        print(f"listening on {sys.argv[2]}", flush=True)
        SERVERS[sys.argv[1]](listener)


if __name__ == "__main__":
    main()
