"""Running one program for the command line: its signals, its time limit, its exit status. No click here."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os import devnull, environ
from os.path import exists, isfile
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from pywasix.cli import INTERRUPTED
from pywasix.cli.run_options import BARE
from pywasix.cli.signals import GuestSignals
from pywasix.errors import ModuleError, OptionError, PywasixError

if TYPE_CHECKING:
    from pywasix.engine.module import GuestModule
    from pywasix.net.events import ConnectionEvent
    from pywasix.runtime import Process

_MISTAKE = 1
_TIMED_OUT = 124  # the status of timeout(1)
_BY_SIGNAL = 128  # the shells' convention: 128 and the signal's number
_SHOW_PROGRESS_AFTER = 0.5  # seconds of compiling
_NO_RULES = ("", "all", "none")  # what people try


def run_or_explain(**options: Any) -> int:
    """`run_program`; a user's mistake becomes one line and exit status 1. One in a rule is pointed at, too."""
    try:
        return run_program(**options)
    except PywasixError as error:
        report(str(error))
        pointer = getattr(error.__cause__, "pointer", None)  # of a `PolicyError`, whose module few runs load
        if pointer is not None:
            for line in pointer().split("\n"):
                report(f"  {line}")
        return _MISTAKE


def run_program(
    file: str,
    args: tuple[str, ...] = (),
    *,
    net: tuple[str, ...] = (),
    add_host: tuple[str, ...] = (),
    listen: tuple[str, ...] = (),
    volume: tuple[str, ...] = (),
    dir: tuple[str, ...] = (),
    mapdir: tuple[str, ...] = (),
    tmpfs: tuple[str, ...] = (),
    archive: tuple[str, ...] = (),
    cwd: str | None = None,
    use: tuple[str, ...] = (),
    env: tuple[str, ...] = (),
    forward_host_env: bool = False,
    timeout: float | None = None,
    max_cpu: float | None = None,
    max_memory: int | None = None,
    max_total_memory: int | None = None,
    max_fds: int | None = None,
    max_processes: int | None = None,
    max_threads: int | None = None,
    max_connections: int | None = None,
    max_connections_per_peer: int | None = None,
    log_connections: str | None = None,
    trace: str | None = None,
    invoke: str | None = None,
    port_order: Literal["auto", "little", "big"] = "auto",
    function_casts: bool = False,
) -> int:
    """Run a program to its end; returns the exit status for the shell.

    Args: the options of the command line; see `run_options`.
    Raises: PywasixError when it cannot be run.
    """
    variables = environment(env, environ, forward=forward_host_env)
    network = rules(net)
    hosts = added_hosts(add_host)
    commands = used(use)
    if trace == "":
        raise OptionError("--trace= names no file: write --trace=FILE, or --trace alone for standard error")
    casts = function_casts or None  # without the option as the module itself tells
    with _without_collections():
        try:
            module = _load(file, casts)
        except ModuleError as error:
            raise ModuleError(f"{error}{joined_value(file, args, net, trace)}") from None
        from pywasix.runtime import start
    with _connection_log(log_connections) as on_connection, GuestSignals() as signals:
        try:
            process = start(
                [module, *args],
                env=variables,
                net=network,
                hosts=hosts,
                listen=listen,
                volumes=directories(volume, dir, mapdir),
                tmpfs=tmpfs,
                archives=archive,
                cwd=cwd,
                commands=commands,
                max_cpu=max_cpu,
                max_memory=max_memory,
                max_total_memory=max_total_memory,
                max_fds=max_fds,
                max_processes=max_processes,
                max_threads=max_threads,
                max_connections=max_connections,
                max_connections_per_peer=max_connections_per_peer,
                on_connection=on_connection,
                trace=True if trace == BARE else trace,
                invoke=invoke,
                port_order=port_order,
                function_casts=casts,
                report=report,
            )
        except OSError as error:  # a listen address that cannot be had
            raise OptionError(str(error)) from None
        if log_connections != BARE:  # which has said so
            _tell_chosen_ports(listen, process)
        status = signals.until(lambda: _wait(process, file, timeout), process, limited=timeout is not None)
    _print_results(process.results)
    return status


@contextmanager
def _without_collections() -> Iterator[None]:
    """Importing makes many objects and no garbage: looking for garbage meanwhile is a tenth of start-up."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def environment(entries: Iterable[str], host: Mapping[str, str], *, forward: bool) -> dict[str, str]:
    """The guest's environment.

    Args:
        entries: ``KEY=VALUE``, or ``KEY`` for the host's own value.
        forward: begin with everything that the host has.
    """
    found = dict(host) if forward else {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not key:
            raise OptionError(f"--env {entry} is not KEY=VALUE")
        if not equals and key not in host:
            raise OptionError(f"--env {key}: the host has no such variable; give --env {key}=VALUE")
        found[key] = value if equals else host[key]
    return found


def rules(given: tuple[str, ...]) -> bool | str | None:
    """What ``--net`` means: None without it, True when bare, else all rules together."""
    if not given:
        return None
    for value in given:
        if value in _NO_RULES:
            raise OptionError(
                f"--net={value} is no rule: --net alone allows everything; without it there is no network"
            )
    if BARE not in given:
        return ",".join(given)
    if any(value != BARE for value in given):
        raise OptionError("--net without rules allows everything: give rules, or leave them out")
    return True


def added_hosts(entries: Iterable[str]) -> dict[str, list[str]]:
    """The addresses of each name that ``--add-host NAME=ADDR`` gave."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        name, equals, address = entry.partition("=")
        if not equals:
            raise OptionError(f"--add-host {entry} is not NAME=ADDR")
        found.setdefault(name, []).append(address)
    return found


