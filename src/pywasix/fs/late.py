"""The files of a program that was given none: "/" with its /dev, made when somebody looks.

Every WASIX program has a "/", and most of those that were given no files never ask for it. Nothing here imports what
making it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.fs.directory import DirectoryFile

if TYPE_CHECKING:
    from pywasix.fs.files import GuestFiles
    from pywasix.fs.walk import Start


class LateFiles:
    """`kernel.process.ProcessFiles` that are made when they are asked for. `_lock` guards `_made`.

    Args:
        random: makes so many random bytes, for /dev/urandom.
    """

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._lock = Lock()
        self._random = random
        self._made: GuestFiles | None = None

    def real(self) -> GuestFiles:
        """The files themselves."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> GuestFiles:
        from pywasix.fs.devices import devices
        from pywasix.fs.files import GuestFiles
        from pywasix.fs.mounts import Namespace

        namespace = Namespace()
        namespace.mount([b"dev"], devices(self._random))
        return GuestFiles(namespace)

    @property
    def has_moved(self) -> bool:
        return self._made is not None and self._made.has_moved

    def root(self) -> DirectoryFile:
        """An open "/"."""
        return DirectoryFile(self._start)

    def _start(self) -> Start:
        from pywasix.fs.walk import Start

        root = self.real().namespace.root
        return Start(root, (), root)

    def copy(self) -> GuestFiles:
        return self.real().copy()

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()
