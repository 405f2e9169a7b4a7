"""Rows that are read off handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pywasix.abi.enums import ClockId, OFlags
from pywasix.abi.records import Event, Iovec
from pywasix.abi.scalars import U8, Code, Fd, FileDelta, Filesize, Flags, In, InOut, Out, Size
from pywasix.syscalls.row import BASE, EXTENSION, Param, Support, declare, row_of, syscall

if TYPE_CHECKING:
    from nowhere import Context  # type: ignore[import-not-found]  # exists for no one: rows must not need it


@syscall(modules=BASE, support=Support.PARTIAL, note="half of it")
def example(
    ctx: Context,
    fd: Fd,
    flags: Flags[OFlags],
    clock: Code[ClockId],
    offset: FileDelta,
    in_: In[Iovec],
    out: Out[Event],
    length: InOut[Size],
    buffer: Out[U8],
) -> None:
    """Do something.

    And say more about it.
    """
    local = fd
    del local


def test_parameters_come_from_the_annotations() -> None:
    row = row_of(example)
    assert row.wasm == "iiiIiiii:i"
    assert row.params == (
        Param("fd", "value", Fd, "i32", 4, False, None),
        Param("flags", "value", Flags[OFlags], "i32", 2, False, 0b1111),
        Param("clock", "value", Code[ClockId], "i32", 4, False, None),
        Param("offset", "value", FileDelta, "i64", 8, True, None),
        Param("in", "in", Iovec, "i32", 8, False, None),
        Param("out", "out", Event, "i32", 32, False, None),
        Param("length", "inout", Size, "i32", 4, False, None),
        Param("buffer", "out", U8, "i32", 1, False, None),
    )
    assert row.params is row.params


def test_the_function_stays_what_it_is() -> None:
    row = row_of(example)
    assert row.handler is example
    assert (row.name, row.modules, row.result) == ("example", BASE, "errno")
    assert (row.support, row.note, row.doc) == (Support.PARTIAL, "half of it", "Do something.")


def test_names_and_results_can_differ() -> None:
    @syscall(modules=("wasi",), name="thread-spawn", result="tid")
    def thread_spawn(ctx: Any, start: Fd) -> None:
        """Start."""

    @syscall(modules=EXTENSION, result="noreturn")
    def leave(ctx: Any) -> None:
        """Leave."""

    assert (row_of(thread_spawn).name, row_of(thread_spawn).wasm) == ("thread-spawn", "i:i")
    assert row_of(leave).wasm == ":"


def test_declared_rows_have_no_handler() -> None:
    row = declare("dlopen", EXTENSION, "errno", "not yet", name=In[U8], note=Size, in_=Filesize)
    assert row.handler is None
    assert row.support is Support.NONE
    assert [param.name for param in row.params] == ["name", "note", "in"]
    assert row.wasm == "iiI:i"
    assert row.doc == "not yet"


def test_only_types_of_the_abi_are_parameters() -> None:
    @syscall(modules=BASE)
    def wrong(ctx: Any, text: str) -> None:
        """Take text."""

    with pytest.raises(TypeError, match="parameter text is no type of the ABI"):
        _ = row_of(wrong).params


def test_functions_without_row() -> None:
    with pytest.raises(KeyError):
        row_of(test_functions_without_row)
