"""What setjmp keeps for longjmp: the saved stacks of one task."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from typing import TYPE_CHECKING, NamedTuple

from pywasix.errors import StackJump, ThreadEnd

if TYPE_CHECKING:
    from pywasix.kernel.stack import SavedStack
    from pywasix.kernel.task import Task

_MOST_BYTES = 16 << 20  # of one task; beyond it those go that nobody needs, then the oldest
_MOST_ALIKE = 16  # checkpoints that are compared with a new one


class _Checkpoint(NamedTuple):
    """Saved frames, and what was on the data stack then."""

    saved: SavedStack
    data: bytes

    @property
    def size(self) -> int:
        """About what it takes of the host's memory."""
        return self.saved.size + len(self.data)


class Checkpoints:
    """Checkpoints by number. A guest never says that it needs one no longer."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._kept: dict[int, _Checkpoint] = {}
        self._bytes = 0

    def copy(self) -> Checkpoints:
        """Those of a child made by fork."""
        made = Checkpoints()
        made._kept = dict(self._kept)
        made._bytes = self._bytes
        made._numbers = count(next(self._numbers))
        return made

    def keep(self, task: Task, saved: SavedStack, tell: Callable[[int], None]) -> None:
        """Keep a stack.

        Args:
            tell: stores its number in the guest's memory, maybe on the stack that is kept.
        Errors: NOMEM more on the stack than can be kept.
        """
        task.stack.data(saved)  # may fail, and what is told cannot be taken back
        number = self._same(saved)
        tell(number)
        self._drop(number)
        self._kept[number] = _Checkpoint(saved, task.stack.data(saved))
        self._bytes += self._kept[number].size
        if self._bytes > _MOST_BYTES:
            self._make_room(number, saved.pointer)

    def _same(self, saved: SavedStack) -> int:
        """The number of an equal stack (setjmp in a loop), or a new one."""
        for number in islice(reversed(self._kept), _MOST_ALIKE):
            if self._kept[number].saved == saved:
                return number
        return next(self._numbers)

    def _make_room(self, newest: int, pointer: int) -> None:
        """Drop first what a function took that has returned, which C forbids to go back into."""
        dead = [number for number, each in self._kept.items() if each.saved.pointer < pointer]
        for number in (*dead, *self._kept):
            if self._bytes <= _MOST_BYTES // 2:
                return
            if number != newest:
                self._drop(number)

    def _drop(self, number: int) -> None:
        dropped = self._kept.pop(number, None)
        if dropped is not None:
            self._bytes -= dropped.size

    def restore(self, task: Task, number: int, value: int) -> None:
        """Go back. Memory stays as it is: what was changed since then stays changed, as C says.

        Only the data of frames that have returned meanwhile is put back. C forbids to go back into them, but
        programs that make coroutines of setjmp do it.
        Raises: StackJump; ThreadEnd, when there is no such checkpoint and the process is over.
        """
        found = self._kept.get(number)
        if found is None:
            task.process.abort("stack_restore (longjmp) of a stack_checkpoint that is not there")
            raise ThreadEnd
        returned = max(0, task.stack.pointer() - found.saved.pointer)
        raise StackJump(found.saved, value, found.data[:returned])
