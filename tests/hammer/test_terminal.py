"""Programs that change one terminal and are killed at any moment: it is always as it was found."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from threading import Thread
from typing import Any

import pywasix
from pywasix.engine.module import load
from pywasix.host import terminal
from support import PATIENCE, guest
from terminals import Screen, screen

ROUNDS = 60
WORDS = ("raw", "size", "90", "30", "cooked", "raw", "spin")


def watch(seen: Screen) -> Thread:
    """Read all that shows, so that nobody waits for room."""
    thread = Thread(target=seen.read_to_the_end, daemon=True)
    thread.start()
    return thread


def test_killed_at_any_moment() -> None:
    random = Random(5)
    module = load(guest("terminal"))
    with screen() as seen:
        before, watcher = seen.modes(), watch(seen)
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), seen.theirs)
        for number in range(ROUNDS):
            running = [pywasix.start([module, *WORDS], **streams) for _ in range(random.randint(1, 3))]
            random.shuffle(running)
            for process in running:
                with suppress(pywasix.TimeoutExpired):
                    process.wait(random.random() / 100)
                process.kill()
            assert [process.wait(PATIENCE) for process in running] == [-9] * len(running)
            assert (number, seen.modes(), seen.size()) == (number, before, (80, 24))
            assert not terminal._LENT
        seen.give_away()
        watcher.join(PATIENCE)
