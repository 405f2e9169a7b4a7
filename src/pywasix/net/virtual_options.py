"""Socket options that the virtual network only keeps: what it answers for them, Linux answers too."""

from __future__ import annotations

from pywasix.abi.enums import SockOption, SockType
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.net.address import INET4, INET6, Address

_STREAM = SockType.SOCKET_STREAM
_DATAGRAM = SockType.SOCKET_DGRAM
_HOPS = 64  # Linux: net.ipv4.ip_default_ttl, net.ipv6.conf.*.hop_limit
_MOST_HOPS = 255  # one byte in both headers
_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, without the IPv4 address
_DEFAULT = -1  # hops: back to the default

_FLAGS = {
    SockOption.REUSE_PORT: 0,
    SockOption.REUSE_ADDR: 0,
    SockOption.NO_DELAY: 0,
    SockOption.DONT_ROUTE: 0,
    SockOption.ONLY_V6: 0,
    SockOption.BROADCAST: 0,
    SockOption.MULTICAST_LOOP_V4: 1,
    SockOption.MULTICAST_LOOP_V6: 1,
    SockOption.KEEP_ALIVE: 0,
    SockOption.OOB_INLINE: 0,
}
_NUMBERS = {SockOption.TTL: _HOPS, SockOption.MULTICAST_TTL_V4: 1}
_FIXED = {SockOption.SEND_LOWAT: 1}
_DEFAULTS = _FLAGS | _NUMBERS | _FIXED
# Options of one family or one kind of socket; the others are everybody's.
_FAMILIES = {SockOption.ONLY_V6: INET6, SockOption.MULTICAST_LOOP_V6: INET6}
_KINDS = {SockOption.NO_DELAY: _STREAM}


class KeptOptions:
    """The options of one socket.

    Args:
        family, kind: of the socket; they decide which options there are.
    Attributes:
        of_pair: what was set of the options that the socket's pair has itself.
    """

    __slots__ = ("_family", "_kind", "_values", "of_pair")

    def __init__(self, family: int, kind: SockType) -> None:
        self._family = family
        self._kind = kind
        self._values: dict[SockOption, int] = {}
        self.of_pair: dict[SockOption, int] = {}

    def get(self, option: SockOption) -> int:
        """Errors: NOPROTOOPT; NOTSUP what only the other family or kind of socket has."""
        if option not in _DEFAULTS:
            raise SysError(Errno.NOPROTOOPT, f"the virtual network has no socket option {option.name}")
        if not self._fits(option):
            # Linux: ip_getsockopt answers EOPNOTSUPP for a foreign level, ipv6_getsockopt ENOPROTOOPT
            why = Errno.NOTSUP if self._family == INET4 else Errno.NOPROTOOPT
            raise SysError(why, f"this kind of socket has no option {option.name}")
        return self._values.get(option, _DEFAULTS[option])

    def set(self, option: SockOption, value: int) -> None:
        """Keep a value. Errors: NOPROTOOPT; INVAL out of its range."""
        if option not in _DEFAULTS or option in _FIXED or not self._fits(option):
            raise SysError(Errno.NOPROTOOPT, f"this kind of socket has no option {option.name}")
        if not self._in_range(option, value):
            raise SysError(Errno.INVAL, f"{option.name} cannot be {value}")
        if value == _DEFAULT:
            value = _DEFAULTS[option]
        self._values[option] = value if option in _NUMBERS else int(value != 0)

    def handed_down(self) -> KeptOptions:
        """For an accepted connection: Linux clones the listening socket (`sk_clone`)."""
        options = KeptOptions(self._family, self._kind)
        options._values.update(self._values)
        options.of_pair.update(self.of_pair)
        return options

    def bound(self, address: Address) -> None:
        """The socket was bound: at an IPv6 address of its own it is ONLY_V6 (Linux, `__inet6_bind`)."""
        if address.family == INET6 and any(address.ip) and not address.ip.startswith(_MAPPED):
            self._values[SockOption.ONLY_V6] = 1

    @property
    def only_v6(self) -> bool:
        """Whether an IPv6 socket wants no IPv4."""
        return self._family == INET6 and bool(self.get(SockOption.ONLY_V6))

    @property
    def reuse(self) -> tuple[bool, bool]:
        """REUSE_ADDR and REUSE_PORT."""
        return bool(self.get(SockOption.REUSE_ADDR)), bool(self.get(SockOption.REUSE_PORT))

    def _fits(self, option: SockOption) -> bool:
        family_fits = _FAMILIES.get(option, self._family) == self._family
        return family_fits and _KINDS.get(option, self._kind) is self._kind

    def _in_range(self, option: SockOption, value: int) -> bool:
        """The checks of Linux `do_ip_setsockopt` and `do_ipv6_setsockopt`."""
        match option:
            case SockOption.TTL:
                return int(self._family == INET4) <= value <= _MOST_HOPS or value == _DEFAULT
            case SockOption.MULTICAST_TTL_V4:
                return self._kind is _DATAGRAM and _DEFAULT <= value <= _MOST_HOPS
            case SockOption.MULTICAST_LOOP_V6:
                return value in (0, 1)
            case _:
                return True
