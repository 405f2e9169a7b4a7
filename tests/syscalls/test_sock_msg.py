"""recvmsg and sendmsg without ancillary data."""

from __future__ import annotations

from pywasix.abi.errno import Errno
from pywasix.syscalls.sock_msg import sock_recv_msg, sock_send_msg
from syscalls.datagrams import FROM, TO, address_at, bound, pair, put_address
from syscalls.vectors import BUFFER, COUNT, FLAGS, VECTOR, buffers, data
from world import MEMORY, World

CONTROL = 700


def test_a_message_with_and_without_an_address(either: World) -> None:
    here, there = pair(either)
    third, address = bound(either)
    either.call(sock_send_msg, here, VECTOR, data(either, b"to ", b"you"), 0, 0, 0, 0, COUNT)
    assert either.u32(COUNT) == 6
    either.words(CONTROL, 99)
    either.call(sock_recv_msg, there, VECTOR, buffers(either, 64), 0, 0, 0, 0, COUNT, FLAGS, CONTROL)
    assert (either.memory.read(BUFFER, either.u32(COUNT)), either.u32(CONTROL)) == (b"to you", 0)
    put_address(either, address)
    either.call(sock_send_msg, there, VECTOR, data(either, b"elsewhere"), 0, TO, 0, 0, COUNT)
    either.call(sock_recv_msg, third, VECTOR, buffers(either, 4), 0, FROM, 0, 0, COUNT, FLAGS, CONTROL)
    assert (either.u32(COUNT), either.number(FLAGS, 2)) == (4, 1)
    assert address_at(either, FROM) == either.socket_file(there).local()


def test_sock_send_msg_notsup(world: World) -> None:
    here, _ = pair(world)
    world.fails(Errno.NOTSUP, sock_send_msg, here, VECTOR, data(world, b"x"), 0, 0, CONTROL, 16, COUNT)


def test_sock_recv_msg_fault(world: World) -> None:
    here, there = pair(world)
    world.call(sock_send_msg, here, VECTOR, data(world, b"stays"), 0, 0, 0, 0, COUNT)
    count = buffers(world, 8)
    world.fails(Errno.FAULT, sock_recv_msg, there, VECTOR, count, 0, 0, 0, 0, COUNT, FLAGS, MEMORY - 3)
    world.fails(Errno.FAULT, sock_recv_msg, there, VECTOR, count, 0, 0, MEMORY - 3, 8, COUNT, FLAGS, CONTROL)
    world.call(sock_recv_msg, there, VECTOR, count, 0, 0, 0, 0, COUNT, FLAGS, CONTROL)
    assert world.memory.read(BUFFER, world.u32(COUNT)) == b"stays"
