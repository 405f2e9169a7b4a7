"""Python's way to the Unix sockets of a guest on a virtual network."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

from pywasix.host.unix_names import Name, UnixNames
from pywasix.host.virtual_socket import os_errors

_STREAM = (socket.AF_UNIX, socket.SOCK_STREAM)
_FOR_EVER = bytes(16)  # struct timeval


def connect(names: UnixNames, path: str, timeout: float | None) -> socket.socket:
    """A stream that is connected to a listener; see `VirtualHost.connect_unix`."""
    with os_errors():
        name = names.enter(os.fsencode(path))
    made = socket.socket(*_STREAM)
    try:
        # Python waits for a connect with poll(2), which a full queue of a Unix listener tells nothing; the
        # operating system's own timer does.
        made.settimeout(None)
        if timeout is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(timeout))
        made.connect(name.door)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _FOR_EVER)
        made.settimeout(timeout)
    except BlockingIOError:
        made.close()
        raise TimeoutError("timed out") from None
    except BaseException:
        made.close()
        raise
    finally:
        names.leave(name)
    return made


class UnixListener(socket.socket):
    """A listening Unix socket of Python's in the namespace of a guest; `VirtualHost.listen_unix` makes them."""

    def __init__(self, names: UnixNames, path: str, backlog: int) -> None:
        super().__init__(*_STREAM)
        self._names = names
        self._name: Name | None = None
        try:
            with os_errors():
                self._name = names.bind(self, os.fsencode(path))
            self.listen(backlog)
        except BaseException:
            self.close()
            raise

    def accept(self) -> tuple[socket.socket, str]:
        """As `socket.socket.accept`; the address is the caller's path, "" for one without a name."""
        made, found = super().accept()
        return made, os.fsdecode(self._names.path_of(found))

    def getsockname(self) -> str:
        """The path in the guest's namespace."""
        super().getsockname()  # says when it is closed
        return "" if self._name is None else os.fsdecode(self._name.path)

    def close(self) -> None:
        """Stop listening; whoever waits in `accept` gets an OSError, callers in the queue are refused."""
        name, self._name = self._name, None
        if name is not None:
            with suppress(OSError):  # the network, which another thread closed, was faster
                self.shutdown(socket.SHUT_RDWR)  # wakes threads that wait in accept
            self._names.release(name)
        super().close()


def _timeval(seconds: float) -> bytes:
    """A time limit for the operating system: the smallest is 1 µs, as 0 stands for none."""
    whole, micros = divmod(max(round(seconds * 1_000_000), 1), 1_000_000)
    return whole.to_bytes(8, sys.byteorder) + micros.to_bytes(8, sys.byteorder)  # as in `host.sockets`
