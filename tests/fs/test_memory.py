"""Directories in memory: what they hold is counted, to the last byte, and given back."""

from __future__ import annotations

from contextlib import suppress

import pytest

from pywasix.abi.enums import FdFlags, Whence
from pywasix.errors import SysError
from pywasix.fs.content import MOST
from pywasix.fs.memory import MemoryDirectory, MemoryVolume
from pywasix.fs.memory_file import MemoryFile
from pywasix.fs.node import Opening
from world import World

SIZE = 1 << 20
WRITING = Opening(write=True, create=True)
GIB = 1 << 30


@pytest.fixture
def volume() -> MemoryVolume:
    return MemoryVolume(SIZE)


def opened(volume: MemoryVolume, name: bytes = b"file", how: Opening = WRITING) -> MemoryFile:
    found = volume.root.open(name, how)
    assert isinstance(found, MemoryFile)
    return found


def write(file: MemoryFile, data: bytes, offset: int) -> int:
    return file.write_at([memoryview(data)], offset)


def read(file: MemoryFile, size: int, offset: int) -> bytes:
    room = bytearray(b"?" * size)
    return bytes(room[: file.read_at([memoryview(room)], offset)])


def directory(volume: MemoryVolume, name: bytes) -> MemoryDirectory:
    found = volume.root.enter(name)
    assert isinstance(found, MemoryDirectory)
    return found


def test_a_full_volume_keeps_what_it_has(volume: MemoryVolume) -> None:
    file = opened(volume)
    assert write(file, b"kept", 0) == 4
    taken = write(file, b"x" * 2 * SIZE, 4)
    assert 0 < taken < SIZE
    for offset in (4 + taken, SIZE * 10):
        with pytest.raises(SysError, match="NOSPC"):
            write(file, b"y" * 4096, offset)
    assert volume.used > SIZE - 2
    with pytest.raises(SysError, match="NOSPC"):
        volume.root.make_directory(b"n" * 255)
    assert read(file, 8, 0) == b"kept" + b"xxxx"
    assert file.status().size == 4 + taken
    assert volume.used <= SIZE
    file.set_size(4)
    assert write(file, b"again", 4) == 5
    file.close()


def test_everything_is_given_back(volume: MemoryVolume) -> None:
    before = volume.used
    root = volume.root
    for number in range(50):
        file = opened(volume, b"f%d" % number)
        write(file, b"content" * number, 0)
        write(file, b"far", 1 << 20)
        file.set_size(number * 3)
        file.allocate(0, 5000)
        file.close()
        root.make_link(b"l%d" % number, b"target" * number)
        root.make_directory(b"d%d" % number)
        root.link(b"f%d" % number, directory(volume, b"d%d" % number), b"second")
        root.rename(b"l%d" % number, directory(volume, b"d%d" % number), b"a longer name than before")
    assert volume.used > before
    for number in range(50):
        inner = directory(volume, b"d%d" % number)
        inner.remove_file(b"second")
        inner.remove_file(b"a longer name than before")
        root.remove_directory(b"d%d" % number)
        root.remove_file(b"f%d" % number)
    assert list(root.entries()) == []
    assert volume.used == before


def test_a_file_without_a_name_counts_until_it_is_closed(volume: MemoryVolume) -> None:
    before = volume.used
    file, again = opened(volume), opened(volume)
    write(file, b"x" * 100_000, 0)
    volume.root.remove_file(b"file")
    file.close()
    assert volume.used > before + 100_000
    assert read(again, 3, 0) == b"xxx"
    again.close()
    assert volume.used == before


def test_a_replaced_file_is_given_back(volume: MemoryVolume) -> None:
    for name in (b"a", b"b"):
        file = opened(volume, name)
        write(file, name * 10_000, 0)
        file.close()
    used = volume.used
    volume.root.rename(b"a", volume.root, b"b")
    assert volume.used < used - 10_000
    assert read(opened(volume, b"b"), 3, 0) == b"aaa"


def test_holes_take_no_room(volume: MemoryVolume) -> None:
    file = opened(volume)
    assert write(file, b"far", 5 * GIB) == 3
    assert file.status().size == 5 * GIB + 3
    assert file.seek(-3, Whence.END) == 5 * GIB
    assert read(file, 6, 5 * GIB - 3) == b"\0\0\0far"
    file.set_size(6 * GIB)
    assert read(file, 4, 6 * GIB - 2) == b"\0\0"
    assert volume.used < SIZE
    file.set_size(2)
    file.set_size(100)
    assert read(file, 100, 0) == bytes(100)


