"""Results as a Markdown table, as JSON and as a plot."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from measure import HTTP_CONNECTIONS, IMPORT_ENGINE, MEASUREMENTS, Measurement, Results, load_generator

#: Columns of the table, in this order.
CONTESTANTS = ("C", "Python", "Wasmer", "pywasix")

OURS = "pywasix"
PLOTS_IN_A_LINE = 3


class PlotError(Exception):
    """The plot cannot be drawn; the text says why in one line."""


def table(results: Results) -> str:
    """A Markdown table: medians, and ratios of pywasix to C and to Wasmer."""
    head = ["", "unit", *CONTESTANTS, f"{OURS} / C", f"{OURS} / Wasmer"]
    lines = [_line(head), _line(["---"] * 2 + ["---:"] * (len(head) - 2))]
    for row in MEASUREMENTS:
        if row.name not in results.samples:
            continue
        medians = [_number(results.median(row.name, name)) for name in CONTESTANTS]
        ratios = [_number(results.ratio(row.name, OURS, reference)) for reference in ("C", "Wasmer")]
        lines.append(_line([row.name, _unit(row), *medians, *ratios]))
    return "\n".join(lines)


def footnotes(results: Results) -> str:
    """What the reader of the table must know: rounds, pinning, the start-up reference, who is missing."""
    start = next(row for row in MEASUREMENTS if not row.program)
    engine = results.median(start.name, IMPORT_ENGINE)
    ratio = results.ratio(start.name, OURS, IMPORT_ENGINE)
    where = "not pinned" if results.core is None else f"server and client pinned to core {results.core}"
    notes = [f"Medians of {results.rounds} interleaved rounds, {where}; ratios are taken within a round."]
    if any(row.mode == "http" and row.name in results.samples for row in MEASUREMENTS):
        notes.append(f"HTTP: {load_generator()} with {HTTP_CONNECTIONS} connections loads it from another core.")
    if ratio is not None:
        beside = f"`python -c '{IMPORT_ENGINE}'` ({_number(engine)} ms)"
        notes.append(f"Start-up: {OURS} takes {_number(ratio)} times as long as {beside}.")
    notes += [f"{name} was not measured: {reason}" for name, reason in results.missing.items()]
    return "\n".join(notes)


def write_json(results: Results, path: Path) -> None:
    """All samples, for later comparison."""
    path.write_text(json.dumps(dataclasses.asdict(results), indent=1) + "\n")


def write_plot(results: Results, path: Path) -> None:
    """A bar chart of the medians per measurement; raises PlotError."""
    try:
        import matplotlib
    except ImportError:
        raise PlotError("--plot needs matplotlib: pip install 'pywasix[bench]'") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in MEASUREMENTS if row.name in results.samples]
    lines = -(-len(rows) // PLOTS_IN_A_LINE)
    figure, axes = pyplot.subplots(lines, PLOTS_IN_A_LINE, figsize=(3.4 * PLOTS_IN_A_LINE, 3 * lines), squeeze=False)
    for axis in axes.flat[len(rows) :]:
        axis.set_visible(False)
    for axis, row in zip(axes.flat, rows, strict=False):
        found = {name: results.median(row.name, name) for name in CONTESTANTS}
        shown = {name: value for name, value in found.items() if value is not None}
        colours = ["#c33c2e" if name == OURS else "#8a94a6" for name in shown]
        bars = axis.bar(list(shown), list(shown.values()), color=colours)
        axis.bar_label(bars, labels=[_number(value) for value in shown.values()], fontsize=8)
        axis.set_title(row.name, fontsize=9)
        axis.set_ylabel(_unit(row), fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _unit(row: Measurement) -> str:
    return f"{row.unit}, more is better" if row.more_is_better else row.unit


def _number(value: float | None) -> str:
    """Three significant digits, or a dash for what was not measured."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
