"""Strategies for hostile arguments, read off the rows of the system call table.

A pointer comes with what is put there before the call, so that a call gets past its first check often
enough. What depends on the world (the port of a listener) stays symbolic until it is stored.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, get_args, get_origin

from hypothesis import strategies as st

from pywasix.abi.addresses import Addr, AddrCidr, AddrPort
from pywasix.abi.codecs import SUBSCRIPTION_SIZE, encode_epoll_event
from pywasix.abi.port_codecs import encode_address, encode_cidr
from pywasix.abi.records import Ciovec, EpollEvent, Iovec, OptionTimestamp, Subscription, UnstableSubscription
from pywasix.abi.scalars import U32, Char, Code, Fd, Flags
from pywasix.syscalls.row import Param, Row
from world import MEMORY, SIGNAL_HANDLER

if TYPE_CHECKING:
    from fuzz.city import City

SLOTS = tuple(range(1024, 1024 + 64 * 160, 160))
"""Addresses far enough from each other for the largest record (110 bytes)."""
U32_EDGES = (0, 1, 2, 3, 4, 7, 8, 63, 255, 256, 1023, 1024, 1025, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
U64_EDGES = (0, 1, 1000, 10**6, 2**31, 2**32 - 1, 2**32, 10**9, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)
HOSTS = ("127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "10.0.0.2", "10.0.0.77", "192.0.2.1", "ff02::1")
PORTS = ("listener", "listener6", "closed", "0", "10275", "65535")


class Fill(Protocol):
    """Something to store before a call."""

    def encode(self, city: City) -> bytes: ...


class Words(NamedTuple):
    """32-bit words."""

    words: tuple[int, ...]

    def encode(self, city: City) -> bytes:
        return b"".join(word.to_bytes(4, "little") for word in self.words)


class Raw(NamedTuple):
    """Bytes."""

    data: bytes

    def encode(self, city: City) -> bytes:
        return self.data


class AddressOf(NamedTuple):
    """A socket address; ``tail`` is stored from byte 20 on."""

    host: str
    port: str
    tail: bytes

    def encode(self, city: City) -> bytes:
        return city.encoded_address(self.host, self.port) + self.tail


class Polled(NamedTuple):
    """Subscriptions as (kind, subject, timeout, flags)."""

    subscriptions: tuple[tuple[int, int, int, int], ...]

    def encode(self, city: City) -> bytes:
        unstable = city.generation.unstable
        found = b""
        for index, (kind, subject, timeout, flags) in enumerate(self.subscriptions):
            gap = 16 if unstable and kind == 0 else 8
            head = index.to_bytes(8, "little") + kind.to_bytes(gap, "little") + subject.to_bytes(8, "little")
            tail = timeout.to_bytes(8, "little") + bytes(8) + flags.to_bytes(8, "little")
            found += (head + tail).ljust(SUBSCRIPTION_SIZE[unstable], b"\0")
        return found


class Pointed(NamedTuple):
    """An argument that is an address, and what is put there (if it fits)."""

    pointer: int
    fill: Fill | None


class Hostile(NamedTuple):
    """One call: a value or a `Pointed` for each parameter of a row."""

    row: Row
    arguments: tuple[int | Pointed, ...]

    def __repr__(self) -> str:
        return f"{self.row.name}{self.arguments}"


pointers = st.one_of(
    st.sampled_from(SLOTS),
    st.sampled_from(SLOTS),
    st.sampled_from(SLOTS),
    st.sampled_from(SLOTS).flatmap(lambda slot: st.integers(slot, slot + 24)),
    st.integers(MEMORY - 130, MEMORY + 1),
    st.sampled_from((0, 1, 4, MEMORY, 2**31, 2**32 - 1, 2**32 - 4, 2**32 - 8, 2**32 - 20)),
)
lengths = st.one_of(st.integers(0, 64), st.sampled_from(U32_EDGES))
u32 = st.one_of(st.integers(0, 24), st.sampled_from(U32_EDGES), st.integers(0, 2**32 - 1))
u64 = st.one_of(st.integers(0, 2000), st.sampled_from(U64_EDGES))
SOCKETS = (*range(5, 18), 19)
"""What `city.City` opens: 0 to 4 and 18 are streams, 20 is reserved, all others up to 19 are sockets."""
EPOLL, COUNTER, DIRECTORY, MEMORY_FILE = 21, 22, 23, 24
"""Those after them are free."""
descriptors = st.one_of(
    st.integers(0, 19),
    st.integers(0, 19),
    st.sampled_from((20, EPOLL, COUNTER, DIRECTORY, MEMORY_FILE, 25, 29, 30, 2**31, 2**32 - 1)),
)
directories = st.one_of(st.just(DIRECTORY), st.just(DIRECTORY), st.just(DIRECTORY), descriptors)
files = st.one_of(st.just(MEMORY_FILE), st.just(MEMORY_FILE), st.sampled_from((18, DIRECTORY)), descriptors)
_FILE_CALLS = (
    *("fd_pread", "fd_pwrite", "fd_seek", "fd_tell", "fd_sync", "fd_datasync", "fd_allocate", "fd_advise"),
    *("fd_filestat_set_size", "fd_filestat_set_times"),
)
epolls = st.one_of(st.just(EPOLL), st.just(EPOLL), st.just(EPOLL), descriptors)
sockets = st.one_of(st.sampled_from(SOCKETS), st.sampled_from(SOCKETS), st.sampled_from(SOCKETS), descriptors)
nanoseconds = st.one_of(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from((*U64_EDGES[:4], 2**64 - 1)))

_buffers = st.one_of(st.tuples(st.sampled_from(SLOTS), st.integers(0, 200)), st.tuples(pointers, lengths))
_vectors = st.lists(_buffers, max_size=4).map(lambda pairs: Words(tuple(word for pair in pairs for word in pair)))
_addresses = st.builds(
    AddressOf,
    st.sampled_from(HOSTS) | st.sampled_from(HOSTS[:2]),
    st.sampled_from(PORTS),
    st.sampled_from((b"", bytes(8), b"\xff" * 8, b"\1\0\0\0\1\0\0\0")),
)
_options = st.builds(
    lambda tag, time: Words((tag, 0, time & 0xFFFFFFFF, time >> 32)), st.sampled_from((0, 1, 1, 1, 2, 255)), nanoseconds
)
_subscriptions = st.lists(
    st.one_of(
        st.tuples(st.just(0), st.integers(0, 4), nanoseconds, st.sampled_from((0, 0, 1, 2, 65535))),
        st.tuples(st.integers(1, 2), descriptors, st.just(0), st.just(0)),
        st.tuples(st.integers(0, 255), descriptors, nanoseconds, st.just(0)),
    ),
    max_size=4,
).map(lambda found: Polled(tuple(found)))
_names = st.sampled_from(
    (SIGNAL_HANDLER.encode(), b"__wasm_signal_blocked", b"\xff\xfe\xfd", b"", b"host", b"localhost", b"::1")
)
_paths = st.one_of(
    st.sampled_from(
        (b"tmp/x", b"data/file", b"data/sub", b"data/link", b"data/loop", b"dev/null", b"dev/fd/0", b"tmp", b"/", b".")
    ),
    st.lists(
        st.sampled_from((b"data", b"tmp", b"dev", b"sub", b"file", b"link", b"x", b"y", b"..", b".", b"", b"n\xff")),
        max_size=8,
    ).map(b"/".join),
    st.binary(max_size=40),
)
_ranges = st.tuples(
    st.sampled_from((*HOSTS, "10.0.0.0", "10.0.0.9", "fd00::9", "192.0.2.0")).map(lambda host: ip_address(host).packed),
    st.sampled_from((24, 24, 64, 64, 0, 32, 33, 128, 129, 255)),
)
_events = st.one_of(st.integers(0, 255), st.integers(0, 255), st.sampled_from(U32_EDGES))
_FILLS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Iovec, _vectors),
    (Ciovec, _vectors),
    (AddrPort, _addresses),
    (
        EpollEvent,
        st.builds(lambda events, data: Raw(encode_epoll_event(events, data)), _events, st.binary(max_size=24)),
    ),
    (Addr, _ranges.map(lambda each: Raw(encode_address(each[0])))),
    (AddrCidr, st.builds(lambda each, wide: Raw(encode_cidr(*each, wide=wide)), _ranges, st.booleans())),
    (OptionTimestamp, _options),
    (Subscription, _subscriptions),
    (UnstableSubscription, _subscriptions),
    (Char, st.one_of(_names, _paths, _paths).map(Raw)),
    (U32, st.integers(0, 3).map(lambda word: Words((word,)))),
]


def _fill(target: Any) -> st.SearchStrategy[Any]:
    for known, strategy in _FILLS:
        if target == known:
            return st.one_of(*[strategy] * 5, st.binary(max_size=120).map(Raw))
    return st.binary(max_size=64).map(Raw)


def _value(row: Row, param: Param) -> st.SearchStrategy[int]:
    """A number for a parameter that is no pointer."""
    if param.name == "epfd":
        return epolls
    if param.type == Fd:
        if row.name.startswith("path_") or row.name == "fd_readdir":
            return directories
        if row.name in _FILE_CALLS:
            return files
        return sockets if row.name.startswith("sock_") else descriptors
    if param.mask is not None:
        return st.one_of(st.integers(0, param.mask), st.integers(0, param.mask), st.just(0), st.sampled_from(U32_EDGES))
    if get_origin(param.type) in (Code, Flags):
        members = tuple(int(each) for each in get_args(param.type)[0])
        known = st.sampled_from(members)
        if param.wasm == "i64":
            return st.one_of(known, u64, st.lists(known).map(sum))
        return st.one_of(*[known] * 5, u32)
    if param.wasm == "i64":
        if param.signed:
            return u64.map(lambda value: value - (1 << 64) if value >> 63 else value)
        return nanoseconds if param.name in ("duration", "timeout") else u64
    if param.name in ("path_len", "old_path_len", "new_path_len"):
        return st.one_of(st.integers(0, 12), st.integers(0, 40), st.integers(0, 12), lengths)
    if param.name.endswith(("len", "nsubscriptions")):
        return st.one_of(st.integers(0, 4), st.integers(0, 4), lengths)
    return u32


def _argument(row: Row, param: Param) -> st.SearchStrategy[int | Pointed]:
    if param.kind == "value":
        return _value(row, param)
    if param.kind == "out":
        return st.builds(Pointed, pointers, st.none())
    return st.builds(Pointed, pointers, st.one_of(st.none(), *[_fill(param.type)] * 4))


def calls_of(row: Row) -> st.SearchStrategy[Hostile]:
    """Hostile calls of one function."""
    return st.tuples(*(_argument(row, param) for param in row.params)).map(lambda arguments: Hostile(row, arguments))
