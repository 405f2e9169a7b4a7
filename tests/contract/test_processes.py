"""fork, vfork, wait, setjmp: the same C program, native and as a guest, prints the same."""

from __future__ import annotations

import subprocess

import pytest

import pywasix
from contract.natives import Natives
from support import PATIENCE, guest

CASES = ["fork", "memory", "many", "nested", "vfork", "wait", "pipe", "jump", "volatile", "deep", "forkjump"]


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_on_linux(case: str, natives: Natives) -> None:
    native = subprocess.run([natives.command("processes"), case], capture_output=True, timeout=PATIENCE, check=True)
    assert native.stdout
    done = pywasix.run([guest("processes"), case], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr.decode(), done.stdout.decode()) == (0, "", native.stdout.decode())
