"""`pywasix syscalls`: the table of system calls and how much of each is there."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click

from pywasix.cli.tables import print_table

if TYPE_CHECKING:
    from pywasix.syscalls.row import Param, Row

_HEADINGS = ("name", "support", "note")
_LONG_HEADINGS = ("name", "module", "signature", "support", "note")


@click.command(short_help="Print the table of system calls.")
@click.option("--long", "-l", "as_long", is_flag=True, help="Print modules and signatures too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with everything.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table, with everything.")
@click.argument("pattern", required=False)
def command(pattern: str | None, as_long: bool, as_json: bool, as_markdown: bool) -> None:
    """Print every system call of the ABI and how much of it is supported.

    PATTERN shows only some: a part of the name, or a pattern such as 'sock_*'.
    """
    from pywasix.syscalls import table

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown are two forms: choose one")
    rows = [row for row in table.rows() if pattern is None or _matches(row.name, pattern)]
    if as_json:
        _print_json(rows)
    elif as_markdown:
        _print_markdown(rows)
    elif not rows:
        raise click.BadParameter(f"no system call is called like {pattern!r}", param_hint="PATTERN")
    elif as_long:
        print_table(_LONG_HEADINGS, [_cells(row) for row in rows])
    else:
        print_table(_HEADINGS, [(row.name, row.support.value, row.note) for row in rows])


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) if set(pattern) & set("*?[") else pattern in name


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    return row.name, ", ".join(row.modules), signature(row), row.support.value, row.note


def signature(row: Row) -> str:
    """Parameters with their types, and the result: ``(fd: fd, ro_fd: out fd) -> errno``."""
    return f"({', '.join(f'{param.name}: {_type(param)}' for param in row.params)}) -> {row.result}"


def _type(param: Param) -> str:
    name = type_name(param.type)
    return name if param.kind == "value" else f"{param.kind} {name}"


def type_name(kind: Any) -> str:
    """The specification's name of a type."""
    from pywasix.abi.scalars import Code, Flags, scalar_of

    if get_origin(kind) in (Flags, Code):
        return type_name(get_args(kind)[0])
    scalar = scalar_of(kind)
    return str(kind.ABI_NAME) if scalar is None else scalar.name


def _print_json(rows: list[Row]) -> None:
    from json import dumps

    found = [
        {
            "name": row.name,
            "modules": list(row.modules),
            "wasm": row.wasm,
            "params": [{"name": each.name, "kind": each.kind, "type": type_name(each.type)} for each in row.params],
            "result": row.result,
            "support": row.support.value,
            "note": row.note,
        }
        for row in rows
    ]
    click.echo(dumps(found, indent=2))


def _print_markdown(rows: list[Row]) -> None:
    click.echo(f"| {' | '.join(_LONG_HEADINGS)} |")
    click.echo("|---" * len(_LONG_HEADINGS) + "|")
    for row in rows:
        name, module, calls, support, note = (cell.replace("|", "\\|") for cell in _cells(row))
        click.echo(f"| `{name}` | {module} | `{calls}` | {support} | {note} |")
