"""The record machinery: layout, codec, constructor, and what it refuses."""

from __future__ import annotations

import copy
import inspect
import pickle
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywasix.abi import addresses, enums, records
from pywasix.abi.layout import ByteArray, Record, Union, layout_of, record
from pywasix.abi.scalars import In, scalar_of

ALL_RECORDS = [
    kind
    for module in (records, addresses)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Record) and kind is not Record
]


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value that a member of this type can hold."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return instances_of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Union):
        make: Callable[[bytes], Union] = annotation
        return st.binary(min_size=annotation.SIZE, max_size=annotation.SIZE).map(make)
    scalar = scalar_of(annotation)
    if scalar is not None:
        half = 1 << (8 * scalar.size - 1)
        return st.integers(-half, half - 1) if scalar.signed else st.integers(0, 2 * half - 1)
    (array,) = (extra for extra in annotation.__metadata__ if isinstance(extra, ByteArray))
    return st.binary(min_size=array.size, max_size=array.size)


def instances_of(kind: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of a class."""
    return st.builds(kind, *(values_of(member.type) for member in kind.MEMBERS))


@given(st.sampled_from(ALL_RECORDS).flatmap(instances_of), st.integers(0, 40))
def test_packing_is_undone_by_unpacking(value: Record, offset: int) -> None:
    raw = value.pack()
    assert len(raw) == value.SIZE
    buffer = bytearray(b"\xaa" * (offset + value.SIZE + 8))
    value.pack_into(buffer, offset)
    assert buffer == b"\xaa" * offset + raw + b"\xaa" * 8
    assert type(value).unpack_from(buffer, offset) == value
    assert type(value).unpack_from(memoryview(raw)) == value


@given(st.sampled_from(ALL_RECORDS).flatmap(instances_of))
def test_padding_is_zero(value: Record) -> None:
    raw = bytearray(value.pack())
    for member in value.MEMBERS:
        start = value.OFFSETS[member.name]
        raw[start : start + member.size] = bytes(member.size)
    assert raw == bytes(value.SIZE)


@given(
    st.sampled_from(ALL_RECORDS).flatmap(
        lambda kind: st.binary(min_size=kind.SIZE, max_size=kind.SIZE).map(kind.unpack_from)
    )
)
def test_any_bytes_can_be_read(value: Record) -> None:
    assert type(value).unpack_from(value.pack()) == value


def test_values_look_like_dataclasses() -> None:
    value = records.Iovec(16, buf_len=4)
    assert (value.buf, value.buf_len) == (16, 4)
    assert repr(value) == "Iovec(buf=16, buf_len=4)"
    assert value == records.Iovec(buf=16, buf_len=4)
    assert value != records.Iovec(16, 5)
    assert value != records.Ciovec(16, 4)
    assert hash(value) == hash(records.Iovec(16, 4))
    assert copy.copy(value) == pickle.loads(pickle.dumps(value)) == value
    match value:
        case records.Iovec(buf, size):
            assert (buf, size) == (16, 4)


def test_records_do_not_change() -> None:
    value = records.Iovec(16, 4)
    with pytest.raises(AttributeError, match="Iovec is immutable"):
        value.buf = 1  # type: ignore[misc]  # what the test is about
    with pytest.raises(AttributeError, match="Iovec is immutable"):
        del value.buf
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize(
    ("values", "named"),
    [((1,), {}), ((1, 2, 3), {}), ((1, 2), {"buf": 1}), ((), {"buf": 1, "length": 2}), ((1,), {"buf": 1})],
)
def test_wrong_members_are_refused(values: tuple[int, ...], named: dict[str, int]) -> None:
    make: Any = records.Iovec
    with pytest.raises(TypeError, match="takes exactly the members buf, buf_len"):
        make(*values, **named)


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(struct.error):
        records.Iovec(1 << 32, 0).pack()
    with pytest.raises(struct.error):
        records.Iovec(-1, 0).pack()


def test_short_buffers_are_refused() -> None:
    with pytest.raises(struct.error):
        records.Iovec.unpack_from(bytes(7))
    with pytest.raises(struct.error):
        records.Iovec(0, 0).pack_into(bytearray(8), 1)


def test_enumerations_come_back_as_numbers() -> None:
    stat = records.FdStat(enums.FileType.DIRECTORY, enums.FdFlags.SYNC, enums.Rights.FD_READ, 0)
    back = records.FdStat.unpack_from(stat.pack())
    assert back == stat
    assert type(back.fs_filetype) is int
    assert records.FdStat.unpack_from(b"\xff" * 24).fs_filetype == 255


def test_union_members_are_views() -> None:
    clock = records.SubscriptionClock(enums.ClockId.MONOTONIC, 5, 6, 1)
    payload = records.SubscriptionUU.of(clock)
    assert len(payload) == records.SubscriptionUU.SIZE
    assert payload.view(records.SubscriptionClock) == clock
    waits = records.SubscriptionUU.of(records.SubscriptionFdReadwrite(7))
    assert waits == b"\x07" + bytes(31)
    whole = records.Subscription(9, records.SubscriptionU(enums.EventType.CLOCK, payload))
    back = records.Subscription.unpack_from(whole.pack())
    assert back.u.u.view(records.SubscriptionClock) == clock
    with pytest.raises(TypeError, match="SubscriptionUU has no member of type Iovec"):
        records.SubscriptionUU.of(records.Iovec(0, 0))


def test_types_without_layout_are_refused() -> None:
    with pytest.raises(TypeError, match="has no layout"):
        layout_of(In[records.Iovec])
    with pytest.raises(TypeError, match="member name has no layout"):

        @record
        class Wrong(Record):
            name: str


def test_layout_of_anything() -> None:
    assert layout_of(records.FileStat) == (64, 8)
    assert layout_of(records.SubscriptionUU) == (32, 8)
    assert layout_of(enums.Rights) == (8, 8)
