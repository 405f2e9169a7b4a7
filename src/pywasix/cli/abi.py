"""`pywasix abi`: the ABI for those who write guests."""

from __future__ import annotations

import click


@click.command(short_help="Print the ABI as a C header for guests.")
@click.option("--header", is_flag=True, help="Print wasix.h: types, numbers and imports for C.")
@click.pass_context
def command(ctx: click.Context, header: bool) -> None:
    """Print the ABI for guests."""
    if not header:
        raise click.UsageError("say what to print: --header", ctx)
    from pywasix.syscalls import table
    from pywasix.syscalls.header import c_header

    click.echo(c_header(table.rows()), nl=False)
