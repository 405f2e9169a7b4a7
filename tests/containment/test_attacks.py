"""Attacks on a directory of the host, as guests make them: each ends with an errno, and nothing outside is touched."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from containment.prison import SECRET, Prisoner, around
from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.syscalls.fd import fd_fdstat_set_rights

IN_WORDS = (
    b"../secret",
    b"../outside/secret",
    b"../outside/room/secret",
    b"sub/../../secret",
    b"sub/deep/../../../secret",
    b"./.././secret",
    b"..//secret",
    b"sub/../sub/../../secret",
    b"/../secret",
    b"/etc/passwd",
    b"//etc/passwd",
    b"/proc/self/root/etc/passwd",
    b"/proc/self/cwd/secret",
)
"""Paths that seem to lead out by themselves."""
THROUGH_LINKS = (
    b"out",
    b"chain",
    b"slashes",
    b"sub/out",
    b"absolute",
    b"dangling",
    b"absolute_dangling",
    b"device",
    b"up/secret",
    b"up/up/up/secret",
    b"out_dir/secret",
    b"absolute_dir/secret",
    b"etc/passwd",
    b"proc_root/etc/passwd",
    b"proc_cwd/secret",
    b"proc_fd/0",
)
"""Paths that lead out by symbolic links of the host."""
USING = (
    *("read", "write", "truncate", "list", "stat", "set_times", "link_in", "read_planted"),
    *("move_in", "remove_directory", "unlink"),
)
MAKING = ("create", "create_new", "make_directory", "move_out", "link_out", "plant")
ON_THE_LINK_ITSELF = ("move_in", "remove_directory", "unlink")
"""What does not follow the last name: a link of the given directory is the guest's."""


def assert_refused(guest: Prisoner, root: Path, action: str, text: bytes, *errnos: Errno) -> None:
    """An attack ends with one of these errnos, has read nothing and changed nothing outside."""
    before = around(root)
    assert guest.attack(action, text) in errnos
    assert around(root) == before
    assert not guest.knows(SECRET)
    assert not guest.knows(b"root:")  # of /etc/passwd


@pytest.mark.parametrize("text", IN_WORDS)
@pytest.mark.parametrize("action", [*USING, *MAKING])
def test_a_guest_of_descriptors_is_told_that_a_path_leads_out(
    confined: Prisoner, tmp_path: Path, action: str, text: bytes
) -> None:
    assert_refused(confined, tmp_path, action, text, Errno.PERM)


@pytest.mark.parametrize("text", THROUGH_LINKS)
@pytest.mark.parametrize("action", [each for each in USING if each not in ON_THE_LINK_ITSELF])
def test_a_guest_of_descriptors_is_told_that_a_link_leads_out(
    confined: Prisoner, tmp_path: Path, action: str, text: bytes
) -> None:
    assert_refused(confined, tmp_path, action, text, Errno.PERM)


@pytest.mark.parametrize("text", [*IN_WORDS, *THROUGH_LINKS])
@pytest.mark.parametrize("action", [*[each for each in USING if each not in ON_THE_LINK_ITSELF], "enter", "run"])
def test_outside_is_not_there_for_a_wasix_guest(guest: Prisoner, tmp_path: Path, action: str, text: bytes) -> None:
    """Its "/" is its own parent, and what a link says is looked for in it. /etc is a link to itself there."""
    assert_refused(guest, tmp_path, action, text, Errno.LOOP if b"etc" in text and b"proc" not in text else Errno.NOENT)


@pytest.mark.parametrize("text", [b"../secret", b"sub/../../secret", b"/../secret", b"up/secret", b"up/up/secret"])
@pytest.mark.parametrize("action", MAKING)
def test_what_a_wasix_guest_makes_above_its_root_is_made_in_it(
    guest: Prisoner, given: Path, tmp_path: Path, action: str, text: bytes
) -> None:
    before = around(tmp_path)
    assert guest.attack(action, text) is None
    assert around(tmp_path) == before
    assert os.path.lexists(given / "secret")


