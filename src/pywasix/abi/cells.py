"""Single values in guest memory: one precompiled codec per width, all little-endian.

`LinearMemory` uses these for result cells; everything larger is a record (`layout.py`).
"""

import struct
from struct import Struct

load_u32_pair = Struct("<II").unpack_from
u32_pair = Struct("<II").pack
load_option_timestamp = Struct("<B7xQ").unpack_from
"""Tag and ns of an `OptionTimestamp`, which is read at each wait."""
load_u8 = Struct("<B").unpack_from
load_u16 = Struct("<H").unpack_from
load_u32 = Struct("<I").unpack_from
load_u64 = Struct("<Q").unpack_from
store_u8 = Struct("<B").pack_into
store_u16 = Struct("<H").pack_into
store_u32 = Struct("<I").pack_into
store_u64 = Struct("<Q").pack_into
OutsideError = struct.error
"""What the codecs raise where the memory ends before the value does."""


def raw_values(codes: str) -> Struct:
    """The codec of an argument block: one 16-byte engine value cell per letter.

    Args:
        codes: a struct letter for each value (`I` for i32, `Q` for i64; lower case is signed).
    Source: the engine's `wasmtime_val_raw_t`, a 16-byte union stored little-endian.
    """
    width = {"I": 4, "i": 4, "Q": 8, "q": 8, "f": 4, "d": 8}
    return Struct("<" + "".join(f"{code}{16 - width[code]}x" for code in codes))
