"""Programs of as many threads and processes as there may be, killed: they end, and nothing of them is left."""

from __future__ import annotations

import threading

import pytest

import pywasix
from support import PATIENCE, guest, open_files, wait_for_line

CROWDS = [("hostile_threads", 1024), ("hostile_processes", "waits", 255)]


@pytest.mark.parametrize("program", CROWDS, ids=lambda program: program[0])
def test_a_crowd_that_sleeps(program: tuple[str | int, ...]) -> None:
    name, *arguments = program
    module = pywasix.load(guest(str(name)))
    before = set(threading.enumerate())
    files = open_files()
    with pywasix.start([module, *map(str, arguments)], stdout=pywasix.PIPE, text=True) as process:
        assert wait_for_line(process, "") == str(arguments[-1])
        assert threading.active_count() >= len(before) + 256
        process.kill()
        assert process.wait(PATIENCE) == -9
    assert set(threading.enumerate()) <= before
    assert {fd for fd, target in open_files().items() if "wasm-memory-image" not in target} <= files.keys()


def test_a_crowd_that_computes() -> None:
    with pywasix.start([guest("hostile_threads"), "24", "computes"], stdout=pywasix.PIPE, text=True) as process:
        assert wait_for_line(process, "") == "24"
        process.kill()
        assert process.wait(PATIENCE) == -9
