"""The interface of a program: addresses, hardware address, routes."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from pywasix.abi.addresses import Addr, AddrCidr, Route
from pywasix.abi.enums import AddressFamily
from pywasix.abi.errno import Errno
from pywasix.abi.generation import AbiGeneration
from pywasix.abi.port_codecs import cidr_size, encode_address, encode_cidr, encode_route, route_size
from pywasix.errors import SysError
from pywasix.host.interface import HostInterface
from pywasix.net.address import parse
from pywasix.syscalls.port import (
    port_addr_add,
    port_addr_clear,
    port_addr_list,
    port_addr_remove,
    port_dhcp_acquire,
    port_gateway_set,
    port_mac,
    port_route_add,
    port_route_clear,
    port_route_list,
    port_route_remove,
)
from pywasix.syscalls.trace_values import pointee_text
from world import WASIX, WASIX_2022, Handler, VirtualWorld, World

COUNT, FIRST, SECOND, TIMES, LIST = 0, 256, 512, 768, 4096
GENERATIONS = pytest.mark.parametrize("generation", [WASIX_2022, WASIX], ids=lambda each: each.name)
FAMILY = AddressFamily.INET4, AddressFamily.INET6
MINE = ["10.0.0.2/24", "fd00::2/64"]
WAYS = ["10.0.0.0/24", "fd00::/64"]


# -- what guests see ------------------------------------------------------------------


def cidr(world: World, text: str, prefix: int | None = None) -> int:
    each = ip_interface(text)
    raw = encode_cidr(each.ip.packed, each.network.prefixlen if prefix is None else prefix, wide=wide(world))
    return world.put(FIRST, raw)


def addr(world: World, text: str, pointer: int = FIRST) -> int:
    return world.put(pointer, encode_address(ip_address(text).packed if text else b""))


def wide(world: World) -> bool:
    return world.generation.wide_addresses


def addresses(world: World) -> list[str]:
    total, size = listed(world, port_addr_list), cidr_size(wide=wide(world))
    return [shown_cidr(world, LIST + size * index) for index in range(total)]


def routes(world: World) -> list[str]:
    """Each as "RANGE" or "RANGE via ROUTER"."""
    total, size = listed(world, port_route_list), route_size(wide=wide(world))
    return [shown_route(world, LIST + size * index) for index in range(total)]


def listed(world: World, handler: Handler, room: int = 100) -> int:
    world.call(handler, LIST, world.words(COUNT, room))
    return world.u32(COUNT)


def shown_cidr(world: World, pointer: int) -> str:
    four = world.number(pointer, 1) == AddressFamily.INET4
    prefix = world.number(pointer + (6 if four else 26 if wide(world) else 18), 1)
    return f"{shown_ip(world, pointer)}/{prefix}"


def shown_ip(world: World, pointer: int) -> str:
    tag = world.number(pointer, 1)
    if tag == AddressFamily.UNSPEC:
        return ""
    return str(ip_address(world.memory.read(pointer + 2, 4 if tag == AddressFamily.INET4 else 16)))


def shown_route(world: World, pointer: int) -> str:
    at, times = (28, 144) if wide(world) else (20, 40)
    assert world.memory.read(pointer + times, 32) == bytes(32), "it never expires"
    via = shown_ip(world, pointer + at)
    return shown_cidr(world, pointer) + (f" via {via}" if via else "")


def add_route(world: World, to: str, via: str = "", times: tuple[int | None, int | None] = (None, None)) -> None:
    world.call(*route_call(world, to, via, times))


def route_call(
    world: World, to: str, via: str = "", times: tuple[int | None, int | None] = (None, None)
) -> tuple[Handler, int, int, int, int]:
    until, expires = world.option(TIMES, times[0]), world.option(TIMES + 16, times[1])
    return port_route_add, cidr(world, to), addr(world, via, SECOND), until, expires


def connects(world: World, host: str) -> str:
    """What a connect to port 9 of a host says."""
    file = world.socket_file(world.socket(parse(host, 9).family))
    try:
        file.connect(world.task, parse(host, 9))
    except SysError as error:
        return error.errno.name
    return "connected"


# -- layouts --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["10.1.2.3", "fd00::1:2:3"])
def test_the_wide_layouts_are_those_of_the_records(text: str) -> None:
    ip = ip_address(text).packed
    tag = FAMILY[len(ip) == 16]
    record = AddrCidr.unpack_from(encode_cidr(ip, 24, wide=True), 0)
    assert record.tag == tag
    assert cidr_size(wide=True) == AddrCidr.SIZE
    route = Route.unpack_from(encode_route(ip, 24, ip, wide=True), 0)
    assert route.cidr == record
    assert route.via_router == Addr.unpack_from(encode_address(ip).ljust(Addr.SIZE, b"\0"), 0)
    assert (route.preferred_until.tag, route.expires_at.tag) == (0, 0)
    assert route_size(wide=True) == Route.SIZE


@GENERATIONS
def test_every_generation_reads_what_it_wrote(generation: AbiGeneration) -> None:
    with VirtualWorld(generation=generation) as world:
        world.call(port_addr_add, cidr(world, "10.0.0.9/24"))
        world.call(port_addr_add, cidr(world, "fd00::9/64"))
        world.call(port_gateway_set, addr(world, "fd00::7"))
        assert addresses(world) == [*MINE, "10.0.0.9/24", "fd00::9/64"]
        assert routes(world) == [*WAYS, "::/0 via fd00::7"]
        add_route(world, "192.0.2.0/24", "10.0.0.7")
        assert routes(world)[-1] == "192.0.2.0/24 via 10.0.0.7"


# -- a virtual network ----------------------------------------------------------------


def test_a_program_sees_its_place(virtual: VirtualWorld) -> None:
    assert addresses(virtual) == MINE
    assert routes(virtual) == WAYS
    virtual.call(port_mac, LIST)
    assert virtual.memory.read(LIST, 6) == bytes((2, 0, 10, 0, 0, 2))


def test_an_address_that_was_added_works(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.77/24"))
    fd = virtual.socket()
    file = virtual.socket_file(fd)
    file.bind(parse("10.0.0.77", 80))
    file.listen(1)
    with virtual.virtual.connect(("10.0.0.77", 80)) as caller:
        accepted, peer = file.accept(virtual.task, False)
        assert peer.host == "10.0.0.1"
        assert accepted.local().host == "10.0.0.77"
        assert caller.getpeername() == ("10.0.0.77", 80)
        accepted.close()


def test_an_address_that_was_removed_is_silent_and_free(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.77/24"))
    virtual.call(port_addr_remove, addr(virtual, "10.0.0.77"))
    with pytest.raises(OSError, match="host"):
        virtual.virtual.connect(("10.0.0.77", 80))
    with virtual.virtual.attach("10.0.0.77") as other:
        assert other.addresses == ("10.0.0.77", "fd00::4d")
        virtual.fails(Errno.ADDRINUSE, port_addr_add, cidr(virtual, "fd00::4d/64"))


def test_an_address_that_was_taken_is_not_given_to_others(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_add, cidr(virtual, "fd00::3/64"))
    with virtual.virtual.attach() as other:
        assert other.addresses[0] == "10.0.0.4"


def test_the_addresses_of_a_program_are_free_when_it_ends(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.77/24"))
    virtual.call(port_addr_clear)
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.78/24"))
    virtual.place.close()
    for address in ("10.0.0.2", "10.0.0.77", "10.0.0.78"):
        virtual.virtual.attach(address).close()


def test_without_addresses_nothing_is_reached_until_they_are_acquired(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_clear)
    assert addresses(virtual) == routes(virtual) == []
    assert [connects(virtual, host) for host in ("10.0.0.1", "fd00::1", "127.0.0.1")] == [
        "NETUNREACH",
        "NETUNREACH",
        "CONNREFUSED",
    ]
    with pytest.raises(OSError, match="host"):
        virtual.virtual.connect(("10.0.0.2", 80))
    virtual.call(port_dhcp_acquire)
    assert (addresses(virtual), routes(virtual)) == (MINE, WAYS)
    assert connects(virtual, "10.0.0.1") == "CONNREFUSED"


def test_a_lease_is_nobody_elses_while_it_is_given_up(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_clear)
    with virtual.virtual.attach() as other:
        assert other.addresses[0] == "10.0.0.3"
    virtual.call(port_dhcp_acquire)
    virtual.call(port_dhcp_acquire)
    assert addresses(virtual) == MINE


def test_the_first_address_that_is_left_is_the_source(virtual: VirtualWorld) -> None:
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.9/24"))
    virtual.call(port_addr_remove, addr(virtual, "10.0.0.2"))
    with virtual.virtual.listen(("10.0.0.1", 80)) as listener:
        virtual.socket_file(virtual.socket()).connect(virtual.task, parse("10.0.0.1", 80))
        accepted, peer = listener.accept()
        accepted.close()
        assert peer[0] == "10.0.0.9"


def test_routes_count(virtual: VirtualWorld) -> None:
    virtual.call(port_route_remove, addr(virtual, "10.0.0.0"))
    assert routes(virtual) == WAYS[1:]
    assert [connects(virtual, host) for host in ("10.0.0.1", "fd00::1")] == ["NETUNREACH", "CONNREFUSED"]
    add_route(virtual, "10.0.0.0/25")
    assert [connects(virtual, host) for host in ("10.0.0.1", "10.0.0.129")] == ["CONNREFUSED", "NETUNREACH"]
    virtual.call(port_route_clear)
    assert routes(virtual) == []
    assert connects(virtual, "fd00::1") == "NETUNREACH"
    assert connects(virtual, "10.0.0.2") == "CONNREFUSED", "one's own address needs no route"


def test_the_longest_prefix_wins_and_routers_forward_nothing(virtual: VirtualWorld) -> None:
    add_route(virtual, "10.0.0.1/32", "10.0.0.7")
    add_route(virtual, "192.0.2.0/24")
    assert [connects(virtual, host) for host in ("10.0.0.1", "192.0.2.1")] == ["NETUNREACH", "HOSTUNREACH"]


def test_a_gateway_takes_the_place_of_the_one_before(virtual: VirtualWorld) -> None:
    virtual.call(port_gateway_set, addr(virtual, "10.0.0.7"))
    virtual.call(port_gateway_set, addr(virtual, "10.0.0.8"))
    virtual.call(port_gateway_set, addr(virtual, "fd00::8"))
    assert routes(virtual) == [*WAYS, "0.0.0.0/0 via 10.0.0.8", "::/0 via fd00::8"]
    assert connects(virtual, "192.0.2.1") == "NETUNREACH"
    assert connects(virtual, "10.0.0.9") == "HOSTUNREACH"


def test_routes_follow_addresses_once_they_were_changed(virtual: VirtualWorld) -> None:
    virtual.call(port_gateway_set, addr(virtual, "10.0.0.7"))
    virtual.call(port_addr_remove, addr(virtual, "10.0.0.2"))
    assert routes(virtual) == WAYS[1:]
    virtual.call(port_addr_add, cidr(virtual, "10.0.0.9/24"))
    assert routes(virtual) == WAYS[::-1]


# -- the host's network ---------------------------------------------------------------


def test_the_interfaces_of_the_host_are_listed() -> None:
    """Compared with what the system says elsewhere; a packet is not sent by connecting a datagram socket."""
    with World() as world:
        found = [ip_interface(each) for each in addresses(world)]
        assert all(not each.is_loopback for each in found)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.99", 9))
            except OSError:
                return  # a machine without any network
            assert probe.getsockname()[0] in [str(each.ip) for each in found]
        connected = {str(each.network) for each in found if each.version == 4}
        assert connected <= {each.partition(" ")[0] for each in routes(world)}


def test_the_hardware_address_of_the_host_is_one_of_its_own() -> None:
    up, loopback = 1, 8
    macs = {
        (path / "address").read_text().strip()
        for path in Path("/sys/class/net").iterdir()
        if int((path / "flags").read_text(), 16) & (up | loopback) == up
    }
    with World() as world:
        if not macs:
            world.fails(Errno.NODEV, port_mac, LIST)
            return
        world.call(port_mac, LIST)
        assert world.memory.read(LIST, 6).hex(":") in macs


def test_routes_of_the_host_are_networks() -> None:
    with World() as world:
        for each in routes(world):
            to, _, via = each.partition(" via ")
            assert str(ip_network(to)) == to
            assert not via or str(ip_address(via)) == via


@pytest.mark.parametrize("change", ["acquire", "clear_addresses", "clear_routes"])
def test_the_host_is_left_alone(change: str) -> None:
    with pytest.raises(SysError, match="NOTSUP"):
        getattr(HostInterface(), change)()


# -- traces ---------------------------------------------------------------------------


def test_traces_show_addresses_to_wide_guests_only() -> None:
    with VirtualWorld() as world:
        shown = pointee_text(AddrCidr, world.memory, cidr(world, "10.0.0.9/24"), world.generation)
        assert shown == "inet4{addr=10.0.0.9, prefix=24}"
    with VirtualWorld(generation=WASIX_2022) as world:
        assert pointee_text(AddrCidr, world.memory, cidr(world, "fd00::9/64"), world.generation) == hex(FIRST)
