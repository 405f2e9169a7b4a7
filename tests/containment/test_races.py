"""Somebody changes the directory while a guest uses it: nothing outside is ever read or written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from containment.prison import SECRET, Prisoner, around
from pywasix.abi.errno import Errno
from pywasix.host import libc
from support import PATIENCE

SWAPS = 300
REFUSED = {Errno.NOENT, Errno.LOOP, Errno.NOTDIR, Errno.NOTSUP, Errno.AGAIN, Errno.PERM, None}
Swap = Callable[[], None]


@contextmanager
def swapping(swap: Swap) -> Iterator[Callable[[], bool]]:
    """Swap again and again beside the test; gives what says whether there were enough swaps."""
    stop, enough = Event(), Event()

    def work() -> None:
        for number in range(1 << 30):
            if stop.is_set():
                return
            if number == SWAPS:
                enough.set()
            swap()

    thread = Thread(target=work)
    thread.start()
    try:
        yield enough.is_set
    finally:
        stop.set()
        thread.join(PATIENCE)


def swap_of(here: Path, there: Path) -> Swap:
    """What exchanges two names."""
    spare = here.with_name("spare")

    def swap() -> None:
        with suppress(OSError):
            os.rename(here, spare)
            os.rename(there, here)
            os.rename(spare, there)

    return swap


@pytest.mark.parametrize("strides", [True, False], ids=["openat2", "step by step"])
@pytest.mark.parametrize(
    ("real", "trap", "text"),
    [
        ("sub", "out_dir", b"sub/secret"),
        ("sub", "absolute_dir", b"sub/secret"),
        ("sub", "absolute_dir", b"sub/../sub/secret"),
        ("sub", "absolute_dir", b"sub/./room/../secret"),
        ("file", "out", b"file"),
        ("file", "absolute", b"file"),
        ("file", "fifo", b"file"),
    ],
)
def test_a_name_is_swapped_for_a_way_out(
    guest: Prisoner,
    given: Path,
    tmp_path: Path,
    real: str,
    trap: str,
    text: bytes,
    strides: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not strides:

        def no_openat2(directory: int, path: bytes, flags: int) -> int:
            raise OSError(38, "Function not implemented")

        monkeypatch.setattr(libc, "open_beneath", no_openat2)
    (given / "sub" / "room").mkdir()
    before = around(tmp_path)
    with swapping(swap_of(given / real, given / trap)) as enough:
        while not enough():
            for action in ("read", "write", "truncate", "stat", "list"):
                errno = guest.attack(action, text)
                assert errno in REFUSED, errno
            while len(guest.world.fds) > 1:
                guest.world.fds.close(max(fd for fd, _ in guest.world.fds.items()))
    assert not guest.knows(SECRET)
    assert around(tmp_path) == before


def test_a_directory_moves_out_and_back(guest: Prisoner, given: Path, tmp_path: Path) -> None:
    """A walk that came through it goes back to where it came from, not to where the directory is now."""
    with swapping(swap_of(given / "sub", tmp_path / "outside" / "sub")) as enough:
        while not enough():
            for text in (b"sub/deep/../../secret", b"sub/../secret", b"sub/deep/../../../secret"):
                assert guest.attack("read", text) in REFUSED
    assert not guest.knows(SECRET)


def test_a_descriptor_is_closed_and_opened_beside_a_walk(guest: Prisoner, given: Path, tmp_path: Path) -> None:
    """The host would give the number of a closed directory to the next one that anybody opens: one outside."""
    outside = str(tmp_path)

    def close_and_open() -> None:
        for fd, _ in guest.world.fds.items():
            if fd != guest.root:
                with suppress(Exception):
                    guest.world.fds.close(fd)
        os.close(os.open(outside, os.O_RDONLY | os.O_DIRECTORY))

    with swapping(close_and_open) as enough:
        while not enough():
            with suppress(Exception):
                guest.open(b"secret", fd=guest.open(b"sub"))
            guest.world.words(64, 1024, 64)
    assert not guest.knows(SECRET)
