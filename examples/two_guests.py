"""Two programs talk to each other over a network in memory, in one Python script.

The server gets 10.0.0.2, the client 10.0.0.3. No port of the operating system is opened, and neither program can
reach anything else.
"""

from pathlib import Path

import pywasix

GUESTS = Path(__file__).resolve().parents[1] / "tests" / "guests"


def main() -> None:
    """Start an echo server, run a client against it, and print what both say."""
    with pywasix.VirtualNetwork() as network:
        serve = [GUESTS / "echo_server.wasm", "-n", "1", "80", "10.0.0.2"]
        with pywasix.start(serve, net=network, stdout=pywasix.PIPE, text=True) as server:
            assert server.stdout is not None
            network.wait_listening(("10.0.0.2", 80), timeout=30)
            call = [GUESTS / "tcp_client.wasm", "10.0.0.2", "80", "hello, neighbour"]
            client = pywasix.run(call, net=network, capture_output=True, text=True, timeout=30)
            print("the client printed:")
            print(client.stdout, end="")
            print("the server printed:")
            print(server.stdout.read(), end="")


if __name__ == "__main__":
    main()
