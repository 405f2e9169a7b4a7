"""What calls answer under the conditions of a link: the errnos of Linux, and the same trace for the same seed.

More than 400 lines: one table of answers, and the conditions that it names.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest

import pywasix
from net.virtual_guest import Guest, guests, pending_error, ready, receive, refusal, send
from pywasix import VirtualNetwork
from pywasix.abi.enums import RiFlags, SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.poller import HostPoller
from pywasix.kernel.wait import READABLE, WRITABLE
from pywasix.net.address import parse
from pywasix.net.sockets import Socket
from pywasix.net.virtual_links import Link
from support import PATIENCE, guest, wait_for_line

NONBLOCK = 4
DONT_WAIT = int(RiFlags.RECV_DONT_WAIT)
WRITE = int(SdFlags.WR)
SOON = 0.02  # seconds

# -- condition, call: errno -------------------------------------------------------------------


class Scene:
    """A caller over a link, whose calls are looked at, and what the server accepted."""

    def __init__(self, link: Link, client: Guest, caller: Socket, server: Guest, served: Socket) -> None:
        self.link = link
        self.client, self.caller = client, caller
        self.server, self.served = server, served

    def until(self, events: int) -> None:
        """Wait for what poll tells the caller."""
        assert self.client.task.poller.wait([(self.caller.handle, events)], int(PATIENCE * 1e9))[0]


def reset(scene: Scene) -> None:
    scene.link.reset()


def reset_after_bytes(scene: Scene) -> None:
    scene.link.reset_after = 3
    send(scene.client, scene.caller, b"abcd")
    assert receive(scene.server, scene.served, 3) == b"abc"
    scene.until(READABLE)


def reset_after_the_end(scene: Scene) -> None:
    scene.served.shutdown(WRITE)
    scene.until(READABLE)
    scene.link.reset()


def closed_peer(scene: Scene) -> None:
    """The peer closed; a first send goes out to it, and is answered with a reset."""
    scene.server.drop(scene.served)
    scene.until(READABLE)
    assert send(scene.client, scene.caller, b"to nobody") == 9
    side = scene.caller.channel.side  # type: ignore[attr-defined]  # of a VirtualChannel
    deadline = monotonic() + PATIENCE
    while not side.broken:
        assert monotonic() < deadline


def long_partition(scene: Scene) -> None:
    scene.link.data_timeout = 0.0
    scene.link.partition()
    send(scene.client, scene.caller, b"lost")
    scene.until(READABLE)


def short_partition(scene: Scene) -> None:
    scene.link.partition()


def recv(scene: Scene) -> Errno | int:
    return result(lambda: len(receive(scene.client, scene.caller, flags=DONT_WAIT)))


def recv_with_timeout(scene: Scene) -> Errno | int:
    scene.caller.receive_timeout = 1_000_000
    return result(lambda: len(receive(scene.client, scene.caller)))


def put(scene: Scene) -> Errno | int:
    return result(lambda: send(scene.client, scene.caller, b"x"))


def last_error(scene: Scene) -> Errno:
    return pending_error(scene.caller)


def shut(scene: Scene) -> Errno | int:
    return result(lambda: scene.caller.shutdown(WRITE))


def peer(scene: Scene) -> Errno | int:
    return result(lambda: scene.caller.peer().port - 80)


def connect(scene: Scene) -> Errno | int:
    return result(lambda: scene.caller.connect(scene.client.task, parse(scene.server.ip4, 80)))


def result(call: Callable[[], int | None]) -> Errno | int:
    """What a call returns, or why it fails."""
    try:
        return call() or 0
    except SysError as error:
        return error.errno


Call = Callable[[Scene], "Errno | int"]
Row = tuple[Callable[[Scene], None], tuple[Call, ...], tuple["Errno | int", ...]]
# Each row: the condition, calls in their order, what they answer. Names of functions are those of Linux.
TABLE: list[Row] = [
    # tcp_reset: sk_err = ECONNRESET, told once by whoever comes first (sock_error); tcp_done: no more to read or
    # send, so that recv finds the end and sk_stream_error says EPIPE.
    (reset, (recv, recv, put, put), (Errno.CONNRESET, 0, Errno.PIPE, Errno.PIPE)),
    (reset, (put, put, recv), (Errno.CONNRESET, Errno.PIPE, 0)),
    (reset, (last_error, last_error, recv, put), (Errno.CONNRESET, Errno.SUCCESS, 0, Errno.PIPE)),
    # inet_shutdown and inet_getname in TCP_CLOSE; __inet_stream_connect still finds SS_CONNECTED.
    (reset, (shut, peer, connect), (Errno.NOTCONN, Errno.NOTCONN, Errno.ISCONN)),
    # A receive with a timeout does not wait for what can never come.
    (reset, (recv_with_timeout, recv_with_timeout), (Errno.CONNRESET, 0)),
    (reset_after_bytes, (recv, recv, put), (Errno.CONNRESET, 0, Errno.PIPE)),
    (reset_after_bytes, (put, put, recv), (Errno.CONNRESET, Errno.PIPE, 0)),
    (reset_after_bytes, (last_error, shut), (Errno.CONNRESET, Errno.NOTCONN)),
    # tcp_reset in TCP_CLOSE_WAIT: sk_err = EPIPE; tcp_recvmsg_locked looks at SOCK_DONE before sk_err.
    (reset_after_the_end, (recv, put, recv), (0, Errno.PIPE, 0)),
    (reset_after_the_end, (last_error, last_error, put), (Errno.PIPE, Errno.SUCCESS, Errno.PIPE)),
    (closed_peer, (recv, put, put, recv), (0, Errno.PIPE, Errno.PIPE, 0)),
    (closed_peer, (last_error, peer), (Errno.PIPE, Errno.NOTCONN)),
    # tcp_write_err: sk_err = ETIMEDOUT when tcp_retries2 are used up.
    (long_partition, (recv, recv, put), (Errno.TIMEDOUT, 0, Errno.PIPE)),
    (long_partition, (put, put), (Errno.TIMEDOUT, Errno.PIPE)),
    (long_partition, (last_error, recv, peer), (Errno.TIMEDOUT, 0, Errno.NOTCONN)),
    # Until then nothing shows but that nothing comes: sending fills the send buffer.
    (short_partition, (recv, recv_with_timeout, put), (Errno.AGAIN, Errno.AGAIN, 1)),
    (short_partition, (last_error, peer, shut, put), (Errno.SUCCESS, 0, 0, Errno.PIPE)),
]


def name_of(value: Any) -> str:
    """The condition, or the calls, of a row."""
    if isinstance(value, tuple):
        return "-".join(str(getattr(each, "__name__", each)) for each in value)
    return str(value.__name__)


@pytest.mark.parametrize(("condition", "calls", "answers"), TABLE, ids=name_of)
def test_a_connection_answers_as_on_linux(
    condition: Callable[[Scene], None], calls: tuple[Call, ...], answers: tuple[Errno | int, ...]
) -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place)
        listener = server.listening("0.0.0.0", 80)
        caller = client.connected(server.ip4, 80)
        scene = Scene(link, client, caller, server, server.accept(listener)[0])
        condition(scene)
        assert tuple(call(scene) for call in calls) == answers


@pytest.mark.parametrize(
    ("calls", "answers"),
    [
        (("recv", "recv", "send", "send"), (errno.ECONNRESET, 0, errno.EPIPE, errno.EPIPE)),
        (("send", "send", "recv"), (errno.ECONNRESET, errno.EPIPE, 0)),
        (("error", "error", "recv", "send"), (errno.ECONNRESET, 0, 0, errno.EPIPE)),
        (("shutdown", "peer", "connect"), (errno.ENOTCONN, errno.ENOTCONN, errno.EISCONN)),
        (("fin", "recv", "send", "recv"), (0, 0, errno.EPIPE, 0)),
        (("fin", "error", "error", "send"), (0, errno.EPIPE, 0, errno.EPIPE)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_the_rows_on_resets_are_what_this_machine_answers(calls: tuple[str, ...], answers: tuple[int, ...]) -> None:
    """The operating system's TCP, reset by a peer that lingers for no time."""
    listener = socket.create_server(("127.0.0.1", 0))
    caller = socket.create_connection(listener.getsockname())
    served, _ = listener.accept()
    served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4))
    does: dict[str, Callable[[], object]] = {
        "recv": lambda: len(caller.recv(1)),
        "send": lambda: caller.send(b"x"),
        "error": lambda: caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
        "shutdown": lambda: caller.shutdown(socket.SHUT_WR),
        "peer": caller.getpeername,
        "connect": lambda: caller.connect(listener.getsockname()),
        "fin": lambda: 0,
    }
    with listener, caller:
        if calls[0] == "fin":
            served.shutdown(socket.SHUT_WR)
            assert caller.recv(1) == b""
        served.close()
        assert tuple(number_of(does[call]) for call in calls) == answers


