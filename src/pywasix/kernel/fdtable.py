"""Descriptor tables: numbers of one process, each referring to an open file description.

A call that makes a descriptor reserves the number first (MFILE shows before anything is done that
cannot be undone) and installs or cancels it later. Numbers are the lowest free ones, as POSIX says.

A server does `reserve`, `install` and `close` for each connection. These take the lock by its methods: a with
statement costs Python 3.11 over twice as much (250 ns against 110), which is felt three times for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError

if TYPE_CHECKING:
    from pywasix.kernel.file import File
    from pywasix.kernel.task import Task


class Descriptor:
    """One entry of a table: a file, what may be done through this entry, and close-on-exec."""

    __slots__ = ("cloexec", "file", "inheriting", "preopen", "rights")

    def __init__(
        self,
        file: File,
        rights: int,
        inheriting: int = 0,
        *,
        cloexec: bool = False,
        preopen: bytes | None = None,
    ) -> None:
        self.file = file
        self.rights = rights
        self.inheriting = inheriting
        self.cloexec = cloexec
        self.preopen = preopen

    def copy(self, *, cloexec: bool = False) -> Descriptor:
        """Another descriptor of the same file with the same rights (dup)."""
        return Descriptor(self.file, self.rights, self.inheriting, cloexec=cloexec)

    def inherited(self) -> Descriptor:
        """The same in the table of a child: close-on-exec and the name of a pre-opened directory stay."""
        return Descriptor(self.file, self.rights, self.inheriting, cloexec=self.cloexec, preopen=self.preopen)


class OpenFiles:
    """How many files all processes of a program have open together (Linux file-max); guarded by the descriptor lock.

    Attributes:
        limit: how many there may be.
        held: files that are open, and numbers that are kept for files to come.
    """

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def full(self) -> SysError:
        """What to say when there may be no more."""
        return SysError(Errno.NFILE, f"the processes of the program have {self.held} files open together")


class FdTable:
    """The descriptors of one process.

    Attributes:
        entries: by number. Hot paths read it; only this class changes it.

    Args:
        limit: numbers are below it (Linux RLIMIT_NOFILE).
        lock: the kernel's descriptor lock. It guards every table's entries and every file's
            `references`, because forked processes share files.
        waiters: the tasks of the kernel that wait on a file, to be told when it goes away.
        files: what is open in all tables of the program.
    """

    def __init__(self, limit: int, lock: Lock, waiters: Callable[[File], Sequence[Task]], files: OpenFiles) -> None:
        self.entries: dict[int, Descriptor] = {}
        self._reserved: set[int] = set()
        self._lowest = 0  # no number below it is free
        self.limit = limit
        self._lock = lock
        self._waiters = waiters
        self._files = files
        self._closed = False
        self._extra = 0

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, fd: int) -> bool:
        return fd in self.entries

    def get(self, fd: int) -> Descriptor:
        """The entry of a descriptor. Errors: BADF."""
        try:
            return self.entries[fd]
        except KeyError:
            raise SysError(Errno.BADF, f"fd {_signed(fd)} is not open") from None

    def file(self, fd: int, right: int) -> File:
        """The file of a descriptor that must have a right. Errors: BADF; NOTCAPABLE."""
        try:
            entry = self.entries[fd]
        except KeyError:
            entry = self.get(fd)  # says BADF, in its words
        if not entry.rights & right:
            raise entry.file.without_right(fd, right)
        return entry.file

    def reserve(self, minimum: int = 0) -> int:
        """Keep the lowest free number that is at least `minimum`.

        Errors: MFILE; NFILE the program's processes have too many files together; INVAL minimum beyond the limit.
        """
        lock = self._lock
        lock.acquire()
        try:
            entries, reserved = self.entries, self._reserved
            lowest = self._lowest
            fd = minimum if minimum > lowest else lowest
            while fd in entries or fd in reserved:
                fd += 1
            if fd >= self.limit:
                raise self._no_number(minimum)
            files = self._files
            if files.held >= files.limit:
                raise files.full()
            files.held += 1
            reserved.add(fd)
            if minimum <= lowest:
                self._lowest = fd + 1
            return fd
        finally:
            lock.release()

    def _no_number(self, minimum: int) -> SysError:
        if minimum >= self.limit:
            return SysError(Errno.INVAL, f"descriptor numbers end at {self.limit - 1}")
        return SysError(Errno.MFILE, f"all {self.limit} descriptors are in use (--max-fds)")

    def take_extra(self) -> None:
        """Count a descriptor of the host's that no number of a guest stands for. Errors: MFILE; NFILE."""
        with self._lock:
            if self._extra >= self.limit // 2:
                raise SysError(Errno.MFILE, f"{self._extra} descriptors are watched under further numbers (--max-fds)")
            if self._files.held >= self._files.limit:
                raise self._files.full()
            self._files.held += 1
            self._extra += 1

    def give_extra(self) -> None:
        """It is closed."""
        with self._lock:
            self._files.held -= 1
            self._extra -= 1

    def cancel(self, fd: int) -> None:
        """Give a reserved number back."""
        with self._lock:
            self._reserved.discard(fd)
            self._files.held -= 1
            self._lowest = min(self._lowest, fd)

    def install(self, fd: int, entry: Descriptor) -> None:
        """Put an entry under a reserved number. Cannot fail."""
        file = entry.file
        self._lock.acquire()
        self._reserved.discard(fd)
        if file.references:  # it is one of those that are counted
            self._files.held -= 1
        file.references += 1
        closed = self._closed
        if not closed:
            self.entries[fd] = entry
        self._lock.release()
        if closed:
            self._release(file)  # the process ended while the call was under way

    def add(self, entry: Descriptor, minimum: int = 0) -> int:
        """Reserve and install in one step; returns the number. Errors: MFILE."""
        fd = self.reserve(minimum)
        self.install(fd, entry)
        return fd

    def replace(self, fd: int, entry: Descriptor) -> None:
        """Put an entry under a number of the caller's choice, closing what was there (dup2). Errors: BADF; BUSY."""
        if fd >= self.limit:
            raise SysError(Errno.BADF, f"descriptor numbers end at {self.limit - 1}")
        with self._lock:
            if fd in self._reserved:
                raise SysError(Errno.BUSY, f"fd {fd} is being opened by another thread")
            if not entry.file.references:
                self._files.held += 1
            entry.file.references += 1
            old = entry if self._closed else self.entries.get(fd)  # the process ended: nothing is kept
            if not self._closed:
                self.entries[fd] = entry
        if old is not None:
            self._release(old.file)

    def close(self, fd: int) -> None:
        """Close a descriptor. Errors: BADF."""
        self._lock.acquire()
        try:
            entry = self.entries.pop(fd, None)
            if entry is None:
                raise SysError(Errno.BADF, f"fd {_signed(fd)} is not open")
            if fd < self._lowest:
                self._lowest = fd
            file = entry.file
            left = file.references = file.references - 1
            # Nobody has to be told: the usual case is done with the lock that is held.
            plain = not (left or file.disposed or file.watch) and (file.closes_safely or not self._waiters(file))
            if plain:
                file.disposed = True
                self._files.held -= 1
        finally:
            self._lock.release()
        if plain:
            file.close()
        elif not left:
            self.dispose(file)

    def move(self, source: int, target: int) -> None:
        """Renumber, the preview1 way: both are open before, the source is gone afterwards. Errors: BADF; BUSY."""
        with self._lock:
            if target in self._reserved:
                raise SysError(Errno.BUSY, f"fd {target} is being opened by another thread")
            for fd in (source, target):
                if fd not in self.entries:
                    raise SysError(Errno.BADF, f"fd {_signed(fd)} is not open")
            if source == target:
                return
            old = self.entries[target]
            self.entries[target] = self.entries.pop(source)
            self._lowest = min(self._lowest, source)
        self._release(old.file)

    def copy_to(self, child: FdTable) -> None:
        """Give a new process what is open here; both refer to the same files (POSIX fork)."""
        with self._lock:
            child.entries = {fd: entry.inherited() for fd, entry in self.entries.items()}
            for entry in child.entries.values():
                entry.file.references += 1

    def close_on_exec(self) -> None:
        """Close what is marked so."""
        for fd, entry in self.items():
            if entry.cloexec:
                with suppress(SysError):  # closed meanwhile, or what was written did not reach its disk
                    self.close(fd)

    def close_all(self) -> None:
        """The process ended: close everything, also what is still being opened.

        An errno of a close is nobody's any more. Another exception, a mistake of ours, is raised when all is done.
        """
        with self._lock:
            self._closed = True
            entries = list(self.entries.values())
            self.entries.clear()
        broken: Exception | None = None
        # Many descriptors may be copies of one; counting them this way keeps a million from holding a kill up.
        for file, count in Counter(map(attrgetter("file"), entries)).items():
            try:
                self._release(file, count)
            except SysError:
                continue
            except Exception as error:
                broken = broken or error
        if broken is not None:
            raise broken

    def items(self) -> list[tuple[int, Descriptor]]:
        """A copy of the table, by number."""
        with self._lock:
            return sorted(self.entries.items())

    def _release(self, file: File, count: int = 1) -> None:
        with self._lock:
            file.references -= count
            if file.references:
                return
        self.dispose(file)

    def dispose(self, file: File) -> None:
        """Give an unreferenced file back, or leave that to the task that still waits on it.

        A number that a system call is using must not be closed under it: the host could hand the
        same number to somebody else. So the waiter is told, and the last one to leave closes.
        """
        while (watch := file.watch) is not None:
            watch.end()
        waiters = () if file.closes_safely else self._waiters(file)
        for task in waiters:
            task.lost_file = file
            task.poller.wake()
        if waiters:
            return
        self._lock.acquire()
        disposed, file.disposed = file.disposed, True
        self._files.held -= not disposed
        self._lock.release()
        if not disposed:
            file.close()


def _signed(fd: int) -> int:
    return fd - (1 << 32) if fd >= 1 << 31 else fd
