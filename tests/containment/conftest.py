"""Prisoners of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from containment.prison import Prisoner, build, prisoner


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """The given directory."""
    return build(tmp_path)


@pytest.fixture
def guest(given: Path) -> Iterator[Prisoner]:
    """A WASIX guest, whose "/" is the given directory."""
    yield from prisoner(given, wasix=True)


@pytest.fixture
def confined(given: Path) -> Iterator[Prisoner]:
    """A guest without WASIX, whose only descriptor is the given directory."""
    yield from prisoner(given, wasix=False)
