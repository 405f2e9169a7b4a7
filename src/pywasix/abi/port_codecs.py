"""Codecs of addresses without a port: what `resolve` reports, and the interface, prefixes and routes of `port_*`.

The layouts are those of libc, in whose calls the records are declared (`addresses`); guests of before 2023-09 have
the narrower forms that are written here alone. Families are `AddressFamily` numbers, which tell the length of an
address: 4 bytes are INET4, 16 are INET6, none is UNSPEC.
"""

from struct import Struct
from typing import NamedTuple

from pywasix.abi.enums import AddressFamily, Option

_FAMILY_OF = {0: int(AddressFamily.UNSPEC), 4: int(AddressFamily.INET4), 16: int(AddressFamily.INET6)}
_LENGTH_OF = {family: length for length, family in _FAMILY_OF.items() if length}

_ADDRESS = Struct("<Bx16s")
_OPTION_TIME = Struct("<B7xQ")

ADDRESS_SIZE = _ADDRESS.size
"""Bytes of an `addr_ip`, and all bytes of an `addr` that say something: 18."""


class _Shape(NamedTuple):
    """Sizes and offsets in bytes, as one generation has them."""

    prefix6: int  # of the prefix length in an IPv6 `addr_cidr`
    cidr: int
    address: int  # a whole `addr`
    times: int  # of `preferred_until` in a route
    route: int


_PREFIX4 = 6  # in every generation
_WIDE = _Shape(prefix6=26, cidr=28, address=110, times=144, route=176)
_NARROW = _Shape(prefix6=18, cidr=20, address=18, times=40, route=72)


def _shape(wide: bool) -> _Shape:
    return _WIDE if wide else _NARROW


def cidr_size(*, wide: bool) -> int:
    """Bytes of the guest's `addr_cidr`."""
    return _shape(wide).cidr


def route_size(*, wide: bool) -> int:
    """Bytes of the guest's `route`."""
    return _shape(wide).route


def encode_address(ip: bytes) -> bytes:
    """Return 18 bytes: an `addr_ip`, or the part of an `addr` that says something.

    Args:
        ip: 4 or 16 bytes in network order; empty for no address.
    """
    return _ADDRESS.pack(_FAMILY_OF[len(ip)], ip)


def decode_address(raw: bytes) -> bytes | None:
    """Read an `addr`: 4 or 16 bytes, none for UNSPEC; ``None`` for a family without IP addresses.

    Args:
        raw: 18 bytes or more.
    """
    family, ip = _ADDRESS.unpack_from(raw)
    if family == AddressFamily.UNSPEC:
        return b""
    length = _LENGTH_OF.get(family)
    return None if length is None else bytes(ip[:length])


def encode_cidr(ip: bytes, prefix: int, *, wide: bool) -> bytes:
    """Return an `addr_cidr`, 28 or 20 bytes.

    Args:
        ip: 4 or 16 bytes in network order.
        prefix: 0..128.
    """
    shape = _shape(wide)
    raw = bytearray(encode_address(ip).ljust(shape.cidr, b"\0"))
    raw[_PREFIX4 if len(ip) == 4 else shape.prefix6] = prefix
    return bytes(raw)


def decode_cidr(raw: bytes, *, wide: bool) -> tuple[bytes | None, int]:
    """Read an `addr_cidr`: the address as `decode_address` gives it, and the prefix length as it stands there.

    Args:
        raw: ``cidr_size(wide=wide)`` bytes.
    """
    ip = decode_address(raw)
    return ip, raw[_PREFIX4 if ip is not None and len(ip) == 4 else _shape(wide).prefix6]


def encode_route(ip: bytes, prefix: int, via: bytes, *, wide: bool) -> bytes:
    """Return a `route` that never expires, 176 or 72 bytes.

    Args:
        ip, prefix: the destinations.
        via: the router's address; empty when they are reached directly.
    """
    shape = _shape(wide)
    ends = encode_cidr(ip, prefix, wide=wide) + encode_address(via).ljust(shape.address, b"\0")
    never = _OPTION_TIME.pack(int(Option.NONE), 0)
    return ends.ljust(shape.times, b"\0") + never + never
