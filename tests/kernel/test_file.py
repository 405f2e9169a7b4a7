"""What a file answers that can do nothing, and the arithmetic of buffers."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import FdFlags, FileType, Whence
from pywasix.errors import SysError
from pywasix.kernel.file import ALL_RIGHTS, SEEK_RIGHTS, STREAM_RIGHTS, File, FileStatus, after
from world import World


def test_a_file_that_can_do_nothing(world: World) -> None:
    file = File()
    with pytest.raises(SysError, match="BADF"):
        file.read(world.task, [])
    with pytest.raises(SysError, match="BADF"):
        file.write(world.task, [])
    with pytest.raises(SysError, match="SPIPE"):
        file.seek(0, Whence.CUR)
    assert file.status() == FileStatus()
    assert file.available() == 0
    assert (file.filetype, file.handle) == (FileType.UNKNOWN, None)
    file.close()


def test_of_the_flags_only_nonblock_counts_on_a_stream() -> None:
    file = File()
    file.set_flags(FdFlags.APPEND | FdFlags.SYNC)
    assert file.flags == 0
    file.set_flags(FdFlags.NONBLOCK | FdFlags.APPEND)
    assert file.flags == FdFlags.NONBLOCK


def test_rights_do_not_overlap() -> None:
    assert STREAM_RIGHTS & SEEK_RIGHTS == 0
    assert STREAM_RIGHTS | SEEK_RIGHTS | ALL_RIGHTS == ALL_RIGHTS


@pytest.mark.parametrize(
    ("count", "rest"),
    [(0, ["ab", "", "cde"]), (1, ["b", "", "cde"]), (2, ["cde"]), (4, ["e"]), (5, []), (9, [])],
)
def test_what_is_left_of_buffers(count: int, rest: list[str]) -> None:
    buffers = [memoryview(part) for part in (b"ab", b"", b"cde")]
    found = [bytes(each).decode() for each in after(buffers, count)]
    assert [each for each in found if each] == [each for each in rest if each]
