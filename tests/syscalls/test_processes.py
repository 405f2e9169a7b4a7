"""fork, waiting for children, and checkpoints: errors and what is stored. What fork makes is the contract tests'."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywasix.abi.enums import JoinFlags, JoinStatusType, Option
from pywasix.abi.errno import Errno
from pywasix.abi.records import OptionPid
from pywasix.errors import StackJump, SysError, ThreadEnd
from pywasix.host.terminal import HostTerminal
from pywasix.kernel.process import ExitStatus, Process
from pywasix.kernel.tty import Terminal
from pywasix.syscalls.proc import proc_fork, proc_fork_2022, proc_join, proc_join_2022
from pywasix.syscalls.stack import stack_checkpoint, stack_restore
from syscalls.launching import Stack, end
from terminals import screen
from world import MEMORY, SIGNAL_HANDLER, WatchedPoller, World

PID, STATUS, SNAPSHOT, VALUE = 64, 128, 256, 512
NON_BLOCKING = int(JoinFlags.NON_BLOCKING)
ANY = 0xFFFFFFFF


def fork(world: World, stack: Stack) -> Process:
    world.call(proc_fork, 1, PID)
    assert world.u32(PID) == stack.forked[-1].pid
    return stack.forked[-1]


def wanted(world: World, pid: int | None) -> int:
    option = OptionPid(Option.NONE, 0) if pid is None else OptionPid(Option.SOME, pid)
    return world.put(PID, option.pack())


def joined(world: World) -> tuple[int, int, int, int]:
    """pid; tag, exit code and signal."""
    return world.u32(PID + 4), world.number(STATUS, 1), world.number(STATUS + 2, 2), world.number(STATUS + 4, 1)


# -- fork ---------------------------------------------------------------------


def test_a_child_has_what_its_parent_had(world: World, stack: Stack) -> None:
    world.process.env.append(b"A=1")
    child = fork(world, stack)
    assert (child.parent, child.args, child.env[-1]) == (world.process.pid, world.process.args, b"A=1")
    assert child.main_task.checkpoints is not world.task.checkpoints


@pytest.mark.parametrize("handler", [proc_fork_2022])
def test_the_first_fork_copies(world: World, stack: Stack, handler: Callable[..., None]) -> None:
    world.call(handler, PID)
    assert world.u32(PID) == stack.forked[0].pid


def test_proc_fork_fault(world: World, stack: Stack) -> None:
    world.fails(Errno.FAULT, proc_fork, 1, MEMORY - 3)
    assert not stack.forked


def test_proc_fork_inval(world: World, stack: Stack) -> None:
    world.fails(Errno.INVAL, proc_fork, 2, PID)


def test_who_is_being_ended_makes_no_children(world: World, stack: Stack) -> None:
    """The program would have more and more to end."""
    world.task.stopping = True
    with pytest.raises(SysError, match="AGAIN"):
        world.kernel.fork_process(world.task)
    assert world.kernel.all_processes() == [world.process]


def test_a_host_without_descriptors_is_told_as_again(world: World, stack: Stack) -> None:
    def no_poller() -> WatchedPoller:
        raise SysError(Errno.MFILE)

    world.kernel._new_poller = no_poller
    world.fails(Errno.AGAIN, proc_fork, 1, PID)


def test_proc_fork_again(world: World, stack: Stack) -> None:
    world.kernel.max_processes = 3
    for _ in range(2):
        fork(world, stack)
    world.fails(Errno.AGAIN, proc_fork, 1, PID)
    end(stack.forked[0])
    world.fails(Errno.AGAIN, proc_fork, 1, PID)  # a zombie counts
    world.call(proc_join, wanted(world, None), 0, STATUS)
    fork(world, stack)


@pytest.mark.parametrize("errno", [Errno.NOMEM, Errno.AGAIN])
def test_a_fork_that_fails_leaves_no_child(world: World, stack: Stack, errno: Errno) -> None:
    stack.fails = errno
    world.fails(errno, proc_fork, 1, PID)
    assert [process.pid for process in world.kernel.all_processes()] == [world.process.pid]


def test_proc_fork_nomem(world: World, stack: Stack) -> None:
    stack.fails = Errno.NOMEM
    world.fails(Errno.NOMEM, proc_fork, 1, PID)


def test_proc_fork_notsup(world: World) -> None:
    world.fails(Errno.NOTSUP, proc_fork, 1, PID)


def test_a_vforked_child_is_the_caller_until_it_ends(world: World, stack: Stack) -> None:
    parent = world.process
    world.call(proc_fork, 0, PID)
    assert world.u32(PID) == 0
    child = world.task.process
    assert child is not parent
    assert (world.ctx.process, world.ctx.fds) == (child, child.fds)
    assert child.parent == parent.pid
    borrowed = world.task.child
    assert borrowed is not None
    back = borrowed.end(ExitStatus(5))
    assert back is not None
    assert back.value == child.pid
    assert world.task.process is world.ctx.process is parent
    world.call(proc_join, wanted(world, child.pid), 0, STATUS)
    assert joined(world) == (child.pid, JoinStatusType.EXIT_NORMAL, 5, 0)


def test_a_vfork_of_an_interactive_program_copies(world: World, stack: Stack) -> None:
    """POSIX: handlers are the parent's own. libc keeps them in the memory that both would share."""
    world.process.signals.use_handler(SIGNAL_HANDLER, exported=True)
    with screen() as seen:
        device = HostTerminal(seen.theirs)
        world.kernel.terminal = Terminal(device)
        world.call(proc_fork, 0, PID)
        device.release()
    assert world.u32(PID) == stack.forked[0].pid
    assert world.task.child is None


