"""Look-ups of names: the operating system's resolver, the embedder's, and the threads they run in."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, printable
from pywasix.host.errors import sys_error

MOST_THREADS = 8
"""Look-ups of one program at the same time; further ones wait their turn."""

_ERRNOS = {
    socket.EAI_NONAME: Errno.NOENT,
    socket.EAI_AGAIN: Errno.AGAIN,
    socket.EAI_MEMORY: Errno.NOMEM,
}
# Not every system has them: the name is known, but has no address or none of a family.
for _name in ("EAI_NODATA", "EAI_ADDRFAMILY"):
    if hasattr(socket, _name):
        _ERRNOS[getattr(socket, _name)] = Errno.NOENT


def lookup(name: str) -> list[str]:
    """Ask the operating system for the addresses of a name, in its order. May take long.

    Errors: NOENT; AGAIN; NOMEM; IO.
    """
    try:
        found = socket.getaddrinfo(name.encode("ascii"), None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise lookup_error(error) from None
    return [str(each[4][0]) for each in found]


def lookup_error(error: OSError) -> SysError:
    """The errno of a look-up that failed."""
    if isinstance(error, socket.gaierror):
        return SysError(_ERRNOS.get(error.errno or 0, Errno.IO), error.strerror or "the look-up failed")
    return sys_error(error)


class AskedResolver:
    """An embedder's resolver: a callable that gets a name and gives the texts of its addresses.

    Args:
        ask: None or nothing in its answer means an unknown name; called from several threads at once.
        report: told one line when `ask` fails for the first time.
    """

    def __init__(self, ask: Callable[[str], Any], report: Callable[[str], None]) -> None:
        self._ask = ask
        self._report = report
        self._told = False
        self._lock = Lock()  # guards _told

    def lookup(self, name: str) -> list[str]:
        """Errors: those of `lookup_error` when the callable raises OSError; IO for whatever else goes wrong."""
        try:
            return _texts(self._ask(name))
        except socket.gaierror as error:
            raise lookup_error(error) from None  # it asked a resolver, and that one does not know
        except (Exception, SystemExit) as error:  # a thread of ours must live on, and the guest get an answer
            self._complain(name, error)
            raise SysError(Errno.IO, f"the resolver failed: {type(error).__name__}") from None

    def _complain(self, name: str, error: BaseException) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            from traceback import format_exception_only  # copes with an error that cannot be shown either

            what = printable("".join(format_exception_only(error)).strip())
            self._report(f"the resolver callable failed for {name}: {what}")


def _texts(answer: Any) -> list[str]:
    """Raises: TypeError, ValueError for what is no list of addresses."""
    if answer is None:
        return []
    if isinstance(answer, str):
        answer = (answer,)
    if hasattr(answer, "close") and hasattr(answer, "__await__"):
        answer.close()  # or Python warns of a coroutine that nobody awaited
        raise TypeError("it is asynchronous; a resolver is a plain callable")
    found = [str(each) for each in answer]
    for each in found:
        ip_address(each)
    return found


class _Lookup:
    """One look-up: a `net.resolve.Lookup`."""

    __slots__ = ("_answer", "_threads", "done", "find", "wake")

    def __init__(self, threads: LookupThreads, find: Callable[[], list[str]], wake: Callable[[], None]) -> None:
        self._threads = threads
        self.find = find
        self.wake = wake
        self.done = False
        self._answer: list[str] | BaseException = []

    def run(self) -> None:
        """In a look-up thread."""
        try:
            self._answer = self.find()
        except BaseException as error:
            self._answer = error
        self.done = True
        with suppress(OSError):
            self.wake()

    def result(self) -> list[str]:
        answer, self._answer = self._answer, []
        if isinstance(answer, BaseException):
            try:
                raise answer
            finally:
                del answer  # it holds this frame: a cycle would keep the program's memory for a while
        return answer

    def abandon(self) -> None:
        if not self.done:
            self._threads.forget(self)


class LookupThreads:
    """The look-ups of one program: a `net.resolve.Lookups`.

    Nobody can call getaddrinfo(3) back, so that each runs in a daemon thread, which ends when no look-up waits.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # guards _waiting and _running
        self._waiting: deque[_Lookup] = deque()
        self._running = 0

    def begin(self, find: Callable[[], list[str]], wake: Callable[[], None]) -> _Lookup:
        lookup = _Lookup(self, find, wake)
        with self._lock:
            if self._running == MOST_THREADS:
                self._waiting.append(lookup)
                return lookup
            self._running += 1
        try:
            Thread(target=self._work, args=(lookup,), name="pywasix-lookup", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            with self._lock:
                self._running -= 1
            raise SysError(Errno.AGAIN, "no thread can be had for a look-up") from None
        return lookup

    def _work(self, lookup: _Lookup) -> None:
        while True:
            lookup.run()
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                lookup = self._waiting.popleft()

    def forget(self, lookup: _Lookup) -> None:
        """Drop a look-up that still waits for its turn."""
        with self._lock, suppress(ValueError):
            self._waiting.remove(lookup)

    def close(self) -> None:
        """Drop every look-up that waits for its turn; the threads end as their resolvers come back."""
        with self._lock:
            self._waiting.clear()
