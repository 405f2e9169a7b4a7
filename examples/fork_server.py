"""A server that forks: a process for each connection, all of them inside of this one.

    python examples/fork_server.py

The guest is an ordinary C program: accept(), fork(), serve, _exit(). Its children are processes with descriptors of
their own, and no process of the operating system.
"""

from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "fork_server.wasm"
CALLERS = 5

with pywasix.VirtualNetwork() as network:
    place = network.attach("10.0.0.2")
    server = pywasix.start([SERVER, "-n", str(CALLERS), "80", "10.0.0.2"], net=place, stdout=pywasix.PIPE, text=True)
    assert server.stdout is not None
    print("guest:", server.stdout.readline().strip())
    callers = [network.connect(("10.0.0.2", 80), timeout=10) for _ in range(CALLERS)]
    for number, caller in reversed(list(enumerate(callers))):  # the last one is served first: nobody waits for others
        caller.sendall(f"caller {number}".encode())
        print("echo: ", caller.recv(100).decode())
    for caller in callers:
        caller.close()
    print("guest:", server.stdout.readline().strip())
    server.stdout.close()
    print("exit status:", server.wait())
