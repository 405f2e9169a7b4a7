"""epoll: many files watched at once, and only those told that have something to tell.

The host's own epoll does the watching, so that nothing here looks at every file. This is Linux's idea of what
is watched: a pair of descriptor number and open file. A closed number stays watched while a copy keeps its file
open; with a file's last descriptor everything that watches it goes, before the host's descriptor is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.codecs import encode_epoll_event, epoll_event_with
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.file import File
from pywasix.kernel.wait import READABLE, Handle, poll

if TYPE_CHECKING:
    from pywasix.kernel.fdtable import FdTable
    from pywasix.kernel.task import Task

_PATIENCE = 0.02  # seconds that the first look may take, in which no wake-up reaches it
_FEW = 1024  # events that there is room for at once, however few files are watched

# Guards what every epoll watches, and the `watch` of files. One for all: a file may be watched by several.
_watching = Lock()


class EpollHost(Protocol):
    """The host's epoll. Events are those of `kernel.wait`, with `EpollType.EPOLLET` and `EPOLLONESHOT`.

    Attributes:
        look: waits for so many seconds, 0 not at all, and returns at most so many pairs of a key and what is
            true of its file, in the host's words.
        told: those words in the kernel's.
        readable: the word that says READABLE and nothing else.
    """

    readable: int
    look: Callable[[float, int], Sequence[tuple[int, int]]]
    told: Callable[[int], int]

    def fileno(self) -> int: ...

    def key_of(self, handle: Handle) -> int:
        """The key that `add` gives a handle first; watching it once more takes one more of the host's files."""
        ...

    def add(self, handle: Handle, events: int) -> int:
        """Watch a handle; returns the key that stands for it. Errors: BADF; LOOP; NOMEM; NOSPC; PERM; MFILE."""
        ...

    def change(self, key: int, events: int) -> None:
        """Watch for other events from now on; what is true already is told anew."""
        ...

    def remove(self, key: int) -> None:
        """Watch no more. Must be called before the handle's descriptor is closed."""
        ...

    def close(self) -> None: ...


class Watch:
    """One watched pair of descriptor number and file.

    Attributes:
        key: what the host calls it.
        event: what is told when the file is readable, as the ABI stores it; other events differ in their first word.
        born: how many watches its epoll had dropped by then.
        charged: whose limit of descriptors it counts against, because the host needs one more for it; else None.
        before, after: its neighbours among the watches of its file.
    """

    __slots__ = ("_epoll", "after", "before", "born", "charged", "event", "events", "file", "key", "number")

    def __init__(self, epoll: Epoll, key: int, number: int, file: File, events: int, data: bytes, born: int) -> None:
        self._epoll = epoll
        self.key = key
        self.number = number
        self.file = file
        self.set(events, data)
        self.born = born
        self.charged: FdTable | None = None
        self.before: Watch | None = None
        self.after = file.watch
        if file.watch is not None:
            file.watch.before = self
        file.watch = self

    def leave(self) -> None:
        """The file is not watched by this any more."""
        if self.before is None:
            self.file.watch = self.after
        else:
            self.before.after = self.after
        if self.after is not None:
            self.after.before = self.before

    def set(self, events: int, data: bytes) -> None:
        """Watch for these events, and tell 24 bytes with each."""
        self.events = events
        self.event = encode_epoll_event(READABLE, data)

    def corrected(self, events: int) -> int:
        """What is true of the file, of what the host says."""
        conditions = self.file.conditions
        return events if conditions is None else conditions(events, self.events)

    def end(self) -> None:
        """The file is about to be closed."""
        self._epoll.drop(self)


