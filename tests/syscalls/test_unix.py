"""Unix sockets: opening them, names of the program's own, options, and Python's way in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pywasix.abi.enums import SdFlags, SockOption, SockProto, SockType
from pywasix.abi.errno import Errno
from pywasix.net.address import INET4, UNIX
from pywasix.net.policy import NetworkPolicy, Request
from pywasix.syscalls.sock import (
    sock_accept_v2,
    sock_addr_local,
    sock_addr_peer,
    sock_bind,
    sock_connect,
    sock_open,
)
from pywasix.syscalls.sock_opt import (
    sock_get_opt_flag,
    sock_get_opt_size,
    sock_set_opt_flag,
    sock_set_opt_size,
)
from support import open_files
from syscalls.unix import (
    DATAGRAM,
    FIRST,
    PLACE,
    STREAM,
    accept,
    bound,
    calling,
    listening,
    pair,
    put_path,
    send_to,
    told,
)
from syscalls.vectors import recv, send
from world import WASIX_2022, VirtualWorld, World

BOTH = SdFlags.RD | SdFlags.WR
LONGEST = b"/" + b"x" * 106


@pytest.fixture
def wide() -> Iterator[World]:
    """A process with room for many descriptors."""
    with World(max_fds=512) as found:
        yield found


# -- opening --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [STREAM, DATAGRAM])
@pytest.mark.parametrize("protocol", [SockProto.IP, None])
def test_open(either: World, kind: SockType, protocol: SockProto | None) -> None:
    """Libc asks for TCP and UDP whatever the family is."""
    usual = SockProto.TCP if kind is STREAM else SockProto.UDP
    either.call(sock_open, UNIX, kind, usual if protocol is None else protocol, FIRST)
    file = either.socket_file(either.u32(FIRST))
    assert (file.family, file.kind, file.protocol) == (UNIX, kind, SockProto.IP)
    assert told(either, sock_addr_local, either.u32(FIRST)) == b""


def test_addresses_of_20_bytes_have_no_room_for_paths() -> None:
    with World(generation=WASIX_2022) as world:
        world.fails(Errno.AFNOSUPPORT, sock_open, UNIX, 1, 0, FIRST)


def test_no_network_is_needed(forbidden: World) -> None:
    listener = listening(forbidden, b"/run/server")
    caller = calling(forbidden, b"/run/server")
    accepted, _ = accept(forbidden, listener)
    send(forbidden, caller, b"inside")
    assert recv(forbidden, accepted, 16) == b"inside"
    assert send_to(forbidden, bound(forbidden, b"/a", DATAGRAM), b"/a", b"x") == 1
    pair(forbidden)
    assert forbidden.reports == []


def test_a_policy_callable_sees_unix_sockets() -> None:
    seen: list[Request] = []

    def judge(request: Request) -> bool:
        seen.append(request)
        return request.action != "accept"

    with World(policy=NetworkPolicy(judge)) as world:
        listener = listening(world, b"/server")
        calling(world, b"/server")
        world.nonblocking(listener)
        world.fails(Errno.AGAIN, sock_accept_v2, listener, 0, FIRST, PLACE)
    assert [(each.action, each.protocol, each.family, each.local, each.remote) for each in seen] == [
        ("bind", "unix", 0, ("/server", 0), None),
        ("connect", "unix", 0, ("", 0), ("/server", 0)),
        ("accept", "unix", 0, ("/server", 0), ("", 0)),
    ]


# -- names ----------------------------------------------------------------------


def test_both_ends_know_each_other(either: World) -> None:
    listener = listening(either, b"/server")
    caller = bound(either, b"/caller")
    either.call(sock_connect, caller, put_path(either, b"/server"))
    accepted, peer = accept(either, listener)
    assert peer == b"/caller"
    assert told(either, sock_addr_local, caller) == told(either, sock_addr_peer, accepted) == b"/caller"
    assert told(either, sock_addr_peer, caller) == told(either, sock_addr_local, accepted) == b"/server"


def test_a_caller_without_a_name(either: World) -> None:
    listener = listening(either, b"/server")
    caller = calling(either, b"/server")
    accepted, peer = accept(either, listener)
    assert peer == told(either, sock_addr_peer, accepted) == told(either, sock_addr_local, caller) == b""
    either.call(sock_bind, caller, put_path(either, b"/late"))  # Linux allows it
    assert told(either, sock_addr_peer, accepted) == b"/late"


def test_the_names_of_a_connection_outlive_their_sockets(either: World) -> None:
    listener = listening(either, b"/server")
    caller = calling(either, b"/server")
    accepted, _ = accept(either, listener)
    either.fds.close(listener)
    assert told(either, sock_addr_peer, caller) == told(either, sock_addr_local, accepted) == b"/server"


@pytest.mark.parametrize(
    ("spelled", "also"),
    [(b"run/x", b"/run/x"), (b"/run/../x", b"x"), (b"//x", b"/x"), (b"/./a//b", b"/a/b"), (LONGEST, LONGEST[1:])],
)
def test_a_path_is_resolved_by_its_text(either: World, spelled: bytes, also: bytes) -> None:
    listener = listening(either, spelled)
    assert told(either, sock_addr_local, listener) == spelled
    assert told(either, sock_addr_peer, calling(either, also)) == spelled


def test_a_path_of_108_bytes_is_too_long(either: World) -> None:
    either.put(PLACE, b"\3\0" + b"x" * 108)
    for handler in (sock_bind, sock_connect):
        either.fails(Errno.INVAL, handler, either.socket(UNIX), PLACE)


def test_the_root_is_no_socket(either: World) -> None:
    either.fails(Errno.ADDRINUSE, sock_bind, either.socket(UNIX), put_path(either, b"/"))
    either.fails(Errno.CONNREFUSED, sock_connect, either.socket(UNIX), put_path(either, b"/"))


def test_no_path(either: World) -> None:
    """The record has no length: neither an abstract name nor Linux's autobind can be asked for."""
    for path in (b"", b"\0abstract"):
        either.put(PLACE, b"\3\0" + path.ljust(108, b"\0"))
        either.fails(Errno.INVAL, sock_bind, either.socket(UNIX), PLACE)
        either.fails(Errno.CONNREFUSED, sock_connect, either.socket(UNIX), PLACE)


