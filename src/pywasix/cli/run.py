"""`pywasix run` as click knows it: help, and the explanation of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from pywasix.cli.program import run_program
from pywasix.cli.quick import options_first
from pywasix.cli.run_options import OPTIONS, Option

_HELP = """Run FILE, a WebAssembly program for WASIX or WASI preview1.

Options stand before FILE. Long ones may stand behind it too, up to a --; short and unknown ones there, and
everything after the --, belong to the program. The program gets no network and no variables but those that
options give it.

The exit status is the program's; 128 and the number of the signal that ended it (a trap counts as SIGABRT, 134);
124 after the timeout; 1 when it cannot be run; 2 when the command line is not understood.
"""


class _Run(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, options_first(args))


def _converter(option: Option) -> Callable[[str], object]:
    def convert(text: str) -> object:
        try:
            return option.convert(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _click_option(option: Option) -> click.Option:
    if option.flag:
        return click.Option([*option.names, option.key], is_flag=True, help=option.help)
    return click.Option(
        [*option.names, option.key],
        type=_converter(option),
        metavar=option.metavar,
        multiple=option.multiple,
        help=option.help,
    )


@click.pass_context
def _run(ctx: click.Context, /, **options: Any) -> None:
    given = {key: value for key, value in options.items() if value is not None}
    ctx.exit(run_program(**given))


command = _Run(
    "run",
    callback=_run,
    params=[
        *map(_click_option, OPTIONS),
        click.Argument(["file"]),
        click.Argument(["args"], nargs=-1, type=click.UNPROCESSED),
    ],
    context_settings={"allow_interspersed_args": False},
    help=_HELP,
    short_help="Run a WASIX program.",
)
