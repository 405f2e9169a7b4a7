"""A program's network: a stack, the policy that judges its use, and the word on refusals."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, Address, wildcard
from pywasix.net.policy import NetworkPolicy, Refusals, Request
from pywasix.net.stack import NetStack


class Network:
    """What a process may reach.

    Attributes:
        unrestricted: nothing is ever refused, so that hot paths need not ask.

    Args:
        report: told one line at the first refusal; it names the flag that would allow it.
    """

    def __init__(self, stack: NetStack, policy: NetworkPolicy, report: Callable[[str], None]) -> None:
        self.stack = stack
        self.policy = policy
        self.unrestricted = policy.unrestricted
        self._report = report
        self._refusals = Refusals(policy)

    def allows(
        self, action: str, protocol: str, *, local: Address | None = None, remote: Address | None = None
    ) -> bool:
        """Whether the policy allows an action; the first refusal is reported."""
        if self.unrestricted:
            return True
        family = (local or remote or wildcard(INET4)).family
        request = Request(
            action=action,
            protocol=protocol,
            family=4 if family == INET4 else 6,
            local=None if local is None else (local.host, local.port),
            remote=None if remote is None else (remote.host, remote.port),
            name=None,
        )
        if self.policy.check(request):
            return True
        message = self._refusals.first(request)
        if message is not None:
            self._report(message)
        return False

    def require(
        self, action: str, protocol: str, *, local: Address | None = None, remote: Address | None = None
    ) -> None:
        """Errors: ACCES when the policy refuses."""
        if not self.allows(action, protocol, local=local, remote=remote):
            raise SysError(Errno.ACCES, f"the network policy refuses {action} {local or remote}")