def directories(volume: tuple[str, ...], dir: tuple[str, ...], mapdir: tuple[str, ...]) -> tuple[str, ...]:
    """All volumes, however they are spelled."""
    if not dir and not mapdir:
        return volume
    from pywasix.runtime.volumes import directory_volume, mapped_volume

    return (*volume, *map(directory_volume, dir), *map(mapped_volume, mapdir))


def used(entries: Iterable[str]) -> dict[str, str]:
    """The file of each name that ``--use NAME=FILE`` gave."""
    found: dict[str, str] = {}
    for entry in entries:
        name, equals, file = entry.partition("=")
        if not equals or not name or not file:
            raise OptionError(f"--use {entry} is not NAME=FILE")
        found[name] = file
    return found


def joined_value(file: str, args: tuple[str, ...], net: tuple[str, ...], trace: str | None) -> str:
    """What to add to the words about a program that cannot be loaded, when it may be an option's value.

    The values of --net and --trace may be left out, so that the word behind them is never theirs.
    """
    if exists(file):
        return ""
    if BARE in net and (":allow=" in file or ":deny=" in file):
        return f"; write --net={_quoted(file)}"
    if not args or not isfile(args[0]):
        return ""
    if trace == BARE:
        return f"; write --trace={_quoted(file)}"
    return "; write --net=RULES, or --net alone for everything" if BARE in net else ""


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)


def report(message: str) -> None:
    """Tell the user something, on standard error, in one write. The guest's threads call this too."""
    line = message if message.startswith("pywasix: ") else f"pywasix: {message}"
    with suppress(OSError):  # nobody reads
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


@contextmanager
def _connection_log(wanted: str | None) -> Iterator[Callable[[ConnectionEvent], None] | None]:
    """What logs connections while the program runs; None when nobody asked for it."""
    if wanted is None:
        yield None
        return
    from pywasix.cli.connection_log import FileLog, reported

    if wanted == BARE:
        yield reported(report)
        return
    if not wanted:
        raise OptionError("--log-connections= names no file: write --log-connections=FILE, or nothing behind it")
    log = FileLog(wanted)
    try:
        yield log
    finally:
        log.close()


def _tell_chosen_ports(wanted: tuple[str, ...], process: Process) -> None:
    for address, (host, port) in zip(wanted, process.listeners, strict=True):
        if int(address.rpartition(":")[2]) == 0:
            report(f"listening on {f'[{host}]' if ':' in host else host}:{port}")


def _print_results(results: tuple[Any, ...]) -> None:
    try:
        sys.stdout.writelines(f"{result}\n" for result in results)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads: no more attempts, also not the one at the end of the interpreter
        sys.stdout = open(devnull, "w")  # noqa: SIM115  # stays open as long as the interpreter
    except OSError as error:
        raise PywasixError(f"cannot write: {error.strerror}") from None


def _wait(process: Process, file: str, timeout: float | None) -> int:
    """Wait for the end; returns the exit status."""
    if timeout is None:
        process.wait()
    elif not _ends_within(process, timeout):
        process.kill()
        process.wait()
        report(f"{file}: the time limit of {timeout:g} seconds is over")
        return _TIMED_OUT
    if process.reason:
        report(f"{file}: {process.reason}")
    code = process.wait()
    return _BY_SIGNAL - code if code < 0 else code & 0xFF


def _ends_within(process: Process, timeout: float) -> bool:
    from subprocess import TimeoutExpired

    try:
        process.wait(timeout)
    except TimeoutExpired:
        return False
    return True


def _load(file: str, function_casts: bool | None) -> GuestModule:
    """Compile, in a thread of its own: Python answers Ctrl-C between its own steps only, and the engine's is long."""
    loaded: list[GuestModule] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            from pywasix.engine.module import load

            loaded.append(load(file, function_casts=function_casts))
        except BaseException as error:
            failed.append(error)

    worker = Thread(target=work, name="pywasix-compile", daemon=True)
    worker.start()
    worker.join(_SHOW_PROGRESS_AFTER)
    if worker.is_alive() and sys.stderr.isatty():
        _show_progress(worker, file)
    worker.join()
    if failed:
        raise failed[0]
    return loaded[0]


def _show_progress(worker: Thread, file: str) -> None:
    """Tell on a terminal that it takes long. Ctrl-C must not leave it without a cursor."""
    from rich.console import Console
    from rich.markup import escape

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Console(stderr=True).status(f"compiling {escape(file)}"):
            worker.join()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)
