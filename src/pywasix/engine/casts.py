"""Calls through function pointers of another type, which C programs make and WebAssembly traps.

On a processor such a call works: the callee takes from the registers what it knows of. `mend` gives a module the same
manners: each `call_indirect` becomes a call of a dispatcher for its type, which looks up of which type the function in
the table is. One of the same type it calls as before. To another it hands on the parameters that both have, and 0 for
those that the caller left out; the caller gets 0 for a result that the callee does not give.

What is in the table must be known beforehand: a module that changes a table stays as it is. So does one that would grow
beyond measure, or that has something newer than this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import NamedTuple

from pywasix.engine.binary import (
    LOCALS,
    PLAIN,
    Reader,
    SectionId,
    after_long,
    encode_signed,
    encode_unsigned,
    sections,
    sized,
    unsigned,
    vector,
)

# Opcodes and types of the binary format (WebAssembly core specification, 5.3 and 5.4).
_BLOCK, _END, _BRANCH_TABLE, _RETURN = b"\x02\x40", b"\x0b", b"\x0e", b"\x0f"
_CALL, _CALL_INDIRECT, _RETURN_CALL_INDIRECT = 0x10, 0x11, 0x13
_LOCAL_GET, _I32_CONST, _I32_SUB, _DROP = b"\x20", b"\x41", b"\x6b", b"\x1a"
_FUNCTION_TYPE, _FUNCTION_REFERENCE, _I32, _I64, _F32, _F64 = 0x60, 0x70, 0x7F, 0x7E, 0x7D, 0x7C
_ZERO = {_I32: b"\x41\0", _I64: b"\x42\0", _F32: b"\x43" + bytes(4), _F64: b"\x44" + bytes(8)}
# The bits of a value as i64, and back: what a register would hold.
_TO_BITS = {_I32: b"\xad", _I64: b"", _F32: b"\xbc\xad", _F64: b"\xbd"}
_FROM_BITS = {_I32: b"\xa7", _I64: b"", _F32: b"\xa7\xbe", _F64: b"\xbf"}
_FUNCTION_IMPORT, _MEMORY_IMPORT, _GLOBAL_IMPORT = 0, 2, 3
_HAS_MAXIMUM, _INDEX_64 = 1, 4  # flags of limits
_ACTIVE, _ACTIVE_IN_TABLE, _DECLARED = 0, 2, 3  # flags of segments of elements
# Custom sections may name places in the code, which move. "name" has numbers of functions, which stay.
_KEPT_CUSTOM = b"\4name"
# Of a table: C programs have a few thousand functions whose address is taken. The engine compiles no longer br_table.
_MOST_ENTRIES = 65520
_MOST_PARAMS = 1000 - 1  # WebAssembly JavaScript interface, "Implementation-defined limits"; a dispatcher has one more
# Bytes of calls that any module may get; larger ones a quarter of their size. A guest's types times the types of its
# calls would take minutes to compile for a module of 20 KB. bash, of 1.9 MB, needs 2 KB.
_ROOM = 1 << 16
_LOWEST_VALUE_TYPE = 0x68  # of those that are one byte; below it stand typed references


class _Type(NamedTuple):
    """A function type: its values, each as the byte of the binary format."""

    params: bytes
    results: bytes

    @property
    def plain(self) -> bool:
        """Whether it is one of C's: numbers, and at most one result."""
        few = len(self.params) <= _MOST_PARAMS and len(self.results) <= 1
        return few and {*self.params, *self.results} <= _ZERO.keys()

    def encoded(self) -> bytes:
        return bytes([_FUNCTION_TYPE]) + sized(self.params) + sized(self.results)


class _Unsuitable(Exception):
    """The module has something for which it stays as it is."""


def mend(data: bytes) -> bytes:
    """A module whose calls through pointers of other types work; as it was where that cannot be (see above).

    Args:
        data: a .wasm file that the engine has found valid.
    """
    try:
        return _mended(data)
    except _Unsuitable:
        return data


