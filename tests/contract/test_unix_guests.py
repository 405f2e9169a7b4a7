"""Unix sockets of whole guests: as Linux has them, without any network, and with nothing left behind."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pywasix
from contract.natives import Natives
from contract.test_blocked import blocked_guest, end_of, nothing_left, within_limit
from support import PATIENCE, guest, wait_for_line


@pytest.mark.parametrize("net", [None, "ipv4:deny=*:*", True, "virtual"])
def test_a_guest_prints_what_linux_prints(net: Any, tmp_path: Path) -> None:
    command = [Natives(tmp_path).command("unix_echo"), "-c", "/run"]
    expected = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    with pywasix.VirtualNetwork() as network:
        chosen = network if net == "virtual" else net
        done = pywasix.run([guest("unix_echo"), "-c", "/run"], net=chosen, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_python_calls_the_guest() -> None:
    with (
        pywasix.VirtualNetwork() as network,
        network.attach() as place,
        pywasix.start([guest("unix_echo"), "run/echo"], net=place, stdout=pywasix.PIPE, text=True) as process,
    ):
        wait_for_line(process, "listening on")
        with place.connect_unix("/run/echo", timeout=PATIENCE) as caller:
            wait_for_line(process, "without a name")
            caller.sendall(b"hello")
            caller.shutdown(socket.SHUT_WR)
            assert caller.recv(16) == b"hello"
            assert caller.recv(16) == b""
        process.kill()


def test_kill_while_connect_waits() -> None:
    def attempt() -> float:
        with blocked_guest("block_unix_connect", "none") as process:
            took = end_of(process, process.kill)
            assert process.returncode == -signal.SIGKILL
            return took

    within_limit(nothing_left(attempt))
