"""Thread-local values of the 2022 generation, which had them in the host."""

from __future__ import annotations

from pywasix.abi.scalars import U32, U64, Out
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall

_DESTRUCTOR = "_thread_local_destroy"
_LOW = 0xFFFFFFFF


@syscall(modules=EXTENSION)
def thread_local_create(ctx: Context, user_data: U64, ret_key: Out[U32]) -> None:
    """Make a key; every thread's value of it is 0 until it is set.

    ABI: WASIX of 2022. Errors: AGAIN too many keys; FAULT.
    """
    ctx.memory.check(ret_key, 4)
    ctx.memory.store_u32(ret_key, ctx.process.local_keys.create(user_data))


@syscall(modules=EXTENSION)
def thread_local_destroy(ctx: Context, key: U32) -> None:
    """Remove a key, calling the guest's destructor for each thread's value.

    ABI: WASIX of 2022; the destructor is `_thread_local_destroy(data_low, data_high, value_low, value_high)`.
    Errors: INVAL unknown key.
    """
    data = ctx.process.local_keys.remove(key)
    values = [task.locals.pop(key, 0) for task in list(ctx.process.tasks)]
    if ctx.exports(_DESTRUCTOR):
        for value in filter(None, values):
            ctx.task.call_guest(_DESTRUCTOR, (data & _LOW, data >> 32, value & _LOW, value >> 32))


@syscall(modules=EXTENSION)
def thread_local_set(ctx: Context, key: U32, value: U64) -> None:
    """Set the calling thread's value of a key.

    ABI: WASIX of 2022. Errors: INVAL unknown key.
    """
    ctx.process.local_keys.check(key)
    ctx.task.locals[key] = value


@syscall(modules=EXTENSION)
def thread_local_get(ctx: Context, key: U32, ret_value: Out[U64]) -> None:
    """Tell the calling thread's value of a key, 0 when it was never set.

    ABI: WASIX of 2022. Errors: INVAL unknown key; FAULT.
    """
    ctx.process.local_keys.check(key)
    ctx.memory.store_u64(ret_value, ctx.task.locals.get(key, 0))
