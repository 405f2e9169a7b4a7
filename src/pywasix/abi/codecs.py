"""Fast codecs of the paths that every packet takes: buffers, poll lists, socket addresses. No objects.

The layouts are those of `records` and `addresses`; a test holds the two against each other.
"""

from collections.abc import Iterator
from struct import Struct

from pywasix.abi.enums import AddressFamily, EventType

Buffer = bytes | bytearray | memoryview

_IP4, _IP6, _UNIX = int(AddressFamily.INET4), int(AddressFamily.INET6), int(AddressFamily.UNIX)
_CLOCK = int(EventType.CLOCK)

PORT_IP4 = {False: Struct("<BxH4s12x"), True: Struct(">BxH4s12x")}
_PORT_IP6 = {False: Struct("<BxH16s"), True: Struct(">BxH16s")}
_FLOW_SCOPE = Struct("<HHHH")
_HEAD = {False: Struct("<BxH"), True: Struct(">BxH")}

ADDR_PORT_HEAD = 20
"""Bytes of an address that every generation has; all that an IPv4 address needs."""
ADDR_PORT_IP6 = 28
"""Bytes of a wide IPv6 address, with flow information and scope."""
ADDR_PORT_UNIX = 110
"""Bytes of a wide Unix address."""
UNIX_PATH_MAX = 107
"""Bytes of a Unix socket path, without its NUL."""

iter_iovecs = Struct("<II").iter_unpack
"""Iterate over (address, length) of an array of iovecs."""

_EVENT = Struct("<QHB5xQH6x")
# The descriptor and the clock are in one place; `wasi_unstable` has the userdata again before the clock. Nobody needs
# the precision.
_SUBSCRIPTIONS = Struct("<QB7xI4xQ8xH6x").iter_unpack
_UNSTABLE_SUBSCRIPTIONS = Struct("<QB7xI4xI4xQ8xH6x").iter_unpack
SUBSCRIPTION_SIZE = {False: 48, True: 56}
"""Bytes of a subscription, by whether the guest is of the `wasi_unstable` generation."""
EVENT_SIZE = _EVENT.size

encode_fdstat = Struct("<BxH4xQQ").pack
"""Return what a descriptor is, 24 bytes: (type, flags, rights, inheriting rights)."""

encode_filestat = Struct("<QQB7xQQQQQ").pack
"""Return what a file is, 64 bytes: (device, inode, type, links, size, three times in ns)."""

encode_dirent = Struct("<QQIB3x").pack
"""Return the head of a directory entry, 24 bytes: (cookie of the next, inode, length of the name, type)."""

_EPOLL_EVENT = Struct("<I4x24s")
EPOLL_EVENT_SIZE = _EPOLL_EVENT.size
encode_epoll_event = _EPOLL_EVENT.pack
"""Return one event of epoll, 32 bytes: (events, the 24 bytes of the guest's data)."""
decode_epoll_event = _EPOLL_EVENT.unpack_from
"""Read (events, the 24 bytes of the guest's data)."""
_EVENTS = Struct("<I")


def epoll_event_with(events: int, event: bytes) -> bytes:
    """Return an event of epoll that tells of other events."""
    return _EVENTS.pack(events) + event[_EVENTS.size :]


def encode_addr_port(
    family: int, port: int, ip: bytes, flow: int, scope: int, *, wide: bool, big_endian: bool
) -> bytes:
    """Return a socket address as the guest's generation expects it.

    Args:
        family: an `AddressFamily`; anything but INET4, INET6 and, for a wide guest, UNIX gives an address of the
            unspecified family.
        port: 0..65535.
        ip: 4 or 16 bytes in network order; for UNIX the path.
        flow: IPv6 flow information, 32 bits.
        scope: IPv6 scope id, 32 bits.
        wide: the guest's record has 110 bytes, so flow and scope are written too.
        big_endian: the guest expects the port in network order.

    Returns:
        20 bytes, 28 for a wide IPv6 address, 110 for a Unix path: never more than the record that the guest has.
    """
    if family == _IP4:
        return PORT_IP4[big_endian].pack(_IP4, port, ip)
    if family != _IP6:
        return encode_addr_unix(ip) if family == _UNIX and wide else bytes(ADDR_PORT_HEAD)
    head = _PORT_IP6[big_endian].pack(_IP6, port, ip)
    if not wide:
        return head
    return head + _FLOW_SCOPE.pack(flow >> 16, flow & 0xFFFF, scope >> 16, scope & 0xFFFF)


def decode_addr_port(raw: Buffer, *, big_endian: bool) -> tuple[int, int, bytes, int, int]:
    """Read a socket address: (family, port, ip, flow, scope).

    Args:
        raw: at least 20 bytes; with 28 or more an IPv6 address has flow information and scope.
        big_endian: the guest stores the port in network order.

    Returns:
        ``ip`` has 4 or 16 bytes. For a family other than IPv4 and IPv6 it is empty and the port is 0: the
        caller decides what such a family means.

    Raises:
        struct.error: fewer than 20 bytes.
    """
    family, port = _HEAD[big_endian].unpack_from(raw)
    if family == _IP4:
        return family, port, bytes(raw[4:8]), 0, 0
    if family != _IP6:
        return family, 0, b"", 0, 0
    if len(raw) < ADDR_PORT_IP6:
        return family, port, bytes(raw[4:20]), 0, 0
    flow1, flow0, scope1, scope0 = _FLOW_SCOPE.unpack_from(raw, ADDR_PORT_HEAD)
    return family, port, bytes(raw[4:20]), flow1 << 16 | flow0, scope1 << 16 | scope0


def encode_addr_unix(path: bytes) -> bytes:
    """Return a Unix socket address, 110 bytes; only the wide generation has room for it.

    Raises:
        ValueError: the path is longer than 107 bytes or holds a NUL.
    """
    if len(path) > UNIX_PATH_MAX or b"\0" in path:
        raise ValueError(f"a Unix socket path has at most {UNIX_PATH_MAX} bytes and no NUL")
    return bytes((_UNIX, 0)) + path.ljust(UNIX_PATH_MAX + 1, b"\0")


def decode_addr_unix(raw: Buffer) -> bytes:
    """Return the path of a Unix socket address of 110 bytes, up to its NUL."""
    return bytes(raw[2 : 3 + UNIX_PATH_MAX]).partition(b"\0")[0]


def decode_subscriptions(raw: Buffer, *, unstable: bool) -> Iterator[tuple[int, int, int, int, int]]:
    """Iterate over an array of subscriptions: (userdata, type, subject, timeout, flags).

    ``type`` is an `EventType` or a wrong number. ``subject`` is the clock of a clock subscription and the
    descriptor of any other, whose last two values mean nothing. Times are in nanoseconds.

    Raises:
        struct.error: not a multiple of ``SUBSCRIPTION_SIZE[unstable]`` bytes.
    """
    if not unstable:
        return _SUBSCRIPTIONS(raw)
    return (
        (userdata, kind, clock if kind == _CLOCK else fd, timeout, flags)
        for userdata, kind, fd, clock, timeout, flags in _UNSTABLE_SUBSCRIPTIONS(raw)
    )


encode_event = _EVENT.pack
"""Return one event of `poll_oneoff`, 32 bytes, equal in all generations: (userdata, error, type, bytes, flags)."""
