"""What users give to `start`, turned into what the kernel takes. One function per option."""

from __future__ import annotations

import codecs
import io
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import IO, Any

from pywasix.abi.generation import AbiGeneration
from pywasix.engine.instance import EntryPoint
from pywasix.engine.memory import PAGE
from pywasix.engine.module import NUMBERS, GuestModule, load
from pywasix.errors import ModuleError, OptionError

Program = str | Path | bytes | GuestModule
_SHARES = 4
_MOST_SECONDS = 1e9
MAX_PAGES = 65536  # 4 GiB, all that 32-bit pointers reach


def program_of(args: Program | Sequence[Any], function_casts: bool | None = None) -> tuple[GuestModule, list[str]]:
    """The module, and the guest's arguments, its own name first.

    Args:
        args: a path, the bytes of a .wasm file or a loaded module; or a sequence of one of these
            and the guest's arguments.
        function_casts: as for `load`.
    """
    given = _listed(args)
    if not given:
        raise OptionError("args is empty: give a module, or a module and its arguments")
    program, *rest = given
    if not isinstance(program, (str, Path, bytes, GuestModule)):
        raise OptionError(f"{program!r} is no program: give a path, the bytes of a .wasm file or a loaded module")
    module = program if isinstance(program, GuestModule) else load(program, function_casts=function_casts)
    return module, [module.name, *(_text(each) for each in rest)]


def _listed(args: Any) -> list[Any]:
    single = isinstance(args, (str, Path, bytes, GuestModule)) or not isinstance(args, Iterable)
    return [args] if single else list(args)


def _text(argument: Any) -> str:
    if isinstance(argument, bytes):
        return argument.decode("utf-8", "surrogateescape")
    if isinstance(argument, PurePath):
        return str(argument)
    if not isinstance(argument, str):
        raise OptionError(f"argument {argument!r} is no string")
    return argument


def encoded(text: str, what: str) -> bytes:
    """A string as the guest gets it: UTF-8 (undecodable bytes of the host come back as they were)."""
    if "\0" in text:
        raise OptionError(f"{what} {text!r} has a NUL character in it")
    return text.encode("utf-8", "surrogateescape")


def _named(option: str, given: Any) -> Mapping[Any, Any]:
    if not isinstance(given or {}, Mapping):
        raise OptionError(f"{option} is {given!r}; it is a dict")
    return given or {}


def environment(env: Mapping[str, str] | None) -> list[bytes]:
    """The environment as KEY=VALUE. A guest inherits nothing from the host."""
    entries = []
    for key, value in _named("env", env).items():
        if not isinstance(key, str) or not isinstance(value, (str, bytes, PurePath)):
            raise OptionError(f"env has {key!r}: {value!r}; names and values are strings")
        value = _text(value)
        if not key or "=" in key:
            raise OptionError(f"env has the key {key!r}: a key is not empty and has no '='")
        entries.append(encoded(f"{key}={value}", "env"))
    return entries


def pages(max_memory: int | None, max_total_memory: int | None = None, *, makes_processes: bool = False) -> int:
    """The memory limit of each process in pages of 64 KiB.

    Unless given, a program has all that its processes may have together; one that makes processes has a quarter.
    """
    given = MAX_PAGES if max_memory is None else _pages("max_memory", max_memory)
    if max_total_memory is None:
        return min(given, MAX_PAGES)
    total = _pages("max_total_memory", max_total_memory)
    if max_memory is None and makes_processes:
        total = max(1, total // _SHARES)
    return min(given, total, MAX_PAGES)


def _pages(name: str, value: int) -> int:
    if not isinstance(value, int):
        raise OptionError(f"{name} is {value!r}; it is a number of bytes, such as 64 << 20")
    if value < PAGE:
        raise OptionError(
            f"--{name.replace('_', '-')} ({name}) is {value} bytes; WebAssembly memory comes in pages of {PAGE}"
        )
    return value // PAGE


def descriptors(max_fds: int | None, host_limit: int) -> int:
    """The descriptor limit; the host's own for a guest unless given."""
    if max_fds is None:
        return host_limit
    if max_fds < 3:
        raise OptionError(f"--max-fds (max_fds) is {max_fds}; the standard streams alone need 3")
    return max_fds


def cpu_time(max_cpu: Any) -> int | None:
    """The limit of processor time in ns."""
    if max_cpu is None:
        return None
    if not isinstance(max_cpu, int | float) or not 0 < max_cpu <= _MOST_SECONDS:
        raise OptionError(f"--max-cpu (max_cpu) is {max_cpu!r}; it is a time in seconds, more than 0")
    if not hasattr(time, "pthread_getcpuclockid"):
        raise OptionError("--max-cpu (max_cpu): this operating system does not tell the processor time of a thread")
    return int(max_cpu * 1e9)


def at_least_one(name: str, value: int | None, default: int) -> int:
    """A limit of which the program itself takes one."""
    if value is None:
        return default
    if value < 1:
        raise OptionError(f"--{name.replace('_', '-')} ({name}) is {value}; the program itself is one")
    return value


def text_files(encoding: str | None, errors: str | None) -> None:
    """Look whether Python's pipe ends can be text files of this kind."""
    if encoding is None and errors is None:
        return
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding or "utf-8", errors=errors)
        codecs.lookup_error(errors or "strict")
    except (LookupError, TypeError, ValueError) as error:
        raise OptionError(f"encoding is {encoding!r}, errors {errors!r}: {error}") from None


