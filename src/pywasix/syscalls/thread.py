"""Threads: who I am, how many can run, sleeping."""

from __future__ import annotations

from time import monotonic_ns

from pywasix.abi.scalars import Out, Size, Tid, Timestamp
from pywasix.kernel import wait
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall


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
