"""Signals: what is pending, what is handled, what the default is, and who gets them.

libc has one guest function for all signals, named through `callback_signal`; which C handler runs
is the guest's own business. Naming a function that the guest does not export blocks: signals wait.
The handler belongs to the process; whether signals wait is each thread's own, as the mask is in POSIX.
Defaults are those of POSIX signal.h. Numbers are musl's, which are Linux's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Lock, get_ident
from typing import TYPE_CHECKING

from pywasix.abi.enums import Disposition, Signal
from pywasix.abi.errno import Errno
from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.process import Process
    from pywasix.kernel.task import Task
    from pywasix.kernel.timers import Timer

# POSIX default actions "ignore" and "stop"; that of SIGCONT is done before anybody is asked what to do with it.
IGNORED_BY_DEFAULT = frozenset((Signal.CHLD, Signal.URG, Signal.WINCH, Signal.CONT))
STOPS_BY_DEFAULT = frozenset((Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU))
# Signals that calls go on after, as if handlers for them were always set with SA_RESTART. libc's one guest function
# hides whether there is a handler at all; a program that has none must not see EINTR when its window changes or a child
# ends.
RESUMED = frozenset((Signal.CHLD, Signal.WINCH, Signal.CONT, Signal.URG))
MAIN_THREAD = 0x3FFFFFFF
"""What libc takes for the main thread's tid before it has asked for it."""

_CONTINUE = frozenset((Signal.CONT,))
_HIGHEST = max(Signal)
_GROUP, _EVERYBODY = 0, -1
_COMPUTES = 10_000_000  # ns without a system call, after which a guest is interrupted for a signal
_SHORTEST_INTERVAL = 1_000_000  # ns


class TaskSignals:
    """The signal state of one task, guarded by its process's `Signals._lock`.

    Attributes:
        blocked: signals wait (`callback_signal` with an unknown name).
        pending: those sent to this task alone.
        reminded: a timer sees to it that the task looks for its signals.
        running: those whose handler runs in it now, which are blocked meanwhile.
    """

    __slots__ = ("blocked", "pending", "reminded", "running")

    def __init__(self) -> None:
        self.reminded = False
        self.blocked = False
        self.pending: set[int] = set()
        self.running: set[int] = set()


