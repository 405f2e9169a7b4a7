"""Copying memory for fork: all that is used, and nothing else."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from pywasix.engine import copying
from pywasix.engine.memory import PAGE, SharedMemory
from pywasix.engine.module import shared_engine

SIZE = 64 * PAGE


def resident(memory: SharedMemory) -> int:
    """Bytes of a memory that the host has pages for (Linux)."""
    address, size = memory._measure()
    return sum(end - start for start, end in copying._used(address, size))


@pytest.mark.parametrize("known", [True, False])
def test_every_byte_is_copied(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not known:  # as where there is no /proc
        monkeypatch.setattr(copying, "_runs", lambda number, pages: (_ for _ in ()).throw(OSError))
    memory = SharedMemory(shared_engine(), 64, 128)
    linear = memory.linear()
    places = [0, 1, 4095, 4096, 3 * 4096 + 7, PAGE - 1, PAGE, 40 * PAGE + 123, SIZE - 1]
    for number, place in enumerate(places, 1):
        linear.write(place, bytes([number]))
    linear.write(10 * PAGE, b"\xaa" * (20 * PAGE))
    copy = memory.copy()
    assert copy.linear().read(0, SIZE) == linear.read(0, SIZE)
    assert copy._measure()[1] == SIZE
    copy.linear().write(0, b"other")
    assert linear.read(0, 5) == b"\x01\x02\0\0\0"


def test_pages_that_nobody_touched_stay_so() -> None:
    """Where the host tells (Linux); elsewhere all of it is used."""
    memory = SharedMemory(shared_engine(), 64, 128)
    memory.linear().write(5 * PAGE, b"here")
    copy = memory.copy()
    assert 0 < resident(copy) < PAGE or not Path("/proc/self/pagemap").exists()
    assert copy.linear().read(5 * PAGE, 4) == b"here"


def test_a_copy_may_grow_as_far_as_the_first() -> None:
    memory = SharedMemory(shared_engine(), 1, 3)
    copy = memory.copy()
    assert copy._maximum == 3


def test_addresses_need_not_be_neighbours() -> None:
    source, target = (ctypes.create_string_buffer(1 << 16) for _ in range(2))
    page = copying._PAGE
    start = -ctypes.addressof(source) % page
    ctypes.memmove(ctypes.addressof(source) + start, b"bytes", 5)
    aligned = ctypes.addressof(target) + -ctypes.addressof(target) % page
    copying.copy_memory(aligned, ctypes.addressof(source) + start, 4 * page)
    assert ctypes.string_at(aligned, 5) == b"bytes"