def test_small_pieces_far_from_each_other_are_counted(volume: MemoryVolume) -> None:
    """Each costs the host more than its one byte."""
    file, most = opened(volume), SIZE // 256
    taken = 0
    with suppress(SysError):
        while taken <= most:
            write(file, b"x", taken << 16)
            taken += 1
    assert 0 < taken <= most
    assert volume.used <= SIZE


@pytest.mark.parametrize("size", [SIZE + 1, 1 << 40, (1 << 63) - 1])
def test_allocating_more_than_there_is_is_refused_at_once(volume: MemoryVolume, size: int) -> None:
    file, used = opened(volume), volume.used
    with pytest.raises(SysError, match="NOSPC"):
        file.allocate(0, size)
    assert (volume.used, file.status().size) == (used, 0)


@pytest.mark.parametrize("offset", [0, 1, 65535, 65536, 65537, 131071])
@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 200_000])
def test_pieces_of_all_sizes_come_back_as_they_were(volume: MemoryVolume, offset: int, size: int) -> None:
    file, data = opened(volume), bytes(range(256)) * (size // 256 + 1)
    assert write(file, data[:size], offset) == size
    assert read(file, offset + size + 10, 0) == bytes(offset) + data[:size]
    assert write(file, b"!", offset + size // 2) == 1
    assert read(file, 1, offset + size // 2) == b"!"


def test_a_directory_cannot_be_moved_below_itself(volume: MemoryVolume) -> None:
    volume.root.make_directory(b"a")
    a = directory(volume, b"a")
    a.make_directory(b"b")
    b = a.enter(b"b")
    for to in (a, b):
        with pytest.raises(SysError, match="INVAL"):
            volume.root.rename(b"a", to, b"c")
    a.rename(b"b", volume.root, b"b")
    volume.root.rename(b"a", directory(volume, b"b"), b"a")
    assert [entry.name for entry in volume.root.entries()] == [b"b"]


def test_a_removed_directory_takes_nothing(volume: MemoryVolume) -> None:
    volume.root.make_directory(b"gone")
    gone = directory(volume, b"gone")
    opened(volume).close()
    volume.root.remove_directory(b"gone")
    for change in (
        lambda: gone.open(b"x", WRITING),
        lambda: gone.make_directory(b"x"),
        lambda: gone.make_link(b"x", b"y"),
        lambda: volume.root.link(b"file", gone, b"x"),
        lambda: volume.root.rename(b"file", gone, b"x"),
    ):
        with pytest.raises(SysError, match="NOENT"):
            change()


def test_reading_and_writing_by_position(volume: MemoryVolume) -> None:
    with World() as world:
        file = opened(volume)
        assert file.write(world.task, [memoryview(b"one"), memoryview(b"two")]) == 6
        assert file.seek(1, Whence.SET) == 1
        room = bytearray(4)
        assert file.read(world.task, [memoryview(room)[:2], memoryview(room)[2:]]) == 4
        assert bytes(room) == b"netw"
        with pytest.raises(SysError, match="INVAL"):
            file.seek(-1, Whence.SET)
        file.close()


def test_appending_nothing_keeps_the_position(volume: MemoryVolume) -> None:
    with World() as world:
        file = opened(volume, how=Opening(write=True, create=True, flags=int(FdFlags.APPEND)))
        file.write(world.task, [memoryview(b"word")])
        file.seek(1, Whence.SET)
        assert file.write(world.task, []) == file.write(world.task, [memoryview(b"")]) == 0
        assert file.seek(0, Whence.CUR) == 1
        file.close()


def test_the_end_of_all_files(volume: MemoryVolume) -> None:
    """As Linux: what would pass it is INVAL, also where there is nothing to be read; what is appended there is FBIG."""
    with World() as world:
        file = opened(volume)
        assert read(file, 1, MOST - 1) == b""
        file.seek(MOST - 1, Whence.SET)
        assert file.read(world.task, [memoryview(bytearray(1))]) == 0
        for fails in (
            lambda: read(file, 2, MOST - 1),
            lambda: write(file, b"ab", MOST - 1),
            lambda: file.read(world.task, [memoryview(bytearray(2))]),
            lambda: file.write(world.task, [memoryview(b"ab")]),
        ):
            with pytest.raises(SysError, match="INVAL"):
                fails()
        file.set_size(MOST)
        file.set_flags(int(FdFlags.APPEND))
        with pytest.raises(SysError, match="FBIG"):
            file.write(world.task, [memoryview(b"a")])
        file.close()
