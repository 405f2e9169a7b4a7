"""Every errno that a handler's docstring promises has a test of that name."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from pywasix.abi.errno import Errno
from pywasix.syscalls import table

HERE = Path(__file__).parent
_WORD = re.compile(r"\b[A-Z][A-Z0-9]+\b")


def promised(text: str) -> list[str]:
    """The errnos after ``Errors:`` in a docstring, in order."""
    _, _, errors = text.partition("Errors:")
    return list(dict.fromkeys(word for word in _WORD.findall(errors) if word in Errno.__members__))


@cache
def known_tests() -> set[str]:
    """The names of all test functions of this directory."""
    trees = [ast.parse(path.read_text()) for path in HERE.glob("test_*.py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


HANDLERS = {row.handler.__name__: row.handler for row in table.rows() if row.handler is not None}


@pytest.mark.parametrize("name", HANDLERS)
def test_every_promised_errno_has_its_test(name: str) -> None:
    wanted = {f"test_{name}_{errno.lower()}" for errno in promised(HANDLERS[name].__doc__ or "")}
    assert wanted <= known_tests()


@pytest.mark.parametrize("name", HANDLERS)
def test_every_handler_tells_its_errors(name: str) -> None:
    assert "Errors:" in (HANDLERS[name].__doc__ or "")


def test_the_docstring_of_a_handler_is_read() -> None:
    assert promised("Do it.\n\nABI: WASIX. Errors: BADF; INVAL no bool,\n    or INVAL; those of sock_recv.") == [
        "BADF",
        "INVAL",
    ]
