"""The header that guests are compiled with is the one that users get."""

from __future__ import annotations

from pywasix.syscalls import table
from pywasix.syscalls.header import c_header
from support import ROOT


def test_the_header_is_what_the_command_prints() -> None:
    """After a change of the table: pywasix abi --header > tests/guests/wasix.h"""
    assert (ROOT / "tests" / "guests" / "wasix.h").read_text(encoding="utf-8") == c_header(table.rows())
