"""One program that forks, spawns, starts threads, pipes and sets its terminal, killed at any moment: nothing is left.

Often it is stopped, or just going on, when it is killed.

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
from hammer.test_killed_families import held
from hammer.test_servers import LEAK, resident
from hammer.test_terminal import watch
from support import PATIENCE, guest
from terminals import Screen, screen

MOMENTS = 1_000 if NIGHTLY else 30
LATEST = 0.3  # seconds after the start; everything that the program does happens in the first tenths
SEED = 20222
CONTINUE, STOP = 18, 19


def stop_and_go(process: pywasix.Process, signals: list[int]) -> None:
    """Send signals from two threads at once."""

    def send() -> None:
        for each in signals:
            process.send_signal(each)

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


def killed_after(module: Any, seen: Screen, seconds: float, signals: list[int]) -> None:
    """Start the program, send it signals after a time, kill it and see it end."""
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), seen.theirs)
    process = pywasix.start([module], commands={"storm": module}, max_processes=12, max_threads=60, **streams)
    try:
        with pytest.raises(pywasix.TimeoutExpired):
            process.wait(seconds)
        stop_and_go(process, signals)
    finally:
        process.kill()
        assert process.wait(PATIENCE) == -9


@pytest.mark.timeout(MOMENTS * 3 + PATIENCE)
def test_nothing_is_left_whenever_it_is_killed() -> None:
    draw, module = Random(SEED), pywasix.load(guest("mixed_storm"))
    with screen() as seen:
        modes, watcher = seen.modes(), watch(seen)
        for _ in range(5):  # what the interpreter and the engine keep for ever
            killed_after(module, seen, LATEST, [STOP, CONTINUE])
        gc.collect()
        left, before = (held(), set(threading.enumerate())), resident()
        for moment in range(MOMENTS):
            seconds = draw.uniform(0, LATEST)
            killed_after(module, seen, seconds, draw.choices([STOP, CONTINUE], k=draw.randrange(4)))
            assert (held(), set(threading.enumerate())) == left, (SEED, moment, seconds)
            assert seen.modes() == modes, (SEED, moment, seconds)
        gc.collect()
        grown = resident() - before
        seen.give_away()
        watcher.join(PATIENCE)
    assert grown < LEAK
