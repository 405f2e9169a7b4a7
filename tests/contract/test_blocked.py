"""A guest that blocks, or computes, stops and ends within a tenth of a second of being told to, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import pywasix
from contract.wat import program
from pywasix.host.poller import HostPoller
from pywasix.kernel import futex
from pywasix.kernel import wait as wait_module
from pywasix.kernel.task import Task
from support import PATIENCE, WIRES, guest, open_files, wait_for_line, wait_until

LIMIT = 0.1  # seconds
ATTEMPTS = 4  # a busy machine may be late once; a host that is always late is wrong

NETWORKED = (
    "block_accept",
    "block_recv",
    "block_recv_from",
    "block_send",
    "block_connect",
    "block_poll",
    "block_epoll",
)
LOCAL = ("block_futex", "block_stdin", "sleep")
COMPUTING = "busy_loop"
CASES = [(name, wire) for name in NETWORKED for wire in WIRES] + [(name, "none") for name in (*LOCAL, COMPUTING)]


class Poller:
    """What `HostPoller.wait` and `kernel.wait.rest` are replaced by: it tells when a task has begun to wait there."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Event()
        original = HostPoller.wait

        def wait(poller: HostPoller, interests: Any, timeout_ns: int | None) -> list[int]:
            if timeout_ns is None or timeout_ns > 10**9:
                self.entered.set()
            return original(poller, interests, timeout_ns)

        patch.setattr(HostPoller, "wait", wait)

        def rest(task: Task, token: threading.Lock, deadline: int | None) -> bool:
            self.entered.set()
            return wait_module.rest(task, token, deadline)

        patch.setattr(futex, "rest", rest)


@contextmanager
def blocked_guest(name: str, wire: str, **options: Any) -> Iterator[pywasix.Process]:
    """A guest that has printed "blocking"."""
    with WIRES[wire]() if wire != "none" else no_wire() as found:
        arguments = [found.host] if found is not None else []
        chosen: dict[str, Any] = {"stdin": pywasix.PIPE, "stdout": pywasix.PIPE, "text": True, **options}
        net = None if found is None else found.net
        with pywasix.start([guest(name), *arguments], net=net, **chosen) as process:
            try:
                wait_for_line(process, "blocking")
                yield process
            finally:
                process.kill()


@contextmanager
def no_wire() -> Iterator[None]:
    yield None


def within_limit(attempt: Callable[[], float]) -> None:
    """At least one attempt takes no longer than the limit."""
    took = []
    for _ in range(ATTEMPTS):
        took.append(attempt())
        if took[-1] <= LIMIT:
            return
    raise AssertionError(f"it took {took} seconds")


def end_of(process: pywasix.Process, action: Callable[[], object]) -> float:
    """Seconds from an action to the end of a process, its thread included."""
    start = monotonic()
    action()
    process.wait(PATIENCE)
    return monotonic() - start


def nothing_left(attempt: Callable[[], float]) -> Callable[[], float]:
    """The same attempt, with threads and descriptors counted before and after."""

    def counted() -> float:
        threads, files = set(threading.enumerate()), open_files()
        took = attempt()
        assert set(threading.enumerate()) <= threads
        assert open_files().keys() == files.keys()
        return took

    return counted


@pytest.mark.parametrize(("name", "wire"), CASES)
def test_a_stop_and_a_kill_of_what_is_stopped(name: str, wire: str) -> None:
    def attempt() -> float:
        with blocked_guest(name, wire) as process:
            for _ in range(3):  # it goes on with what it did, and can be stopped again
                process.send_signal(signal.SIGSTOP)
                wait_until(lambda: process.stopped)
                process.send_signal(signal.SIGCONT)
                assert not process.stopped
            process.send_signal(signal.SIGSTOP)
            wait_until(lambda: process.stopped)
            took = end_of(process, process.kill)
            assert process.returncode == -signal.SIGKILL
        return took

    within_limit(nothing_left(attempt))


@pytest.mark.parametrize(("name", "wire"), CASES)
def test_kill_at_once(name: str, wire: str) -> None:
    def attempt() -> float:
        with blocked_guest(name, wire) as process:
            took = end_of(process, process.kill)
            assert process.returncode == -signal.SIGKILL
            return took

    within_limit(nothing_left(attempt))


