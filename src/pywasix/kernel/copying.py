"""Copying from one file into another, for what the host cannot send by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import StackUnwinding, SysError

if TYPE_CHECKING:
    from pywasix.kernel.file import File
    from pywasix.kernel.task import Task

_PIECE = 1 << 16  # bytes; Linux moves as many through the pipe inside sendfile(2), so that datagrams are cut the same


def copy(task: Task, source: File, offset: int, target: File, count: int) -> int:
    """Write up to `count` bytes that `source` has from `offset` on; the position of the source stays.

    Returns: how many were written. An error after the first byte shows on the next call.
    """
    room = memoryview(bytearray(min(count, _PIECE)))
    done = 0
    while done < count:
        try:
            task.interruption_point()
            found = _read(task, source, room[: count - done], offset + done)
            taken = target.write(task, (found,)) if found else 0
        except (SysError, StackUnwinding):
            if done:
                break
            raise
        done += taken
        if not taken or taken < len(found):
            break
    return done


def _read(task: Task, source: File, room: memoryview, offset: int) -> memoryview:
    task.waiting_on = source  # nobody closes it meanwhile
    try:
        if not source.references:
            raise SysError(Errno.BADF, "another thread closed the file")
        return room[: source.read_at((room,), offset)]
    finally:
        task.leave(source)
