"""What a new user tries: each mistake is told in one line that names the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import pywasix
from support import guest


def test_a_program_without_a_command() -> None:
    done = pywasix(guest("hello"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"Error: to run a program write: pywasix run {guest('hello')}"


def test_a_command_that_is_none() -> None:
    done = pywasix("start")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Error: No such command 'start'.")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--cwd", "/nothing"), "--cwd (cwd) /nothing: there is no such directory; mount one (--volume, --tmpfs)"),
        (("--tmpfs=/a", "--tmpfs=/a/"), "two directories are mounted at /a; give each a path of its own"),
        (("--volume=.:a",), "volume '.:a' is not HOST:GUEST or HOST:GUEST:ro with an absolute GUEST, as in"),
    ],
)
def test_files(options: tuple[str, ...], told: str) -> None:
    done = pywasix("run", *options, guest("hello"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pywasix: {told}")
    assert done.stderr.count("\n") == 1


def test_one_path_is_both(tmp_path: Path) -> None:
    for volume in (f"{tmp_path}", f"{tmp_path}:ro"):
        done = pywasix("run", f"--volume={volume}", f"--cwd={tmp_path}", guest("hello"))
        assert (done.returncode, done.stderr) == (0, "")
