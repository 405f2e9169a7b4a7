"""The network interface of the program: addresses, hardware address, routes.

What a network cannot do it answers with NOTSUP, never with success: the host's interfaces can be looked at and not
changed, and a virtual network has no other networks to be bridged to.
"""

from __future__ import annotations

from pywasix.abi.addresses import Addr, AddrCidr, Route
from pywasix.abi.enums import StreamSecurity
from pywasix.abi.errno import Errno
from pywasix.abi.port_codecs import (
    ADDRESS_SIZE,
    cidr_size,
    decode_address,
    decode_cidr,
    encode_cidr,
    encode_route,
    route_size,
)
from pywasix.abi.records import HardwareAddress, OptionTimestamp
from pywasix.abi.scalars import Char, Flags, In, InOut, Out, Size
from pywasix.errors import SysError
from pywasix.net import interface
from pywasix.net.interface import interface_of
from pywasix.syscalls.context import Context
from pywasix.syscalls.decode import optional_time
from pywasix.syscalls.row import EXTENSION, Support, syscall

_NO_BRIDGE = "There is no network to bridge to: a program is on the network that its user gave it."
_VIRTUAL_ONLY = "Works on a virtual network; the host's interfaces are not the guest's to change (NOTSUP)."
_SUBNETS = (
    "Works on a virtual network, for addresses of its subnets; "
    "the host's interfaces are not the guest's to change (NOTSUP)."
)
_NO_ROUTERS = (
    "Works on a virtual network, whose hosts forward nothing, so that what goes to a router is told NETUNREACH; "
    "routes that expire, and changes to the host's own table, are NOTSUP."
)


@syscall(modules=EXTENSION, support=Support.NONE, note=_NO_BRIDGE)
def port_bridge(
    ctx: Context,
    network: In[Char],
    network_len: Size,
    token: In[Char],
    token_len: Size,
    security: Flags[StreamSecurity],
) -> None:
    """Join a network of Wasmer's.

    ABI: WASIX. Errors: ACCES; NOTSUP always.
    """
    interface_of(ctx.network)
    raise SysError(Errno.NOTSUP, _NO_BRIDGE)


@syscall(modules=EXTENSION, support=Support.NONE, note=_NO_BRIDGE)
def port_unbridge(ctx: Context) -> None:
    """Leave a network that was joined.

    ABI: WASIX. Errors: ACCES; NOTSUP always.
    """
    interface_of(ctx.network)
    raise SysError(Errno.NOTSUP, _NO_BRIDGE)


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_VIRTUAL_ONLY)
def port_dhcp_acquire(ctx: Context) -> None:
    """Have the addresses assigned that the network has for this program.

    ABI: WASIX. Errors: ACCES; NOTSUP the host's network.
    """
    interface_of(ctx.network).acquire()


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_SUBNETS)
def port_addr_add(ctx: Context, addr: In[AddrCidr]) -> None:
    """Take an address; a virtual network has those of its subnets only.

    ABI: WASIX. Errors: FAULT; AFNOSUPPORT; INVAL too long a prefix; ACCES; NOTSUP the host's network, or outside of
        the subnets; EXIST it is there; ADDRINUSE another host has it; ADDRNOTAVAIL no host may have it; NOBUFS.
    """
    interface_of(ctx.network).add_address(_load_cidr(ctx, addr))


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_VIRTUAL_ONLY)
def port_addr_remove(ctx: Context, addr: In[Addr]) -> None:
    """Give an address up. Sockets stay bound to it and hear nothing more.

    ABI: WASIX. Errors: FAULT; AFNOSUPPORT; ACCES; NOTSUP the host's network; ADDRNOTAVAIL it is not there.
    """
    interface_of(ctx.network).remove_address(_load_address(ctx, addr))


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_VIRTUAL_ONLY)
def port_addr_clear(ctx: Context) -> None:
    """Give every address up.

    ABI: WASIX. Errors: ACCES; NOTSUP the host's network.
    """
    interface_of(ctx.network).clear_addresses()


@syscall(modules=EXTENSION)
def port_mac(ctx: Context, ret_mac: Out[HardwareAddress]) -> None:
    """Tell the hardware address; on the host, that of the interface with the default route.

    ABI: WASIX. Errors: FAULT; ACCES; NODEV no interface has one.
    """
    ctx.memory.store(ret_mac, HardwareAddress(interface_of(ctx.network).mac()))


