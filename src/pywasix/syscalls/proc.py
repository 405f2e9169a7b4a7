"""Processes: who I am, and leaving."""

from __future__ import annotations

from pywasix.abi.enums import JoinFlags, Option
from pywasix.abi.errno import Errno
from pywasix.abi.records import JoinStatus, OptionPid
from pywasix.abi.scalars import Bool, ExitCode, Flags, InOut, Out, Pid
from pywasix.errors import ProcessExit, SysError
from pywasix.kernel import children, fork
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import join_status, wait_status
from pywasix.syscalls.row import BASE, EXTENSION, syscall

_ANY = 0xFFFFFFFF


@syscall(modules=BASE, result="noreturn")
def proc_exit(ctx: Context, rval: ExitCode) -> None:
    """End the process with an exit code, from any thread.

    ABI: preview1. Errors: none, it does not return.
    """
    raise ProcessExit(rval)


@syscall(modules=EXTENSION, result="void")
def proc_exit2(ctx: Context, rval: ExitCode) -> None:
    """End the process. It returns to the parent of a child made by proc_fork_env.

    ABI: WASIX since 2025-12. Errors: none.
    """
    child = ctx.task.child
    if child is None or not child.returns:
        raise ProcessExit(rval)
    child.exited(rval)


@syscall(modules=EXTENSION)
def proc_fork_env(ctx: Context, child_pid_ptr: Out[Pid]) -> None:
    """Make a child that runs in the caller's place; both find the child's pid in `child_pid_ptr`.

    ABI: WASIX since 2025-12, for guests without asyncify: libc's vfork() is setjmp and this. The child has descriptors
    and a working directory of its own until proc_exec3, proc_exec4 or proc_exit2 return, to the parent.
    Errors: FAULT; AGAIN too many processes.
    """
    ctx.memory.check(child_pid_ptr, 4)
    ctx.memory.store_u32(child_pid_ptr, fork.environment(ctx.task))


@syscall(modules=EXTENSION)
def proc_fork(ctx: Context, copy_memory: Bool, pid_ptr: Out[Pid]) -> None:
    """Make a copy of the process, which goes on here with 0 in `pid_ptr`; the parent gets the child's pid.

    ABI: WASIX; the guest needs asyncify. Only the calling thread goes on in the child. Without `copy_memory` (vfork)
    the child runs in the parent's place until it runs another program or ends; not if that program handles signals
    and has a terminal, because its child would lose the handlers for both.
    Errors: FAULT; INVAL no bool; AGAIN too many processes; NOMEM; NOTSUP built without asyncify, or in a destructor,
    or in a handler that interrupts computing.
    """
    ctx.memory.check(pid_ptr, 4)
    if copy_memory > 1:
        raise SysError(Errno.INVAL, f"copy_memory is {copy_memory}, not 0 or 1")
    # libc keeps in the guest's memory who handles which signal. A shell's child sets that back, and Ctrl-C would
    # end the shell from then on.
    copied = copy_memory or (ctx.kernel.terminal is not None and ctx.process.signals.handler is not None)
    then = fork.copied(ctx.task) if copied else fork.shared(ctx.task)
    ctx.memory.store_u32(pid_ptr, ctx.task.stack.through(then))


@syscall(modules=EXTENSION, name="proc_fork")
def proc_fork_2022(ctx: Context, pid_ptr: Out[Pid]) -> None:
    """Make a copy of the process: proc_fork that copies, before it could do without.

    ABI: WASIX before 2022-09. Errors: as proc_fork.
    """
    proc_fork(ctx, 1, pid_ptr)


@syscall(modules=EXTENSION)
def proc_join(ctx: Context, pid: InOut[OptionPid], flags: Flags[JoinFlags], status_ptr: Out[JoinStatus]) -> None:
    """Wait for the end of a child, a certain one or any; without waiting, one that still runs is told as pid 0.

    ABI: WASIX since 2023-03; libc makes waitpid() of it. With WAKE_STOPPED (WUNTRACED) a child that a signal has
    stopped is told too, once; there is no flag for one that goes on (WCONTINUED).
    Errors: FAULT; INVAL the pid is no option; CHILD no such child; INTR a signal handler ran.
    """
    ctx.memory.check(pid, OptionPid.SIZE)
    ctx.memory.check(status_ptr, JoinStatus.SIZE)
    wanted = ctx.memory.load(OptionPid, pid)
    if wanted.tag not in (Option.NONE, Option.SOME):
        raise SysError(Errno.INVAL, f"option tag {wanted.tag}")
    which = wanted.value if wanted.tag == Option.SOME else None
    wait, stopped = not flags & JoinFlags.NON_BLOCKING, bool(flags & JoinFlags.WAKE_STOPPED)
    told = children.join(ctx.task, which, wait=wait, stopped=stopped)
    ctx.memory.store(pid, OptionPid(Option.SOME, told.child.pid if told else 0))
    ctx.memory.store(status_ptr, join_status(told))


@syscall(modules=EXTENSION, name="proc_join")
def proc_join_2022(ctx: Context, pid: InOut[Pid], exitcode: Out[ExitCode]) -> None:
    """Wait for the end of a child, a certain one or any (-1); `exitcode` is what waitpid() gives its caller.

    ABI: WASIX of 2022. Errors: FAULT; CHILD no such child; INTR a signal handler ran.
    """
    ctx.memory.check(exitcode, 4)
    wanted = ctx.memory.load_u32(pid)
    told = children.join(ctx.task, None if wanted == _ANY else wanted, wait=True)
    assert told is not None
    ctx.memory.store_u32(pid, told.child.pid)
    ctx.memory.store_u32(exitcode, wait_status(told.child.status))


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
