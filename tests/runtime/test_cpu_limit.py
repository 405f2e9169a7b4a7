"""The limit of processor time, met by programs that compute for ever, in each way that they can."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

import pywasix
from pywasix import Command, OptionError
from support import PATIENCE, guest, wait_for_line

LIMIT = 0.2


def write_for_ever(command: Command) -> None:
    while True:
        command.stdout.write("y\n" * 1000)


PROGRAMS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "alone": (["busy_loop"], {}),
    "threads": (["hostile_threads", "4", "computes"], {}),
    "forks": (["hostile_processes", "forks"], {"max_memory": 1 << 20, "max_total_memory": 4 << 20}),
    "spawned": (["run_command", "burn"], {"commands": {"burn": guest("busy_loop")}}),
    "piped": (["run_command", "yes", "|", "wc"], {"commands": {"yes": write_for_ever, "wc": guest("tools")}}),
}


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_who_computes_for_ever_ends(name: str) -> None:
    (program, *args), options = PROGRAMS[name]
    with pywasix.start([guest(program), *args], max_cpu=LIMIT, stdout=pywasix.DEVNULL, **options) as process:
        assert process.wait(PATIENCE) == -signal.SIGXCPU
        assert process.reason == "the limit of 0.2 seconds of processor time is over (--max-cpu)"
        cpu = process._process.kernel.cpu
        assert cpu is not None
        assert LIMIT <= cpu.spent() / 1e9 < 10 * LIMIT


def test_who_sleeps_spends_nothing() -> None:
    with pywasix.start(guest("sleep"), max_cpu=LIMIT, stdout=pywasix.PIPE, text=True) as process:
        wait_for_line(process, "blocking")
        cpu = process._process.kernel.cpu
        assert cpu is not None
        before = cpu.spent()
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(2 * LIMIT)
        assert cpu.spent() - before < LIMIT * 1e9 / 4
        process.kill()
        process.wait(PATIENCE)


def test_the_command_line() -> None:
    command = [sys.executable, "-m", "pywasix", "run", "--max-cpu", "0.2", str(guest("busy_loop"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 128 + signal.SIGXCPU
    assert done.stderr.endswith("the limit of 0.2 seconds of processor time is over (--max-cpu)\n")


@pytest.mark.parametrize("value", [0, -1, float("nan"), 1e10, "1"])
def test_values(value: Any) -> None:
    with pytest.raises(OptionError, match="--max-cpu"):
        pywasix.start(guest("hello"), max_cpu=value)
