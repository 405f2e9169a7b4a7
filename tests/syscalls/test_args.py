"""Arguments, environment, clocks, random numbers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pywasix.abi.enums import ClockId
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.syscalls.args import args_get, args_sizes_get, environ_get, environ_sizes_get
from pywasix.syscalls.clock import clock_res_get, clock_time_get
from pywasix.syscalls.random import random_get
from world import MEMORY, World

Handler = Callable[..., None]


@pytest.mark.parametrize(
    ("sizes", "get", "strings"),
    [(args_sizes_get, args_get, (b"guest", b"one")), (environ_sizes_get, environ_get, (b"A=1", b"LONG=value"))],
)
def test_strings_arrive(world: World, sizes: Handler, get: Handler, strings: tuple[bytes, ...]) -> None:
    world.call(sizes, 0, 4)
    assert (world.u32(0), world.u32(4)) == (len(strings), sum(len(each) + 1 for each in strings))
    world.call(get, 16, 64)
    found = [world.memory.read(world.u32(16 + 4 * index), len(each) + 1) for index, each in enumerate(strings)]
    assert found == [each + b"\0" for each in strings]


def test_no_strings_need_no_memory() -> None:
    with World() as world:
        world.call(args_get, MEMORY, MEMORY)
        world.call(args_sizes_get, 0, 4)
        assert (world.u32(0), world.u32(4)) == (0, 0)


def _strings_fault(world: World, handler: Handler) -> None:
    world.fails(Errno.FAULT, handler, MEMORY - 7, 0)
    world.fails(Errno.FAULT, handler, 0, MEMORY - 5)
    world.fails(Errno.FAULT, handler, 2**32 - 1, 2**32 - 1)


def _sizes_fault(world: World, handler: Handler) -> None:
    world.fails(Errno.FAULT, handler, MEMORY - 3, 0)
    world.fails(Errno.FAULT, handler, 0, MEMORY - 3)


def test_args_get_fault(world: World) -> None:
    _strings_fault(world, args_get)


def test_args_sizes_get_fault(world: World) -> None:
    _sizes_fault(world, args_sizes_get)


def test_environ_get_fault(world: World) -> None:
    _strings_fault(world, environ_get)


def test_environ_sizes_get_fault(world: World) -> None:
    _sizes_fault(world, environ_sizes_get)


# -- clocks ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "now"),
    [
        (ClockId.REALTIME, time.time_ns),
        (ClockId.MONOTONIC, time.monotonic_ns),
        (ClockId.PROCESS_CPUTIME_ID, time.process_time_ns),
        (ClockId.THREAD_CPUTIME_ID, time.thread_time_ns),
    ],
)
def test_clocks_are_the_hosts(world: World, clock: ClockId, now: Callable[[], int]) -> None:
    before = now()
    world.call(clock_time_get, clock, 0, 8)
    assert before <= world.number(8, 8) <= now()
    world.call(clock_res_get, clock, 8)
    assert 1 <= world.number(8, 8) <= 1_000_000_000


def test_clock_time_get_inval(world: World) -> None:
    world.fails(Errno.INVAL, clock_time_get, 4, 0, 8)


def test_clock_time_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, clock_time_get, ClockId.MONOTONIC, 0, MEMORY - 7)


def test_clock_res_get_inval(world: World) -> None:
    world.fails(Errno.INVAL, clock_res_get, 2**32 - 1, 8)


def test_clock_res_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, clock_res_get, ClockId.REALTIME, MEMORY - 7)


# -- random numbers -------------------------------------------------------------


def test_random_bytes_fill_the_buffer_and_nothing_else(world: World) -> None:
    world.call(random_get, 100, 64)
    assert world.memory.read(0, 100) == bytes(100)
    assert world.memory.read(164, 100) == bytes(100)
    assert world.memory.read(100, 64) != bytes(64)


def test_random_get_stops_with_its_task(world: World) -> None:
    world.task.stop()
    with pytest.raises(ThreadEnd):
        world.call(random_get, 0, 16)
    assert bytes(world.raw) == bytes(MEMORY)


def test_random_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, random_get, MEMORY - 15, 16)
    world.fails(Errno.FAULT, random_get, 0, 2**32 - 1)