def number_of(call: Callable[[], object]) -> object:
    try:
        return call()
    except OSError as error:
        return error.errno


def test_connect_under_a_partition() -> None:
    """connect(2), tcp(7): INPROGRESS, ALREADY, and after tcp_syn_retries ETIMEDOUT; then a fresh start."""
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        link = net.link(server.place)
        link.partition()
        server.listening("0.0.0.0", 80)
        address = parse(server.ip4, 80)
        caller = client.socket()
        caller.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            caller.connect(client.task, address)
        with refusal(Errno.ALREADY):
            caller.connect(client.task, address)
        with refusal(Errno.NOTCONN):
            caller.peer()
        assert pending_error(caller) is Errno.SUCCESS
        with refusal(Errno.AGAIN):
            send(client, caller, b"x")
        assert not ready(client, caller, READABLE | WRITABLE)
        timed = client.socket()
        timed.send_timeout = 1_000_000
        with refusal(Errno.INPROGRESS):
            timed.connect(client.task, address)
        link.connect_timeout = SOON
        late = client.socket()
        late.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            late.connect(client.task, address)
        assert client.task.poller.wait([(late.handle, WRITABLE)], int(PATIENCE * 1e9))[0]
        assert pending_error(late) is Errno.TIMEDOUT
        assert pending_error(late) is Errno.SUCCESS
        link.heal()
        assert client.task.poller.wait([(caller.handle, WRITABLE)], int(PATIENCE * 1e9))[0]
        caller.connect(client.task, address)
        with refusal(Errno.ISCONN):
            caller.connect(client.task, address)


