"""spawn: what is asked of the launcher, what a new process begins with, errors."""

from __future__ import annotations

import pytest

from pywasix.abi.enums import Disposition, Rights, SpawnFdOpName, StdioMode
from pywasix.abi.errno import Errno
from pywasix.abi.records import ProcessHandles, ProcSpawnFdOp, SignalDisposition
from pywasix.syscalls.proc_spawn import proc_spawn, proc_spawn2, proc_spawn3
from syscalls.launching import (
    ARGS,
    NAME,
    OPS,
    PATH,
    RESULT,
    SIGNALS,
    Launcher,
    fourth,
    null,
    pipe,
    text,
)
from world import MEMORY, World

# -- spawn ----------------------------------------------------------------------


def operation(cmd: SpawnFdOpName, fd: int = 0, src_fd: int = 0, path: int = 0, path_len: int = 0) -> bytes:
    rights = int(Rights.FD_READ)
    return ProcSpawnFdOp(cmd, fd, src_fd, path, path_len, 0, 0, rights, rights, 0, 0).pack()


def spawned(world: World, *operations: bytes, signals: bytes = b"") -> tuple[int, ...]:
    """Arguments of proc_spawn2."""
    ops = world.put(OPS, b"".join(operations)), len(operations)
    pairs = (world.put(SIGNALS, signals), len(signals) // SignalDisposition.SIZE) if signals else (0, 0)
    return *text(world, NAME, b"/bin/x"), *text(world, ARGS, b"x\n"), 0, 0, *ops, *pairs, 0, 0, 0, RESULT


def test_file_actions_are_done_in_order(world: World, launcher: Launcher) -> None:
    reading, writing = pipe(world)
    world.call(
        proc_spawn2,
        *spawned(
            world,
            operation(SpawnFdOpName.DUP2, 9, writing),
            operation(SpawnFdOpName.CLOSE, writing),
            operation(SpawnFdOpName.DUP2, writing, reading),
        ),
    )
    child = launcher.launched[0]
    assert world.u32(RESULT) == child.pid
    assert child.fds.get(9).file is world.fds.get(writing).file
    assert child.fds.get(writing).file is world.fds.get(reading).file


def test_a_copy_onto_itself_is_not_closed_on_exec(world: World, launcher: Launcher) -> None:
    first, second = pipe(world)
    world.fds.get(first).cloexec = world.fds.get(second).cloexec = True
    world.call(proc_spawn2, *spawned(world, operation(SpawnFdOpName.DUP2, first, first)))
    fds = launcher.launched[0].fds
    assert first in fds
    assert second not in fds
    assert world.fds.get(first).cloexec


def test_signal_dispositions(world: World, launcher: Launcher) -> None:
    world.process.signals.use_handler("f", exported=True)
    pairs = SignalDisposition(2, Disposition.IGNORE).pack() + SignalDisposition(15, Disposition.DEFAULT).pack()
    world.call(proc_spawn2, *spawned(world, signals=pairs))
    signals = launcher.launched[0].signals
    assert signals.handler is None
    assert signals.dispositions == {2: Disposition.IGNORE, 15: Disposition.DEFAULT}


def test_strings_of_spawn3_may_have_newlines(world: World, launcher: Launcher) -> None:
    args = [*fourth(world, [b"x", b"a\nb"])][:6]
    world.call(proc_spawn3, *args, 0, 0, 0, 0, 0, 0, 0, RESULT)
    assert launcher.launched[0].args == [b"x", b"a\nb"]


def only_caller(world: World) -> None:
    assert [each.pid for each in world.kernel.all_processes()] == [world.process.pid]


@pytest.mark.parametrize("launching", [False, True])
def test_a_spawn_that_fails_leaves_no_child(world: World, launcher: Launcher, launching: bool) -> None:
    launcher.fails = None if launching else Errno.NOENT
    launcher.fails_to_launch = Errno.AGAIN
    world.fails(Errno.AGAIN if launching else Errno.NOENT, proc_spawn2, *spawned(world))
    only_caller(world)


def test_proc_spawn2_badf(world: World, launcher: Launcher) -> None:
    for wrong in (
        operation(SpawnFdOpName.CLOSE, 77),
        operation(SpawnFdOpName.DUP2, 3, 77),
        operation(SpawnFdOpName.DUP2, 2**32 - 1, 0),
    ):
        pipe(world)
        world.fails(Errno.BADF, proc_spawn2, *spawned(world, wrong))
        only_caller(world)


def test_proc_spawn2_fault(world: World, launcher: Launcher) -> None:
    for place, value in ((6, MEMORY - 55), (8, MEMORY - 1), (13, MEMORY - 3)):
        args = [*spawned(world)]
        args[place] = value
        if place < 13:
            args[place + 1] = 1
        world.fails(Errno.FAULT, proc_spawn2, *args)
    wrong = operation(SpawnFdOpName.CHDIR, path=MEMORY - 1, path_len=2)
    world.fails(Errno.FAULT, proc_spawn2, *spawned(world, wrong))


def test_proc_spawn2_inval(world: World, launcher: Launcher) -> None:
    wrong = bytes([9]) + operation(SpawnFdOpName.CLOSE)[1:]
    world.fails(Errno.INVAL, proc_spawn2, *spawned(world, wrong))
    world.fails(Errno.INVAL, proc_spawn2, *spawned(world, signals=SignalDisposition(2, 7).pack()))
    for place in (7, 9):
        args = [*spawned(world, signals=bytes(2))]
        args[place] = 2**31
        world.fails(Errno.INVAL, proc_spawn2, *args)


def test_proc_spawn2_again(world: World, launcher: Launcher) -> None:
    world.kernel.max_processes = 1
    world.fails(Errno.AGAIN, proc_spawn2, *spawned(world))


def handles(world: World, *modes: StdioMode, directory: bytes = b".") -> tuple[int, ...]:
    """Arguments of proc_spawn."""
    return (
        *text(world, NAME, b"x"),
        0,
        *text(world, ARGS, b"x\ny"),
        0,
        0,
        *modes,
        *text(world, PATH, directory),
        RESULT,
    )


def test_standard_streams_of_2022(world: World, launcher: Launcher) -> None:
    for fd in range(3):
        assert null(world) == fd
    world.call(proc_spawn, *handles(world, StdioMode.PIPED, StdioMode.NULL, StdioMode.INHERIT))
    child, told = launcher.launched[0], world.memory.load(ProcessHandles, RESULT)
    assert (told.pid, told.stdin.tag, told.stdout.tag, told.stderr.tag) == (child.pid, 1, 0, 0)
    assert child.args == [b"x", b"y"]
    assert told.stdin.value not in child.fds
    assert world.fds.get(told.stdin.value).file.write(world.task, [memoryview(b"hi")]) == 2
    room = bytearray(9)
    assert child.fds.get(0).file.read(child.main_task, [memoryview(room)]) == 2
    assert child.fds.get(1).file is not world.fds.get(1).file
    assert child.fds.get(2).file is world.fds.get(2).file


def test_log_is_standard_error(world: World, launcher: Launcher) -> None:
    for _ in range(3):
        null(world)
    world.call(proc_spawn, *handles(world, StdioMode.INHERIT, StdioMode.LOG, StdioMode.LOG))
    fds = launcher.launched[0].fds
    assert fds.get(1).file is fds.get(2).file is world.fds.get(2).file


def test_proc_spawn_inval(world: World, launcher: Launcher) -> None:
    args = [*handles(world, StdioMode.NULL, StdioMode.NULL, StdioMode.NULL)]
    args[8] = 4
    world.fails(Errno.INVAL, proc_spawn, *args)


def test_proc_spawn_notsup(world: World, launcher: Launcher) -> None:
    for place in (2, 6):
        args = [*handles(world, StdioMode.NULL, StdioMode.NULL, StdioMode.NULL)]
        args[place] = 1
        world.fails(Errno.NOTSUP, proc_spawn, *args)


def test_proc_spawn_fault(world: World, launcher: Launcher) -> None:
    args = [*handles(world, StdioMode.NULL, StdioMode.NULL, StdioMode.NULL)]
    args[-1] = MEMORY - 27
    world.fails(Errno.FAULT, proc_spawn, *args)


def test_proc_spawn_again(world: World, launcher: Launcher) -> None:
    world.kernel.max_processes = 1
    world.fails(Errno.AGAIN, proc_spawn, *handles(world, StdioMode.PIPED, StdioMode.PIPED, StdioMode.PIPED))


def test_the_pipes_of_a_spawn_that_fails_are_closed(world: World, launcher: Launcher) -> None:
    launcher.fails = Errno.NOENT
    world.fails(Errno.NOENT, proc_spawn, *handles(world, StdioMode.PIPED, StdioMode.PIPED, StdioMode.PIPED))
    only_caller(world)