class Signals:
    """The signal state of a process. `_lock` guards `_pending`, `_timers` and the `TaskSignals` of its tasks.

    As on Linux a signal that is pending already is not counted again, and none interrupts its own handler.

    Attributes:
        handler: the guest's function for all signals; None before it named one.
        dispositions: what the program was started with.
        pipes: a write that nobody will read sends SIGPIPE; false for a guest whose libc knows no signals.
    """

    def __init__(self, process: Process, dispositions: dict[int, Disposition] | None = None) -> None:
        self._process = process
        self._pending: set[int] = set()
        self._timers: dict[int, Timer] = {}
        self._lock = Lock()
        self.handler: str | None = None
        self.dispositions = dict(dispositions or {})
        self.pipes = False

    # -- what the guest sets ------------------------------------------------

    def use_handler(self, name: str, *, exported: bool, task: Task | None = None) -> None:
        """`callback_signal`: name the guest's handler; an unknown name blocks the caller until a known one comes.

        Source: libc's crude mask, which names `__wasm_signal_blocked`, an export that never exists.

        Args:
            task: the caller; the main task unless given.
        """
        task = task or self._process.main_task
        if exported:
            self.handler = name
        with self._lock:
            task.signals.blocked = not exported
            waiting = bool(self._pending or task.signals.pending)
        if exported and waiting:
            task.notify()
        elif waiting:
            self._hand_on()

    def forked(self, child: Process, task: Task) -> None:
        """Give a process made by fork what it inherits: handler, dispositions, mask; nothing is pending (POSIX fork).

        Args:
            task: the caller of fork, whose copy is the child's main task.
        """
        other = child.signals
        other.handler = self.handler
        other.dispositions = dict(self.dispositions)
        with self._lock:
            other.main_state.blocked = task.signals.blocked
            other.main_state.running = set(task.signals.running)  # a fork in a handler returns in one

    @property
    def main_state(self) -> TaskSignals:
        """The state of the main task."""
        return self._process.main_task.signals

    def reset_for_exec(self, dispositions: dict[int, Disposition] | None = None) -> None:
        """Another program takes the process over: no handler is left, what is pending stays (POSIX exec).

        The crude mask goes too: the new program could not know that it has to lift it.

        Args:
            dispositions: what the caller wants the new program to begin with; what it had itself unless given.
        """
        self.handler = None
        if dispositions is not None:
            self.dispositions = dict(dispositions)
        with self._lock:
            state = self.main_state
            state.blocked = False
            state.running.clear()
            waiting = bool(self._pending or state.pending)
        if waiting:
            self._process.main_task.notify()

    # -- sending ------------------------------------------------------------

    def post(self, number: int, task: Task | None = None) -> None:
        """Send a signal to the process, or to one of its tasks. Any thread may call it.

        A signal that nobody handles has its default effect at once, without waiting for the guest. 0 is none, and
        a process that has ended takes it without a word, as a zombie does. A process that is stopped takes only
        SIGKILL and SIGCONT; all others wait.
        """
        if not number or self._process.status is not None:
            return
        if number == Signal.CONT:
            self._forget(STOPS_BY_DEFAULT)
            self._act_on_unhandled()
            if self._process.go_on(task):
                return
        elif number in STOPS_BY_DEFAULT:
            self._forget(_CONTINUE)
        self._send(number, task)

    def keep(self, number: int, task: Task | None = None) -> None:
        """Let a signal wait until somebody attends."""
        with self._lock:
            (self._pending if task is None else task.signals.pending).add(number)

    def _send(self, number: int, task: Task | None) -> None:
        if number in (Signal.KILL, Signal.STOP):
            self._default(number)
            return
        with self._lock:
            target = task or self._receiver(number)
            waits = target is None or target.signals.blocked or self._process.halted
            if self.handler is not None or waits:
                (self._pending if task is None else task.signals.pending).add(number)
                lasting = True
            else:
                lasting = False
        if not lasting:
            self._default(number)
        elif target is not None and not target.signals.blocked and not self._process.halted:
            target.notify()  # who is stopped is told when it goes on
            self._remind(target)

    def _forget(self, numbers: frozenset[int]) -> None:
        """What stops is no longer pending when SIGCONT comes, and the other way round (POSIX)."""
        with self._lock:
            self._pending -= numbers
            for task in list(self._process.tasks):
                task.signals.pending -= numbers

    def _act_on_unhandled(self) -> None:
        """What has waited for SIGCONT and is handled by nobody has its effect, before the guest goes on."""
        if self.handler is not None or not self._process.halted:
            return
        with self._lock:
            numbers: set[int] = set()
            for task in list(self._process.tasks):
                if not (task.ended or task.signals.blocked):
                    numbers |= self._pending | task.signals.pending
                    task.signals.pending.clear()
            self._pending -= numbers
        for number in sorted(numbers):
            self._default(number)

    def _remind(self, task: Task) -> None:
        """See to it that a task looks for its signals even if it computes for a long time.

        It gets the time of many system calls first. libc takes its lock of the handlers with signals enabled, for
        some instructions between which no host ever delivered one, so that a task is left alone while it may
        still be near a call.
        """
        if (
            task.asleep
            or task.standing
            or task.token is not None
            or task.nudge_engine is None
            or task.signals.reminded
            or task.thread == get_ident()
        ):
            return
        task.signals.reminded = True
        try:
            self._process.kernel.timers.start(_COMPUTES, partial(self._nudge, task))
        except SysError:  # the host has no thread left: the task hears of it at its next call
            task.signals.reminded = False

    def _nudge(self, task: Task) -> None:
        task.signals.reminded = False
        nudge = task.nudge_engine
        if task.attention and not task.stopping and nudge is not None:
            nudge()
            self._remind(task)  # the engine may have looked just before, and is slow to say so

    def broken_pipe(self, task: Task, error: SysError) -> None:
        """A write of a task has failed; if that was because nobody will read, it gets SIGPIPE too (POSIX write)."""
        if error.errno is Errno.PIPE and self.pipes:
            self.post(Signal.PIPE, task)

    def raise_interval(self, number: int, interval: int, *, repeat: bool) -> None:
        """Send the process a signal after `interval` ns, or after each; 0 takes that back (setitimer).

        Each signal has one timer. A time below a millisecond is one when it repeats: a guest must not keep the
        host busy with what it cannot handle anyway. Errors: AGAIN the host has no thread left.
        """
        timers = self._process.kernel.timers
        with self._lock:
            old = self._timers.get(number)
            if interval:
                delay = max(interval, _SHORTEST_INTERVAL) if repeat else interval
                action = partial(self.post, number)
                self._timers[number] = timers.start(delay, action, interval=delay if repeat else 0)
            else:
                self._timers.pop(number, None)
            if old is not None:
                timers.cancel(old)

    def cancel_timers(self) -> None:
        """The process has ended."""
        with self._lock:
            for timer in self._timers.values():
                self._process.kernel.timers.cancel(timer)
            self._timers.clear()

    def _receiver(self, number: int) -> Task | None:
        """Who may handle a signal to the process: the main task if it can, else another, else nobody yet (Linux)."""
        for task in list(self._process.tasks):
            if not (task.ended or task.stopping or task.signals.blocked or number in task.signals.running):
                return task
        return None

    def _hand_on(self) -> None:
        """Tell others about what is pending, when the task that was told cannot take it any more."""
        with self._lock:
            receivers = {task.tid: task for task in map(self._receiver, self._pending) if task is not None}
        for task in receivers.values():
            task.notify()

    def left(self, task: Task) -> None:
        """A task has ended: what was sent to it alone is gone, the rest is others'."""
        with self._lock:
            task.signals.pending.clear()
            waiting = bool(self._pending)
        if waiting:
            self._hand_on()

    # -- receiving ----------------------------------------------------------

    def deliver(self, task: Task) -> bool:
        """Run the guest's handler in a task for each signal that it may take.

        Returns: whether one ran that ends a call with INTR.
        """
        ran = False
        state = task.signals
        while not state.blocked:
            number = self._take(state)
            if not number:
                break
            if self.handler is None:  # exec left it pending
                self._default(number)
                continue
            self.run_handler(task, number, self.handler)
            ran = ran or number not in RESUMED
        return ran

    def run_handler(self, task: Task, number: int, name: str) -> None:
        """Run the guest's handler in a task; the signal is blocked meanwhile. Also where fork comes back into one."""
        running = task.signals.running
        running.add(number)
        try:
            task.call_guest(name, (number,))
        finally:
            running.discard(number)

    def _take(self, state: TaskSignals) -> int:
        """Take the pending signal with the lowest number whose handler does not run here; 0 when there is none."""
        with self._lock:
            number = min((self._pending | state.pending) - state.running, default=0)
            self._pending.discard(number)
            state.pending.discard(number)
        return number

    def _default(self, number: int) -> None:
        ignored = self.dispositions.get(number) == Disposition.IGNORE and number != Signal.KILL
        if number in STOPS_BY_DEFAULT:
            if not ignored or number == Signal.STOP:
                self._process.halt(number)
        elif not ignored and number not in IGNORED_BY_DEFAULT:
            self._process.terminate(number)


