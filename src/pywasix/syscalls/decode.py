"""Decoding that several families of calls share."""

from __future__ import annotations

from pywasix.abi.enums import Option
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionTimestamp
from pywasix.errors import SysError
from pywasix.syscalls.context import GuestMemory


def optional_time(memory: GuestMemory, pointer: int) -> int | None:
    """The ns of an option_timestamp; None for `none`. Errors: FAULT; INVAL unknown tag."""
    option = memory.load(OptionTimestamp, pointer)
    if option.tag == Option.NONE:
        return None
    if option.tag != Option.SOME:
        raise SysError(Errno.INVAL, f"option tag {option.tag}")
    return option.value


def option_timestamp(time: int | None) -> OptionTimestamp:
    """The record for an optional time in ns."""
    return OptionTimestamp(Option.NONE, 0) if time is None else OptionTimestamp(Option.SOME, time)
