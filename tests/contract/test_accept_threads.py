"""Several tasks at one listener: every connection goes to one of them, and nobody sleeps on."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from contract.guest_process import RO_FD, Caller, GuestProcess
from pywasix.abi.codecs import EVENT_SIZE, SUBSCRIPTION_SIZE
from pywasix.abi.enums import EventType, FdFlags, SdFlags, SockOption
from pywasix.abi.errno import Errno
from pywasix.errors import Killed, SysError, Unwind
from pywasix.kernel.file import File
from pywasix.kernel.signal import Signals
from pywasix.kernel.task import Task
from pywasix.net.address import parse
from pywasix.net.sockets import Socket
from pywasix.syscalls import fd as fd_calls
from pywasix.syscalls import poll, sock
from support import PATIENCE, Wire

NONBLOCK = int(FdFlags.NONBLOCK)
PHASES: dict[str, Callable[[Caller], None]] = {
    "in its patience": Caller.await_patience,
    "polling": Caller.await_blocked,
}
USR1 = 10


@pytest.fixture
def threads(server: GuestProcess) -> Iterator[ThreadPoolExecutor]:
    """Threads for tasks; what they wait for ends with the process at the latest."""
    with ThreadPoolExecutor(thread_name_prefix="task") as pool:
        yield pool
        server.process.terminate(9)


@pytest.fixture(params=list(PHASES))
def until_blocked(request: pytest.FixtureRequest) -> Callable[[Caller], None]:
    return PHASES[request.param]


def accept(caller: Caller, listener: int) -> Errno:
    return caller.call(sock.sock_accept_v2, listener, 0, RO_FD, 1024)


def result(future: Future[Any]) -> Any:
    return future.result(PATIENCE)


def accept_all(caller: Caller, listener: int) -> list[tuple[str, int]]:
    """Accept until the process is taken down; returns every peer."""
    found = []
    try:
        while True:
            fd, peer = caller.accept(listener)
            found.append((peer.host, peer.port))
            caller.close(fd)
            if caller.task.attention:
                caller.task.attend()
    except Unwind:
        return found


def test_two_tasks_share_the_callers(server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire) -> None:
    listener, port = server.listen(wire, backlog=300)
    tasks = [server.another() for _ in range(2)]
    found = [threads.submit(accept_all, task, listener) for task in tasks]
    with ExitStack() as stack:
        callers = [stack.enter_context(wire.connect(port)) for _ in range(200)]
        expected = sorted(caller.getsockname()[:2] for caller in callers)
        for caller in callers:
            assert ended(caller)
    server.process.terminate(9)
    assert sorted(result(found[0]) + result(found[1])) == expected


def test_two_waiting_tasks_get_one_caller_each(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    listener, port = server.listen(wire)
    tasks = [server.another() for _ in range(2)]
    waiting = [threads.submit(task.accept, listener) for task in tasks]
    for task in tasks:
        until_blocked(task)
    with wire.connect(port) as first, wire.connect(port) as second:
        peers = {(peer.host, peer.port) for _, peer in map(result, waiting)}
        assert peers == {caller.getsockname()[:2] for caller in (first, second)}


def subscribe(caller: Caller, *fds: int) -> int:
    """Put read subscriptions into memory, descriptors as their userdata; returns their address."""
    for index, fd in enumerate(fds):
        at = index * SUBSCRIPTION_SIZE[False]
        caller.memory[at : at + 48] = bytes(48)
        caller.memory[at : at + 8] = fd.to_bytes(8, "little")
        caller.memory[at + 8] = int(EventType.FD_READ)
        caller.memory[at + 16 : at + 20] = fd.to_bytes(4, "little")
    return 0


def poll_readable(caller: Caller, *fds: int) -> list[int]:
    """Wait until descriptors are readable; returns those that are."""
    out, count = 256, 2000
    caller.must(poll.poll_oneoff, subscribe(caller, *fds), out, len(fds), count)
    events = range(out, out + EVENT_SIZE * caller.word(count), EVENT_SIZE)
    assert all(caller.memory[at + 8] == 0 for at in events)
    return [caller.word(at) for at in events]


def test_accept_beside_poll(server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire) -> None:
    """A poller and an acceptor on the same listener: both wake, one of them has the connection."""
    listener, port = server.listen(wire)
    acceptor, watcher = server.another(), server.another()
    accepted = threads.submit(acceptor.accept, listener)
    acceptor.await_blocked()
    readable = threads.submit(poll_readable, watcher, listener)
    watcher.await_blocked()
    with wire.connect(port) as first:
        _, peer = result(accepted)
        assert (peer.host, peer.port) == first.getsockname()[:2]
        # The poller has seen this caller, or sees the next one.
        with wire.connect(port) as second:
            assert result(readable) == [listener]
            _, peer = server.main.accept(listener)
            assert (peer.host, peer.port) == second.getsockname()[:2]
    server.main.must(fd_calls.fd_fdstat_set_flags, listener, NONBLOCK)
    assert accept(server.main, listener) is Errno.AGAIN


def test_poll_does_not_take_the_caller(server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire) -> None:
    listeners = [server.listen(wire) for _ in range(3)]
    watcher = server.another()
    readable = threads.submit(poll_readable, watcher, *(fd for fd, _ in listeners))
    watcher.await_blocked()
    fd, port = listeners[1]
    with wire.connect(port) as caller:
        assert result(readable) == [fd]
        for _ in range(2):
            assert poll_readable(watcher, fd) == [fd]
        _, peer = server.main.accept(fd)
        assert (peer.host, peer.port) == caller.getsockname()[:2]


def test_close_ends_accept(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    listener, port = server.listen(wire)
    tasks = [server.another() for _ in range(2)]
    waiting = [threads.submit(accept, task, listener) for task in tasks]
    for task in tasks:
        until_blocked(task)
    server.main.close(listener)
    assert [result(each) for each in waiting] == [Errno.BADF, Errno.BADF]
    assert refused(wire, port)
    # What one close ended does not end the next call of the same task.
    listener, port = server.listen(wire)
    waiting = [threads.submit(accept, task, listener) for task in tasks]
    with wire.connect(port), wire.connect(port):
        assert [result(each) for each in waiting] == [Errno.SUCCESS, Errno.SUCCESS]


def test_renumbering_over_the_listener_ends_accept(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    listener, old_port = server.listen(wire)
    other, port = server.listen(wire)
    task = server.another()
    waiting = threads.submit(accept, task, listener)
    until_blocked(task)
    server.main.must(fd_calls.fd_renumber, other, listener)
    assert result(waiting) is Errno.BADF
    assert refused(wire, old_port)
    with wire.connect(port):
        assert accept(server.main, listener) is Errno.SUCCESS


def test_close_of_a_copy_leaves_accept_alone(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    listener, port = server.listen(wire)
    server.main.must(fd_calls.fd_dup, listener, RO_FD)
    copy, task = server.main.word(RO_FD), server.another()
    waiting = threads.submit(accept, task, listener)
    until_blocked(task)
    server.main.close(listener)  # the copy keeps the socket open
    with wire.connect(port):
        assert result(waiting) is Errno.SUCCESS
    with wire.connect(port):
        assert accept(server.main, copy) is Errno.SUCCESS


def test_shutdown_ends_accept(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    """Linux: the listener is none any more, so that accept answers INVAL."""
    listener, port = server.listen(wire)
    task = server.another()
    waiting = threads.submit(accept, task, listener)
    until_blocked(task)
    server.main.must(sock.sock_shutdown, listener, int(SdFlags.RD | SdFlags.WR))
    assert result(waiting) is Errno.INVAL
    assert refused(wire, port)


def test_kill_ends_accept(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    listener, _ = server.listen(wire)
    task = server.another()
    waiting = threads.submit(accept, task, listener)
    until_blocked(task)
    server.process.terminate(9)
    with pytest.raises(Killed):
        result(waiting)


def test_signal_handler_ends_accept(
    server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire, until_blocked: Callable[[Caller], None]
) -> None:
    ran: list[tuple[str, tuple[int, ...]]] = []
    server.main.task.call_guest = lambda name, arguments: ran.append((name, arguments))
    signals: Signals = server.process.signals
    signals.use_handler("on_signal", exported=True)
    listener, port = server.listen(wire)
    waiting = threads.submit(accept, server.main, listener)
    until_blocked(server.main)
    signals.post(USR1)
    assert result(waiting) is Errno.INTR
    assert ran == [("on_signal", (USR1,))]
    with wire.connect(port):
        assert accept(server.main, listener) is Errno.SUCCESS


def test_a_blocked_signal_does_not_end_accept(server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire) -> None:
    ran: list[int] = []
    server.main.task.call_guest = lambda name, arguments: ran.append(arguments[0])
    signals: Signals = server.process.signals
    signals.use_handler("on_signal", exported=True)
    signals.use_handler("blocked", exported=False)
    listener, port = server.listen(wire)
    waiting = threads.submit(accept, server.main, listener)
    server.main.await_blocked()
    signals.post(USR1)
    with wire.connect(port):
        assert result(waiting) is Errno.SUCCESS
    assert ran == []
    signals.use_handler("on_signal", exported=True)
    assert server.main.task.attend()
    assert ran == [USR1]


def test_a_late_word_of_a_close_does_not_end_the_next_call(server: GuestProcess, wire: Wire) -> None:
    """A closer may find a waiter, be slow, and tell it only after the waiter has left by itself."""
    listener, _ = server.listen(wire)
    other, _ = server.listen(wire)
    task, gone, waited_on = server.main.task, server.main.socket(listener), server.main.socket(other)

    patch = pytest.MonkeyPatch()

    looks: list[File] = []

    def seen_and_then_gone(file: File) -> list[Task]:
        looks.append(file)
        if len(looks) == 2:  # the first look is with a lock that leaving takes too
            patch.undo()
            task.leave(gone)
        return [task]

    task.waiting_on = gone
    patch.setattr(server.process.fds, "_waiters", seen_and_then_gone)
    server.main.close(listener)
    waited_on.receive_timeout = 1
    assert accept(server.main, other) is Errno.AGAIN


def ended(caller: Any) -> bool:
    try:
        return bool(caller.recv(1) == b"")
    except ConnectionResetError:
        return True


def refused(wire: Wire, port: int) -> bool:
    """Whether nobody listens on a port any more."""
    try:
        wire.connect(port).close()
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    return False


def test_connect_to_a_closed_listener_is_refused(server: GuestProcess, wire: Wire) -> None:
    listener, port = server.listen(wire)
    server.main.close(listener)
    fd = server.main.open(parse(wire.host, 0).family)
    assert server.main.call(sock.sock_connect, fd, server.main.give(parse(wire.host, port))) is Errno.CONNREFUSED


CALLS: dict[str, Callable[[Caller, Socket], object]] = {
    "accept": lambda caller, file: file.accept(caller.task, False),
    "listen": lambda caller, file: file.listen(1),
    "bind": lambda caller, file: file.bind(parse("127.0.0.1", 0)),
    "connect": lambda caller, file: file.connect(caller.task, parse("127.0.0.1", 9)),
    "recv": lambda caller, file: file.recv(caller.task, [memoryview(bytearray(1))], 0),
    "send": lambda caller, file: file.send(caller.task, [memoryview(b"x")], 0),
    "shutdown": lambda caller, file: file.shutdown(int(SdFlags.RD)),
    "flags": lambda caller, file: file.set_flags(NONBLOCK),
    "available": lambda caller, file: file.available(),
    "status": lambda caller, file: file.status(),
    "local": lambda caller, file: file.local(),
    "peer": lambda caller, file: file.peer(),
    "error": lambda caller, file: file.take_error(),
    "linger": lambda caller, file: file.channel.set_linger(1),
    "option": lambda caller, file: file.channel.get_option(SockOption.NO_DELAY),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_a_call_that_had_its_file_when_another_task_closed_it(server: GuestProcess, wire: Wire, name: str) -> None:
    """Whatever it is, it gets an errno or an answer; no other exception may reach the border."""
    main = server.main
    listener, port = server.listen(wire)
    fresh, connected = (main.open(parse(wire.host, 0).family) for _ in range(2))
    main.must(sock.sock_connect, connected, main.give(parse(wire.host, port)))
    for fd in (listener, fresh, connected):
        file = main.socket(fd)
        main.close(fd)
        with suppress(SysError):
            CALLS[name](main, file)
        main.task.leave(file)
    assert refused(wire, port)


def test_poll_beside_close(server: GuestProcess, threads: ThreadPoolExecutor, wire: Wire) -> None:
    """A descriptor that is closed under a poll gets an event with BADF, and its host number stays until then."""
    main, watcher = server.main, server.another()
    listener, port = server.listen(wire)
    other, _ = server.listen(wire)
    with wire.connect(port):
        accepted, _ = main.accept(listener)
        channel = main.socket(accepted).channel
        for fds in ((accepted, other), (other,)):
            polled = threads.submit(watcher.call, poll.poll_oneoff, subscribe(watcher, *fds), 256, len(fds), 2000)
            watcher.await_blocked()
            watcher.forget_blocked()
            main.close(fds[0])
            assert result(polled) is Errno.SUCCESS
            assert watcher.word(2000) == 1
            assert (watcher.word(256), watcher.memory[264]) == (fds[0], Errno.BADF)
        assert channel.fileno() == -1