def check_number(number: int) -> None:
    """Errors: INVAL no such signal; 0 is one that only asks."""
    if not 0 <= number <= _HIGHEST:
        raise SysError(Errno.INVAL, f"there is no signal {number}")


def send(sender: Process, pid: int, number: int) -> None:
    """kill(2): send a signal to a process, or to each process of a group.

    The ABI has no process groups of its own: all processes of a program are one group, which has no number.

    Args:
        pid: a process; 0 everybody; -1 everybody but the caller.
    Errors: INVAL no such signal; SRCH nobody to send it to.
    """
    check_number(number)
    receivers = list(_receivers(sender, pid))
    if not receivers:
        raise SysError(Errno.SRCH, f"there is no process {pid}")
    for process in receivers:
        if process is not sender:
            process.signals.post(number)
    if sender in receivers:
        sender.signals.post(number)  # last: it may be the end of who sends


def _receivers(sender: Process, pid: int) -> Iterator[Process]:
    kernel = sender.kernel
    if pid > 0:
        process = kernel.process(pid)
        if process is not None:
            yield process
    elif pid in (_GROUP, _EVERYBODY):
        yield from (each for each in kernel.all_processes() if pid == _GROUP or each is not sender)


def send_to_thread(sender: Process, tid: int, number: int) -> None:
    """tgkill(2): send a signal to one thread of the caller's process.

    Errors: INVAL no such signal; SRCH no such thread, or it has ended.
    """
    check_number(number)
    task: Task | None = sender.main_task
    if tid != MAIN_THREAD:
        task = next((each for each in list(sender.tasks) if each.tid == tid), None)
    if task is None or task.ended:
        raise SysError(Errno.SRCH, f"there is no thread {tid}")
    sender.signals.post(number, task)
