"""What is measured, and the rounds: every contestant in turn, round after round, on one core."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from contestants import Contestant, MissingError, Server


@dataclass(frozen=True)
class Measurement:
    """One row of the table. ``scale`` turns seconds per unit of the client's amount into the row's unit."""

    name: str
    program: str  # the guest that serves; empty for start-up
    mode: str  # what the client does
    unit: str
    scale: float
    more_is_better: bool = False


MEASUREMENTS = (
    Measurement("echo round trip, 64 B", "echo_server", "echo", "µs", 1e6),
    Measurement("connect, accept, close", "bench_accept", "accept", "µs", 1e6),
    Measurement("64 KiB there and back", "echo_server", "bulk", "GB/s", 1e-9, more_is_better=True),
    Measurement("64 KiB chunks to the server", "bench_bulk", "send", "GB/s", 1e-9, more_is_better=True),
    Measurement("64 KiB chunks from the server", "bench_bulk", "receive", "GB/s", 1e-9, more_is_better=True),
    # Loaded from the other core, by wrk where it is installed.
    Measurement("HTTP, 32 keep-alive connections", "http_epoll", "http", "requests/s", 1, more_is_better=True),
    # Of the same visits: what another program on the core takes away is not in it.
    Measurement("HTTP, processor time of the server", "http_epoll", "cost", "µs per request", 1e6),
    Measurement("start-up: print hello", "", "hello", "ms", 1e3),
)

HTTP_CONNECTIONS = 32
_HTTP, _HTTP_COST = (row for row in MEASUREMENTS if row.program == "http_epoll")

#: What start-up is compared with: the engine's own import, which no host on it can avoid.
IMPORT_ENGINE = "import wasmtime"


@dataclass
class Results:
    """Samples by measurement and contestant, one per round, and why a contestant is missing."""

    rounds: int
    core: int | None
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, measurement: str, contestant: str, value: float) -> None:
        """Record one round's value."""
        self.samples.setdefault(measurement, {}).setdefault(contestant, []).append(value)

    def median(self, measurement: str, contestant: str) -> float | None:
        """The median over the rounds, or None without samples."""
        values = self.samples.get(measurement, {}).get(contestant)
        return statistics.median(values) if values else None

    def ratio(self, measurement: str, contestant: str, reference: str) -> float | None:
        """The median over the rounds of contestant / reference, each taken within one round."""
        row = self.samples.get(measurement, {})
        pairs = zip(row.get(contestant, ()), row.get(reference, ()), strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return statistics.median(ratios) if ratios else None


def pin_to_one_core() -> int | None:
    """Bind this process and all its children to one core; None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def other_core() -> int | None:
    """A core that `pin_to_one_core` did not take; None where there is none, or no pinning."""
    return _CORES[0] if len(_CORES) > 1 else None


def run(
    contestants: Iterable[Contestant],
    client: Path,
    work: Path,
    rounds: int,
    seconds: float,
    note: Callable[[str], None],
    measurements: Iterable[Measurement] = MEASUREMENTS,
) -> Results:
    """Measure everything: ``seconds`` is how long one sample takes, ``note`` gets lines of progress."""
    results = Results(rounds=rounds, core=pin_to_one_core())
    present = _prepare(contestants, work, results, note)
    for measurement in measurements:
        if measurement is _HTTP_COST:
            continue
        note(f"{measurement.name}: {rounds} rounds")
        if measurement.program:
            _measure_servers(measurement, present, client, seconds, results)
        else:
            _measure_start(measurement, present, results)
    return results


def _prepare(
    contestants: Iterable[Contestant], work: Path, results: Results, note: Callable[[str], None]
) -> list[Contestant]:
    """Build every contestant; those that cannot take part are written down."""
    present = []
    for contestant in contestants:
        try:
            contestant.prepare(work)
        except MissingError as error:
            results.missing[contestant.name] = str(error)
            note(f"{contestant.name} is left out: {error}")
        else:
            present.append(contestant)
    return present


def _measure_servers(
    measurement: Measurement, contestants: list[Contestant], client: Path, seconds: float, results: Results
) -> None:
    """Start every contestant's server, then let the client visit them in turn."""
    servers: dict[str, Server] = {}

    def leave_out(name: str, error: MissingError) -> None:
        results.missing[name] = f"{measurement.name}: {error}"
        servers.pop(name).close()

    try:
        for contestant in contestants:
            servers[contestant.name] = Server(contestant, measurement.program)
            try:
                servers[contestant.name].wait_until_listening()
            except MissingError as error:
                leave_out(contestant.name, error)
        for _round in range(results.rounds):
            for name, server in list(servers.items()):
                try:
                    visit = _load if measurement is _HTTP else _visit
                    before = server.processor_time()
                    amount, took = visit(client, measurement, server.port, seconds)
                    cost = server.processor_time() - before
                except MissingError as error:
                    leave_out(name, error)
                    continue
                value = amount / took if measurement.more_is_better else took / amount
                results.add(measurement.name, name, value * measurement.scale)
                if measurement is _HTTP and cost:
                    results.add(_HTTP_COST.name, name, cost / amount * _HTTP_COST.scale)
    finally:
        for server in servers.values():
            server.close()


def _visit(client: Path, measurement: Measurement, port: int, seconds: float) -> tuple[float, float]:
    """Run the client once: (amount, seconds); raises MissingError when the server let it down."""
    amount, took = _call([str(client), measurement.mode, "127.0.0.1", str(port), str(seconds)], seconds).split()
    return float(amount), float(took)


def _load(client: Path, measurement: Measurement, port: int, seconds: float) -> tuple[float, float]:
    """Ask for pages on 32 connections, from a core of its own: (requests, seconds); raises MissingError."""
    if shutil.which("wrk") is None:
        command = _on_core(other_core(), [str(client), measurement.mode, "127.0.0.1", str(port), str(seconds)])
        amount, took = _call(command, seconds).split()
        return float(amount), float(took)
    for_seconds = max(1, round(seconds * 4))  # wrk counts in whole ones
    command = ["wrk", "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{for_seconds}s", f"http://127.0.0.1:{port}/"]
    told = _call(_on_core(other_core(), command), for_seconds)
    requests = re.search(r"(\d+) requests in", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    failed = re.search(r"(Socket errors|Non-2xx).*", told)
    if requests is None or rate is None or failed is not None:
        raise MissingError(f"wrk: {failed[0] if failed else told.strip()}")
    return float(requests[1]), float(requests[1]) / float(rate[1])


def load_generator() -> str:
    """What the HTTP row is loaded by."""
    return "wrk" if shutil.which("wrk") else "bench/client.c"


def _call(command: list[str], seconds: float) -> str:
    """What a client prints that must succeed; raises MissingError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30 + 10 * seconds)
    except FileNotFoundError as error:
        raise MissingError(f"{error.filename} is not installed") from None
    except subprocess.TimeoutExpired:
        raise MissingError("the server stopped answering") from None
    if done.returncode:
        raise MissingError(f"the client failed: {done.stderr.strip()}")
    return done.stdout


def _on_core(core: int | None, command: list[str]) -> list[str]:
    """The command on a core; taskset(1) is of util-linux."""
    return command if core is None else ["taskset", "-c", str(core), *command]


def _measure_start(measurement: Measurement, contestants: list[Contestant], results: Results) -> None:
    """Time whole processes that print hello, after one uncounted run each that fills the caches."""
    commands = {contestant.name: contestant.hello() for contestant in contestants}
    commands[IMPORT_ENGINE] = [sys.executable, "-c", IMPORT_ENGINE]
    for round_number in range(-1, results.rounds):
        for name, command in list(commands.items()):
            try:
                took = _time_process(command)
            except subprocess.CalledProcessError as error:
                results.missing[name] = f"{measurement.name}: exit status {error.returncode}"
                del commands[name]
                continue
            if round_number >= 0:
                results.add(measurement.name, name, took * measurement.scale)


def _time_process(command: list[str]) -> float:
    """Seconds from start to end of a process that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.perf_counter() - start