def test_connect_over_a_slow_link_is_refused_as_ever() -> None:
    with VirtualNetwork() as net, guests(2, net) as (server, client):
        net.link(server.place, latency=0.001)
        caller = client.socket()
        caller.set_flags(NONBLOCK)
        with refusal(Errno.INPROGRESS):
            caller.connect(client.task, parse(server.ip4, 80))
        assert client.task.poller.wait([(caller.handle, WRITABLE)], int(PATIENCE * 1e9))[0]
        assert pending_error(caller) is Errno.CONNREFUSED


# -- datagrams --------------------------------------------------------------------------------


def arrivals(seed: int, **settings: Any) -> list[int]:
    """Which of 50 datagrams arrive."""
    with VirtualNetwork() as net, net.attach() as host:
        link = net.link(net, host, seed=seed, **settings)
        with host.datagram(("10.0.0.2", 53)) as server, net.datagram() as client:
            for number in range(50):
                assert client.sendto(bytes([number]), ("10.0.0.2", 53)) == 1, "the sender is not told"
            server.setblocking(False)
            found = []
            with suppress(BlockingIOError):
                while True:
                    found.append(server.recv(9)[0])
            assert link.lost == 50 - len(found)
            assert link.carried == len(found)
            return found


def test_losses_are_drawn_from_the_seed() -> None:
    some = arrivals(1, loss=0.5)
    assert 0 < len(some) < 50
    assert arrivals(1, loss=0.5) == some
    assert arrivals(2, loss=0.5) != some
    assert arrivals(1) == list(range(50))
    assert arrivals(1, loss=1.0) == []
    assert set(arrivals(1, loss=0.25)) >= set(some), "the n-th datagram draws the same number"


def test_datagrams_take_their_time() -> None:
    with VirtualNetwork() as net, net.attach() as host:
        link = net.link(net, host, latency=SOON)
        with host.datagram(("10.0.0.2", 53)) as server, net.datagram() as client:
            server.settimeout(PATIENCE)
            begun = monotonic()
            for number in range(9):
                client.sendto(bytes([number]), ("10.0.0.2", 53))
            assert [server.recv(9)[0] for _ in range(9)] == list(range(9))
            assert monotonic() - begun >= SOON
            link.partition()
            client.sendto(b"lost", ("10.0.0.2", 53))
            assert link.lost == 1
            link.heal()
            client.sendto(b"found", ("10.0.0.2", 53))
            assert server.recv(9) == b"found"


