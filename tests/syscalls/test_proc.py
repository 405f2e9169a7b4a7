"""Processes, threads, thread-local values, signals, futexes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from pywasix.abi.enums import Disposition
from pywasix.abi.errno import Errno
from pywasix.errors import ProcessExit, SysError
from pywasix.kernel import children
from pywasix.kernel.local import LocalKeys
from pywasix.kernel.process import ExitStatus
from pywasix.syscalls.futex import futex_wait, futex_wake, futex_wake_all
from pywasix.syscalls.proc import proc_exit, proc_exit2, proc_id, proc_parent, sched_yield
from pywasix.syscalls.signal import callback_signal, proc_signals_get, proc_signals_sizes_get
from pywasix.syscalls.thread import thread_id, thread_parallelism, thread_sleep
from pywasix.syscalls.thread_local import (
    thread_local_create,
    thread_local_destroy,
    thread_local_get,
    thread_local_set,
)
from world import MEMORY, SIGNAL_HANDLER, World

_MS = 1_000_000
WORD, TIMEOUT, WOKEN = 256, 512, 1024


@pytest.mark.parametrize("leave", [proc_exit, proc_exit2])
def test_exit_codes_are_not_cut(world: World, leave: Callable[..., None]) -> None:
    with pytest.raises(ProcessExit) as raised:
        world.call(leave, 2**32 - 1)
    assert raised.value.code == 2**32 - 1


def test_who_am_i(world: World) -> None:
    world.call(proc_id, 0)
    world.call(thread_id, 4)
    assert world.u32(0) == world.u32(4) == world.process.pid
    world.call(proc_parent, world.process.pid, 8)
    assert world.u32(8) == 0
    child = world.kernel.start_process((), (), max_fds=4, parent=world.process.pid)
    world.call(proc_parent, child.pid, 8)
    assert world.u32(8) == world.process.pid
    child.finish(ExitStatus())
    child.task_ended(child.main_task)
    world.call(proc_parent, child.pid, 8)  # a zombie
    assert children.join(world.task, child.pid, wait=False) == children.Told(child)
    world.fails(Errno.SRCH, proc_parent, child.pid, 8)


def test_proc_id_fault(world: World) -> None:
    world.fails(Errno.FAULT, proc_id, MEMORY - 3)


def test_proc_parent_srch(world: World) -> None:
    world.fails(Errno.SRCH, proc_parent, 77, 0)


def test_proc_parent_fault(world: World) -> None:
    world.fails(Errno.FAULT, proc_parent, world.process.pid, MEMORY - 3)


def test_yield_changes_nothing(world: World) -> None:
    world.call(sched_yield)
    assert bytes(world.raw) == bytes(MEMORY)


# -- threads --------------------------------------------------------------------


def test_thread_id_fault(world: World) -> None:
    world.fails(Errno.FAULT, thread_id, MEMORY)


def test_parallelism_is_what_the_host_gives(world: World) -> None:
    world.call(thread_parallelism, 0)
    assert 1 <= world.u32(0) <= (os.cpu_count() or 1)


def test_thread_parallelism_fault(world: World) -> None:
    world.fails(Errno.FAULT, thread_parallelism, 2**32 - 1)


@pytest.mark.parametrize("duration", [0, 1000, 3 * _MS])
def test_sleep_takes_its_time(world: World, duration: int) -> None:
    began = time.monotonic_ns()
    world.call(thread_sleep, duration)
    assert time.monotonic_ns() - began >= duration


def test_thread_sleep_intr(world: World) -> None:
    world.signal()
    world.fails(Errno.INTR, thread_sleep, 2**64 - 1)


def test_a_signal_interrupts_a_sleep_that_began(world: World) -> None:
    world.process.signals.use_handler(SIGNAL_HANDLER, exported=True)
    call = world.start(thread_sleep, 2**63)
    call.await_blocked()
    world.process.signals.post(2)  # goes to the main task, which is another one
    world.process.tasks[-1].notify()
    assert call.errno() is Errno.INTR


# -- thread-local values --------------------------------------------------------


def test_values_belong_to_a_thread(world: World) -> None:
    world.call(thread_local_create, 2**40 + 7, 0)
    key = world.u32(0)
    world.call(thread_local_get, key, 8)
    assert world.number(8, 8) == 0
    world.call(thread_local_set, key, 2**64 - 1)
    world.call(thread_local_get, key, 8)
    assert world.number(8, 8) == 2**64 - 1
    assert world.start(thread_local_get, key, 16).errno() is None
    assert world.number(16, 8) == 0


def test_the_destructor_gets_data_and_value(world: World) -> None:
    world.exports.add("_thread_local_destroy")
    world.call(thread_local_create, 5 << 32 | 6, 0)
    world.call(thread_local_set, world.u32(0), 7 << 32 | 8)
    world.call(thread_local_destroy, world.u32(0))
    assert world.signals == [("_thread_local_destroy", (6, 5, 8, 7))]
    world.fails(Errno.INVAL, thread_local_destroy, world.u32(0))


def test_without_a_destructor_the_key_is_only_gone(world: World) -> None:
    world.call(thread_local_create, 0, 0)
    world.call(thread_local_set, world.u32(0), 1)
    world.call(thread_local_destroy, world.u32(0))
    assert world.signals == []


def test_thread_local_create_again(world: World) -> None:
    for _ in range(LocalKeys.LIMIT):
        world.call(thread_local_create, 0, 0)
    world.fails(Errno.AGAIN, thread_local_create, 0, 0)
    world.call(thread_local_destroy, 1)
    world.call(thread_local_create, 0, 0)


def test_thread_local_create_fault(world: World) -> None:
    world.fails(Errno.FAULT, thread_local_create, 0, MEMORY - 3)
    world.call(thread_local_create, 0, 0)
    assert world.u32(0) == 1, "the failed call used no key"


def test_thread_local_destroy_inval(world: World) -> None:
    world.fails(Errno.INVAL, thread_local_destroy, 1)


def test_thread_local_set_inval(world: World) -> None:
    world.fails(Errno.INVAL, thread_local_set, 0, 5)


def test_thread_local_get_inval(world: World) -> None:
    world.fails(Errno.INVAL, thread_local_get, 2**32 - 1, 8)


def test_thread_local_get_fault(world: World) -> None:
    world.call(thread_local_create, 0, 0)
    world.fails(Errno.FAULT, thread_local_get, world.u32(0), MEMORY - 7)


# -- signals --------------------------------------------------------------------


def name(world: World, text: bytes) -> tuple[int, int]:
    return world.put(2048, text), len(text)


def test_a_named_handler_gets_signals(world: World) -> None:
    world.call(callback_signal, *name(world, SIGNAL_HANDLER.encode()))
    world.process.signals.post(15)
    world.call(sched_yield)
    assert world.signals == [(SIGNAL_HANDLER, (15,))]


def test_an_unknown_name_makes_signals_wait(world: World) -> None:
    world.call(callback_signal, *name(world, SIGNAL_HANDLER.encode()))
    world.call(callback_signal, *name(world, b"__wasm_signal_blocked"))
    world.process.signals.post(2)
    world.call(sched_yield)
    assert world.signals == []
    world.call(callback_signal, *name(world, SIGNAL_HANDLER.encode()))
    assert world.signals == [(SIGNAL_HANDLER, (2,))]


def test_a_bad_pointer_changes_no_handler(world: World) -> None:
    with pytest.raises(SysError):
        world.call(callback_signal, MEMORY - 1, 2)
    assert world.process.signals.handler is None


def test_inherited_dispositions(world: World) -> None:
    world.process.signals.dispositions.update({13: Disposition.IGNORE, 2: Disposition.DEFAULT})
    world.call(proc_signals_sizes_get, 0)
    assert world.u32(0) == 2
    world.call(proc_signals_get, 8)
    assert world.memory.read(8, 5) == bytes((2, Disposition.DEFAULT, 13, Disposition.IGNORE, 0))


def test_proc_signals_sizes_get_fault(world: World) -> None:
    world.fails(Errno.FAULT, proc_signals_sizes_get, MEMORY - 3)


def test_proc_signals_get_fault(world: World) -> None:
    world.process.signals.dispositions[13] = Disposition.IGNORE
    world.fails(Errno.FAULT, proc_signals_get, MEMORY - 1)


# -- futexes --------------------------------------------------------------------


def test_a_changed_word_does_not_wait(world: World) -> None:
    world.words(WORD, 7)
    world.option(TIMEOUT, None)
    world.call(futex_wait, WORD, 8, TIMEOUT, WOKEN)
    assert world.number(WOKEN, 1) == 1


def test_a_wait_ends_with_its_time(world: World) -> None:
    world.option(TIMEOUT, 3 * _MS)
    world.put(WOKEN, b"\xff\xff")
    began = time.monotonic_ns()
    world.call(futex_wait, WORD, 0, TIMEOUT, WOKEN)
    assert time.monotonic_ns() - began >= 3 * _MS
    assert world.memory.read(WOKEN, 2) == b"\0\xff"


@pytest.mark.parametrize("wake", [futex_wake, futex_wake_all])
def test_a_waiter_is_woken(world: World, wake: Callable[..., None]) -> None:
    world.option(TIMEOUT, None)
    world.call(wake, WORD, WOKEN + 1)
    assert world.number(WOKEN + 1, 1) == 0
    call = world.start(futex_wait, WORD, 0, TIMEOUT, WOKEN)
    call.await_blocked()
    world.call(wake, WORD, WOKEN + 1)
    assert world.number(WOKEN + 1, 1) == 1
    assert call.errno() is None
    assert world.number(WOKEN, 1) == 1


def test_futex_wait_fault(world: World) -> None:
    world.option(TIMEOUT, 0)
    world.fails(Errno.FAULT, futex_wait, MEMORY - 3, 0, TIMEOUT, WOKEN)
    world.fails(Errno.FAULT, futex_wait, WORD, 0, MEMORY - 15, WOKEN)
    world.fails(Errno.FAULT, futex_wait, WORD, 0, TIMEOUT, MEMORY)


def test_futex_wait_inval(world: World) -> None:
    world.option(TIMEOUT, 5, tag=2)
    world.fails(Errno.INVAL, futex_wait, WORD, 0, TIMEOUT, WOKEN)


def test_futex_wake_fault(world: World) -> None:
    world.fails(Errno.FAULT, futex_wake, MEMORY - 3, WOKEN)
    world.fails(Errno.FAULT, futex_wake, WORD, MEMORY)


def test_futex_wake_all_fault(world: World) -> None:
    world.fails(Errno.FAULT, futex_wake_all, MEMORY - 3, WOKEN)
    world.fails(Errno.FAULT, futex_wake_all, WORD, MEMORY)
