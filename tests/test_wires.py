"""The networks of the `wire` fixture: on each of them a guest is called and says who called."""

from __future__ import annotations

from collections.abc import Callable

import pywasix
from support import Wire, listening_port, wait_for_line


def test_a_guest_says_who_called(start_guest: Callable[..., pywasix.Process], wire: Wire) -> None:
    server = start_guest("echo_server", "0", wire.host, net=wire.net)
    with wire.connect(listening_port(server)) as caller:
        host, port = caller.getsockname()[:2]
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        assert wait_for_line(server, str(port)) == shown
        caller.sendall(b"over the wire")
        assert caller.recv(1024) == b"over the wire"
