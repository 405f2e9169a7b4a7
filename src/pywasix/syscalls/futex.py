"""Futexes: sleeping on a word of guest memory."""

from __future__ import annotations

from time import monotonic_ns

from pywasix.abi.records import OptionTimestamp
from pywasix.abi.scalars import U32, Bool, In, Out
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import optional_time
from pywasix.syscalls.row import EXTENSION, syscall


@syscall(modules=EXTENSION)
def futex_wait(ctx: Context, futex: In[U32], expected: U32, timeout: In[OptionTimestamp], ret_woken: Out[Bool]) -> None:
    """Sleep while a word holds a value; `ret_woken` is 0 only when the time is over.

    ABI: WASIX; a changed value is success and counts as woken, because libc traps on any errno.
    Errors: INVAL the timeout is no option; FAULT.
    """
    memory = ctx.memory
    if ret_woken > memory.last_cell:
        memory.check(ret_woken, 1)
    time = optional_time(memory, timeout)
    deadline = None if time is None else monotonic_ns() + time
    woken = ctx.kernel.futexes.wait(ctx.task, (memory.identity, futex), memory.load_u32, expected, deadline)
    memory.store_u8(ret_woken, woken)


@syscall(modules=EXTENSION)
def futex_wake(ctx: Context, futex: In[U32], ret_woken: Out[Bool]) -> None:
    """Wake the thread that has slept longest on a word; `ret_woken` tells whether there was one.

    ABI: WASIX. Errors: FAULT.
    """
    memory = ctx.memory
    if ret_woken > memory.last_cell or futex > memory.last_cell:
        memory.check(ret_woken, 1)
        memory.check(futex, 4)
    memory.store_u8(ret_woken, ctx.kernel.futexes.wake((memory.identity, futex)))


@syscall(modules=EXTENSION)
def futex_wake_all(ctx: Context, futex: In[U32], ret_woken: Out[Bool]) -> None:
    """Wake every thread that sleeps on a word; `ret_woken` tells whether there was one.

    ABI: WASIX. Errors: FAULT.
    """
    memory = ctx.memory
    memory.check(ret_woken, 1)
    memory.check(futex, 4)
    memory.store_u8(ret_woken, ctx.kernel.futexes.wake_all((memory.identity, futex)) > 0)
