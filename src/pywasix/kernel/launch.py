"""What runs processes: the kernel keeps the books, engine and runtime do the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

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


class Program(NamedTuple):
    """A program that was found and can be run.

    Attributes:
        args: those that it gets; a script's interpreter gets others than the script.
        begin: makes a process run it. It was checked before and can hardly fail.
    """

    args: list[bytes]
    begin: Callable[[Process], Running]


class Launcher(Protocol):
    """Finds programs and starts processes of one program of the user's."""

    def find(self, process: Process, name: bytes, args: Sequence[bytes], path: Sequence[bytes] | None) -> Program:
        """Look a program up, as a process sees the files.

        Args:
            path: the directories to look in when the name has no "/"; None takes the name as it is.
        Errors: as execve(2): NOENT; ACCES; NOTDIR; LOOP; NAMETOOLONG; NOEXEC no program; NOMEM; MFILE, NFILE of
            the host.
        """
        ...

    def launch(self, process: Process, running: Running) -> None:
        """Run a process in a thread of the host of its own. Errors: AGAIN the host has none left."""
        ...


class _NoLauncher:
    """Of a kernel whose processes nobody runs."""

    def find(self, process: Process, name: bytes, args: Sequence[bytes], path: Sequence[bytes] | None) -> Program:
        raise SysError(Errno.NOENT, "there are no programs here")

    def launch(self, process: Process, running: Running) -> None:
        raise SysError(Errno.NOTSUP, "processes cannot be started here")


NO_LAUNCHER = _NoLauncher()
