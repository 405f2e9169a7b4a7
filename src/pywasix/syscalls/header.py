"""The C header for guests, `wasix.h`, written from the rows of the table: types, numbers and imports.

It needs no libc, only a C11 compiler for wasm32. Each function is imported as today's libc imports it: the
base calls from `wasi_snapshot_preview1`, the extensions from `wasix_32v1`.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, IntFlag
from typing import Any, get_args, get_origin

from pywasix.abi.errno import Errno
from pywasix.abi.layout import ByteArray, Member, Record, Union
from pywasix.abi.scalars import REPR, U8, Code, Flags, Scalar, scalar_of
from pywasix.syscalls.declared import SPECIFIED
from pywasix.syscalls.row import Param, Row

_HEAD = """\
/* wasix.h: the system calls of WASI preview1 and WASIX for C programs without a libc.
 *
 * Generated from the table of system calls; do not edit. Needs a C11 compiler for wasm32.
 * Calls that return int return a WASIX_ERRNO_* number unless they say otherwise.
 */
#ifndef WASIX_H
#define WASIX_H

#include <stdint.h>

#define WASIX_IMPORT(from, as) __attribute__((import_module(from), import_name(as)))
"""

_C_SCALARS = {
    "bool": "uint8_t",
    "char": "char",
    "fd": "int",
    "pid": "int",
    "tid": "int",
    "pointer": "void *",
    "const_pointer": "const void *",
}
_C_RESULTS = {"errno": "int", "tid": "int", "void": "void", "noreturn": "_Noreturn void"}

# `thread_spawn` is an older name of `thread_spawn_v2`, and its C name is that of the `wasi` module's call.
_LEFT_OUT = frozenset({"thread_spawn"})


def c_header(rows: Iterable[Row]) -> str:
    """Return the text of `wasix.h`.

    Args:
        rows: the table. Rows for types and functions that only older toolchains knew are passed over.
    """
    current = _current_calls()
    known = [row for row in rows if (row.name, row.wasm) in current and row.name not in _LEFT_OUT]
    shown = [row for row in known if _module(row)]
    types = list(_reachable(shown))
    parts = [_HEAD]
    parts += [_enumeration(kind) for kind in types if issubclass(kind, Enum)]
    parts += [_structure(kind) for kind in types if issubclass(kind, Record | Union)]
    parts += [_prototype(row) for row in shown]
    parts.append("#endif\n")
    return "\n".join(parts)


def _current_calls() -> set[tuple[str, str]]:
    """Name and type of each call as today's toolchains import it: the first row of its name and module."""
    first: dict[tuple[str, tuple[str, ...]], str] = {}
    for row in SPECIFIED:
        first.setdefault((row.name, row.modules), row.wasm)
    return {(name, wasm) for (name, _), wasm in first.items()}


def _reachable(rows: Iterable[Row]) -> Iterator[type]:
    """Every enumeration, record and union that the calls use, each after those that it is made of."""
    seen: dict[type, None] = {Errno: None}
    for row in rows:
        for param in row.params:
            _visit(param.type, seen)
    yield from seen


def _visit(annotation: Any, seen: dict[type, None]) -> None:
    """Add what one annotation names to ``seen``, parts first."""
    kind = _named_type(annotation)
    if kind is None or kind in seen:
        return
    if issubclass(kind, Record | Union):
        for member in kind.MEMBERS:
            _visit(member.type, seen)
    seen[kind] = None


def _named_type(annotation: Any) -> type | None:
    """The enumeration, record or union that an annotation is about, if it is about one."""
    if isinstance(annotation, type):
        return annotation
    if get_origin(annotation) in (Flags, Code):
        return _named_type(get_args(annotation)[0])
    return next((extra for extra in getattr(annotation, "__metadata__", ()) if extra in REPR), None)


def _comment(text: str | None) -> str:
    """A C comment with the first line of a docstring."""
    line = (text or "").strip().partition("\n")[0].replace("*/", "* /")
    return f"/* {line} */\n"


def _enumeration(kind: type[Enum]) -> str:
    """Constants for the members of an enumeration or flag class."""
    shape = REPR[kind]
    prefix = f"WASIX_{shape.name.upper()}_"
    members = [(f"{prefix}{_member_name(member)}", int(member.value)) for member in kind]
    if shape.size == 8:
        lines = [f"#define {name} UINT64_C(0x{value:x})" for name, value in members]
        return _comment(kind.__doc__) + "\n".join(lines) + "\n"
    number = hex if issubclass(kind, IntFlag) else str
    lines = [f"    {name} = {number(value)}," for name, value in members]
    return _comment(kind.__doc__) + "enum {\n" + "\n".join(lines) + "\n};\n"


def _member_name(member: Enum) -> str:
    """The specification's name of a member, which may start with a digit."""
    return member.symbol.removeprefix("E") if isinstance(member, Errno) else member.name


def _structure(kind: type[Record] | type[Union]) -> str:
    """Type definition of a record or union, with a check of its size."""
    name = f"wasix_{kind.ABI_NAME}_t"
    keyword = "union" if issubclass(kind, Union) else "struct"
    lines = [f"    {_c_member(member)};" for member in kind.MEMBERS]
    body = "\n".join(lines)
    check = f'_Static_assert(sizeof({name}) == {kind.SIZE}, "{name}");'
    return f"{_comment(kind.__doc__)}typedef {keyword} {{\n{body}\n}} {name};\n{check}\n"


def _c_member(member: Member) -> str:
    """Declaration of one member."""
    for extra in getattr(member.type, "__metadata__", ()):
        if isinstance(extra, ByteArray):
            aligned = f"_Alignas({extra.align}) " if extra.align > 1 else ""
            return f"{aligned}uint8_t {member.name}[{extra.size}]"
    return _join(_c_type(member.type), member.name)


def _c_type(annotation: Any) -> str:
    """The C type of a value."""
    if isinstance(annotation, type) and issubclass(annotation, Record | Union):
        return f"wasix_{annotation.ABI_NAME}_t"
    scalar = scalar_of(annotation)
    assert scalar is not None
    return _C_SCALARS.get(scalar.name) or _integer(scalar)


def _integer(scalar: Scalar) -> str:
    """The C integer of a scalar's width and sign."""
    return f"{'' if scalar.signed else 'u'}int{8 * scalar.size}_t"


def _c_param(param: Param) -> str:
    """Declaration of one parameter."""
    if param.kind == "value":
        return _join(_c_type(param.type), param.name)
    target = _c_type(param.type)
    if param.type == U8:
        target = "void"  # any bytes
    return _join(f"{'const ' if param.kind == 'in' else ''}{target} *", param.name)


def _join(c_type: str, name: str) -> str:
    """``int`` and ``fd`` to ``int fd``, ``char *`` and ``path`` to ``char *path``."""
    return c_type + name if c_type.endswith("*") else f"{c_type} {name}"


def _module(row: Row) -> str | None:
    """The module that today's libc imports a call from; none for rows of `wasi_unstable` only."""
    return next((m for m in ("wasi", "wasi_snapshot_preview1", "wasix_32v1") if m in row.modules), None)


def _prototype(row: Row) -> str:
    """The import of one call."""
    name = "sock_accept_peer" if row.name == "sock_accept" and len(row.params) == 4 else row.name
    params = ", ".join(_c_param(param) for param in row.params) or "void"
    result = _C_RESULTS[row.result]
    return (
        f'{_comment(row.doc)}WASIX_IMPORT("{_module(row)}", "{row.name}")\n'
        f"extern {result} wasix_{name.replace('-', '_')}({params});\n"
    )
