"""Random numbers."""

from __future__ import annotations

from pywasix.abi.scalars import U8, Out, Size
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, syscall

_CHUNK = 1 << 20


@syscall(modules=BASE)
def random_get(ctx: Context, buf: Out[U8], buf_len: Size) -> None:
    """Fill a buffer with random bytes of cryptographic quality.

    ABI: preview1. Errors: FAULT.
    """
    ctx.memory.check(buf, buf_len)
    for start in range(0, buf_len, _CHUNK):
        ctx.task.attend()
        ctx.memory.write(buf + start, ctx.services.random(min(_CHUNK, buf_len - start)))