def reporter(report: Callable[[str], None]) -> Callable[[str], None]:
    """What tells the user a line. A callable that raises must not end the guest that is told of."""
    if not callable(report):
        raise OptionError(f"report is {report!r}; it is a callable that gets a line")

    def told(message: str) -> None:
        with suppress(Exception):
            report(message)

    return told


def generation(module: GuestModule, port_order: str) -> AbiGeneration:
    """The module's generation, with the byte order of ports that the user knows better."""
    if port_order == "auto":
        return module.generation
    if port_order not in ("little", "big"):
        raise OptionError(f"port_order is {port_order!r}; it is 'auto', 'little' or 'big'")
    return module.generation.with_port_order(big_endian=port_order == "big")


def entry_point(module: GuestModule, invoke: str | None, args: list[str]) -> EntryPoint | None:
    """What to call: `_start` (None), or the function named by `invoke` with the arguments as its numbers."""
    if invoke is None:
        _need_start(module)
        return None
    if module.exports.get(invoke) != "function":
        known = sorted(name for name, kind in module.exports.items() if kind == "function")
        raise ModuleError(f"{module.name} exports no function {invoke!r}; it exports {', '.join(known)}")
    if "_initialize" in module.exports:
        _need_plain(module, "_initialize")
    params, _, results = (module.signature(invoke) or "").partition(":")
    if not NUMBERS.keys() >= {*params, *results}:
        raise ModuleError(f"{invoke} of {module.name} takes or gives a vector or reference; only numbers go in and out")
    wanted = [NUMBERS[code] for code in params]
    if len(wanted) != len(args):
        raise OptionError(f"{invoke} takes {len(wanted)} arguments ({', '.join(wanted)}), not {len(args)}")
    return EntryPoint(invoke, tuple(map(_number, wanted, args)))


def _need_start(module: GuestModule) -> None:
    if module.exports.get("_start") == "function":
        _need_plain(module, "_start")
        return
    if "_initialize" in module.exports:
        raise ModuleError(f"{module.name} is a reactor: name the function to call with --invoke (invoke=)")
    raise ModuleError(f"{module.name} exports no _start: it is no program; call a function with --invoke (invoke=)")


def _need_plain(module: GuestModule, name: str) -> None:
    if module.signature(name) != ":":
        raise ModuleError(
            f"{module.name} exports {name} as something else than a function without parameters and results"
        )


def _number(wanted: str, text: str) -> int | float:
    try:
        if wanted in ("f32", "f64"):
            return float(text)
        number = int(text, 0)
    except ValueError:
        raise OptionError(f"argument {text!r} is no {wanted}") from None
    bits = 32 if wanted == "i32" else 64
    if not -(1 << bits - 1) <= number < 1 << bits:
        raise OptionError(f"argument {text!r} does not fit into {wanted}")
    return number - (1 << bits) if number >= 1 << bits - 1 else number


def trace_writer(trace: Any) -> tuple[Callable[[str], None], Callable[[], None]] | None:
    """Where trace lines go: how to write one, and how to finish.

    Args:
        trace: False or None for no trace; True for standard error; a path; an object with `write`;
            or a callable that gets each line.
    """
    if not trace:
        return None
    if trace is True:
        return _line_writer(sys.stderr.write, sys.stderr.flush), _nothing
    if isinstance(trace, (str, Path)):
        try:
            file = open(trace, "w", encoding="utf-8", buffering=1)  # noqa: SIM115  # closed at the end of the program
        except OSError as error:
            raise OptionError(f"the trace file {trace} cannot be written: {error.strerror}") from None
        return _line_writer(file.write, _nothing), lambda: _finish(file)
    if hasattr(trace, "write"):
        return _line_writer(trace.write, _nothing), _nothing
    if callable(trace):
        return (lambda line: trace(line.rstrip("\n"))), _nothing
    raise OptionError(f"trace is {trace!r}; it is True, a path, a file or a callable")


def _line_writer(write: Callable[[str], Any], flush: Callable[[], None]) -> Callable[[str], None]:
    def line(text: str) -> None:
        write(text)
        flush()

    return line


def _finish(file: IO[str]) -> None:
    """Close a trace file. That the last lines did not fit on the disk is no matter of the guest's."""
    with suppress(OSError):
        file.close()


def _nothing() -> None:
    """There is nothing to finish."""
