"""A guest gives each of its callers a thread of its own, so that a slow one holds nobody up."""

import socket
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "thread_server.wasm"
RULES = "ipv4:allow=127.0.0.1:*/in"  # listen on this computer


def main() -> None:
    """Start the guest, let one caller dawdle, and serve others meanwhile."""
    with pywasix.start([SERVER, "-n", "4"], net=RULES, stdout=pywasix.PIPE, text=True) as server:
        assert server.stdout is not None
        address = "127.0.0.1", int(server.stdout.readline().removeprefix("listening on "))
        with socket.create_connection(address, 30) as slow:
            for name in ("first", "second", "third"):
                with socket.create_connection(address, 30) as quick:
                    quick.sendall(name.encode())
                    print(f"the {quick.recv(64).decode()} quick caller is served")
            slow.sendall(b"slow")
            print(f"the {slow.recv(64).decode()} caller is served at last")
        print(f"the guest says {server.stdout.read().strip()!r}")


if __name__ == "__main__":
    main()
