"""Where packets of the virtual network go and what they come from, and which port a caller claims for that."""

from __future__ import annotations

from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET6, Address
from pywasix.net.virtual_groups import is_multicast
from pywasix.net.virtual_hosts import Node
from pywasix.net.virtual_ports import (
    LOOPBACK4,
    LOOPBACK6,
    Binding,
    Endpoint,
    Ports,
    is_loopback,
    is_wildcard,
    unmapped,
)

Reuse = tuple[bool, bool]
"""The options REUSE_ADDR and REUSE_PORT of a socket."""


def direct(node: Node, binding: Binding | None, address: Address, only_v6: bool) -> tuple[bytes, bytes]:
    """Where packets to an address go and what they come from, as Linux answers for each kind of socket.

    Errors: NETUNREACH; AFNOSUPPORT; INVAL.
    """
    destination = unmapped(address.ip)
    bound = None if binding is None else binding.covers[0]
    if len(destination) == 4 and address.family == INET6 and (only_v6 or (bound and _is_own_v6(bound))):
        raise SysError(Errno.NETUNREACH, f"no IPv4 from this socket: {address}")
    if is_wildcard(destination):
        destination = _meant_by_wildcard(destination, bound)
    if bound is not None and len(bound) < len(destination):
        raise SysError(Errno.AFNOSUPPORT, f"{address} from a socket that is bound to an IPv4 address")
    if bound is None or not node.holds(bound):  # not at all, to the wildcard, or where a group is heard
        return destination, node.source(destination)
    if is_loopback(bound) and not node.holds(destination) and not is_multicast(destination):
        # Linux drops such IPv6 packets on the way; a refusal says the same sooner.
        why = Errno.INVAL if len(bound) == 4 else Errno.NETUNREACH
        raise SysError(why, f"no packet from the loopback interface reaches {address}")
    return destination, bound


def _is_own_v6(bound: bytes) -> bool:
    return len(bound) == 16 and not is_wildcard(bound)


def _meant_by_wildcard(destination: bytes, bound: bytes | None) -> bytes:
    """Linux takes a wildcard destination for this host (`ip_route_output_key_hash_rcu`, `tcp_v6_connect`)."""
    if len(destination) == 16:
        return LOOPBACK4 if bound is not None and len(bound) == 4 else LOOPBACK6
    return LOOPBACK4 if bound is None or is_wildcard(bound) else bound


def claim_for_call(ports: Ports, binding: Binding | None, local: Address, peer: Endpoint, reuse: Reuse) -> Binding:
    """The caller's port, for one connection. Errors: ADDRNOTAVAIL."""
    source = (unmapped(local.ip),)
    if binding is None:
        binding = Binding(local, source, reuse_address=reuse[0], reuse_port=reuse[1], peer=peer)
        try:
            ports.claim(binding)
        except SysError:
            raise SysError(Errno.ADDRNOTAVAIL, "every ephemeral port is in use") from None
        return binding
    for other in ports.at(binding.address.port):
        if other is not binding and other.peer == peer and other.covers == source:
            raise SysError(Errno.ADDRNOTAVAIL, f"{binding.address} is connected to that peer already")
    binding.claim = local._replace(port=binding.address.port), source
    binding.peer = peer
    return binding
