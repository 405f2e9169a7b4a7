"""Saving a guest's frames, and going back into them: setjmp, longjmp, fork and vfork.

Toolchains for WASIX run Binaryen's asyncify over a module. Its functions can then save their locals into a buffer
while they return (`asyncify_start_unwind`), and, called again, restore them and go on where they were
(`asyncify_start_rewind`). So one save is: a system call starts it and returns; every frame saves itself and returns;
the entry point has returned; the buffer is copied out. Going back: the buffer is filled, the entry point is
called, every frame calls what it had called before, and the system call is called again, which ends it.

The buffer lies at the low end of the guest's own stack, below everything that is in use, as every host has it:
{u32 where the next frame goes, u32 the end}, then the frames. What is on the guest's data stack stays in its memory,
and the kernel decides what of it is put back. The globals are put back, because functions that go on do not set
the stack pointer again.

A signal handler runs inside of a system call: there are host frames between the guest's. Saving returns through
them: a host frame is left by `StackUnwinding` and noted. Going back, the guest calls that import again;
`_Reentry` stands in its place, calls the handler again, and answers what the call was about to answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pywasix.abi.cells import u32_pair
from pywasix.abi.enums import Signal
from pywasix.abi.errno import Errno
from pywasix.engine.epoch import STACK_POINTER
from pywasix.engine.stops import Stopped
from pywasix.errors import StackJump, StackUnwinding, SysError, ThreadEnd
from pywasix.kernel.process import ExitStatus

if TYPE_CHECKING:
    from pywasix.engine.border import Border, Handler, Name
    from pywasix.engine.instance import GuestTask
    from pywasix.kernel.process import Process

_CONTROLS = {
    "asyncify_start_unwind": "i:",
    "asyncify_stop_unwind": ":",
    "asyncify_start_rewind": "i:",
    "asyncify_stop_rewind": ":",
}
_NO_ASYNCIFY = "its asyncify exports are no asyncify: the frames end where there is no room for them"
_HEAD = 8  # bytes of the buffer's head
MOST_BYTES = 16 << 20  # of one stack, frames or data: what is kept of it takes the host's memory, not the guest's
_ALIGN = 16  # of stacks in the C ABI of wasm
_THREAD = "wasi_thread_start"
_THREADS_2022 = ("_start_thread", "_react")
THREAD_ENTRIES = (_THREAD, *_THREADS_2022)


class GuestCall(NamedTuple):
    """A call of an export by the host, for a signal or not (0)."""

    name: str
    arguments: tuple[int | float, ...]
    signal: int = 0


class _HostFrame(NamedTuple):
    """An imported function that had called the guest when the stack was saved.

    Attributes:
        name: which one.
        call: what it had called.
        outcome: what it answers when that has returned; None: it begins again.
    """

    name: Name
    call: GuestCall
    outcome: int | SysError | None


class Frames(NamedTuple):
    """A saved stack, from the entry point to the system call.

    Attributes:
        entry: the export that the engine had called.
        data: what asyncify has saved.
        registers: exported globals and their values.
        hosts: the host's frames in between, the outermost first.
    """

    entry: GuestCall
    pointer: int
    data: bytes
    registers: dict[str, int | float]
    hosts: tuple[_HostFrame, ...]

    @property
    def size(self) -> int:
        """About what it takes of the host's memory."""
        return len(self.data) + 200 * (1 + len(self.registers) + len(self.hosts))


