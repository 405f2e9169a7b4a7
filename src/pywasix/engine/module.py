"""Loading a module: validation, the compile cache, what the module needs and which generation it is."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import wasmtime

from pywasix.abi.generation import AbiGeneration, find_generation
from pywasix.engine import native
from pywasix.engine.binary import CORE_VERSION, MAGIC, SectionId, sections, unsigned
from pywasix.errors import ModuleError, printable

NUMBERS = {"i": "i32", "I": "i64", "f": "f32", "F": "f64"}
"""What WebAssembly calls the types that codes stand for."""
_OTHER = "r"  # vectors and references: nothing that a host function takes
_SHARED = 2  # flag of limits
_ASYNCIFIED = b"asyncify_start_unwind"
_MAKE_PROCESSES = ("proc_fork", "proc_spawn")
_MAX_WASM_STACK = 2 << 20  # bytes; a task's thread has room for this and for the host's own frames


class FunctionImport(NamedTuple):
    """A function that a module imports; `wasm` is its type as a code such as "ii:i"."""

    module: str
    name: str
    wasm: str
    type: wasmtime.FuncType


class MemoryImport(NamedTuple):
    """A memory that a module imports: pages of 64 KiB."""

    module: str
    name: str
    minimum: int
    maximum: int | None
    shared: bool


class GuestModule(NamedTuple):
    """A compiled module.

    Attributes:
        name: for messages: the file name.
        imports: module and name of each import, in order.
        exports: the kind of each export by name: "function", "memory", "global", "table", ...
        generation: what its imports tell about its age.
    """

    name: str
    compiled: wasmtime.Module
    engine: wasmtime.Engine
    functions: tuple[FunctionImport, ...]
    memory: MemoryImport | None
    exports: dict[str, str]
    generation: AbiGeneration
    imports: tuple[tuple[str, str], ...]

    @property
    def memory_limits(self) -> tuple[int, int | None]:
        """The fewest and the most pages that it declares of its memory; (0, None) of one that it keeps to itself."""
        if self.memory is not None:
            return self.memory.minimum, self.memory.maximum
        memories = (each.type for each in self.compiled.exports if isinstance(each.type, wasmtime.MemoryType))
        return next(((each.limits.min, each.limits.max) for each in memories), (0, None))

    @property
    def makes_processes(self) -> bool:
        """Whether it imports a call that makes processes."""
        return any(each.name.startswith(_MAKE_PROCESSES) for each in self.functions)

    def signature(self, export: str) -> str | None:
        """The type of an exported function as a code such as "ii:i"; None when there is no such function."""
        for each in self.compiled.exports:
            if each.name == export and isinstance(each.type, wasmtime.FuncType):
                return type_code(each.type)
        return None


@cache
def shared_engine() -> wasmtime.Engine:
    """The engine of this Python process, with every WebAssembly feature that guests use switched on."""
    try:
        return wasmtime.Engine(_config(cached=True))
    except wasmtime.WasmtimeError:
        # No home directory, or one that cannot be written: compile each time.
        return wasmtime.Engine(_config(cached=False))


def _config(*, cached: bool) -> wasmtime.Config:
    config = wasmtime.Config()
    config.wasm_threads = True
    config.shared_memory = True
    config.wasm_bulk_memory = True
    config.wasm_simd = True
    config.wasm_reference_types = True
    config.wasm_multi_value = True
    config.wasm_tail_call = True
    config.wasm_function_references = True
    config.wasm_gc = False  # objects of the engine's collector would escape the memory limit; no guest has them
    config.wasm_exceptions = True
    config.wasm_memory64 = True
    config.wasm_multi_memory = False  # each of them would have the whole memory limit for itself
    config.epoch_interruption = True
    config.max_wasm_stack = _MAX_WASM_STACK
    # The host keeps a view of the memory between calls: it must stay where it is.
    config.memory_may_move = False
    if cached:
        config.cache = True
    return config


def load(source: str | Path | bytes, name: str | None = None, *, function_casts: bool | None = None) -> GuestModule:
    """Compile a module, or fetch it from the engine's cache.

    Args:
        source: a path, or the bytes of a .wasm file.
        name: for messages; the file name unless given.
        function_casts: whether calls through function pointers of another type work, as they do natively, instead
            of ending the program; None: in programs that may fork or jump, which are C programs of Unix. They stay as
            they are in modules that change their tables, and in those that would grow by more than a quarter.
    Raises: ModuleError with one line that says what is wrong and how to mend it.
    """
    data, name = _bytes_of(source, name)
    _check_header(data, name)
    engine = shared_engine()
    try:
        compiled = _compiled(engine, data, function_casts)
    except wasmtime.WasmtimeError as error:
        raise ModuleError(_explain(name, str(error))) from None
    if _defines_shared_memory(data):
        raise ModuleError(
            f"{name} defines its own shared memory, which cannot be limited; link it with --import-memory"
        )
    return _describe(name, compiled, engine)


def _compiled(engine: wasmtime.Engine, data: bytes, function_casts: bool | None) -> wasmtime.Module:
    if function_casts is None:
        function_casts = _ASYNCIFIED in data
    if function_casts:
        wasmtime.Module.validate(engine, data)
        from pywasix.engine.casts import mend  # few programs need it

        # Each call through a pointer then takes a few nanoseconds more. What is added may be what passes a limit of the
        # engine's: its numbers of functions and types, their length.
        with suppress(wasmtime.WasmtimeError):
            return wasmtime.Module(engine, mend(data))
    return wasmtime.Module(engine, data)


def _defines_shared_memory(data: bytes) -> bool:
    """Whether a valid module has a shared memory of its own. The engine limits all memories but those."""
    memories = _section(data, SectionId.MEMORY)
    count, first = unsigned(memories, 0)
    return bool(count and memories[first] & _SHARED)


def _section(data: bytes, kind: SectionId) -> bytes:
    """The content of a section of a valid module; a vector of nothing when it has none."""
    return next((data[each.start : each.end] for each in sections(data) if each.id == kind), b"\0")


def _bytes_of(source: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, name or "module"
    path = Path(source)
    try:
        return path.read_bytes(), name or path.name
    except IsADirectoryError:
        raise ModuleError(f"{path} is a directory, not a .wasm file") from None
    except FileNotFoundError:
        raise ModuleError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ModuleError(f"{path} cannot be read: {error.strerror}") from None


def _check_header(data: bytes, name: str) -> None:
    if data[:4] != MAGIC:
        text = ""
        if data.lstrip()[:1] == b"(":
            text = "; it looks like WebAssembly text: translate it first, for example with wat2wasm"
        raise ModuleError(f"{name} is not a WebAssembly file: it does not begin with \\0asm{text}")
    if data[4:8] == b"\x0d\0\1\0":
        raise ModuleError(f"{name} is a component; pywasix runs core modules: build for wasm32-wasip1 or wasm32-wasix")
    if data[4:8] != CORE_VERSION:
        raise ModuleError(f"{name} has the unknown WebAssembly version {data[4:8].hex()}")


def _explain(name: str, error: str) -> str:
    text = " ".join(line.strip() for line in error.splitlines() if line.strip())
    if "legacy" in text and "exception" in text:
        return (
            f"{name} uses the legacy exception instructions; rebuild it with the standard ones: "
            "clang -fwasm-exceptions -mllvm -wasm-use-legacy-eh=false"
        )
    return f"{name} is not a valid module: {printable(text)}"


def type_code(kind: wasmtime.FuncType) -> str:
    """A function type as a code: "iI:i" takes i32 and i64 and gives i32; vectors and references show as "r"."""
    params, results = ("".join(map(value_code, side)) for side in (kind.params, kind.results))
    return f"{params}:{results}"


def value_code(kind: wasmtime.ValType) -> str:
    """The letter of a type, as in `type_code`. To ask it for its kind aborts the host for some (`native.same_type`)."""
    pointer = kind.ptr()
    return next((code for code, known in _numbers() if native.same_type(known.ptr(), pointer)), _OTHER)


@cache
def _numbers() -> tuple[tuple[str, wasmtime.ValType], ...]:
    kinds = wasmtime.ValType
    return ("i", kinds.i32()), ("I", kinds.i64()), ("f", kinds.f32()), ("F", kinds.f64())


def _describe(name: str, compiled: wasmtime.Module, engine: wasmtime.Engine) -> GuestModule:
    functions: list[FunctionImport] = []
    memory: MemoryImport | None = None
    for each in compiled.imports:
        kind, field = each.type, each.name or ""
        if isinstance(kind, wasmtime.FuncType):
            functions.append(FunctionImport(each.module, field, type_code(kind), kind))
        elif isinstance(kind, wasmtime.MemoryType) and memory is None:
            limits = kind.limits
            memory = MemoryImport(each.module, field, limits.min, limits.max, kind.is_shared)
        else:
            raise ModuleError(
                f"{name} imports {printable(f'{each.module}.{field}')}, a {_kind(kind)}; "
                "dynamically linked modules are not supported: link it statically"
            )
    if memory is not None and any(each[:2] == memory[:2] for each in functions):
        # Places are found by name, and a function in the place of a memory is an address of the guest's choice.
        raise ModuleError(f"{name} imports {printable(f'{memory.module}.{memory.name}')} as a function and as a memory")
    exports = {each.name: _kind(each.type) for each in compiled.exports}
    imports = tuple((each.module, each.name or "") for each in compiled.imports)
    signatures = [(each.module, each.name, each.wasm) for each in functions]
    return GuestModule(name, compiled, engine, tuple(functions), memory, exports, find_generation(signatures), imports)


def _kind(kind: object) -> str:
    names = {
        wasmtime.FuncType: "function",
        wasmtime.MemoryType: "memory",
        wasmtime.GlobalType: "global",
        wasmtime.TableType: "table",
    }
    return names.get(type(kind), "tag")
