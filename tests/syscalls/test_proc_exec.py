"""exec: what is asked of the launcher, what becomes of a process, errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.errno import Errno
from pywasix.errors import ProcessExit, StackJump, ThreadEnd
from pywasix.kernel.execute import DEFAULT_PATH, succeed
from pywasix.kernel.process import ExitStatus
from pywasix.syscalls.proc import proc_exit2, proc_fork, proc_fork_env, proc_id
from pywasix.syscalls.proc_exec import proc_exec, proc_exec2, proc_exec3, proc_exec3_first, proc_exec4
from syscalls.launching import (
    ARGS,
    ENVS,
    NAME,
    OPS,
    PATH,
    RESULT,
    Launcher,
    Stack,
    fourth,
    pipe,
    text,
    third,
)
from world import MEMORY, World

# -- exec -----------------------------------------------------------------------


def replaced(world: World, handler: Callable[..., None], *args: int) -> None:
    """An exec that succeeds, up to where another program is to begin."""
    with pytest.raises(ThreadEnd):
        world.call(handler, *args)
    assert succeed(world.process) is not None


def test_the_process_gets_arguments_and_environment(world: World, launcher: Launcher) -> None:
    env = text(world, ENVS, b"A=1\nB=two=2\n")
    replaced(
        world,
        proc_exec3,
        *text(world, NAME, b"x"),
        *text(world, ARGS, b"x\n\ny z\n\n"),
        *env,
        1,
        *text(world, PATH, b"/a::/b"),
    )
    assert launcher.asked == [(b"x", [b"x", b"", b"y z", b""], (b"/a", b"", b"/b"))]
    assert world.process.args == [b"x", b"", b"y z", b""]
    assert world.process.env == [b"A=1", b"B=two=2"]


def test_without_a_path_the_default_one_is_searched(world: World, launcher: Launcher) -> None:
    before = list(world.process.env)
    replaced(world, proc_exec3, *third(world, b"x", search=1))
    assert launcher.asked[0][2] == DEFAULT_PATH
    assert world.process.env == before


def test_strings_may_have_newlines(world: World, launcher: Launcher) -> None:
    replaced(world, proc_exec4, *fourth(world, [b"x", b"a\nb", b""]))
    assert world.process.args == [b"x", b"a\nb", b""]
    assert world.process.env == [b"A=1\n"]


@pytest.mark.parametrize("handler", [proc_exec, proc_exec2, proc_exec3_first])
def test_the_first_forms_look_here_and_in_the_default_path(
    world: World, launcher: Launcher, handler: Callable[..., None]
) -> None:
    env = () if handler is proc_exec else (0, 0)
    replaced(world, handler, *text(world, NAME, b"x"), *text(world, ARGS, b"x"), *env)
    assert launcher.asked == [(b"x", [b"x"], (b"", *DEFAULT_PATH))]


def test_what_is_marked_is_closed(world: World, launcher: Launcher) -> None:
    kept, closed = pipe(world)
    world.fds.get(closed).cloexec = True
    replaced(world, proc_exec3, *third(world))
    assert kept in world.fds
    assert closed not in world.fds


def test_the_handler_is_gone_and_what_is_pending_stays(world: World, launcher: Launcher) -> None:
    world.process.signals.use_handler("f", exported=True)
    world.task.signals.blocked = True
    world.process.signals.post(15)
    replaced(world, proc_exec3, *third(world))
    assert world.process.signals.handler is None
    world.task.attend()
    assert world.process.status == ExitStatus(signal=15)


@pytest.mark.parametrize(("errno", "code"), [(Errno.NOENT, 127), (Errno.NOEXEC, 126), (Errno.ACCES, 126)])
def test_a_caller_that_cannot_be_told_ends(world: World, launcher: Launcher, errno: Errno, code: int) -> None:
    launcher.fails = errno
    with pytest.raises(ProcessExit) as raised:
        world.call(proc_exec, *text(world, NAME, b"x"), 0, 0)
    assert raised.value.code == code


def fails(world: World, launcher: Launcher, errno: Errno) -> None:
    launcher.fails = errno
    world.fails(errno, proc_exec3, *third(world))
    assert world.process.successor is None


def test_proc_exec3_noent(world: World, launcher: Launcher) -> None:
    fails(world, launcher, Errno.NOENT)
    world.fails(Errno.NOENT, proc_exec3, *third(world, b""))


def test_proc_exec3_acces(world: World, launcher: Launcher) -> None:
    fails(world, launcher, Errno.ACCES)


def test_proc_exec3_notdir(world: World, launcher: Launcher) -> None:
    fails(world, launcher, Errno.NOTDIR)


def test_proc_exec3_loop(world: World, launcher: Launcher) -> None:
    fails(world, launcher, Errno.LOOP)


def test_proc_exec3_noexec(world: World, launcher: Launcher) -> None:
    fails(world, launcher, Errno.NOEXEC)


def test_proc_exec3_nametoolong(world: World, launcher: Launcher) -> None:
    world.fails(Errno.NAMETOOLONG, proc_exec3, NAME, 5000, 0, 0, 0, 0, 0, 0, 0)


def test_proc_exec3_toobig(world: World, launcher: Launcher) -> None:
    """A thousand times the same 3,000 bytes."""
    world.words(ARGS, *[30_000] * 1000)
    world.put(30_000, b"y" * 3000 + b"\0")
    world.fails(Errno.TOOBIG, proc_exec4, *text(world, NAME, b"/bin/x"), ARGS, 1000, 0, 0, 0, 0, 0)


def test_proc_exec3_inval(world: World, launcher: Launcher) -> None:
    world.fails(Errno.INVAL, proc_exec3, *third(world, search=2))
    world.fails(Errno.INVAL, proc_exec3, *third(world, b"a\0b"))
    env = text(world, ENVS, b"A=1\nB\n")
    world.fails(Errno.INVAL, proc_exec3, *text(world, NAME, b"x"), *text(world, ARGS, b"x"), *env, 0, 0, 0)


def test_proc_exec3_fault(world: World, launcher: Launcher) -> None:
    for place in (0, 2, 4, 7):
        args = [*third(world, search=1)]
        args[place], args[place + 1] = MEMORY - 1, 2
        world.fails(Errno.FAULT, proc_exec3, *args)
    last = MEMORY - 8
    world.put(last, b"unending")
    args = [*fourth(world)]
    args[2], args[3] = world.words(OPS, last), 1
    world.fails(Errno.FAULT, proc_exec4, *args)


# -- children that run in their parent's place ----------------------------------------


def test_a_vforked_child_runs_another_program(world: World, launcher: Launcher, stack: Stack) -> None:
    parent = world.process
    world.call(proc_fork, 0, RESULT)
    child = world.ctx.process
    with pytest.raises(StackJump) as raised:
        world.call(proc_exec3, *third(world))
    assert raised.value.value == child.pid
    assert world.ctx.process is world.task.process is parent
    assert launcher.launched == [child]
    assert child.main_task is not world.task


def test_a_child_of_fork_env_returns_to_its_parent(world: World, launcher: Launcher, stack: Stack) -> None:
    parent = world.process
    world.call(proc_fork_env, RESULT)
    child = world.ctx.process
    assert (world.u32(RESULT), child.parent) == (child.pid, parent.pid)
    world.call(proc_exec3, *third(world))
    world.call(proc_id, RESULT)
    assert world.u32(RESULT) == parent.pid
    world.call(proc_fork_env, RESULT)
    ended = world.ctx.process
    world.call(proc_exit2, 7)
    assert ended.status == ExitStatus(code=7)
    assert world.ctx.process is parent


def test_children_of_fork_env_are_nested(world: World, launcher: Launcher, stack: Stack) -> None:
    pids = [world.process.pid]
    for _ in range(2):
        world.call(proc_fork_env, RESULT)
        pids.append(world.ctx.process.pid)
    for code in (1, 2):
        world.call(proc_exit2, code)
        pids.pop()
        assert world.ctx.process.pid == pids[-1]


def test_exec_of_the_first_form_cannot_return(world: World, launcher: Launcher, stack: Stack) -> None:
    world.call(proc_fork_env, RESULT)
    with pytest.raises(ThreadEnd):
        world.call(proc_exec, *text(world, NAME, b"x"), 0, 0)
    assert world.process.status is not None
    assert "proc_exec3" in world.process.status.reason


def test_a_child_that_the_host_cannot_run_is_killed(world: World, launcher: Launcher, stack: Stack) -> None:
    launcher.fails_to_launch = Errno.AGAIN
    world.call(proc_fork, 0, RESULT)
    child = world.ctx.process
    with pytest.raises(StackJump):
        world.call(proc_exec3, *third(world))
    assert child.status is not None
    assert child.status.signal == 9


def test_proc_fork_env_fault(world: World) -> None:
    world.fails(Errno.FAULT, proc_fork_env, MEMORY - 3)


def test_proc_fork_env_again(world: World) -> None:
    world.kernel.max_processes = 1
    world.fails(Errno.AGAIN, proc_fork_env, RESULT)
