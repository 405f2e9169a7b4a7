"""Standard streams that are files, devices and pipes: the same C program, native and as a guest, finds the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pywasix
from contract.natives import Natives
from support import PATIENCE, guest

CONTENT = b"0123456789"
OPENED = {"reading": "rb", "writing": "wb", "both": "r+b", "appending": "ab", "appending and reading": "a+b"}


def of_linux(command: list[str], directory: Path, stdin: str, stderr: str) -> tuple[str, bytes, bytes]:
    """What a program tells with streams that are opened so, and what the two files are then."""
    directory.mkdir()
    paths = directory / "in", directory / "err"
    for path in paths:
        path.write_bytes(CONTENT)
    with paths[0].open(OPENED[stdin]) as first, paths[1].open(OPENED[stderr]) as second:
        done = subprocess.run(
            command, stdin=first, stdout=subprocess.PIPE, stderr=second, check=True, timeout=PATIENCE, text=True
        )
    return done.stdout, paths[0].read_bytes(), paths[1].read_bytes()


@pytest.mark.parametrize(
    ("stdin", "stderr"),
    [("reading", "writing"), ("reading", "appending"), ("both", "both"), ("appending and reading", "appending")],
)
def test_streams_that_are_files(natives: Natives, tmp_path: Path, stdin: str, stderr: str) -> None:
    """Inherited by the command line, where the shell has opened them."""
    linux = of_linux([natives.command("files_streams")], tmp_path / "native", stdin, stderr)
    command = [sys.executable, "-m", "pywasix", "run", str(guest("files_streams"))]
    assert of_linux(command, tmp_path / "guest", stdin, stderr) == linux
    assert "2: fsync: 0" in linux[0]


def test_files_that_python_hands_over_stay_open(tmp_path: Path) -> None:
    """The guest's streams are descriptors of its own for the same open file, whose position they share."""
    path = tmp_path / "both"
    path.write_bytes(CONTENT)
    with path.open("r+b", buffering=0) as given:
        done = pywasix.run([guest("files_streams")], stdin=given, stdout=pywasix.PIPE, stderr=given, text=True)
        assert done.returncode == 0
        assert given.tell() == path.stat().st_size
        assert given.write(b"still open") == 10
    assert path.read_bytes().endswith(b"still open")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/zero"])
def test_streams_that_are_devices(natives: Natives, device: str) -> None:
    """A full disk is what /dev/full is for."""
    with open(device, "r+b", buffering=0) as both:
        command = [natives.command("files_streams")]
        linux = subprocess.run(command, stdin=both, stdout=subprocess.PIPE, stderr=both, check=True, text=True)
        done = pywasix.run([guest("files_streams")], stdin=both, stdout=pywasix.PIPE, stderr=both, text=True)
    assert (done.returncode, done.stdout) == (0, linux.stdout)
    assert ("2: write: NOSPC" in linux.stdout) == (device == "/dev/full")


def test_streams_that_are_pipes(natives: Natives) -> None:
    command = [natives.command("files_streams")]
    linux = subprocess.run(command, input="hello", capture_output=True, check=True, text=True)
    done = pywasix.run([guest("files_streams")], input="hello", capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, linux.stdout, linux.stderr)
    assert "2: position: SPIPE" in linux.stdout
