"""Reading the list of a zip or tar file into an `Archive`."""

from __future__ import annotations

import io
from calendar import timegm
from functools import partial
from stat import S_IFMT, S_ISLNK, S_ISREG
from tarfile import TarFile, TarInfo
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo, is_zipfile

from pywasix.abi.enums import FileType
from pywasix.errors import OptionError
from pywasix.fs.archive import BUDGET, Archive, ArchiveLink, Odd, Stored
from pywasix.fs.tree import Leaf
from pywasix.fs.zip_entry import unpacked

_BY_UNIX = 3  # who made a zip entry, so that its mode means something
_LONGEST_TARGET = 4095  # bytes of a symbolic link


def read_archive(file: BinaryIO, name: str, device: int = 0) -> Archive:
    """The content of a zip or tar file, which the archive owns from then on.

    Raises: OptionError for what is no such file, or cannot be shown; the file is closed then.
    """
    found = Archive(file, device)
    try:
        if is_zipfile(file):
            _read_zip(found, file)
        else:
            _read_tar(found, file)
    except OptionError as error:
        file.close()
        raise OptionError(f"--archive (archives) {name}: {error}") from None
    except Exception as error:  # the library's readers say "broken" in a dozen ways, MemoryError among them
        file.close()
        reason = str(error) or type(error).__name__
        raise OptionError(f"--archive (archives) {name} is no zip or tar file that can be read: {reason}") from None
    except BaseException:
        file.close()
        raise
    return found


def _read_zip(archive: Archive, file: BinaryIO) -> None:
    packed = ZipFile(file)  # closed with the file
    for info in packed.infolist():
        path = info.filename.encode("utf-8", "surrogateescape")
        if info.is_dir():
            _make_directory(archive, path)
            continue
        mode = info.external_attr >> 16 if info.create_system == _BY_UNIX else 0
        time = _zip_time(info)
        if S_ISLNK(mode):
            if info.file_size > _LONGEST_TARGET:
                raise OptionError(f"the archive has a symbolic link of {info.file_size} bytes")
            archive.put(path, ArchiveLink(archive.described(FileType.SYMBOLIC_LINK, 0, time), unpacked(packed, info)))
        elif S_IFMT(mode) and not S_ISREG(mode):
            archive.put(path, Odd(archive.described(FileType.UNKNOWN, 0, time)))
        else:
            status = archive.described(FileType.REGULAR_FILE, info.file_size, time)
            archive.put(path, Stored(status, archive.budget, partial(unpacked, packed, info)))


def _zip_time(info: ZipInfo) -> int:
    """Seconds since 1970; a zip file does not say in which time zone. An impossible date counts as 1970."""
    try:
        return timegm(info.date_time)
    except (ValueError, OverflowError):
        return 0


def _make_directory(archive: Archive, path: bytes) -> None:
    where = archive.place(path)
    if where is not None:
        archive.directory(*where)


def _read_tar(archive: Archive, file: BinaryIO) -> None:
    file.seek(0)
    packed = TarFile.open(fileobj=_unpacked_tar(file), mode="r:", errorlevel=2)
    for info in packed:
        path = info.name.encode("utf-8", "surrogateescape")
        if info.isdir():
            _make_directory(archive, path)
        elif info.islnk():
            archive.put(path, _linked(archive, info))
        else:
            archive.put(path, _tar_leaf(archive, packed, info))


def _tar_leaf(archive: Archive, packed: TarFile, info: TarInfo) -> Leaf:
    if info.issym():
        target = info.linkname.encode("utf-8", "surrogateescape")
        return ArchiveLink(archive.described(FileType.SYMBOLIC_LINK, 0, info.mtime), target)
    if not info.isreg():
        kind = FileType.CHARACTER_DEVICE if info.ischr() else FileType.UNKNOWN
        return Odd(archive.described(FileType.BLOCK_DEVICE if info.isblk() else kind, 0, info.mtime))
    status = archive.described(FileType.REGULAR_FILE, info.size, info.mtime)
    return Stored(status, archive.budget, lambda: _from_tar(packed, info))


def _from_tar(packed: TarFile, info: TarInfo) -> bytes:
    content = packed.extractfile(info)
    return b"" if content is None else content.read()


def _linked(archive: Archive, info: TarInfo) -> Leaf:
    """The file that a hard link means, which stands before it."""
    where = archive.place(info.linkname.encode("utf-8", "surrogateescape"))
    found = where and where[0].children.get(where[1])
    if not isinstance(found, Leaf):
        raise OptionError(f"the archive has a hard link {info.name!r} to nothing")
    return found


def _unpacked_tar(file: BinaryIO) -> BinaryIO:
    """The tar file itself, unpacked into memory when it is compressed: there is no other way to its middle."""
    head = file.read(6)
    file.seek(0)
    if head[:2] == b"\x1f\x8b":
        from gzip import GzipFile

        source: io.BufferedIOBase = GzipFile(fileobj=file)
    elif head[:3] == b"BZh":
        from bz2 import BZ2File

        source = BZ2File(file)
    elif head == b"\xfd7zXZ\0":
        from lzma import LZMAFile

        source = LZMAFile(file)  # noqa: SIM115  # it holds nothing but `file`
    else:
        return file
    content = source.read(BUDGET + 1)
    if len(content) > BUDGET:
        raise OptionError(f"it has more than {BUDGET >> 20} MiB when unpacked: unpack it, and give the directory")
    return io.BytesIO(content)
