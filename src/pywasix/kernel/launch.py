"""What runs processes: the kernel keeps the books, engine and runtime do the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.process import Process


class Running(Protocol):
    """What a process runs: a guest, or a function of Python's."""

    def run(self) -> tuple[Any, ...]:
        """Run it to its end in this thread of the host, and give it back; returns the results of its entry point."""
        ...

    def close(self) -> None:
        """Give it back without running it."""
        ...


Successor = Callable[["Process"], Running]
"""Makes what a process runs next, when all of what it ran is gone. It was checked before and can hardly fail."""


class Launcher(Protocol):
    """Starts processes of one program."""

    def launch(self, process: Process, running: Running) -> None:
        """Run a process in a thread of the host of its own. Errors: AGAIN the host has none left."""
        ...


class _NoLauncher:
    """Of a kernel whose processes nobody runs."""

    def launch(self, process: Process, running: Running) -> None:
        raise SysError(Errno.NOTSUP, "processes cannot be started here")


NO_LAUNCHER = _NoLauncher()
