"""See every system call of a guest, with its arguments decoded, as strace shows them."""

import socket
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "echo_server.wasm"


def show(line: str) -> None:
    """Print the calls that have to do with sockets; any callable can take the trace."""
    if " sock_" in line:
        print(line.rstrip())


def main() -> None:
    """Trace a server through one connection."""
    with pywasix.start([SERVER, "-n", "1"], net=True, stdout=pywasix.PIPE, text=True, trace=show) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[-1])
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"hello")
            caller.recv(1024)


if __name__ == "__main__":
    main()
