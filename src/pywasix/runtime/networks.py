"""Which network a program gets, and who judges its use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pywasix.errors import OptionError
from pywasix.net.network import Network
from pywasix.net.stack import NetStack

if TYPE_CHECKING:
    from pywasix.host.virtual import VirtualNetwork
    from pywasix.net.policy import NetworkPolicy, Request

    Net: TypeAlias = bool | str | NetworkPolicy | Callable[[Request], bool] | VirtualNetwork | NetStack | None


def make_network(net: Net, policy: NetworkPolicy | None, report: Callable[[str], None]) -> Network:
    """The network of a program."""
    if policy is not None and not hasattr(policy, "check"):
        raise OptionError(f"policy is {policy!r}; it is a NetworkPolicy, such as NetworkPolicy.from_rules(...)")
    stack = _virtual_stack(net)
    if stack is not None:
        # Its addresses are taken, so that they must be given back in any case.
        return Network(lambda: stack, None if policy is None else lambda: policy, report).prepared()
    if policy is not None:
        raise OptionError("policy goes with a VirtualNetwork; give the policy as net to use the host's network")
    return Network(_host_stack, _policy(net), report)


def _host_stack() -> NetStack:
    from pywasix.host.sockets import HostStack  # only who opens a socket pays for it

    return HostStack()


def _virtual_stack(net: Any) -> NetStack | None:
    """A program's place on a virtual network. Who has not loaded that module has not made one."""
    virtual = sys.modules.get("pywasix.host.virtual")
    if virtual is not None and isinstance(net, virtual.VirtualNetwork):
        attached: NetStack = net.attach()
        return attached
    return net if hasattr(net, "open") and hasattr(net, "close") else None


def _policy(net: Any) -> Callable[[], NetworkPolicy] | None:
    """What makes the policy; None for one that refuses nothing. Rules are looked at now, to tell of mistakes."""
    if net is True:
        return None
    if net is None or net is False:
        return _deny_all
    from pywasix.net.policy import NetworkPolicy, PolicyError

    if isinstance(net, str):
        try:
            policy = NetworkPolicy.from_rules(net)
        except PolicyError as error:
            raise OptionError(f"net: {error}") from error
    elif isinstance(net, NetworkPolicy):
        policy = net
    elif callable(net):
        policy = NetworkPolicy(net)
    else:
        raise OptionError(f"net is {net!r}; it is True, rules, a NetworkPolicy, a callable or a VirtualNetwork")
    return None if policy.unrestricted else lambda: policy


def _deny_all() -> NetworkPolicy:
    from pywasix.net.policy import NetworkPolicy

    return NetworkPolicy.deny_all()
