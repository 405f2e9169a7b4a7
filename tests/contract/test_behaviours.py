"""The same C programs, native and as guests, print the same; `contract.behaviours` names what differs and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from contract.behaviours import (
    ADDRESSES,
    HOST_DEVIATIONS,
    PROGRAMS,
    VIRTUAL_DEVIATIONS,
    Deviation,
    of_guest,
    of_linux,
    of_virtual_guest,
)
from contract.natives import Natives
from support import ROOT

LEAST = 150

Told = Callable[[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def linux(natives: Natives) -> Told:
    """What a native program says; each runs once."""
    told: dict[tuple[str, str], dict[str, str]] = {}

    def tell(program: str, ip: str) -> dict[str, str]:
        if (program, ip) not in told:
            told[program, ip] = of_linux(natives.command(program), ip)
        return told[program, ip]

    return tell


def expected(native: Mapping[str, str], deviations: Mapping[str, Deviation]) -> dict[str, str]:
    """What a guest has to say, in lines. A deviation that is none any more is an error."""
    stale = [name for name, each in deviations.items() if native.get(name) == each.answer]
    assert not stale, f"these do not differ: {stale}"
    return {name: deviations[name].answer if name in deviations else result for name, result in native.items()}


@pytest.mark.parametrize("ip", ADDRESSES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_over_the_host_network(program: str, ip: str, linux: Told) -> None:
    assert of_guest(program, ip, True) == expected(linux(program, ip), HOST_DEVIATIONS)


@pytest.mark.parametrize("ip", ADDRESSES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_over_a_virtual_network(program: str, ip: str, linux: Told) -> None:
    deviations = HOST_DEVIATIONS | VIRTUAL_DEVIATIONS
    assert of_virtual_guest(program, ip) == expected(linux(program, ip), deviations)


def test_there_are_enough_and_no_name_comes_twice(linux: Told) -> None:
    names = [name for program in PROGRAMS for name in linux(program, ADDRESSES[0])]
    assert len(names) >= LEAST
    assert len(names) == len(set(names))
    assert set(HOST_DEVIATIONS) | set(VIRTUAL_DEVIATIONS) <= set(names)


def rows_of_the_document() -> list[list[str]]:
    """The cells of every row of `docs/socket-behaviours.md` that tells a behaviour."""
    text = (ROOT / "docs" / "socket-behaviours.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [row for row in rows if len(row) == 4 and row[0] != "behaviour" and not row[0].startswith("---")]


def test_the_document_tells_every_behaviour(linux: Told) -> None:
    """After a change: `python docs/behaviours.py`. What Linux says differs between kernels; it is not compared."""
    wanted = []
    for program in PROGRAMS:
        told = [linux(program, ip) for ip in ADDRESSES]
        for name in told[0] | told[1]:
            host = HOST_DEVIATIONS.get(name)
            virtual = VIRTUAL_DEVIATIONS.get(name, host)
            wanted.append([name, *(each.answer if each else "same" for each in (host, virtual))])
    assert [[name, host, virtual] for name, _, host, virtual in rows_of_the_document()] == wanted
