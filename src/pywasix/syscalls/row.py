"""Rows of the system call table. A handler's annotations are its row: nothing about a call is written twice.

    @syscall(modules=EXTENSION)
    def sock_bind(ctx: Context, fd: Fd, addr: In[AddrPort]) -> None:

The first parameter is the caller's context and no part of the ABI. Annotations are looked at only when
somebody asks for a row's parameters, so that importing all handlers stays cheap.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pywasix.abi.layout import layout_of
from pywasix.abi.scalars import Flags, In, InOut, Out, scalar_of

F = TypeVar("F", bound=Callable[..., Any])

BASE = ("wasi_snapshot_preview1", "wasix_32v1", "wasi_unstable")
"""What every generation has."""
PREVIEW1_AND_WASIX = ("wasi_snapshot_preview1", "wasix_32v1")
PREVIEW1_ONLY = ("wasi_snapshot_preview1",)
UNSTABLE_ONLY = ("wasi_unstable",)
"""The calls whose records or numbers differ in `wasi_unstable`."""
EXTENSION = ("wasix_32v1",)
THREADS = ("wasi", "wasi_snapshot_preview1", "wasi_unstable")
"""Who offers `thread-spawn`: libc imports it from `wasi`, other wasi-threads toolchains from the rest."""

RESULTS = {"errno": "i", "void": "", "noreturn": "", "tid": "i"}
"""What a call can return, and the wasm type code of that. A tid may be a negative errno."""

_KINDS = {In: "in", Out: "out", InOut: "inout"}
_CODES = {"i32": "i", "i64": "I"}


class Support(Enum):
    """How much of a call is there. Anything less than full is explained by the row's note."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Param(NamedTuple):
    """One parameter of a call.

    ``kind`` is ``"value"`` or, for guest addresses, ``"in"``, ``"out"``, ``"inout"``; ``type`` is the
    annotation of the value or of what the address points to, and ``size`` its bytes. ``wasm`` is ``"i32"`` or
    ``"i64"``.
    ``mask`` holds the bits that a checked flag parameter may have, else ``None``.
    """

    name: str
    kind: str
    type: Any
    wasm: str
    size: int
    signed: bool
    mask: int | None


class Row:
    """One function of the ABI: where it is imported from, how it is called, who answers it.

    ``result`` is a key of :data:`RESULTS`. A row without handler answers NOSYS; ``declared`` has the name and
    the annotation of each of its parameters.
    """

    def __init__(
        self,
        name: str,
        modules: tuple[str, ...],
        handler: Callable[..., Any] | None,
        result: str = "errno",
        support: Support = Support.FULL,
        note: str = "",
        declared: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.modules = modules
        self.handler = handler
        self.result = result
        self.support = support
        self.note = note
        self.declared = declared or {}

    def __repr__(self) -> str:
        """Name, modules and type, for a failing test."""
        return f"Row({self.name!r}, {self.modules!r}, {self.wasm!r})"

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """The parameters in order, without the context."""
        found = self.declared if self.handler is None else _annotations(self.handler)
        return tuple(_param(name, annotation) for name, annotation in found.items())

    @cached_property
    def wasm(self) -> str:
        """The wasm type as a code: ``i`` is i32, ``I`` is i64; ``"iI:i"`` is (i32, i64) -> i32."""
        return "".join(_CODES[param.wasm] for param in self.params) + ":" + RESULTS[self.result]

    @property
    def doc(self) -> str:
        """First line of the handler's docstring, or the note of a row without handler."""
        text = self.handler and self.handler.__doc__
        return text.strip().partition("\n")[0] if text else self.note


def syscall(
    *,
    modules: tuple[str, ...],
    name: str | None = None,
    support: Support = Support.FULL,
    note: str = "",
    result: str = "errno",
) -> Callable[[F], F]:
    """Mark a function as the handler of an ABI function; its row is then `row_of` the function.

    Args:
        modules: the import modules that offer it.
        name: the ABI's name when it is not the function's own.
        support: how much of it is there.
        note: one sentence on what is missing.
        result: a key of :data:`RESULTS`.
    """

    def attach(handler: F) -> F:
        handler.__dict__["row"] = Row(name or handler.__name__, modules, handler, result, support, note)
        return handler

    return attach


def row_of(handler: Callable[..., Any]) -> Row:
    """The row that :func:`syscall` attached to a handler.

    Raises:
        KeyError: the function is no handler.
    """
    row = handler.__dict__["row"]
    assert isinstance(row, Row)
    return row


def declare(name: str, modules: tuple[str, ...], result: str, note: str, /, **params: Any) -> Row:
    """Return a row without handler, which answers NOSYS; ``params`` are the parameters' annotations."""
    return Row(name, modules, None, result, Support.NONE, note, params)


def _annotations(handler: Callable[..., Any]) -> dict[str, Any]:
    """Annotations of all parameters after the context, resolved.

    The context's own annotation is left alone: it may name a type that is imported for the type checker only.
    """
    assert isinstance(handler, FunctionType)
    code = handler.__code__
    names = code.co_varnames[1 : code.co_argcount]
    bare = FunctionType(code, handler.__globals__)
    bare.__annotations__ = {name: handler.__annotations__[name] for name in names}
    return get_type_hints(bare, include_extras=True)


def _param(name: str, annotation: Any) -> Param:
    """Read one parameter off its annotation."""
    name = name.rstrip("_")
    origin = get_origin(annotation)
    if origin in _KINDS:
        (target,) = get_args(annotation)
        return Param(name, _KINDS[origin], target, "i32", layout_of(target)[0], False, None)
    scalar = scalar_of(annotation)
    if scalar is None:
        raise TypeError(f"parameter {name} is no type of the ABI: {annotation!r}")
    mask = _all_bits(get_args(annotation)[0]) if origin is Flags else None
    return Param(name, "value", annotation, scalar.wasm, scalar.size, scalar.signed, mask)


def _all_bits(flags: Any) -> int:
    """Every bit that a flag class declares."""
    bits = 0
    for member in flags:
        bits |= int(member)  # a flag class would keep its own idea of what ~ means
    return bits
