"""Signals, and what happens on a terminal."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from cli.command import PYWASIX, line_with, started
from support import PATIENCE, guest
from terminals import INTERRUPT, on_terminal

# Prints "ready", says "caught" for each signal, and never ends by itself.
STUBBORN = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
  (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\20\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 8) "\\30\\00\\00\\00\\07\\00\\00\\00")
  (data (i32.const 32) "ready\\n")
  (data (i32.const 48) "caught\\n")
  (data (i32.const 64) "on_signal")
  (func (export "on_signal") (param i32)
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 128))))
  (func (export "_start")
    (call $callback_signal (i32.const 64) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 128)))
    (loop $again
      (drop (call $sleep (i64.const 1000000000000)))
      (br $again))))"""


@pytest.fixture
def stubborn(tmp_path: Path) -> Path:
    """A guest that handles every signal and goes on."""
    path = tmp_path / "stubborn.wasm"
    path.write_bytes(bytes(wat2wasm(STUBBORN)))
    return path


@pytest.mark.parametrize("name", ["sleep", "busy_loop", "block_stdin", "block_futex"])
def test_control_c_ends_a_program_that_does_not_handle_it(name: str) -> None:
    with on_terminal(*PYWASIX, "run", str(guest(name))) as terminal:
        terminal.read_until(b"blocking")
        terminal.type(INTERRUPT)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGINT


def test_a_second_control_c_kills(stubborn: Path) -> None:
    with on_terminal(*PYWASIX, "run", str(stubborn)) as terminal:
        terminal.read_until(b"ready")
        terminal.type(INTERRUPT)
        terminal.read_until(b"caught")
        terminal.type(INTERRUPT)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGKILL


def test_sigterm_is_the_guest_s(stubborn: Path) -> None:
    with started("run", stubborn) as process:
        line_with(process.stdout, "ready")
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
            line_with(process.stdout, "caught")
        process.send_signal(signal.SIGINT)
        line_with(process.stdout, "caught")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 128 + signal.SIGKILL
    with started("run", guest("sleep")) as process:
        line_with(process.stdout, "blocking")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


# Compiling that takes until a key is pressed.
SLOW = """
import sys
import pywasix.cli.program as program
import pywasix.engine.module as module
load = module.load
def slow(file, **options):
    print("started", flush=True)
    sys.stdin.readline()
    return load(file, **options)
module.load = slow
program._SHOW_PROGRESS_AFTER = 0.0
from pywasix.cli import main
main()
"""


def test_a_long_compilation_shows_progress() -> None:
    with on_terminal(sys.executable, "-c", SLOW, "run", str(guest("hello"))) as terminal:
        terminal.read_until(b"compiling")
        terminal.type(b"\n")
        terminal.read_until(b"hello\r\n")
        assert terminal.process.wait(PATIENCE) == 0


def test_control_c_ends_a_long_compilation() -> None:
    with on_terminal(sys.executable, "-c", SLOW, "run", str(guest("hello"))) as terminal:
        terminal.read_until(b"compiling")
        terminal.type(INTERRUPT)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGINT


def test_control_c_ends_a_long_compilation_away_from_a_terminal() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "run", str(guest("hello"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line_with(process.stdout, "started")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 128 + signal.SIGINT
    assert process.communicate() == ("", "")


# Gets SIGINT while the command line is read.
EARLY = """
import os, signal
import pywasix.cli.quick as quick
def interrupted(words):
    os.kill(os.getpid(), signal.SIGINT)
    print("still here", flush=True)
quick.parse = interrupted
from pywasix.cli import main
main()
"""


def test_control_c_before_the_program_runs() -> None:
    command = [sys.executable, "-c", EARLY, "run", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "")


def test_who_ignores_control_c_still_does_before_the_program_runs() -> None:
    command = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", EARLY, "run", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "still here", "")


def test_a_compilation_that_fails_on_a_terminal() -> None:
    with on_terminal(*PYWASIX, "run", "missing.wasm") as terminal:
        terminal.read_until(b"pywasix: missing.wasm: there is no such file\r\n")
        assert terminal.process.wait(PATIENCE) == 1
