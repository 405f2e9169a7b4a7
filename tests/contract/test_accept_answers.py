"""What accept answers, in its three forms: each errno, the flags, timeouts, options, and refused callers."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from contract.accept_forms import Accept, address_of, install, listening, same_peer, stub_network
from contract.guest_process import RO_FD, GuestProcess, all_closed
from pywasix.abi.enums import FdFlags, Rights, SdFlags, SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.file import File
from pywasix.net.address import Address, parse
from pywasix.net.sockets import SOCKET_RIGHTS
from pywasix.net.states import State
from pywasix.runtime.listeners import open_listeners
from pywasix.syscalls import fd as fd_calls
from pywasix.syscalls import sock, sock_io, sock_opt
from support import Wire

NONBLOCK = int(FdFlags.NONBLOCK)


# -- what accept answers -----------------------------------------------------


def test_badf(server: GuestProcess, accept: Accept) -> None:
    for fd in (0, 3, 999, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        assert accept(server.main, fd) is Errno.BADF


def test_notsock(server: GuestProcess, accept: Accept) -> None:
    fd = server.process.fds.add(Descriptor(File(), SOCKET_RIGHTS))
    assert accept(server.main, fd) is Errno.NOTSOCK


def test_inval_when_not_listening(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    main, address = server.main, parse(wire.host, 0)
    fd = main.open(address.family)
    assert accept(main, fd) is Errno.INVAL
    main.must(sock.sock_bind, fd, main.give(address))
    assert accept(main, fd) is Errno.INVAL
    listener, port = server.listen(wire)
    with wire.connect(port):
        accepted, _ = main.accept(listener)
        assert accept(main, accepted) is Errno.INVAL
    main.must(sock.sock_shutdown, listener, int(SdFlags.RD | SdFlags.WR))
    assert accept(main, listener) is Errno.INVAL


def test_notsup_of_a_datagram_socket(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    main, address = server.main, parse(wire.host, 0)
    fd = main.open(address.family, SockType.SOCKET_DGRAM)
    assert accept(main, fd) is Errno.NOTSUP
    main.must(sock.sock_bind, fd, main.give(address))
    assert accept(main, fd) is Errno.NOTSUP


def test_notcapable_without_the_right(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    listener, port = server.listen(wire)
    main, fewer = server.main, SOCKET_RIGHTS & ~int(Rights.SOCK_ACCEPT)
    main.must(fd_calls.fd_dup, listener, RO_FD)
    copy = main.word(RO_FD)
    main.must(fd_calls.fd_fdstat_set_rights, copy, fewer, fewer)
    with wire.connect(port) as caller:
        assert accept(main, copy) is Errno.NOTCAPABLE
        _, peer = main.accept(listener)  # the right belongs to the descriptor, not to the socket
        assert same_peer(peer, caller)


def test_a_connection_gets_the_rights_that_the_listener_hands_down(
    server: GuestProcess, wire: Wire, accept: Accept
) -> None:
    listener, port = server.listen(wire)
    main, handed = server.main, int(Rights.FD_READ | Rights.SOCK_ADDR_REMOTE)
    main.must(fd_calls.fd_fdstat_set_rights, listener, SOCKET_RIGHTS, handed)
    with wire.connect(port):
        assert accept(main, listener) is Errno.SUCCESS
        fd = main.word(RO_FD)
        entry = server.process.fds.get(fd)
        assert (entry.rights, entry.inheriting) == (handed, handed)
        assert main.call(sock_io.sock_send, fd, 64, 0, 0, 80) is Errno.NOTCAPABLE


def test_again_of_a_nonblocking_listener(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    listener, port = server.listen(wire)
    main = server.main
    main.must(fd_calls.fd_fdstat_set_flags, listener, NONBLOCK)
    for flags in (0, NONBLOCK):
        assert accept(main, listener, flags) is Errno.AGAIN
    with wire.connect(port):
        assert accept(main, listener) is Errno.SUCCESS
        assert not server.main.socket(main.word(RO_FD)).nonblocking


TIMEOUTS = {
    "accept timeout": ({SockOption.ACCEPT_TIMEOUT: 5}, Errno.TIMEDOUT),
    "receive timeout": ({SockOption.RECV_TIMEOUT: 5}, Errno.AGAIN),
    "the shorter one, accept": ({SockOption.ACCEPT_TIMEOUT: 5, SockOption.RECV_TIMEOUT: 60_000}, Errno.TIMEDOUT),
    "the shorter one, receive": ({SockOption.ACCEPT_TIMEOUT: 60_000, SockOption.RECV_TIMEOUT: 5}, Errno.AGAIN),
    "longer than the patience": ({SockOption.ACCEPT_TIMEOUT: 45}, Errno.TIMEDOUT),
}


@pytest.mark.parametrize("name", list(TIMEOUTS))
def test_timeouts(server: GuestProcess, wire: Wire, accept: Accept, name: str) -> None:
    times, late = TIMEOUTS[name]
    listener, port = server.listen(wire)
    main = server.main
    for option, milliseconds in times.items():
        main.memory[64:80] = bytes((1, *bytes(7))) + (milliseconds * 1_000_000).to_bytes(8, "little")
        main.must(sock_opt.sock_set_opt_time, listener, int(option), 64)
    assert accept(main, listener) is late
    with wire.connect(port):
        assert accept(main, listener, NONBLOCK) is Errno.SUCCESS
    assert accept(main, listener, NONBLOCK) is late  # the flag is the new descriptor's alone


def test_new_descriptors_flags_are_accepts_alone(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    listener, port = server.listen(wire)
    main = server.main
    for listeners in (0, NONBLOCK):
        main.must(fd_calls.fd_fdstat_set_flags, listener, listeners)
        for flags in (0, NONBLOCK):
            with wire.connect(port):
                assert accept(main, listener, flags) is Errno.SUCCESS
                fd = main.word(RO_FD)
                assert main.socket(fd).flags == flags
                assert main.socket(listener).flags == listeners
                if flags:  # and the channel below agrees
                    main.memory[64:72] = (128).to_bytes(4, "little") + (1).to_bytes(4, "little")
                    assert main.call(sock_io.sock_recv, fd, 64, 1, 0, 80, 84) is Errno.AGAIN
                main.close(fd)


def test_options_of_the_listener_are_handed_down(server: GuestProcess, wire: Wire, accept: Accept) -> None:
    listener, port = server.listen(wire)
    main = server.main
    for flag in (SockOption.NO_DELAY, SockOption.KEEP_ALIVE):
        main.must(sock_opt.sock_set_opt_flag, listener, int(flag), 1)
    for size in (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE):
        main.must(sock_opt.sock_set_opt_size, listener, int(size), 20_000)
    with wire.connect(port):
        assert accept(main, listener) is Errno.SUCCESS
        fd = main.word(RO_FD)
        for flag in (SockOption.NO_DELAY, SockOption.KEEP_ALIVE):
            main.must(sock_opt.sock_get_opt_flag, fd, int(flag), 64)
            assert main.memory[64] == 1
        for size in (SockOption.RECV_BUF_SIZE, SockOption.SEND_BUF_SIZE):
            main.must(sock_opt.sock_get_opt_size, fd, int(size), 64)
            assert main.word(64) == 40_000  # Linux keeps twice as much (socket(7))


def test_backlog_counts(server: GuestProcess, wire: Wire) -> None:
    """A queue of length N takes N + 1 (Linux); the next caller gets in when one is accepted."""
    listener, port = server.listen(wire, backlog=3)
    main, address = server.main, parse(wire.host, port)
    fds = [main.open(address.family) for _ in range(5)]
    for fd in fds:
        main.must(fd_calls.fd_fdstat_set_flags, fd, NONBLOCK)
        assert main.call(sock.sock_connect, fd, main.give(address)) in (Errno.INPROGRESS, Errno.SUCCESS)
    states = [main.socket(fd).current_state() for fd in fds]
    assert states == [State.CONNECTED] * 4 + [State.CONNECTING]
    _, peer = main.accept(listener)
    assert peer.port == main.local_port(fds[0])


# -- refused callers ---------------------------------------------------------


def test_a_refused_caller_is_closed_and_the_next_one_served(wire: Wire, accept: Accept) -> None:
    banned: set[int] = set()
    judged: list[Any] = []

    def judge(request: Any) -> bool:
        judged.append(request)
        return request.action != "accept" or request.remote[1] not in banned

    with GuestProcess(wire.net, judge=judge) as server:
        listener, port = server.listen(wire)
        with wire.connect(port) as first, wire.connect(port) as second, wire.connect(port) as third:
            banned |= {address_of(first)[1], address_of(second)[1]}
            opened = len(server.process.fds)
            assert accept(server.main, listener) is Errno.SUCCESS
            assert len(server.process.fds) == opened + 1
            peer = server.main.socket(server.main.word(RO_FD)).peer()
            assert same_peer(peer, third)
            for refused in (first, second):
                assert ended(refused)
        request = judged[-1]
        assert (request.action, request.protocol, request.local[1]) == ("accept", "tcp", port)
        assert len(server.reports) == 1
        assert "refused accept" in server.reports[0]


def test_refused_callers_alone_are_nobody(wire: Wire, accept: Accept) -> None:
    with GuestProcess(wire.net, judge=lambda request: request.action != "accept") as server:
        listener, port = server.listen(wire)
        server.main.must(fd_calls.fd_fdstat_set_flags, listener, NONBLOCK)
        with wire.connect(port) as caller:
            server.main.refill()
            assert accept(server.main, listener) is Errno.AGAIN
            assert server.main.strays() == []
            assert ended(caller)


def ended(caller: socket.socket) -> bool:
    """Whether the other side has closed the connection."""
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


# -- what the network below may answer ---------------------------------------


@pytest.mark.parametrize("errno", [Errno.CONNABORTED, Errno.MFILE, Errno.NFILE, Errno.NOBUFS, Errno.NOMEM])
def test_an_error_of_the_network_keeps_no_descriptor(accept: Accept, errno: Errno) -> None:
    peer = Address(1, bytes((10, 0, 0, 9)), 1234)
    with GuestProcess(network=stub_network([SysError(errno), SysError(errno), peer])) as server:
        listener = install(server, listening(server.network))
        server.main.refill()
        for _ in range(2):
            assert accept(server.main, listener) is errno
        assert server.main.strays() == []
        assert accept(server.main, listener) is Errno.SUCCESS
        assert server.main.word(RO_FD) == listener + 1


def test_a_listener_of_the_embedder_is_served(accept: Accept) -> None:
    """What `listen=` hands over: an adopted socket."""
    with socket.create_server(("127.0.0.1", 0)) as ours, GuestProcess() as server:
        (listener,) = open_listeners(server.network, [ours], ruled=False)
        fd = install(server, listener)
        with all_closed(socket.create_connection(ours.getsockname())):
            assert accept(server.main, fd) is Errno.SUCCESS
