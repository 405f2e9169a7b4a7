"""The call stack of a task, as far as the kernel handles it: saved by the guest's own code, and gone back into.

A call such as fork cannot look at the guest's frames. Instead the guest saves them while they return
(asyncify), and goes back into them later, any number of times, also in another instance. The engine does it;
this is what the kernel asks of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.process import Process


class SavedStack(Protocol):
    """Frames that a guest has saved: equal ones are worth the same. The data on its stack stays in its memory.

    Attributes:
        pointer: the guest's stack pointer; deeper frames have lower ones.
        size: bytes of the host's memory, about.
    """

    @property
    def pointer(self) -> int: ...
    @property
    def size(self) -> int: ...


class CallStack(Protocol):
    """The frames of one task.

    Attributes:
        moving: the guest saves its frames or goes back into them now, and must not be called.
        unwinding: it saves them.
    """

    @property
    def moving(self) -> bool: ...
    @property
    def unwinding(self) -> bool: ...

    def through(self, then: Callable[[SavedStack], int]) -> int:
        """Save the whole stack, do something with it, go back, and return what that gave.

        The first call of it raises `StackUnwinding`, which a handler lets pass. When the guest is back, it calls the
        handler again with the same arguments, and then this returns, or raises the `SysError` of `then`. So nothing
        may happen in a handler before it. `StackJump` goes back into the saved frames another time.
        Errors: NOTSUP the guest cannot save its stack here.
        """
        ...

    def pointer(self) -> int:
        """The guest's stack pointer now."""
        ...

    def data(self, saved: SavedStack) -> bytes:
        """What is on the guest's data stack now, from a saved stack's pointer up to the top."""
        ...

    def fork(self, child: Process, saved: SavedStack) -> None:
        """Start a copy of the guest for another process, in which `through` returns 0. For use in `then`.

        Errors: AGAIN the host has no more of something.
        """
        ...

    def belong_to(self, process: Process) -> None:
        """The system calls of this task are another process's from now on."""
        ...

    def passed(self, name: tuple[str, str], outcome: int | SysError | None) -> None:
        """While the guest saves its frames: it returns to an imported function that had called it."""
        ...


class _NoStack:
    """Of a task that no guest code runs in."""

    moving = unwinding = False

    def through(self, then: Callable[[SavedStack], int]) -> int:
        raise SysError(Errno.NOTSUP, "no guest code runs here")

    def pointer(self) -> int:
        return 0

    def data(self, saved: SavedStack) -> bytes:
        return b""

    def fork(self, child: Process, saved: SavedStack) -> None:
        raise SysError(Errno.NOTSUP, "no guest code runs here")

    def belong_to(self, process: Process) -> None:
        """No system calls are made here."""

    def passed(self, name: tuple[str, str], outcome: int | SysError | None) -> None:
        raise AssertionError(f"{name} was called from nowhere")


NO_STACK = _NoStack()
