"""Processes: who I am, and leaving."""

from __future__ import annotations

from pywasix.abi.errno import Errno
from pywasix.abi.scalars import ExitCode, Out, Pid
from pywasix.errors import ProcessExit, SysError
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, syscall


@syscall(modules=BASE, result="noreturn")
def proc_exit(ctx: Context, rval: ExitCode) -> None:
    """End the process with an exit code, from any thread.

    ABI: preview1. Errors: none, it does not return.
    """
    raise ProcessExit(rval)


@syscall(modules=EXTENSION, result="void")
def proc_exit2(ctx: Context, rval: ExitCode) -> None:
    """End the process; it would return only in a child made by proc_fork_env.

    ABI: WASIX since 2025-12. Errors: none.
    """
    raise ProcessExit(rval)


@syscall(modules=EXTENSION)
def proc_id(ctx: Context, ret_pid: Out[Pid]) -> None:
    """Tell the caller's process id: the kernel's own number, no OS process has it.

    ABI: WASIX. Errors: FAULT.
    """
    ctx.memory.store_u32(ret_pid, ctx.process.pid)


@syscall(modules=EXTENSION)
def proc_parent(ctx: Context, pid: Pid, ret_parent: Out[Pid]) -> None:
    """Tell the parent of a process; 0 for a program that was not started by a guest.

    ABI: WASIX. Errors: SRCH no such process; FAULT.
    """
    process = ctx.kernel.process(pid)
    if process is None:
        raise SysError(Errno.SRCH, f"there is no process {pid}")
    ctx.memory.store_u32(ret_parent, process.parent)


@syscall(modules=BASE)
def sched_yield(ctx: Context) -> None:
    """Let other threads run.

    ABI: preview1. Errors: none.
    """
    ctx.services.yield_now()
