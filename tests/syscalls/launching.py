"""A launcher that runs nothing, and arguments of exec and spawn in guest memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.host.services import HostServices
from pywasix.kernel.launch import Program, Running
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.stack import SavedStack
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls.pipe import fd_pipe
from world import World

NAME, ARGS, ENVS, PATH, OPS, SIGNALS, RESULT = 1024, 2048, 4096, 8192, 12288, 16384, 20480


class Saved:
    """Frames of nobody."""

    def __init__(self, pointer: int, size: int = 100) -> None:
        self.pointer = pointer
        self.size = size


class Stack:
    """A call stack that is gone back into at once."""

    moving = unwinding = False

    def __init__(self, world: World) -> None:
        self.world = world
        self.here = 4096
        self.forked: list[Process] = []
        self.fails: Errno | None = None

    def through(self, then: Callable[[SavedStack], int]) -> int:
        return then(Saved(self.here))

    def pointer(self) -> int:
        return self.here

    def data(self, saved: SavedStack) -> bytes:
        return self.world.memory.read(saved.pointer, 16)

    def fork(self, child: Process, saved: SavedStack) -> None:
        if self.fails is not None:
            raise SysError(self.fails)
        self.forked.append(child)

    def end(self) -> None:
        """All children that are left."""
        for child in self.forked:
            if not child.zombie:
                end(child)

    def belong_to(self, process: Process) -> None:
        self.world.ctx.belong_to(process)

    def passed(self, name: tuple[str, str], outcome: int | SysError | None) -> None:
        raise AssertionError("nothing is saved here")


@pytest.fixture
def stack(world: World) -> Stack:
    world.task.stack = made = Stack(world)
    world.later(made.end)
    return made


def end(child: Process, code: int = 0, signal: int = 0) -> None:
    """A child comes to its end."""
    child.finish(ExitStatus(code, signal))
    child.task_ended(child.main_task)


class Nothing:
    """What a process runs that is never run."""

    closed = False

    def run(self) -> tuple[Any, ...]:
        raise AssertionError("nobody runs it")

    def close(self) -> None:
        self.closed = True


class Launcher:
    """Finds what is asked for, unless it is to fail, and runs nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, list[bytes], Sequence[bytes] | None]] = []
        self.launched: list[Process] = []
        self.fails: Errno | None = None
        self.fails_to_launch: Errno | None = None

    def find(self, process: Process, name: bytes, args: Sequence[bytes], path: Sequence[bytes] | None) -> Program:
        self.asked.append((name, list(args), path))
        if self.fails is not None:
            raise SysError(self.fails)
        return Program(list(args), lambda process: Nothing())

    def launch(self, process: Process, running: Running) -> None:
        if self.fails_to_launch is not None:
            raise SysError(self.fails_to_launch)
        self.launched.append(process)


@pytest.fixture
def launcher(world: World) -> Launcher:
    world.kernel.launcher = made = Launcher()

    def end() -> None:
        for process in made.launched:
            if not process.zombie:
                process.finish(ExitStatus())
                process.task_ended(process.main_task)

    world.later(end)
    return made


def text(world: World, place: int, value: bytes) -> tuple[int, int]:
    return world.put(place, value), len(value)


def pipe(world: World) -> tuple[int, int]:
    """Descriptors of a new pipe."""
    world.call(fd_pipe, RESULT, RESULT + 4)
    return world.u32(RESULT), world.u32(RESULT + 4)


def null(world: World) -> int:
    """A descriptor of the null device."""
    return world.add(StreamFile(HostServices().new_null()))


def lists(world: World, place: int, values: Sequence[bytes]) -> tuple[int, int]:
    """An array of pointers to strings."""
    at = place + 4 * len(values)
    for index, value in enumerate(values):
        world.words(place + 4 * index, world.put(at, value + b"\0"))
        at += len(value) + 1
    return place, len(values)


def third(world: World, name: bytes = b"/bin/x", args: bytes = b"x\n", search: int = 0) -> tuple[int, ...]:
    """Arguments of proc_exec3 that keep the environment."""
    return *text(world, NAME, name), *text(world, ARGS, args), 0, 0, search, 0, 0


def fourth(world: World, args: Sequence[bytes] = (b"x",)) -> tuple[int, ...]:
    """Arguments of proc_exec4."""
    return *text(world, NAME, b"/bin/x"), *lists(world, ARGS, args), *lists(world, ENVS, [b"A=1\n"]), 0, 0, 0
