"""Python talks to a guest's listener without a port of the operating system.

A `VirtualNetwork` lives in memory. Each program gets an address of its own on it, Python is 10.0.0.1. Nothing
outside of this process can reach it, and tests that run side by side never fight over a port.
"""

from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "echo_server.wasm"
ADDRESS = ("10.0.0.2", 80)


def main() -> None:
    """Start the guest on a network in memory and call it from Python."""
    with pywasix.VirtualNetwork() as network:
        program = [SERVER, "-n", "1", str(ADDRESS[1]), ADDRESS[0]]
        with pywasix.start(program, net=network, stdout=pywasix.PIPE, text=True) as server:
            assert server.stdout is not None
            network.wait_listening(ADDRESS, timeout=30)
            with network.connect(ADDRESS) as caller:
                print(f"Python {caller.getsockname()} calls the guest {caller.getpeername()}")
                caller.sendall(b"no port was opened")
                print(f"the guest answers {caller.recv(1024).decode()!r}")
            print("the guest printed:")
            print(server.stdout.read(), end="")


if __name__ == "__main__":
    main()
