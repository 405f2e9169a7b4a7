"""LinearMemory lets nothing through that lies outside, and sees memory that grew."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from contract.wat import module
from pywasix.abi.cells import OutsideError
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionTimestamp
from pywasix.engine import memory as memories
from pywasix.engine.memory import MAX_IOVECS, PAGE, LinearMemory, SharedMemory, exported_memory
from pywasix.engine.module import load, shared_engine
from pywasix.errors import ModuleError, SysError

SIZE = 256


class Room:
    """A memory of bytes between guard bytes; `grow` makes more of them its own."""

    def __init__(self, size: int = SIZE) -> None:
        self.bytes = bytearray(b"\xaa") * (4 * SIZE)
        self._cells = (ctypes.c_ubyte * len(self.bytes)).from_buffer(self.bytes)
        self.size = size
        self.measured = 0
        self.memory = LinearMemory(self._measure, id(self))

    def _measure(self) -> tuple[int, int]:
        self.measured += 1
        return ctypes.addressof(self._cells) + SIZE, self.size

    @property
    def outside(self) -> bytes:
        """What must never change."""
        return bytes(self.bytes[:SIZE] + self.bytes[SIZE + self.size :])


@pytest.fixture
def room() -> Room:
    return Room()


def iovec(room: Room, at: int, *pairs: tuple[int, int]) -> None:
    raw = b"".join(word.to_bytes(4, "little") for pair in pairs for word in pair)
    room.memory.write(at, raw)


ACCESSES: dict[str, tuple[int, Callable[[LinearMemory, int], Any]]] = {
    "check": (4, lambda memory, at: memory.check(at, 4)),
    "view": (4, lambda memory, at: memory.view(at, 4)),
    "read": (4, lambda memory, at: memory.read(at, 4)),
    "write": (4, lambda memory, at: memory.write(at, b"1234")),
    "load_u32": (4, lambda memory, at: memory.load_u32(at)),
    "store_u8": (1, lambda memory, at: memory.store_u8(at, 1)),
    "store_u16": (2, lambda memory, at: memory.store_u16(at, 1)),
    "store_u32": (4, lambda memory, at: memory.store_u32(at, 1)),
    "store_u64": (8, lambda memory, at: memory.store_u64(at, 1)),
    "load": (16, lambda memory, at: memory.load(OptionTimestamp, at)),
    "store": (16, lambda memory, at: memory.store(at, OptionTimestamp(1, 2))),
    "one iovec": (8, lambda memory, at: memory.iovecs(at, 1)),
    "two iovecs": (16, lambda memory, at: memory.iovecs(at, 2)),
}


@pytest.mark.parametrize("name", list(ACCESSES))
def test_the_last_bytes_are_inside_and_the_next_are_not(room: Room, name: str) -> None:
    size, access = ACCESSES[name]
    room.memory.write(0, bytes(SIZE))  # pointers and tags that are read are 0
    before = room.outside
    access(room.memory, SIZE - size)
    for at in (SIZE - size + 1, SIZE, SIZE + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - size, 0xFFFFFFFF):
        with pytest.raises(SysError, match=f"outside of the memory of {SIZE} bytes") as fault:
            access(room.memory, at)
        assert fault.value.errno is Errno.FAULT
    assert room.outside == before


@pytest.mark.parametrize("name", list(ACCESSES))
def test_an_empty_memory_has_no_inside(name: str) -> None:
    room = Room(size=0)
    with pytest.raises(SysError, match="outside of the memory of 0 bytes"):
        ACCESSES[name][1](room.memory, 0)


def test_nothing_is_inside_at_the_end_and_not_beyond(room: Room) -> None:
    memory = room.memory
    for at in (0, SIZE):
        memory.check(at, 0)
        assert len(memory.view(at, 0)) == 0
        assert memory.read(at, 0) == b""
        memory.write(at, b"")
    for at in (SIZE + 1, 0xFFFFFFFF):
        with pytest.raises(SysError, match="outside"):
            memory.view(at, 0)
    assert memory.iovecs(SIZE, 0) == []


@pytest.mark.parametrize("size", [SIZE + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_sizes_do_not_wrap_round(room: Room, size: int) -> None:
    for at in (0, 1, SIZE, 0xFFFFFFFF):
        with pytest.raises(SysError, match="outside"):
            room.memory.view(at, size)


def test_buffers_of_iovecs_are_checked_each(room: Room) -> None:
    inside, at_the_end = (16, 4), (SIZE, 0)
    iovec(room, 0, inside, at_the_end, (SIZE - 1, 1))
    assert [len(view) for view in room.memory.iovecs(0, 3)] == [4, 0, 1]
    for outside in ((SIZE - 1, 2), (SIZE + 1, 0), (0, SIZE + 1), (0xFFFFFFFF, 1), (1, 0xFFFFFFFF)):
        iovec(room, 0, inside, outside)
        for at, count in ((0, 2), (8, 1)):
            with pytest.raises(SysError, match="outside"):
                room.memory.iovecs(at, count)


def test_too_many_iovecs_are_inval(room: Room) -> None:
    for count in (MAX_IOVECS + 1, 0xFFFFFFFF):
        with pytest.raises(SysError, match="at most 1024") as refused:
            room.memory.iovecs(0, count)
        assert refused.value.errno is Errno.INVAL
    with pytest.raises(SysError, match="outside"):
        room.memory.iovecs(0, MAX_IOVECS)


def test_buffers_that_lie_over_each_other_have_two_gibibytes_at_most(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memories, "_MOST_BYTES", 10)
    iovec(room, 0, (0, 4), (0, 5), (2, 6), (0, 3))
    assert [len(view) for view in room.memory.iovecs(0, 2)] == [4, 5]
    assert [len(view) for view in room.memory.iovecs(0, 4)] == [4, 5, 1, 0]


def test_writes_reach_the_memory_itself(room: Room) -> None:
    room.memory.store_u32(0, 0x04030201)
    room.memory.store_u64(8, 0x0807060504030201)
    room.memory.view(32, 3)[:] = b"abc"
    assert room.bytes[SIZE : SIZE + 4] == b"\1\2\3\4"
    assert room.bytes[SIZE + 8 : SIZE + 16] == bytes(range(1, 9))
    assert room.memory.read(32, 3) == b"abc"
    assert room.memory.load_u32(0) == 0x04030201


def test_values_need_not_be_aligned(room: Room) -> None:
    for at in range(4):
        room.memory.write(0, b"\xaa" * 16)
        room.memory.store_u32(at, 0x04030201)
        room.memory.store_u16(at + 6, 0x0605)
        assert room.memory.read(at, 8) == b"\1\2\3\4\xaa\xaa\5\6"


def test_values_are_put_where_it_was_checked_that_they_fit(room: Room) -> None:
    for size in (SIZE, SIZE + 64):
        room.size = size
        before = room.outside
        room.memory.check(size - 6, 6)
        room.memory.put_u32(size - 6, 0x04030201)
        room.memory.put_u16(size - 2, 0x0605)
        assert room.memory.read(size - 6, 6) == b"\1\2\3\4\5\6"
        assert room.outside == before


def test_a_put_that_was_not_checked_reaches_nothing_outside(room: Room) -> None:
    room.memory.check(0, SIZE)
    before = bytes(room.bytes)
    for put, at in ((room.memory.put_u32, SIZE - 3), (room.memory.put_u16, SIZE - 1), (room.memory.put_u16, 2**32 - 1)):
        with pytest.raises(OutsideError):
            put(at, 1)
    room.memory.forget()
    with pytest.raises(OutsideError):
        room.memory.put_u32(0, 1)
    assert bytes(room.bytes) == before


def test_a_buffer_is_made_once_until_there_are_too_many(room: Room) -> None:
    def named(start: int, size: int) -> memoryview:
        iovec(room, 0, (start, size))
        return room.memory.iovecs(0, 1)[0]

    first = named(16, 4)
    assert named(16, 4) is first
    for size in range(64):
        assert len(named(32, size)) == size
    assert named(16, 4) is not first
    first[:] = b"same"
    assert bytes(named(16, 4)) == b"same"


def test_a_forgotten_memory_gives_no_buffer(room: Room) -> None:
    iovec(room, 0, (16, 4))
    room.memory.iovecs(0, 1)
    room.memory.forget()
    with pytest.raises(SysError, match="outside of the memory of 0 bytes"):
        room.memory.iovecs(0, 1)


def test_growth_is_seen_when_it_is_needed(room: Room) -> None:
    room.memory.check(0, SIZE)
    measured = room.measured
    room.memory.check(0, SIZE)
    assert room.measured == measured  # what is known to be there costs no look
    room.size = 2 * SIZE
    room.memory.store_u32(2 * SIZE - 4, 7)
    assert room.memory.load_u32(2 * SIZE - 4) == 7
    with pytest.raises(SysError, match=f"outside of the memory of {2 * SIZE} bytes"):
        room.memory.check(0, 2 * SIZE + 1)


def test_a_forgotten_memory_is_out_of_reach(room: Room) -> None:
    room.memory.check(0, 4)
    room.memory.forget()
    with pytest.raises(SysError, match="outside of the memory of 0 bytes"):
        room.memory.load_u32(0)


def test_memories_have_identities() -> None:
    first, second = Room(), Room()
    assert first.memory.identity != second.memory.identity


# -- on the engine -----------------------------------------------------------


def test_the_exported_memory_of_an_instance_grows() -> None:
    engine = shared_engine()
    store = wasmtime.Store(engine)
    store.set_epoch_deadline(1 << 40)
    source = load(module('(memory (export "memory") 1) (func (export "grow") (drop (memory.grow (i32.const 2))))'))
    exports = wasmtime.Instance(store, source.compiled, []).exports(store)
    inner, grow = exports["memory"], exports["grow"]
    assert isinstance(inner, wasmtime.Memory)
    assert isinstance(grow, wasmtime.Func)
    memory = exported_memory(store, inner)
    memory.write(PAGE - 2, b"xy")
    with pytest.raises(SysError, match="outside"):
        memory.check(PAGE, 1)
    grow(store)
    memory.store_u32(3 * PAGE - 4, 1)
    assert memory.read(PAGE - 2, 4) == b"xy\0\0"
    memory.forget()
    store.close()


def test_shared_memory_grows() -> None:
    shared = SharedMemory(shared_engine(), 1, 3)
    memory = shared.linear()
    memory.store_u32(PAGE - 4, 5)
    with pytest.raises(SysError, match="outside"):
        memory.check(PAGE, 1)
    assert shared._memory.grow(2) == 1
    memory.store_u32(3 * PAGE - 4, 6)
    assert (memory.load_u32(PAGE - 4), memory.load_u32(3 * PAGE - 4)) == (5, 6)
    assert shared.linear().identity == memory.identity
    memory.forget()


def test_empty_shared_memory() -> None:
    memory = SharedMemory(shared_engine(), 0, 1).linear()
    memory.check(0, 0)
    with pytest.raises(SysError, match="outside of the memory of 0 bytes"):
        memory.check(0, 1)


def test_shared_memory_beyond_the_limit() -> None:
    with pytest.raises(
        ModuleError, match=r"needs 0\.1875 MiB of memory, 0\.125 MiB are allowed; raise --max-memory to 1M"
    ):
        SharedMemory(shared_engine(), 3, 2)


@pytest.mark.parametrize("method", ["_as_extern", "size"])
def test_the_packages_shared_memory_is_still_wrong(method: str) -> None:
    """When this fails the engine's package is mended: look whether `engine.memory.SharedMemory` can go."""
    limits = wasmtime.MemoryType(wasmtime.Limits(1, 2), shared=True)
    memory = wasmtime.SharedMemory(shared_engine(), limits)
    with pytest.raises((TypeError, ctypes.ArgumentError), match="LP_wasmtime_sharedmemory"):
        getattr(memory, method)()
