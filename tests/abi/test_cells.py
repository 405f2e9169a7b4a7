"""Single values in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywasix.abi import cells


@given(st.sampled_from([8, 16, 32, 64]), st.data())
def test_cells_are_little_endian(bits: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, (1 << bits) - 1))
    buffer = bytearray(b"\xaa" * 16)
    getattr(cells, f"store_u{bits}")(buffer, 3, value)
    assert buffer == b"\xaa" * 3 + value.to_bytes(bits // 8, "little") + b"\xaa" * (13 - bits // 8)
    assert getattr(cells, f"load_u{bits}")(buffer, 3) == (value,)


def test_engine_values_take_16_bytes_each() -> None:
    codec = cells.raw_values("Iq")
    assert codec.size == 32
    assert codec.pack(1, -1) == b"\x01" + bytes(15) + b"\xff" * 8 + bytes(8)
