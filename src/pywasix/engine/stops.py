"""What makes the engine come back early: our own traps, or the guest's, told for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import wasmtime

from pywasix.errors import printable

_MENDS = {
    "BAD_SIGNATURE": ": it calls through a pointer of another type; "
    "most programs may with --function-casts (function_casts=True)",
}


class Stopped(Exception):
    """The engine came back early; the text is for people.

    Args:
        tell: makes the text. That takes longer than all the rest of a thread's end, and of hundreds nobody asks one.
    """

    def __init__(self, tell: Callable[[], str]) -> None:
        super().__init__()
        self._tell = tell
        self.addition = ""

    @property
    def text(self) -> str:
        return self._tell() + self.addition

    def __str__(self) -> str:
        return self.text


def raise_if_stopped(error: Any, trap: Any) -> None:
    """Raise `Stopped` for what a call of the engine gave back."""
    if error:
        raise Stopped(partial(str, wasmtime.WasmtimeError._from_ptr(error)))
    if trap:
        raise Stopped(partial(_backtrace, wasmtime.Trap._from_ptr(trap)))


def hint(missing: Iterable[str]) -> str:
    """Programs trap when a call that they rely on is not there; libc does not say which."""
    names = ", ".join(missing)
    return f"\nit had called {names}, which pywasix does not support yet (see pywasix inspect)" if names else ""


def _backtrace(trap: wasmtime.Trap) -> str:
    """The trap's reason and the guest's stack, innermost frame first."""
    lines = [trap.message.splitlines()[0]]
    code = trap.trap_code
    if code is not None:
        lines = [f"wasm trap: {code.name.lower().replace('_', ' ')}{_MENDS.get(code.name, '')}"]
    for index, frame in enumerate(trap.frames):
        name = printable(frame.func_name or "") or f"<function {frame.func_index}>"
        lines.append(f"  {index:3}: {name} at offset {frame.module_offset:#x}")
    return "\n".join(lines)
