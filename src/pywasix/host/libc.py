"""Calls of the C library that Python does not offer."""

from __future__ import annotations

import ctypes

_connect = ctypes.CDLL(None).connect
_connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_connect.restype = ctypes.c_int
_NO_ADDRESS = bytes(16)  # struct sockaddr of the family AF_UNSPEC, which is 0 everywhere


def disconnect(fd: int) -> None:
    """Dissolve what connect(2) made or began: POSIX's connect to an address of the family AF_UNSPEC.

    On Linux the socket may then be bound, listen or connect again; a peer that knew of it is told by a reset.
    Where a system cannot do that, nothing happens.
    """
    _connect(fd, _NO_ADDRESS, len(_NO_ADDRESS))
