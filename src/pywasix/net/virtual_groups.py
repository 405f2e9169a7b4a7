"""Multicast groups on the virtual network: who joined which, with the answers of Linux.

Nothing here locks; the network does.
"""

from __future__ import annotations

from collections import Counter

from pywasix.abi.errno import Errno
from pywasix.errors import SysError

LOOPBACK = 1
"""The index of each host's loopback interface."""
NETWORK = 2
"""The index of the interface that leads to the other hosts."""

Membership = tuple[bytes, int]
"""A group and the index of the interface it is joined on."""

_MOST_GROUPS = 20  # Linux: net.ipv4.igmp_max_memberships; IPv6 has no limit
# Every host is in these (RFC 1112 section 4, RFC 4291 section 2.7.1).
_ALL_HOSTS = (bytes((224, 0, 0, 1)), b"\xff\x02" + bytes(13) + b"\x01", b"\xff\x01" + bytes(13) + b"\x01")


def is_multicast(ip: bytes) -> bool:
    """Whether an address is a group's."""
    return ip[0] >> 4 == 0b1110 if len(ip) == 4 else ip[0] == 0xFF


def stays_here(ip: bytes) -> bool:
    """Whether packets to a group do not leave the host: IPv6 groups of interface-local scope."""
    return len(ip) == 16 and ip[1] & 0x0F == 1


class Groups:
    """The groups that the sockets of one host are in."""

    def __init__(self) -> None:
        self._joined: Counter[Membership] = Counter()

    def has(self, group: bytes, index: int) -> bool:
        """Whether the host takes packets to a group that arrive on an interface."""
        return group in _ALL_HOSTS or (group, index) in self._joined

    def join(self, membership: Membership) -> None:
        """One socket more is in a group."""
        self._joined[membership] += 1

    def leave(self, membership: Membership) -> None:
        """One socket less is in a group."""
        self._joined[membership] -= 1
        if not self._joined[membership]:
            del self._joined[membership]


class Memberships:
    """The groups that one socket is in.

    Args:
        groups: of its host.
    """

    __slots__ = ("_groups", "_joined")

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._joined: list[Membership] = []

    def join(self, group: bytes, index: int | None) -> None:
        """Join a group; `index` is None for an interface that there is not.

        Errors: INVAL no group; NODEV; ADDRINUSE joined already; NOBUFS too many.
        """
        if not is_multicast(group):
            raise SysError(Errno.INVAL, "the address is no multicast group")
        if index is None:
            raise SysError(Errno.NODEV, "there is no such interface")
        if (group, index) in self._joined:
            raise SysError(Errno.ADDRINUSE, "the socket is in that group already")
        if len(group) == 4 and sum(len(joined) == 4 for joined, _ in self._joined) >= _MOST_GROUPS:
            raise SysError(Errno.NOBUFS, f"a socket joins at most {_MOST_GROUPS} groups")
        self._joined.append((group, index))
        self._groups.join((group, index))

    def leave(self, group: bytes, index: int | None, *, anywhere: bool) -> None:
        """Leave a group; `anywhere`: on whichever interface it was joined.

        Errors: INVAL no IPv6 group; ADDRNOTAVAIL not joined. (An IPv4 address that is no group was never joined.)
        """
        if len(group) == 16 and not is_multicast(group):
            raise SysError(Errno.INVAL, "the address is no multicast group")
        for membership in self._joined:
            if membership[0] == group and (anywhere or membership[1] == index):
                self._joined.remove(membership)
                self._groups.leave(membership)
                return
        raise SysError(Errno.ADDRNOTAVAIL, "the socket is not in that group")

    def leave_all(self) -> None:
        """The socket is closed."""
        for membership in self._joined:
            self._groups.leave(membership)
        self._joined.clear()
