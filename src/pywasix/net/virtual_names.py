"""Names of hosts on a virtual network. They belong to it alone: no look-up leaves it."""

from __future__ import annotations

from ipaddress import ip_address

from pywasix.errors import OptionError

_LONGEST = 253  # characters, RFC 1035 section 2.3.4 without the root's dot
_LOOPBACK = ("127.0.0.1", "::1")


class Names:
    """Which addresses each name has. Nothing here locks; the network does."""

    def __init__(self) -> None:
        self._addresses: dict[str, list[str]] = {}

    def check(self, name: str) -> str:
        """A name as it is kept: lower case, without a dot at the end. Raises: OptionError for what is none."""
        kept = _normal(name)
        if not kept or len(kept) > _LONGEST or not kept.isprintable() or " " in kept:
            raise OptionError(f"{name!r} is no name for a host")
        if _is_local(kept):
            raise OptionError(f"{name!r} is every host's own name for itself")
        if _is_address(kept):
            raise OptionError(f"{name!r} is an address, not a name")
        return kept

    def add(self, name: str, *addresses: str) -> None:
        """Give a name that was checked addresses more."""
        known = self._addresses.setdefault(name, [])
        known += [each for each in addresses if each not in known]

    def knows(self, name: str) -> bool:
        """Whether a name that was checked has addresses."""
        return name in self._addresses

    def forget(self, name: str, *addresses: str) -> None:
        """Take addresses from a name; without any the name is gone."""
        left = [each for each in self._addresses.get(name, ()) if each not in addresses]
        self._addresses.pop(name, None)
        if left:
            self._addresses[name] = left

    def lookup(self, name: str) -> list[str]:
        """The addresses of a name, IPv4 before IPv6; none for a name that nobody has."""
        kept = _normal(name)
        if _is_local(kept):
            return list(_LOOPBACK)
        return sorted(self._addresses.get(kept, ()), key=lambda text: ":" in text)


def _normal(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_local(name: str) -> bool:
    """RFC 6761 section 6.3: localhost and all names below it."""
    return name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
