"""The table of system calls: every function of the ABI in the order of the specification.

Declared rows say what exists; a handler with the same name, module and wasm type takes the place of
its declaration.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from pywasix.syscalls import (
    args,
    clock,
    fd,
    fd_io,
    futex,
    poll,
    proc,
    random,
    signal,
    sock,
    sock_io,
    sock_opt,
    thread,
    thread_local,
)
from pywasix.syscalls.declared import DECLARED
from pywasix.syscalls.row import Row

_FAMILIES = (
    args,
    clock,
    random,
    fd,
    fd_io,
    poll,
    proc,
    thread,
    thread_local,
    futex,
    signal,
    sock,
    sock_io,
    sock_opt,
)


def _handlers(family: ModuleType) -> Iterator[Row]:
    for value in vars(family).values():
        row: Any = getattr(value, "row", None)
        if isinstance(row, Row) and value.__module__ == family.__name__:
            yield row


@cache
def _implemented() -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for family in _FAMILIES:
        for row in _handlers(family):
            for module in row.modules:
                found.setdefault((module, row.name), []).append(row)
    return found


@cache
def _declared() -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in DECLARED:
        for module in row.modules:
            found.setdefault((module, row.name), []).append(row)
    return found


def find(module: str, name: str, wasm: str) -> Row | None:
    """The row that an import means.

    Args:
        wasm: the type of the import, such as "ii:i".
    Returns: the row of exactly this type, else any row of the name (which can then only answer
        NOSYS), else None for a name that the ABI does not know.
    """
    rows = _implemented().get((module, name), [])
    for row in rows:
        if row.wasm == wasm:
            return row
    others = _declared().get((module, name), [])
    exact = [row for row in others if row.wasm == wasm]
    return next(iter(exact + others + rows), None)


def rows() -> list[Row]:
    """Every row in the order of the specification, implemented ones in the place of their declarations."""
    listed: list[Row] = []
    for declared in DECLARED:
        for module in declared.modules:
            row = find(module, declared.name, declared.wasm)
            if row is not None and row not in listed:
                listed.append(row)
    return listed
