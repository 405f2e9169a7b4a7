"""Accept, call by call, in its three forms: who called, what is written, and that nobody is lost."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import pytest

from contract.accept_forms import Accept, address_of, install, listening, same_peer, stub_network
from contract.guest_process import (
    BIG_ENDIAN,
    GUARD,
    MEMORY_SIZE,
    MODERN,
    NARROW,
    RO_ADDR,
    RO_FD,
    GuestProcess,
)
from pywasix.abi.enums import FdFlags, RiFlags
from pywasix.abi.errno import Errno
from pywasix.net.address import Address, parse
from pywasix.syscalls import fd as fd_calls
from pywasix.syscalls import sock, sock_io
from support import Wire

NONBLOCK = int(FdFlags.NONBLOCK)
GENERATIONS = {"modern": MODERN, "narrow": NARROW, "big-endian": BIG_ENDIAN}


# -- who called --------------------------------------------------------------


def test_a_thousand_queued_callers_are_told_apart(server: GuestProcess, wire: Wire) -> None:
    main = server.main
    listener, port = server.listen(wire, backlog=1000)
    with ExitStack() as stack:
        callers = [stack.enter_context(wire.connect(port)) for _ in range(1000)]
        expected = [address_of(caller) for caller in callers]
        assert len(set(expected)) == 1000
        found = []
        for _ in callers:
            fd, peer = main.accept(listener)
            found.append((peer.host, peer.port))
            main.must(sock.sock_addr_peer, fd, RO_ADDR)
            assert main.peer() == peer
        assert found == expected
    main.must(fd_calls.fd_fdstat_set_flags, listener, NONBLOCK)
    assert main.call(sock.sock_accept_v2, listener, 0, RO_FD, RO_ADDR) is Errno.AGAIN


@pytest.mark.parametrize("generation", list(GENERATIONS))
def test_the_address_in_memory(generation: str, accept: Accept, wire: Wire) -> None:
    abi = GENERATIONS[generation]
    with GuestProcess(wire.net, generation=abi) as server:
        listener, port = server.listen(wire)
        with wire.connect(port) as caller:
            host, number = address_of(caller)
            server.main.refill()
            assert accept(server.main, listener) is Errno.SUCCESS
    ip = parse(host, 0).ip
    size = 0 if not accept.tells_peer else 28 if len(ip) == 16 and abi.wide_addresses else 20
    assert server.main.strays((RO_FD, 4), (RO_ADDR, size)) == []
    order: Literal["big", "little"] = "big" if abi.big_endian_ports else "little"
    expected = bytes([1 if len(ip) == 4 else 2, 0]) + number.to_bytes(2, order) + ip
    assert server.main.memory[RO_ADDR : RO_ADDR + size] == expected.ljust(size, b"\0")[:size]


def test_scope_and_flow_go_to_wide_addresses_only() -> None:
    peer = Address(2, bytes(range(16)), 80, flow=0x12345, scope=0x00030004)
    for abi in (MODERN, NARROW):
        with GuestProcess(network=stub_network([peer]), generation=abi) as server:
            listener = install(server, listening(server.network, family=2))
            server.main.refill()
            assert server.main.call(sock.sock_accept_v2, listener, 0, RO_FD, RO_ADDR) is Errno.SUCCESS
            wide = abi is MODERN
            raw = bytes(server.main.memory[RO_ADDR : RO_ADDR + (28 if wide else 20)])
            assert raw[:20] == bytes((2, 0, 80, 0)) + bytes(range(16))
            # Flow information and scope id are two u16 each, the high one first.
            assert raw[20:] == (bytes((1, 0, 0x45, 0x23, 3, 0, 4, 0)) if wide else b"")
            assert server.main.strays((RO_FD, 4), (RO_ADDR, len(raw))) == []


def test_data_of_the_caller_arrives(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    listener, port = server.listen(wire)
    with wire.connect(port) as caller:
        caller.sendall(b"early")
        main = server.main
        assert accept(main, listener) is Errno.SUCCESS
        fd = main.word(RO_FD)
        main.memory[64:72] = (128).to_bytes(4, "little") + (16).to_bytes(4, "little")
        main.must(sock_io.sock_recv, fd, 64, 1, int(RiFlags.RECV_DONT_WAIT), 80, 84)
        assert main.memory[128 : 128 + main.word(80)] == b"early"


# -- nobody is lost ----------------------------------------------------------

BEHIND = [MEMORY_SIZE, MEMORY_SIZE - 3, 0xFFFFFFFF, 0xFFFFFFFC, 0x80000000]


@pytest.mark.parametrize("where", BEHIND)
def test_fault_of_ro_fd_leaves_the_caller(server: GuestProcess, wire: Wire, accept: Accept, where: int) -> None:
    check_refused(server, wire, accept, Errno.FAULT, ro_fd=where)


@pytest.mark.parametrize("where", [*BEHIND, MEMORY_SIZE - 19])
@pytest.mark.parametrize("name", ["sock_accept_v2", "four-parameters"])
def test_fault_of_ro_addr_leaves_the_caller(server: GuestProcess, wire: Wire, name: str, where: int) -> None:
    check_refused(server, wire, Accept(name), Errno.FAULT, ro_addr=where)


@pytest.mark.parametrize("generation", list(GENERATIONS))
def test_an_address_may_end_where_memory_ends(generation: str, wire: Wire) -> None:
    abi = GENERATIONS[generation]
    size = 28 if ":" in wire.host and abi.wide_addresses else 20
    with GuestProcess(wire.net, generation=abi) as server:
        listener, port = server.listen(wire)
        with wire.connect(port):
            call = sock.sock_accept_v2
            assert server.main.call(call, listener, 0, RO_FD, MEMORY_SIZE - size + 1) is Errno.FAULT
            assert server.main.call(call, listener, 0, RO_FD, MEMORY_SIZE - size) is Errno.SUCCESS


@pytest.mark.parametrize("flags", [1, 2, 8, 16, NONBLOCK | 1, 0x20, 0x10000, 0xFFFFFFFF])
def test_flags_other_than_nonblock_leave_the_caller(
    server: GuestProcess, wire: Wire, accept: Accept, flags: int
) -> None:
    check_refused(server, wire, accept, Errno.INVAL, flags=flags)


def check_refused(server: GuestProcess, wire: Wire, accept: Accept, errno: Errno, **wrong: int) -> None:
    """A call with wrong arguments fails, writes nothing, uses no descriptor, and the caller stays."""
    listener, port = server.listen(wire)
    main, opened = server.main, len(server.process.fds)
    with wire.connect(port) as caller:
        main.refill()
        assert accept(main, listener, **wrong) is errno
        assert main.strays() == []
        assert len(server.process.fds) == opened
        fd, peer = main.accept(listener)
        assert fd == opened
        assert same_peer(peer, caller)


def test_mfile_of_the_guest_leaves_the_caller(wire: Wire, accept: Accept) -> None:
    with GuestProcess(wire.net, max_fds=2) as server:
        listener, port = server.listen(wire)
        main = server.main
        with wire.connect(port) as caller:
            main.must(fd_calls.fd_dup, listener, RO_FD)
            spare = main.word(RO_FD)
            main.refill()
            for _ in range(3):
                assert accept(main, listener) is Errno.MFILE
                assert main.strays() == []
            main.close(spare)
            fd, peer = main.accept(listener)
            assert fd == spare
            assert same_peer(peer, caller)


@contextmanager
def no_host_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_mfile_of_the_host_leaves_the_caller(accept: Accept, host: str) -> None:
    with GuestProcess() as server:
        listener, port = server.main.listen(host)
        with socket.create_connection((host, port)) as caller:
            server.main.refill()
            with no_host_descriptors():
                assert accept(server.main, listener) is Errno.MFILE
            assert server.main.strays() == []
            fd, peer = server.main.accept(listener)
            assert fd == 1
            assert same_peer(peer, caller)


def test_results_that_overlap_stay_inside_of_themselves(server: GuestProcess, wire: Wire) -> None:
    listener, port = server.listen(wire)
    with wire.connect(port):
        server.main.refill()
        assert server.main.call(sock.sock_accept_v2, listener, 0, RO_ADDR + 2, RO_ADDR) is Errno.SUCCESS
        assert server.main.strays((RO_ADDR, 28)) == []
    assert server.main.memory[RO_ADDR + 28] == GUARD
