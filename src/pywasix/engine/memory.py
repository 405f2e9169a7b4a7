"""Guest memory: the only code that indexes it.

One memoryview covers the whole current memory. Guests grow their memory without telling, so an
access past the known end looks again before it answers FAULT. Slices clamp silently and negative
offsets wrap in Python, so that nothing else may touch the view.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import wasmtime
from wasmtime import _ffi as ffi

from pywasix.abi import cells
from pywasix.abi.errno import Errno
from pywasix.abi.layout import Record
from pywasix.errors import ModuleError, SysError

PAGE = 65536
_PAGES_OF_MIB = (1 << 20) // PAGE
MAX_IOVECS = 1024  # Linux UIO_MAXIOV
R = TypeVar("R", bound=Record)
_load_pair = cells.load_u32_pair
_load_u64 = cells.load_u64
_store_u32 = cells.store_u32
_LITTLE = sys.byteorder == "little"  # as guests are
_LARGEST_RESULT = 112
_MOST_BUFFERS = 64  # that are kept at once
_MOST_BYTES = 0x7FFFF000  # that several buffers have together
_NOTHING = memoryview(bytearray())  # writable, as the real ones are


class LinearMemory:
    """Bounds-checked access to one guest memory. Every method answers FAULT for what lies outside.

    Attributes:
        size: bytes that are known to exist; there may be more by now.
        last_cell: the last address at which a result of up to 112 bytes fits into them: any number, and a socket
            address. Hot paths compare with it; what lies behind is checked.
        put_u16, put_u32: store a value (pointer, value) where `check` or `last_cell` has said that it fits. They
            are C functions, which a call of `store_u16` and `store_u32` is not, and costs more.

    Args:
        measure: (address, size in bytes) of the memory now.
        identity: the same for every view of one memory, different for different memories.
    """

    __slots__ = (
        "_buffers",
        "_halves",
        "_measure",
        "_view",
        "_words",
        "identity",
        "last_cell",
        "put_u16",
        "put_u32",
        "size",
    )

    def __init__(self, measure: Callable[[], tuple[int, int]], identity: int) -> None:
        self._measure = measure
        self.identity = identity
        self._see(_NOTHING)

    def _see(self, view: memoryview) -> None:
        self._view = view
        self.size = len(view)
        self.last_cell = self.size - _LARGEST_RESULT
        self.put_u16: Callable[[int, int], None] = partial(cells.store_u16, view)
        self.put_u32: Callable[[int, int], None] = partial(_store_u32, view)
        # By address and length, read as one number: it is found faster than a pair is.
        self._buffers: dict[int, tuple[memoryview]] = {}
        # For values that are aligned, as compilers lay them out: an index says by itself whether it is inside.
        aligned = view[: self.size & ~3] if _LITTLE else _NOTHING
        self._halves, self._words = aligned.cast("H"), aligned.cast("I")

    def _look_again(self, end: int) -> None:
        """The memory may have grown since it was measured."""
        address, size = self._measure()
        if size != self.size:
            self._see(memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B"))
        if end > size:
            raise SysError(Errno.FAULT, f"address {end - 1:#x} is outside of the memory of {size} bytes")

    def forget(self) -> None:
        """The memory goes away: no access after this reaches it."""
        self._measure = _gone
        self._see(_NOTHING)

    def measured(self) -> int:
        """Bytes that exist now."""
        return self._measure()[1]

    def copy_from(self, other: LinearMemory) -> None:
        """Make this memory, new and of the same size, what another one is. Pages that nobody touched stay so."""
        from pywasix.engine.copying import copy_memory  # only who forks pays for it

        (target, size), (source, available) = self._measure(), other._measure()
        copy_memory(target, source, min(size, available))

    def check(self, pointer: int, size: int) -> None:
        """Make sure that `size` bytes at `pointer` exist, so that a later store cannot fail."""
        if pointer + size > self.size:
            self._look_again(pointer + size)

    def view(self, pointer: int, size: int) -> memoryview:
        """The bytes themselves, for one transfer. The view must not be kept."""
        end = pointer + size
        if end > self.size:
            self._look_again(end)
        return self._view[pointer:end]

    def read(self, pointer: int, size: int) -> bytes:
        """A copy of `size` bytes."""
        return bytes(self.view(pointer, size))

    def write(self, pointer: int, data: bytes) -> None:
        """Store bytes."""
        end = pointer + len(data)
        if end > self.size:
            self._look_again(end)
        self._view[pointer:end] = data

    def load_u32(self, pointer: int) -> int:
        """A 32-bit word; one that is aligned is read at once, whoever writes it meanwhile."""
        value: int
        if not pointer & 3:
            try:
                value = self._words[pointer >> 2]
            except IndexError:
                pass
            else:
                return value
        if pointer + 4 > self.size:
            self._look_again(pointer + 4)
        value = cells.load_u32(self._view, pointer)[0]
        return value

    def load_option(self, pointer: int) -> tuple[int, int]:
        """Tag and ns of an option_timestamp, which is read too often for a record."""
        if pointer + 16 > self.size:
            self._look_again(pointer + 16)
        option: tuple[int, int] = cells.load_option_timestamp(self._view, pointer)
        return option

    def store_u8(self, pointer: int, value: int) -> None:
        """Store one byte (bool and enum cells)."""
        if pointer + 1 > self.size:
            self._look_again(pointer + 1)
        self._view[pointer] = value

    def store_u16(self, pointer: int, value: int) -> None:
        """Store 2 bytes (roflags and fdflagsext cells)."""
        if not pointer & 1:
            try:
                self._halves[pointer >> 1] = value
                return
            except IndexError:
                pass
        if pointer + 2 > self.size:
            self._look_again(pointer + 2)
        cells.store_u16(self._view, pointer, value)

    def store_u32(self, pointer: int, value: int) -> None:
        """Store 4 bytes (fd, size, pid and tid cells)."""
        if not pointer & 3:
            try:
                self._words[pointer >> 2] = value
                return
            except IndexError:
                pass
        if pointer + 4 > self.size:
            self._look_again(pointer + 4)
        _store_u32(self._view, pointer, value)

    def store_u64(self, pointer: int, value: int) -> None:
        """Store 8 bytes (filesize and timestamp cells)."""
        if pointer + 8 > self.size:
            self._look_again(pointer + 8)
        cells.store_u64(self._view, pointer, value)

    def load(self, record: type[R], pointer: int) -> R:
        """A record."""
        self.check(pointer, record.SIZE)
        return record.unpack_from(self._view, pointer)

    def store(self, pointer: int, record: Record) -> None:
        """Store a record, padding included."""
        self.check(pointer, record.SIZE)
        record.pack_into(self._view, pointer)

    def iovecs(self, pointer: int, count: int) -> Sequence[memoryview]:
        """The buffers that a vector of (pointer, length) pairs names.

        Of several, no more than 2 GiB together, as in Linux (MAX_RW_COUNT): they may lie over each other, and nobody
        waits for terabytes. Errors: FAULT; INVAL for more than 1024 (Linux UIO_MAXIOV).
        """
        if count != 1:
            return self._several_iovecs(pointer, count)
        try:
            place: int = _load_u64(self._view, pointer)[0]
        except cells.OutsideError:
            self._look_again(pointer + 8)
            place = _load_u64(self._view, pointer)[0]
        return self._buffers.get(place) or self._buffer(place)

    def _buffer(self, place: int) -> tuple[memoryview]:
        """One buffer. A program uses a few of them again and again, and finding one is cheaper than making it."""
        buffer = (self.view(place & 0xFFFFFFFF, place >> 32),)
        if len(self._buffers) >= _MOST_BUFFERS:
            self._buffers.clear()
        self._buffers[place] = buffer
        return buffer

    def _several_iovecs(self, pointer: int, count: int) -> list[memoryview]:
        if count > MAX_IOVECS:
            raise SysError(Errno.INVAL, f"{count} buffers; at most {MAX_IOVECS} go in one call")
        self.check(pointer, 8 * count)
        places = [_load_pair(self._view, pointer + 8 * index) for index in range(count)]
        if sum(size for _, size in places) <= _MOST_BYTES:
            return [self.view(*place) for place in places]
        left, found = _MOST_BYTES, []
        for place, size in places:
            found.append(self.view(place, size)[:left])
            left -= len(found[-1])
        return found


def _gone() -> tuple[int, int]:
    return 0, 0


def exported_memory(store: wasmtime.Store, memory: wasmtime.Memory) -> LinearMemory:
    """The memory that a module exports. It belongs to the store: `forget` it before the store goes."""

    def measure() -> tuple[int, int]:
        size = memory.data_len(store)
        return ctypes.addressof(memory.data_ptr(store).contents) if size else 0, size

    return LinearMemory(measure, id(memory))


def too_large(needed: int, allowed: int) -> str:
    """What to say of a module that needs more pages than it is allowed: how much that is, and what to give."""
    least = -(-needed // _PAGES_OF_MIB)
    return (
        f"needs {needed / _PAGES_OF_MIB:.4g} MiB of memory, {allowed / _PAGES_OF_MIB:.4g} MiB are allowed; "
        f"raise --max-memory to {least}M (max_memory to {least << 20})"
    )


class SharedMemory:
    """A shared memory that a module imports, with its own calls of the engine.

    The engine's Python package (50.0.1) passes a wrong pointer in `SharedMemory._as_extern`,
    `size` and `data_len`; a test tells when it no longer does.

    Args:
        minimum, maximum: pages of 64 KiB; the maximum is what the user allows, not what the module asks.
    """

    def __init__(self, engine: wasmtime.Engine, minimum: int, maximum: int) -> None:
        if minimum > maximum:
            raise ModuleError(f"the module {too_large(minimum, maximum)}")
        self._engine = engine
        self._maximum = maximum
        kind = wasmtime.MemoryType(wasmtime.Limits(minimum, maximum), shared=True)
        self._memory = wasmtime.SharedMemory(engine, kind)

    def copy(self) -> SharedMemory:
        """A memory of its own with the same contents, which other threads may be changing meanwhile."""
        made = SharedMemory(self._engine, self._measure()[1] // PAGE, self._maximum)
        made.linear().copy_from(self.linear())
        return made

    def linear(self) -> LinearMemory:
        """Checked access to it."""
        return LinearMemory(self._measure, id(self))

    def _measure(self) -> tuple[int, int]:
        pointer = self._memory.ptr()
        size = ffi.wasmtime_sharedmemory_data_size(pointer)
        return ctypes.addressof(ffi.wasmtime_sharedmemory_data(pointer).contents) if size else 0, size

    def extern(self) -> ffi.wasmtime_extern_t:
        """What a linker takes."""
        union = ffi.wasmtime_extern_union(sharedmemory=self._memory.ptr())
        return ffi.wasmtime_extern_t(ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)
