"""The interface of a program: who may look, what cannot be, bad arguments."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.abi.port_codecs import cidr_size, route_size
from pywasix.errors import SysError
from pywasix.host.interface import HostInterface
from pywasix.net.policy import NetworkPolicy
from pywasix.net.virtual_interface import MOST_ADDRESSES, MOST_ROUTES
from pywasix.syscalls.port import (
    port_addr_add,
    port_addr_clear,
    port_addr_list,
    port_addr_remove,
    port_bridge,
    port_dhcp_acquire,
    port_gateway_set,
    port_mac,
    port_route_add,
    port_route_clear,
    port_route_list,
    port_route_remove,
    port_unbridge,
)
from syscalls.test_port import (
    COUNT,
    FIRST,
    GENERATIONS,
    LIST,
    MINE,
    SECOND,
    TIMES,
    add_route,
    addr,
    addresses,
    cidr,
    listed,
    route_call,
    wide,
)
from world import MEMORY, Handler, VirtualWorld, World

BAD = MEMORY - 1

# -- who may look ---------------------------------------------------------------------

_CALLS: dict[Handler, Callable[[World], tuple[int, ...]]] = {
    port_bridge: lambda world: (FIRST, 0, FIRST, 0, 0),
    port_unbridge: lambda world: (),
    port_dhcp_acquire: lambda world: (),
    port_addr_add: lambda world: (cidr(world, "10.0.0.9/24"),),
    port_addr_remove: lambda world: (addr(world, "10.0.0.2"),),
    port_addr_clear: lambda world: (),
    port_mac: lambda world: (LIST,),
    port_addr_list: lambda world: (LIST, world.words(COUNT, 9)),
    port_gateway_set: lambda world: (addr(world, "10.0.0.7"),),
    port_route_add: lambda world: route_call(world, "192.0.2.0/24")[1:],
    port_route_remove: lambda world: (addr(world, "10.0.0.0"),),
    port_route_clear: lambda world: (),
    port_route_list: lambda world: (LIST, world.words(COUNT, 9)),
}


def fails(world: World, errno: Errno, handler: Handler) -> None:
    world.fails(errno, handler, *_CALLS[handler](world))


def refused(handler: Handler) -> None:
    """A program without a network, and one that may only talk to one peer, learn nothing."""
    for policy in (NetworkPolicy.deny_all(), NetworkPolicy.from_rules("ipv4:allow=127.0.0.1:80, dns:allow=*:*")):
        for kind in (World, VirtualWorld):
            with kind(policy=policy) as world:
                fails(world, Errno.ACCES, handler)
                assert len(world.reports) == 1
                assert world.reports[0].endswith("allow it with --net=ipv4:allow=*:*/in")


def test_who_may_be_called_from_everywhere_may_look() -> None:
    with VirtualWorld(policy=NetworkPolicy.from_rules("ipv4:allow=*:*/in")) as world:
        assert addresses(world) == MINE


def test_port_bridge_acces() -> None:
    refused(port_bridge)


def test_port_unbridge_acces() -> None:
    refused(port_unbridge)


def test_port_dhcp_acquire_acces() -> None:
    refused(port_dhcp_acquire)


def test_port_addr_add_acces() -> None:
    refused(port_addr_add)


def test_port_addr_remove_acces() -> None:
    refused(port_addr_remove)


def test_port_addr_clear_acces() -> None:
    refused(port_addr_clear)


def test_port_mac_acces() -> None:
    refused(port_mac)


def test_port_addr_list_acces() -> None:
    refused(port_addr_list)


def test_port_gateway_set_acces() -> None:
    refused(port_gateway_set)


def test_port_route_add_acces() -> None:
    refused(port_route_add)


def test_port_route_remove_acces() -> None:
    refused(port_route_remove)


def test_port_route_clear_acces() -> None:
    refused(port_route_clear)


def test_port_route_list_acces() -> None:
    refused(port_route_list)


# -- what cannot be -------------------------------------------------------------------


def test_port_bridge_notsup(either: World) -> None:
    fails(either, Errno.NOTSUP, port_bridge)


def test_port_unbridge_notsup(either: World) -> None:
    fails(either, Errno.NOTSUP, port_unbridge)


def test_port_dhcp_acquire_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_dhcp_acquire)


def test_port_addr_add_notsup(world: World, virtual: VirtualWorld) -> None:
    fails(world, Errno.NOTSUP, port_addr_add)
    for text in ("192.0.2.1/24", "10.0.1.9/24", "10.0.0.9/25", "10.0.0.9/32", "fd01::9/64", "127.0.0.2/8"):
        virtual.fails(Errno.NOTSUP, port_addr_add, cidr(virtual, text))


def test_port_addr_remove_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_addr_remove)


def test_port_addr_clear_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_addr_clear)


def test_port_gateway_set_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_gateway_set)


def test_port_route_add_notsup(world: World, virtual: VirtualWorld) -> None:
    fails(world, Errno.NOTSUP, port_route_add)
    for times in ((1, None), (None, 1)):
        virtual.fails(Errno.NOTSUP, *route_call(virtual, "192.0.2.0/24", "", times))


def test_port_route_remove_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_route_remove)


def test_port_route_clear_notsup(world: World) -> None:
    fails(world, Errno.NOTSUP, port_route_clear)


# -- bad arguments --------------------------------------------------------------------


def test_port_addr_add_fault(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.FAULT, port_addr_add, BAD)


def test_port_addr_remove_fault(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.FAULT, port_addr_remove, BAD)


def test_port_gateway_set_fault(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.FAULT, port_gateway_set, BAD)


def test_port_route_remove_fault(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.FAULT, port_route_remove, BAD)


def test_port_route_add_fault(virtual: VirtualWorld) -> None:
    handler, *given = route_call(virtual, "192.0.2.0/24")
    for index in range(4):
        virtual.fails(Errno.FAULT, handler, *[BAD if each == index else given[each] for each in range(4)])


def test_port_mac_fault(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.FAULT, port_mac, MEMORY - 5)


@GENERATIONS
def test_port_addr_list_fault(generation: AbiGeneration) -> None:
    lists_need_their_memory(generation, port_addr_list, cidr_size(wide=generation.wide_addresses))


@GENERATIONS
def test_port_route_list_fault(generation: AbiGeneration) -> None:
    lists_need_their_memory(generation, port_route_list, route_size(wide=generation.wide_addresses))


def lists_need_their_memory(generation: AbiGeneration, handler: Handler, size: int) -> None:
    """Two elements are written, and no byte behind them."""
    with VirtualWorld(generation=generation) as world:
        world.fails(Errno.FAULT, handler, LIST, MEMORY - 3)
        world.fails(Errno.FAULT, handler, MEMORY - 2 * size + 1, world.words(COUNT, 2**32 - 1))
        world.call(handler, MEMORY - 2 * size, COUNT)
        world.put(LIST, b"\xcc" * (3 * size))
        world.call(handler, LIST, world.words(COUNT, 3))
        assert world.memory.read(LIST + 2 * size, size) == b"\xcc" * size


def test_port_addr_list_overflow(virtual: VirtualWorld) -> None:
    total_is_told(virtual, port_addr_list)


def test_port_route_list_overflow(virtual: VirtualWorld) -> None:
    total_is_told(virtual, port_route_list)


def total_is_told(world: World, handler: Handler) -> None:
    for room in (0, 1):
        before = world.memory.read(LIST, 400)
        with pytest.raises(SysError) as raised:
            world.call(handler, LIST, world.words(COUNT, room))
        assert raised.value.errno is Errno.OVERFLOW
        assert world.u32(COUNT) == 2
        assert world.memory.read(LIST, 400) == before
    assert listed(world, handler, 2) == 2


def no_ip_addresses(world: World, handler: Handler) -> None:
    size = cidr_size(wide=wide(world))
    for tag in (0, 3, 255):
        world.fails(Errno.AFNOSUPPORT, handler, world.put(FIRST, bytes((tag,)).ljust(size, b"\1")))


def test_port_addr_add_afnosupport(virtual: VirtualWorld) -> None:
    no_ip_addresses(virtual, port_addr_add)


def test_port_addr_remove_afnosupport(virtual: VirtualWorld) -> None:
    no_ip_addresses(virtual, port_addr_remove)


def test_port_gateway_set_afnosupport(virtual: VirtualWorld) -> None:
    no_ip_addresses(virtual, port_gateway_set)


def test_port_route_remove_afnosupport(virtual: VirtualWorld) -> None:
    no_ip_addresses(virtual, port_route_remove)


def test_port_route_add_afnosupport(virtual: VirtualWorld) -> None:
    handler, *given = route_call(virtual, "192.0.2.0/24")
    virtual.put(SECOND, b"\3")
    virtual.fails(Errno.AFNOSUPPORT, handler, *given)
    virtual.put(SECOND, b"\0")
    virtual.put(FIRST, b"\0")
    virtual.fails(Errno.AFNOSUPPORT, handler, *given)


def test_port_addr_add_inval(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.INVAL, port_addr_add, cidr(virtual, "10.0.0.9", 33))
    virtual.fails(Errno.INVAL, port_addr_add, cidr(virtual, "fd00::9", 129))


def test_port_route_add_inval(virtual: VirtualWorld) -> None:
    for to, via in (("10.0.0.9/24", ""), ("192.0.2.0/24", "fd00::7"), ("192.0.2.0/24", "10.0.0.2")):
        virtual.fails(Errno.INVAL, *route_call(virtual, to, via))
    handler, *given = route_call(virtual, "192.0.2.0/24")
    virtual.option(TIMES, 0, tag=7)
    virtual.fails(Errno.INVAL, handler, *given)


def test_port_gateway_set_inval(virtual: VirtualWorld) -> None:
    for text in ("10.0.0.2", "127.0.0.1", "0.0.0.0", "fd00::2", "::"):
        virtual.fails(Errno.INVAL, port_gateway_set, addr(virtual, text))


def test_port_gateway_set_netunreach(virtual: VirtualWorld) -> None:
    for text in ("192.0.2.1", "fd01::1"):
        virtual.fails(Errno.NETUNREACH, port_gateway_set, addr(virtual, text))


def test_port_route_add_netunreach(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.NETUNREACH, *route_call(virtual, "198.51.100.0/24", "192.0.2.1"))
    add_route(virtual, "192.0.2.0/24", "10.0.0.7")
    virtual.fails(Errno.NETUNREACH, *route_call(virtual, "198.51.100.0/24", "192.0.2.1"))


def test_port_addr_add_exist(virtual: VirtualWorld) -> None:
    for text in MINE:
        virtual.fails(Errno.EXIST, port_addr_add, cidr(virtual, text))


def test_port_route_add_exist(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.EXIST, *route_call(virtual, "10.0.0.0/24", "10.0.0.7"))


def test_port_addr_add_addrinuse(virtual: VirtualWorld) -> None:
    for text in ("10.0.0.1/24", "fd00::1/64"):
        virtual.fails(Errno.ADDRINUSE, port_addr_add, cidr(virtual, text))


def test_port_addr_add_addrnotavail(virtual: VirtualWorld) -> None:
    for text in ("10.0.0.0/24", "10.0.0.255/24", "fd00::/64"):
        virtual.fails(Errno.ADDRNOTAVAIL, port_addr_add, cidr(virtual, text))


def test_port_addr_remove_addrnotavail(virtual: VirtualWorld) -> None:
    for text in ("10.0.0.1", "10.0.0.9", "127.0.0.1"):
        virtual.fails(Errno.ADDRNOTAVAIL, port_addr_remove, addr(virtual, text))


def test_port_route_remove_srch(virtual: VirtualWorld) -> None:
    virtual.fails(Errno.SRCH, port_route_remove, addr(virtual, "192.0.2.0"))


def test_port_addr_add_nobufs(virtual: VirtualWorld) -> None:
    for index in range(MOST_ADDRESSES - 2):
        virtual.call(port_addr_add, cidr(virtual, f"10.0.0.{100 + index}/24"))
    virtual.fails(Errno.NOBUFS, port_addr_add, cidr(virtual, "10.0.0.99/24"))


def test_port_route_add_nobufs(virtual: VirtualWorld) -> None:
    fill_routes(virtual)
    virtual.fails(Errno.NOBUFS, *route_call(virtual, "198.51.100.0/24"))


def test_port_gateway_set_nobufs(virtual: VirtualWorld) -> None:
    fill_routes(virtual)
    virtual.fails(Errno.NOBUFS, port_gateway_set, addr(virtual, "10.0.0.7"))


def fill_routes(world: World) -> None:
    for index in range(MOST_ROUTES - 2):
        add_route(world, f"192.0.2.{index}/32")


def test_port_mac_nodev(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr("pywasix.host.interface.interface_addresses", list)
    world.fails(Errno.NODEV, port_mac, LIST)


def test_systems_that_are_not_linux_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "plan9")
    with pytest.raises(SysError, match="NOTSUP"):
        HostInterface().addresses()


def test_the_system_may_fail_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr("pywasix.host.interface.interface_addresses", broken)
    with pytest.raises(SysError, match="NOMEM"):
        HostInterface().routes()