# -- waiting --------------------------------------------------------------------


def test_exit_codes_and_signals_are_told(world: World, stack: Stack) -> None:
    first, second = fork(world, stack), fork(world, stack)
    end(first, code=0x1_07)
    end(second, signal=15)
    world.call(proc_join, wanted(world, second.pid), 0, STATUS)
    assert joined(world) == (second.pid, JoinStatusType.EXIT_SIGNAL, 0, 15)
    world.call(proc_join, wanted(world, None), 0, STATUS)
    assert joined(world)[:3] == (first.pid, JoinStatusType.EXIT_NORMAL, 7)


def test_one_that_runs_is_told_as_nobody(world: World, stack: Stack) -> None:
    child = fork(world, stack)
    for pid in (child.pid, None):
        world.call(proc_join, wanted(world, pid), NON_BLOCKING, STATUS)
        assert joined(world) == (0, JoinStatusType.NOTHING, 0, 0)


def test_a_waiter_is_woken(world: World, stack: Stack) -> None:
    child = fork(world, stack)
    call = world.start(proc_join, wanted(world, child.pid), 0, STATUS)
    call.await_blocked()
    end(child, 3)
    assert call.errno() is None
    assert joined(world)[:3] == (child.pid, JoinStatusType.EXIT_NORMAL, 3)


def test_an_orphan_is_the_first_processes(world: World, stack: Stack) -> None:
    child = fork(world, stack)
    grandchild = world.kernel.fork_process(child.main_task)
    ended = world.kernel.fork_process(child.main_task)
    end(ended)
    assert world.kernel.process(ended.pid) is ended
    end(child)
    assert world.kernel.process(ended.pid) is None, "nobody can ask for it any more"
    assert grandchild.parent == 1
    world.fails(Errno.CHILD, proc_join, wanted(world, grandchild.pid), 0, STATUS)
    end(grandchild)
    assert world.kernel.process(grandchild.pid) is None


def test_proc_join_fault(world: World, stack: Stack) -> None:
    fork(world, stack)
    world.fails(Errno.FAULT, proc_join, MEMORY - 7, 0, STATUS)
    world.fails(Errno.FAULT, proc_join, wanted(world, None), 0, MEMORY - 5)


def test_proc_join_inval(world: World) -> None:
    world.fails(Errno.INVAL, proc_join, world.put(PID, OptionPid(2, 0).pack()), 0, STATUS)
    world.fails(Errno.INVAL, proc_join, wanted(world, None), 4, STATUS)


def test_proc_join_child(world: World, stack: Stack) -> None:
    world.fails(Errno.CHILD, proc_join, wanted(world, None), 0, STATUS)
    child = fork(world, stack)
    world.fails(Errno.CHILD, proc_join, wanted(world, child.pid + 1), NON_BLOCKING, STATUS)


