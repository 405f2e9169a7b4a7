"""A program full of threads is killed at any moment, and leaves no thread, descriptor or memory behind.

30 moments; `PYWASIX_FUZZ=nightly` makes them 1,000. They are drawn from a seed, which a failure names.
"""

from __future__ import annotations

import gc
import threading
from random import Random
from typing import Any

import pytest

import pywasix
from fuzz.profile import NIGHTLY
from hammer.test_servers import LEAK, resident
from support import PATIENCE, guest, open_files

MOMENTS = 1_000 if NIGHTLY else 30
LATEST = 0.06  # seconds after the start
SEED = 20221


def killed_after(module: Any, seconds: float, *, signal: int) -> None:
    """Start the program, kill it after a time, and see it end."""
    process = pywasix.start(module, net=True, stdout=pywasix.DEVNULL)
    try:
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(seconds)
    finally:
        process.send_signal(signal)
        assert process.wait(PATIENCE) == -signal


def test_at_any_moment() -> None:
    draw, module = Random(SEED), pywasix.load(guest("thread_storm"))
    for _ in range(5):  # what the interpreter and the engine keep for ever
        killed_after(module, LATEST, signal=9)
    gc.collect()
    threads, files, before = set(threading.enumerate()), open_files().keys(), resident()
    for moment in range(MOMENTS):
        seconds = draw.uniform(0, LATEST)
        killed_after(module, seconds, signal=9)
        assert set(threading.enumerate()) <= threads, (SEED, moment, seconds)
        assert open_files().keys() == files, (SEED, moment, seconds)
    gc.collect()
    assert resident() - before < LEAK
