"""`pywasix inspect`: what a module is, what it needs, and whether that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pywasix.cli.tables import aligned, print_table

if TYPE_CHECKING:
    from pywasix.abi.generation import AbiGeneration
    from pywasix.engine.module import FunctionImport, GuestModule

_TYPES = {"i": "i32", "I": "i64", "f": "f32", "F": "f64", "v": "v128", "r": "ref"}
_PAGE = 64  # KiB
_GENERATIONS = {
    "preview1": "WASI preview1, no extensions",
    "wasi_unstable": "WASI before preview1, no extensions",
    "wasix-2022": "WASIX of 2022",
    "wasix-2023-06": "WASIX of summer 2023",
    "wasix-2023": "WASIX since autumn 2023",
}


class _Import(NamedTuple):
    """One imported function; `support` is "full", "partial", "none" or "unknown"."""

    module: str
    name: str
    type: str
    support: str
    note: str


@click.command(short_help="Tell what a module needs, and what of it is supported.")
@click.option("--long", "-l", "as_long", is_flag=True, help="Print the types of imports too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with everything.")
@click.argument("file")
def command(file: str, as_long: bool, as_json: bool) -> None:
    """Tell what FILE is, what it imports, and what of that is supported."""
    from pywasix.engine.module import load

    module = load(file)
    imports = [_import(each) for each in module.functions]
    if as_json:
        _print_json(file, module, imports)
    else:
        _print_text(file, module, imports, as_long)


def _import(function: FunctionImport) -> _Import:
    from pywasix.syscalls import table

    wasm = signature(function.wasm)
    row = table.find(function.module, function.name, function.wasm)
    if row is None:
        return _Import(function.module, function.name, wasm, "unknown", "WASIX does not know it")
    if row.wasm != function.wasm:
        note = f"the type of it that is known is {signature(row.wasm)}"
        return _Import(function.module, function.name, wasm, "none", note)
    return _Import(function.module, function.name, wasm, row.support.value, row.note)


def signature(wasm: str) -> str:
    """A wasm type from its code: ``"iI:i"`` is ``(i32, i64) -> i32``."""
    params, _, results = wasm.partition(":")
    shown = f"({', '.join(_TYPES[code] for code in params)})"
    return f"{shown} -> {', '.join(_TYPES[code] for code in results)}" if results else shown


def _memory(module: GuestModule) -> dict[str, Any] | None:
    """Where the memory comes from, and its limits in pages of 64 KiB; None without memory."""
    if module.memory is not None:
        limits = module.memory
        shared = limits.shared
        return {"from": "import", "minimum": limits.minimum, "maximum": limits.maximum, "shared": shared}
    for export in module.compiled.exports:
        found = getattr(export.type, "limits", None)
        if found is not None and module.exports.get(export.name) == "memory":
            shared = bool(getattr(export.type, "is_shared", False))
            return {"from": "export", "minimum": found.min, "maximum": found.max, "shared": shared}
    return None


def _entry(module: GuestModule) -> str | None:
    """The export that runs first, if the module is a program or a reactor."""
    return next((name for name in ("_start", "_initialize") if module.exports.get(name) == "function"), None)


def _supported(imports: list[_Import]) -> int:
    return sum(each.support in ("full", "partial") for each in imports)


def _print_json(file: str, module: GuestModule, imports: list[_Import]) -> None:
    from json import dumps

    generation = module.generation
    found = {
        "name": module.name,
        "size": Path(file).stat().st_size,
        "generation": {
            "name": generation.name,
            "address_bytes": generation.addr_port_size,
            "port_order": _port_order(generation),
        },
        "memory": _memory(module),
        "entry": _entry(module),
        "exports": module.exports,
        "imports": [each._asdict() for each in imports],
        "supported": _supported(imports),
        "total": len(imports),
    }
    click.echo(dumps(found, indent=2))


def _port_order(generation: AbiGeneration) -> str:
    return "big" if generation.big_endian_ports else "little"


def _print_text(file: str, module: GuestModule, imports: list[_Import], as_long: bool) -> None:
    facts = [
        ("name", module.name),
        ("size", f"{Path(file).stat().st_size:,} bytes"),
        ("generation", _generation_text(module.generation)),
        ("memory", _memory_text(_memory(module))),
        ("entry", _ENTRIES[_entry(module)]),
        ("exports", ", ".join(f"{name} ({kind})" for name, kind in module.exports.items()) or "nothing"),
    ]
    for line in aligned(facts):
        click.echo(line)
    if imports:
        click.echo()
        _print_imports(imports, as_long)
    click.echo()
    click.echo(_summary(imports))


def _print_imports(imports: list[_Import], as_long: bool) -> None:
    if as_long:
        print_table(("module", "import", "type", "support", "note"), imports)
    else:
        shown = [(each.module, each.name, each.support, each.note) for each in imports]
        print_table(("module", "import", "support", "note"), shown)


_ENTRIES = {
    "_start": "_start, a program",
    "_initialize": "_initialize, a reactor: name the function to call with --invoke",
    None: "none: name the function to call with --invoke",
}


def _generation_text(generation: AbiGeneration) -> str:
    text = f"{generation.name}: {_GENERATIONS[generation.name]}"
    if generation.wasix:
        text += f"; socket addresses of {generation.addr_port_size} bytes, {_port_order(generation)}-endian ports"
    return text


def _memory_text(memory: dict[str, Any] | None) -> str:
    if memory is None:
        return "none"
    shared = "shared, " if memory["shared"] else ""
    least, most = memory["minimum"], memory["maximum"]
    limit = "no maximum" if most is None else f"at most {most} ({most * _PAGE:,} KiB)"
    return f"{memory['from']}ed, {shared}at least {least} pages ({least * _PAGE:,} KiB), {limit}"


def _summary(imports: list[_Import]) -> str:
    partial = sum(each.support == "partial" for each in imports)
    unknown = [f"{each.module}.{each.name}" for each in imports if each.support == "unknown"]
    text = f"{_supported(imports)} of {len(imports)} imports supported"
    text += f", {partial} of them in part" if partial else ""
    return text + (f"; unknown: {', '.join(unknown)}" if unknown else "")