@pytest.mark.parametrize(
    ("action", "text", "errno"),
    [
        *[
            (action, name, Errno.NOTSUP)
            for action in ("read", "write", "create", "truncate")
            for name in (b"fifo", b"socket")
        ],
        *[(action, b"sub/../fifo", Errno.NOTSUP) for action in ("read", "write")],
        ("list", b"fifo", Errno.NOTDIR),
        ("enter", b"fifo", Errno.NOTDIR),
        ("run", b"fifo", Errno.ACCES),
        ("run", b"socket", Errno.ACCES),
        ("read", b"loop", Errno.LOOP),
        ("write", b"loop_a", Errno.LOOP),
        ("stat", b"loop_a/x", Errno.LOOP),
        ("create", b"loop", Errno.LOOP),
        ("read", b"fi\0le", Errno.INVAL),
        ("read", b"file\0/../../secret", Errno.INVAL),
        ("unlink", b"\0", Errno.INVAL),
        ("move_out", b"x\0y", Errno.INVAL),
        ("read", b"\xff\xfe", Errno.NOENT),
        ("read", b"\xc0\xae\xc0\xae/secret", Errno.NOENT),  # "..", encoded as UTF-8 must not be
        ("read", b"..\\secret", Errno.NOENT),
        ("read", b"%2e%2e/secret", Errno.NOENT),
        ("read", b"... /secret", Errno.NOENT),
        ("read", b"file/..", Errno.NOTDIR),
        ("read", b"file/../../secret", Errno.NOTDIR),
        ("read", b"fifo/../../secret", Errno.NOTDIR),
        ("read", b"nothing/../../secret", Errno.NOENT),
        ("read", b"sub/" * 1023 + b"x", Errno.NOENT),
        ("read", b"../" * 1500 + b"secret", Errno.NAMETOOLONG),
        ("read", b"n" * 256, Errno.NAMETOOLONG),
        ("read", b"", Errno.NOENT),
    ],
)
def test_odd_names_and_odd_files(guest: Prisoner, tmp_path: Path, action: str, text: bytes, errno: Errno) -> None:
    assert_refused(guest, tmp_path, action, text, errno)


@pytest.mark.parametrize("action", ["read", "write", "truncate", "create"])
def test_a_device_node_is_never_opened(guest: Prisoner, given: Path, tmp_path: Path, action: str) -> None:
    """Whoever may not make one tests with the fifo, which is refused in the same place."""
    name = b"null" if (given / "null").exists() else b"fifo"
    assert_refused(guest, tmp_path, action, name, Errno.NOTSUP)


@pytest.mark.parametrize("action", [*MAKING, "write", "truncate", "unlink", "set_times", "move_in"])
def test_a_directory_that_was_given_to_be_read_is_not_changed(given: Path, action: str) -> None:
    with closing(Prisoner(given, wasix=True, writable=False)) as guest:
        text = b"file" if action in ("write", "truncate", "unlink", "set_times", "move_in") else b"new"
        assert guest.attack(action, text) is Errno.ROFS
    assert (given / "file").read_bytes() == b"inside"
    assert not (given / "new").exists()


def test_a_descriptor_does_not_lead_above_what_was_given(confined: Prisoner, given: Path, tmp_path: Path) -> None:
    """Also when the directory has moved out meanwhile, by somebody else's hand."""
    deep = confined.open(b"sub/deep")
    (given / "sub" / "deep").rename(tmp_path / "outside" / "deep")
    for text in (b"../secret", b"../room/secret", b"..", b"../../secret"):
        with pytest.raises(Exception, match="PERM"):
            confined.open(text, fd=deep)


def test_above_a_directory_that_has_moved_out_is_nothing(guest: Prisoner, given: Path, tmp_path: Path) -> None:
    deep = guest.open(b"sub/deep")
    assert guest.attack("enter", b"sub/deep") is None
    (given / "sub" / "deep").rename(tmp_path / "outside" / "deep")
    for text in (b"../secret", b"../room/secret", b"../../secret"):
        with pytest.raises(Exception, match="NOENT"):
            guest.open(text, fd=deep)
        assert guest.attack("run", text) is Errno.NOENT
    assert not guest.knows(SECRET)


def test_rights_that_were_given_up_do_not_come_back(confined: Prisoner) -> None:
    wanted = int(Rights.PATH_OPEN)
    confined.world.call(fd_fdstat_set_rights, confined.root, wanted, int(Rights.FD_READ))
    for action in ("create", "truncate", "unlink", "stat", "make_directory", "plant", "move_in", "link_in"):
        assert confined.attack(action, b"file") is Errno.NOTCAPABLE
    assert confined.attack("write", b"file") is Errno.BADF  # without the right it is opened for reading
    assert confined.attack("read", b"file") is None
