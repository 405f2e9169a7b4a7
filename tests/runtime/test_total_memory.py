"""The limit of the memory of all processes together, met by programs that want more."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import pywasix
from contract.wat import module
from pywasix import ModuleError, OptionError
from pywasix.abi.errno import Errno
from support import PATIENCE, guest, wait_for_line, wait_until

MIB = 1 << 20
PAGE = 1 << 16
REFUSED = f"-{Errno.NOMEM:d}\n".encode()


def taken(process: pywasix.Process) -> int:
    """What the program's processes have taken of it now."""
    return process._process.kernel.memory.taken


def test_forks_are_told_and_the_others_go_on() -> None:
    """Three children fit beside the first process, which gets no fourth one."""
    options: dict[str, Any] = {"max_memory": 2 * MIB, "max_total_memory": 9 * MIB, "stdout": pywasix.PIPE, "text": True}
    with pywasix.start([guest("hostile_processes"), "waits", "20"], **options) as process:
        assert wait_for_line(process, "") == "3"
        assert taken(process) == 8 * MIB
        process.kill()
        process.wait(PATIENCE)
    assert taken(process) == 0


def test_a_bomb_never_passes_it_and_its_host_is_well() -> None:
    before, seen = threading.active_count(), set()
    process = pywasix.start(
        [guest("hostile_processes"), "forks"],
        max_memory=MIB,
        max_total_memory=6 * MIB,
        stdout=pywasix.DEVNULL,
    )
    wait_until(lambda: taken(process) == 6 * MIB)
    for _ in range(300):
        seen.add(taken(process))
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(0.001)  # it is told NOMEM, and tries again for ever
    process.kill()
    process.wait(PATIENCE)
    assert max(seen) == 6 * MIB
    assert (taken(process), threading.active_count()) == (0, before)


@pytest.mark.parametrize(
    ("name", "limit", "each", "forks"),
    [("bench_processes", 4 * MIB, 4 * MIB, 1000), ("bench_processes_shared", 1024 * MIB, 256 * MIB, 200)],
)
def test_many_forks_give_all_of_it_back(name: str, limit: int, each: int, forks: int) -> None:
    """Only one child fits at a time; what the module declares counts when it is less than the limit."""
    process = pywasix.start(
        [guest(name), "fork", "1", str(forks)],
        max_memory=limit,
        max_total_memory=2 * each,
        stdout=pywasix.PIPE,
    )
    output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, len(output.split())) == (0, forks)
    assert taken(process) == 0


def test_spawns_are_told() -> None:
    never_ends = module(  # one that ends gives back what it has
        '(import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))'
        '(memory (export "memory") 1) (func (export "_start") (drop (call $sleep (i64.const -1))))'
    )
    done = pywasix.run(
        [guest("hostile_processes"), "spawns", "/bin/sleep"],
        commands={"sleep": never_ends},
        max_memory=2 * MIB,
        max_total_memory=8 * MIB,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.stdout == REFUSED


def test_a_program_that_is_too_large_to_be_spawned_is_nomem() -> None:
    large = module('(memory (export "memory") 40) (func (export "_start"))')
    options: dict[str, Any] = {"max_memory": 2 * MIB, "capture_output": True, "timeout": PATIENCE}
    args = [guest("hostile_processes"), "spawns", "/bin/large"]
    done = pywasix.run(args, commands={"large": large}, **options)
    assert done.stdout == REFUSED


def test_exec_gives_back_what_the_old_program_had() -> None:
    """All of it is taken by the first program; there is room for another one when that is gone."""
    source = module(
        '(import "wasix_32v1" "proc_exec" (func $exec (param i32 i32 i32 i32)))'
        '(memory (export "memory") 1) (data (i32.const 16) "/bin/next")'
        '(func (export "_start") (call $exec (i32.const 16) (i32.const 9) (i32.const 16) (i32.const 9)))'
    )
    done = pywasix.run(
        source,
        commands={"next": guest("hello")},
        max_memory=2 * MIB,
        max_total_memory=2 * MIB,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout[:5]) == (0, b"hello")


EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'
FORK = '(import "wasix_32v1" "proc_fork" (func (param i32 i32) (result i32)))'
GROW = """(func (export "_start")
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (call $proc_exit (memory.size)))"""
MEMORIES = ['(memory (export "memory") 1)', '(import "env" "memory" (memory 1 65536 shared))']


@pytest.mark.parametrize("memory", MEMORIES)
def test_growth_ends_at_the_sum_or_at_a_quarter_of_it(memory: str) -> None:
    alone, forking = module(f"{EXIT} {memory} {GROW}"), module(f"{EXIT} {FORK} {memory} {GROW}")
    for source, given, pages in (
        (alone, None, 40),
        (alone, 9, 9),
        (alone, 90, 40),
        (forking, None, 10),
        (forking, 30, 30),
    ):
        most = None if given is None else given * PAGE
        done = pywasix.run(source, max_memory=most, max_total_memory=40 * PAGE, timeout=PATIENCE)
        assert done.returncode == pages, (given, pages)


def test_values() -> None:
    with pytest.raises(OptionError, match=r"--max-total-memory \(max_total_memory\) is 100 bytes"):
        pywasix.start(guest("hello"), max_total_memory=100)
    with pytest.raises(OptionError, match="max_total_memory is '1G'; it is a number of bytes"):
        pywasix.start(guest("hello"), max_total_memory="1G")  # type: ignore[arg-type]  # as users do
    with pytest.raises(ModuleError, match="are allowed; raise --max-memory"):
        pywasix.start(module('(memory (export "memory") 40) (func (export "_start"))'), max_total_memory=MIB)
