"""fork, vfork, exec, wait, setjmp, in handlers and threads: a C program prints the same, native and as a guest."""

from __future__ import annotations

import subprocess

import pytest

import pywasix
from contract.natives import Natives
from support import PATIENCE, guest

PROCESSES = ["fork", "memory", "many", "nested", "vfork", "wait", "pipe", "jump", "volatile", "deep", "forkjump"]
EXECS = ["thread", "gone", "two", "failed", "child", "again"]  # who calls it
HANDLERS = ["fork", "blocked", "jump", "out", "write", "nested", "twice"]


def compare(program: str, case: str, natives: Natives, shared: bool) -> None:
    """Lines of several processes come in any order.

    Args:
        shared: the guest's memory is imported and shared, as that of guests with threads.
    """
    native = subprocess.run([natives.command(program), case], capture_output=True, timeout=PATIENCE, check=True)
    assert native.stdout
    done = pywasix.run([guest(f"{program}_shared" if shared else program), case], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert sorted(done.stdout.decode().splitlines()) == sorted(native.stdout.decode().splitlines())


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("case", PROCESSES)
def test_processes_are_as_on_linux(case: str, shared: bool, natives: Natives) -> None:
    compare("processes", case, natives, shared)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("case", HANDLERS)
def test_handlers_that_fork_and_jump_are_as_on_linux(case: str, shared: bool, natives: Natives) -> None:
    compare("handlers", case, natives, shared)


@pytest.mark.parametrize("threads", ["1", "12"])
def test_threads_that_fork_and_jump_are_as_on_linux(threads: str, natives: Natives) -> None:
    native = subprocess.run(
        [natives.command("thread_fork"), threads], capture_output=True, timeout=PATIENCE, check=True
    )
    done = pywasix.run([guest("thread_fork"), threads], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, native.stdout, b"")


def compare_with_itself_as_command(program: str, *words: str, natives: Natives) -> None:
    """A program that runs itself again: its first argument is its path."""
    native = subprocess.run([natives.command(program)] * 2 + [*words], capture_output=True, timeout=PATIENCE)
    module = pywasix.load(guest(program))
    done = pywasix.run(
        [module, f"/bin/{program}", *words], commands={program: module}, capture_output=True, timeout=PATIENCE
    )
    assert native.stdout
    assert (done.returncode, done.stdout, done.stderr) == (native.returncode, native.stdout, native.stderr)


@pytest.mark.parametrize("case", EXECS)
def test_exec_in_a_process_with_threads_is_as_on_linux(case: str, natives: Natives) -> None:
    compare_with_itself_as_command("thread_exec", case, natives=natives)


def test_vfork_of_programs_with_exceptions_is_as_on_linux(natives: Natives) -> None:
    compare_with_itself_as_command("vfork_env", natives=natives)