class Epoll(File):
    """An epoll descriptor's file.

    Args:
        host: watches; it is closed with the file.
    """

    def __init__(self, host: EpollHost) -> None:
        self._host = host
        self.handle = host
        self._host_look, self._told, self._readable = host.look, host.told, host.readable
        self._watches: dict[int, Watch] = {}
        self._by_number: dict[tuple[int, File], Watch] = {}
        self._dropped = 0
        self._corrected = 0  # how many watched files have `conditions`
        self._closed = False

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        raise SysError(Errno.INVAL, "an epoll descriptor is waited on, not read")

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        raise SysError(Errno.INVAL, "an epoll descriptor cannot be written")

    # -- what is watched ----------------------------------------------------

    def add(self, task: Task, number: int, file: File, events: int, data: bytes) -> None:
        """Watch a file under the number of its descriptor.

        Errors: EXIST; LOOP; BADF closed meanwhile; MFILE too many numbers of watched files; NOMEM, NOSPC, MFILE of
            the host.
        """
        task.waiting_on = file  # so that nobody closes it while the host is told its number
        try:
            with _watching:
                if self._closed or not file.references:
                    raise SysError(Errno.BADF, "another thread closed the descriptor")
                if (number, file) in self._by_number:
                    raise SysError(Errno.EXIST, f"fd {number} is watched already")
                self._add(task, number, file, events, data)
        finally:
            task.leave(file)

    def _add(self, task: Task, number: int, file: File, events: int, data: bytes) -> None:
        assert file.handle is not None
        charged = task.process.fds if self._host.key_of(file.handle) in self._watches else None
        if charged is not None:
            charged.take_extra()
        try:
            key = self._host.add(file.handle, events)
        except BaseException:
            if charged is not None:
                charged.give_extra()
            raise
        watch = self._watches[key] = Watch(self, key, number, file, events, data, self._dropped)
        watch.charged = charged
        self._by_number[number, file] = watch
        self._corrected += file.conditions is not None

    def change(self, number: int, file: File, events: int, data: bytes) -> None:
        """Watch for other events, with other data; re-arms what was to be told once. Errors: NOENT."""
        with _watching:
            watch = self._known(number, file)
            watch.set(events, data)
            self._host.change(watch.key, events)

    def remove(self, number: int, file: File) -> None:
        """Watch a file no more. Errors: NOENT."""
        with _watching:
            self._forget(self._known(number, file))

    def drop(self, watch: Watch) -> None:
        """End a watch, if it has not ended already."""
        with _watching:
            if self._by_number.get((watch.number, watch.file)) is watch:
                self._forget(watch)

    def _known(self, number: int, file: File) -> Watch:
        watch = self._by_number.get((number, file))
        if watch is None:
            raise SysError(Errno.NOENT, f"fd {number} is not watched")
        return watch

    def _forget(self, watch: Watch) -> None:
        del self._by_number[watch.number, watch.file]
        self._dropped += 1
        self._corrected -= watch.file.conditions is not None
        watch.leave()
        if self._watches.get(watch.key) is watch:  # else the host has given the key anew
            del self._watches[watch.key]
            self._host.remove(watch.key)
        if watch.charged is not None:
            watch.charged.give_extra()

    def close(self) -> None:
        with _watching:
            self._closed = True
            for watch in list(self._by_number.values()):
                self._forget(watch)
            self._host.close()

    # -- waiting ------------------------------------------------------------

    def wait(self, task: Task, most: int, timeout_ns: int | None) -> bytes:
        """Wait until a watched file has something to tell; signal handlers run meanwhile.

        Args:
            most: events to return, at least 1.
            timeout_ns: None waits for ever.
        Returns: events as the ABI stores them, one after the other; none when the time is over.
        Errors: BADF closed by another thread.
        """
        task.waiting_on = self
        try:
            if not self.references:
                raise SysError(Errno.BADF, "another thread closed the descriptor")
            deadline = None if timeout_ns is None else monotonic_ns() + timeout_ns
            found = self._look(most, _PATIENCE if timeout_ns is None else min(timeout_ns / 1e9, _PATIENCE))
            if found or (deadline is not None and monotonic_ns() >= deadline):
                return found
            return self._await(task, most, deadline)
        finally:
            task.waiting_on = None
            if not self.references:
                task.leave(self)

    def _await(self, task: Task, most: int, deadline: int | None) -> bytes:
        interests, files = ((self._host, READABLE),), frozenset((self,))
        while True:
            poll(task, interests, deadline, files)
            if not self.references:
                raise SysError(Errno.BADF, "another thread closed the descriptor")
            found = self._look(most, 0)  # another task may have been quicker
            if found or (deadline is not None and monotonic_ns() >= deadline):
                return found

    def _look(self, most: int, seconds: float) -> bytes:
        if most > _FEW:
            most = max(_FEW, min(most, len(self._watches)))
        before = self._dropped
        found = self._host_look(seconds, most)
        if not found:
            return b""
        if self._corrected:
            return self._certain(found, before)
        if len(found) == 1:  # a server that is not busy: nearly always readable
            key, words = found[0]
            watch = self._watches.get(key)
            if watch is not None and words == self._readable and self._dropped == before:
                return watch.event
        watch_of, told, readable = self._watches.get, self._told, self._readable
        events = b"".join(
            [
                each.event if words == readable else epoll_event_with(told(words), each.event)
                for key, words in found
                if (each := watch_of(key))
            ]
        )
        return events if self._dropped == before else self._certain(found, before)

    def _certain(self, found: Sequence[tuple[int, int]], before: int) -> bytes:
        """The events of watches that were there `before`, corrected; a key that was given anew is asked for again.

        What the host found of such a key may be of the file that had it, and the new one must not be told so. It
        may as well be its own, and an edge of it: so the host looks at it once more.
        """
        events = b""
        with _watching:
            for key, words in found:
                watch = self._watches.get(key)
                if watch is None:
                    continue
                if watch.born <= before:
                    events += epoll_event_with(watch.corrected(self._told(words)), watch.event)
                else:
                    self._host.change(key, watch.events)
        return events
