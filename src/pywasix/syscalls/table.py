"""The table of system calls: every function of the ABI in the order of the specification.

Declared rows say what exists; a handler with the same name, module and wasm type takes the place of
its declaration.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from pywasix.syscalls.row import Row

# Which handler modules the calls of a family stand in, by the first word of their names. They are
# imported when a program asks for one of their calls: a program that prints needs no sockets.
_FAMILIES = {
    "args": ("args",),
    "callback": ("signal",),
    "chdir": ("fd_file",),
    "clock": ("clock",),
    "environ": ("args",),
    "epoll": ("epoll",),
    "fd": ("fd", "fd_io", "pipe", "fd_file"),
    "futex": ("futex",),
    "getcwd": ("fd_file",),
    "path": ("path", "path_change"),
    "pipe": ("pipe",),
    "poll": ("poll",),
    "port": ("port",),
    "proc": ("proc", "proc_exec", "proc_spawn", "signal"),
    "random": ("random",),
    "resolve": ("resolve",),
    "sched": ("proc",),
    "stack": ("stack",),
    "sock": ("sock", "sock_io", "sock_opt", "sock_msg", "multicast", "sock_file"),
    "thread": ("thread", "thread_local", "signal"),
    "thread-spawn": ("thread",),
    "tty": ("tty",),
}


@cache
def _handlers(module: str) -> dict[tuple[str, str], list[Row]]:
    """The rows of one handler module by (import module, name)."""
    found: dict[tuple[str, str], list[Row]] = {}
    family = import_module(f"pywasix.syscalls.{module}")
    for value in vars(family).values():
        row: Any = getattr(value, "row", None)
        if isinstance(row, Row) and value.__module__ == family.__name__:
            for each in row.modules:
                found.setdefault((each, row.name), []).append(row)
    return found


def _implemented(module: str, name: str) -> list[Row]:
    for family in _FAMILIES.get(name.partition("_")[0], ()):
        rows = _handlers(family).get((module, name))
        if rows:  # all rows of a name stand in one module
            return rows
    return []


@cache
def _declared() -> dict[tuple[str, str], list[Row]]:
    from pywasix.syscalls.declared import DECLARED  # only for what no handler answers

    found: dict[tuple[str, str], list[Row]] = {}
    for row in DECLARED:
        for module in row.modules:
            found.setdefault((module, row.name), []).append(row)
    return found


@lru_cache(1024)  # each thread of a guest asks for the same; a hostile module asks for anything
def find(module: str, name: str, wasm: str) -> Row | None:
    """The row that an import means.

    Args:
        wasm: the type of the import, such as "ii:i".
    Returns: the row of exactly this type, else any row of the name (which can then only answer
        NOSYS), else None for a name that the ABI does not know.
    """
    rows = _implemented(module, name)
    for row in rows:
        if row.wasm == wasm:
            return row
    others = _declared().get((module, name), [])
    exact = [row for row in others if row.wasm == wasm]
    return next(iter(exact + others + rows), None)


def rows() -> list[Row]:
    """Every row in the order of the specification, implemented ones in the place of their declarations."""
    from pywasix.syscalls.declared import DECLARED

    listed: list[Row] = []
    for declared in DECLARED:
        for module in declared.modules:
            row = find(module, declared.name, declared.wasm)
            if row is not None and row not in listed:
                listed.append(row)
    return listed
