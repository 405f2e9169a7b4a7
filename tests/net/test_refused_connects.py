"""A connect that failed while nobody waited for it: as Linux has it, only another connect makes the socket new."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pywasix.abi.enums import RiFlags
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import parse
from pywasix.net.sockets import Socket
from pywasix.net.states import State
from world import VirtualWorld, World

_PEEK = int(RiFlags.RECV_PEEK)


@pytest.fixture(params=["host", "virtual"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with VirtualWorld() if request.param == "virtual" else World() as found:
        yield found


def refused(world: World) -> Socket:
    return world.socket_file(world.refused_later())


def receive(world: World, file: Socket, flags: int = 0) -> int:
    return file.recv(world.task, [memoryview(bytearray(1))], flags)


def send(world: World, file: Socket) -> int:
    return file.send(world.task, [memoryview(b"x")], 0)


def connect(world: World, file: Socket) -> None:
    file.connect(world.task, parse("127.0.0.1", 1))


def take_error(world: World, file: Socket) -> None:
    raise SysError(Errno(file.take_error()))


@pytest.mark.parametrize("tell", [receive, send, take_error])
def test_what_tells_the_refusal_leaves_an_ended_socket(world: World, tell: Callable[[World, Socket], object]) -> None:
    file = refused(world)
    with pytest.raises(SysError, match="CONNREFUSED"):
        tell(world, file)
    assert file.current_state() is State.REFUSED
    assert file.take_error() == 0
    assert (receive(world, file), receive(world, file, _PEEK)) == (0, 0)
    with pytest.raises(SysError, match="PIPE"):
        send(world, file)
    with pytest.raises(SysError, match="INVAL"):
        file.listen(1)
    with pytest.raises(SysError, match="CONNABORTED"):
        connect(world, file)
    assert file.current_state() is State.FAILED
    with pytest.raises(SysError, match="NOTCONN"):
        receive(world, file)


def test_a_connect_that_tells_the_refusal_makes_the_socket_new(world: World) -> None:
    file = refused(world)
    with pytest.raises(SysError, match="CONNREFUSED"):
        connect(world, file)
    assert file.current_state() is State.FAILED
    with pytest.raises(SysError, match="NOTCONN"):
        receive(world, file)


def test_a_refused_socket_may_be_bound_and_stays_refused() -> None:
    with World() as world:
        file = refused(world)
        assert file.take_error() == Errno.CONNREFUSED
        file.bind(parse("127.0.0.1", 0))
        assert file.current_state() is State.REFUSED
        with pytest.raises(SysError, match="INVAL"):
            file.listen(1)
        with pytest.raises(SysError, match="CONNABORTED"):
            connect(world, file)
        file.listen(1)
        assert file.current_state() is State.LISTENING
