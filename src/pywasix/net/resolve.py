"""Names: who may ask for one, who is asked, and how a task waits for the answer.

Asked in this order: the user's own table (`hosts`), the embedder's resolver if there is one, else the network's.
``localhost`` and all names below it are the guest's own computer (RFC 6761 section 6.3), and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.kernel.wait import pause
from pywasix.net.rules import normal_name

if TYPE_CHECKING:
    from pywasix.kernel.task import Task
    from pywasix.net.network import Network
    from pywasix.net.stack import NetStack

MOST_BYTES = 1024
"""Of a name that a guest asks for; what is longer is none, whatever its IDNA form."""

_LOOPBACK = ("127.0.0.1", "::1")


class Lookup(Protocol):
    """One look-up under way."""

    @property
    def done(self) -> bool:
        """There is an answer."""
        ...

    def result(self) -> list[str]:
        """The addresses, or what the look-up raised."""
        ...

    def abandon(self) -> None:
        """Nobody waits for the answer any more. Harmless when there is one."""
        ...


class Lookups(Protocol):
    """Does in other threads what may take long."""

    def begin(self, find: Callable[[], list[str]], wake: Callable[[], None]) -> Lookup:
        """Let a thread call `find`, and `wake` when it came back. Errors: AGAIN no thread can be had."""
        ...

    def close(self) -> None:
        """The program ended: whatever has not begun is dropped."""
        ...


class Names:
    """What names mean for one program.

    Args:
        lookups: does what may take long.
        hosts: addresses by `normal_name`.
        ask: the embedder's resolver, in place of the network's own; it raises SysError only.
    """

    def __init__(
        self,
        lookups: Lookups,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
        ask: Callable[[str], list[str]] | None = None,
    ) -> None:
        self._lookups = lookups
        self._hosts = hosts or {}
        self._ask = ask

    def find(self, task: Task, stack: NetStack, name: str) -> tuple[Iterable[str], bool]:
        """The addresses of a name, and whether the answer is the user's own.

        Errors: NOENT the name is unknown; AGAIN, IO the look-up failed.
        """
        known = _LOOPBACK if is_localhost(name) else self._hosts.get(name)
        if known is not None:
            return known, True
        ask = self._ask or stack.lookup
        lookup = self._lookups.begin(lambda: ask(name), task.poller.wake)
        return _await(task, lookup), self._ask is not None or stack.own_names

    def close(self) -> None:
        """The program ended."""
        self._lookups.close()


def is_localhost(name: str) -> bool:
    """Whether a name (as `normal_name` gives it) means the guest's own computer."""
    return name == "localhost" or name.endswith(".localhost")


def find_addresses(network: Network, task: Task, text: str) -> list[bytes]:
    """The addresses that a guest's name or literal address means, in the order of the resolver.

    Signal handlers run meanwhile, and the look-up goes on, as getaddrinfo(3) does.

    Returns: 4 or 16 bytes each, none twice.
    Errors: ACCES the policy refuses; NOENT the name is unknown; AGAIN, IO the look-up failed.
    """
    name = normal_name(text)
    network.require_name(name or text)
    literal = _packed(text)
    if literal is not None:
        return [literal]
    if name is None:
        raise SysError(Errno.NOENT, f"{text!r} is no host name")
    found, own = network.names.find(task, network.stack, name)
    addresses = list(found)
    network.learn(name, addresses, trusted=own)
    packed = [each for each in map(_packed, addresses) if each is not None]
    if not packed:
        raise SysError(Errno.NOENT, f"nobody knows the name {name}")
    return list(dict.fromkeys(packed))


def _packed(text: str) -> bytes | None:
    """The bytes of an address; a scope, for which the answer has no room, is left out."""
    try:
        return ip_address(text.partition("%")[0]).packed
    except ValueError:
        return None


def _await(task: Task, lookup: Lookup) -> list[str]:
    try:
        while True:
            task.attend()  # before the look: a handler's own calls may take the wake-up that is ours
            if lookup.done:
                return lookup.result()
            pause(task, None)
    finally:
        lookup.abandon()