def test_proc_join_intr(world: World, stack: Stack) -> None:
    fork(world, stack)
    world.signal()
    world.fails(Errno.INTR, proc_join, wanted(world, None), 0, STATUS)


def test_the_status_of_2022_is_that_of_waitpid(world: World, stack: Stack) -> None:
    first, second = fork(world, stack), fork(world, stack)
    end(first, 5)
    end(second, signal=9)
    world.call(proc_join_2022, world.words(PID, ANY), STATUS)
    assert (world.u32(PID), world.u32(STATUS)) == (first.pid, 5 << 8)
    world.call(proc_join_2022, world.words(PID, second.pid), STATUS)
    assert (world.u32(PID), world.u32(STATUS)) == (second.pid, 9)


def test_proc_join_2022_fault(world: World, stack: Stack) -> None:
    end(fork(world, stack))
    world.fails(Errno.FAULT, proc_join_2022, MEMORY - 3, STATUS)
    world.fails(Errno.FAULT, proc_join_2022, world.words(PID, ANY), MEMORY - 3)
    world.call(proc_join_2022, PID, STATUS)


def test_proc_join_2022_child(world: World) -> None:
    world.fails(Errno.CHILD, proc_join_2022, world.words(PID, ANY), STATUS)


def test_proc_join_2022_intr(world: World, stack: Stack) -> None:
    fork(world, stack)
    world.signal()
    world.fails(Errno.INTR, proc_join_2022, world.words(PID, ANY), STATUS)


# -- checkpoints ----------------------------------------------------------------


def test_a_jump_takes_its_value_back(world: World, stack: Stack) -> None:
    world.call(stack_checkpoint, SNAPSHOT, VALUE)
    assert world.number(VALUE, 8) == 0
    with pytest.raises(StackJump) as raised:
        world.call(stack_restore, SNAPSHOT, 2**64 - 1)
    assert (raised.value.value, raised.value.data) == (2**64 - 1, b"")


def test_data_of_frames_that_have_returned_is_put_back(world: World, stack: Stack) -> None:
    world.put(4096, b"of the frame")
    world.call(stack_checkpoint, SNAPSHOT, VALUE)
    stack.here += 12  # its function returns, and another one writes there
    with pytest.raises(StackJump) as raised:
        world.call(stack_restore, SNAPSHOT, 1)
    assert raised.value.data == b"of the frame"


def test_a_checkpoint_that_is_none_aborts(world: World, stack: Stack) -> None:
    with pytest.raises(ThreadEnd):
        world.call(stack_restore, SNAPSHOT, 1)
    assert world.process.status is not None
    assert world.process.status.signal == 6


def test_checkpoints_do_not_pile_up(world: World, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywasix.kernel.checkpoints._MOST_BYTES", 10_000)
    world.call(stack_checkpoint, SNAPSHOT, VALUE)
    for _ in range(10):
        stack.here -= 64
        for place in range(20):
            world.call(stack_checkpoint, SNAPSHOT + 32 + 32 * place, VALUE)
        stack.here += 32
        world.call(stack_checkpoint, SNAPSHOT + 1000, VALUE)
        with pytest.raises(StackJump):
            world.call(stack_restore, SNAPSHOT + 1000, 1)


def test_stack_checkpoint_fault(world: World, stack: Stack) -> None:
    world.fails(Errno.FAULT, stack_checkpoint, MEMORY - 23, VALUE)
    world.fails(Errno.FAULT, stack_checkpoint, SNAPSHOT, MEMORY - 7)


def test_stack_checkpoint_nomem(world: World, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(saved: object) -> bytes:
        raise SysError(Errno.NOMEM, "too much")

    monkeypatch.setattr(stack, "data", full)
    world.fails(Errno.NOMEM, stack_checkpoint, SNAPSHOT, VALUE)
    monkeypatch.undo()
    world.call(stack_checkpoint, SNAPSHOT, VALUE)


def test_stack_checkpoint_notsup(world: World) -> None:
    world.fails(Errno.NOTSUP, stack_checkpoint, SNAPSHOT, VALUE)
