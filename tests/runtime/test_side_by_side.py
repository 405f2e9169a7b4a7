"""Programs beside each other in one Python process share nothing: numbers, commands, files, ends."""

from __future__ import annotations

from threading import Barrier

import pywasix
from pywasix import Command
from support import PATIENCE, guest


def test_two_families_share_nothing() -> None:
    meet = Barrier(2, timeout=PATIENCE)

    def saying(word: str) -> object:
        def say(command: Command) -> None:
            meet.wait()  # both run now
            command.stdout.write(f"{word} {command.pid}\n")

        return say

    programs = [
        pywasix.start(
            [guest("run_command"), "say"],
            stdout=pywasix.PIPE,
            text=True,
            commands={"say": saying(word)},
            tmpfs=["/tmp"],
        )
        for word in ("one", "two")
    ]
    assert [program.communicate(timeout=PATIENCE)[0] for program in programs] == ["one 2\n", "two 2\n"]
    assert [program.pid for program in programs] == [1, 1]


def test_the_end_of_one_is_not_the_others() -> None:
    ends = guest("hostile_processes"), guest("run_command")
    bomb = pywasix.start([ends[0], "forks"], max_processes=20, stdout=pywasix.DEVNULL)
    other = pywasix.start(
        [ends[1], "cat"],
        stdin=pywasix.PIPE,
        stdout=pywasix.PIPE,
        text=True,
        commands={"cat": guest("tools")},
    )
    bomb.kill()
    bomb.wait(PATIENCE)
    assert other.communicate("still here\n", timeout=PATIENCE)[0] == "still here\n"
    assert other.returncode == 0
