"""The epoch: how a task that computes is stopped, and how it hears of its signals.

`Task.stop` and `Task.nudge_engine` move it on, and every store asks then what its guest has to do. A handler runs
right there, between two instructions of the guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from threading import Lock, get_ident
from typing import Any

import wasmtime

from pywasix.engine import native
from pywasix.engine.border import Border
from pywasix.engine.module import value_code
from pywasix.errors import SysError
from pywasix.kernel.process import Process
from pywasix.kernel.task import Task
from pywasix.kernel.wait import stand_still

STACK_POINTER = "__stack_pointer"
_RED_ZONE = 128  # bytes; LLVM's target description of WebAssembly
_AGAIN = (0.001, 0.004, 0.02)  # seconds between tries to interrupt a task; the first one almost always does
_NOBODY = -1  # no thread of the host has this number
_LATER = 50_000_000  # ns between the tries after those


class Watched:
    """One store and its task, as the epoch sees them.

    Args:
        exports: of the instance; filled when it is made.
    """

    def __init__(self, store: wasmtime.Store, task: Task, exports: Mapping[str, Any], border: Border) -> None:
        self._store = store
        self._task = task
        self._exports = exports
        self._border = border
        self._number = _WATCHED.add(self)
        self._arm()

    def forget(self) -> None:
        """The store is about to be closed."""
        _WATCHED.remove(self._number)

    def _arm(self) -> None:
        native.watch_epoch(self._store.ptr(), _EPOCH_REACHED, self._number, None)
        self._store.set_epoch_deadline(1)

    def goes_on(self) -> bool:
        """The guest has met the epoch: stand still if it was stopped, run its signal handlers; whether it goes on."""
        task = self._task
        if task.process.halted:
            stand_still(task)
        if task.stopping:
            return False
        return not task.attention or task.nudge_engine is None or task.stack.moving or self._attend()

    def _attend(self) -> bool:
        """A function that calls no other keeps what is below the stack pointer for itself, so that is moved on."""
        stack: Any = self._exports.get(STACK_POINTER)
        pointer = stack.value(self._store) if _is_number(stack, self._store) else 0
        if pointer < _RED_ZONE:
            return True  # where the guest's stack is cannot be known
        self._arm()  # the engine has put its callback away while it runs: a loop of the handler would end the guest
        stack.set_value(self._store, (pointer - _RED_ZONE) & ~15)
        self._task.interrupted += 1
        try:
            self._task.attend()
        except BaseException as unwinding:
            self._border.unwound(unwinding, "a signal handler")
            return False
        finally:
            self._task.interrupted -= 1
            stack.set_value(self._store, pointer)
        return not self._task.stopping  # a signal that nobody handles may have been its end


class _Watched:
    """Stores by number, for the one epoch callback that all of them share. `_lock` guards the table."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stores: dict[int, Watched] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._stores)

    def add(self, store: Watched) -> int:
        with self._lock:
            number = next(self._numbers)
            self._stores[number] = store
        return number

    def remove(self, number: int) -> None:
        with self._lock:
            self._stores.pop(number, None)

    def goes_on(self, number: int) -> bool:
        store = self._stores.get(number)
        return store is not None and store.goes_on()


_WATCHED = _Watched()


def watched() -> int:
    """How many stores there are."""
    return len(_WATCHED)


def _epoch_reached(_context: int, number: int, delta: Any, _kind: int) -> int:
    """Guest code meets the epoch: go on for another one, or stop a task that must end."""
    if _WATCHED.goes_on(number):
        delta[0] = 1
        return 0
    error: int = native.new_error(b"stopped")
    return error


_EPOCH_REACHED = native.EpochCallback(_epoch_reached)


def _is_number(export: Any, store: wasmtime.Store) -> bool:
    """Whether an export is a global that holds a whole number and may be changed."""
    if not isinstance(export, wasmtime.Global):
        return False
    kind = export.type(store)
    return kind.mutable and value_code(kind.content) in ("i", "I")


def interrupt(engine: wasmtime.Engine, task: Task) -> None:
    """Move the epoch on, and again while tasks of the process go on; of all processes when the program ends.

    So it is for a process that ends and for one that is stopped.

    The engine sets a store's next deadline after `_epoch_reached` has returned: an epoch that moves between
    the look at the task and that is lost on it.
    """
    advance = engine.increment_epoch
    advance()
    process, caller = task.process, get_ident()
    for pause in _AGAIN:
        tasks = process.kernel.all_tasks() if process.kernel.ending else list(process.tasks)
        if all(_needs_no_interrupt(each, caller) for each in tasks):
            return
        if _has_to_end(caller, process):
            break
        process.ended.wait(pause)
        process.kernel.ending_tasks.insist()
        advance()
    _interrupt_later(engine, process)


def _interrupt_later(engine: wasmtime.Engine, process: Process) -> None:
    """What `interrupt` tried in vain, for as long as it takes: a busy host may keep a task from going on for that long.

    It keeps the task as well from its end, so that this goes on in the timers' thread.
    """
    tasks = process.kernel.all_tasks() if process.kernel.ending else list(process.tasks)
    if any(_is_late(each, process) and not _needs_no_interrupt(each, _NOBODY) for each in tasks):
        process.kernel.ending_tasks.insist()
        engine.increment_epoch()
        with suppress(SysError):  # the host has no thread left
            process.kernel.timers.start(_LATER, partial(_interrupt_later, engine, process))


def _needs_no_interrupt(task: Task, caller: int) -> bool:
    """Whether a task runs no guest code: the caller's own, one that has ended or stands still, or will not begin."""
    return task.ended or task.standing or task.thread == caller or (task.stopping and not task.thread)


def _has_to_end(caller: int, process: Process) -> bool:
    """Whether the caller was ended by another one meanwhile: who stops hundreds of processes must not go on then."""
    tasks = process.kernel.all_tasks()
    return any(each.thread == caller and each.stopping and each.process is not process for each in tasks)


def _is_late(task: Task, process: Process) -> bool:
    """Whether a task ought to have ended, or to stand still, by now; one of a stopped parent (vfork) need not."""
    return task.stopping or (bool(process.halted) and task.process is process)
