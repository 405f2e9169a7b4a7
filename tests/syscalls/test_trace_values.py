"""Traces: how values of each type of the ABI are shown."""

from __future__ import annotations

from typing import Any

import pytest

from pywasix.abi.addresses import AddrIp, AddrIp4, AddrPort
from pywasix.abi.codecs import encode_addr_unix
from pywasix.abi.enums import ClockId, EventFdFlags, FdFlags, JoinFlags, Rights, SockType, Whence
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.abi.records import (
    Event,
    EventFdReadwrite,
    FdStat,
    JoinStatus,
    OptionPid,
    OptionTimestamp,
    Subscription,
)
from pywasix.abi.scalars import (
    Bool,
    Code,
    Fd,
    FileDelta,
    Flags,
    In,
    Out,
    Pid,
    Pointer,
    Size,
    Timestamp,
)
from pywasix.net.address import INET4, INET6
from syscalls.tracing import MEMORY_SIZE, MODERN, Guest, row, shown


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        (Fd, 3, "3"),
        (Fd, 0xFFFFFFFF, "-1"),
        (Pid, 0xFFFFFFFF, "-1"),
        (Size, 0xFFFFFFFF, "4294967295"),
        (FileDelta, -5, "-5"),
        (Pointer, 4096, "0x1000"),
        (Timestamp, 1500, "1500ns"),
        (Bool, 0, "false"),
        (Bool, 1, "true"),
        (Bool, 7, "7"),
        (Flags[FdFlags], 0, "0"),
        (Flags[FdFlags], FdFlags.APPEND | FdFlags.NONBLOCK, "APPEND|NONBLOCK"),
        (Flags[FdFlags], FdFlags.NONBLOCK | 0x400, "NONBLOCK|0x400"),
        (Flags[FdFlags], 0x400, "0x400"),
        (Code[Rights], sum(map(int, Rights)), "ALL"),
        (Flags[JoinFlags], JoinFlags.NON_BLOCKING | JoinFlags.WAKE_STOPPED, "NON_BLOCKING|WAKE_STOPPED"),
        (Code[EventFdFlags], int(next(iter(EventFdFlags))), next(iter(EventFdFlags)).name),
        (Code[ClockId], ClockId.MONOTONIC, "MONOTONIC"),
        (Code[ClockId], 99, "99"),
    ],
)
def test_values(kind: Any, number: int, text: str) -> None:
    assert shown(Guest().call(row(x=kind), number)) == f"x={text}"


def test_numbers_mean_what_the_generation_says() -> None:
    old = Guest(AbiGeneration("wasix-2022", unstable=True, legacy_sock_types=True))
    modern = Guest()
    call = row(kind=Code[SockType], whence=Code[Whence])
    assert shown(modern.call(call, 1, 0)) == f"kind={SockType(1).name}, whence={Whence(0).name}"
    assert shown(old.call(call, 1, 0)) != shown(modern.call(call, 1, 0))
    assert shown(old.call(call, 99, 99)) == "kind=99, whence=99"


@pytest.mark.parametrize(
    ("pointer", "record", "text"),
    [
        (In[OptionTimestamp], OptionTimestamp(0, 5), "none"),
        (In[OptionTimestamp], OptionTimestamp(1, 5), "5ns"),
        (In[OptionTimestamp], OptionTimestamp(9, 5), "9(5ns)"),
        (In[OptionPid], OptionPid(1, 12), "12"),
        (In[AddrIp4], AddrIp4(bytes((10, 0, 0, 1))), "10.0.0.1"),
        (
            In[FdStat],
            FdStat(6, int(FdFlags.NONBLOCK), int(Rights.FD_READ), 0),
            "{fs_filetype=SOCKET_STREAM, fs_flags=NONBLOCK, fs_rights_base=FD_READ, fs_rights_inheriting=0}",
        ),
        (
            In[Event],
            Event(7, Errno.SUCCESS, 1, EventFdReadwrite(12, 1)),
            "{userdata=7, error=SUCCESS, type=FD_READ, fd_readwrite={nbytes=12, flags=FD_READWRITE_HANGUP}}",
        ),
    ],
)
def test_records(pointer: Any, record: Any, text: str) -> None:
    caller = Guest()
    caller.memory.store(64, record)
    assert shown(caller.call(row(x=pointer), 64)) == f"x={text}"


def test_tagged_unions_show_the_member_of_their_tag() -> None:
    caller = Guest()
    caller.memory.write(0, bytes((7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4)))
    assert shown(caller.call(row(s=In[Subscription]), 0)) == "s={userdata=7, u=fd_read{file_descriptor=4}}"
    caller.memory.write(8, bytes((9,)))
    assert shown(caller.call(row(s=In[Subscription]), 0)) == "s={userdata=7, u=9}"
    caller.memory.write(100, bytes((1, 0, 192, 168, 1, 2)))
    assert shown(caller.call(row(a=In[AddrIp]), 100)) == "a=inet4(192.168.1.2)"
    caller.memory.write(200, bytes((0, 0, 0, 0)))
    assert shown(caller.call(row(status=Out[JoinStatus]), 200)) == "status=>NOTHING"
    caller.memory.write(200, bytes((1, 0, 9, 0, 0, 0)))  # an exit code, though its type is errno
    assert shown(caller.call(row(status=Out[JoinStatus]), 200)) == "status=>exit_normal{exit_code=9}"
    caller.memory.write(200, bytes((2, 0, 0, 0, 15, 0)))
    assert shown(caller.call(row(status=Out[JoinStatus]), 200)) == "status=>exit_signal{exit_code=0, signal=TERM}"


@pytest.mark.parametrize(
    ("generation", "raw", "text"),
    [
        (MODERN, MODERN.encode_addr_port(INET4, 80, bytes((10, 0, 0, 1))), "10.0.0.1:80"),
        (MODERN, MODERN.encode_addr_port(INET6, 80, bytes(15) + b"\1"), "[::1]:80"),
        (MODERN, MODERN.encode_addr_port(INET6, 80, b"\xfe\x80" + bytes(13) + b"\1", 0, 3), "[fe80::1%3]:80"),
        (MODERN, encode_addr_unix(b"/run/x"), '"/run/x"'),
        (MODERN, bytes(20), "UNSPEC"),
        (MODERN, b"\x2a" + bytes(19), "42"),
        (
            AbiGeneration("wasix-2022", big_endian_ports=True),
            AbiGeneration("wasix-2022", big_endian_ports=True).encode_addr_port(INET4, 80, bytes((10, 0, 0, 1))),
            "10.0.0.1:80",
        ),
    ],
)
def test_addresses_are_read_as_the_generation_lays_them_out(generation: AbiGeneration, raw: bytes, text: str) -> None:
    caller = Guest(generation)
    caller.memory.write(64, raw)
    assert shown(caller.call(row(addr=In[AddrPort]), 64)) == f"addr={text}"


def test_an_ipv4_address_may_end_the_memory() -> None:
    caller = Guest()
    place = MEMORY_SIZE - 20
    caller.memory.write(place, MODERN.encode_addr_port(INET4, 80, bytes((10, 0, 0, 1))))
    assert shown(caller.call(row(addr=In[AddrPort]), place)) == "addr=10.0.0.1:80"
