"""A host descriptor that is not closed while a call uses it.

Another thread may close a file at any time. If the number were closed under a call, the host could hand it to somebody
else, and the call would reach a stranger's file: out of the sandbox. So each call says that it uses the number, and
the last one to leave closes it. Appending to a list and taking from it are single steps of the interpreter, which is
all the order that this needs: a call first says that it is there and then looks for the number, a close first takes
the number away and then looks for calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from pywasix.errors import SysError
from pywasix.host.errors import sys_error

T = TypeVar("T")


class LentFd:
    """Owns a descriptor.

    Attributes:
        fd: the number; -1 once closed, so that a call that comes later gets EBADF.
        users: one item for each call that uses it now.
    """

    __slots__ = ("_owned", "fd", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._owned = [fd]
        self.users: list[None] = []

    def do(self, work: Callable[[int], T]) -> T:
        """Make a call of the operating system. Errors: those of the host; BADF when it is closed."""
        self.users.append(None)
        try:
            return work(self.fd)
        except OSError as error:
            raise sys_error(error) from None
        finally:
            self.users.pop()
            if self.fd < 0:
                self.left()

    def left(self) -> SysError | None:
        """A call is over that found the number closed: the last one gives it back. Returns what close(2) says."""
        if self.users:
            return None
        try:
            os.close(self._owned.pop())
        except IndexError:  # another one was faster
            return None
        except OSError as error:  # what was written did not reach its disk; the number is free all the same
            return sys_error(error)
        return None

    def close(self) -> SysError | None:
        """Give the number back, or leave that to who uses it. Returns what close(2) had to say of written data."""
        self.fd = -1
        return self.left()
