"""Who takes part in a measurement, and how each one's servers are started and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

BENCH = Path(__file__).resolve().parent
GUESTS = BENCH.parent / "tests" / "guests"

#: The programs that the measurements need, as names of guests.
SERVERS = ("echo_server", "bench_accept", "bench_bulk", "http_epoll")

_SERVER_OPTIONS = {"echo_server": ["-q"]}


class MissingError(Exception):
    """A contestant cannot take part; the text says why in one line."""


class Contestant(Protocol):
    """One way to run the servers."""

    name: str

    def prepare(self, work: Path) -> None:
        """Build what is needed into the directory ``work``; raises MissingError."""

    def server(self, program: str, port: int) -> list[str]:
        """The command that runs ``program`` on 127.0.0.1:``port``."""

    def hello(self) -> list[str]:
        """The command that prints hello and ends: what start-up costs."""


def _arguments(program: str, port: int) -> list[str]:
    return [*_SERVER_OPTIONS.get(program, []), str(port), "127.0.0.1"]


@dataclass
class Native:
    """The guests' own C sources, compiled for this machine."""

    name: str = "C"
    work: Path = field(default_factory=Path)

    def prepare(self, work: Path) -> None:
        """Compile the servers and hello."""
        self.work = work
        for program in (*SERVERS, "hello"):
            compile_c(GUESTS / f"{program}.c", work / program)

    def server(self, program: str, port: int) -> list[str]:
        """The compiled server."""
        return [str(self.work / program), *_arguments(program, port)]

    def hello(self) -> list[str]:
        """The compiled hello."""
        return [str(self.work / "hello")]


@dataclass
class PlainPython:
    """The same servers written in Python with blocking sockets."""

    name: str = "Python"

    def prepare(self, work: Path) -> None:
        """Nothing to build."""

    def server(self, program: str, port: int) -> list[str]:
        """The server of plain_server.py."""
        return [sys.executable, str(BENCH / "plain_server.py"), program, str(port)]

    def hello(self) -> list[str]:
        """An interpreter that prints hello."""
        return [sys.executable, "-c", "print('hello')"]


@dataclass
class Wasmer:
    """wasmer-sdk in ``python``, on the guests' .wasm."""

    python: str
    name: str = "Wasmer"
    cache: str = ""

    def prepare(self, work: Path) -> None:
        """See that wasmer-sdk is there."""
        self.cache = str(work / "wasmer-cache")
        _require([self.python, "-c", "import wasmer_sdk"], f"wasmer-sdk is not installed in {self.python}")

    def server(self, program: str, port: int) -> list[str]:
        """The module under wasmer_host.py."""
        return self._run(program, _arguments(program, port))

    def hello(self) -> list[str]:
        """hello.wasm under wasmer_host.py."""
        return self._run("hello", [])

    def _run(self, guest: str, arguments: list[str]) -> list[str]:
        module = str(GUESTS / f"{guest}.wasm")
        return [self.python, str(BENCH / "wasmer_host.py"), self.cache, module, *arguments]


@dataclass
class Pywasix:
    """This project, on the guests' .wasm."""

    name: str = "pywasix"

    def prepare(self, work: Path) -> None:
        """See that the command line runs."""
        _require([sys.executable, "-m", "pywasix", "--help"], "python -m pywasix does not run")

    def server(self, program: str, port: int) -> list[str]:
        """The module under ``pywasix run``, all networking allowed."""
        module = str(GUESTS / f"{program}.wasm")
        return [
            sys.executable,
            "-m",
            "pywasix",
            "run",
            "--net",
            "--max-fds=65536",
            "--",
            module,
            *_arguments(program, port),
        ]

    def hello(self) -> list[str]:
        """hello.wasm under ``pywasix run``."""
        return [sys.executable, "-m", "pywasix", "run", str(GUESTS / "hello.wasm")]


class Server:
    """A running server process, listening on ``port``; ``close()`` ends it."""

    def __init__(self, contestant: Contestant, program: str) -> None:
        self.port = _free_port()
        self._process = subprocess.Popen(
            contestant.server(program, self.port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def processor_time(self) -> float:
        """Seconds that the process and the system for it have computed; 0 where nothing tells (no /proc)."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return 0.0
        user, system = told.rpartition(")")[2].split()[11:13]  # proc(5): utime and stime, in ticks
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wait_until_listening(self) -> None:
        """Block until the server says that it listens; raises MissingError when it ends instead."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        for line in self._process.stdout:
            if line.startswith("listening on "):
                return
        complaint = self._process.stderr.read().strip().splitlines() or ["no message"]
        raise MissingError(f"the server ended at once: {complaint[-1]}")

    def close(self) -> None:
        """Kill the process and wait for its end."""
        self._process.kill()
        self._process.communicate()


def compile_c(source: Path, target: Path) -> None:
    """Compile one C file with the machine's ``cc``; raises MissingError."""
    command = ["cc", "-std=gnu11", "-O2", str(source), "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise MissingError("there is no C compiler (cc)") from None
    if done.returncode:
        raise MissingError(f"{source.name} does not compile: {done.stderr.strip().splitlines()[0]}")


def _require(command: list[str], message: str) -> None:
    """Run a command that must succeed; raises MissingError with ``message``."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError:
        raise MissingError(message) from None
    if done.returncode:
        raise MissingError(message)


def _free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