def test_a_full_queue_drops_datagrams() -> None:
    with VirtualNetwork() as net, net.attach() as host:
        link = net.link(net, host, bandwidth=1000)
        with host.datagram(("10.0.0.2", 53)), net.datagram() as client:
            for _ in range(10):
                client.sendto(bytes(50_000), ("10.0.0.2", 53))
            assert 0 < link.lost < 10
            link.bandwidth = None
            link.latency = PATIENCE
            lost = link.lost
            for _ in range(100):
                client.sendto(bytes(60_000), ("10.0.0.2", 53))
            assert lost < link.lost < lost + 100


# -- guests -----------------------------------------------------------------------------------


def stream_trace(seed: int) -> list[str]:
    """A guest that sends 30 bytes and receives until the connection breaks."""
    lines: list[str] = []
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)) as listener:
        place = net.attach()
        net.link(net, place, partial=7, reset_after=40, seed=seed)
        arguments = [guest("tcp_client"), "10.0.0.1", "80", "x" * 30]
        with pywasix.start(arguments, net=place, trace=lines.append, stdout=-1, stderr=-1, text=True) as process:
            served, _ = listener.accept()
            with served, served.makefile("rwb") as file:
                assert file.read() == b"x" * 30
                file.write(b"y" * 90)
            text, complaint = process.communicate(timeout=PATIENCE)
        assert text.endswith("y" * 40)
        assert complaint == "receive: CONNRESET\n"
    return lines


def datagram_trace(seed: int) -> list[str]:
    """A guest that answers the datagrams that reach it."""
    lines: list[str] = []
    with VirtualNetwork() as net, net.datagram(("10.0.0.1", 5300)) as peer_:
        place = net.attach()
        link = net.link(net, place, loss=0.5, seed=seed)
        arguments = [guest("udp_echo"), "53", "10.0.0.2"]
        with pywasix.start(arguments, net=place, trace=lines.append, stdout=-1, text=True) as process:
            wait_for_line(process, "listening on")
            for number in range(20):
                peer_.sendto(bytes(number + 1), ("10.0.0.2", 53))
            peer_.settimeout(PATIENCE)
            count = len(lines)
            link.loss = 0.0
            peer_.sendto(b"last", ("10.0.0.2", 53))
            while peer_.recv(99) != b"last":
                pass
            process.kill()
            process.wait(PATIENCE)
        assert count
    return [line for line in lines if "sock_recv_from" in line and "SUCCESS" in line]


@pytest.mark.parametrize("trace", [stream_trace, datagram_trace])
def test_the_same_seed_gives_the_same_trace(trace: Callable[[int], list[str]]) -> None:
    first = trace(1)
    assert trace(1) == first
    assert trace(2) != first


@pytest.mark.parametrize("blocked", ["connect", "recv"])
def test_a_guest_that_a_link_holds_up_can_be_killed(blocked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = count_waits(monkeypatch)
    with VirtualNetwork() as net, net.listen(("10.0.0.1", 80)) as listener:
        place = net.attach()
        link = net.link(net, place)
        if blocked == "connect":
            link.partition()
        with pywasix.start([guest("tcp_client"), "10.0.0.1", "80"], net=place, stdout=-1) as process:
            if blocked == "recv":
                served, _ = listener.accept()
                assert served.recv(9, socket.MSG_WAITALL) == b"hello"
                link.partition()
            waits()
            begun = monotonic()
            process.kill()
            process.wait(PATIENCE)
            took = monotonic() - begun
            if blocked == "recv":
                served.close()
        assert took < 0.1


def count_waits(patch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Returns what waits until the guest waits for ever."""
    from threading import Event

    entered = Event()
    original = HostPoller.wait

    def wait(poller: HostPoller, interests: Any, timeout_ns: int | None) -> list[int]:
        if timeout_ns is None:
            entered.set()
        return original(poller, interests, timeout_ns)

    patch.setattr(HostPoller, "wait", wait)

    def until_entered() -> None:
        assert entered.wait(PATIENCE)

    return until_entered
