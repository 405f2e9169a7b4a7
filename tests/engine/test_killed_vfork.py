"""A child that runs in its parent's place (vfork) and is killed while the guest's stack is saved or gone back into."""

from __future__ import annotations

from typing import Any

import pytest

import pywasix
from pywasix.abi.enums import Signal
from pywasix.engine.unwind import Unwinder
from pywasix.kernel.kernel import FIRST
from support import PATIENCE, guest


def run_with_kills(monkeypatch: pytest.MonkeyPatch, function: str, *, parent: bool) -> pywasix.CompletedProcess[Any]:
    """Run a guest that calls vfork once, with a kill just before one of its asyncify exports is called in the child.

    Args:
        parent: kill the parent, in whose place the child runs.
    """
    control = Unwinder._control
    killed: list[int] = []

    def kill_first(self: Unwinder, name: str, *values: int) -> None:
        task = self._guest.task
        if name == function and task.child is not None and not killed:
            killed.append(task.process.pid)
            target = task.process.kernel.process(FIRST) if parent else task.process
            assert target is not None
            target.signals.post(Signal.KILL)
        control(self, name, *values)

    monkeypatch.setattr(Unwinder, "_control", kill_first)
    done = pywasix.run([guest("stop_races"), "/", "vfork once"], capture_output=True, text=True, timeout=PATIENCE)
    assert killed
    return done


@pytest.mark.parametrize("function", ["asyncify_start_rewind", "asyncify_stop_rewind"])
def test_its_parent_goes_on(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    done = run_with_kills(monkeypatch, function, parent=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "its end: 1009\n", "")


@pytest.mark.parametrize("function", ["asyncify_start_rewind", "asyncify_stop_rewind"])
def test_both_end_with_the_parent(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    done = run_with_kills(monkeypatch, function, parent=True)
    assert (done.returncode, done.stdout, done.stderr) == (-Signal.KILL, "", "")
