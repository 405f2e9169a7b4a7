"""What files cost: reading and writing in bulk and byte by byte, and opening, looking at and closing many.

    python bench/files.py [--rounds 5] [--quick] [--wasmer /path/to/python/with/wasmer-sdk]

The same program, `tests/guests/bench_files.c`, runs compiled natively, in pywasix and, where an interpreter with
wasmer-sdk is named, in Wasmer; Python does the same in its own words. It times itself, so that starting is not in it.
C, Python and pywasix work on a directory of the disk. wasmer-sdk mounts no directory of the host: its files are in
memory, and pywasix does that too (`--tmpfs`) for comparison. All are pinned to one processor and take turns; ratios are
taken within a round, and the median counts.

The last two rows show what no host can go below. Reading a file that is in the host's memory is a copy of that memory,
and a call of one byte is a crossing of the border: a host that keeps its files in memory has the time of these two, and
one that reads the disk has a system call on top, as C has it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from contestants import GUESTS, compile_c

BENCH = Path(__file__).resolve().parent
CHUNK = 1 << 16
MEMORY = "pywasix --tmpfs"
#: Modes of the program: what a row is called, its usual and its quick count, and its unit with what a second is in it.
ROWS = {
    "write": ("write in calls of 64 KiB", 256, 64, "ms per 256 MiB", 1e3 * (256 << 20)),
    "read": ("read in calls of 64 KiB", 256, 64, "ms per 256 MiB", 1e3 * (256 << 20)),
    "bytes": ("calls of 1 byte", 100_000, 20_000, "us per call", 1e6),
    "names": ("open, fstat, close", 10_000, 2_000, "us per file", 1e6),
    "copy": ("memory to memory, 64 KiB at a time, by the program alone", 256, 64, "ms per 256 MiB", 1e3 * (256 << 20)),
    "calls": ("a look at the clock: the border alone", 100_000, 20_000, "us per call", 1e6),
}
Way = Callable[[str, int], float]


def told(command: list[str]) -> float:
    """Seconds per unit of what a run of the program tells."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    amount, took = done.stdout.split()
    return float(took) / float(amount)


def python(directory: Path) -> Way:
    """The same in Python, with bare descriptors."""

    def write(path: str, count: int) -> float:
        chunk, fd = bytes(CHUNK), os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        begun = perf_counter()
        for _ in range(count * 16):
            os.write(fd, chunk)
        took = perf_counter() - begun
        os.close(fd)
        return took

    def read(path: str, count: int) -> float:
        write(path, count)
        room, fd = [bytearray(CHUNK)], os.open(path, os.O_RDONLY)
        begun = perf_counter()
        for _ in range(count * 16):
            os.readv(fd, room)
        took = perf_counter() - begun
        os.close(fd)
        return took

    def single(path: str, count: int) -> float:
        fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_RDWR)
        begun = perf_counter()
        for _ in range(count):
            os.write(fd, b"x")
        os.lseek(fd, 0, os.SEEK_SET)
        for _ in range(count):
            os.read(fd, 1)
        took = perf_counter() - begun
        os.close(fd)
        return took

    def names(count: int) -> float:
        paths = [f"{directory}/f{number:05}" for number in range(count)]
        for path in paths:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        begun = perf_counter()
        for path in paths:
            fd = os.open(path, os.O_RDONLY)
            os.fstat(fd)
            os.close(fd)
        took = perf_counter() - begun
        for path in paths:
            os.unlink(path)
        return took

    def copy(count: int) -> float:
        source, chunk = memoryview(bytearray(count << 20)), memoryview(bytearray(CHUNK))
        begun = perf_counter()
        for at in range(0, count << 20, CHUNK):
            chunk[:] = source[at : at + CHUNK]
        return perf_counter() - begun

    def calls(count: int) -> float:
        begun = perf_counter()
        for _ in range(count):
            perf_counter()
        return perf_counter() - begun

    def way(mode: str, count: int) -> float:
        if mode == "names":
            return names(count) / count
        if mode == "copy":
            return copy(count) / (count << 20)
        if mode == "calls":
            return calls(count) / count
        path = f"{directory}/bulk"
        took = {"write": write, "read": read, "bytes": single}[mode](path, count)
        os.unlink(path)
        return took / (2 * count if mode == "bytes" else count << 20)

    return way


def ways(work: Path, wasmer: str | None) -> dict[str, Way]:
    """How each contestant runs the program."""
    directory = work / "files"
    directory.mkdir()
    compile_c(GUESTS / "bench_files.c", work / "native")
    module = str(GUESTS / "bench_files.wasm")
    run = [sys.executable, "-m", "pywasix", "run"]
    found: dict[str, Way] = {
        "C": lambda mode, count: told([str(work / "native"), mode, str(directory), str(count)]),
        "Python": python(directory),
        "pywasix": lambda mode, count: told([*run, f"--volume={directory}:/d", "--", module, mode, "/d", str(count)]),
        MEMORY: lambda mode, count: told([*run, "--tmpfs=/d:1G", "--", module, mode, "/d", str(count)]),
    }
    if wasmer:
        host = [wasmer, str(BENCH / "wasmer_host.py"), str(work / "cache"), module]
        found["Wasmer"] = lambda mode, count: told([*host, mode, "/workspace", str(count)])
    return found


def ratio(samples: dict[str, list[float]], ours: str, theirs: str) -> str:
    """The median of the ratios within the rounds; a dash for who did not take part."""
    if theirs not in samples:
        return "-"
    return f"{statistics.median(a / b for a, b in zip(samples[ours], samples[theirs], strict=True)):.2f}"


def main() -> int:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description="What files cost.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="smaller amounts")
    parser.add_argument("--wasmer", metavar="PYTHON", help="an interpreter that has wasmer-sdk")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # those who are started inherit it
    with tempfile.TemporaryDirectory() as directory:
        contestants = ways(Path(directory), options.wasmer)
        heads = ["", "unit", *contestants, "pywasix / C", "pywasix / Wasmer", "in memory / Wasmer"]
        print("| " + " | ".join(heads) + " |")
        print("| --- | --- |" + " ---: |" * (len(heads) - 2))
        for mode, (row, usual, quick, unit, scale) in ROWS.items():
            count = quick if options.quick else usual
            rounds = [{name: way(mode, count) for name, way in contestants.items()} for _ in range(options.rounds)]
            samples = {name: [each[name] for each in rounds] for name in contestants}
            cells = [f"{statistics.median(samples[name]) * scale:.3g}" for name in contestants]
            pairs = ("pywasix", "C"), ("pywasix", "Wasmer"), (MEMORY, "Wasmer")
            print("| " + " | ".join([row, unit, *cells, *(ratio(samples, *pair) for pair in pairs)]) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
