"""A program's network: a stack, the policy that judges its use, and the word on refusals."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, INET6, UNIX, Address, wildcard
from pywasix.net.stack import NetStack

if TYPE_CHECKING:
    from pywasix.net.policy import NetworkPolicy, Refusals, Request
    from pywasix.net.resolve import Names
    from pywasix.net.stack import Channel, SocketNames
    from pywasix.net.watch import Watch

_VERSIONS = {INET4: 4, INET6: 6, UNIX: 0}  # what a policy's request calls a family


class Network:
    """What a process may reach.

    Attributes:
        unrestricted: the policy never refuses anything, so that hot paths need not ask.
        unguarded: nobody who calls is refused or noted, so that accept need not ask.
        watch: what is told of connections and limits them; None for a program that nobody watches.

    Args:
        stack: makes the stack when the first socket is opened: many programs open none.
        policy: makes the policy when it is first asked; None refuses nothing.
        report: told one line at the first refusal; it names the flag that would allow it.
        names: makes what answers look-ups of names when the first one is asked for; None: nothing has a name.
    """

    def __init__(
        self,
        stack: Callable[[], NetStack],
        policy: Callable[[], NetworkPolicy] | None,
        report: Callable[[str], None],
        names: Callable[[], Names] | None = None,
    ) -> None:
        self.unrestricted = policy is None
        self.unguarded = policy is None
        self.watch: Watch | None = None
        self._make_stack = stack
        self._make_policy = policy
        self._report = report
        self._make_names = names
        self._names: Names | None = None
        self._making = Lock()  # guards the steps from no stack to one, and from no names to some
        self._stack: NetStack | None = None
        self._judge: tuple[NetworkPolicy, Refusals] | None = None

    @property
    def stack(self) -> NetStack:
        """The stack that sockets are opened on."""
        if self._stack is None:
            with self._making:
                if self._stack is None:
                    self._stack = self._make_stack()
        return self._stack

    @property
    def names(self) -> Names:
        """What answers look-ups of names. Errors: NOENT nothing has a name."""
        if self._names is None:
            if self._make_names is None:
                raise SysError(Errno.NOENT, "this network knows no names")
            with self._making:
                if self._names is None:
                    self._names = self._make_names()
        return self._names

    def prepared(self) -> Network:
        """The same with its stack made now, so that `close` gives back what it holds."""
        self._stack = self.stack
        return self

    def watched_by(self, watch: Watch) -> None:
        """Let somebody watch the connections. Call it before the first socket is opened."""
        make_stack = self._make_stack
        self._make_stack = lambda: watch.over(make_stack())
        if self._stack is not None:
            self._stack = watch.over(self._stack)
        self.watch = watch
        self.unguarded = False

    def unruled(self) -> Network:
        """The same network, watched by the same, without a policy: it must never get into the guest's hands."""
        other = Network(lambda: self.stack, None, self._report, lambda: self.names)
        other.watch = self.watch
        other.unguarded = self.watch is None
        return other

    @property
    def socket_names(self) -> SocketNames | None:
        """The names of the program's Unix sockets; None while none has had one."""
        return None if self._stack is None else self._stack.socket_names

    def close(self) -> None:
        """The program ended: give back what the stack holds for it."""
        if self._names is not None:
            self._names.close()
        if self._stack is not None:
            self._stack.close()

    @property
    def policy(self) -> NetworkPolicy | None:
        """What judges the use of the network; None when nothing is refused."""
        return None if self._make_policy is None else self._judging()[0]

    def allows(
        self, action: str, protocol: str, *, local: Address | None = None, remote: Address | None = None
    ) -> bool:
        """Whether the policy allows an action; the first refusal is reported."""
        if self._make_policy is None:
            return True
        from pywasix.net.policy import Request  # only restricted programs pay for it

        family = (local or remote or wildcard(INET4)).family
        request = Request(
            action=action,
            protocol=protocol,
            family=_VERSIONS[family],
            local=None if local is None else (local.host, local.port),
            remote=None if remote is None else (remote.host, remote.port),
            name=None,
        )
        return self._permitted(request)

    def admits(self, protocol: str, channel: Channel, peer: Address) -> bool:
        """Whether an accepted connection may stay; it is counted and told of then.

        Errors: what the channel says when it is of no use any more.
        """
        if self._make_policy is not None:
            local = channel.local()
            if not self.allows("accept", protocol, local=local, remote=peer):
                if self.watch is not None:
                    self.watch.refused("accept", protocol, local, peer)
                return False
        return self.watch is None or self.watch.admits(channel, peer)

    def _judging(self) -> tuple[NetworkPolicy, Refusals]:
        from pywasix.net.policy import Refusals

        if self._judge is None:
            assert self._make_policy is not None
            policy = self._make_policy()
            self._judge = policy, Refusals(policy)
        return self._judge

    def _permitted(self, request: Request) -> bool:
        policy, refusals = self._judging()
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
            if self.watch is not None:
                self.watch.refused(action, protocol, local, remote)
            raise SysError(Errno.ACCES, f"the network policy refuses {action} {local or remote}")

    def require_name(self, name: str) -> None:
        """Errors: ACCES when the policy refuses to look a name up."""
        if self._make_policy is None:
            return
        from pywasix.net.policy import Request

        if not self._permitted(Request("resolve", "udp", 0, name=name)):
            raise SysError(Errno.ACCES, f"the network policy refuses to resolve {name}")

    def learn(self, name: str, addresses: list[str], *, trusted: bool) -> None:
        """Tell the policy what a name was found to mean; see `NetworkPolicy.learn`."""
        if self._judge is not None:
            self._judge[0].learn(name, addresses, trusted=trusted)
