"""Ways through directories of the host: swapped under a walk, longer than a path, deeper than there are descriptors."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from pywasix.abi.enums import FileType
from pywasix.errors import SysError
from pywasix.fs import operations
from pywasix.fs.files import GuestFiles
from pywasix.fs.memory import MemoryDirectory, MemoryVolume
from pywasix.fs.mounts import Namespace
from pywasix.fs.node import Directory, Opening
from pywasix.host import libc
from pywasix.host.directory import host_directory

WRITING = Opening(write=True, create=True)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def files_in(directory: Directory) -> GuestFiles:
    namespace = Namespace()
    namespace.mount([], directory)
    namespace.complete()
    return GuestFiles(namespace)


# -- swapped meanwhile ------------------------------------------------------------


def test_a_link_in_place_of_a_directory_that_was_passed_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ ".." after several directories at once walks to the one before again, and meanwhile the first is a link."""
    outside, given = tmp_path / "outside", tmp_path / "given"
    outside.mkdir()
    (outside / "stolen").write_text("a secret")
    (given / "a" / "b" / "c").mkdir(parents=True)
    (given / "a" / "b" / "c" / "up").symlink_to("../stolen")
    files = files_in(host_directory(str(given), writable=True))
    really, strides = libc.open_beneath, []

    def swapped(directory: int, path: bytes, flags: int) -> int:
        fd = really(directory, path, flags)
        strides.append(path)
        if len(strides) == 2:  # the first one finds the link, the second one is of the walk that follows it
            (given / "a").rename(given / "away")
            (given / "a").symlink_to("../outside")
            (given / "b").mkdir()
            (outside / "b").symlink_to(".")
        return fd

    monkeypatch.setattr(libc, "open_beneath", swapped)
    before = open_files()
    with pytest.raises(SysError, match="NOENT"):
        files.open(b"a/b/c/up", Opening())
    assert strides == [b"a/b/c", b"a/b/c"]
    assert open_files() == before
    with pytest.raises(SysError, match="NOENT"):
        files.open(b"a/stolen", Opening())  # a link out stays inside, as ever
    files.close()


def test_the_directory_above_one_that_was_moved_is_not_found_through_a_link(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "a" / "b").mkdir(parents=True)
    (given / "z").mkdir()
    (tmp_path / "b").mkdir()
    files = files_in(host_directory(str(given), writable=True))
    files.chdir(b"/a/b")
    (given / "a").rename(given / "away")
    (given / "a").symlink_to("..")
    for path in (b"../file", b"../../file", b"../b/../file"):
        with pytest.raises(SysError, match="NOENT"):
            files.open(path, WRITING)
    files.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b", "given"]


# -- long ways --------------------------------------------------------------------


def test_links_may_lead_a_way_that_is_longer_than_a_path_may_be(tmp_path: Path) -> None:
    name = "n" * 255
    (tmp_path / name).symlink_to(".")
    (tmp_path / "link").symlink_to("/".join([name] * 8))
    (tmp_path / "file").touch()
    path = "/".join(["link", *[name] * 10, "file"])
    assert (tmp_path / path).is_file()
    files = files_in(host_directory(str(tmp_path), writable=True))
    for _ in range(2):
        found = operations.status_of_path(files.start(), path.encode(), follow=True)
        assert found.filetype is FileType.REGULAR_FILE
    files.close()


@pytest.mark.parametrize("text", [b"..", b"../..", b"../a/../..", b"/" + b"a/" * 300 + b"../" * 290])
def test_a_deep_way_takes_few_descriptors(tmp_path: Path, text: bytes) -> None:
    files = files_in(host_directory(str(tmp_path), writable=True))
    for _ in range(400):
        operations.make_directory(files.start(), b"a")
        files.chdir(b"a")
    before = open_files()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 80, limit[1]))
    try:
        assert operations.status_of_path(files.start(), text, follow=True).filetype is FileType.DIRECTORY
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert open_files() == before
    for _ in range(400):  # no tool that calls itself can remove it
        files.chdir(b"..")
        operations.remove_directory(files.start(), b"a")
    files.close()


def test_forty_links_that_make_a_way_of_eighty_thousand_names_are_followed_in_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each name took as many steps as there were names to follow: minutes in one call that nothing could interrupt."""
    files = files_in(MemoryVolume(64 << 20).root)
    for _ in range(5000):
        operations.make_directory(files.start(), b"a")
        files.chdir(b"a")
    files.chdir(b"/")
    for number in range(39):
        target = b"%d" % (number + 1) if number < 38 else b"."
        operations.make_link(files.start(), b"%d" % number, target + b"/a" * 2040)
    really, looked_at = MemoryDirectory.descend, []

    def counted(self: MemoryDirectory, names: Sequence[bytes]) -> Directory | None:
        looked_at.append(len(names))
        return really(self, names)

    monkeypatch.setattr(MemoryDirectory, "descend", counted)
    with pytest.raises(SysError, match="NOENT"):
        operations.status_of_path(files.start(), b"0" + b"/a" * 2040, follow=True)
    assert sum(looked_at) < 200_000
    files.close()


def test_who_walks_from_a_working_directory_keeps_it(tmp_path: Path) -> None:
    """Another thread may change it twice meanwhile; the walk went on from a closed descriptor then, and was BADF."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    before = open_files()
    files = files_in(host_directory(str(tmp_path)))
    files.chdir(b"/a")
    start = files.start()
    for path in (b"/", b"/a", b"/a", b"/"):
        files.chdir(path)
    assert operations.status_of_path(start, b"file", follow=True).filetype is FileType.REGULAR_FILE
    assert open_files() == before + 2, "the mount, and what the walk has"
    gc.disable()  # no error may keep it in a cycle
    try:
        for missing in (b"file/x", b"file/x/y", b"none/x", b"none", b"file/"):
            with suppress(SysError):
                operations.status_of_path(start, missing, follow=True)
        del start
        assert open_files() == before + 1
    finally:
        gc.enable()
    child = files.copy()
    files.close()
    child.close()
    assert open_files() == before
