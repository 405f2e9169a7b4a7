"""What a person is told of a program that a guest wanted to run, and nobody gave."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pywasix.engine.module import GuestModule
from pywasix.errors import SysError
from pywasix.kernel.launch import Running
from pywasix.kernel.process import Process
from pywasix.runtime.loader import Loader
from world import World


def never(module: GuestModule, process: Process) -> Running:
    raise AssertionError("there is nothing to run")


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        (b"echo", None, "there is no program 'echo': give it with --use echo=FILE (commands=)"),
        (b"echo", [b"/bin", b"/x"], "there is no program 'echo': give it with --use echo=FILE (commands=)"),
        (b"/usr/bin/echo", None, "there is no program '/usr/bin/echo': give it with --use echo=FILE (commands=)"),
        (b"./echo", None, "there is no program './echo': mount its directory (--volume)"),
        (b"\x1b[2J\xff", None, "there is no program '\\x1b[2J�': give it with --use \\x1b[2J�=FILE (commands=)"),
    ],
)
def test_the_mend_is_named(name: bytes, path: Sequence[bytes] | None, text: str) -> None:
    with World() as world, pytest.raises(SysError) as caught:
        Loader(None, never).find(world.task.process, name, [name], path)
    assert caught.value.text == text
