"""Looking up names."""

from __future__ import annotations

from pywasix.abi.addresses import AddrIp
from pywasix.abi.errno import Errno
from pywasix.abi.port_codecs import ADDRESS_SIZE, encode_address
from pywasix.abi.scalars import U16, Char, In, Out, Size
from pywasix.errors import SysError
from pywasix.net.resolve import MOST_BYTES, find_addresses
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall

_MOST_ADDRESSES = 1024
"""How many are told at most; libc has room for 48."""


@syscall(modules=EXTENSION)
def resolve(
    ctx: Context,
    host: In[Char],
    host_len: Size,
    port: U16,
    addrs: Out[AddrIp],
    naddrs: Size,
    ret_naddrs: Out[Size],
) -> None:
    """Look up the addresses of a name; those that do not fit into the array are left out.

    The port, a hint in the ABI, does not count. libc turns every error into EAI_NONAME and leaves the errno in `errno`.

    ABI: WASIX; 18 bytes for each address. Errors: FAULT; INVAL no UTF-8, a NUL, or over 1024 bytes; ACCES
        the policy refuses; NOENT nobody knows the name; AGAIN, IO the look-up failed.
    """
    name = _name(ctx, host, host_len)
    room = min(naddrs, _MOST_ADDRESSES)
    ctx.memory.check(addrs, ADDRESS_SIZE * room)
    ctx.memory.check(ret_naddrs, 4)
    found = find_addresses(ctx.network, ctx.task, name)[:room]
    ctx.memory.write(addrs, b"".join(map(encode_address, found)))
    ctx.memory.store_u32(ret_naddrs, len(found))


def _name(ctx: Context, pointer: int, size: int) -> str:
    ctx.memory.check(pointer, size)
    if size > MOST_BYTES:
        raise SysError(Errno.INVAL, f"no name has {size} bytes")
    try:
        name = ctx.memory.read(pointer, size).decode()
    except UnicodeDecodeError:
        raise SysError(Errno.INVAL, "a name that is not UTF-8") from None
    if "\0" in name:
        raise SysError(Errno.INVAL, "a name with a NUL in it")
    return name
