"""The memory that all processes of one program may have together."""

from __future__ import annotations

from threading import Lock

from pywasix.abi.errno import Errno
from pywasix.errors import SysError


class MemorySum:
    """What the processes of a program may take, as Linux counts with vm.overcommit_memory=2: by what each may grow to.

    `_lock` guards `taken`.

    Attributes:
        limit: bytes; None for no limit.
        taken: bytes.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.taken = 0
        self._lock = Lock()

    def take(self, size: int) -> Share:
        """Take bytes for one process. Errors: NOMEM the sum would be passed."""
        with self._lock:
            if self.limit is not None and self.taken + size > self.limit:
                raise SysError(
                    Errno.NOMEM,
                    f"a process takes {size} bytes, {self.taken} of {self.limit} are taken (--max-total-memory)",
                )
            self.taken += size
        return Share(self, size)

    def _give_back(self, share: Share) -> None:
        with self._lock:
            self.taken -= share.size
            share.size = 0


class Share:
    """What one process has taken."""

    __slots__ = ("_sum", "size")

    def __init__(self, whole: MemorySum, size: int) -> None:
        self._sum = whole
        self.size = size

    def give_back(self) -> None:
        """The memory is gone. Harmless when done before."""
        self._sum._give_back(self)
