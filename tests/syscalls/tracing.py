"""A caller whose system calls are traced, without an engine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pywasix.abi.generation import AbiGeneration
from pywasix.engine.memory import LinearMemory
from pywasix.syscalls.row import EXTENSION, Row, declare
from pywasix.syscalls.trace import Tracer

MODERN = AbiGeneration("wasix-2023", wide_addresses=True)
MEMORY_SIZE = 65536
OUTSIDE = MEMORY_SIZE  # the first address that is not there


class Guest:
    """A caller with a memory of one page, and the lines that its calls are traced as."""

    def __init__(self, generation: AbiGeneration = MODERN, *, tid: int = 1) -> None:
        self._data = (ctypes.c_ubyte * MEMORY_SIZE)()
        self.memory = LinearMemory(lambda: (ctypes.addressof(self._data), MEMORY_SIZE), 1)
        self.ctx: Any = SimpleNamespace(
            memory=self.memory, generation=generation, task=SimpleNamespace(tid=tid, process=SimpleNamespace(pid=1))
        )
        self.lines: list[str] = []
        self.tracer = Tracer(self.lines.append)

    def call(self, row: Row, *args: Any, does: Callable[[], Any] = lambda: None) -> str:
        """The line of one call that succeeds, without the newline."""
        self.tracer.wrap(row, lambda ctx, *_: does())(self.ctx, *args)
        return self.lines.pop().removesuffix("\n")


def row(result: str = "errno", /, **params: Any) -> Row:
    return declare("call", EXTENSION, result, "", **params)


def shown(line: str) -> str:
    """What stands between the parentheses."""
    return line.partition("(")[2].rpartition(") = ")[0]
