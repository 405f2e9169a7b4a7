"""Copying a guest's memory for fork: once, and only what is used.

Most of a memory was never touched: the host has no page for it. Reading such a page, or writing zeros over one,
would make a page. So the host's page table is asked first (Linux, /proc/self/pagemap), where it can be.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

_LIBC = ctypes.CDLL(None)
_PAGE: int = _LIBC.getpagesize()
_MANY = 1 << 20  # bytes
_POPULATE = 23  # MADV_POPULATE_WRITE
_ENTRY = 8  # bytes of an entry of the page table, of which the last one tells what a page is
_AT_ONCE = 1 << 16  # entries that are read at once: 256 MiB of memory
# Source: pagemap of the Linux kernel's documentation. Bit 63: the page is in memory; bit 62: it is swapped out.
_IN_USE = bytes(byte >= 1 << 6 for byte in range(256))


def copy_memory(target: int, source: int, size: int) -> None:
    """Copy bytes between two addresses, both at the start of a page of the host; the target has not been touched."""
    for start, end in _used(source, size):
        length = min(end, size) - start
        if length >= _MANY:
            # All pages made at once take less time than one after the other. An error where it is not known.
            _LIBC.madvise(ctypes.c_void_p(target + start), ctypes.c_size_t(length), _POPULATE)
        ctypes.memmove(target + start, source + start, length)


def _used(address: int, size: int) -> list[tuple[int, int]]:
    """The (start, end) of each piece of a memory that is in use, relative to its address."""
    pages = -(-size // _PAGE)
    try:
        return [(first * _PAGE, last * _PAGE) for first, last in _runs(address // _PAGE, pages)]
    except OSError:
        return [(0, size)]


def _runs(number: int, pages: int) -> Iterator[tuple[int, int]]:
    """The first page and the page behind the last one of each run of pages in use. Raises: OSError."""
    with open("/proc/self/pagemap", "rb", buffering=0) as table:
        for start in range(0, pages, _AT_ONCE):
            table.seek((number + start) * _ENTRY)
            count = min(_AT_ONCE, pages - start)
            entries = table.read(count * _ENTRY)
            if len(entries) < count * _ENTRY:
                raise OSError("the page table ends")
            used = entries[_ENTRY - 1 :: _ENTRY].translate(_IN_USE)
            last = 0
            while (first := used.find(1, last)) >= 0:
                last = used.find(0, first)
                last = count if last < 0 else last
                yield start + first, start + last
