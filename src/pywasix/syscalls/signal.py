"""Signals: how a guest sends them, says who handles them, and learns what it inherited."""

from __future__ import annotations

from pywasix.abi.enums import Signal
from pywasix.abi.records import SignalDisposition
from pywasix.abi.scalars import U8, Bool, Char, Code, In, Out, Pid, Size, Tid, Timestamp
from pywasix.kernel import signal
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, EXTENSION, Support, syscall

_LONGEST_NAME = 1024  # bytes; a guest that names gigabytes names no handler


@syscall(modules=EXTENSION, result="void")
def callback_signal(ctx: Context, callback: In[Char], callback_len: Size) -> None:
    """Name the exported (i32)->() function that handles signals; an unknown name lets them wait.

    ABI: WASIX; libc passes `__wasm_signal` to unblock, `__wasm_signal_blocked` to block.
    Errors: none, the call has no result; a bad pointer changes nothing.
    """
    ctx.memory.check(callback, callback_len)
    name = ctx.memory.read(callback, min(callback_len, _LONGEST_NAME)).decode("utf-8", "replace")
    exported = callback_len <= _LONGEST_NAME and ctx.exports(name)
    ctx.process.signals.use_handler(name, exported=exported, task=ctx.task)


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


@syscall(modules=BASE)
def proc_raise(ctx: Context, sig: Code[Signal]) -> None:
    """Send a signal to the calling thread, whose handler has run when this returns (POSIX raise).

    ABI: preview1. Errors: INVAL no such signal.
    """
    signal.check_number(sig)
    ctx.process.signals.post(sig, ctx.task)


@syscall(modules=EXTENSION)
def proc_raise_interval(ctx: Context, sig: Code[Signal], interval: Timestamp, repeat: Bool) -> None:
    """Send the calling process a signal after a time in ns, or after each such time; 0 takes it back.

    ABI: WASIX; libc's setitimer passes `it_interval` in ns and repeats. Each signal has one timer. One that repeats
    has at least a millisecond. Errors: INVAL no such signal; AGAIN the host has no thread left.
    """
    signal.check_number(sig or -1)
    ctx.process.signals.raise_interval(sig, interval, repeat=bool(repeat))


@syscall(
    modules=EXTENSION,
    support=Support.PARTIAL,
    note="The ABI has no process groups: all processes of a program are one, and a terminal sends nobody SIGTTIN or "
    "SIGTTOU. SIGSTOP and SIGCONT stop a process and let it go on; SIGTSTP, SIGTTIN and SIGTTOU do what a guest's "
    "handler does, if it has named one.",
)
def proc_signal(ctx: Context, pid: Pid, signal_: Code[Signal]) -> None:
    """Send a signal to a process of the same program, or to all of them.

    ABI: WASIX; as kill(2): 0 is all processes, -1 (as an unsigned number) all but the caller.
    Errors: INVAL no such signal; SRCH no such process.
    """
    signal.send(ctx.process, pid - (1 << 32) if pid >> 31 else pid, signal_)


@syscall(modules=EXTENSION)
def thread_signal(ctx: Context, tid: Tid, signal_: Code[Signal]) -> None:
    """Send a signal to one thread of the calling process; 0 only asks whether it is there.

    ABI: WASIX; 0x3fffffff is the main thread too, which libc calls it before it has asked. In 2022 it said 0 there.
    Errors: INVAL no such signal; SRCH no such thread, or it has ended.
    """
    if not tid and ctx.generation.own_tid_is_zero:
        tid = ctx.task.tid
    signal.send_to_thread(ctx.process, tid, signal_)
