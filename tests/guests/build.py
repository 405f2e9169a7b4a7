"""Build the guests beside their sources, or check that the committed modules are what the sources give.

    python tests/guests/build.py            rebuild every .wasm
    python tests/guests/build.py echo_server hello    rebuild only these
    python tests/guests/build.py --check    rebuild into a temporary directory and compare

C sources are compiled by the PyPI package ``ziglang`` (compiler, linker and WASI libc in one wheel), WAT
sources by ``wasmtime.wat2wasm``. Those that save their stacks go through Binaryen's asyncify, of the PyPI package
``icpp-binaryen``. Another compiler release gives other bytes (0.17.0 does), so ``--check`` insists on the pinned one.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

_binaryen = Lock()  # its settings are the process's

HERE = Path(__file__).resolve().parent
ZIG_VERSION = "0.17.1"  # what pip calls the ziglang release that built the committed modules

_WARNINGS = ["-Wall", "-Wextra", "-Werror"]

C_FLAGS = ["--target=wasm32-wasi", "-std=c11", "-O2", *_WARNINGS, "-Wl,-z,stack-size=262144"]

_SHARED = [
    "-mcpu=generic+atomics+bulk_memory",
    "-Wl,--import-memory,--shared-memory,--max-memory=16777216",
]

#: A guest that starts threads: each begins with `wasi_thread_start`, which sets its stack pointer.
_THREADED = [*_SHARED, "-Wl,--export=__stack_pointer"]

#: What a host needs to see to save a guest's stack.
_STACK = ["-mcpu=generic+bulk_memory+mutable_globals", "-Wl,--export=__stack_pointer", "-Wl,--export=__data_end"]

#: The same of a guest that could have threads: its thread-local values too. The last -mcpu counts.
_SHARED_STACK = [*_SHARED, "-mcpu=generic+atomics+bulk_memory+mutable_globals", "-Wl,--export=__tls_base"]

#: Guests that fork or jump: their frames save themselves.
ASYNCIFY = frozenset(
    {
        "bench_processes",
        "bench_processes_shared",
        "fork_server",
        "handlers",
        "handlers_shared",
        "hostile_processes",
        "mixed_storm",
        "processes",
        "processes_shared",
        "stop_races",
        "stops",
        "thread_exec",
        "thread_fork",
    }
)

#: A guest that jumps by WebAssembly's exceptions, as they were standardised.
_EXCEPTIONS = ["-mexception-handling", "-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false"]

#: What single guests need beyond C_FLAGS.
EXTRA_FLAGS = {
    "bench_processes_shared": [*_SHARED_STACK, "-Wl,--max-memory=268435456"],
    "reactor": ["-mexec-model=reactor"],
    "handlers_shared": _SHARED_STACK,
    "processes_shared": _SHARED_STACK,
    "mixed_storm": [*_THREADED, *_SHARED_STACK],
    "shared_hello": _SHARED,
    "bench_threads": _THREADED,
    "hostile_threads": _THREADED,
    "stop_races": [*_THREADED, *_SHARED_STACK],
    "stops": [*_THREADED, *_SHARED_STACK],
    "tasks": _THREADED,
    "thread_exec": [*_THREADED, *_SHARED_STACK],
    "thread_fork": [*_THREADED, *_SHARED_STACK],
    "thread_server": _THREADED,
    "vfork_env": [*_THREADED, *_EXCEPTIONS],
    "thread_storm": _THREADED,
}

#: C guests that speak of things POSIX has not; the others also compile natively and must print the same.
WASM_ONLY = frozenset(
    {
        "accept_fault",
        "accept_four",
        "accept_layout",
        "accept_probe",
        "accept_rights",
        "accept_timeout",
        "block_futex",
        "containment",
        "hostile_processes",
        "hostile_threads",
        "mixed_storm",
        "run_command",
        "reactor",
        "shared_hello",
    }
)

#: The custom section that a backtrace needs; debug sections name the build machine's paths and are dropped.
_KEPT_CUSTOM_SECTIONS = {b"name"}


def guests() -> list[str]:
    """Names of all guests, from their sources."""
    return sorted(path.stem for suffix in ("*.c", "*.wat") for path in HERE.glob(suffix))


def build(name: str, into: Path) -> Path:
    """Compile one guest to ``into/NAME.wasm`` and return that path."""
    target = into / f"{name}.wasm"
    if (HERE / f"{name}.wat").exists():
        from wasmtime import wat2wasm

        target.write_bytes(strip(bytes(wat2wasm((HERE / f"{name}.wat").read_text()))))
        return target
    flags = C_FLAGS + (_STACK if name in ASYNCIFY else []) + EXTRA_FLAGS.get(name, [])
    command = [sys.executable, "-m", "ziglang", "cc", *flags, f"{name}.c", "-o", str(target)]
    subprocess.run(command, cwd=HERE, check=True)  # relative source names: no build path gets into the module
    module = strip(target.read_bytes())
    target.write_bytes(strip(asyncified(module)) if name in ASYNCIFY else module)
    target.chmod(0o644)
    return target


def asyncified(module: bytes) -> bytes:
    """The module with functions that can save their frames and go back into them."""
    from icpp_binaryen import _lib  # only these guests need it

    with _binaryen:
        return _asyncified(module, Path(_lib.__file__).parent / "lib" / "libbinaryen.so")


def _asyncified(module: bytes, path: Path) -> bytes:
    library = ctypes.CDLL(str(path))
    library.BinaryenModuleRead.restype = ctypes.c_void_p
    library.BinaryenModuleAllocateAndWrite.restype = _Written
    parsed = ctypes.c_void_p(library.BinaryenModuleRead(module, ctypes.c_size_t(len(module))))
    library.BinaryenModuleSetFeatures(parsed, library.BinaryenFeatureAll())
    library.BinaryenSetDebugInfo(True)  # the names of functions
    library.BinaryenSetOptimizeLevel(1)
    library.BinaryenModuleRunPasses(parsed, (ctypes.c_char_p * 1)(b"asyncify"), 1)
    written = library.BinaryenModuleAllocateAndWrite(parsed, None)
    return ctypes.string_at(written.binary, written.size)


class _Written(ctypes.Structure):
    """What Binaryen's C interface returns (binaryen-c.h)."""

    _fields_ = (("binary", ctypes.c_void_p), ("size", ctypes.c_size_t), ("source_map", ctypes.c_char_p))


