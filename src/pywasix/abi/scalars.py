"""Scalar types of the ABI, and the markers that handlers use in their annotations.

A scalar is plain ``int`` for the type checker and for the handler; what it is on the wire (width, sign, wasm
type) travels as a :class:`Scalar` inside ``Annotated``. Values reach handlers unsigned, so the descriptor -1
arrives as 0xffffffff; only the types declared as signed (``FileDelta``, ``S32``, ``S64``) keep their sign.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeVar, get_args, get_origin

T = TypeVar("T")


class Scalar(NamedTuple):
    """How one scalar is stored.

    ``code`` is its ``struct`` character, ``size`` (and natural alignment) is in bytes, ``wasm`` is the type
    that carries it as a function parameter: ``"i32"`` or ``"i64"``.
    """

    name: str
    code: str
    size: int
    signed: bool
    wasm: str


U8 = Annotated[int, Scalar("u8", "B", 1, False, "i32")]
U16 = Annotated[int, Scalar("u16", "H", 2, False, "i32")]
U32 = Annotated[int, Scalar("u32", "I", 4, False, "i32")]
U64 = Annotated[int, Scalar("u64", "Q", 8, False, "i64")]
S32 = Annotated[int, Scalar("s32", "i", 4, True, "i32")]
S64 = Annotated[int, Scalar("s64", "q", 8, True, "i64")]

Bool = Annotated[int, Scalar("bool", "B", 1, False, "i32")]
"""0 or 1; anything else is invalid."""
Char = Annotated[int, Scalar("char", "B", 1, False, "i32")]
"""One byte of UTF-8 text: ``In[Char]`` followed by a ``Size`` is a string argument."""
Size = Annotated[int, Scalar("size", "I", 4, False, "i32")]
"""A length in bytes or in elements."""
PointerSize = Annotated[int, Scalar("pointersize", "I", 4, False, "i32")]
"""An address in guest memory, or a length of that width."""
Pointer = Annotated[int, Scalar("pointer", "I", 4, False, "i32")]
"""An address of bytes in guest memory."""
ConstPointer = Annotated[int, Scalar("const_pointer", "I", 4, False, "i32")]
"""An address of bytes that are only read."""
Filesize = Annotated[int, Scalar("filesize", "Q", 8, False, "i64")]
FileDelta = Annotated[int, Scalar("filedelta", "q", 8, True, "i64")]
Timestamp = Annotated[int, Scalar("timestamp", "Q", 8, False, "i64")]
"""Nanoseconds."""
Fd = Annotated[int, Scalar("fd", "I", 4, False, "i32")]
Pid = Annotated[int, Scalar("pid", "I", 4, False, "i32")]
Tid = Annotated[int, Scalar("tid", "I", 4, False, "i32")]
ExitCode = Annotated[int, Scalar("exitcode", "I", 4, False, "i32")]
DirCookie = Annotated[int, Scalar("dircookie", "Q", 8, False, "i64")]
DirNameLength = Annotated[int, Scalar("dirnamlen", "I", 4, False, "i32")]
Inode = Annotated[int, Scalar("inode", "Q", 8, False, "i64")]
Device = Annotated[int, Scalar("device", "Q", 8, False, "i64")]
LinkCount = Annotated[int, Scalar("linkcount", "Q", 8, False, "i64")]
UnstableLinkCount = Annotated[int, Scalar("unstable_linkcount", "I", 4, False, "i32")]
Userdata = Annotated[int, Scalar("userdata", "Q", 8, False, "i64")]
Longsize = Annotated[int, Scalar("longsize", "Q", 8, False, "i64")]
IpPort = Annotated[int, Scalar("ip_port", "H", 2, False, "i32")]
DlHandle = Annotated[int, Scalar("dl_handle", "I", 4, False, "i32")]
FunctionPointer = Annotated[int, Scalar("function_pointer", "I", 4, False, "i32")]
"""An index into the guest's indirect function table."""
ContextId = Annotated[int, Scalar("context_id", "Q", 8, False, "i64")]


class In(int, Generic[T]):
    """Address of a ``T`` (or of an array of ``T``) that the guest wrote."""


class Out(int, Generic[T]):
    """Address where a ``T`` (or an array of ``T``) is to be stored."""


class InOut(int, Generic[T]):
    """Address of a ``T`` that is read first and then overwritten."""


class Flags(int, Generic[T]):
    """A value made of the bits of the flag class ``T``; the border refuses any other bit with INVAL."""


class Code(int, Generic[T]):
    """A number of the enumeration ``T``; it may be any number, the handler looks at it."""

    if TYPE_CHECKING:  # tells the checker that comparing with a member of T makes sense

        def __eq__(self, other: object, /) -> bool:
            """Compare as numbers."""

        def __hash__(self) -> int:
            """Hash as a number."""


ANY_NUMBER = "any number"
"""Marks a member whose type is an enumeration by name alone: its numbers mean something else."""

REPR: dict[type, Scalar] = {}
"""How each enumeration and flag class is stored; filled by :func:`stored_as`."""


def stored_as(name: str, scalar: Any) -> Callable[[type[T]], type[T]]:
    """Declare the ABI's name of an enumeration or flag class and the scalar that stores it."""
    shape = scalar_of(scalar)
    assert shape is not None

    def declare(cls: type[T]) -> type[T]:
        REPR[cls] = shape._replace(name=name)
        return cls

    return declare


def scalar_of(annotation: Any) -> Scalar | None:
    """Return how ``annotation`` is stored, or ``None`` when it is not a scalar, an enumeration or a flag set.

    Understands scalar aliases, enumeration classes, ``Annotated[int, EnumClass]``, ``Flags[F]``, ``Code[E]``.
    """
    if isinstance(annotation, type):
        return REPR.get(annotation)
    if get_origin(annotation) in (Flags, Code):
        return scalar_of(get_args(annotation)[0])
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Scalar):
            return extra
        if isinstance(extra, type) and extra in REPR:
            return REPR[extra]
    return None
