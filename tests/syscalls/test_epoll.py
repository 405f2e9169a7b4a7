"""epoll: what is watched, what is told, and when; on both networks, and as Linux does it."""

from __future__ import annotations

import os

from pywasix.abi.codecs import EPOLL_EVENT_SIZE, encode_epoll_event
from pywasix.abi.enums import SdFlags
from pywasix.abi.errno import Errno
from pywasix.errors import ThreadEnd
from pywasix.host.files import FdChannel
from pywasix.host.poller import asked
from pywasix.kernel.epoll import Watch
from pywasix.kernel.file import File
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls.epoll import epoll_ctl, epoll_wait
from pywasix.syscalls.fd import fd_close, fd_dup, fd_renumber
from pywasix.syscalls.fd_io import fd_read, fd_write
from pywasix.syscalls.poll import poll_oneoff
from pywasix.syscalls.sock import sock_shutdown
from syscalls.epolling import (
    ADD,
    DEL,
    EDGE,
    EVENT,
    FOREVER,
    HUP,
    IN,
    MOD,
    ONCE,
    OUT,
    RDHUP,
    RESULT,
    WRITABLE,
    Seen,
    control,
    create,
    event,
    seen,
    wait,
    watching,
)
from world import MEMORY, Call, World

_MS = 1_000_000


def watches(file: File) -> list[Watch]:
    """What watches a file."""
    found, watch = [], file.watch
    while watch is not None:
        found.append(watch)
        assert watch.after is None or watch.after.before is watch
        watch = watch.after
    return found


