"""The binary format of WebAssembly: sections, numbers and instructions of modules that the engine has found valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"\0asm"
CORE_VERSION = b"\1\0\0\0"


class SectionId(IntEnum):
    """The sections that somebody here looks at (WebAssembly core specification, 5.5)."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    ELEMENT = 9
    CODE = 10


class Section(NamedTuple):
    """One section: what it is, and where its content begins and ends."""

    id: int
    start: int
    end: int


def sections(data: bytes) -> Iterator[Section]:
    """The sections of a module, in order."""
    at = len(MAGIC + CORE_VERSION)
    while at < len(data):
        kind = data[at]
        size, at = unsigned(data, at + 1)
        yield Section(kind, at, at + size)
        at += size


def unsigned(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where the next byte is."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


class Reader:
    """Reads one section from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """The next unsigned LEB128 number."""
        value, self._at = unsigned(self._data, self._at)
        return value

    def signed(self) -> int:
        """The next signed LEB128 number."""
        begin = self._at
        value = self.number()
        bits = 7 * (self._at - begin)
        return value - (1 << bits) if value >> bits - 1 else value

    def numbers(self) -> list[int]:
        """A vector of numbers."""
        return [self.number() for _ in range(self.number())]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        """The next bytes."""
        self._at += size
        return self._data[self._at - size : self._at]

    def sized(self) -> bytes:
        """Bytes with their number before them: a name, a body, a vector of bytes."""
        return self.take(self.number())


def encode_unsigned(value: int) -> bytes:
    """A number as unsigned LEB128."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_signed(value: int) -> bytes:
    """A number as signed LEB128."""
    encoded = bytearray()
    while not -0x40 <= value < 0x40:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value & 0x7F)
    return bytes(encoded)


def vector(items: list[bytes]) -> bytes:
    """Items with their number before them."""
    return encode_unsigned(len(items)) + b"".join(items)


def sized(content: bytes) -> bytes:
    """Content with its size in bytes before it."""
    return encode_unsigned(len(content)) + content


# -- instructions -----------------------------------------------------------------------------------

_LEB = rb"[\x80-\xff]*+[\x00-\x7f]"
_VALUE_TYPE = rb"(?:[\x63\x64]" + _LEB + rb"|[\x68-\x7f])"
_MEMORY = _LEB + _LEB  # alignment and offset

# The engine of regular expressions passes over a hundred thousand instructions in the time in which Python looks at a
# thousand. What it stops at is what somebody wants to see, or what is longer by a number that stands in it.
PLAIN = re.compile(
    rb"(?:"
    rb"[\x20-\x24\x0c\x0d\x10\x41\x42]" + _LEB  # variables, branches, calls, constants
    + rb"|[\x00\x01\x05\x0a\x0b\x0f\x1a\x1b\x45-\xc4\xd1\xd4]"  # no operand
    + rb"|[\x28-\x3e]" + _MEMORY
    + rb"|[\x02-\x04]" + rb"(?:[\x63\x64]" + _LEB + rb"|" + _LEB + rb")"  # blocks and their types
    + rb"|[\x08\x12\x14\x15\x25\x3f\x40\xd0\xd2\xd5\xd6]" + _LEB
    + rb"|\x43.{4}|\x44.{8}|\x1c\x01" + _VALUE_TYPE
    + rb"|\xfc(?:[\x00-\x07]|[\x08\x0a]" + _LEB + _LEB + rb"|[\x09\x0b\x0d\x10]" + _LEB + rb"|[\x13-\x16])"
    + rb"|\xfd(?:[\x00-\x0b\x5c\x5d]" + _MEMORY + rb"|[\x0c\x0d].{16}|[\x15-\x22].|[\x54-\x5b]" + _MEMORY + rb"."
    + rb"|[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff][\x01-\x7f])"
    + rb"|\xfe(?:\x03.|[\x00-\x02\x10-\x4e]" + _MEMORY + rb")"
    rb")*+",
    re.DOTALL,
)  # fmt: skip
"""Any number of instructions that hand on no choice of a table's function and change no table."""

LOCALS = re.compile(rb"(?:" + _LEB + _VALUE_TYPE + rb")", re.DOTALL)
"""One declaration of local variables of a function: how many, and of which type."""

_BRANCH_TABLE, _TRY_TABLE = 0x0E, 0x1F
_CATCH, _CATCH_REF = 0x00, 0x01  # these name a tag; the others name only a label
_TYPED_REFERENCES = (0x63, 0x64)  # a number follows, as a block's type of its own would be


def after_long(data: bytes, at: int) -> int | None:
    """Where the instruction after one ends whose length stands in it; None for an instruction of another kind."""
    opcode = data[at]
    at += 1
    if opcode == _BRANCH_TABLE:
        count, at = unsigned(data, at)
        for _ in range(count + 1):  # and the default
            _, at = unsigned(data, at)
        return at
    if opcode == _TRY_TABLE:
        _, at = unsigned(data, at + (data[at] in _TYPED_REFERENCES))
        count, at = unsigned(data, at)
        for _ in range(count):
            kind = data[at]
            at += 1
            for _ in range(2 if kind in (_CATCH, _CATCH_REF) else 1):
                _, at = unsigned(data, at)
        return at
    return None
