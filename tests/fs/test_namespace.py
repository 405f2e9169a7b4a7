"""Ways over mount points are remembered, and lead where a walk leads, name by name."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import FileType
from pywasix.errors import SysError
from pywasix.fs.commands import mount_commands
from pywasix.fs.directory import DirectoryFile
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.mounts import Namespace
from pywasix.fs.node import Opening
from pywasix.fs.operations import make_directory, make_link, open_path, rename, status_of_path
from pywasix.fs.walk import Start

MAKING = Opening(write=True, create=True)


class Space:
    """A namespace with volumes in memory: at "/", at "/bin", at "/m" and, in that, at "/m/in/ner"."""

    def __init__(self) -> None:
        self.namespace = Namespace()
        self.volumes = {path: MemoryVolume() for path in (b"", b"bin", b"m", b"m/in/ner")}
        for path, volume in self.volumes.items():
            self.namespace.mount([name for name in path.split(b"/") if name], volume.root)
        self.namespace.complete()
        self.start = Start(self.namespace.root, (), self.namespace.root)

    def make(self, path: bytes) -> int:
        """A file with that path; returns its inode."""
        file = open_path(self.start, path, MAKING, follow=True)
        assert not isinstance(file, tuple)
        inode = file.status().inode
        file.close()
        return inode

    def inode(self, path: bytes) -> int:
        return status_of_path(self.start, path, follow=True).inode


@pytest.fixture
def space() -> Space:
    return Space()


def test_commands_are_found_where_a_volume_was_before(space: Space) -> None:
    """They are put over /bin when everything else is there already."""
    space.make(b"bin/own")
    mount_commands(space.namespace, {b"tool": (4, lambda: b"tool")})
    assert status_of_path(space.start, b"bin/tool", follow=True).size == 4
    assert space.inode(b"bin/own")


@pytest.mark.parametrize(
    "path", [b"m/in/ner/f", b"./m/in/ner/f", b"m/in/../in/ner/f", b"m/in/ner/../ner/f", b"m//in/ner/f", b"/m/in/ner/f"]
)
def test_every_spelling_leads_to_the_same_file(space: Space, path: bytes) -> None:
    inode = space.make(b"m/in/ner/f")
    assert space.inode(path) == inode
    assert [each.name for each in space.volumes[b"m/in/ner"].root.entries()] == [b"f"]


def test_a_stride_goes_over_mounts_and_what_is_in_them(space: Space) -> None:
    for path in (b"m/a", b"m/a/b", b"m/in/ner/c", b"m/in/ner/c/d"):
        make_directory(space.start, path)
    first, second = space.make(b"m/a/b/f"), space.make(b"m/in/ner/c/d/f")
    assert space.inode(b"m/a/b/f") == space.inode(b"m/in/ner/../../a/b/f") == first
    assert space.inode(b"m/in/ner/c/d/f") == space.inode(b"m/a/../in/ner/c/../c/d/f") == second


def test_a_file_on_the_way_and_a_missing_name_are_told_apart(space: Space) -> None:
    space.make(b"m/file")
    for path, errno in ((b"m/file/x/y", "NOTDIR"), (b"m/none/x/y", "NOENT"), (b"m/in/ner/none/x", "NOENT")):
        with pytest.raises(SysError, match=errno):
            space.inode(path)


def test_a_link_on_the_way_is_followed_inside(space: Space) -> None:
    make_directory(space.start, b"m/a")
    make_link(space.start, b"m/a/up", b"/m/in/ner")
    make_link(space.start, b"m/a/back", b"../..")
    inode = space.make(b"m/a/up/f")
    assert space.inode(b"m/in/ner/f") == space.inode(b"m/a/back/m/in/ner/f") == inode


def test_an_opened_directory_knows_its_way(space: Space) -> None:
    for path in (b"m/a", b"m/a/b", b"m/a/b/c"):
        make_directory(space.start, path)
    for path in (b"m/a/b/c", b"m/../m/a/./b/c"):
        opened = open_path(space.start, path, Opening(directory=True), follow=True)
        assert isinstance(opened, DirectoryFile)
        assert opened.start.names == (b"m", b"a", b"b", b"c")
        assert status_of_path(opened.start, b"..", follow=True).inode == space.inode(b"m/a/b")


def test_a_rename_tells_both_ways(space: Space) -> None:
    make_directory(space.start, b"m/a")
    space.make(b"m/a/f")
    assert rename(space.start, b"m/a/f", space.start, b"m/g") == ((b"m", b"a", b"f"), (b"m", b"g"))
    assert rename(space.start, b"m/g", space.start, b"/m/a/../h") == ((b"m", b"g"), (b"m", b"h"))
    assert status_of_path(space.start, b"m/h", follow=False).filetype is FileType.REGULAR_FILE
