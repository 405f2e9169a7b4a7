"""The same hostile arguments through the engine: one exported function passes its numbers on to one import."""

from __future__ import annotations

from functools import cache
from subprocess import TimeoutExpired

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pywasix
from fuzz.hostile import Hostile, Pointed, calls_of
from fuzz.profile import GUEST_CALLS
from fuzz.profile import PATIENCE as TEST_PATIENCE
from pywasix.abi.errno import Errno
from pywasix.syscalls import table
from pywasix.syscalls.row import Row
from support import PATIENCE

ROWS = table.rows()
EXAMPLES = -(-GUEST_CALLS // len(ROWS))
_SOON = 0.05  # seconds; a call that blocks longer is killed
_RULES = "ipv4:allow=127.0.0.1:*,ipv6:allow=[::1]:*"


@cache
def passing_on(row: Row, module: str) -> bytes:
    """A module whose export `call` makes one system call with the numbers it gets."""
    params = " ".join(param.wasm for param in row.params)
    result = "(result i32)" if row.wasm.endswith(":i") else ""
    numbers = " ".join(f"local.get {index}" for index in range(len(row.params)))
    text = f"""(module
        (import "{module}" "{row.name}" (func $import (param {params}) {result}))
        (memory (export "memory") 1)
        (data (i32.const 1024) "\\00\\04\\00\\00\\10\\00\\00\\00")
        (func (export "__wasm_signal") (param i32))
        (func (export "call") (param {params}) {result} {numbers} call $import))"""
    return bytes(wasmtime.wat2wasm(text))


def _make(call: Hostile, module: str) -> None:
    """Make one call in a guest of its own; the host survives and tells an errno, an exit or a kill."""
    arguments = [str(each.pointer if isinstance(each, Pointed) else each) for each in call.arguments]
    program = [passing_on(call.row, module), *arguments]
    with pywasix.start(
        program,
        invoke="call",
        stdin=pywasix.DEVNULL,
        stdout=pywasix.DEVNULL,
        stderr=pywasix.DEVNULL,
        net=_RULES,
        listen=["127.0.0.1:0"],
        report=lambda message: None,
    ) as process:
        try:
            process.wait(_SOON)
        except TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)
    assert "mistake" not in process.reason, process.reason
    sign = -1 if call.row.result == "tid" else 1
    assert process.results in [(), *((sign * int(errno),) for errno in Errno)], (call, process.results)


def _name(row: Row) -> str:
    return f"{row.name}-{row.modules[0]}"


@pytest.mark.timeout(TEST_PATIENCE)
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_host_survives(row: Row) -> None:
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(call=calls_of(row), module=st.sampled_from(row.modules))
    def survive(call: Hostile, module: str) -> None:
        _make(call, module)

    survive()


MASKED = [
    (row, index) for row in ROWS if row.handler for index, param in enumerate(row.params) if param.mask is not None
]


@pytest.mark.parametrize(("row", "index"), MASKED, ids=[_name(row) for row, _ in MASKED])
def test_unknown_flags_are_refused_at_the_border(row: Row, index: int) -> None:
    """Whatever the descriptor is: the flags are looked at first."""
    mask = row.params[index].mask
    assert mask is not None
    for unknown in (mask + 1, 2**32 - 1):
        program = [passing_on(row, row.modules[0]), *["0"] * len(row.params)]
        program[1 + index] = str(unknown)
        with pywasix.start(program, invoke="call", stdin=pywasix.DEVNULL) as process:
            process.wait(PATIENCE)
        assert process.results == (Errno.INVAL,)


def test_a_signal_handler_of_another_type_ends_the_guest() -> None:
    text = """(module
        (import "wasix_32v1" "callback_signal" (func $name (param i32 i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "handler")
        (data (i32.const 16) "\\00\\00\\00\\00\\07\\00\\00\\00")
        (func (export "handler") (param i64 i64))
        (func (export "_start")
            (call $name (i32.const 0) (i32.const 7))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 64)))
            (drop (call $sleep (i64.const -1)))))"""
    with pywasix.start([bytes(wasmtime.wat2wasm(text))], stdout=pywasix.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == b"handler"
        process.send_signal(2)
        assert process.wait(PATIENCE) == -6
    assert "handler" in process.reason
    assert "mistake" not in process.reason
