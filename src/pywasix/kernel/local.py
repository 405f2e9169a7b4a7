"""Thread-local keys, which the 2022 generation kept in the host. Today's guests keep their own."""

from __future__ import annotations

from itertools import count
from threading import Lock

from pywasix.abi.errno import Errno
from pywasix.errors import SysError


class LocalKeys:
    """The keys of one process; a task's values are in `Task.locals`. `_lock` guards `_user_data`."""

    LIMIT = 1024  # POSIX PTHREAD_KEYS_MAX of Linux

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._user_data: dict[int, int] = {}

    def create(self, user_data: int) -> int:
        """A new key; `user_data` goes to the guest's destructor. Errors: AGAIN too many keys."""
        with self._lock:
            if len(self._user_data) >= self.LIMIT:
                raise SysError(Errno.AGAIN, f"a process has at most {self.LIMIT} thread-local keys")
            key = next(self._numbers)
            self._user_data[key] = user_data
        return key

    def copy(self) -> LocalKeys:
        """The keys of a child made by fork."""
        made = LocalKeys()
        with self._lock:
            made._user_data = dict(self._user_data)
            made._numbers = count(max(self._user_data, default=0) + 1)
        return made

    def check(self, key: int) -> None:
        """Errors: INVAL unknown key."""
        if key not in self._user_data:
            raise SysError(Errno.INVAL, f"there is no thread-local key {key}")

    def user_data(self, key: int) -> int | None:
        """What goes to the destructor of a key; None for a key that is gone."""
        return self._user_data.get(key)

    def remove(self, key: int) -> int:
        """Take a key out; returns its user data. Errors: INVAL unknown key."""
        with self._lock:
            self.check(key)
            return self._user_data.pop(key)