@syscall(modules=EXTENSION)
def port_addr_list(ctx: Context, addrs: Out[AddrCidr], naddrs: InOut[Size]) -> None:
    """List the addresses with their prefixes; the loopback interface's are not among them.

    ABI: WASIX; `naddrs` is the room on the way in and the total on the way out, also with OVERFLOW. An element has
        28 bytes, 20 before 2023-09. Errors: FAULT; ACCES; OVERFLOW there are more.
    """
    wide = ctx.generation.wide_addresses
    found = [encode_cidr(*each, wide=wide) for each in interface_of(ctx.network).addresses()]
    _store_list(ctx, addrs, naddrs, found, cidr_size(wide=wide))


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_NO_ROUTERS)
def port_gateway_set(ctx: Context, addr: In[Addr]) -> None:
    """Set the router for what has no other way, in place of the one before.

    ABI: WASIX. Errors: FAULT; AFNOSUPPORT; ACCES; NOTSUP the host's network; INVAL the program's own address;
        NETUNREACH no way to the router; NOBUFS.
    """
    interface_of(ctx.network).set_gateway(_load_address(ctx, addr))


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_NO_ROUTERS)
def port_route_add(
    ctx: Context,
    cidr: In[AddrCidr],
    via_router: In[Addr],
    preferred_until: In[OptionTimestamp],
    expires_at: In[OptionTimestamp],
) -> None:
    """Add a way to a range of addresses, through a router or, with an UNSPEC one, directly.

    ABI: WASIX. Errors: FAULT; AFNOSUPPORT; INVAL a prefix, router or tag that cannot be; ACCES; NOTSUP the host's
        network, or a time; EXIST; NETUNREACH no way to the router; NOBUFS.
    """
    times = optional_time(ctx.memory, preferred_until), optional_time(ctx.memory, expires_at)
    route = interface.Route(_load_cidr(ctx, cidr), _load_address(ctx, via_router, none=True))
    shown = interface_of(ctx.network)
    if times != (None, None):
        raise SysError(Errno.NOTSUP, "a route that expires")
    shown.add_route(route)


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_VIRTUAL_ONLY)
def port_route_remove(ctx: Context, cidr: In[Addr]) -> None:
    """Forget the ways to ranges that begin at an address.

    ABI: WASIX. Errors: FAULT; AFNOSUPPORT; ACCES; NOTSUP the host's network; SRCH there is none.
    """
    interface_of(ctx.network).remove_route(_load_address(ctx, cidr))


@syscall(modules=EXTENSION, support=Support.PARTIAL, note=_VIRTUAL_ONLY)
def port_route_clear(ctx: Context) -> None:
    """Forget every way, also those to the subnets.

    ABI: WASIX. Errors: ACCES; NOTSUP the host's network.
    """
    interface_of(ctx.network).clear_routes()


@syscall(modules=EXTENSION)
def port_route_list(ctx: Context, routes: Out[Route], nroutes: InOut[Size]) -> None:
    """List the ways to other hosts; what is reached directly is via UNSPEC.

    ABI: WASIX; `nroutes` is the room on the way in and the total on the way out, also with OVERFLOW. An element has
        176 bytes, 72 before 2023-09. Errors: FAULT; ACCES; OVERFLOW there are more.
    """
    wide = ctx.generation.wide_addresses
    found = [encode_route(*each.to, each.via, wide=wide) for each in interface_of(ctx.network).routes()]
    _store_list(ctx, routes, nroutes, found, route_size(wide=wide))


def _load_address(ctx: Context, pointer: int, *, none: bool = False) -> bytes:
    """The bytes of an address. Errors: FAULT; AFNOSUPPORT no IP address (`none`: UNSPEC is fine, and empty)."""
    ip = decode_address(ctx.memory.read(pointer, ADDRESS_SIZE))
    if ip is None or not (ip or none):
        raise SysError(Errno.AFNOSUPPORT, "an address that is neither IPv4 nor IPv6")
    return ip


def _load_cidr(ctx: Context, pointer: int) -> interface.Cidr:
    """Errors: FAULT; AFNOSUPPORT no IP address; INVAL a prefix longer than the address."""
    wide = ctx.generation.wide_addresses
    ip, prefix = decode_cidr(ctx.memory.read(pointer, cidr_size(wide=wide)), wide=wide)
    if not ip:
        raise SysError(Errno.AFNOSUPPORT, "an address that is neither IPv4 nor IPv6")
    if prefix > 8 * len(ip):
        raise SysError(Errno.INVAL, f"a prefix of {prefix} bits")
    return interface.Cidr(ip, prefix)


def _store_list(ctx: Context, array: int, cell: int, elements: list[bytes], size: int) -> None:
    """Errors: FAULT; OVERFLOW not all fit, and the total is stored."""
    room = ctx.memory.load_u32(cell)
    fits = len(elements) <= room
    if fits:
        ctx.memory.check(array, size * len(elements))
        ctx.memory.write(array, b"".join(elements))
    ctx.memory.store_u32(cell, len(elements))
    if not fits:
        raise SysError(Errno.OVERFLOW, f"{len(elements)} elements, and room for {room}")
