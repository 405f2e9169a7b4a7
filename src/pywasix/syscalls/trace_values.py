"""Guest values as text, for traces: what a number, a record or some bytes mean by their declared type.

Everything is read off the types of the ABI, nothing is written for single calls. A value that means nothing
(an unknown enumeration number, a stray flag bit) is shown as its number, never refused.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntFlag
from typing import Any, get_args, get_origin

from pywasix.abi.addresses import Addr, AddrCidr, AddrIp4, AddrIp6, AddrIp6Bare, AddrPort, Route
from pywasix.abi.codecs import decode_addr_unix
from pywasix.abi.enums import AddressFamily, Option, SockType, Whence
from pywasix.abi.generation import AbiGeneration
from pywasix.abi.layout import ByteArray, Record, Union
from pywasix.abi.scalars import ANY_NUMBER, REPR, Code, Flags, Scalar, scalar_of
from pywasix.net.address import INET6, Address
from pywasix.syscalls.context import GuestMemory

MAX_BYTES = 32
"""How much of a buffer is shown."""
MAX_TEXT = 256
"""How much of a string argument is shown."""
MAX_ITEMS = 8
"""How many elements of an array are shown."""

_MANY_FLAGS = 4  # all of them are one word; of few their names tell more
_SIGNED = frozenset({"fd", "pid", "tid"})  # -1 is what a guest means by 0xffffffff
_HEXADECIMAL = frozenset({"pointer", "const_pointer", "pointersize", "function_pointer", "dl_handle"})
_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}

# What the generations number differently.
_BY_GENERATION: dict[type, Callable[[AbiGeneration, int], Enum | None]] = {
    SockType: AbiGeneration.sock_type,
    Whence: AbiGeneration.whence,
}


def quoted(data: bytes, limit: int) -> str:
    """Bytes between quotes; what is not printable ASCII is escaped, what is over the limit becomes dots."""
    text = "".join(
        _ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in data[:limit]
    )
    return f'"{text}"' + ("..." if len(data) > limit else "")


def listed(shown: list[str], count: int) -> str:
    """The shown elements of an array of `count`."""
    more = [f"... {count - len(shown)} more"] if count > len(shown) else []
    return f"[{', '.join(shown + more)}]"


def scalar_text(kind: Any, number: int, generation: AbiGeneration) -> str:
    """A number of a scalar, enumeration or flag type.

    Args:
        kind: the annotation, such as `Fd`, `Code[ClockId]`, `Flags[FdFlags]`.
    """
    named = _enumeration(kind)
    if named is not None:
        return _flags(named, number) if issubclass(named, IntFlag) else _member(named, number, generation)
    scalar = scalar_of(kind)
    return str(number) if scalar is None else _plain(scalar, number)


def _enumeration(kind: Any) -> type[Enum] | None:
    """The enumeration or flag class that an annotation is about, if it is about one."""
    if isinstance(kind, type):
        return kind if kind in REPR else None
    if get_origin(kind) in (Flags, Code):
        return _enumeration(get_args(kind)[0])
    marks = getattr(kind, "__metadata__", ())
    return None if ANY_NUMBER in marks else next((extra for extra in marks if extra in REPR), None)


def _flags(kind: type[IntFlag], number: int) -> str:
    names = [member.name or hex(member) for member in kind if number & member]
    rest = number & ~sum(int(member) for member in kind)
    if len(names) >= _MANY_FLAGS and len(names) == len(kind):
        names = ["ALL"]
    return "|".join(names + ([hex(rest)] if rest else [])) or "0"


def _member(kind: type[Enum], number: int, generation: AbiGeneration) -> str:
    find = _BY_GENERATION.get(kind)
    if find is not None:
        member = find(generation, number)
    else:
        member = next((each for each in kind if each.value == number), None)
    return str(number) if member is None else member.name


def _plain(scalar: Scalar, number: int) -> str:
    if scalar.name in _SIGNED and number == 0xFFFFFFFF:
        return "-1"
    if scalar.name in _HEXADECIMAL:
        return hex(number)
    if scalar.name == "bool" and number in (0, 1):
        return "true" if number else "false"
    return f"{number}ns" if scalar.name == "timestamp" else str(number)


def pointee_text(kind: Any, memory: GuestMemory, pointer: int, generation: AbiGeneration) -> str:
    """The value of a type that is stored at a guest address. Errors: FAULT."""
    if kind is AddrPort:
        return socket_address(memory, pointer, generation)
    if kind in (Addr, AddrCidr, Route) and not generation.wide_addresses:
        return hex(pointer)  # the declared records are those of wide guests
    if isinstance(kind, type) and issubclass(kind, Record):
        return record_text(memory.load(kind, pointer), generation)
    scalar = scalar_of(kind)
    assert scalar is not None  # rows have no other parameters
    number = int.from_bytes(memory.read(pointer, scalar.size), "little", signed=scalar.signed)
    return scalar_text(kind, number, generation)


def socket_address(memory: GuestMemory, pointer: int, generation: AbiGeneration) -> str:
    """The address and port at a guest address, as its generation lays it out. Errors: FAULT."""
    family = memory.read(pointer, 1)[0]
    if family == AddressFamily.UNIX and generation.wide_addresses:
        return quoted(decode_addr_unix(memory.read(pointer, generation.addr_port_size)), MAX_TEXT)
    # Who stored an IPv4 address needed no more than the bytes that every generation has.
    size = generation.addr_port_read_size if family == INET6 else 20
    family, port, ip, flow, scope = generation.decode_addr_port(memory.read(pointer, size))
    if not ip:
        return _member(AddressFamily, family, generation)
    address = Address(family, ip, port, flow, scope)
    return f"[{address.host}%{scope}]:{port}" if scope else str(address)


def record_text(value: Record, generation: AbiGeneration) -> str:
    """A record by its members; options, tagged unions and IP addresses in their short forms."""
    if isinstance(value, AddrIp4 | AddrIp6 | AddrIp6Bare):
        return Address(INET6, value.octets, 0).host
    members = {member.name: (member.type, getattr(value, member.name)) for member in value.MEMBERS}
    if [*members] == ["tag", "value"] and _enumeration(members["tag"][0]) is Option:
        return _option(*members["tag"], *members["value"], generation)
    if [*members] == ["tag", "u"]:
        return _tagged(*members["tag"], members["u"][1], generation)
    shown = [f"{name}={_value(kind, item, generation)}" for name, (kind, item) in members.items()]
    return "{" + ", ".join(shown) + "}"


def _value(kind: Any, item: Any, generation: AbiGeneration) -> str:
    if isinstance(item, Record):
        return record_text(item, generation)
    if isinstance(item, bytes):
        exact = any(isinstance(extra, ByteArray) for extra in getattr(kind, "__metadata__", ()))
        return quoted(item, len(item) if exact and len(item) <= MAX_BYTES else MAX_BYTES)
    return scalar_text(kind, item, generation)


def _option(tag_kind: Any, tag: int, kind: Any, item: int, generation: AbiGeneration) -> str:
    if tag == Option.NONE:
        return "none"
    shown = scalar_text(kind, item, generation)
    return shown if tag == Option.SOME else f"{scalar_text(tag_kind, tag, generation)}({shown})"


def _tagged(tag_kind: Any, tag: int, payload: Union, generation: AbiGeneration) -> str:
    """A union by the member that its tag names; without such a member, the tag alone."""
    named = _enumeration(tag_kind)
    tag_name = scalar_text(tag_kind, tag, generation)
    by_name = {member.name: member.type for member in payload.MEMBERS}
    name = tag_name.lower()
    if named is None and tag < len(by_name):  # the tag of a subscription is declared as a bare number
        name = [*by_name][tag]
    if name not in by_name:
        return tag_name
    inner = by_name[name]
    assert issubclass(inner, Record)
    return f"{name}{_braced(record_text(payload.view(inner), generation))}"


def _braced(text: str) -> str:
    return text if text.startswith("{") else f"({text})"
