"""What all processes of a program take of memory together."""

from __future__ import annotations

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.memory import MemorySum


def test_shares_are_counted_and_given_back_once() -> None:
    whole = MemorySum(100)
    first, second = whole.take(60), whole.take(40)
    assert whole.taken == 100
    first.give_back()
    first.give_back()
    assert whole.taken == 40
    second.give_back()
    assert whole.taken == 0


def test_nomem_takes_nothing() -> None:
    whole = MemorySum(100)
    whole.take(61)
    with pytest.raises(SysError, match=r"takes 40 bytes, 61 of 100 are taken \(--max-total-memory\)") as refused:
        whole.take(40)
    assert (refused.value.errno, whole.taken) == (Errno.NOMEM, 61)
    whole.take(39)


def test_no_limit() -> None:
    whole = MemorySum()
    whole.take(1 << 60)
    assert whole.taken == 1 << 60
