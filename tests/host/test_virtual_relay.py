"""The relay's own house-keeping; what it does to connections is in `net/test_virtual_links.py`."""

from __future__ import annotations

from threading import Event

import pytest

from pywasix.host.virtual_relay import Relay
from support import PATIENCE


def test_cancelled_timers_do_not_pile_up() -> None:
    """Each connect over a link sets a timeout of minutes, and cancels it soon."""
    relay = Relay()
    fired = Event()
    kept = relay.later(1000, lambda: pytest.fail("it was cancelled"))
    for _ in range(2000):
        relay.later(1000, lambda: pytest.fail("it was cancelled")).cancel()
        assert len(relay._timers) < 100
    relay.later(0, fired.set)
    assert fired.wait(PATIENCE)
    assert relay.pending == 1
    kept.cancel()
    relay.close()
