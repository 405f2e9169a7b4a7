"""Datagram sockets: the policy judges what is sent and whom it comes from; and a server as users write it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Semaphore, Thread

import pytest

import pywasix
from pywasix.abi.errno import Errno
from pywasix.kernel.task import Task
from pywasix.net.address import INET4, Address, parse
from pywasix.net.policy import NetworkPolicy, Request
from pywasix.net.sockets import PROBE_PORT
from pywasix.syscalls.sock import sock_connect
from pywasix.syscalls.sock_io import sock_recv_from
from support import PATIENCE, guest, wait_for_line
from syscalls.datagrams import (
    DATAGRAM,
    DONT_WAIT,
    FROM,
    HOSTS,
    PEEK,
    TRUNCATED,
    address_at,
    bound,
    cannot_recv_from,
    cannot_send_to,
    pair,
    put_address,
    recv_from,
    send_to,
)
from syscalls.vectors import (
    BUFFER,
    COUNT,
    FLAGS,
    VECTOR,
    arrived,
    buffers,
    cannot_recv,
    recv,
    send,
)
from world import WatchedPoller, World

# -- the policy -------------------------------------------------------------


@pytest.fixture
def ruled() -> Callable[[str], World]:
    return lambda rules: World(policy=NetworkPolicy.from_rules(rules))


def test_an_answer_needs_no_rule_of_its_own(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=127.0.0.1:*/out") as world:
        server, address = bound(free)
        client = world.socket(INET4, DATAGRAM)
        send_to(world, client, address, b"ask")
        _, _, sender = recv_from(free, server, 8)
        stranger, _ = bound(free)
        send_to(free, stranger, sender, b"stranger")
        send_to(free, server, sender, b"answer")
        assert recv_from(world, client, 16) == (b"answer", 0, address)
        cannot_recv_from(world, Errno.AGAIN, client, DONT_WAIT)


def test_a_connected_client_gets_its_answer(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=127.0.0.1:*/out") as world:
        server, address = bound(free)
        client = world.socket(INET4, DATAGRAM)
        world.call(sock_connect, client, put_address(world, address))
        send(world, client, b"ask")
        _, _, sender = recv_from(free, server, 8)
        send_to(free, server, sender, b"answer")
        assert recv(world, client, 8) == b"answer"


def test_a_forbidden_datagram_is_lost_and_leaves_no_trace(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=0.0.0.0/0:*/in, ipv4:deny=127.0.0.1:*/in") as world:
        server = world.socket(INET4, DATAGRAM)
        world.socket_file(server).bind(parse("127.0.0.2", 0))
        address = world.socket_file(server).local()
        friend, _ = bound(free, "127.0.0.3")
        enemy, _ = bound(free)
        for flags in (0, PEEK, PEEK | DONT_WAIT, DONT_WAIT):
            for _ in range(2):
                send_to(free, enemy, address, b"forbidden")
            send_to(free, friend, address, b"welcome")
            arrived(world, server)
            world.put(BUFFER, bytes(64))
            world.call(sock_recv_from, server, VECTOR, buffers(world, 3, 30), flags, COUNT, FLAGS, FROM)
            assert world.memory.read(BUFFER, 33) == b"welcome".ljust(33, b"\0")
            assert address_at(world, FROM).host == "127.0.0.3"
            if flags & PEEK:
                assert recv(world, server, 16) == b"welcome"
        send_to(free, enemy, address, b"forbidden")
        arrived(world, server)
        cannot_recv(world, Errno.AGAIN, server, DONT_WAIT)
        send_to(free, enemy, address, b"forbidden")
        arrived(world, server)
        cannot_recv(world, Errno.AGAIN, server, DONT_WAIT | PEEK)


def test_what_came_before_the_connect_is_judged_too(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=127.0.0.1:*/out") as world:
        enemy, _ = bound(free)
        _, address = bound(free)
        client = world.socket(INET4, DATAGRAM)
        world.socket_file(client).bind(parse("0.0.0.0", 0))
        port = world.socket_file(client).local().port
        send_to(free, enemy, parse("127.0.0.1", port), b"forbidden")
        arrived(world, client)
        world.call(sock_connect, client, put_address(world, address))
        cannot_recv(world, Errno.AGAIN, client, DONT_WAIT)


def test_a_flood_of_forbidden_datagrams_does_not_outlast_the_timeout(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=127.0.0.9:*/in") as world:
        server = world.socket(INET4, DATAGRAM)
        world.socket_file(server).bind(parse("127.0.0.9", 0))
        address = world.socket_file(server).local()
        enemy, _ = bound(free)
        file = world.socket_file(server)
        file.receive_timeout = 20_000_000
        receive = file.channel.recv_from

        class Flooded:
            def __getattr__(self, name: str) -> object:
                return getattr(file_channel, name)

            def recv_from(self, views: list[memoryview], flags: int) -> tuple[int, bool, Address]:
                send_to(free, enemy, address, b"flood")
                return receive(views, flags)

        file_channel = file.channel
        file.channel = Flooded()  # type: ignore[assignment]  # a channel that is never empty
        cannot_recv_from(world, Errno.AGAIN, server)
        file.channel = file_channel


def test_a_refused_send_opens_no_port(ruled: Callable[[str], World]) -> None:
    with ruled("ipv4:allow=127.0.0.9:*/out") as world:
        fd = world.socket(INET4, DATAGRAM)
        cannot_send_to(world, Errno.ACCES, fd, parse("127.0.0.1", 9))
        assert world.socket_file(fd).local().port == 0
        assert len(world.reports) == 1


def test_truncation_and_peek_under_a_policy(ruled: Callable[[str], World]) -> None:
    with World() as free, ruled("ipv4:allow=127.0.0.1:*") as world:
        server, address = bound(world)
        here, _ = bound(free)
        send_to(free, here, address, b"abcdef")
        arrived(world, server)
        assert recv_from(world, server, 2, 2, flags=PEEK)[:2] == (b"abcd", 1)
        assert recv_from(world, server, 2, 2, flags=PEEK | TRUNCATED)[:2] == (b"abcd", 1)
        assert world.u32(COUNT) == 6
        assert recv_from(world, server, 4, 4)[:2] == (b"abcdef", 0)


def test_a_callable_sees_every_datagram() -> None:
    seen: list[tuple[str, str, int]] = []

    def judge(request: Request) -> bool:
        seen.append((request.action, request.protocol, request.family))
        return True

    policy = NetworkPolicy(judge)
    with World(policy=policy) as world:
        server, address = bound(world)
        client, _ = bound(world)
        send_to(world, client, address, b"x")
        recv_from(world, server, 8)
        assert seen == [("bind", "udp", 4), ("bind", "udp", 4), ("send", "udp", 4), ("receive", "udp", 4)]


# -- sockets and guests -----------------------------------------------------


def test_a_datagram_socket_may_bind_the_probed_port() -> None:
    with World() as world:
        file = world.socket_file(world.socket(INET4, DATAGRAM))
        file.bind(parse("127.0.0.1", PROBE_PORT))
        assert file.channel.local().port == PROBE_PORT


def exchange(caller: socket.socket, count: int) -> None:
    """Have an echo server send back `count` datagrams of growing size."""
    for number in range(count):
        caller.send(bytes([number & 0xFF]) * (number * 11))
        assert caller.recv(65536) == bytes([number & 0xFF]) * (number * 11)


@pytest.mark.parametrize("host", HOSTS)
def test_an_echo_server(host: str) -> None:
    program = [guest("udp_echo"), "-q", "-n", "300", "0", host]
    with pywasix.start(program, net=True, stdout=pywasix.PIPE, text=True) as server:
        port = int(wait_for_line(server, "listening on ").split()[-1])
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.settimeout(PATIENCE)
            caller.connect((host, port))
            exchange(caller, 300)
        assert server.wait(PATIENCE) == 0


def test_several_threads_share_a_socket() -> None:
    """Each datagram is received once, whoever takes it."""
    with World() as world:
        here, there = pair(world)
        file = world.socket_file(there)
        taken: list[bytes] = []
        room = Semaphore(100)  # the receive buffer is bounded, and UDP loses what finds no room
        tasks = [Task(world.process, 100 + number, WatchedPoller()) for number in range(4)]
        world.process.tasks.extend(tasks)

        def take(task: Task) -> None:
            buffer = bytearray(8)
            while True:
                count, _, _ = file.recv_from(task, [memoryview(buffer)], 0)
                if not count:
                    return
                taken.append(bytes(buffer[:count]))
                room.release()

        threads = [Thread(target=take, args=(task,)) for task in tasks]
        for thread in threads:
            thread.start()
        sender = world.socket_file(here)
        for number in range(400):
            assert room.acquire(timeout=PATIENCE)
            sender.send(world.task, [memoryview(b"%d" % number)], 0)
        for _ in threads:
            sender.send(world.task, [memoryview(b"")], 0)
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(taken) == sorted(b"%d" % number for number in range(400))
