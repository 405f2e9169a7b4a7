"""Compare pywasix with C, plain Python and Wasmer, in one run on one core.

    python bench/run.py [--quick] [--only WORD ...] [--json FILE] [--plot FILE] [--wasmer-python PATH]

The absolute times of a shared machine are worth little; the ratios within one run are what counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import report
from contestants import BENCH, Contestant, MissingError, Native, PlainPython, Pywasix, Wasmer, compile_c
from measure import MEASUREMENTS, Measurement, run


def main() -> int:
    """Command line; the exit status is 1 when nothing could be measured or drawn."""
    options = _options()
    rounds = options.rounds or (5 if options.quick else 11)
    seconds = 0.2 if options.quick else 0.5
    contestants: list[Contestant] = [Native(), PlainPython(), Wasmer(options.wasmer_python), Pywasix()]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        try:
            compile_c(BENCH / "client.c", work / "client")
        except MissingError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        _cache_bytecode(work)
        results = run(contestants, work / "client", work, rounds, seconds, _note, _chosen(options.only))
    print(report.table(results))
    print()
    print(report.footnotes(results))
    if options.json:
        report.write_json(results, options.json)
    if options.plot:
        try:
            report.write_plot(results, options.plot)
        except report.PlotError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    return 0


def _chosen(words: list[str] | None) -> list[Measurement]:
    """The rows with one of the words in their names; all of them without words."""
    wanted = [word.lower() for word in words or [""]]
    return [row for row in MEASUREMENTS if any(word in row.name.lower() for word in wanted)]


def _cache_bytecode(work: Path) -> None:
    """Let every interpreter that is started find compiled bytecode, as it does for an installed package."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(work / "bytecode")


def _note(line: str) -> None:
    print(line, file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare pywasix with C, plain Python and Wasmer.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only the rows that have one of these in their names")
    parser.add_argument("--rounds", type=int, help="how many interleaved rounds (default 11, with --quick 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a PNG (needs matplotlib)")
    parser.add_argument(
        "--wasmer-python", default=sys.executable, metavar="PATH", help="the interpreter that has wasmer-sdk"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
