"""Native builds of the guests, to compare with."""

from __future__ import annotations

import pytest

from contract.natives import Natives


@pytest.fixture(scope="session")
def natives(tmp_path_factory: pytest.TempPathFactory) -> Natives:
    return Natives(tmp_path_factory.mktemp("natives"))
