"""The same with a C program and libc's own calls, and directories that are dangerous by themselves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

import pywasix
from containment.prison import SECRET, Prisoner, around
from pywasix.abi.errno import Errno
from support import PATIENCE, guest

LEAST = 100


def test_a_program_with_libc_does_not_get_out(given: Path, tmp_path: Path) -> None:
    before = around(tmp_path)
    done = pywasix.run([guest("containment")], volumes=[f"{given}:/"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.endswith("0 succeeded\n"), done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > LEAST
    assert SECRET.decode() not in done.stdout
    assert around(tmp_path) == before


@pytest.mark.parametrize(
    ("directory", "text"),
    [
        ("/proc/self", b"root/etc/passwd"),
        ("/proc/self", b"cwd/pyproject.toml"),
        ("/proc/self", b"exe"),
        ("/proc/self", b"fd/0"),
        ("/proc/self", b"task/../root/etc/passwd"),
        ("/dev", b"null"),
        ("/dev", b"fd/0"),
        ("/dev", b"stdin"),
    ],
)
def test_magic_links_and_devices_of_the_host_lead_nowhere(directory: str, text: bytes) -> None:
    """Who gives /proc away gives its files away, and no more: what its links say is looked for in the guest's "/"."""
    with closing(Prisoner(Path(directory), wasix=True, writable=False)) as guest:
        assert guest.attack("read", text) in (Errno.NOENT, Errno.NOTSUP, Errno.LOOP)
        assert not guest.knows(b"root:")