def test_a_name_belongs_to_one_program(either: World) -> None:
    listening(either, b"/server")
    with World() as other:
        other.fails(Errno.NOENT, sock_connect, other.socket(UNIX), put_path(other, b"/server"))
        listening(other, b"/server")


def test_a_stale_name_is_refused_and_may_be_given_again(either: World) -> None:
    either.fds.close(listening(either, b"/server"))
    either.fails(Errno.CONNREFUSED, sock_connect, either.socket(UNIX), put_path(either, b"/server"))
    listening(either, b"/server")
    calling(either, b"/server")


def test_names_cost_nothing_once_closed(wide: World) -> None:
    before = open_files()
    for number in range(1000):
        wide.fds.close(bound(wide, b"/%d" % number))
    assert open_files() == before


def test_sock_bind_nobufs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name takes a descriptor of the host's; what is closed gives its own back."""
    monkeypatch.setattr("pywasix.host.unix_names.guest_file_limit", lambda: 4)
    first, _ = bound(world, b"/a"), bound(world, b"/b")
    third = world.socket(UNIX)
    world.fails(Errno.NOBUFS, sock_bind, third, put_path(world, b"/c"))
    world.fds.close(first)
    world.call(sock_bind, third, put_path(world, b"/c"))


def test_sock_bind_addrinuse_while_alive(either: World) -> None:
    bound(either, b"/taken")
    either.fails(Errno.ADDRINUSE, sock_bind, either.socket(UNIX), put_path(either, b"/taken"))
    either.fails(Errno.ADDRINUSE, sock_bind, either.socket(UNIX, DATAGRAM), put_path(either, b"/taken"))


