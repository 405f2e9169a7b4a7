"""A connection whose addresses cannot be told cannot be judged."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pywasix.abi.enums import SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.sockets import HostChannel
from pywasix.net.address import INET4, Address
from pywasix.net.policy import NetworkPolicy
from pywasix.net.stack import Channel
from world import World


@pytest.mark.parametrize("error", [SysError(Errno.NOTCONN), ZeroDivisionError()])
def test_a_connection_that_cannot_be_judged_is_closed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with World(policy=NetworkPolicy.from_rules("ipv4:allow=*:*")) as world:
        listener, address = world.listener()
        file, closed = world.socket_file(listener), []
        world.socket_file(world.socket()).connect(world.task, address)

        class Broken(HostChannel):
            __slots__ = ()

            def local(self) -> Address:
                raise error

            def close(self) -> None:
                closed.append(self.fd)
                super().close()

        take = file._take

        def broken(*args: Any) -> tuple[Channel, Address]:
            channel, peer = take(*args)
            number = os.dup(channel.fileno())
            channel.close()
            return Broken(number, INET4, SockType.SOCKET_STREAM), peer

        monkeypatch.setattr(file, "_take", broken)
        with pytest.raises(type(error)) as raised:
            file.accept(world.task, False)
        assert not isinstance(raised.value, SysError) or raised.value.errno is Errno.CONNABORTED
        assert len(closed) == 1