class Unwinder:
    """The frames of one task of a guest: a `kernel.stack.CallStack`."""

    def __init__(self, guest: GuestTask, border: Border) -> None:
        self.unwinding = False
        self._guest = guest
        self._border = border
        self._entry: GuestCall | None = None
        self._then: Callable[[Frames], int] | None = None
        self._answer: int | SysError | None = None
        self._hosts: deque[_HostFrame] = deque()
        self._again: deque[_HostFrame] = deque()
        self._put_back: list[Callable[[], None]] = []
        self._fixed = 0  # calls of the guest in progress that cannot be gone back into
        self._nested: GuestCall | None = None
        self._controlled = False  # one of the guest's asyncify exports runs
        self._room = range(0)  # where the frames that are being saved may end
        self._bottom: int | None = None
        """Where the stack's low end is."""
        self._top = 0
        self._able: bool | None = None
        self._controls: dict[str, Callable[..., None]] = {}

    @property
    def moving(self) -> bool:
        """The guest saves its frames or goes back into them."""
        return self.unwinding or self._answer is not None

    # -- for system calls ---------------------------------------------------

    def through(self, then: Callable[[Frames], int]) -> int:
        if self._controlled:
            raise SysError(Errno.NOTSUP, "the guest calls this from one of its asyncify exports")
        if self._answer is not None:
            return self._arrive()
        self._check()
        buffer, pointer = self._low(), min(self.pointer(), self._low() + _HEAD + MOST_BYTES)
        self._guest.memory.check(buffer, _HEAD)
        if not buffer + _HEAD < pointer:
            raise SysError(Errno.NOTSUP, f"no room between the stack's end at {buffer:#x} and its top at {pointer:#x}")
        self._guest.memory.write(buffer, u32_pair(buffer + _HEAD, pointer))
        self._then = then
        self.unwinding = True
        self._room = range(buffer + _HEAD, pointer + 1)
        self._guest.guarded(lambda: self._control("asyncify_start_unwind", buffer))
        raise StackUnwinding

    def pointer(self) -> int:
        return self._guest.exports.register(STACK_POINTER) or 0

    def data(self, saved: Any) -> bytes:
        size = max(0, self._top - saved.pointer)
        if size > MOST_BYTES:
            raise SysError(Errno.NOMEM, f"{size} bytes on the guest's stack; {MOST_BYTES} can be kept")
        return self._guest.memory.read(saved.pointer, size)

    def fork(self, child: Process, saved: Any) -> None:
        from pywasix.engine.threads import GuestProcess  # it imports what imports this

        copy = self._guest.copy(child.main_task)
        copy.unwinder._bottom, copy.unwinder._top = self._bottom, self._top
        try:
            child.kernel.launcher.launch(child, GuestProcess(copy, lambda: copy.run_copy(saved)))
        except BaseException:
            copy.close()
            raise

    def belong_to(self, process: Process) -> None:
        self._guest.belong_to(process)

    def passed(self, name: Name, outcome: int | SysError | None) -> None:
        call, self._nested = self._nested, None
        if call is None:
            self._guest.task.process.abort("its asyncify exports are no asyncify: it goes on while its stack is saved")
            raise ThreadEnd
        self._hosts.appendleft(_HostFrame(name, call, outcome))

    # -- for the engine's calls of the guest ---------------------------------

    def enter(self, name: str, arguments: tuple[int | float, ...]) -> tuple[Any, ...]:
        """Call an entry point, and go on with it until its frames have returned for good. Raises: Stopped."""
        self._entry = GuestCall(name, arguments)
        if self._bottom is None and "asyncify_start_unwind" in self._guest.module.exports:
            self._note_stack(name, arguments)
        return self._go_on()

    def re_enter(self, frames: Frames, answer: int) -> tuple[Any, ...]:
        """Go back into frames that another instance saved."""
        self._prepare(frames, answer)
        return self._go_on()

    def nested(self, call: GuestCall, run: Callable[[], object]) -> None:
        """Call the guest from inside a system call."""
        fixed = not call.signal
        self._fixed += fixed
        try:
            run()
        finally:
            self._fixed -= fixed
        if self.unwinding:
            self._nested = call
            self._guest.task.attention = True  # also for a call that has done a part and does not raise this
            raise StackUnwinding(nested=True)

    # -- in between -----------------------------------------------------------

    def _go_on(self) -> tuple[Any, ...]:
        task = self._guest.task
        try:
            while True:
                try:
                    while task.stopping:  # it, or the child in its place
                        if not self._return_from_child():
                            raise Stopped(lambda: "stopped")
                    entry = self._entry
                    assert entry is not None
                    results = self._guest.exports.call(entry.name, entry.arguments)
                    if not (self._save() or self._return_from_child()):
                        return results
                except Stopped as stopped:  # also on the way between two calls, which are the guest's functions too
                    if not self._recover(stopped):
                        raise
        finally:
            self._entry = None
            while task.child is not None:
                task.child.end(ExitStatus(signal=Signal.KILL))

    def _save(self) -> bool:
        """The entry point has returned: if its frames were being saved, do what that was for and prepare going back."""
        if not self.unwinding:
            return False
        then = self._then
        assert then is not None
        assert self._entry is not None
        self._control("asyncify_stop_unwind")
        self.unwinding = False
        buffer, memory = self._low(), self._guest.memory
        end = memory.load_u32(buffer)
        if end not in self._room:
            raise Stopped(lambda: _NO_ASYNCIFY)
        data = memory.read(buffer + _HEAD, end - buffer - _HEAD)
        frames = Frames(self._entry, self.pointer(), data, self._guest.exports.registers(), tuple(self._hosts))
        self._dissolve()
        try:
            answer: int | SysError = then(frames)
        except SysError as error:
            answer = error
        self._prepare(frames, answer)
        return True

    def _recover(self, stopped: Stopped) -> bool:
        """The engine came back early: whether the guest goes on elsewhere."""
        while True:
            self._dissolve(stopped)
            try:
                return self._jump(stopped)
            except Stopped as again:  # who would have gone on was ended too
                if self._guest.task.child is None:
                    return False
                stopped = again.with_traceback(None)  # its frames are these, and would keep the guest alive

    def _jump(self, stopped: Stopped) -> bool:
        """The engine came back early: whether the guest goes on elsewhere."""
        task = self._guest.task
        jump = task.unwind
        if isinstance(jump, StackJump):
            task.unwind = None
            return self._jump_to(jump)
        return task.child is not None and self._return_from_child(self._guest.status_of(stopped))

    def _jump_to(self, jump: StackJump) -> bool:
        frames = jump.target
        assert isinstance(frames, Frames)
        self._prepare(frames, jump.value)
        self._guest.memory.write(frames.pointer, jump.data)
        return True

    def _return_from_child(self, status: ExitStatus | None = None) -> bool:
        """A child that ran on this stack (vfork) has ended: whether its parent goes on."""
        task = self._guest.task
        while (child := task.child) is not None:  # a parent that cannot go on may be a child itself
            jump = child.end(status or ExitStatus())
            if jump is not None:
                return self._jump_to(jump)
        return False

    def _prepare(self, frames: Frames, answer: int | SysError) -> None:
        """Fill the buffer, so that calling the entry point goes back into these frames."""
        buffer = self._low()
        end = buffer + _HEAD + len(frames.data)
        self._guest.memory.write(buffer, u32_pair(end, end) + frames.data)
        self._guest.exports.set_registers(frames.registers)
        self._entry = frames.entry
        self._answer = answer
        self._again = deque(frames.hosts)
        for name in {host.name for host in frames.hosts}:
            self._put_back.append(self._border.replace(name, self._reentry))
        self._control("asyncify_start_rewind", buffer)

    def _arrive(self) -> int:
        """The guest is back in the system call that saved its frames."""
        answer = self._answer
        assert answer is not None
        self._guest.guarded(lambda: self._control("asyncify_stop_rewind"))
        self._dissolve()  # not before: the engine may look for signals in there
        if isinstance(answer, SysError):
            raise answer
        return answer

    def _reentry(self, handler: Handler) -> Handler:
        """What answers an import that had called the guest, on the way back."""

        def again(ctx: Any, *values: int) -> int | None:
            if not self._again:
                return handler(ctx, *values)
            frame = self._again.popleft()
            task, call = self._guest.task, frame.call
            try:
                task.process.signals.run_handler(task, call.signal, call.name)
            except StackUnwinding as unwinding:
                unwinding.outcome = frame.outcome
                raise
            if isinstance(frame.outcome, SysError):
                raise frame.outcome
            return handler(ctx, *values) if frame.outcome is None else frame.outcome

        return again

    def _dissolve(self, stopped: Stopped | None = None) -> None:
        """Nothing is being saved or gone back into any more."""
        if stopped is not None and self.unwinding:
            stopped.addition += "\nits stack has no room for its frames to be saved (setjmp, fork)"
        self.unwinding = False
        self._then = self._answer = self._nested = None
        self._hosts.clear()
        self._again.clear()
        for put_back in self._put_back:
            put_back()
        self._put_back.clear()

    # -- what the guest must have -----------------------------------------------

    def _check(self) -> None:
        """Errors: NOTSUP the stack of now cannot be saved."""
        guest = self._guest
        if self._able is None:
            missing = [name for name, kind in _CONTROLS.items() if guest.exports.signature(name) != kind]
            self._able = not missing and STACK_POINTER in guest.exports.registers()
        if not self._able:
            raise SysError(Errno.NOTSUP, "the module was not built with asyncify, or does not export what that takes")
        if self._entry is None or self._fixed:
            raise SysError(Errno.NOTSUP, "the guest was not called by its entry point, but by a destructor")
        if guest.task.interrupted:
            raise SysError(Errno.NOTSUP, "a signal handler runs in the middle of the guest's computing")

    def _note_stack(self, entry: str, arguments: tuple[int | float, ...]) -> None:
        """Find out where the stack is while that can be seen: what tells of a thread's is soon gone."""
        memory = self._guest.memory
        try:
            if entry == _THREAD:
                from pywasix.abi.records import ThreadStart  # only threads pay for them

                started = memory.load(ThreadStart, int(arguments[1]))
                self._bottom, self._top = max(0, started.stack - started.stack_size), started.stack
            elif entry in _THREADS_2022:
                from pywasix.abi.records import ThreadStart2022

                place = memory.load(ThreadStart2022, int(arguments[0]))
                self._bottom, self._top = place.stack_low, place.stack_top
            else:
                self._bottom, self._top = self._low_end(), self.pointer()
        except SysError:  # the guest gave an address outside of its memory; saving its stack will be NOTSUP
            self._bottom = None

    def _low_end(self) -> int | None:
        """The low end of the main stack."""
        guest = self._guest
        low = guest.exports.register("__stack_low")
        if low is None:
            # Sources: the linker puts the stack either behind the data, or first (Rust), at address 0.
            data_end, top = guest.exports.register("__data_end"), guest.exports.register(STACK_POINTER)
            if data_end is None or top is None:
                return None
            low = 0 if data_end >= top else data_end
        return int(low)

    def _low(self) -> int:
        """Where the buffer is."""
        if self._bottom is None:
            raise SysError(Errno.NOTSUP, "the module does not export where its stack ends (__data_end)")
        return -(-self._bottom // _ALIGN) * _ALIGN

    def _control(self, name: str, *values: int) -> None:
        call = self._controls.get(name)
        if call is None:
            call = self._controls[name] = self._guest.exports.control(name)
        self._controlled = True
        try:
            call(*values)
        finally:
            self._controlled = False
