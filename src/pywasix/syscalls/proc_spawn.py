"""Running programs in new processes: proc_spawn in its forms."""

from __future__ import annotations

from pywasix.abi.enums import Disposition, Option, StdioMode
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionFd, ProcessHandles, ProcSpawnFdOp, SignalDisposition
from pywasix.abi.scalars import Bool, Char, Code, In, Out, Pid, PointerSize, Size
from pywasix.errors import SysError
from pywasix.kernel.execute import Command, spawn
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.process import Process
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls.command import (
    command_of,
    directories,
    lines,
    listed,
    listed_variables,
    name_of,
    variables,
)
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, Support, syscall
from pywasix.syscalls.spawn_actions import FileActions

_MOST_SIGNALS = 64
_MODES = tuple(map(int, StdioMode))


@syscall(modules=EXTENSION)
def proc_spawn2(
    ctx: Context,
    name: In[Char],
    name_len: Size,
    args: In[Char],
    args_len: Size,
    envs: In[Char],
    envs_len: Size,
    fd_ops: In[ProcSpawnFdOp],
    fd_ops_len: Size,
    signal_dispositions: In[SignalDisposition],
    signal_dispositions_len: Size,
    search_path: Bool,
    path: In[Char],
    path_len: Size,
    ret: Out[Pid],
) -> None:
    """Run a program in a new process, after file actions in it (posix_spawn).

    ABI: WASIX since 2025-02; a line for each argument and variable, no pointer keeps the environment.
    Errors: as proc_exec3; BADF of a file action, and those of opening what one names; FAULT; INVAL; AGAIN too many
    processes.
    """
    ctx.memory.check(ret, 4)
    env = variables(ctx, envs, envs_len)
    where = directories(ctx, search_path, path, path_len)
    command = Command(name_of(ctx, name, name_len), lines(ctx, args, args_len), env, where)
    actions = FileActions(ctx, fd_ops, fd_ops_len)
    signals = _dispositions(ctx, signal_dispositions, signal_dispositions_len)
    ctx.memory.store_u32(ret, spawn(ctx.task, command, actions.apply, signals).pid)


@syscall(modules=EXTENSION)
def proc_spawn3(
    ctx: Context,
    name: In[Char],
    name_len: Size,
    args: In[PointerSize],
    args_len: Size,
    envs: In[PointerSize],
    envs_len: Size,
    fd_ops: In[ProcSpawnFdOp],
    fd_ops_len: Size,
    signal_dispositions: In[SignalDisposition],
    signal_dispositions_len: Size,
    search_path: Bool,
    path: In[Char],
    path_len: Size,
    ret_pid: Out[Pid],
) -> None:
    """Run a program in a new process, after file actions in it, with arguments that may have newlines.

    ABI: WASIX since 2026; arrays of pointers to strings. Errors: as proc_spawn2.
    """
    ctx.memory.check(ret_pid, 4)
    env = listed_variables(ctx, envs, envs_len)
    where = directories(ctx, search_path, path, path_len)
    command = Command(name_of(ctx, name, name_len), listed(ctx, args, args_len), env, where)
    actions = FileActions(ctx, fd_ops, fd_ops_len)
    signals = _dispositions(ctx, signal_dispositions, signal_dispositions_len)
    ctx.memory.store_u32(ret_pid, spawn(ctx.task, command, actions.apply, signals).pid)


@syscall(
    modules=EXTENSION,
    support=Support.PARTIAL,
    note="A new root (chroot) and pre-opened directories are NOTSUP: a child sees the files that its parent sees.",
)
def proc_spawn(
    ctx: Context,
    name: In[Char],
    name_len: Size,
    chroot: Bool,
    args: In[Char],
    args_len: Size,
    preopen: In[Char],
    preopen_len: Size,
    stdin: Code[StdioMode],
    stdout: Code[StdioMode],
    stderr: Code[StdioMode],
    working_dir: In[Char],
    working_dir_len: Size,
    ret_handles: Out[ProcessHandles],
) -> None:
    """Run a program in a new process, and give the caller ends of the pipes that it wants to its standard streams.

    ABI: WASIX of 2022; a line for each argument; "log" is standard error. Errors: as proc_exec3; INVAL no such mode;
    NOTSUP chroot; FAULT; AGAIN too many processes.
    """
    ctx.memory.check(ret_handles, ProcessHandles.SIZE)
    if chroot or preopen_len:
        raise SysError(Errno.NOTSUP, "a child sees the files that its parent sees")
    command = command_of(ctx, name_of(ctx, name, name_len), lines(ctx, args, args_len), None)
    directory = lines(ctx, working_dir, working_dir_len)
    streams = _Streams(ctx, (stdin, stdout, stderr), b"\n".join(directory))
    child = streams.started(command)
    ctx.memory.store(ret_handles, ProcessHandles(child.pid, *map(_option, streams.ends)))


class _Streams:
    """The standard streams of a process that is being started, and the caller's ends of its pipes.

    Attributes:
        ends: descriptors of the caller's, None where there is no pipe.

    Args:
        modes: of standard input, output and error. Errors: INVAL.
        directory: where it works; empty or "." is where the caller does.
    """

    def __init__(self, ctx: Context, modes: tuple[int, int, int], directory: bytes) -> None:
        if any(mode not in _MODES for mode in modes):
            raise SysError(Errno.INVAL, f"stdio modes {modes}")
        self.ends: list[int | None] = [None, None, None]
        self._ctx = ctx
        self._modes = modes
        self._directory = directory

    def started(self, command: Command) -> Process:
        """Start the process. Nothing is left open when that fails."""
        try:
            return spawn(self._ctx.task, command, self._prepare)
        except BaseException:
            for fd in self.ends:
                if fd is not None:
                    self._ctx.fds.close(fd)
            raise

    def _prepare(self, child: Process) -> None:
        for number, mode in enumerate(self._modes):
            if mode == StdioMode.PIPED:
                self._pipe(child, number)
            elif mode == StdioMode.NULL:
                file = StreamFile(self._ctx.services.new_null())
                child.fds.replace(number, Descriptor(file, file.rights, file.rights))
            elif mode == StdioMode.LOG and number == 1:
                child.fds.replace(1, child.fds.get(2).copy())
        if self._directory not in (b"", b"."):
            self._ctx.files_of(child).chdir(self._directory)

    def _pipe(self, child: Process, number: int) -> None:
        reading, writing = map(StreamFile, self._ctx.services.new_pipe())
        theirs, ours = (reading, writing) if number == 0 else (writing, reading)
        child.fds.replace(number, Descriptor(theirs, theirs.rights, theirs.rights))
        self.ends[number] = self._ctx.fds.add(Descriptor(ours, ours.rights, ours.rights, cloexec=True))


def _option(fd: int | None) -> OptionFd:
    return OptionFd(Option.NONE, 0) if fd is None else OptionFd(Option.SOME, fd)


def _dispositions(ctx: Context, pointer: int, count: int) -> dict[int, Disposition] | None:
    """What the caller wants signals to begin with; None for what it began with itself. Errors: FAULT; INVAL."""
    if not pointer:
        return None
    if count > _MOST_SIGNALS:
        raise SysError(Errno.INVAL, f"{count} signal dispositions")
    wanted: dict[int, Disposition] = {}
    for index in range(count):
        each = ctx.memory.load(SignalDisposition, pointer + SignalDisposition.SIZE * index)
        if each.disp not in (Disposition.DEFAULT, Disposition.IGNORE):
            raise SysError(Errno.INVAL, f"signal disposition {each.disp}")
        wanted[each.sig] = Disposition(each.disp)
    return wanted
