"""exec and spawn: running another program in a process, or in a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, ThreadEnd
from pywasix.kernel.checkpoints import Checkpoints
from pywasix.kernel.local import LocalKeys

if TYPE_CHECKING:
    from pywasix.abi.enums import Disposition
    from pywasix.kernel.launch import Program
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task

DEFAULT_PATH = (b"/usr/local/bin", b"/bin", b"/usr/bin")
_MOST_BYTES = 2 << 20  # of arguments and environment together; Linux has a quarter of the stack's limit, mostly this


class Command:
    """What to run, as the caller wants it.

    Args:
        name: a path, or a name to look for.
        env: None keeps that of the process.
        path: the directories to look in; None takes the name as it is.
    Errors: TOOBIG arguments and environment are too long.
    """

    def __init__(
        self,
        name: bytes,
        args: Sequence[bytes],
        env: Sequence[bytes] | None = None,
        path: Sequence[bytes] | None = None,
    ) -> None:
        self.name = name
        self.args = list(args) or [name]
        self.env = None if env is None else list(env)
        self.path = path
        if sum(len(each) + 1 for each in (*self.args, *(self.env or ()))) > _MOST_BYTES:
            raise SysError(Errno.TOOBIG, f"arguments and environment have more than {_MOST_BYTES} bytes")

    def find(self, process: Process) -> Program:
        """The program. Errors: those of `Launcher.find`."""
        return process.kernel.launcher.find(process, self.name, self.args, self.path)


def execute(task: Task, command: Command) -> None:
    """exec: run another program in the caller's process, and end everything that runs in it now.

    Returns only when the caller ran in a parent's place (vfork) and is the parent now, which finds its way itself.
    Errors: those of `Launcher.find`. Raises: Unwind.
    """
    process = task.process
    program = command.find(process)
    if task.child is not None:
        _replace(process, program, command.env)
        back = task.child.go_away(program)
        if back is not None:
            raise back
        return
    with process.kernel.process_lock:
        if process.status is not None or process.successor is not None:
            raise ThreadEnd
        process.successor = program, command.env
    process.kernel.ending_tasks.stop(list(process.tasks))
    process.main_task.interrupt_engine()
    raise ThreadEnd


def succeed(process: Process) -> Program | None:
    """Everything that ran in a process is gone: make it ready for the program that exec wanted, if any did."""
    with process.kernel.process_lock:
        successor, process.successor = process.successor, None
    if successor is None or process.status is not None:
        return None
    program, env = successor
    _replace(process, program, env)
    task = process.main_task
    task.unwind, task.stopping, task.thread = None, False, 0
    if _is_over(process):
        task.stopping = True
    return program


def _is_over(process: Process) -> bool:
    """Whether somebody ended a process meanwhile."""
    return process.status is not None


def _replace(process: Process, program: Program, env: Sequence[bytes] | None) -> None:
    """What becomes of a process on exec (POSIX)."""
    process.args = list(program.args)
    if env is not None:
        process.env = list(env)
    process.fds.close_on_exec()
    process.signals.reset_for_exec()
    process.local_keys = LocalKeys()
    process.missing = {}
    task = process.main_task
    if task.process is process and task.child is None:
        task.locals = {}
        task.checkpoints = Checkpoints()


def spawn(
    task: Task,
    command: Command,
    prepare: Callable[[Process], None],
    dispositions: dict[int, Disposition] | None = None,
) -> Process:
    """posix_spawn: run a program in a new process, which inherits descriptors and working directory.

    Args:
        prepare: makes changes in the new process first.
    Errors: AGAIN too many processes; NOMEM; those of `prepare` and `Launcher.find`. No process is left then.
    """
    kernel = task.process.kernel
    child = kernel.fork_process(task)
    try:
        child.main_task.locals, child.main_task.checkpoints = {}, Checkpoints()
        prepare(child)
        program = command.find(child)
        _replace(child, program, command.env)
        child.signals.reset_for_exec(dispositions)
        running = program.begin(child)
        try:
            kernel.launcher.launch(child, running)
        except BaseException:
            running.close()
            raise
    except BaseException as error:
        kernel.discard(child)
        if isinstance(error, SysError) and error.errno is Errno.NOMEM:
            kernel.refused(task)
        raise
    return child
