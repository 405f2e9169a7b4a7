"""A kernel without sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A process with nothing open."""
    with World(max_fds=6) as found:
        yield found