@pytest.mark.parametrize(("name", "wire"), [case for case in CASES if case[0] != COMPUTING])
def test_kill_in_the_poller(name: str, wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt() -> float:
        poller = Poller(monkeypatch)
        with blocked_guest(name, wire) as process:
            assert poller.entered.wait(PATIENCE)
            took = end_of(process, process.kill)
            assert process.returncode == -signal.SIGKILL
            return took

    within_limit(nothing_left(attempt))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize(("name", "wire"), [("block_accept", "host-ipv4"), ("busy_loop", "none"), ("sleep", "none")])
def test_signals_nobody_handles(name: str, wire: str, number: int) -> None:
    def attempt() -> float:
        with blocked_guest(name, wire) as process:
            took = end_of(process, lambda: process.send_signal(number))
            assert process.returncode == -number
            return took

    within_limit(nothing_left(attempt))


@pytest.mark.parametrize("number", [0, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG, signal.SIGCONT])
def test_signals_ignored_by_default(number: int) -> None:
    with blocked_guest("block_stdin", "none") as process:
        process.send_signal(number)
        output, _ = process.communicate("four", timeout=PATIENCE)
        assert (process.returncode, output) == (0, "4\n")


def test_terminate() -> None:
    with blocked_guest("sleep", "none") as process:
        process.terminate()
        assert process.wait(PATIENCE) == -signal.SIGTERM


@pytest.mark.parametrize("name", ["hello", "busy_loop", "echo_server"])
def test_kill_right_after_start(name: str) -> None:
    def attempt() -> float:
        process = pywasix.start([guest(name)], net=True, stdout=pywasix.DEVNULL)
        took = end_of(process, process.kill)
        assert process.returncode in (-signal.SIGKILL, 0 if name == "hello" else -signal.SIGKILL)
        return took

    for _ in range(20):
        within_limit(nothing_left(attempt))


@contextmanager
def silent_stream() -> Iterator[int]:
    """The reading end of a pipe that nobody writes to."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(("name", "wire"), CASES)
def test_timeout_of_run(name: str, wire: str) -> None:
    timeout = 0.25  # enough for the guest to print on a busy machine

    def attempt() -> float:
        with WIRES[wire]() if wire != "none" else no_wire() as found, silent_stream() as stdin:
            arguments = [found.host] if found is not None else []
            net = None if found is None else found.net
            start = monotonic()
            with pytest.raises(pywasix.TimeoutExpired) as expired:
                pywasix.run([guest(name), *arguments], net=net, stdin=stdin, stdout=pywasix.PIPE, timeout=timeout)
            took = monotonic() - start - timeout
        assert (expired.value.timeout, expired.value.output) == (timeout, b"blocking\n")
        return took

    within_limit(nothing_left(attempt))


# -- the command line --------------------------------------------------------

CLI_CASES = [(name, "127.0.0.1") for name in NETWORKED] + [(name, None) for name in (*LOCAL, COMPUTING)]


@contextmanager
def command(path: Path, host: str | None, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`pywasix run` of a guest that has printed "blocking"."""
    words = [sys.executable, "-m", "pywasix", "run", "--net", *options, str(path), *([host] if host else [])]
    pipe = subprocess.PIPE
    with silent_stream() as stdin, subprocess.Popen(words, stdin=stdin, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "blocking\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("name", "host"), CLI_CASES)
def test_timeout_of_the_command_line(name: str, host: str | None) -> None:
    timeout = 0.1

    def attempt() -> float:
        with command(guest(name), host, "--timeout", str(timeout)) as process:
            start = monotonic()
            _, error = process.communicate(timeout=PATIENCE)
            took = monotonic() - start - timeout
        assert process.returncode == 124
        assert error == f"pywasix: {guest(name)}: the time limit of 0.1 seconds is over\n"
        return took

    within_limit(attempt)


@pytest.mark.parametrize(("name", "host"), CLI_CASES)
def test_interrupt_of_the_command_line(name: str, host: str | None) -> None:
    def attempt() -> float:
        with command(guest(name), host) as process:
            start = monotonic()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=PATIENCE)
            took = monotonic() - start
        assert (process.returncode, error) == (128 + signal.SIGINT, "")
        return took

    within_limit(attempt)


HANDLES_SIGNALS = program(
    """
    (call $callback_signal (i32.const 64) (i32.const 13))
    (call $print (i32.const 16) (i32.const 9))
    (loop $again (drop (call $sched_yield)) (br $again))
    """,
    imports="""
    (import "wasix_32v1" "callback_signal" (func $callback_signal (param i32 i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
    """,
    fields="""
    (data (i32.const 16) "blocking\\n") (data (i32.const 32) "caught\\n") (data (i32.const 64) "__wasm_signal")
    (func (export "__wasm_signal") (param i32) (call $print (i32.const 32) (i32.const 7)))
    """,
)


def test_the_first_interrupt_is_the_guests_and_the_second_one_kills(tmp_path: Path) -> None:
    path = tmp_path / "handles_signals.wasm"
    path.write_bytes(HANDLES_SIGNALS)
    with command(path, None) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "caught\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "caught\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, error) == (128 + signal.SIGKILL, "")
