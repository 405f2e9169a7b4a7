"""Zip and tar files as directories: what is in them is read, and nothing in them leads out or fills the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED

import pytest

from pywasix.abi.enums import FileType
from pywasix.errors import OptionError, SysError
from pywasix.fs import archive as archives
from pywasix.fs import archive_reader
from pywasix.fs.archive import Archive
from pywasix.fs.archive_reader import read_archive
from pywasix.fs.node import READING, Directory, Opening
from pywasix.kernel.file import File

LINK = 0o120777 << 16


def zipped(**files: bytes) -> io.BytesIO:
    """A zip file; "__" in a name stands for "/"."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name.replace("__", "/"), content)
    return found


def tarred(*entries: tuple[str, bytes, str], mode: str = "w") -> io.BytesIO:
    """A tar file of (type, name, target or content) entries."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode=mode) as target:  # type: ignore[call-overload]  # any of its modes
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mtime = 1000
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                target.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                target.addfile(info)
    found.seek(0)
    return found


def content(directory: Directory, name: bytes) -> bytes:
    file = directory.open(name, READING)
    assert isinstance(file, File)
    room = bytearray(100)
    try:
        return bytes(room[: file.read_at([memoryview(room)], 0)])
    finally:
        file.close()


def names(directory: Directory) -> list[bytes]:
    return sorted(entry.name for entry in directory.entries())


def test_a_zip_file_is_read() -> None:
    found = read_archive(zipped(file=b"content", sub__deep__file=b"deep", empty__=b""), "x")
    assert names(found) == [b"empty", b"file", b"sub"]
    assert content(found, b"file") == b"content"
    assert content(found.enter(b"sub").enter(b"deep"), b"file") == b"deep"
    assert names(found.enter(b"empty")) == []
    assert found.inspect(b"file").size == 7
    found.close()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_file_is_read(mode: str) -> None:
    entries = [
        ("./dir", tarfile.DIRTYPE, ""),
        ("dir/file", tarfile.REGTYPE, "content"),
        ("dir/link", tarfile.SYMTYPE, "file"),
        ("hard", tarfile.LNKTYPE, "dir/file"),
        ("/absolute", tarfile.REGTYPE, "inside all the same"),
        ("null", tarfile.CHRTYPE, ""),
        ("disk", tarfile.BLKTYPE, ""),
        ("fifo", tarfile.FIFOTYPE, ""),
    ]
    found = read_archive(tarred(*entries, mode=mode), "x")
    assert names(found) == [b"absolute", b"dir", b"disk", b"fifo", b"hard", b"null"]
    inner = found.enter(b"dir")
    assert content(inner, b"file") == content(found, b"hard") == b"content"
    assert inner.target(b"link") == b"file"
    assert inner.inspect(b"link").filetype is FileType.SYMBOLIC_LINK
    assert inner.inspect(b"file").modified == 1000 * 10**9
    for name in (b"null", b"disk", b"fifo"):
        with pytest.raises(SysError, match="NOTSUP"):
            found.open(name, READING)
    found.close()


def test_links_of_a_zip_file() -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as target:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, LINK
        target.writestr(info, "../../etc/passwd")
        target.writestr("file", "content")
    found = read_archive(raw, "x")
    assert found.target(b"link") == b"../../etc/passwd"
    with pytest.raises(SysError, match="LOOP"):
        found.open(b"link", READING)
    with pytest.raises(SysError, match="INVAL"):
        found.target(b"file")
    found.close()


@pytest.mark.parametrize("change", ["write", "truncate", "create"])
def test_an_archive_cannot_be_changed(change: str) -> None:
    found = read_archive(zipped(file=b"content", sub__x=b""), "x")
    how = Opening(**{change: True})
    with pytest.raises(SysError, match="ROFS"):
        found.open(b"new" if change == "create" else b"file", how)
    changes: list[Callable[[], None]] = [
        lambda: found.make_directory(b"new"),
        lambda: found.remove_file(b"file"),
        lambda: found.remove_directory(b"sub"),
        lambda: found.rename(b"file", found, b"new"),
        lambda: found.set_times(b"file", 1, 1),
        lambda: found.make_link(b"new", b"x"),
    ]
    for each in changes:
        with pytest.raises(SysError, match="ROFS"):
            each()
    found.close()


@pytest.mark.parametrize("name", ["../out", "a/../../out", "..", "a/.."])
def test_an_entry_that_leads_out_makes_the_archive_be_refused(name: str) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as target:
        target.writestr(name, "x")
    with pytest.raises(OptionError, match="leads out"):
        read_archive(raw, "x")
    assert raw.closed
    with pytest.raises(OptionError, match="leads out"):
        read_archive(tarred((name, tarfile.REGTYPE, "x")), "x")


@pytest.mark.parametrize(
    "entries",
    [
        (("file", tarfile.REGTYPE, "x"), ("file/below", tarfile.REGTYPE, "x")),
        (("dir/x", tarfile.REGTYPE, "x"), ("dir", tarfile.REGTYPE, "x")),
        (("hard", tarfile.LNKTYPE, "nothing"),),
        (("hard", tarfile.LNKTYPE, "../out"),),
        ((".", tarfile.REGTYPE, "x"),),
    ],
)
def test_entries_that_contradict_each_other(entries: tuple[tuple[str, bytes, str], ...]) -> None:
    with pytest.raises(OptionError, match="archives"):
        read_archive(tarred(*entries), "x")


@pytest.mark.parametrize(
    "raw", [b"", b"no archive", b"PK\3\4 cut off", b"\x1f\x8b\x08 broken", b"BZh broken", b"\xfd7zXZ\0bad"]
)
def test_what_is_no_archive(raw: bytes) -> None:
    with pytest.raises(OptionError, match="no zip or tar file"):
        read_archive(io.BytesIO(raw), "x")


def damaged(packed: bytes) -> bytes:
    return packed[:3000] + bytes(100) + packed[3100:]


def header(kind: bytes, size: int) -> bytes:
    """A tar header that says how many bytes follow, in base 256."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


