"""Clocks."""

from __future__ import annotations

from pywasix.abi.enums import ClockId
from pywasix.abi.scalars import Code, Out, Timestamp
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import BASE, syscall


@syscall(modules=BASE)
def clock_res_get(ctx: Context, id: Code[ClockId], resolution: Out[Timestamp]) -> None:
    """Tell the resolution of a clock in ns.

    ABI: preview1. Errors: INVAL unknown clock; FAULT.
    """
    ctx.memory.store_u64(resolution, ctx.services.resolution(id))


@syscall(modules=BASE)
def clock_time_get(ctx: Context, id: Code[ClockId], precision: Timestamp, time: Out[Timestamp]) -> None:
    """Tell the time of a clock in ns; the precision asked for is always met.

    ABI: preview1. Errors: INVAL unknown clock; FAULT.
    """
    ctx.memory.store_u64(time, ctx.services.now(id))
