"""Paths and directories: a read-only directory of the host, mounted at /data."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywasix.abi.enums import FileType
from pywasix.abi.errno import Errno
from pywasix.abi.records import Dirent, FileStat, UnstableFileStat
from pywasix.errors import SysError
from pywasix.fs.directory import FILE_RIGHTS, WRITING_RIGHTS
from pywasix.syscalls.fd_file import chdir, fd_pread, fd_readdir, getcwd
from pywasix.syscalls.path import (
    path_filestat_get,
    path_open,
    path_open2,
    path_readlink,
    unstable_path_filestat_get,
)
from syscalls.placed import ALL, FOLLOW, READ, RESULT, content, listed, opened, opening, path
from syscalls.vectors import BUFFER, COUNT, VECTOR, buffers
from world import World

# -- where paths lead -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"data/file", b"0123456789"),
        (b"/data/file", b"0123456789"),
        (b"data//sub/./deep", b"deep"),
        (b"data/sub/../file", b"0123456789"),
        (b"data/link", b"deep"),
        (b"data/to_sub/deep", b"deep"),
        (b"data/to_sub/../file", b"0123456789"),
        (b"data/absolute", b"0123456789"),
        (b"/../data/file", b"0123456789"),
    ],
)
def test_a_path_leads_to_a_file(placed: World, text: bytes, wanted: bytes) -> None:
    assert content(placed, opened(placed, text)) == wanted


def test_a_directory_keeps_its_paths_below_itself(confined: World) -> None:
    sub = opened(confined, b"data/sub")
    assert content(confined, opened(confined, b"deep", fd=sub)) == b"deep"
    confined.fails(Errno.PERM, path_open, *opening(confined, b"../file", fd=sub))
    confined.fails(Errno.PERM, path_open, *opening(confined, b"/data/file"))
    confined.fails(Errno.PERM, path_open, *opening(confined, b"data/absolute"))


def test_above_an_open_directory_is_where_it_was_found(placed: World, files: Path) -> None:
    sub = opened(placed, b"data/sub")
    assert content(placed, opened(placed, b"../file", fd=sub)) == b"0123456789"
    assert content(placed, opened(placed, b"../../data/../data/to_sub/deep", fd=sub)) == b"deep"
    (files / "sub").rename(files / "moved")
    placed.fails(Errno.NOENT, path_open, *opening(placed, b"../file", fd=sub))


def test_a_link_never_leads_out_of_the_namespace(placed: World) -> None:
    """The root is its own parent, so "../../../secret" is /secret of the guest, which is not there."""
    placed.fails(Errno.NOENT, path_open, *opening(placed, b"data/out"))


def test_a_name_swapped_for_a_link_is_not_followed(placed: World, files: Path) -> None:
    sub = opened(placed, b"data/sub")
    (files / "sub").rename(files / "moved")
    (files / "sub").symlink_to("/etc")
    assert content(placed, opened(placed, b"deep", fd=sub)) == b"deep"
    placed.fails(Errno.NOENT, path_open, *opening(placed, b"data/sub/passwd"))


def test_rights_are_those_asked_for_and_possible(placed: World) -> None:
    fd = opened(placed, b"data/file", rights=READ)
    assert placed.fds.get(fd).rights == FILE_RIGHTS & ~WRITING_RIGHTS
    fd = opened(placed, b"data/file", rights=ALL)
    assert placed.fds.get(fd).rights == FILE_RIGHTS


def test_the_root_lists_its_mounts(placed: World) -> None:
    assert [(name, kind) for name, kind, _ in listed(placed, opened(placed, b"."))] == [
        (name, FileType.DIRECTORY) for name in (b".", b"..", b"data", b"ro", b"other", b"tmp", b"dev")
    ]


def test_the_root_of_a_file_system_lists_itself_as_the_one_above(placed: World, confined: World, files: Path) -> None:
    """As /proc does on Linux. A guest that stays below learns nothing of what is above, either."""
    inode = files.stat().st_ino
    for world, text, above in (
        (placed, b".", placed.fds.get(0).file.status().inode),
        (placed, b"data", inode),
        (placed, b"data/sub", inode),
        (confined, b"data/sub", (files / "sub").stat().st_ino),
    ):
        world.call(fd_readdir, opened(world, text), BUFFER, 256, 1, COUNT)
        assert Dirent.unpack_from(world.memory.read(BUFFER, Dirent.SIZE), 0).d_ino == above


def test_a_directory_lists_in_pieces_and_as_it_was(placed: World, files: Path) -> None:
    fd = opened(placed, b"data")
    whole = listed(placed, fd)
    (files / "new").write_bytes(b"")
    pieces = whole[:1]
    while more := listed(placed, fd, 64, pieces[-1][2]):
        pieces += more
    assert pieces == whole
    kinds = {name: kind for name, kind, _ in whole}
    assert kinds[b"sub"] is FileType.DIRECTORY
    assert kinds[b"file"] is FileType.REGULAR_FILE
    assert kinds[b"link"] is FileType.SYMBOLIC_LINK
    assert b"new" not in kinds
    assert b"new" in [name for name, _, _ in listed(placed, fd)]


def test_status_of_a_file_and_of_a_link(placed: World, files: Path) -> None:
    placed.call(path_filestat_get, 0, FOLLOW, *path(placed, b"data/link"), RESULT)
    followed = placed.memory.load(FileStat, RESULT)
    placed.call(path_filestat_get, 0, 0, *path(placed, b"data/link"), RESULT)
    link = placed.memory.load(FileStat, RESULT)
    assert (followed.filetype, followed.size, followed.ino) == (
        FileType.REGULAR_FILE,
        4,
        (files / "sub" / "deep").stat().st_ino,
    )
    assert (link.filetype, link.size) == (FileType.SYMBOLIC_LINK, len("sub/deep"))
    placed.call(unstable_path_filestat_get, 0, FOLLOW, *path(placed, b"data/link"), RESULT)
    assert placed.memory.load(UnstableFileStat, RESULT).ino == followed.ino


def test_where_a_link_points(placed: World) -> None:
    placed.call(path_readlink, 0, *path(placed, b"data/link"), BUFFER, 5, COUNT)
    assert placed.memory.read(BUFFER, placed.u32(COUNT)) == b"sub/d"


def test_reading_at_an_offset_moves_nothing(placed: World) -> None:
    fd = opened(placed, b"data/file")
    placed.call(fd_pread, fd, VECTOR, buffers(placed, 3), 7, COUNT)
    assert placed.memory.read(BUFFER, placed.u32(COUNT)) == b"789"
    assert content(placed, fd) == b"0123456789"


def test_path_open2_tells_close_on_exec(placed: World) -> None:
    placed.call(path_open2, *opening(placed, b"data/file")[:-1], 1, RESULT)
    assert placed.fds.get(placed.u32(RESULT)).cloexec


def working_directory(world: World) -> bytes:
    world.words(COUNT, 64)
    world.call(getcwd, BUFFER, COUNT)
    size = world.u32(COUNT)
    text = world.memory.read(BUFFER, size + 1)
    assert text[size:] == b"\0"
    return text[:size]


def test_the_working_directory(placed: World) -> None:
    assert working_directory(placed) == b"/"
    for text, wanted in (
        (b"/data", b"/data"),
        (b"to_sub", b"/data/sub"),
        (b"..", b"/data"),
        (b".//sub/.", b"/data/sub"),
        (b"../../..", b"/"),
    ):
        placed.call(chdir, *path(placed, text))
        assert working_directory(placed) == wanted


def test_a_child_begins_where_its_parent_stands(placed: World) -> None:
    placed.call(chdir, *path(placed, b"/data/sub"))
    child = placed.ctx.files.copy()
    child.chdir(b"..")
    assert (child.getcwd(), working_directory(placed)) == (b"/data", b"/data/sub")
    child.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(b"deep", b"deep"), (b"../link", b"deep"), (b"/data/file", b"0123456789"), (b"./../absolute", b"0123456789")],
)
def test_a_program_is_read_from_the_working_directory(placed: World, text: bytes, wanted: bytes) -> None:
    placed.call(chdir, *path(placed, b"/data/sub"))
    assert placed.ctx.files.read_program(text) == wanted


@pytest.mark.parametrize(
    ("text", "errno"),
    [
        (b"", Errno.NOENT),
        (b"/data/nothing", Errno.NOENT),
        (b"/data/file/x", Errno.NOTDIR),
        (b"/data/file/", Errno.NOTDIR),
        (b"/data/sub", Errno.ACCES),
        (b"/data/fifo", Errno.ACCES),
        (b"/data/loop", Errno.LOOP),
        (b"n" * 256, Errno.NAMETOOLONG),
    ],
)
def test_what_is_no_program_is_told_as_execve_tells_it(placed: World, text: bytes, errno: Errno) -> None:
    with pytest.raises(SysError, match=errno.name):
        placed.ctx.files.read_program(text)


def test_a_program_of_any_size_is_not_read(placed: World) -> None:
    with pytest.raises(SysError, match="NOMEM"):
        placed.ctx.files.read_program(b"/data/file", limit=9)