NOISE = random.Random(1).randbytes(20000)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(damaged(lzma.compress(NOISE)), id="xz"),
        pytest.param(damaged(bz2.compress(NOISE)), id="bzip2"),
        pytest.param(damaged(gzip.compress(NOISE)), id="gzip"),
        pytest.param(header(tarfile.GNUTYPE_LONGNAME, 1 << 62), id="a name of more bytes than there is memory"),
        pytest.param(header(tarfile.XHDTYPE, 1 << 62), id="a header of more bytes than there is memory"),
        pytest.param(header(tarfile.XHDTYPE, 1 << 86), id="a header of more bytes than there are numbers"),
        pytest.param(header(tarfile.REGTYPE, 1 << 86), id="a file of more bytes than there are numbers"),
    ],
)
def test_an_archive_that_is_broken_or_lies(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(raw + bytes(1024))
    for file in (io.BytesIO(raw + bytes(1024)), (tmp_path / "archive").open("rb")):
        with pytest.raises(OptionError, match=r"no zip or tar file that can be read: [^ ]"):
            read_archive(file, "x")
        assert file.closed


def test_names_of_more_directories_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_OBJECTS", 1000)
    fine = read_archive(tarred(*((f"d/{number}/x", tarfile.REGTYPE, "") for number in range(400))), "x")
    assert len(names(fine)) == 1, "what is there already does not count again"
    fine.close()
    with pytest.raises(OptionError, match="more than 1000 files and directories"):
        read_archive(tarred(*(("d/" * 400 + f"{number}/" * 400, tarfile.DIRTYPE, "") for number in range(3))), "x")
    with pytest.raises(OptionError, match="more than 1000 files and directories"):
        read_archive(zipped(**{f"d{number}__" * 300 + "x": b"" for number in range(4)}), "x")


def test_the_last_entry_of_a_name_counts() -> None:
    entries = ("file", tarfile.REGTYPE, "first"), ("file", tarfile.REGTYPE, "second")
    found = read_archive(tarred(*entries), "x")
    assert content(found, b"file") == b"second"
    found.close()


def small(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(archives, "BUDGET", size)
    monkeypatch.setattr(archive_reader, "BUDGET", size)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, 1 << 20)
    found = read_archive(zipped(bomb=bytes(10 << 20), fine=b"x"), "x")
    with pytest.raises(SysError, match="FBIG"):
        found.open(b"bomb", READING)
    assert content(found, b"fine") == b"x"
    found.close()
    with pytest.raises(OptionError, match="unpack it"):
        read_archive(tarred(("bomb", tarfile.REGTYPE, "\0" * (2 << 20)), mode="w:gz"), "x")


def test_what_is_open_at_once_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, 1000)
    found = read_archive(zipped(a=bytes(600), b=bytes(600)), "x")
    first, again = found.open(b"a", READING), found.open(b"a", READING)
    assert isinstance(first, File)
    assert isinstance(again, File)
    with pytest.raises(SysError, match="NOMEM"):
        found.open(b"b", READING)
    first.close()
    with pytest.raises(SysError, match="NOMEM"):
        found.open(b"b", READING)
    again.close()
    assert content(found, b"b") == bytes(100)
    found.close()


