"""Several tasks of one program at the same sockets at once: bind, listen, connect, shut down, close, in no order.

No call of a guest may raise anything but an errno, and what was counted for connections is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from threading import Thread
from typing import Any

import pytest

from net.watched import of_type, watch
from pywasix.abi.codecs import encode_epoll_event
from pywasix.abi.enums import SockOption
from pywasix.errors import SysError
from pywasix.kernel.task import Task
from pywasix.net.address import INET4, INET6, UNIX, Address, parse
from pywasix.net.events import Accepted, Closed, Connected
from pywasix.net.policy import NetworkPolicy
from pywasix.net.sockets import Socket
from pywasix.syscalls.context import Context
from pywasix.syscalls.epoll import epoll_create, epoll_ctl, epoll_wait
from pywasix.syscalls.fd import fd_close, fd_dup, fd_renumber
from pywasix.syscalls.sock import (
    sock_accept_v2,
    sock_addr_local,
    sock_addr_peer,
    sock_bind,
    sock_connect,
    sock_listen,
    sock_open,
    sock_pair,
    sock_shutdown,
    sock_status,
)
from pywasix.syscalls.sock_io import sock_recv, sock_recv_from, sock_send, sock_send_to
from pywasix.syscalls.sock_opt import sock_get_opt_flag, sock_set_opt_size
from support import PATIENCE
from world import NONBLOCK, Handler, VirtualWorld, WatchedPoller, World

TASKS, CALLS = 4, 1500
DONT_WAIT_RECEIVING, DONT_WAIT_SENDING = 8, 1
SPACE = 8192  # bytes of memory for each task
HOSTS = ("127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1")

Call = tuple[Handler, Callable[[], tuple[int, ...]]]


class Hammering:
    """One task's calls."""

    def __init__(self, world: World, number: int, ports: list[int]) -> None:
        self.world, self.random, self.ports = world, Random(number), ports
        self.task = Task(world.process, 200 + number, WatchedPoller())
        world.process.tasks.append(self.task)
        self.ctx: Context = world.context(self.task)
        base = 4096 + number * SPACE
        self.result, self.vector, self.place, self.buffer = base, base + 64, base + 128, base + 512
        self.failures: list[str] = []
        self.calls = self._calls()
        self.thread = Thread(target=self._run, daemon=True)

    def _fd(self) -> int:
        """Mostly a socket, which does not wait."""
        entries = dict(self.world.fds.entries)
        sockets = [fd for fd, entry in entries.items() if isinstance(entry.file, Socket)]
        if not sockets or self.random.random() < 0.1:
            return self.random.randrange(self.world.fds.limit)
        fd = self.random.choice(sockets)
        entries[fd].file.nonblocking = True
        return fd

    def _address(self) -> int:
        if self.random.random() < 0.2:
            made = Address(UNIX, b"/name%d" % self.random.randrange(3), 0)
        else:
            made = parse(self.random.choice(HOSTS), self.random.choice(self.ports))
        raw = self.world.generation.encode_addr_port(made.family, made.port, made.ip)
        return self.world.put(self.place, raw)

    def _data(self) -> tuple[int, int]:
        return self.world.words(self.vector, self.buffer, self.random.choice((0, 1, 1000))), 1

    def _event(self) -> int:
        return self.world.put(self.place, encode_epoll_event(self.random.choice((1, 5, 0x45, 0x85)), bytes(24)))

    def _calls(self) -> list[Call]:
        pick, result, more = self.random.choice, self.result, self.result + 8
        connections: list[Call] = [
            (sock_bind, lambda: (self._fd(), self._address())),
            (sock_listen, lambda: (self._fd(), pick((0, 5)))),
            (sock_connect, lambda: (self._fd(), self._address())),
            (sock_accept_v2, lambda: (self._fd(), NONBLOCK, result, self.place)),
            (sock_open, lambda: (pick((INET4, INET6, UNIX)), pick((1, 1, 2)), 0, result)),
        ]
        return connections * 3 + [
            (sock_pair, lambda: (UNIX, pick((1, 2)), 0, result, more)),
            (sock_shutdown, lambda: (self._fd(), pick((1, 2, 3)))),
            (sock_recv, lambda: (self._fd(), *self._data(), DONT_WAIT_RECEIVING, result, more)),
            (sock_recv_from, lambda: (self._fd(), *self._data(), DONT_WAIT_RECEIVING, result, more, self.place)),
            (sock_send, lambda: (self._fd(), *self._data(), DONT_WAIT_SENDING, result)),
            (sock_send_to, lambda: (self._fd(), *self._data(), DONT_WAIT_SENDING, self._address(), result)),
            (sock_addr_local, lambda: (self._fd(), self.place)),
            (sock_addr_peer, lambda: (self._fd(), self.place)),
            (sock_status, lambda: (self._fd(), result)),
            (sock_get_opt_flag, lambda: (self._fd(), SockOption.LAST_ERROR, result)),
            (sock_set_opt_size, lambda: (self._fd(), SockOption.SEND_BUF_SIZE, pick((1, 100_000)))),
            (fd_dup, lambda: (self._fd(), result)),
            (fd_renumber, lambda: (self._fd(), self._fd())),
            (fd_close, lambda: (self._fd(),)),
            (fd_close, lambda: (self._fd(),)),
            (epoll_create, lambda: (result,)),
            (
                epoll_ctl,
                lambda: (pick(list(self.world.fds.entries) or [0]), pick((1, 2, 3)), self._fd(), self._event()),
            ),
            (epoll_wait, lambda: (pick(list(self.world.fds.entries) or [0]), self.buffer, 4, 0, result)),
        ]

    def _run(self) -> None:
        for _ in range(CALLS):
            handler, arguments = self.random.choice(self.calls)
            try:
                self.world.call(handler, *arguments(), ctx=self.ctx)
            except SysError:
                continue
            except BaseException as error:
                self.failures.append(f"{handler.__name__}: {error!r}")


def free_ports(world: World) -> list[int]:
    """Some that nobody has."""
    found = []
    for _ in range(3):
        fd = world.socket()
        world.socket_file(fd).bind(parse("127.0.0.1", 0))
        found.append(world.socket_file(fd).local().port)
    for fd, _ in world.fds.items():
        world.fds.close(fd)
    return found


@pytest.mark.parametrize("rules", [None, "ipv4:allow=*:*, ipv6:allow=*:*"], ids=["free", "ruled"])
@pytest.mark.parametrize("network", [World, VirtualWorld], ids=["host", "virtual"])
def test_tasks_at_the_same_sockets(network: type[World], rules: str | None) -> None:
    policy = None if rules is None else NetworkPolicy.from_rules(rules)
    with network(max_fds=32, policy=policy) as world:
        seen = watch(world, total=20)
        watching: Any = world.network.watch
        ports = [0, *free_ports(world)]
        tasks = [Hammering(world, number, ports) for number in range(TASKS)]
        for each in tasks:
            each.thread.start()
        for each in tasks:
            each.thread.join(PATIENCE)
            assert not each.thread.is_alive(), "a call hangs"
        assert [each.failures for each in tasks] == [[]] * TASKS
        for fd, _ in world.fds.items():
            world.fds.close(fd)
        assert watching._limits.open == 0
        begun = [event.number for event in of_type(seen, Accepted, Connected)]
        closed = {event.number for event in of_type(seen, Closed)}
        assert not [event for event in of_type(seen, Accepted, Connected) if event.number not in closed]
        assert len(begun) == len(closed)
