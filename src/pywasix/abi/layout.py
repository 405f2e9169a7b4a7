"""Record machinery: a record is declared once and gets its C layout, its codec and its constructor from that.

    @record
    class AddrIp4Port(Record):
        port: IpPort
        addr: Bytes4

A member is a scalar alias, ``Annotated[int, EnumClass]``, a byte array, another record or a union. Layout is
that of C on wasm32: natural alignment, little-endian, padding written as zero. Numbers come back as plain
``int``, also where an enumeration is meant, because a guest may have stored any number there.

The classes are built by hand: `dataclasses` compiles source for every class, which for all records together
would cost more than the rest of the import.
"""

from collections.abc import Callable
from operator import attrgetter
from struct import Struct
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar, cast, dataclass_transform

from pywasix.abi.scalars import scalar_of

Buffer = bytes | bytearray | memoryview


class ByteArray(NamedTuple):
    """A member of ``size`` raw bytes at a multiple of ``align``."""

    size: int
    align: int = 1


Bytes4 = Annotated[bytes, ByteArray(4)]
Bytes6 = Annotated[bytes, ByteArray(6)]
Bytes16 = Annotated[bytes, ByteArray(16)]
Bytes108 = Annotated[bytes, ByteArray(108)]
Groups16 = Annotated[bytes, ByteArray(16, 2)]
"""The eight 16-bit groups of an IPv6 address, in network order."""


class Member(NamedTuple):
    """Layout of one member: ``code`` is its struct format, ``wrap`` makes its value from what was read."""

    name: str
    type: Any
    code: str
    size: int
    align: int
    wrap: Callable[[Any], Any] | None


class Record:
    """Base of all records: what the `record` decorator adds, spelled out for type checkers."""

    __slots__ = ()
    ABI_NAME: ClassVar[str]
    """The specification's name of the record."""
    SIZE: ClassVar[int]
    """Bytes in memory, with the padding at the end."""
    ALIGN: ClassVar[int]
    OFFSETS: ClassVar[dict[str, int]]
    """Byte offset of each member."""
    MEMBERS: ClassVar[tuple[Member, ...]]
    STRUCT: ClassVar[Struct]
    """Codec of the whole record; nested records and unions are byte strings to it."""
    _values: ClassVar["staticmethod[[Any], tuple[Any, ...]]"]

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the members in order or by name.

        Raises:
            TypeError: a member is missing, unknown or given twice.
        """
        members = self.MEMBERS
        if named or len(values) != len(members):
            values = self._bind(values, named)
        for member, value in zip(members, values, strict=True):
            object.__setattr__(self, member.name, value)

    @classmethod
    def _bind(cls, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Put positional and named members into the declared order."""
        names = [member.name for member in cls.MEMBERS]
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names) or given.keys() & named.keys() or {*given, *named} != {*names}:
            raise TypeError(f"{cls.__name__} takes exactly the members {', '.join(names)}")
        given.update(named)
        return tuple(given[name] for name in names)

    def __setattr__(self, name: str, value: Any) -> None:
        """Records do not change."""
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        """Records do not change."""
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        """Equal to a record of the same class with equal members."""
        if type(other) is not type(self):
            return NotImplemented
        return self._values(self) == self._values(other)

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((type(self), *self._values(self)))

    def __repr__(self) -> str:
        """Show the members by name."""
        shown = ", ".join(f"{m.name}={v!r}" for m, v in zip(self.MEMBERS, self._values(self), strict=True))
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle through the constructor, since members cannot be assigned."""
        return type(self), self._values(self)

    def _wire(self) -> list[Any]:
        """The members as the codec takes them: nested records as their bytes."""
        return [v.pack() if isinstance(v, Record) else v for v in self._values(self)]

    def pack(self) -> bytes:
        """Return the record's ``SIZE`` bytes.

        Raises:
            struct.error: a number does not fit its member.
        """
        return self.STRUCT.pack(*self._wire())

    def pack_into(self, buffer: bytearray | memoryview, offset: int) -> None:
        """Store the record's ``SIZE`` bytes at ``offset``.

        Raises:
            struct.error: a number does not fit its member, or the record does not fit the buffer.
        """
        self.STRUCT.pack_into(buffer, offset, *self._wire())

    @classmethod
    def unpack_from(cls, buffer: Buffer, offset: int = 0) -> Self:
        """Read a record at ``offset``.

        Raises:
            struct.error: fewer than ``SIZE`` bytes are there.
        """
        raw = cls.STRUCT.unpack_from(buffer, offset)
        return cls(*(m.wrap(v) if m.wrap else v for m, v in zip(cls.MEMBERS, raw, strict=True)))


R = TypeVar("R", bound=Record)


class Union(bytes):
    """Base of all unions: the raw bytes, to be viewed as one of the declared members."""

    __slots__ = ()
    ABI_NAME: ClassVar[str]
    SIZE: ClassVar[int]
    ALIGN: ClassVar[int]
    OFFSETS: ClassVar[dict[str, int]]
    """Zero for each member."""
    MEMBERS: ClassVar[tuple[Member, ...]]

    @classmethod
    def of(cls, member: Record) -> Self:
        """Return a union that holds ``member``, filled up with zero bytes.

        Raises:
            TypeError: the union has no member of that type.
        """
        if type(member) not in [m.type for m in cls.MEMBERS]:
            raise TypeError(f"{cls.__name__} has no member of type {type(member).__name__}")
        return cls(member.pack().ljust(cls.SIZE, b"\0"))

    def view(self, member: type[R]) -> R:
        """Read the bytes as the member of that record type."""
        return member.unpack_from(self)


U = TypeVar("U", bound=Union)


def _member(name: str, annotation: Any) -> Member:
    """Work out the layout of one member from its annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        size = annotation.SIZE
        return Member(name, annotation, f"{size}s", size, annotation.ALIGN, annotation.unpack_from)
    if isinstance(annotation, type) and issubclass(annotation, Union):
        return Member(name, annotation, f"{annotation.SIZE}s", annotation.SIZE, annotation.ALIGN, annotation)
    scalar = scalar_of(annotation)
    if scalar is not None:
        return Member(name, annotation, scalar.code, scalar.size, scalar.size, None)
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, ByteArray):
            return Member(name, annotation, f"{extra.size}s", extra.size, extra.align, None)
    raise TypeError(f"member {name} has no layout: {annotation!r}")


