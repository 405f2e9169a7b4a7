"""The same C programs on files, native and as guests, print the same: on a directory of the host and in memory."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import pywasix
from contract.natives import Natives
from support import PATIENCE, guest

BEHAVIOURS = ("files_open", "files_names", "files_sockets")
LEAST = 200


def of_linux(natives: Natives, program: str, directory: Path) -> str:
    """What a native build prints."""
    directory.mkdir()
    command = [natives.command(program), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


def of_guest(program: str, **files: Any) -> str:
    """What the guest prints in its directory /d."""
    done = pywasix.run([guest(program), "/d"], capture_output=True, text=True, timeout=2 * PATIENCE, **files)
    assert (done.returncode, done.stderr) == (0, "")
    assert isinstance(done.stdout, str)
    return done.stdout


@pytest.mark.parametrize("program", [*BEHAVIOURS, "files_many"])
def test_on_a_directory_of_the_host(program: str, natives: Natives, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    assert of_guest(program, volumes=[f"{given}:/d"]) == of_linux(natives, program, tmp_path / "native")


@pytest.mark.parametrize("program", [*BEHAVIOURS, "files_many"])
def test_in_memory(program: str, natives: Natives, tmp_path: Path) -> None:
    assert of_guest(program, tmpfs=["/d"]) == of_linux(natives, program, tmp_path / "native")


def test_there_are_enough_and_no_name_comes_twice(natives: Natives, tmp_path: Path) -> None:
    lines = [line for each in BEHAVIOURS for line in of_linux(natives, each, tmp_path / each).splitlines()]
    names = [line.rpartition(": ")[0] or line for line in lines]
    assert len(names) >= LEAST
    assert len(names) == len(set(names))


def test_many_files_are_there_while_the_program_runs(natives: Natives, tmp_path: Path) -> None:
    """What it prints is no accident: it tells of 10,000 files."""
    told = of_linux(natives, "files_many", tmp_path / "native").splitlines()
    assert "101 directories, 10000 files" in told[0]
    assert "101 directories, 0 files" in told[-1]
