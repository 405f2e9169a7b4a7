"""Programs that make processes without end: told EAGAIN, and gone with their first process."""

from __future__ import annotations

import threading

import pytest

import pywasix
from pywasix import OptionError
from pywasix.host import limits
from support import PATIENCE, guest, open_files, wait_for_line

HOSTILE = guest("hostile_processes")


@pytest.mark.parametrize("limit", [1, 2, 40])
def test_zombies_count_until_they_are_waited_for(limit: int) -> None:
    done = pywasix.run([HOSTILE, "zombies"], max_processes=limit, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, b"%d\n" % (limit - 1))


def test_a_fork_bomb_is_told_and_its_host_is_well() -> None:
    before = threading.active_count()
    done = pywasix.run([HOSTILE, "forks"], max_processes=40, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert 1 <= int(done.stdout) < 40
    assert threading.active_count() == before


def test_a_loop_of_spawns() -> None:
    with pywasix.start(
        [HOSTILE, "spawns", "/bin/sleep"],
        max_processes=20,
        stdout=pywasix.PIPE,
        text=True,
        commands={"sleep": guest("tools")},
    ) as process:
        assert int(wait_for_line(process, "")) == 19


def test_threads_of_all_processes_are_counted_together() -> None:
    done = pywasix.run([HOSTILE, "zombies"], max_threads=10, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, b"9\n")


def test_a_program_is_one_itself() -> None:
    with pytest.raises(OptionError, match=r"max_processes\) is 0; the program itself is one"):
        pywasix.start(HOSTILE, max_processes=0)
    with pytest.raises(OptionError, match=r"max_threads\) is 0; the program itself is one"):
        pywasix.start(HOSTILE, max_threads=0)


@pytest.mark.parametrize(("max_fds", "together"), [(None, 256), (100, 256), (400, 400)])
def test_files_of_all_processes_are_counted_together(
    max_fds: int | None, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of eight processes could have as many as the program may take of the host; they share them."""
    monkeypatch.setattr(limits, "open_file_limit", lambda: 512)
    before = len(open_files())
    with pywasix.start([HOSTILE, "opens", "8"], max_fds=max_fds, stdout=pywasix.PIPE, text=True) as process:
        assert together - 10 < int(wait_for_line(process, "")) < together
        assert len(open_files()) - before < together + 32  # what wakes the threads, the memory's image
        process.kill()
        process.wait(PATIENCE)
    assert process._process.kernel.files.held == 0


def test_files_that_come_and_go_are_counted_once() -> None:
    """dup, pipes, spawns, refused opens: nothing is counted twice or for ever."""
    for args in (["pipe"], ["many"], ["nested"], ["vfork"]):
        with pywasix.start([guest("processes"), *args], stdout=pywasix.DEVNULL) as process:
            assert process.wait(PATIENCE) == 0
        assert process._process.kernel.files.held == 0, args
