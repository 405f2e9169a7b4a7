"""The devices of /dev, read without a guest."""

from __future__ import annotations

import pytest

from pywasix.fs.devices import devices
from pywasix.fs.node import Opening
from pywasix.kernel.file import File

_MANY = 1024  # buffers of one call


@pytest.mark.parametrize("name", [b"random", b"zero"])
def test_a_read_at_an_offset_ends_soon_however_much_is_asked_for(name: bytes) -> None:
    """No signal and no kill gets through to it, and the buffers may be the same memory a thousand times."""
    made: list[int] = []

    def random(size: int) -> bytes:
        made.append(size)
        return bytes([1]) * size

    file = devices(random).open(name, Opening())
    assert isinstance(file, File)
    room = memoryview(bytearray(b"x") * (1 << 20))
    assert file.read_at([room] * _MANY, 0) == 1 << 24
    assert bytes(room) == bytes([name == b"random"]) * (1 << 20)
    assert max(made, default=0) <= 1 << 16
    assert file.read_at([room[:3], room[3:3], room[4:7]], 0) == 6
