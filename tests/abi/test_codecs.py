"""The fast codecs against the records that describe the same bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywasix.abi.addresses import (
    AddrIp4,
    AddrIp4Port,
    AddrIp6,
    AddrIp6Bare,
    AddrIp6Port,
    AddrIp6Port20,
    AddrPort,
    AddrPort20,
    AddrPort20U,
    AddrPortU,
    AddrUnix,
)
from pywasix.abi.codecs import (
    EVENT_SIZE,
    SUBSCRIPTION_SIZE,
    decode_addr_port,
    decode_addr_unix,
    decode_subscriptions,
    encode_addr_port,
    encode_addr_unix,
    encode_epoll_event,
    encode_event,
    epoll_event_with,
    iter_iovecs,
)
from pywasix.abi.enums import AddressFamily, EventType
from pywasix.abi.records import (
    Event,
    EventFdReadwrite,
    Iovec,
    Subscription,
    SubscriptionClock,
    SubscriptionFdReadwrite,
    SubscriptionU,
    SubscriptionUU,
    UnstableSubscription,
    UnstableSubscriptionClock,
    UnstableSubscriptionU,
    UnstableSubscriptionUU,
)

U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
INET4, INET6, UNIX = AddressFamily.INET4, AddressFamily.INET6, AddressFamily.UNIX


def swapped(port: int) -> int:
    return port >> 8 | (port & 0xFF) << 8


@given(U16, st.binary(min_size=4, max_size=4), st.booleans(), st.booleans())
def test_ip4(port: int, ip: bytes, wide: bool, big_endian: bool) -> None:
    raw = encode_addr_port(INET4, port, ip, 1, 2, wide=wide, big_endian=big_endian)
    stored = swapped(port) if big_endian else port
    assert raw == AddrPort20(INET4, AddrPort20U.of(AddrIp4Port(stored, AddrIp4(ip)))).pack()
    assert raw == AddrPort(INET4, AddrPortU.of(AddrIp4Port(stored, AddrIp4(ip)))).pack()[:20]
    assert decode_addr_port(raw, big_endian=big_endian) == (INET4, port, ip, 0, 0)
    assert decode_addr_port(raw + b"\xff" * 90, big_endian=big_endian) == (INET4, port, ip, 0, 0)


@given(U16, st.binary(min_size=16, max_size=16), U32, U32, st.booleans())
def test_ip6_wide(port: int, ip: bytes, flow: int, scope: int, big_endian: bool) -> None:
    raw = encode_addr_port(INET6, port, ip, flow, scope, wide=True, big_endian=big_endian)
    stored = swapped(port) if big_endian else port
    address = AddrIp6(ip, flow >> 16, flow & 0xFFFF, scope >> 16, scope & 0xFFFF)
    assert raw == AddrPort(INET6, AddrPortU.of(AddrIp6Port(stored, address))).pack()[:28]
    assert decode_addr_port(memoryview(raw), big_endian=big_endian) == (INET6, port, ip, flow, scope)


@given(U16, st.binary(min_size=16, max_size=16), st.booleans())
def test_ip6_narrow(port: int, ip: bytes, big_endian: bool) -> None:
    raw = encode_addr_port(INET6, port, ip, 3, 4, wide=False, big_endian=big_endian)
    stored = swapped(port) if big_endian else port
    assert raw == AddrPort20(INET6, AddrPort20U.of(AddrIp6Port20(stored, AddrIp6Bare(ip)))).pack()
    assert decode_addr_port(raw, big_endian=big_endian) == (INET6, port, ip, 0, 0)


def test_ports_byte_by_byte() -> None:
    little = encode_addr_port(INET4, 10275, b"\x7f\0\0\1", 0, 0, wide=True, big_endian=False)
    big = encode_addr_port(INET4, 10275, b"\x7f\0\0\1", 0, 0, wide=True, big_endian=True)
    assert little[:8] == b"\x01\x00\x23\x28\x7f\x00\x00\x01"
    assert big[:8] == b"\x01\x00\x28\x23\x7f\x00\x00\x01"


@pytest.mark.parametrize("family", [AddressFamily.UNSPEC, UNIX, 255])
def test_other_families_have_no_ip_address(family: int) -> None:
    raw = bytes((family, 0, 1, 2)) + bytes(106)
    assert decode_addr_port(raw, big_endian=False) == (family, 0, b"", 0, 0)
    assert encode_addr_port(family, 1, b"", 0, 0, wide=False, big_endian=False) == bytes(20)
    if family != UNIX:
        assert encode_addr_port(family, 1, b"", 0, 0, wide=True, big_endian=False) == bytes(20)


def test_only_a_wide_guest_has_room_for_a_unix_path() -> None:
    assert encode_addr_port(UNIX, 1, b"/run/x", 0, 0, wide=True, big_endian=True) == encode_addr_unix(b"/run/x")
    assert encode_addr_port(UNIX, 1, b"/run/x", 0, 0, wide=False, big_endian=True) == bytes(20)


def test_short_addresses_are_refused() -> None:
    with pytest.raises(struct.error):
        decode_addr_port(b"\1\0\0", big_endian=False)


@given(st.binary(max_size=107).filter(lambda path: b"\0" not in path))
def test_unix_paths(path: bytes) -> None:
    raw = encode_addr_unix(path)
    assert raw == AddrPort(UNIX, AddrPortU.of(AddrUnix(path.ljust(108, b"\0")))).pack()
    assert decode_addr_unix(raw) == path


@pytest.mark.parametrize("path", [b"x" * 108, b"a\0b"])
def test_unix_paths_that_do_not_fit(path: bytes) -> None:
    with pytest.raises(ValueError, match="at most 107 bytes and no NUL"):
        encode_addr_unix(path)


def test_a_unix_path_without_nul_ends_with_the_record() -> None:
    assert decode_addr_unix(b"\3\0" + b"x" * 108) == b"x" * 108


@given(U64, U32, U64, U64, U16)
def test_clock_subscription(userdata: int, clock: int, timeout: int, precision: int, flags: int) -> None:
    new = SubscriptionUU.of(SubscriptionClock(clock, timeout, precision, flags))
    raw = Subscription(userdata, SubscriptionU(EventType.CLOCK, new)).pack()
    expected = (userdata, EventType.CLOCK, clock, timeout, flags)
    assert list(decode_subscriptions(raw * 2, unstable=False)) == [expected] * 2
    old = UnstableSubscriptionUU.of(UnstableSubscriptionClock(77, clock, timeout, precision, flags))
    raw = UnstableSubscription(userdata, UnstableSubscriptionU(EventType.CLOCK, old)).pack()
    assert list(decode_subscriptions(raw * 2, unstable=True)) == [expected] * 2


@given(U64, st.integers(1, 255), U32, st.booleans())
def test_descriptor_subscription(userdata: int, kind: int, fd: int, unstable: bool) -> None:
    wait = SubscriptionFdReadwrite(fd)
    raw = (
        UnstableSubscription(userdata, UnstableSubscriptionU(kind, UnstableSubscriptionUU.of(wait))).pack()
        if unstable
        else Subscription(userdata, SubscriptionU(kind, SubscriptionUU.of(wait))).pack()
    )
    assert [each[:3] for each in decode_subscriptions(raw * 2, unstable=unstable)] == [(userdata, kind, fd)] * 2


@given(U64, U16, st.integers(0, 255), U64, U16)
def test_event(userdata: int, error: int, kind: int, nbytes: int, flags: int) -> None:
    raw = encode_event(userdata, error, kind, nbytes, flags)
    assert raw == Event(userdata, error, kind, EventFdReadwrite(nbytes, flags)).pack()


def test_sizes() -> None:
    assert EVENT_SIZE == Event.SIZE
    assert SUBSCRIPTION_SIZE == {False: Subscription.SIZE, True: UnstableSubscription.SIZE}


@given(st.lists(st.tuples(U32, U32), max_size=5))
def test_iovecs(buffers: list[tuple[int, int]]) -> None:
    raw = b"".join(Iovec(*buffer).pack() for buffer in buffers)
    assert list(iter_iovecs(raw)) == buffers


def test_an_event_of_epoll_with_other_events() -> None:
    data = bytes(range(24))
    assert epoll_event_with(17, encode_epoll_event(1, data)) == encode_epoll_event(17, data)
