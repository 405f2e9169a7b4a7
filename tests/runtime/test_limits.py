"""Limits, met by guests that want more."""

from __future__ import annotations

import signal
from typing import Any

import pytest

import pywasix
from contract.wat import module, program
from pywasix import ModuleError
from pywasix.engine.memory import PAGE
from support import PATIENCE, guest

GROW_UNTIL_REFUSED = """
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (call $proc_exit (memory.size))
"""
EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'


def grower(memory: str) -> bytes:
    """A guest that takes page after page, and exits with how many it has in the end."""
    return module(f'{EXIT} {memory} (func (export "_start") {GROW_UNTIL_REFUSED})')


EXPORTED = '(memory (export "memory") 1)'
SHARED = '(import "env" "memory" (memory 1 65536 shared))'


@pytest.mark.parametrize("memory", [EXPORTED, SHARED])
@pytest.mark.parametrize("pages", [1, 2, 64])
def test_max_memory_stops_growth(memory: str, pages: int) -> None:
    done = pywasix.run(grower(memory), max_memory=pages * PAGE + 17, timeout=PATIENCE)
    assert done.returncode == pages


@pytest.mark.parametrize("memory", ['(memory (export "memory") 1 8)', '(import "env" "memory" (memory 1 8 shared))'])
def test_the_modules_own_maximum_counts_too(memory: str) -> None:
    assert pywasix.run(grower(memory), max_memory=100 * PAGE, timeout=PATIENCE).returncode == 8


def test_one_jump_beyond_the_limit() -> None:
    jump = "(call $proc_exit (i32.add (memory.grow (i32.const 65535)) (i32.const 2)))"
    for memory in (EXPORTED, SHARED):
        source = module(f'{EXIT} {memory} (func (export "_start") {jump})')
        assert pywasix.run(source, max_memory=16 * PAGE, timeout=PATIENCE).returncode == 1


@pytest.mark.parametrize("memory", ['(memory (export "memory") 17)', '(import "env" "memory" (memory 17 20 shared))'])
def test_a_module_that_begins_beyond_the_limit(memory: str) -> None:
    source = module(f'{memory} (func (export "_start"))')
    with pytest.raises(ModuleError, match=r"needs 1\.062 MiB of memory, 1 MiB are allowed; raise --max-memory to 2M"):
        pywasix.run(source, max_memory=16 * PAGE, timeout=PATIENCE)


def test_programs_of_shared_memory_run_within_their_limit() -> None:
    done = pywasix.run([guest("shared_hello")], max_memory=64 << 20, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, b"hello from shared memory: 42, 1\n")


def test_tables_are_limited_too() -> None:
    """Their entries lie in the host's memory, for each thread anew: what a program needs, not what it likes."""
    grow = """
        (loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 16384)) (i32.const -1))))
        (call $proc_exit (table.size $t))
    """
    source = module(f'{EXIT} (table $t 1 funcref) (func (export "_start") {grow})')
    assert 100_000 < pywasix.run(source, timeout=PATIENCE).returncode <= 1 << 17
    source = module(f'{"(table 1 funcref)" * 100} (func (export "_start"))')
    with pywasix.start(source) as process:
        assert process.wait(PATIENCE) == -signal.SIGABRT
    assert "table count too high" in process.reason


OPEN_UNTIL_REFUSED = program(
    """
    (local $count i32)
    (loop $again
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $again (i32.eqz (call $fd_dup (i32.const 0) (i32.const 64)))))
    (call $proc_exit (local.get $count))
    """,
    imports='(import "wasix_32v1" "fd_dup" (func $fd_dup (param i32 i32) (result i32)))',
)


@pytest.mark.parametrize("limit", [3, 4, 64])
def test_max_fds(limit: int) -> None:
    """The streams and "/" are open, if there is room for it; each further one counts, and the call that failed."""
    done = pywasix.run(OPEN_UNTIL_REFUSED, max_fds=limit, stdin=pywasix.DEVNULL, timeout=PATIENCE)
    assert done.returncode == max(0, limit - 4) + 1


def test_a_guest_that_fills_its_table_leaves_the_host_well() -> None:
    done = pywasix.run([guest("accept_mfile")], net=True, max_fds=100, stdout=pywasix.DEVNULL, timeout=PATIENCE)
    assert done.returncode == 0


def test_deep_recursion_is_a_trap_and_the_host_goes_on() -> None:
    deep = program("(drop (call $deep (i64.const 0)))", fields=_DEEP)
    for _ in range(3):
        with pywasix.start(deep) as process:
            assert process.wait(PATIENCE) == -signal.SIGABRT
        assert process.reason.startswith("wasm trap: stack overflow")


_DEEP = "(func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (call $deep (local.get 0))))"


def test_huge_output_is_no_problem() -> None:
    """A guest that writes for ever is stopped by the time limit; what it wrote until then is there."""
    endless = program(
        "(loop $again (call $print (i32.const 16) (i32.const 4096)) (br $again))",
        fields='(data (i32.const 16) "x")',
    )
    with pytest.raises(pywasix.TimeoutExpired):
        pywasix.run(endless, stdout=pywasix.DEVNULL, timeout=0.2)


def test_limits_of_one_program_are_not_anothers() -> None:
    options: dict[str, Any] = {"timeout": PATIENCE}
    small = pywasix.run(grower(EXPORTED), max_memory=2 * PAGE, **options)
    large = pywasix.run(grower(EXPORTED), max_memory=200 * PAGE, **options)
    assert (small.returncode, large.returncode) == (2, 200)
