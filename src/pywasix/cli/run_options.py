"""The options of `pywasix run`, declared once: `quick` reads them, and `run` makes click's options of them."""

from __future__ import annotations

from collections.abc import Callable

from pywasix.fs.sizes import size

BARE = "\0"
"""What an option gets that stands without its optional value; no argument of a program has this character."""


class Option:
    """One option.

    Attributes:
        names: its spellings.
        key: the parameter of `program.run_program`.
        metavar: what stands for its value; "" for a flag, "[=X]" when the value may be left out.
        convert: makes the value of its text; ValueError says what is wrong.
        multiple: it may be given again, and its values are collected.
    """

    __slots__ = ("convert", "help", "key", "metavar", "multiple", "names")

    def __init__(
        self,
        names: str,
        metavar: str,
        help: str,
        convert: Callable[[str], object] = str,
        *,
        multiple: bool = False,
    ) -> None:
        self.names = names.split()
        self.key = self.names[-1].removeprefix("--").replace("-", "_")
        self.metavar = metavar
        self.help = help
        self.convert = convert
        self.multiple = multiple

    @property
    def flag(self) -> bool:
        """It takes no value."""
        return not self.metavar

    @property
    def optional_value(self) -> bool:
        """Its value may be left out, so that it is never the next argument."""
        return self.metavar.startswith("[")


def seconds(text: str) -> float:
    """A time in seconds, more than 0."""
    try:
        time = float(text)
    except ValueError:
        time = 0.0
    if not 0 < time <= 1e9:  # also refuses nan
        raise ValueError(f"{text!r} is no time: give seconds, more than 0")
    return time


def count(text: str) -> int:
    """A number of things."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is no number")
    return int(text)


def port_order(text: str) -> str:
    """A byte order."""
    if text not in ("auto", "little", "big"):
        raise ValueError(f"{text!r} is not auto, little or big")
    return text


OPTIONS = (
    Option(
        "--net",
        "[=RULES]",
        "Allow the network: everything, or what rules such as ipv4:allow=127.0.0.1:8080/in say.",
        multiple=True,
    ),
    Option(
        "--listen",
        "ADDR",
        "Hand over a listening socket, from descriptor 3 on: HOST:PORT, [V6]:PORT or :PORT.",
        multiple=True,
    ),
    Option("--add-host", "NAME=ADDR", "Give a name an address, before any look-up.", multiple=True),
    Option(
        "--volume",
        "HOST:GUEST[:ro]",
        "Give it a directory of the host under a path of its own; one path is both.",
        multiple=True,
    ),
    Option(
        "--dir", "HOST[::GUEST]", "The same, as wasmtime spells it; the path is the host's unless given.", multiple=True
    ),
    Option("--mapdir", "GUEST:HOST", "The same, as wasmer spells it.", multiple=True),
    Option("--tmpfs", "GUEST[:SIZE]", "Give it a directory in memory, of 64 MiB unless SIZE is given.", multiple=True),
    Option("--archive", "FILE:GUEST", "Let it read what is in a zip or tar file.", multiple=True),
    Option("--cwd", "GUEST", "Where it begins, as a path of its own."),
    Option("--use", "NAME=FILE", "Let it run a .wasm file as a command, NAME or /bin/NAME.", multiple=True),
    Option("-e --env", "KEY[=VALUE]", "Set a variable; without a value, to the host's.", multiple=True),
    Option("--forward-host-env", "", "Pass the host's whole environment."),
    Option("--timeout", "SECONDS", "Kill it after this time; the exit status is then 124.", seconds),
    Option("--max-cpu", "SECONDS", "Limit of the processor time of all its threads together.", seconds),
    Option("--max-memory", "SIZE", "Memory limit of each process: bytes, or 64M, 1GiB.", size),
    Option("--max-total-memory", "SIZE", "Memory limit of all its processes together.", size),
    Option("--max-fds", "N", "Limit of open descriptors; half of the host's unless given, 256 to 65536.", count),
    Option("--max-processes", "N", "Limit of processes at once; 256 unless given.", count),
    Option("--max-threads", "N", "Limit of threads at once, of all processes; 1024 unless given.", count),
    Option("--max-connections", "N", "Limit of TCP connections at once; further callers are closed.", count),
    Option("--max-connections-per-peer", "N", "The same, with one address.", count),
    Option("--log-connections", "[=FILE]", "Print who connects and what was moved, to FILE or to standard error."),
    Option("--trace", "[=FILE]", "Print each system call, decoded, to FILE or to standard error."),
    Option("--invoke", "NAME", "Call this export, with ARGS as its numbers; print its results."),
    Option(
        "--function-casts",
        "",
        "Let calls through function pointers of another type work, as they do natively.",
    ),
    Option(
        "--port-order", "auto|little|big", "Byte order of ports, where a module of 2022 is guessed wrong.", port_order
    ),
)

BY_NAME = {name: option for option in OPTIONS for name in option.names}
LONG_NAMES = frozenset(name for name in BY_NAME if name.startswith("--"))
