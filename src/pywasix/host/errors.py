"""The one table from the host's errors to the guest's errnos."""

from __future__ import annotations

import errno

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, WouldBlock

# Names that differ between POSIX and the ABI; all others are the same without the E.
_RENAMED = {"E2BIG": "TOOBIG", "EWOULDBLOCK": "AGAIN", "EOPNOTSUPP": "NOTSUP", "EPFNOSUPPORT": "AFNOSUPPORT"}
# Linux errors the ABI has no name for, by what a guest can do about them.
_NEAREST = {
    "EHOSTDOWN": Errno.HOSTUNREACH,
    "ENONET": Errno.NETUNREACH,
    "ESOCKTNOSUPPORT": Errno.NOTSUP,
    "EREMOTEIO": Errno.IO,
    "ENOSR": Errno.NOBUFS,
}


def _table() -> dict[int, Errno]:
    table = {}
    for number, name in errno.errorcode.items():
        known = _NEAREST.get(name) or Errno.__members__.get(_RENAMED.get(name, name[1:]))
        if known is not None:
            table[number] = known
    return table


ERRNO_OF = _table()


def sys_error(error: OSError) -> SysError:
    """The guest's error for a host error; IO for what has no counterpart, as Linux does for drivers."""
    if isinstance(error, BlockingIOError):
        return WouldBlock(error.strerror or "")
    return SysError(ERRNO_OF.get(error.errno or 0, Errno.IO), error.strerror or str(error))
