"""Worlds for the tests of handlers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pywasix.net.policy import NetworkPolicy
from syscalls.launching import launcher, stack
from syscalls.placed import confined, files, placed
from world import VirtualWorld, World

__all__ = ["confined", "files", "launcher", "placed", "stack"]


@pytest.fixture
def world() -> Iterator[World]:
    """A process on the host's network, where everything is allowed."""
    with World(args=(b"guest", b"one"), env=(b"A=1", b"LONG=value")) as found:
        yield found


@pytest.fixture
def virtual() -> Iterator[VirtualWorld]:
    """A process at 10.0.0.2 of a virtual network."""
    with VirtualWorld() as found:
        yield found


@pytest.fixture
def forbidden() -> Iterator[World]:
    """A process that may not use any network."""
    with World(policy=NetworkPolicy.deny_all()) as found:
        yield found


@pytest.fixture(params=["host", "virtual"])
def either(request: pytest.FixtureRequest) -> Iterator[World]:
    """A process on each network in turn; both know 127.0.0.1 and ::1."""
    with VirtualWorld() if request.param == "virtual" else World() as found:
        yield found