def test_a_second_name_is_refused(either: World) -> None:
    listener = listening(either, b"/one")
    caller = bound(either, b"/two")
    either.call(sock_connect, caller, put_path(either, b"/one"))
    accepted, _ = accept(either, listener)
    for fd in (listener, caller, accepted, bound(either, b"/d", DATAGRAM)):
        either.fails(Errno.INVAL, sock_bind, fd, put_path(either, b"/other"))
    either.fails(Errno.NOENT, sock_connect, either.socket(UNIX), put_path(either, b"/other"))


@pytest.mark.parametrize("kind", [STREAM, DATAGRAM])
def test_an_address_of_another_family(either: World, kind: SockType) -> None:
    either.address(PLACE, "127.0.0.1", 80)
    for handler in (sock_bind, sock_connect):
        either.fails(Errno.INVAL, handler, either.socket(UNIX, kind), PLACE)
    put_path(either, b"/x")
    for handler in (sock_bind, sock_connect):
        either.fails(Errno.AFNOSUPPORT, handler, either.socket(INET4, kind), PLACE)


# -- options --------------------------------------------------------------------


@pytest.mark.parametrize("option", [SockOption.NO_DELAY, SockOption.ONLY_V6, SockOption.MULTICAST_LOOP_V4])
def test_options_of_ip_are_not_for_unix_sockets(either: World, option: SockOption) -> None:
    fd = either.socket(UNIX)
    either.fails(Errno.NOTSUP, sock_set_opt_flag, fd, option, 1)
    either.fails(Errno.NOTSUP, sock_get_opt_flag, fd, option, FIRST)
    either.fails(Errno.NOTSUP, sock_get_opt_size, fd, SockOption.TTL, FIRST)


@pytest.mark.parametrize("option", [SockOption.REUSE_ADDR, SockOption.KEEP_ALIVE, SockOption.BROADCAST])
def test_options_of_all_sockets(either: World, option: SockOption) -> None:
    fd = either.socket(UNIX)
    either.call(sock_set_opt_flag, fd, option, 1)
    either.call(sock_get_opt_flag, fd, option, FIRST)
    assert either.number(FIRST, 1) == 1


def test_sizes_and_what_a_socket_is(either: World) -> None:
    fd = either.socket(UNIX)
    either.call(sock_set_opt_size, fd, SockOption.SEND_BUF_SIZE, 8192)
    expected = {SockOption.SEND_BUF_SIZE: 16384, SockOption.TYPE: STREAM, SockOption.PROTO: 0}
    for option, value in expected.items():
        either.call(sock_get_opt_size, fd, option, FIRST)
        assert either.number(FIRST, 8) == value


# -- Python on a virtual network ------------------------------------------------


def test_python_calls_a_guest(virtual: VirtualWorld) -> None:
    listener = listening(virtual, b"/run/server")
    with virtual.place.connect_unix("run/server", timeout=10) as caller:
        accepted, peer = accept(virtual, listener)
        assert peer == b""
        caller.sendall(b"hello")
        assert recv(virtual, accepted, 8) == b"hello"
        assert caller.gettimeout() == 10


def test_a_guest_calls_python(virtual: VirtualWorld) -> None:
    with virtual.place.listen_unix("/run/python") as listener:
        assert listener.getsockname() == "/run/python"
        caller = bound(virtual, b"/caller")
        virtual.call(sock_connect, caller, put_path(virtual, b"/run/python"))
        accepted, peer = listener.accept()
        with accepted:
            assert peer == "/caller"
            accepted.sendall(b"hello")
            assert recv(virtual, caller, 8) == b"hello"
        with pytest.raises(OSError, match="in use"):
            virtual.place.listen_unix("/run/python")
    virtual.fails(Errno.CONNREFUSED, sock_connect, virtual.socket(UNIX), put_path(virtual, b"/run/python"))
    with pytest.raises(OSError, match="Bad file"):
        listener.getsockname()
