"""Signals: how a guest says who handles them, and what it inherited."""

from __future__ import annotations

from pywasix.abi.records import SignalDisposition
from pywasix.abi.scalars import U8, Char, In, Out, Size
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall

_LONGEST_NAME = 1024  # bytes; a guest that names gigabytes names no handler


@syscall(modules=EXTENSION, result="void")
def callback_signal(ctx: Context, callback: In[Char], callback_len: Size) -> None:
    """Name the exported (i32)->() function that handles signals; an unknown name lets them wait.

    ABI: WASIX; libc passes `__wasm_signal` to unblock, `__wasm_signal_blocked` to block.
    Errors: none, the call has no result; a bad pointer changes nothing.
    """
    ctx.memory.check(callback, callback_len)
    name = ctx.memory.read(callback, min(callback_len, _LONGEST_NAME)).decode("utf-8", "replace")
    ctx.process.signals.use_handler(name, exported=callback_len <= _LONGEST_NAME and ctx.exports(name))


@syscall(modules=EXTENSION)
def proc_signals_sizes_get(ctx: Context, signal_count: Out[Size]) -> None:
    """Tell how many signal dispositions the process was started with.

    ABI: WASIX since 2025-02-20. Errors: FAULT.
    """
    ctx.memory.store_u32(signal_count, len(ctx.process.signals.dispositions))


@syscall(modules=EXTENSION)
def proc_signals_get(ctx: Context, buf: Out[U8]) -> None:
    """Copy the (signal, disposition) pairs the process was started with.

    ABI: WASIX since 2025-02-20; 2 bytes a pair. Errors: FAULT.
    """
    pairs = sorted(ctx.process.signals.dispositions.items())
    ctx.memory.write(buf, b"".join(SignalDisposition(sig, disp).pack() for sig, disp in pairs))
