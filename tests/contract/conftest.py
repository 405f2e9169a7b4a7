"""Fixtures of the contract: native builds to compare with, a process without an engine, each form of accept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.accept_forms import FORMS, Accept
from contract.guest_process import GuestProcess
from contract.natives import Natives
from support import Wire


@pytest.fixture(scope="session")
def natives(tmp_path_factory: pytest.TempPathFactory) -> Natives:
    return Natives(tmp_path_factory.mktemp("natives"))


@pytest.fixture
def server(wire: Wire) -> Iterator[GuestProcess]:
    """A process on each network in turn."""
    with GuestProcess(wire.net) as process:
        yield process


@pytest.fixture(params=list(FORMS))
def accept(request: pytest.FixtureRequest) -> Accept:
    return Accept(request.param)