def test_odd_events_leave_nothing_with_the_host(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    for odd in range(200):
        control(world, epoll, MOD, fd, IN | odd << 8)
    assert asked.cache_info().currsize <= 64
    os.write(writer, b"x")
    assert wait(world, epoll) == [Seen(IN, fd)]


def test_a_readable_file_is_told_until_it_is_read(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    assert wait(world, epoll) == []
    os.write(writer, b"x")
    for timeout in (0, _MS, 10**12, FOREVER):
        assert wait(world, epoll, timeout) == [Seen(IN, fd)]
    world.call(fd_read, fd, world.words(RESULT, 200, 8), 1, 8)
    assert wait(world, epoll, _MS) == []


def test_all_data_words_come_back(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.write(writer, b"x")
    epoll = create(world)
    data = bytes(range(100, 124))
    world.put(EVENT, encode_epoll_event(IN, data))
    world.call(epoll_ctl, epoll, 0, fd, EVENT)  # the ABI's own number of ADD
    world.call(epoll_wait, epoll, OUT, 1, 0, RESULT)
    assert world.memory.read(OUT, 40) == encode_epoll_event(IN, data) + bytes(8)


def test_an_edge_is_told_once(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd, IN | EDGE)
    os.write(writer, b"x")
    assert wait(world, epoll) == [Seen(IN, fd)]
    assert wait(world, epoll) == []
    os.write(writer, b"y")
    assert wait(world, epoll) == [Seen(IN, fd)]
    control(world, epoll, MOD, fd, IN | EDGE, data=7)
    assert wait(world, epoll) == [Seen(IN, 7)], "MOD looks anew"


def test_one_shot_until_it_is_armed_again(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd, IN | ONCE)
    os.write(writer, b"x")
    assert wait(world, epoll) == [Seen(IN, fd)]
    os.write(writer, b"y")
    assert wait(world, epoll) == []
    control(world, epoll, MOD, fd, IN | ONCE)
    assert wait(world, epoll) == [Seen(IN, fd)]


def test_events_are_those_asked_for(either: World) -> None:
    caller, accepted = either.connected()
    epoll = watching(either, caller, WRITABLE)
    control(either, epoll, ADD, accepted, IN | WRITABLE | RDHUP)
    either.socket_file(caller).channel.send(memoryview(b"x"), 0)
    assert set(wait(either, epoll, FOREVER)) == {Seen(WRITABLE, caller), Seen(IN | WRITABLE, accepted)}
    control(either, epoll, MOD, caller, 0)
    assert wait(either, epoll) == [Seen(IN | WRITABLE, accepted)]
    either.call(sock_shutdown, caller, int(SdFlags.WR))
    assert wait(either, epoll) == [Seen(IN | WRITABLE | RDHUP, accepted)]
    either.call(sock_shutdown, accepted, int(SdFlags.WR))
    assert set(wait(either, epoll)) == {Seen(HUP, caller), Seen(IN | WRITABLE | RDHUP | HUP, accepted)}


def test_a_listener_and_a_connect(either: World) -> None:
    listener, address = either.listener()
    epoll = watching(either, listener, IN | EDGE)
    caller = either.nonblocking(either.socket())
    control(either, epoll, ADD, caller, WRITABLE | ONCE)
    wait(either, epoll)  # what an unconnected socket says
    control(either, epoll, MOD, caller, WRITABLE | ONCE)
    wait(either, epoll)
    either.start(lambda ctx: either.socket_file(caller).connect(ctx.task, address)).result()
    control(either, epoll, MOD, caller, WRITABLE | ONCE)
    assert wait(either, epoll, FOREVER) == [Seen(IN, listener), Seen(WRITABLE, caller)]
    assert wait(either, epoll) == []


def test_an_event_ends_the_wait(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    call = world.start(epoll_wait, epoll, OUT, 4, FOREVER, RESULT)
    call.await_blocked()
    os.write(writer, b"x")
    assert call.errno() is None
    assert seen(world) == [Seen(IN, fd)]


def test_what_is_added_meanwhile_ends_the_wait(world: World) -> None:
    fd, writer = world.pipe_reader()
    os.write(writer, b"x")
    epoll = create(world)
    call = world.start(epoll_wait, epoll, OUT, 4, 10**12, RESULT)
    call.await_blocked()
    control(world, epoll, ADD, fd)
    assert call.errno() is None
    assert seen(world) == [Seen(IN, fd)]


def first_done(calls: list[Call]) -> int:
    """Wait until one of several calls is over; returns which."""
    while True:
        for index, call in enumerate(calls):
            if call.over(0.01):
                return index


def test_two_tasks_wait_and_an_edge_is_for_one(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd, IN | EDGE)
    counts = (0, 32)
    calls = [world.start(epoll_wait, epoll, OUT + cell, 1, FOREVER, cell) for cell in counts]
    for call in calls:
        call.await_blocked()
    world.words(0, 9)
    world.words(32, 9)
    os.write(writer, b"x")
    first = first_done(calls)
    assert calls[first].errno() is None
    assert world.u32(counts[1 - first]) == 9
    os.write(writer, b"y")
    assert calls[1 - first].errno() is None
    assert [world.u32(cell) for cell in counts] == [1, 1]


def test_no_more_events_than_there_is_room_for(world: World) -> None:
    epoll = create(world)
    fds = []
    for _ in range(3):
        fd, writer = world.pipe_reader()
        os.write(writer, b"x")
        control(world, epoll, ADD, fd)
        fds.append(fd)
    first = wait(world, epoll, most=2)
    assert len(first) == 2
    assert {each.data for each in (*first, *wait(world, epoll, most=2))} == set(fds), "the others have their turn"
    assert len(wait(world, epoll, most=1)) == 1
    most = (MEMORY - OUT) // EPOLL_EVENT_SIZE
    world.call(epoll_wait, epoll, OUT, most, 0, RESULT)
    assert world.u32(RESULT) == 3


# -- descriptors and their files --------------------------------------------


def test_a_closed_number_is_told_while_a_copy_lives(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    world.call(fd_dup, fd, RESULT)
    copy = world.u32(RESULT)
    world.call(fd_close, fd)
    os.write(writer, b"x")
    assert wait(world, epoll) == [Seen(IN, fd)]
    world.fails(Errno.BADF, epoll_ctl, epoll, DEL, fd, 0)
    other, _ = world.pipe_reader()
    assert other == fd
    event(world, IN, 0)
    world.fails(Errno.NOENT, epoll_ctl, epoll, MOD, fd, EVENT)
    world.call(fd_close, fd)
    world.call(fd_dup, copy, RESULT)
    assert world.u32(RESULT) == fd
    control(world, epoll, MOD, fd, IN, data=99)
    assert wait(world, epoll) == [Seen(IN, 99)], "the same number and the same file are known again"
    world.call(fd_close, fd)
    world.call(fd_close, copy)
    assert wait(world, epoll) == []


def test_two_numbers_of_one_file(world: World) -> None:
    fd, writer = world.pipe_reader()
    before = len(os.listdir("/dev/fd"))
    epoll = watching(world, fd)
    world.call(fd_dup, fd, RESULT)
    copy = world.u32(RESULT)
    control(world, epoll, ADD, copy)
    os.write(writer, b"x")
    assert wait(world, epoll) == [Seen(IN, fd), Seen(IN, copy)]
    control(world, epoll, DEL, fd)
    assert wait(world, epoll) == [Seen(IN, copy)]
    control(world, epoll, ADD, fd)
    assert wait(world, epoll) == [Seen(IN, fd), Seen(IN, copy)]
    world.call(fd_close, fd)
    world.call(fd_close, copy)
    assert wait(world, epoll) == []
    world.call(fd_close, epoll)
    assert len(os.listdir("/dev/fd")) == before - 1, "the reader is closed, and nothing is left of the epoll"


def test_the_last_descriptor_ends_it_before_a_number_is_used_again(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    os.write(writer, b"x")
    world.call(fd_close, fd)
    again, second = world.pipe_reader()
    os.write(second, b"x")
    assert again == fd
    assert wait(world, epoll) == []
    control(world, epoll, ADD, again, IN, data=5)
    assert wait(world, epoll) == [Seen(IN, 5)]


def test_a_host_file_that_others_share_is_forgotten(world: World) -> None:
    """The host forgets a descriptor only when nobody has its open file any more."""
    reader, writer = os.pipe()
    kept = os.dup(reader)
    world.later(lambda: os.close(writer))
    world.later(lambda: os.close(kept))
    fd = world.add(StreamFile(FdChannel(reader, owned=True)))
    epoll = watching(world, fd)
    os.write(writer, b"x")
    world.call(fd_close, fd)
    assert wait(world, epoll) == []


def test_renumbering_over_a_watched_descriptor_ends_it(world: World) -> None:
    fd, writer = world.pipe_reader()
    other, _ = world.pipe_reader()
    epoll = watching(world, fd)
    os.write(writer, b"x")
    world.call(fd_renumber, other, fd)
    assert wait(world, epoll) == []


def test_an_epoll_that_is_closed_forgets_what_it_watched(world: World) -> None:
    fd, writer = world.pipe_reader()
    first, second = watching(world, fd), watching(world, fd)
    assert len(watches(world.fds.get(fd).file)) == 2
    world.call(fd_close, first)
    os.write(writer, b"x")
    assert wait(world, second) == [Seen(IN, fd)]
    world.call(fd_close, second)
    assert not watches(world.fds.get(fd).file)


def test_epoll_in_epoll_and_in_poll(world: World) -> None:
    fd, writer = world.pipe_reader()
    inner = watching(world, fd)
    outer = watching(world, inner)
    assert wait(world, outer) == []
    os.write(writer, b"x")
    assert wait(world, outer) == [Seen(IN, inner)]
    world.put(EVENT, bytes(8) + (1).to_bytes(8, "little") + inner.to_bytes(32, "little"))
    world.call(poll_oneoff, EVENT, OUT, 1, RESULT)
    assert world.u32(RESULT) == 1
    world.call(fd_close, inner)
    assert wait(world, outer) == []


def test_an_epoll_descriptor_is_not_read(world: World) -> None:
    epoll = create(world)
    world.words(EVENT, 200, 8)
    world.fails(Errno.INVAL, fd_read, epoll, EVENT, 1, 8)
    world.fails(Errno.INVAL, fd_write, epoll, EVENT, 1, 8)


# -- what ends a wait -------------------------------------------------------


def test_the_time_is_over(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = watching(world, fd)
    for timeout in (0, 1, 3 * _MS, 25 * _MS):
        assert wait(world, epoll, timeout) == []


def test_signal_handlers_run_and_the_wait_goes_on(world: World) -> None:
    fd, writer = world.pipe_reader()
    epoll = watching(world, fd)
    world.signal(2)

    def handler(name: str, arguments: tuple[int, ...]) -> None:
        os.write(writer, b"x")
        assert wait(world, epoll) == [Seen(IN, fd)], "a handler may wait itself"

    world.task.call_guest = handler
    assert wait(world, epoll, FOREVER) == [Seen(IN, fd)]
    assert world.task.waiting_on is None


def test_stop_ends_it(world: World) -> None:
    epoll = create(world)
    call = world.start(epoll_wait, epoll, OUT, 4, FOREVER, RESULT)
    call.await_blocked()
    world.process.tasks[1].stop()
    assert isinstance(call.result(), ThreadEnd)


def test_a_closed_epoll_ends_its_wait(world: World) -> None:
    fd, _ = world.pipe_reader()
    epoll = watching(world, fd)
    call = world.start(epoll_wait, epoll, OUT, 4, FOREVER, RESULT)
    call.await_blocked()
    world.call(fd_close, epoll)
    assert call.errno() is Errno.BADF
    assert not watches(world.fds.get(fd).file)
