"""The guests that check accept themselves: on both networks, over IPv4 and IPv6, and natively, where Linux tells."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pywasix
from contract.natives import Natives
from guests import build
from pywasix.net.sockets import Socket
from support import PATIENCE, WIRES, Wire, guest, wait_for_line, wait_until

SIGNAL = 10  # USR1

NEEDS_MORE = {"accept_raw", "accept_probe", "accept_signal"}
"""Guests with a test of their own, because they take no address or wait for something."""
PLAIN = sorted(name for name in build.guests() if name.startswith("accept_") and name not in NEEDS_MORE)
MAX_FDS = 64
HOST_WIRES = [name for name in WIRES if name.startswith("host")]


def checks(output: str) -> list[str]:
    """The lines of a guest, all of which must say that a check held."""
    lines = output.splitlines()
    wrong = [line for line in lines if not line.endswith(": ok") and not line.startswith("-- ")]
    assert not wrong, wrong
    assert lines
    return lines


def run_guest(name: str, wire: Wire, *args: str) -> list[str]:
    done = pywasix.run(
        [guest(name), wire.host, *args],
        net=wire.net,
        stdin=pywasix.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        max_fds=MAX_FDS if name == "accept_mfile" else None,
    )
    assert done.stderr == ""
    lines = checks(done.stdout)
    assert done.returncode == 0
    return lines


@pytest.mark.parametrize("name", PLAIN)
def test_guest(name: str, wire: Wire) -> None:
    run_guest(name, wire)


@pytest.mark.parametrize("host", HOST_WIRES)
@pytest.mark.parametrize("name", [name for name in PLAIN if name not in build.WASM_ONLY])
def test_native_build_prints_the_same(name: str, host: str, natives: Natives) -> None:
    with WIRES[host]() as wire:
        command = [natives.command(name), wire.host]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.stderr == ""
        assert checks(done.stdout) == run_guest(name, wire)
        assert done.returncode == 0


def test_guest_with_a_thousand_callers(wire: Wire) -> None:
    run_guest("accept_peer", wire, "1000")


def test_raw_argument_words() -> None:
    done = pywasix.run([guest("accept_raw")], net=True, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert len(checks(done.stdout)) == 8


def test_raw_argument_words_on_a_virtual_network() -> None:
    with pywasix.VirtualNetwork() as network:
        done = pywasix.run([guest("accept_raw")], net=network, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert len(checks(done.stdout)) == 8


def test_byte_order_probe_opens_no_port(wire: Wire) -> None:
    done = pywasix.run([guest("accept_probe")], net=wire.net, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    checks(done.stdout)


def test_byte_order_probe_needs_no_network() -> None:
    said: list[str] = []
    done = pywasix.run([guest("accept_probe")], capture_output=True, text=True, timeout=PATIENCE, report=said.append)
    assert (done.returncode, said) == (0, [])
    checks(done.stdout)


@pytest.fixture
def signalled(wire: Wire) -> Iterator[pywasix.Process]:
    """accept_signal, blocked in accept."""
    options: dict[str, Any] = {"stdout": pywasix.PIPE, "text": True}
    with pywasix.start([guest("accept_signal"), wire.host], net=wire.net, **options) as process:
        wait_for_line(process, "blocking")
        task = process._process.main_task
        wait_until(lambda: isinstance(task.waiting_on, Socket))  # no more the stream it printed to
        try:
            yield process
        finally:
            process.kill()


def test_signal_handler_interrupts_accept(signalled: pywasix.Process) -> None:
    signalled.send_signal(SIGNAL)
    output, _ = signalled.communicate(timeout=PATIENCE)
    assert checks(output) == [f"{name}: ok" for name in ("accept", "the handler ran", "the next accept works")]
    assert signalled.returncode == 0


def test_signal_handler_interrupts_accept_natively(natives: Natives) -> None:
    command = [natives.command("accept_signal"), "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "blocking\n"
        # Nothing but accept can make it wait now.
        wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S")
        process.send_signal(SIGNAL)
        output, _ = process.communicate(timeout=PATIENCE)
    assert checks(output) == [f"{name}: ok" for name in ("accept", "the handler ran", "the next accept works")]
