"""Programs of many processes, killed at any moment: nothing of them is left."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import pytest

import pywasix
from support import PATIENCE, guest, open_files

MOMENTS = 1000 if os.environ.get("PYWASIX_FUZZ") == "nightly" else 60
LATEST = 0.06  # seconds; most programs have ended by themselves then
TOOLS = dict.fromkeys(("seq", "rev", "sort", "wc", "sleep"), guest("tools"))

PROGRAMS: list[tuple[str, ...]] = [
    ("hostile_processes", "forks"),
    ("hostile_processes", "zombies"),
    ("hostile_processes", "spawns", "/bin/sleep"),
    ("run_command", *["seq", "100000", "|", "rev", "|", "sort", "|", "wc"]),
    ("run_command", *["seq", "100000", "|", "shout", "|", "wc"]),
    ("processes", "many"),
    ("processes", "nested"),
    ("processes", "pipe"),
    ("processes", "vfork"),
    ("vfork_env", "/bin/vfork_env"),
    ("thread_exec", "/bin/thread_exec", "again"),
    ("thread_exec", "/bin/thread_exec", "child"),
    ("stops",),
    ("handlers", "blocked"),
    ("handlers", "write"),
]


def held() -> tuple[set[int], int]:
    """Descriptors and threads, without what the engine keeps for a loaded module once it has run."""
    return {fd for fd, target in open_files().items() if "wasm-memory-image" not in target}, threading.active_count()


def shout(command: pywasix.Command) -> None:
    for line in command.stdin:
        command.stdout.write(line.upper())


@pytest.mark.timeout(MOMENTS * 2 + PATIENCE)
def test_nothing_is_left_whenever_it_is_killed() -> None:
    modules = {name: pywasix.load(guest(name)) for name in {program[0] for program in PROGRAMS}}
    commands: dict[str, Any] = {**TOOLS, **modules, "shout": shout}
    moments = random.Random(5)
    pywasix.run([modules["processes"], "fork"], stdout=pywasix.DEVNULL)  # what is made once is no leak
    before = held()
    for number in range(MOMENTS):
        name, *args = PROGRAMS[number % len(PROGRAMS)]
        process = pywasix.start(
            [modules[name], *args], commands=commands, stdout=pywasix.DEVNULL, stderr=pywasix.DEVNULL, max_processes=30
        )
        moment = moments.random() * LATEST
        try:
            process.wait(moment)
        except pywasix.TimeoutExpired:
            process.kill()
        assert process.wait(PATIENCE) is not None, (name, args, moment)
        assert held() == before, (name, args, moment)
