"""A program's network: a stack, the policy that judges its use, and the word on refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, Address, wildcard
from pywasix.net.stack import NetStack

if TYPE_CHECKING:
    from pywasix.net.policy import NetworkPolicy, Refusals


class Network:
    """What a process may reach.

    Attributes:
        unrestricted: nothing is ever refused, so that hot paths need not ask.

    Args:
        stack: makes the stack when the first socket is opened: many programs open none.
        policy: makes the policy when it is first asked; None refuses nothing.
        report: told one line at the first refusal; it names the flag that would allow it.
    """

    def __init__(
        self,
        stack: Callable[[], NetStack],
        policy: Callable[[], NetworkPolicy] | None,
        report: Callable[[str], None],
    ) -> None:
        self.unrestricted = policy is None
        self._make_stack = stack
        self._make_policy = policy
        self._report = report
        self._stack: NetStack | None = None
        self._judge: tuple[NetworkPolicy, Refusals] | None = None

    @property
    def stack(self) -> NetStack:
        """The stack that sockets are opened on."""
        if self._stack is None:
            self._stack = self._make_stack()
        return self._stack

    def prepared(self) -> Network:
        """The same with its stack made now, so that `close` gives back what it holds."""
        self._stack = self.stack
        return self

    def close(self) -> None:
        """The program ended: give back what the stack holds for it."""
        if self._stack is not None:
            self._stack.close()

    def allows(
        self, action: str, protocol: str, *, local: Address | None = None, remote: Address | None = None
    ) -> bool:
        """Whether the policy allows an action; the first refusal is reported."""
        if self._make_policy is None:
            return True
        from pywasix.net.policy import Refusals, Request  # only restricted programs pay for it

        if self._judge is None:
            policy = self._make_policy()
            self._judge = policy, Refusals(policy)
        policy, refusals = self._judge
        family = (local or remote or wildcard(INET4)).family
        request = Request(
            action=action,
            protocol=protocol,
            family=4 if family == INET4 else 6,
            local=None if local is None else (local.host, local.port),
            remote=None if remote is None else (remote.host, remote.port),
            name=None,
        )
        if policy.check(request):
            return True
        message = refusals.first(request)
        if message is not None:
            self._report(message)
        return False

    def require(
        self, action: str, protocol: str, *, local: Address | None = None, remote: Address | None = None
    ) -> None:
        """Errors: ACCES when the policy refuses."""
        if not self.allows(action, protocol, local=local, remote=remote):
            raise SysError(Errno.ACCES, f"the network policy refuses {action} {local or remote}")
