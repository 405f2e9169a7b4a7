"""Every enumeration value and every record layout of the published ABI, against what is declared."""

from __future__ import annotations

import inspect
import json
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from pywasix.abi import addresses, enums, late_records, records, scalars
from pywasix.abi.errno import Errno
from pywasix.abi.layout import Record, Union, layout_of
from pywasix.abi.scalars import REPR, Scalar, scalar_of

TYPES = json.loads((Path(__file__).parents[1] / "golden" / "types.json").read_text())

# What no call of the ABI uses; bool is a scalar here.
UNUSED_ENUMS = {"signal_preview1", "thread_flags", "bool"}
UNUSED_RECORDS = {"hugesize", "option_hash", "option_hash_u", "thread_state"}
UNUSED_SCALARS = {"int", "uint", "waker", "short_hash"}
# Unions of nothing or one value are declared as that value.
FOLDED = {"option_timestamp_u", "option_pid_u", "option_fd_u"}

DECLARED_ENUMS = {
    REPR[kind].name: kind
    for kind in [Errno, *(getattr(enums, name) for name in enums.__all__)]
    if kind not in (enums.UnstableWhence, enums.SockType2022)
}
DECLARED_RECORDS = {
    kind.ABI_NAME: kind
    for module in (records, late_records, addresses)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Record | Union) and kind not in (Record, Union)
}
OF_THIS_PROJECT = {
    # Older and unstable forms, tested below.
    "unstable_filestat",
    "unstable_subscription",
    "unstable_subscription_clock",
    "unstable_subscription_u",
    "unstable_subscription_u_u",
    "addr_port20",
    "addr_port20_u",
    "addr_ip6_port20",
    "addr_unix_port20",
    "thread_start2022",
    # Single values that the ABI puts into a union without a record around them.
    "exit_normal",
    "stopped_by",
}
# Members that are one byte array here and many scalars there, and folded option values.
GROUPED = {
    "addr_ip4": {"octets": ["n0", "n1", "h0", "h1"]},
    "addr_ip6": {"octets": ["n0", "n1", "n2", "n3", "h0", "h1", "h2", "h3"]},
    "addr_ip6_bare": {"octets": ["n0", "n1", "n2", "n3", "h0", "h1", "h2", "h3"]},
    "hardware_address": {"octets": ["n0", "n1", "n2", "h0", "h1", "h2"]},
    "addr_unix": {"path": ["b0..b107"]},
    "thread_start": {"reserved": ["reserved0..reserved9"]},
    "option_timestamp": {"value": ["u"]},
    "option_pid": {"value": ["u"]},
    "option_fd": {"value": ["u"]},
}
# The ABI lists an empty member for each "nothing"; unions here list only what holds something.
EMPTY_MEMBERS = {"join_status_u": {"nothing"}}


def declared_layout(kind: type[Record] | type[Union]) -> dict[str, tuple[int, int]]:
    """Offset and size of each member."""
    return {member.name: (kind.OFFSETS[member.name], member.size) for member in kind.MEMBERS}


