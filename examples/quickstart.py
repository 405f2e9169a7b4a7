"""A WebAssembly TCP server answers a client and says who called.

The server is a C program, tests/guests/echo_server.c, compiled to WebAssembly. It takes each caller with
`sock_accept_v2`, which tells the caller's address and port.
"""

import socket
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "echo_server.wasm"


def main() -> None:
    """Start the guest on a free port of the loopback and call it; it ends after one caller."""
    # Nothing is allowed by default. This rule lets the guest listen on the loopback and be called there.
    rules = "ipv4:allow=127.0.0.1:*/in"
    with pywasix.start([SERVER, "-n", "1"], net=rules, stdout=pywasix.PIPE, text=True) as server:
        assert server.stdout is not None
        announced = server.stdout.readline().strip()
        print(f"guest:  {announced}")
        with socket.create_connection(("127.0.0.1", int(announced.split()[-1]))) as caller:
            host, port = caller.getsockname()
            print(f"client: I call from {host}:{port}")
            caller.sendall(b"hello, guest")
            print(f"guest:  {server.stdout.readline().strip()} called")
            print(f"client: it answers {caller.recv(1024).decode()!r}")
    print(f"guest:  ended with status {server.returncode}")


if __name__ == "__main__":
    main()
