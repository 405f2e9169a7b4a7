"""What open directories remember for fd_readdir is limited, and given back."""

from __future__ import annotations

import pytest

from pywasix.fs.directory import DirectoryFile, Listings
from pywasix.fs.memory import MemoryVolume
from pywasix.fs.walk import Start


class Few(Listings):
    MOST = 10

    def entries(self) -> int:
        """How many are remembered, counted in two ways."""
        assert self._total == sum(self._sizes.values()) == sum(len(each._listed or ()) for each in self._sizes)
        return self._total


@pytest.fixture
def volume() -> MemoryVolume:
    """With four entries, "." and ".." among them."""
    found = MemoryVolume()
    for name in (b"a", b"b"):
        found.root.make_directory(name)
    return found


def test_the_oldest_list_goes_and_is_made_anew(volume: MemoryVolume) -> None:
    listings, files = Few(), [DirectoryFile.of(Start(volume.root, (), None)) for _ in range(5)]
    listed = [file.list_into(1000, 0, listings) for file in files]
    assert listings.entries() == 8
    rest = files[0].list_into(1000, 2, listings)
    assert listed[0].endswith(rest)
    assert rest.count(b"a") == 1
    assert listings.entries() == 8
    for file in files:
        file.close()
    assert listings.entries() == 0


def test_one_large_list_stays(volume: MemoryVolume) -> None:
    for number in range(20):
        volume.root.make_link(b"%d" % number, b"x")
    listings, file = Few(), DirectoryFile.of(Start(volume.root, (), None))
    file.list_into(100, 0, listings)
    volume.root.remove_file(b"19")
    assert b"19" in file.list_into(1000, 1, listings)
    assert listings.entries() == 24
    file.list_into(100, 0, listings)
    assert listings.entries() == 23
    file.close()