def golden_layout(name: str, members: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Offset and size of each member, with groups put together."""
    found = {m["name"]: (m["offset"], m["size"]) for m in members}
    for group, parts in GROUPED.get(name, {}).items():
        places = [found.pop(part) for part in parts]
        found[group] = (places[0][0], sum(size for _, size in places))
    for empty in EMPTY_MEMBERS.get(name, ()):
        del found[empty]
    return found


def test_every_enumeration_is_declared() -> None:
    assert DECLARED_ENUMS.keys() == TYPES["enums"].keys() - UNUSED_ENUMS


@pytest.mark.parametrize("name", sorted(DECLARED_ENUMS))
def test_enumeration(name: str) -> None:
    kind, golden = DECLARED_ENUMS[name], TYPES["enums"][name]
    shape = REPR[kind]
    assert (f"u{8 * shape.size}", shape.size) == (golden["repr"], golden["size"])
    assert shape.wasm == ("i64" if shape.size == 8 else "i32")
    values = {("TOOBIG" if key == "2BIG" else key): value for key, value in golden["values"].items()}
    assert {key: kind(value).name for key, value in values.items()} == {key: key for key in values}
    assert {member.name: member.value for member in kind}.items() <= values.items()


def test_bool_is_a_byte() -> None:
    assert TYPES["enums"]["bool"]["values"] == {"FALSE": int(False), "TRUE": int(True)}
    assert layout_of(scalars.Bool) == (TYPES["enums"]["bool"]["size"], TYPES["enums"]["bool"]["align"])


@pytest.mark.parametrize("number", [-1, 264, 1000])
def test_numbers_beyond_the_protocols_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="is not a valid SockProto"):
        enums.SockProto(number)


def test_nameless_protocols_are_single_objects() -> None:
    assert enums.SockProto(200) is enums.SockProto(200)


def test_errno_symbols_are_those_of_c() -> None:
    assert Errno.BADF.symbol == "EBADF"
    assert Errno.TOOBIG.symbol == "E2BIG"


def test_every_scalar() -> None:
    declared = {
        extra.name: extra
        for alias in vars(scalars).values()
        for extra in getattr(alias, "__metadata__", ())
        if isinstance(extra, Scalar)
    }
    assert TYPES["scalars"].keys() - UNUSED_SCALARS <= declared.keys()
    for name, golden in TYPES["scalars"].items():
        if name in UNUSED_SCALARS:
            continue
        assert (declared[name].size, declared[name].size) == (golden["size"], golden["align"])
        # Handlers see descriptors and process numbers unsigned.
        if name not in ("fd", "pid", "tid"):
            assert declared[name].signed == golden["repr"].startswith("s")


def test_every_record_is_declared() -> None:
    assert DECLARED_RECORDS.keys() - OF_THIS_PROJECT == TYPES["records"].keys() - UNUSED_RECORDS - FOLDED


@pytest.mark.parametrize("name", sorted(DECLARED_RECORDS.keys() - OF_THIS_PROJECT))
def test_record(name: str) -> None:
    kind, golden = DECLARED_RECORDS[name], TYPES["records"][name]
    assert (golden["size"], golden["align"]) == (kind.SIZE, kind.ALIGN)
    assert issubclass(kind, Union if golden["kind"] == "union" else Record)
    assert declared_layout(kind) == golden_layout(name, golden["members"])
    if issubclass(kind, Record):
        assert kind.STRUCT.size == kind.SIZE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("filestat", records.UnstableFileStat),
        ("subscription_clock", records.UnstableSubscriptionClock),
        ("subscription", records.UnstableSubscription),
        ("subscription_u", records.UnstableSubscriptionU),
        ("event", records.Event),
    ],
)
def test_unstable_record(name: str, kind: type[Record]) -> None:
    golden = TYPES["wasi_unstable"]["records"][name]
    assert (golden["size"], golden["align"]) == (kind.SIZE, kind.ALIGN)
    assert declared_layout(kind) == golden_layout("", golden["members"])


def test_unstable_numbers() -> None:
    golden = TYPES["wasi_unstable"]
    assert {m.name: m.value for m in enums.UnstableWhence} == golden["enums"]["whence"]["values"]
    assert layout_of(enums.UnstableWhence)[0] == golden["enums"]["whence"]["size"]
    assert layout_of(scalars.UnstableLinkCount)[0] == golden["scalars"]["linkcount"]["size"]


OLDER = TYPES["older_abi_revisions"]["2022-10-01 (legacy: all imports from wasix_32v1)"]


def test_addr_port_of_2022() -> None:
    golden = OLDER["records_that_differ_from_current"]
    kind = addresses.AddrPort20
    assert (kind.SIZE, kind.ALIGN) == (golden["addr_port"]["size"], golden["addr_port"]["align"]) == (20, 2)
    assert declared_layout(kind) == golden_layout("addr_port", golden["addr_port"]["members"])
    assert golden["addr_ip6_port"]["size"] == addresses.AddrIp6Port20.SIZE
    assert golden["addr_unix_port"]["size"] == addresses.AddrUnixPort20.SIZE


def test_sock_types_of_2022() -> None:
    golden = OLDER["enums_that_differ"]["sock_type"]
    assert {m.name: m.value for m in enums.SockType2022} == golden["values"]


def test_the_host_reads_no_more_than_is_there() -> None:
    """The layouts of a host that knows 20-byte addresses agree where both sides look."""
    host = TYPES["wasmer_host_layouts"]["wasm32"]
    assert host["addr_port"]["size"] == addresses.AddrPort20.SIZE
    assert host["addr"]["size"] == addresses.AddrIp.SIZE
    alike: dict[str, type[Record]] = {
        "stack_snapshot": records.StackSnapshot,
        "thread_start": records.ThreadStart,
        "epoll_event": records.EpollEvent,
        "epoll_data": records.EpollData,
        "proc_spawn_fd_op": records.ProcSpawnFdOp,
        "iovec": records.Iovec,
        "tty": records.Tty,
    }
    for name, kind in alike.items():
        assert (host[name]["size"], host[name]["align"]) == (kind.SIZE, kind.ALIGN)


def test_enumerations_are_scalars() -> None:
    for kind in DECLARED_ENUMS.values():
        assert issubclass(kind, Enum)
        assert scalar_of(kind) is REPR[kind]
    assert scalar_of(records.Iovec) is None


@pytest.mark.parametrize("module", [enums, records])
def test_names_that_nobody_declared(module: Any) -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        module.NoSuchThing  # noqa: B018  # looking is what is tested
    assert not hasattr(module, "__path__")


def test_late_classes_are_declared_once() -> None:
    assert records.Event is late_records.Event
    assert [name for name in enums.__all__ if not isinstance(getattr(enums, name), type)] == []
