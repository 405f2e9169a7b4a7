"""The content of one entry of a zip file, unpacked to no more than the size that it says.

`zipfile` unpacks bzip2 and LZMA by as many bytes of the archive at a time, and a few of these can be a hundred million.
So here they are unpacked by as many bytes as there may be.
"""

from __future__ import annotations

from copy import copy
from typing import IO, Protocol
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import crc32

_PIECE = 1 << 20  # bytes of content or of the archive that are asked for at once
_MOST_MEMORY = 1 << 28  # bytes that unpacking LZMA may take for itself
_WITH_MARK = 1 << 1  # APPNOTE 4.4.4: a mark ends the content of an LZMA entry, and no size does
_PROPERTIES = 5
_NO_SIZE = (1 << 64) - 1  # of an LZMA file whose end has a mark


class _Unpacker(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def unpacked(packed: ZipFile, info: ZipInfo) -> bytes:
    """All of an entry, or as much as it says that it is.

    Raises: BadZipFile and what else the modules of the standard library raise for a broken archive; RuntimeError for
        what is encrypted, or packed in a way nobody knows.
    """
    if info.compress_type not in (ZIP_BZIP2, ZIP_LZMA):
        return _by_library(packed, info)
    with packed.open(_as_it_lies(info)) as entry:
        head, unpacker = _bzip2() if info.compress_type == ZIP_BZIP2 else _lzma(entry, info)
        content = _bounded(unpacker, head, entry, info.file_size)
    if crc32(content) != info.CRC:
        raise BadZipFile(f"the content of {info.filename!r} is not what was packed")
    return content


def _by_library(packed: ZipFile, info: ZipInfo) -> bytes:
    """What is stored, or deflated: the library gives no more than it is asked for, and than the entry says."""
    found = bytearray()
    with packed.open(info) as entry:
        while piece := entry.read(min(_PIECE, info.file_size + 1)):
            found += piece
    return bytes(found)


def _as_it_lies(info: ZipInfo) -> ZipInfo:
    """The entry as if it had been stored as it lies in the archive. There is no sum for that to be compared with."""
    stored = copy(info)
    stored.compress_type, stored.file_size = ZIP_STORED, info.compress_size
    del stored.CRC
    return stored


def _bounded(unpacker: _Unpacker, head: bytes, entry: IO[bytes], size: int) -> bytes:
    """What a head and an entry behind it unpack to: at most `size` bytes, and one that says that there are more."""
    found = bytearray()
    while not unpacker.eof and len(found) <= size:
        data = head + entry.read(_PIECE) if unpacker.needs_input else b""
        head = b""
        piece = unpacker.decompress(data, min(_PIECE, size + 1 - len(found)))
        if not (data or piece):
            break  # the archive ends before the entry does
        found += piece
    return bytes(found)


def _bzip2() -> tuple[bytes, _Unpacker]:
    from bz2 import BZ2Decompressor  # not every Python has it

    return b"", BZ2Decompressor()


def _lzma(entry: IO[bytes], info: ZipInfo) -> tuple[bytes, _Unpacker]:
    """APPNOTE 5.8.8: two bytes of version, the size of the properties, the properties; then as in an .lzma file.

    Returns: the head that an .lzma file has, and what unpacks one.
    """
    from lzma import FORMAT_ALONE, LZMADecompressor

    size = int.from_bytes(entry.read(4)[2:], "little")
    properties = entry.read(size)
    if size != _PROPERTIES or len(properties) != size:
        raise BadZipFile(f"an LZMA entry has {_PROPERTIES} bytes of properties")
    content = _NO_SIZE if info.flag_bits & _WITH_MARK else info.file_size
    return properties + content.to_bytes(8, "little"), LZMADecompressor(FORMAT_ALONE, memlimit=_MOST_MEMORY)