def build_native(name: str, into: Path) -> Path:
    """Compile a portable guest with the machine's own ``cc``: what Linux itself prints."""
    target = into / name
    command = ["cc", "-std=gnu11", "-O2", *_WARNINGS, "-pthread", f"{name}.c", "-o", str(target)]
    subprocess.run(command, cwd=HERE, check=True)
    return target


def strip(module: bytes) -> bytes:
    """Drop every custom section but the function names."""
    kept = [whole for section, name, whole in _sections(module) if section or name in _KEPT_CUSTOM_SECTIONS]
    return module[:8] + b"".join(kept)


def _sections(module: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (section id, name of a custom section, all its bytes) of a WebAssembly module in order."""
    at = 8
    while at < len(module):
        size, body = _leb128(module, at + 1)
        name = b""
        if module[at] == 0:
            length, start = _leb128(module, body)
            name = module[start : start + length]
        yield module[at], name, module[at : body + size]
        at = body + size


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """Read one unsigned LEB128 number: the number and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def compiler_version() -> str:
    """The version that ``python -m ziglang version`` prints."""
    command = [sys.executable, "-m", "ziglang", "version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def check(names: list[str]) -> list[str]:
    """Rebuild into a temporary directory; return the guests whose committed module differs or is missing."""

    def differs(name: str) -> bool:
        committed = HERE / f"{name}.wasm"
        built = build(name, Path(directory)).read_bytes()
        return not committed.exists() or committed.read_bytes() != built

    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(os.cpu_count()) as pool:
        return [name for name, different in zip(names, pool.map(differs, names), strict=True) if different]


def main() -> int:
    """Command line; the exit status is 1 when ``--check`` found a difference."""
    parser = argparse.ArgumentParser(description="Build the guest programs of the tests.")
    parser.add_argument("--check", action="store_true", help="compare with the committed modules")
    parser.add_argument("names", nargs="*", help="guests to build (default: all)")
    options = parser.parse_args()
    names = options.names or guests()
    version = compiler_version()
    if version != ZIG_VERSION:
        print(f"ziglang {version} is installed, {ZIG_VERSION} is pinned: modules differ", file=sys.stderr)
        if options.check:
            return 1
    if options.check:
        different = check(names)
        for name in different:
            print(f"{name}.wasm is not what its source gives; run: python tests/guests/build.py {name}")
        return 1 if different else 0
    for name in names:
        print(build(name, HERE).relative_to(HERE))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
