"""setjmp and longjmp: keeping a call stack, and going back into it."""

from __future__ import annotations

from pywasix.abi.records import Hash, StackSnapshot
from pywasix.abi.scalars import In, Longsize, Out
from pywasix.kernel.stack import SavedStack
from pywasix.syscalls.context import Context
from pywasix.syscalls.row import EXTENSION, syscall


@syscall(modules=EXTENSION)
def stack_checkpoint(ctx: Context, snapshot: Out[StackSnapshot], ret_val: Out[Longsize]) -> None:
    """Note the call stack of now; `ret_val` is 0, and each time that stack_restore comes back here its value.

    ABI: WASIX; the guest needs asyncify. Errors: FAULT; NOTSUP built without, or called by a destructor; NOMEM more
    on the stack than can be kept.
    """
    ctx.memory.check(snapshot, StackSnapshot.SIZE)
    ctx.memory.check(ret_val, 8)

    def keep(saved: SavedStack) -> int:
        ctx.task.checkpoints.keep(
            ctx.task, saved, lambda key: ctx.memory.store(snapshot, StackSnapshot(key, Hash(saved.pointer, 0)))
        )
        return 0

    ctx.memory.store_u64(ret_val, ctx.task.stack.through(keep))


@syscall(modules=EXTENSION, result="noreturn")
def stack_restore(ctx: Context, snapshot: In[StackSnapshot], val: Longsize) -> None:
    """Go back to where a checkpoint was taken; the guest's memory stays as it is.

    ABI: WASIX. Errors: none, it does not return; a snapshot that is none ends the process by SIGABRT.
    """
    ctx.task.checkpoints.restore(ctx.task, ctx.memory.load(StackSnapshot, snapshot).user, val)
