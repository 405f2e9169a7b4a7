"""Running another program in the caller's process: proc_exec in its forms."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.abi.errno import Errno
from pywasix.abi.scalars import Bool, Char, In, PointerSize, Size
from pywasix.errors import ProcessExit, SysError, ThreadEnd
from pywasix.kernel.execute import Command, execute
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
from pywasix.syscalls.row import EXTENSION, syscall

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # POSIX sh


@syscall(modules=EXTENSION, result="noreturn")
def proc_exec(ctx: Context, name: In[Char], name_len: Size, args: In[Char], args_len: Size) -> None:
    """Run another program in this process; if it cannot be run, end with 127 or 126, as a shell says so.

    ABI: WASIX since 2022-10; a line for each argument. A name without "/" is looked for in the default path.
    Errors: none, it does not return.
    """
    _execute_or_end(ctx, lambda: command_of(ctx, name_of(ctx, name, name_len), lines(ctx, args, args_len), None))


@syscall(modules=EXTENSION, result="noreturn")
def proc_exec2(
    ctx: Context, name: In[Char], name_len: Size, args: In[Char], args_len: Size, envs: In[Char], envs_len: Size
) -> None:
    """Run another program in this process, with another environment.

    ABI: WASIX; a line for each argument and variable. Errors: none, as proc_exec.
    """

    def command() -> Command:
        env = variables(ctx, envs, envs_len)
        return command_of(ctx, name_of(ctx, name, name_len), lines(ctx, args, args_len), env)

    _execute_or_end(ctx, command)


@syscall(modules=EXTENSION)
def proc_exec3(
    ctx: Context,
    name: In[Char],
    name_len: Size,
    args: In[Char],
    args_len: Size,
    envs: In[Char],
    envs_len: Size,
    search_path: Bool,
    path: In[Char],
    path_len: Size,
) -> None:
    """Run another program in this process. It returns to the parent of a child made by proc_fork_env.

    ABI: WASIX since 2025-02; a line for each argument and variable; the environment replaces the old one, no pointer
    keeps it. Errors: NOENT; ACCES; NOTDIR; LOOP; NAMETOOLONG; NOEXEC no program; TOOBIG; INVAL; FAULT.
    """
    env = variables(ctx, envs, envs_len)
    where = directories(ctx, search_path, path, path_len)
    execute(ctx.task, Command(name_of(ctx, name, name_len), lines(ctx, args, args_len), env, where))


@syscall(modules=EXTENSION, name="proc_exec3")
def proc_exec3_first(
    ctx: Context, name: In[Char], name_len: Size, args: In[Char], args_len: Size, envs: In[Char], envs_len: Size
) -> None:
    """Run another program in this process: proc_exec3 before it could search.

    ABI: WASIX, for a short time. Errors: as proc_exec3.
    """
    env = variables(ctx, envs, envs_len)
    execute(ctx.task, command_of(ctx, name_of(ctx, name, name_len), lines(ctx, args, args_len), env))


@syscall(modules=EXTENSION)
def proc_exec4(
    ctx: Context,
    name: In[Char],
    name_len: Size,
    args: In[PointerSize],
    args_len: Size,
    envs: In[PointerSize],
    envs_len: Size,
    search_path: Bool,
    path: In[Char],
    path_len: Size,
) -> None:
    """Run another program in this process, with arguments that may have newlines.

    ABI: WASIX since 2026; arrays of pointers to strings. Errors: as proc_exec3.
    """
    env = listed_variables(ctx, envs, envs_len)
    where = directories(ctx, search_path, path, path_len)
    execute(ctx.task, Command(name_of(ctx, name, name_len), listed(ctx, args, args_len), env, where))


def _execute_or_end(ctx: Context, command: Callable[[], Command]) -> None:
    """Exec for a caller that cannot be told of a failure, nor go on after it."""
    try:
        execute(ctx.task, command())
    except SysError as error:
        ctx.process.complain(f"a program cannot be run: {error.text or error.errno.name}")
        raise ProcessExit(_NOT_FOUND if error.errno is Errno.NOENT else _NOT_EXECUTABLE) from None
    ctx.process.abort("proc_exec cannot return to the parent of a child made by proc_fork_env; proc_exec3 can")
    raise ThreadEnd
