"""Functions of Python's as programs for guests: processes of the kernel without an engine."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from traceback import print_exc
from typing import TYPE_CHECKING, Any

from pywasix.abi.enums import Signal
from pywasix.errors import Killed, ProcessExit, SysError, ThreadEnd, Unwind
from pywasix.kernel.process import ExitStatus

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task


class Command:
    """What a function gets that runs as a guest's command.

    Attributes:
        args: its name and its arguments.
        env: its environment.
        stdin, stdout, stderr: text files as in `sys`, in UTF-8; `stdin.buffer` and `stdout.buffer` move bytes.
            What ends the process, as a kill does, is raised by them as a BaseException.
        pid: its process id in the program.
    """

    def __init__(self, process: Process) -> None:
        task = process.main_task
        self.pid = process.pid
        self.args = [_text(each) for each in process.args]
        self.env = dict(_text(each).partition("=")[::2] for each in process.env)
        self.stdin = io.TextIOWrapper(io.BufferedReader(_Stream(task, 0)), "utf-8", "surrogateescape")
        self.stdout, self.stderr = (
            io.TextIOWrapper(
                io.BufferedWriter(_Stream(task, number)), "utf-8", errors, newline="", line_buffering=number == 2
            )
            for number, errors in ((1, "surrogateescape"), (2, "backslashreplace"))
        )

    def _end(self) -> None:
        """The process is over: nothing is read or written any more, also not what is left in buffers."""
        for file in (self.stdin, self.stdout, self.stderr):
            raw = file.buffer.raw
            assert isinstance(raw, _Stream)
            raw.ended = True


class PythonCommand:
    """A process that runs a function: a `kernel.launch.Running`."""

    def __init__(self, process: Process, function: Callable[[Command], object]) -> None:
        self._process = process
        self._function = function

    def run(self) -> tuple[Any, ...]:
        process = self._process
        if process.status is None:
            command = Command(process)
            try:
                process.finish(self._status(command))
            except (ThreadEnd, Killed):
                process.finish(ExitStatus())  # it has its status already
            finally:
                command._end()
        return ()

    def _status(self, command: Command) -> ExitStatus:
        """Run the function; returns how it ended. Raises: Unwind when the process was ended meanwhile."""
        code: object
        try:
            code = self._function(command)
            command.stdout.flush()
        except ProcessExit as leaving:
            return ExitStatus(code=leaving.code)
        except Unwind:
            raise
        except BrokenPipeError:
            return ExitStatus(signal=Signal.PIPE)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        except BaseException:
            print_exc(file=command.stderr)
            code = 1
        if not isinstance(code, int | None):
            command.stderr.write(f"{command.args[0]} returned {code!r}, which is no exit code\n")
            code = 1
        return ExitStatus(code=(code or 0) & 0xFFFFFFFF)

    def close(self) -> None:
        """Nothing was taken yet."""


class _Stream(io.RawIOBase):
    """A descriptor of a process as a file of Python's."""

    def __init__(self, task: Task, fd: int) -> None:
        self._task = task
        self._fd = fd
        self.ended = False

    def readable(self) -> bool:
        return self._fd == 0

    def writable(self) -> bool:
        return self._fd != 0

    def fileno(self) -> int:
        raise io.UnsupportedOperation("no descriptor of the operating system belongs to it")

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        return 0 if self.ended else self._moved(lambda: self._file().read(self._task, [memoryview(buffer).cast("B")]))

    def write(self, data: ReadableBuffer, /) -> int:
        view = memoryview(data).cast("B")
        return len(view) if self.ended else self._moved(lambda: self._file().write(self._task, [view]))

    def _file(self) -> Any:
        return self._task.process.fds.get(self._fd).file

    def _moved(self, move: Callable[[], int]) -> int:
        try:
            self._task.attend()
            return move()
        except SysError as error:
            number = getattr(errno, f"E{error.errno.name}", errno.EIO)
            raise OSError(number, error.text or error.errno.name) from None


def _text(argument: bytes) -> str:
    return argument.decode("utf-8", "surrogateescape")
