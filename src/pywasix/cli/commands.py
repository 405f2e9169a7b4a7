"""The commands as click knows them."""

from __future__ import annotations

from importlib import import_module
from os.path import isfile
from typing import Any

import click

from pywasix import __version__
from pywasix.errors import PywasixError

_COMMANDS = ("run", "inspect", "syscalls", "abi")


class _Commands(click.Group):
    """Commands by the name of their module; a user's mistake becomes one line and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"pywasix.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and (args[0].endswith(".wasm") or isfile(args[0])):
            ctx.fail(f"to run a program write: pywasix run {args[0]}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PywasixError as error:
            click.echo(f"pywasix: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="pywasix %(version)s")
def group() -> None:
    """Run WASIX programs: WebAssembly with sockets, sandboxed."""