def test_a_file_that_lies_about_its_size() -> None:
    raw = zipped(file=b"content")
    damaged = raw.getvalue().replace((7).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    found = read_archive(io.BytesIO(damaged), "x")
    with pytest.raises(SysError, match="IO"):
        found.open(b"file", READING)
    found.close()


PACKINGS = {"stored": ZIP_STORED, "deflated": ZIP_DEFLATED, "bzip2": ZIP_BZIP2, "lzma": ZIP_LZMA}


def bomb(packing: int, size: int, mode: int = 0o100644) -> bytes:
    """A zip file with so many zeros."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as target:
        info = zipfile.ZipInfo("bomb")
        info.external_attr = mode << 16
        info.compress_type = packing
        with target.open(info, "w") as entry:
            for _ in range(size >> 20):
                entry.write(bytes(1 << 20))
    return raw.getvalue()


@pytest.mark.parametrize("packing", ["deflated", "bzip2", "lzma"])
@pytest.mark.parametrize("mode", [0o100644, 0o120777], ids=["file", "link"])
def test_a_bomb_that_says_it_is_small(mode: int, packing: str) -> None:
    """It is unpacked to the size that it says, and takes no more memory than its archive and what unpacks it."""
    size = 64 << 20
    lying = bomb(PACKINGS[packing], size, mode).replace(size.to_bytes(4, "little"), (5).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        with pytest.raises((SysError, OptionError), match=r"IO|can be read"):
            read_archive(io.BytesIO(lying), "x").open(b"bomb", READING)
        dictionary = 8 << 20 if packing == "lzma" else 0
        assert tracemalloc.get_traced_memory()[1] < dictionary + 8 * len(lying) + (1 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("whole", [b"", b"x", bytes(3 << 20), bytes(range(256)) * 9999], ids=["0", "1", "zeros", "all"])
def test_every_way_of_packing(packing: str, whole: bytes) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", PACKINGS[packing]) as target:
        target.writestr("file", whole)
    found = read_archive(raw, "x")
    file = found.open(b"file", READING)
    assert isinstance(file, File)
    room = bytearray(len(whole) + 1)
    assert file.read_at([memoryview(room)], 0) == len(whole)
    assert room[: len(whole)] == whole
    file.close()
    found.close()


def test_lzma_whose_end_is_told_by_its_size() -> None:
    """Packers may leave out the flag that a mark ends the content: then the size does."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", ZIP_LZMA) as target:
        target.writestr("file", b"content" * 10)
    unmarked = bytearray(raw.getvalue())
    for head, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        unmarked[unmarked.index(head) + flags] &= ~2
    found = read_archive(io.BytesIO(unmarked), "x")
    assert content(found, b"file") == b"content" * 10
    found.close()


def test_lzma_that_wants_gigabytes_for_itself() -> None:
    raw = bytearray(bomb(ZIP_LZMA, 1 << 20))
    start = 30 + len("bomb") + 4
    raw[start + 1 : start + 5] = (0xFFFFFFF0).to_bytes(4, "little")  # its dictionary
    found = read_archive(io.BytesIO(raw), "x")
    tracemalloc.start()
    try:
        with pytest.raises(SysError, match="IO"):
            found.open(b"bomb", READING)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
        found.close()


@pytest.mark.parametrize("packing", ["bzip2", "lzma"])
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_broken_entry(packing: str, damage: str) -> None:
    whole = bytes(range(256)) * 64
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", PACKINGS[packing]) as target:
        target.writestr("file", whole)
        info = target.getinfo("file")
    broken = bytearray(raw.getvalue())
    start = info.header_offset + 30 + len("file")
    if damage == "flipped":
        broken[start + info.compress_size // 2] ^= 0xFF
    else:
        broken[start + 6 : start + info.compress_size] = bytes(info.compress_size - 6)
    found = read_archive(io.BytesIO(broken), "x")
    with pytest.raises(SysError, match="IO"):
        found.open(b"file", READING)
    found.close()


def test_an_encrypted_file_is_not_opened() -> None:
    raw = bytearray(zipped(file=b"content").getvalue())
    for head, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(head) + offset] |= 1
    found = read_archive(io.BytesIO(bytes(raw)), "x")
    with pytest.raises(SysError, match="NOTSUP"):
        found.open(b"file", READING)
    found.close()


def test_closing_closes_the_file() -> None:
    raw = zipped(file=b"content")
    found: Archive = read_archive(raw, "x")
    found.close()
    assert raw.closed
