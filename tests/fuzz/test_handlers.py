"""Every implemented handler, with hostile arguments: errnos come back, nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.city import GENERATIONS, LIMIT, City, Watchdog, host_policy
from fuzz.hostile import Hostile, calls_of
from fuzz.profile import BURST, CALLS, PATIENCE
from pywasix.abi.generation import AbiGeneration
from pywasix.syscalls import table
from pywasix.syscalls.row import Row
from world import VirtualWorld, World

ROWS = [row for row in table.rows() if row.handler is not None]
EXAMPLES = -(-CALLS // (BURST * len(ROWS)))
_made: Counter[str] = Counter()


def _name(row: Row) -> str:
    assert row.handler is not None
    return row.handler.__name__


def _world(virtual: bool, generation: AbiGeneration) -> World:
    if virtual:
        return VirtualWorld(generation=generation, max_fds=LIMIT)
    return World(generation=generation, max_fds=LIMIT, policy=host_policy())


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_hostile_arguments_get_errnos(row: Row) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(
        virtual=st.booleans(),
        generation=st.sampled_from(GENERATIONS),
        calls=st.lists(calls_of(row), min_size=BURST, max_size=BURST),
    )
    def burst(virtual: bool, generation: AbiGeneration, calls: list[Hostile]) -> None:
        with _world(virtual, generation) as world:
            city = City(world, watchdog)
            for call in calls:
                errno = city.make(call)
                seen["success" if errno is None else errno.name] += 1

    with Watchdog() as watchdog:
        burst()
    _made[_name(row)] += sum(seen.values())
    print(f"{_name(row)}: {dict(seen)}, {watchdog.stopped} stopped")


def test_it_was_enough() -> None:
    """A function without parameters has few different calls; of all others there were as many as asked for."""
    assert EXAMPLES * BURST * len(ROWS) >= CALLS
    short = {name for name, count in _made.items() if count < EXAMPLES * BURST}
    assert short <= {_name(row) for row in ROWS if len(row.params) < 2}
    print(f"{sum(_made.values())} calls of {len(_made)} handlers")
