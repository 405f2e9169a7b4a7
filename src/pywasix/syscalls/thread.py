"""Threads: starting and ending them, who I am, how many can run, sleeping."""

from __future__ import annotations

from time import monotonic_ns

from pywasix.abi.records import ThreadStart
from pywasix.abi.scalars import U64, Bool, ExitCode, In, Out, Size, Tid, Timestamp
from pywasix.errors import ThreadEnd
from pywasix.kernel import threads, wait
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, THREADS, syscall

_START = "wasi_thread_start"
_START_2022, _REACT_2022 = "_start_thread", "_react"
_LOW = 0xFFFFFFFF


@syscall(modules=THREADS, name="thread-spawn", result="tid")
def thread_spawn_wasi(ctx: Context, start_arg: In[ThreadStart]) -> int:
    """Start a thread; returns its tid, or a negative errno.

    ABI: wasi-threads; the guest's export `wasi_thread_start(tid, start_arg)` is called, `start_arg` is its own.
    Errors: NOTCAPABLE no such export, or no shared memory; AGAIN too many threads.
    """
    return threads.spawn(ctx.process, _START, lambda tid: (tid, start_arg))


@syscall(modules=EXTENSION)
def thread_spawn_v2(ctx: Context, args: In[ThreadStart], ret_tid: Out[Tid]) -> None:
    """Start a thread that calls the guest's export `wasi_thread_start(tid, args)`.

    ABI: WASIX. Errors: as thread_spawn_wasi; FAULT.
    """
    ctx.memory.check(ret_tid, 4)
    ctx.memory.store_u32(ret_tid, threads.spawn(ctx.process, _START, lambda tid: (tid, args)))


@syscall(modules=EXTENSION)
def thread_spawn(ctx: Context, args: In[ThreadStart], ret_tid: Out[Tid]) -> None:
    """Start a thread: thread_spawn_v2 under its first name.

    ABI: WASIX, the two-parameter form. Errors: as thread_spawn_v2.
    """
    thread_spawn_v2(ctx, args, ret_tid)


@syscall(modules=EXTENSION, name="thread_spawn")
def thread_spawn_2022(
    ctx: Context, user_data: U64, stack_base: U64, stack_start: U64, reactor: Bool, ret_tid: Out[Tid]
) -> None:
    """Start a thread that calls the guest's export `_start_thread(low, high)` with the halves of `user_data`.

    ABI: WASIX of 2022; a reactor thread calls `_react`. The guest finds its stack through `user_data` itself.
    Errors: as thread_spawn_wasi; FAULT.
    """
    ctx.memory.check(ret_tid, 4)
    entry = _REACT_2022 if reactor else _START_2022
    halves = user_data & _LOW, user_data >> 32
    ctx.memory.store_u32(ret_tid, threads.spawn(ctx.process, entry, lambda _: halves))


@syscall(modules=EXTENSION)
def thread_join(ctx: Context, tid: Tid) -> None:
    """Wait until a thread of this process has ended; one that ended before is no error.

    ABI: WASIX. Errors: SRCH there never was such a thread; DEADLK it is the caller.
    """
    threads.join(ctx.task, tid)


@syscall(modules=EXTENSION, result="noreturn")
def thread_exit(ctx: Context, rval: ExitCode) -> None:
    """End the calling thread; the process goes on while it has another one.

    ABI: WASIX; the code is not kept. Errors: none, it does not return.
    """
    raise ThreadEnd


@syscall(modules=EXTENSION)
def thread_id(ctx: Context, ret_tid: Out[Tid]) -> None:
    """Tell the caller's thread id; in the main thread that is the process id.

    ABI: WASIX. Errors: FAULT.
    """
    ctx.memory.store_u32(ret_tid, ctx.task.tid)


@syscall(modules=EXTENSION)
def thread_parallelism(ctx: Context, ret_parallelism: Out[Size]) -> None:
    """Tell how many threads can usefully run at once.

    ABI: WASIX. Errors: FAULT.
    """
    ctx.memory.store_u32(ret_parallelism, ctx.services.parallelism())


@syscall(modules=EXTENSION)
def thread_sleep(ctx: Context, duration: Timestamp) -> None:
    """Sleep for a time in ns.

    ABI: WASIX. Errors: INTR a signal handler ran first.
    """
    wait.sleep(ctx.task, monotonic_ns() + duration)
