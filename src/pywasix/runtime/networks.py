"""Which network a program gets, and who judges its use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pywasix.errors import OptionError
from pywasix.net.network import Network
from pywasix.net.stack import NetStack

if TYPE_CHECKING:
    from pywasix.host.virtual import VirtualNetwork
    from pywasix.net.policy import NetworkPolicy, Request
    from pywasix.net.resolve import Names

    Net: TypeAlias = bool | str | NetworkPolicy | Callable[[Request], bool] | VirtualNetwork | NetStack | None
    Hosts: TypeAlias = Mapping[str, str | Iterable[str]]
    Resolver: TypeAlias = Callable[[str], Iterable[str] | None]


def make_network(
    net: Net,
    policy: NetworkPolicy | None,
    report: Callable[[str], None],
    hosts: Hosts | None = None,
    resolver: Resolver | None = None,
) -> Network:
    """The network of a program."""
    names = _names(hosts, resolver, report)
    if policy is not None and not hasattr(policy, "check"):
        raise OptionError(f"policy is {policy!r}; it is a NetworkPolicy, such as NetworkPolicy.from_rules(...)")
    stack = _virtual_stack(net)
    if stack is not None:
        # Its addresses are taken, so that they must be given back in any case.
        return Network(lambda: stack, None if policy is None else lambda: policy, report, names).prepared()
    if policy is not None:
        raise OptionError("policy goes with a VirtualNetwork; give the policy as net to use the host's network")
    return Network(_host_stack, _policy(net), report, names)


def descriptors_each(net: Any) -> int:
    """How many descriptors of the host one of the program may take: a socket of a virtual network is a pair."""
    virtual = sys.modules.get("pywasix.host.virtual")  # as in `_virtual_stack`
    return 1 if virtual is None or not isinstance(net, virtual.VirtualNetwork | virtual.VirtualHost) else 2


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
        kinds = "True, a string of rules, a NetworkPolicy, a callable or a VirtualNetwork"
        raise OptionError(f"net is {net!r}; it is {kinds}")
    return None if policy.unrestricted else lambda: policy


def _deny_all() -> NetworkPolicy:
    from pywasix.net.policy import NetworkPolicy

    return NetworkPolicy.deny_all()


def _names(hosts: Any, resolver: Any, report: Callable[[str], None]) -> Callable[[], Names]:
    """What makes the name service. The options are looked at now, to tell of mistakes."""
    if resolver is not None and not callable(resolver):
        raise OptionError(f"resolver is {resolver!r}; it is a callable that gets a name and gives its addresses")
    known = static_hosts(hosts) if hosts else {}

    def make() -> Names:
        from pywasix.host.resolver import AskedResolver, LookupThreads  # only who looks names up pays for it
        from pywasix.net.resolve import Names

        ask = None if resolver is None else AskedResolver(resolver, report).lookup
        return Names(LookupThreads(), known, ask)

    return make


def static_hosts(hosts: Any) -> dict[str, tuple[str, ...]]:
    """The addresses of each name, as `net.resolve.Names` takes them.

    Args:
        hosts: an address or several by name; names mean the same in every spelling of theirs.
    Raises: OptionError.
    """
    from pywasix.net.resolve import is_localhost
    from pywasix.net.rules import is_numeric, normal_name

    if not isinstance(hosts, Mapping):
        raise OptionError(f"--add-host (hosts) is {hosts!r}; it is a dict of names and their addresses")
    found: dict[str, tuple[str, ...]] = {}
    for given, addresses in hosts.items():
        name = normal_name(given) if isinstance(given, str) else None
        if name is None or is_numeric(name):
            raise OptionError(f"--add-host (hosts) has {given!r}, which is no host name")
        if is_localhost(name):
            raise OptionError(f"--add-host (hosts) has {given!r}, which is always the program's own computer")
        found[name] = found.get(name, ()) + _address_texts(name, addresses)
    return found


def _address_texts(name: str, addresses: Any) -> tuple[str, ...]:
    from ipaddress import ip_address

    try:
        listed = [addresses] if isinstance(addresses, str) or not isinstance(addresses, Iterable) else list(addresses)
        texts = tuple(str(ip_address(str(each))) for each in listed)
    except ValueError as error:
        raise OptionError(f"--add-host (hosts) gives {name!r} an address that is none: {error}") from None
    if not texts:
        raise OptionError(f"--add-host (hosts) gives {name!r} no address")
    return texts
