"""Signals, stops, timers, threads, futexes, pipes: the same C program, native and as a guest, prints the same."""

from __future__ import annotations

import subprocess

import pywasix
from contract.behaviours import behaviours
from contract.natives import Natives
from support import PATIENCE, guest

LEAST = 60


def test_it_is_as_on_linux(natives: Natives) -> None:
    native = subprocess.run([natives.command("tasks")], capture_output=True, text=True, timeout=PATIENCE, check=True)
    done = pywasix.run(guest("tasks"), net=True, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    told, expected = behaviours(done.stdout), behaviours(native.stdout)
    assert told == expected
    assert len(expected) >= LEAST


def test_stops_are_as_on_linux(natives: Natives) -> None:
    native = subprocess.run([natives.command("stops")], capture_output=True, text=True, timeout=PATIENCE, check=True)
    done = pywasix.run(guest("stops"), capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == native.stdout.splitlines()


def test_stops_race_as_on_linux(natives: Natives) -> None:
    """With what a process is about to do: wait for a child, exec, fork, vfork, sleep on a futex, end."""
    command = natives.command("stop_races")
    native = subprocess.run([command, command], capture_output=True, text=True, timeout=PATIENCE, check=True)
    module = guest("stop_races")
    done = pywasix.run(
        [module, "/bin/stop_races"], commands={"stop_races": module}, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == native.stdout.splitlines()