def _mended(data: bytes) -> bytes:
    content = {each.id: data[each.start : each.end] for each in sections(data) if each.id != SectionId.CUSTOM}

    def reader(kind: SectionId) -> Reader:
        return Reader(content.get(kind, b"\0"))

    types = _types(reader(SectionId.TYPE))
    imported, defined = _imported_functions(reader(SectionId.IMPORT)), reader(SectionId.FUNCTION).numbers()
    _need_one_table(reader(SectionId.TABLE))
    functions = imported + defined
    table = {place: types[functions[each]] for place, each in _elements(reader(SectionId.ELEMENT)).items()}
    dispatchers = _Dispatchers(types, table, first=len(functions), room=max(_ROOM, len(data) // 4))
    bodies = _rewritten(reader(SectionId.CODE), cache(dispatchers.number))
    if not dispatchers.bodies:
        return data
    content[SectionId.TYPE] = vector([each.encoded() for each in types + dispatchers.types])
    added = range(len(types), len(types) + len(dispatchers.types))
    content[SectionId.FUNCTION] = vector([encode_unsigned(each) for each in [*defined, *added]])
    content[SectionId.CODE] = vector([sized(each) for each in bodies + dispatchers.bodies])
    return data[:8] + b"".join(_sections(data, content))


def _sections(data: bytes, content: dict[int, bytes]) -> Iterable[bytes]:
    for section in sections(data):
        if section.id != SectionId.CUSTOM:
            yield bytes([section.id]) + sized(content[section.id])
        elif data.startswith(_KEPT_CUSTOM, section.start):
            yield bytes([section.id]) + sized(data[section.start : section.end])


# -- what the module has ----------------------------------------------------------------------------


def _types(section: Reader) -> list[_Type]:
    types = []
    for _ in range(section.number()):
        if section.byte() != _FUNCTION_TYPE:
            raise _Unsuitable
        types.append(_Type(_values(section), _values(section)))
    return types


def _values(section: Reader) -> bytes:
    """A vector of value types of one byte each, as all are but those of typed references."""
    values = section.sized()
    if values and min(values) < _LOWEST_VALUE_TYPE:
        raise _Unsuitable
    return values


def _imported_functions(section: Reader) -> list[int]:
    """The number of the type of each."""
    found = []
    for _ in range(section.number()):
        section.sized()
        section.sized()
        kind = section.byte()
        if kind == _FUNCTION_IMPORT:
            found.append(section.number())
        elif kind == _MEMORY_IMPORT:
            _limits(section)
        elif kind == _GLOBAL_IMPORT and section.byte() in _ZERO:
            section.byte()  # whether it changes
        else:
            raise _Unsuitable
    return found


def _limits(section: Reader) -> int:
    """Pass over limits; their flags."""
    flags = section.byte()
    for _ in range(2 if flags & _HAS_MAXIMUM else 1):
        section.number()
    return flags


def _need_one_table(section: Reader) -> None:
    if section.number() != 1 or section.byte() != _FUNCTION_REFERENCE or _limits(section) & _INDEX_64:
        raise _Unsuitable


def _elements(section: Reader) -> dict[int, int]:
    """The functions in the table, by place."""
    table: dict[int, int] = {}
    room = _MOST_ENTRIES
    for _ in range(section.number()):
        flags = section.number()
        if flags not in (_ACTIVE, _ACTIVE_IN_TABLE, _DECLARED):
            raise _Unsuitable
        place = None
        if flags != _DECLARED:
            if flags == _ACTIVE_IN_TABLE:
                section.number()  # there is one table
            if section.byte() != _I32_CONST[0]:
                raise _Unsuitable
            place = section.signed()
            if section.byte() != _END[0]:
                raise _Unsuitable
        if flags != _ACTIVE:
            section.byte()  # the kind: functions
        count = section.number()
        room -= count
        if room < 0:
            raise _Unsuitable
        functions = [section.number() for _ in range(count)]
        if place is not None:
            table.update(zip(range(place, place + count), functions, strict=True))
    if not table or max(table) - min(table) >= _MOST_ENTRIES:
        raise _Unsuitable
    return table


# -- its code ---------------------------------------------------------------------------------------


def _rewritten(section: Reader, dispatcher: Callable[[int], int | None]) -> list[bytes]:
    """The bodies of all functions, with calls of dispatchers in place of `call_indirect`.

    Args:
        dispatcher: the number of the function that dispatches for a type; None to leave such calls as they are.
    """
    return [_rewritten_body(section.sized(), dispatcher) for _ in range(section.number())]


def _rewritten_body(body: bytes, dispatcher: Callable[[int], int | None]) -> bytes:
    declarations, at = unsigned(body, 0)
    for _ in range(declarations):
        at = _after(LOCALS.match(body, at))
    pieces: list[bytes] = []
    begin = 0
    while (at := _after(PLAIN.match(body, at))) < len(body):
        opcode = body[at]
        if opcode not in (_CALL_INDIRECT, _RETURN_CALL_INDIRECT):
            at = _after_long(body, at)
            continue
        kind, end = unsigned(body, at + 1)
        _, end = unsigned(body, end)
        # Tail calls stay: a dispatcher between would let the stack grow that they exist to keep.
        number = dispatcher(kind) if opcode == _CALL_INDIRECT else None
        if number is not None:
            pieces += body[begin:at], bytes([_CALL]), encode_unsigned(number)
            begin = end
        at = end
    return b"".join([*pieces, body[begin:]])


def _after_long(body: bytes, at: int) -> int:
    end = after_long(body, at)
    if end is None:  # it changes a table, or is newer than this
        raise _Unsuitable
    return end


def _after(found: re.Match[bytes] | None) -> int:
    if found is None:  # newer than this
        raise _Unsuitable
    return found.end()


# -- what takes the place of call_indirect ----------------------------------------------------------


class _Dispatchers:
    """The functions that a module gets in addition, made when the first call asks for one.

    Args:
        types: of the module.
        table: the type of the function at each place.
        first: the number of the first of them.
        room: bytes that their calls may take.

    Attributes:
        types: of each function.
        bodies: of each function.
    """

    def __init__(self, types: Sequence[_Type], table: dict[int, _Type], first: int, room: int) -> None:
        self._types = types
        self._table = table
        self._first = first
        self._room = room
        # Types that are the same have several numbers in some modules; any of them will do.
        self._numbers = {kind: number for number, kind in enumerate(types)}
        self._classes = sorted(kind for kind in {*table.values()} if kind.plain)
        self._class_numbers = {kind: number for number, kind in enumerate(self._classes)}
        self._known: dict[_Type, int] = {}
        self.types: list[_Type] = []
        self.bodies: list[bytes] = []

    def number(self, type_number: int) -> int | None:
        """The function that dispatches calls of a type; None where every function is of that type, or it is not C's."""
        kind = self._types[type_number]
        if not kind.plain or len(self._classes) == (kind in self._class_numbers):
            return None
        found = self._known.get(kind)
        if found is None:
            if not self.bodies:
                self._add(_Type(bytes([_I32]), bytes([_I32])), self._classifier())
            found = self._known[kind] = self._add(
                _Type(kind.params + bytes([_I32]), kind.results), self._dispatcher(kind)
            )
        return found

    def _counted(self, code: bytes) -> bytes:
        """Code that there is room for."""
        self._room -= len(code)
        if self._room < 0:
            raise _Unsuitable
        return code

    def _add(self, kind: _Type, code: bytes) -> int:
        self.types.append(kind)
        self.bodies.append(b"\0" + code + _END)  # no local variables
        return self._first + len(self.bodies) - 1

    def _classifier(self) -> bytes:
        """Gives the number of the class of the function at a place in the table, or the one after the last."""
        begin, end = min(self._table), max(self._table) + 1
        other = len(self._classes)
        numbers = {place: self._class_numbers.get(kind, other) for place, kind in self._table.items()}
        targets = [numbers.get(place, other) for place in range(begin, end)]
        choice = _get(0) + _I32_CONST + encode_signed(begin) + _I32_SUB + _branch(targets, other)
        answers = (_I32_CONST + encode_signed(each) + _RETURN for each in range(other))
        return _switch(choice, answers) + _I32_CONST + encode_signed(other)

    def _dispatcher(self, kind: _Type) -> bytes:
        """Calls the function at the place that is its last parameter, of whichever type that is."""
        others = [each for each in self._classes if each != kind]
        labels = {each: label for label, each in enumerate(others)}
        same, place = len(others), len(kind.params)
        choice = _get(place) + bytes([_CALL]) + encode_unsigned(self._first)
        choice += _branch([labels.get(each, same) for each in self._classes], same)
        calls = (self._counted(self._call(kind, each) + _RETURN) for each in others)
        return _switch(choice, calls) + self._call(kind, kind)

    def _call(self, kind: _Type, actual: _Type) -> bytes:
        """Calls a function of an actual type with the parameters of `kind`, and gives its result."""
        code = b""
        for index, wanted in enumerate(actual.params):
            code += _get(index) + _converted(kind.params[index], wanted) if index < len(kind.params) else _ZERO[wanted]
        code += _get(len(kind.params)) + bytes([_CALL_INDIRECT]) + encode_unsigned(self._numbers[actual]) + b"\0"
        if kind.results and actual.results:
            return code + _converted(actual.results[0], kind.results[0])
        return code + _DROP * len(actual.results) + b"".join(_ZERO[each] for each in kind.results)


def _get(local: int) -> bytes:
    return _LOCAL_GET + encode_unsigned(local)


def _converted(given: int, wanted: int) -> bytes:
    return b"" if given == wanted else _TO_BITS[given] + _FROM_BITS[wanted]


def _branch(targets: Sequence[int], default: int) -> bytes:
    return _BRANCH_TABLE + vector([encode_unsigned(each) for each in targets]) + encode_unsigned(default)


def _switch(choice: bytes, cases: Iterable[bytes]) -> bytes:
    """Code that branches to one of the cases by label; the label after the last case leaves it."""
    listed = list(cases)
    return _BLOCK * (len(listed) + 1) + choice + b"".join(_END + each for each in listed) + _END
