"""What can end a system call other than success.

`SysError` is an error the guest sees as an errno. `Unwind` is never seen by the guest: it takes
the guest's stack down (exit, kill, end of a thread) and is stored on the task before it is raised.
"""

from pywasix.abi.errno import Errno


def printable(text: str) -> str:
    """A name out of a module as it may be shown: a hostile one must not steer the user's terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def quoted(name: bytes) -> str:
    """A name that a guest uses, in quotes, as it may be shown."""
    return repr(name.decode("utf-8", "replace"))


class SysError(Exception):
    """A system call fails with an errno.

    Args:
        errno: what the guest gets.
        text: what a person reads in a trace; never shown to the guest.
    """

    def __init__(self, errno: Errno, text: str = "") -> None:
        super().__init__(errno, text)
        self.errno = errno
        self.text = text

    def __str__(self) -> str:
        return f"{self.errno.name}: {self.text}" if self.text else self.errno.name


class WouldBlock(SysError):
    """AGAIN, in a form of its own: the operation may be tried again once its file is ready."""

    def __init__(self, text: str = "it would block") -> None:
        super().__init__(Errno.AGAIN, text)


class Unwind(BaseException):
    """Takes the guest's stack down. A BaseException, so that no handler swallows it by accident."""


class ProcessExit(Unwind):
    """The whole process ends with an exit code (u32)."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Killed(Unwind):
    """The whole process ends by a signal."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class ThreadEnd(Unwind):
    """Only the calling task ends: its process is over already, or it asked to leave."""


class StackUnwinding(Unwind):
    """The guest's own code saves its frames now (asyncify): every host frame on the way returns to it, without a trap.

    Attributes:
        outcome: what the interrupted call is to answer when the guest comes back into it: a number, an error, or
            None for a call that begins again.
        nested: it passes a call that did not ask for it, from which the host had called the guest.
    """

    def __init__(self, *, nested: bool = False) -> None:
        super().__init__()
        self.outcome: int | SysError | None = None
        self.nested = nested


class StackJump(Unwind):
    """The guest goes back into frames that it saved before (longjmp).

    Args:
        target: the frames.
        value: what the call that saved them returns this time.
        data: what to put back on the data stack, from the frames' stack pointer on.
    """

    def __init__(self, target: object, value: int, data: bytes = b"") -> None:
        super().__init__()
        self.target = target
        self.value = value
        self.data = data


class PywasixError(Exception):
    """A mistake of the user's that one line can explain: a bad option, a file that is no module."""


class ModuleError(PywasixError):
    """A module that cannot be loaded or linked; the text says why and how to mend it."""


class OptionError(PywasixError, ValueError):
    """An option with a value that cannot be; the text names the option and what it takes."""
