"""What threads cost: the hand-over of a futex between two threads, and the start of a thread until it runs.

    python bench/threads.py [--rounds 5] [--wasmer /path/to/python/with/wasmer-sdk]

The same program, `tests/guests/bench_threads.c`, runs compiled natively, in pywasix and, where an interpreter with
wasmer-sdk is named, in Wasmer. Python hands over a `threading.Lock`. All are pinned to one processor and take turns;
the best of the rounds is printed, in microseconds, and what it is in terms of Python's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from time import perf_counter_ns

from contestants import GUESTS, compile_c

BENCH = Path(__file__).resolve().parent
COUNT = 5000
Figures = dict[str, float]


def python() -> Figures:
    """Two threads that hand a lock to each other; threads that tell when they run."""
    locks = Lock(), Lock()
    locks[1].acquire()

    def play(mine: Lock, other: Lock) -> None:
        for _ in range(COUNT):
            mine.acquire()
            other.release()

    second = Thread(target=play, args=(locks[1], locks[0]))
    begun = perf_counter_ns()
    second.start()
    play(*locks)
    second.join()
    handed = (perf_counter_ns() - begun) / COUNT / 2
    spent = 0
    for _ in range(COUNT // 10):
        reached: list[int] = []
        before = perf_counter_ns()
        thread = Thread(target=lambda: reached.append(perf_counter_ns()))  # noqa: B023  # it is joined at once
        thread.start()
        thread.join()
        spent += reached[0] - before
    return {"hand-over": handed, "start": spent / (COUNT // 10)}


def told(command: list[str]) -> Figures:
    """The figures that a run of the guest's program prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in done.stdout.splitlines())}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What threads cost.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wasmer", metavar="PYTHON", help="an interpreter that has wasmer-sdk")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # those who are started inherit it
    module = str(GUESTS / "bench_threads.wasm")
    with tempfile.TemporaryDirectory() as work:
        compile_c(GUESTS / "bench_threads.c", Path(work) / "native")
        ways: dict[str, Callable[[], Figures]] = {
            "Python": python,
            "pywasix": lambda: told([sys.executable, "-m", "pywasix", "run", module, str(COUNT)]),
            "C": lambda: told([str(Path(work) / "native"), str(COUNT)]),
        }
        if options.wasmer:
            host = [options.wasmer, str(BENCH / "wasmer_host.py"), work, module, str(COUNT)]
            ways["Wasmer"] = lambda: told(host)
        rounds = [{name: way() for name, way in ways.items()} for _ in range(options.rounds)]
    best = {name: {row: min(each[name][row] for each in rounds) for row in rounds[0][name]} for name in ways}
    print(f"{'':10} {'hand-over':>20} {'start':>20}")
    for name, rows in best.items():
        cells = [
            f"{rows[row] / 1000:9.1f} us ({rows[row] / best['Python'][row]:5.2f})" for row in ("hand-over", "start")
        ]
        print(f"{name:10} {cells[0]:>20} {cells[1]:>20}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
