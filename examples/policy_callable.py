"""A Python function decides who may call a guest, and a loop shows what came of it.

The function sees each `Request`: what the program wants to do, and with whom. Here it lets the program listen, and
lets everybody in but 127.0.0.3. What it refuses is closed before the program hears of it.
"""

import socket
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "echo_server.wasm"
UNWANTED = "127.0.0.3"


def judge(request: pywasix.Request) -> bool:
    """Called in the guest's thread for every bind, connect, accept, datagram and look-up."""
    if request.action == "bind":
        return True
    return request.action == "accept" and request.remote is not None and request.remote[0] != UNWANTED


def ask(port: int, source: str) -> str:
    """Call the server from an address of the loopback; returns what it answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0)) as caller:
        try:
            caller.sendall(b"let me in")
            return caller.recv(1024).decode() or "nothing"
        except ConnectionError:
            return "nothing"


def main() -> None:
    """Run the server for two callers that are let in; a third one is not."""
    policy = pywasix.NetworkPolicy(judge)
    events = pywasix.ConnectionEvents()
    program = [SERVER, "-q", "-n", "2", "0", "127.0.0.1"]
    with pywasix.start(
        program, net=policy, stdout=pywasix.PIPE, text=True, on_connection=events, report=print
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[-1])
        for source in ("127.0.0.1", UNWANTED, "127.0.0.2"):
            print(f"{source} hears {ask(port, source)!r}")
        for event in events:  # ends with the program; `async for` works too
            match event:
                case pywasix.Accepted():
                    print(f"connection {event.number} is from {event.peer[0]}")
                case pywasix.Closed():
                    print(f"connection {event.number} brought {event.received} bytes, took {event.sent}")
                case pywasix.Refused():
                    print(f"{event.peer[0]} was refused by the {event.cause}")
    print(f"the policy allowed {policy.allowed} requests and refused {policy.refused}")


if __name__ == "__main__":
    main()