def _members(cls: type) -> tuple[Member, ...]:
    """Lay out all members that the class body declares."""
    return tuple(_member(name, kind) for name, kind in cls.__annotations__.items())


def _padding(position: int, align: int) -> int:
    """Bytes from ``position`` to the next multiple of ``align``."""
    return -position % align


def _snake(name: str) -> str:
    """``ProcSpawnFdOp`` to ``proc_spawn_fd_op``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that returns the named attributes as a tuple (`attrgetter` returns a single one bare)."""
    return attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)


@dataclass_transform(frozen_default=True)
def record(cls: type[R]) -> type[R]:
    """Give a class of annotated members its C layout, its codec and slots for its values."""
    members = _members(cls)
    offsets: dict[str, int] = {}
    code, position, align = "<", 0, 1
    for member in members:
        gap = _padding(position, member.align)
        offsets[member.name] = position + gap
        code += f"{gap}x{member.code}" if gap else member.code
        position += gap + member.size
        align = max(align, member.align)
    tail = _padding(position, align)
    names = tuple(offsets)
    body = dict(cls.__dict__)
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body.setdefault("ABI_NAME", _snake(cls.__name__))
    body.update(
        __slots__=names,
        __match_args__=names,
        SIZE=position + tail,
        ALIGN=align,
        OFFSETS=offsets,
        MEMBERS=members,
        STRUCT=Struct(f"{code}{tail}x" if tail else code),
        _values=staticmethod(_getter(names)),
    )
    return cast("type[R]", type(cls.__name__, cls.__bases__, body))


def union(cls: type[U]) -> type[U]:
    """Give a class of annotated members, all at offset zero, its size and alignment."""
    members = _members(cls)
    cls.MEMBERS = members
    cls.OFFSETS = dict.fromkeys((member.name for member in members), 0)
    cls.ALIGN = max(member.align for member in members)
    longest = max(member.size for member in members)
    cls.SIZE = longest + _padding(longest, cls.ALIGN)
    if "ABI_NAME" not in cls.__dict__:
        cls.ABI_NAME = _snake(cls.__name__)
    return cls


def layout_of(annotation: Any) -> tuple[int, int]:
    """Size and alignment in bytes of any type that a member or a pointer may have.

    Raises:
        TypeError: ``annotation`` has no layout.
    """
    member = _member("", annotation)
    return member.size, member.align
