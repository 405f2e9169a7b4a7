"""Sizes as people write them."""

from __future__ import annotations

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text: str) -> int:
    """Bytes: a number, or one with K, M, G, KiB, MiB or GiB, all powers of 1024."""
    digits = text.rstrip("KMGiBkmgb")
    unit = text[len(digits) :]
    unit = (unit[:-2] if len(unit) == 3 and unit.endswith("iB") else unit).upper()
    if not (digits.isascii() and digits.isdecimal()) or unit not in _UNITS:
        raise ValueError(f"{text!r} is no size: give bytes, or a number with K, M or G (KiB, MiB, GiB)")
    return int(digits) * _UNITS[unit]
