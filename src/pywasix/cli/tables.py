"""Tables on standard output: drawn on a terminal, aligned columns anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

_GAP = 2  # blanks between columns
_LEAST = 10  # the width that a column of several words needs


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells below their headings."""
    if _on_terminal():
        _draw(headings, rows)
        return
    for line in aligned([headings, *rows]):
        click.echo(line)


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as a line, columns two blanks apart; the last one is as wide as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (" " * _GAP).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    whole = _unbroken([headings, *rows], console.width)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=place in whole)  # breaks long words, and hides nothing
    for row in rows:
        table.add_row(*map(Text, row))  # not markup: a module chooses the names of its imports
    console.print(table)


def _unbroken(rows: Sequence[Sequence[str]], width: int) -> set[int]:
    """The columns of single words, if the others have room beside them: names should not be broken."""
    columns = list(zip(*rows, strict=True))
    words = {place for place, cells in enumerate(columns) if not any(" " in cell for cell in cells)}
    taken = sum(max(map(len, columns[place])) for place in words) + _GAP * (len(columns) - 1)
    return words if taken + _LEAST * (len(columns) - len(words)) <= width else set()
