"""What processes cost: fork of a program that has touched memory, and spawn of one that ends at once.

    python bench/processes.py [--rounds 5] [--count 20] [--wasmer /path/to/python/with/wasmer-sdk] [--json FILE]

The same program, `tests/guests/bench_processes.c`, runs compiled natively, in pywasix and, where an interpreter with
wasmer-sdk is named, in Wasmer; both run the build whose memory is imported and shared, because Wasmer forks no other.
Python does the same with os.fork and subprocess. A fork is timed in the parent, from the call to its return; a spawn
from the call to the end of the child, which is that program itself without arguments.

All are pinned to one processor and take turns. A sample is the median of `count` calls; the table has the medians of
the rounds in microseconds and, behind them, how many times a memory copy of the same size, or C's spawn, that is: the
median of the ratios within the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from contestants import GUESTS, MissingError, compile_c

BENCH = Path(__file__).resolve().parent
MODULE = GUESTS / "bench_processes_shared.wasm"
MIB = 1 << 20
#: A row's name, the program's words, and the row of the contestant "copy" or "C" that it is compared with.
ROWS = (
    ("fork, 1 MiB touched", ("fork", "1"), "copy"),
    ("fork, 64 MiB touched", ("fork", "64"), "copy"),
    ("spawn and wait", ("spawn",), "C"),
)
Way = Callable[[tuple[str, ...], int], float]


def told(command: list[str]) -> float:
    """The median of the microseconds that a run of the program prints; raises MissingError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(str(error)) from None
    if done.returncode or not done.stdout:
        complaint = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise MissingError(complaint[-1])
    return median(map(float, done.stdout.split()))


def python_fork(mib: int, count: int) -> float:
    """The median of os.fork in a process that has touched so much memory, in microseconds."""
    memory = bytearray(b"\1") * (mib * MIB)
    times = []
    for _ in range(count):
        began = perf_counter_ns()
        pid = os.fork()
        if pid == 0:
            os._exit(memory[-1] != 1)
        times.append((perf_counter_ns() - began) / 1000)
        os.waitpid(pid, 0)
    return median(times)


def python_spawn(program: str, count: int) -> float:
    """The median of subprocess.run, in microseconds."""
    times = []
    for _ in range(count):
        began = perf_counter_ns()
        subprocess.run([program], check=True)
        times.append((perf_counter_ns() - began) / 1000)
    return median(times)


def ways(work: Path, wasmer: str | None) -> dict[str, Way]:
    """The contestants: each runs the program's words so many times, and gives microseconds."""
    native, name = str(work / "bench_processes"), MODULE.stem
    compile_c(GUESTS / "bench_processes.c", Path(native))
    pywasix = [sys.executable, "-m", "pywasix", "run", f"--use={name}={MODULE}", "--", str(MODULE)]

    def run(command: list[str], child: str) -> Way:
        def way(words: tuple[str, ...], count: int) -> float:
            named = (*words, child) if words == ("spawn",) else words
            return told([*command, *named, str(count)])

        return way

    def copy(words: tuple[str, ...], count: int) -> float:
        if words == ("spawn",):
            raise MissingError("nothing is copied")
        return told([native, "copy", *words[1:], str(count)])

    def python(words: tuple[str, ...], count: int) -> float:
        return python_spawn(native, count) if words == ("spawn",) else python_fork(int(words[1]), count)

    found: dict[str, Way] = {"copy": copy, "C": run([native], native), "Python": python, "pywasix": run(pywasix, name)}
    if wasmer:
        found["Wasmer"] = run([wasmer, str(BENCH / "wasmer_host.py"), str(work), str(MODULE)], name)
    return found


Samples = dict[str, dict[str, list[float]]]


def measure(contestants: dict[str, Way], rounds: int, count: int) -> Samples:
    """Samples by row and contestant; who cannot take part in a row is told of."""
    samples: Samples = {row: {name: [] for name in contestants} for row, _, _ in ROWS}
    for row, words, _ in ROWS:
        for _round in range(rounds):
            for name, way in contestants.items():
                if name not in samples[row]:
                    continue
                try:
                    samples[row][name].append(way(words, count))
                except MissingError as error:
                    del samples[row][name]
                    if name != "copy":
                        print(f"{name} is left out of {row!r}: {error}", file=sys.stderr)
    return samples


def table(samples: Samples) -> str:
    """The samples in Markdown."""
    names = list(next(iter(samples.values())))
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for row, _, reference in ROWS:
        cells = [f"{row} (x {reference})"]
        for name in names:
            values = samples[row].get(name)
            if not values:
                cells.append("-")
                continue
            ratios = [one / other for one, other in zip(values, samples[row][reference], strict=False)]
            cells.append(f"{median(values):,.0f} ({median(ratios):.2f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What processes cost.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=20, help="calls in one sample, at most 1,000")
    parser.add_argument("--wasmer", metavar="PYTHON", help="an interpreter that has wasmer-sdk")
    parser.add_argument("--json", type=Path, help="write the samples to a file")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # those who are started inherit it
    with tempfile.TemporaryDirectory() as work:
        samples = measure(ways(Path(work), options.wasmer), options.rounds, options.count)
    if options.json:
        options.json.write_text(json.dumps(samples, indent=1))
    print(table(samples))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
