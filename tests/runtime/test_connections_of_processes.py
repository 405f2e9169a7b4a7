"""The limit of connections counts those of all processes: a child's end gives its own back."""

from __future__ import annotations

from socket import socket
from typing import Any

import pywasix
from support import PATIENCE, Wire, guest, listening_port, wait_until


def served(wire: Wire, port: int) -> bool:
    """Whether a fresh caller is answered; one beyond the limit is closed."""
    with wire.connect(port) as caller:
        return answered(caller)


def answered(caller: socket) -> bool:
    try:
        caller.sendall(b"x")
        return bool(caller.recv(1))
    except (BrokenPipeError, ConnectionResetError):
        return False


def test_children_hold_connections(wire: Wire) -> None:
    options: dict[str, Any] = {"net": wire.net, "max_connections": 2, "stdout": pywasix.PIPE, "text": True}
    with pywasix.start([guest("fork_server"), "0", wire.host], **options) as process:
        try:
            port = listening_port(process)
            with wire.connect(port) as first, wire.connect(port) as second:
                assert answered(first)
                assert answered(second)
                assert not served(wire, port)
                first.close()
                wait_until(lambda: served(wire, port))
                assert answered(second)
        finally:
            process.kill()
            process.wait(PATIENCE)
