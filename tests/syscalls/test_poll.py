"""poll_oneoff: clocks and descriptors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from pywasix.abi.codecs import SUBSCRIPTION_SIZE, decode_subscriptions
from pywasix.abi.enums import ClockId, EventRwFlags, EventType, Rights
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.host.files import channel_of
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls import poll as poll_module
from pywasix.syscalls.fd import fd_close, fd_dup
from pywasix.syscalls.poll import poll_oneoff, unstable_poll_oneoff
from terminals import screen
from world import MEMORY, UNSTABLE, WASIX_2022, World

NEVENTS, OUT, IN = 0, 64, 4096
READ, WRITE, CLOCK = EventType.FD_READ, EventType.FD_WRITE, EventType.CLOCK
_MS = 1_000_000


class Seen(NamedTuple):
    """One event."""

    userdata: int
    error: int
    kind: int
    size: int
    flags: int


def watch(fd: int, kind: int = READ) -> bytes:
    """A subscription without its userdata."""
    return kind.to_bytes(8, "little") + fd.to_bytes(32, "little")


def timer(timeout: int, clock: int = ClockId.MONOTONIC, *, absolute: int = 0, unstable: bool = False) -> bytes:
    """A clock subscription without its userdata."""
    words = (CLOCK, *((0,) if unstable else ()), clock, timeout, 0, absolute)
    return b"".join(word.to_bytes(8, "little") for word in words)


def poll(world: World, *subscriptions: bytes) -> list[Seen]:
    """Poll, with the index of each subscription as its userdata."""
    size = SUBSCRIPTION_SIZE[world.generation.unstable]
    for index, each in enumerate(subscriptions):
        world.put(IN + index * size, index.to_bytes(8, "little") + each.ljust(size - 8, b"\0"))
    handler = unstable_poll_oneoff if world.generation.unstable else poll_oneoff
    world.put(OUT, bytes(1024))
    world.call(handler, IN, OUT, len(subscriptions), NEVENTS)
    count = world.u32(NEVENTS)
    assert not any(world.memory.read(OUT + 32 * count, 64)), "more than the events was written"
    return [_event(world, OUT + 32 * index) for index in range(count)]


def _event(world: World, at: int) -> Seen:
    assert not any(world.memory.read(at + 11, 5))
    assert not any(world.memory.read(at + 26, 6))
    return Seen(
        world.number(at, 8),
        world.number(at + 8, 2),
        world.number(at + 10, 1),
        world.number(at + 16, 8),
        world.number(at + 24, 2),
    )


def test_a_clock_fires_after_its_time(world: World) -> None:
    began = time.monotonic_ns()
    assert poll(world, timer(3 * _MS)) == [Seen(0, 0, CLOCK, 0, 0)]
    assert time.monotonic_ns() - began >= 3 * _MS


@pytest.mark.parametrize("clock", [ClockId.MONOTONIC, ClockId.REALTIME])
def test_an_absolute_clock(world: World, clock: ClockId) -> None:
    now = time.monotonic_ns if clock is ClockId.MONOTONIC else time.time_ns
    until = now() + 3 * _MS
    assert poll(world, timer(until, clock, absolute=1)) == [Seen(0, 0, CLOCK, 0, 0)]
    assert now() >= until - _MS
    assert len(poll(world, timer(0, clock, absolute=1))) == 1, "a time that is over"


def test_the_first_clock_wins(world: World) -> None:
    assert [each.userdata for each in poll(world, timer(2**63), timer(0), timer(2**64 - 1))] == [1]


def test_what_is_ready_is_told_with_its_size(world: World) -> None:
    fd, writer = world.pipe_reader()
    quiet, _ = world.pipe_reader()
    os.write(writer, b"four")
    null = world.path(os.devnull)
    found = poll(world, watch(fd), watch(quiet), watch(null), watch(null, WRITE), timer(10**12))
    assert found == [Seen(0, 0, READ, 4, 0), Seen(2, 0, READ, 0, 0), Seen(3, 0, WRITE, 0, 0)]


def test_a_finished_peer_is_a_hangup(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.close(writer)
    assert poll(world, watch(fd)) == [Seen(0, 0, READ, 0, EventRwFlags.FD_READWRITE_HANGUP)]


def test_sockets_on_either_network(either: World) -> None:
    listener, address = either.listener()
    caller = either.socket()
    assert poll(either, watch(listener), timer(0)) == [Seen(1, 0, CLOCK, 0, 0)]
    either.socket_file(caller).connect(either.task, address)
    found = poll(either, watch(listener), watch(caller, WRITE), watch(caller))
    assert [(each.userdata, each.error) for each in found] == [(0, 0), (1, 0)]


def test_a_zero_timeout_beside_others_meant_none_in_2022() -> None:
    with World(generation=WASIX_2022) as world:
        fd, writer = world.pipe_reader()
        os.write(writer, b"x")
        assert [each.userdata for each in poll(world, timer(0), watch(fd))] == [1]
        assert [each.userdata for each in poll(world, timer(0))] == [0]


def test_the_unstable_layout() -> None:
    with World(generation=UNSTABLE) as world:
        found = poll(world, watch(world.path(os.devnull)), timer(2**62, unstable=True), timer(0, unstable=True))
        assert [each.userdata for each in found] == [0, 2]


def test_a_late_event_ends_the_wait(world: World) -> None:
    fd, writer = world.pipe_reader()
    world.put(IN, bytes(8) + watch(fd))
    call = world.start(poll_oneoff, IN, OUT, 1, NEVENTS)
    call.await_blocked()
    os.write(writer, b"x")
    assert call.errno() is None
    assert world.u32(NEVENTS) == 1


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_closed_meanwhile_is_told(either: World, kind: str) -> None:
    fd = either.pipe_reader()[0] if kind == "pipe" else either.connected()[0]
    either.put(IN, bytes(8) + watch(fd))
    either.put(IN + 48, bytes(8) + timer(2**62))
    call = either.start(poll_oneoff, IN, OUT, 2, NEVENTS)
    call.await_blocked()
    either.call(fd_close, fd)
    assert call.errno() is None
    assert _event(either, OUT).error == Errno.BADF


def test_the_copy_of_a_descriptor_keeps_a_poll_going(world: World) -> None:
    fd, writer = world.pipe_reader()
    world.call(fd_dup, fd, 0)
    world.put(IN, bytes(8) + watch(fd))
    call = world.start(poll_oneoff, IN, OUT, 1, NEVENTS)
    call.await_blocked()
    world.call(fd_close, fd)
    os.write(writer, b"x")
    assert call.errno() is None
    assert _event(world, OUT) == Seen(0, 0, READ, 1, 0)


def test_what_a_handler_closes_is_told(world: World) -> None:
    """Signal handlers run inside the wait, and make calls of their own there."""
    fd, _ = world.pipe_reader()
    other, _ = world.pipe_reader()
    world.signal()
    null = world.path(os.devnull)

    def handler(name: str, arguments: tuple[int, ...]) -> None:
        assert len(poll(world, watch(null))) == 1
        world.call(fd_close, fd)
        world.put(OUT, bytes(1024))

    world.task.call_guest = handler
    assert poll(world, watch(fd), watch(other)) == [Seen(0, Errno.BADF, READ, 0, 0)]
    assert world.task.waiting_on is None


def test_many_subscriptions_do_not_keep_a_kill_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    with World(max_fds=1 << 20) as world:
        world.task.stop()
        decoded = []

        def decode(raw: bytes, *, unstable: bool) -> Iterator[tuple[int, ...]]:
            for each in decode_subscriptions(raw, unstable=unstable):
                decoded.append(each)
                yield each

        monkeypatch.setattr(poll_module, "decode_subscriptions", decode)
        with pytest.raises(ThreadEnd):
            world.call(poll_oneoff, 0, 0, 1300, NEVENTS)
        assert len(decoded) <= 1000
        world.fails(Errno.INVAL, poll_oneoff, 0, 0, 65537, NEVENTS)
        world.fails(Errno.FAULT, poll_oneoff, 0, 0, 65536, NEVENTS)


def test_signal_handlers_run_and_the_wait_goes_on(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.write(writer, b"x")
    world.signal(2)
    assert len(poll(world, watch(fd))) == 1
    assert world.signals == [("__wasm_signal", (2,))]


def test_poll_oneoff_intr(world: World) -> None:
    with screen() as seen:
        fd = world.add(StreamFile(channel_of(os.dup(seen.theirs), owned=True)))
        os.write(seen.ours, b"x\n")
        assert len(poll(world, watch(fd))) == 1
        world.signal(2)
        world.put(IN, bytes(8) + watch(fd))
        world.fails(Errno.INTR, poll_oneoff, IN, OUT, 1, NEVENTS)


def test_stop_ends_it(world: World) -> None:
    world.task.stop()
    with pytest.raises(ThreadEnd):
        poll(world, timer(2**63))


def test_poll_oneoff_inval(world: World) -> None:
    world.fails(Errno.INVAL, poll_oneoff, IN, OUT, 0, NEVENTS)
    world.fails(Errno.INVAL, poll_oneoff, IN, OUT, 2 * world.fds.limit + 2, NEVENTS)
    found = poll(world, watch(0, 3), timer(1, ClockId.PROCESS_CPUTIME_ID), timer(1, 9), timer(1, absolute=2))
    assert [each.error for each in found] == [Errno.INVAL] * 4


def test_poll_oneoff_badf(world: World) -> None:
    assert poll(world, watch(9), timer(10**12)) == [Seen(0, Errno.BADF, READ, 0, 0)]
    assert poll(world, watch(2**32 - 1, WRITE)) == [Seen(0, Errno.BADF, WRITE, 0, 0)]


def test_poll_oneoff_notcapable(world: World) -> None:
    fd = world.without_right(world.path(os.devnull), Rights.POLL_FD_READWRITE)
    assert poll(world, watch(fd)) == [Seen(0, Errno.NOTCAPABLE, READ, 0, 0)]


def test_poll_oneoff_fault(world: World) -> None:
    world.put(IN, bytes(8) + timer(0))
    world.fails(Errno.FAULT, poll_oneoff, MEMORY - 47, OUT, 1, NEVENTS)
    world.fails(Errno.FAULT, poll_oneoff, IN, MEMORY - 31, 1, NEVENTS)
    world.fails(Errno.FAULT, poll_oneoff, IN, OUT, 1, MEMORY - 3)
