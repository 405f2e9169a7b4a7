"""Which generation a module is found to be."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import AddressFamily, SockType, Whence
from pywasix.abi.generation import AbiGeneration, find_generation

P1, X, U = "wasi_snapshot_preview1", "wasix_32v1", "wasi_unstable"
MODERN = AbiGeneration("wasix-2023", wide_addresses=True)
SUMMER = AbiGeneration("wasix-2023-06")
BIG_2022 = AbiGeneration("wasix-2022", big_endian_ports=True, legacy_sock_types=True)
LITTLE_2022 = AbiGeneration("wasix-2022", legacy_sock_types=True, tty_is_raw=True)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ([], AbiGeneration("preview1")),
        ([(P1, "fd_write", "iiii:i")], AbiGeneration("preview1")),
        ([(U, "fd_write", "iiii:i")], AbiGeneration("wasi_unstable", unstable=True)),
        ([("env", "memory", "memory"), (P1, "fd_write", "iiii:i")], AbiGeneration("preview1")),
        ([("env", "poll_oneoff", "iiii:i")], AbiGeneration("preview1")),
        # Linked from both worlds: the calls whose layouts differ decide.
        (
            [(U, "poll_oneoff", "iiii:i"), (P1, "fd_write", "iiii:i")],
            AbiGeneration("wasi_unstable", unstable=True),
        ),
        ([(U, "fd_seek", "iIii:i"), (P1, "poll_oneoff", "iiii:i")], AbiGeneration("preview1")),
        ([(U, "fd_write", "iiii:i"), (P1, "fd_write", "iiii:i")], AbiGeneration("preview1")),
        # 2022: the base calls come from wasix_32v1.
        ([(X, "fd_write", "iiii:i")], BIG_2022),
        ([(X, "sock_accept", "iiii:i"), (X, "sock_bind", "ii:i"), (X, "fd_read", "iiii:i")], BIG_2022),
        # Rust's standard library of that year kept thread-local keys in the host and converted ports.
        ([(X, "fd_write", "iiii:i"), (X, "thread_local_create", "Ii:i")], LITTLE_2022),
        # Who can ask for raw mode need not open /dev/tty for it.
        (
            [(X, "fd_write", "iiii:i"), (X, "thread_local_create", "Ii:i"), (X, "tty_set", "i:i")],
            LITTLE_2022._replace(tty_is_raw=False),
        ),
        # Extensions alone are modern, unless a name or type of 2022 is among them.
        ([(X, "sock_bind", "ii:i")], MODERN),
        ([(X, "sock_bind", "ii:i"), (X, "thread_local_get", "ii:i")], LITTLE_2022),
        ([(X, "proc_join", "ii:i")], BIG_2022),
        ([(X, "proc_join", "iii:i")], MODERN),
        ([(X, "thread_spawn", "IIIii:i")], BIG_2022),
        ([(X, "thread_spawn", "ii:i")], MODERN),
        ([(X, "proc_fork", "i:i")], BIG_2022),
        # Today: base calls from preview1, or calls that 2022 did not have.
        ([(X, "sock_accept_v2", "iiii:i"), (P1, "fd_write", "iiii:i")], MODERN),
        ([(X, "sock_accept_v2", "iiii:i"), (X, "fd_write", "iiii:i")], MODERN),
        ([(X, "sock_accept", "iiii:i"), (P1, "fd_write", "iiii:i")], MODERN),
        ([("wasi", "thread-spawn", "i:i"), (P1, "fd_write", "iiii:i")], MODERN),
        # The summer of 2023: split imports, short addresses.
        ([(X, "sock_accept_poll", "iiIii:i"), (P1, "fd_write", "iiii:i")], SUMMER),
        ([(X, "ws_connect", "iii:i"), (P1, "fd_write", "iiii:i")], SUMMER),
    ],
)
def test_find_generation(imports: list[tuple[str, str, str]], expected: AbiGeneration) -> None:
    assert find_generation(imports) == expected
    assert find_generation(reversed(imports)) == expected


def test_addresses_of_each_generation() -> None:
    address = (AddressFamily.INET6, 80, bytes(range(16)), 5, 6)
    assert len(MODERN.encode_addr_port(*address)) == 28
    assert MODERN.decode_addr_port(MODERN.encode_addr_port(*address)) == address
    assert (MODERN.addr_port_size, MODERN.addr_port_read_size) == (110, 28)
    short = BIG_2022.encode_addr_port(*address)
    assert short[2:4] == b"\x00\x50"
    assert len(short) == BIG_2022.addr_port_size == BIG_2022.addr_port_read_size == 20
    assert BIG_2022.decode_addr_port(short + b"\xff" * 8) == (*address[:3], 0, 0)


def test_socket_types() -> None:
    assert [MODERN.sock_type(number) for number in (1, 2, 5)] == [
        SockType.SOCKET_STREAM,
        SockType.SOCKET_DGRAM,
        None,
    ]
    assert [BIG_2022.sock_type(number) for number in (0, 1, 2, 4)] == [
        SockType.SOCKET_DGRAM,
        SockType.SOCKET_STREAM,
        SockType.SOCKET_RAW,
        None,
    ]


def test_seek_origins() -> None:
    assert [MODERN.whence(number) for number in range(4)] == [Whence.SET, Whence.CUR, Whence.END, None]
    old = AbiGeneration("wasi_unstable", unstable=True)
    assert [old.whence(number) for number in range(4)] == [Whence.CUR, Whence.END, Whence.SET, None]


def test_the_port_order_can_be_overridden() -> None:
    assert BIG_2022.with_port_order(big_endian=False) == LITTLE_2022._replace(tty_is_raw=False)
    assert MODERN.with_port_order(big_endian=True).encode_addr_port(1, 1, bytes(4))[2:4] == b"\0\1"


@pytest.mark.parametrize(
    ("generation", "wasix", "zero_is_none"),
    [(AbiGeneration("preview1"), False, False), (MODERN, True, False), (BIG_2022, True, True)],
)
def test_manners_of_libc(generation: AbiGeneration, wasix: bool, zero_is_none: bool) -> None:
    assert generation.wasix == generation.renumber_copies == wasix
    assert generation.zero_timeout_is_none == zero_is_none
