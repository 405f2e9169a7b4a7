"""Program arguments and environment."""

from __future__ import annotations

from collections.abc import Sequence

from pywasix.abi.scalars import U8, Out, PointerSize, Size
from pywasix.syscalls.context import Context, GuestMemory
from pywasix.syscalls.row import BASE, syscall


@syscall(modules=BASE)
def args_get(ctx: Context, argv: Out[PointerSize], argv_buf: Out[U8]) -> None:
    """Copy the arguments: a table of pointers and one buffer of NUL-terminated strings.

    ABI: preview1. Errors: FAULT.
    """
    _store_strings(ctx.memory, ctx.process.args, argv, argv_buf)


@syscall(modules=BASE)
def args_sizes_get(ctx: Context, argc: Out[Size], argv_buf_size: Out[Size]) -> None:
    """Tell how many arguments there are and how many bytes they take.

    ABI: preview1. Errors: FAULT.
    """
    _store_sizes(ctx.memory, ctx.process.args, argc, argv_buf_size)


@syscall(modules=BASE)
def environ_get(ctx: Context, environ: Out[PointerSize], environ_buf: Out[U8]) -> None:
    """Copy the environment, as KEY=VALUE strings laid out like the arguments.

    ABI: preview1. Errors: FAULT.
    """
    _store_strings(ctx.memory, ctx.process.env, environ, environ_buf)


@syscall(modules=BASE)
def environ_sizes_get(ctx: Context, environ_count: Out[Size], environ_buf_size: Out[Size]) -> None:
    """Tell how many variables there are and how many bytes they take.

    ABI: preview1. Errors: FAULT.
    """
    _store_sizes(ctx.memory, ctx.process.env, environ_count, environ_buf_size)


def _store_strings(memory: GuestMemory, strings: Sequence[bytes], table: int, buffer: int) -> None:
    text = b"".join(string + b"\0" for string in strings)
    memory.check(table, 4 * len(strings))
    memory.write(buffer, text)
    position = buffer
    for index, string in enumerate(strings):
        memory.store_u32(table + 4 * index, position)
        position += len(string) + 1


def _store_sizes(memory: GuestMemory, strings: Sequence[bytes], count: int, size: int) -> None:
    memory.check(size, 4)
    memory.store_u32(count, len(strings))
    memory.store_u32(size, sum(len(string) + 1 for string in strings))
