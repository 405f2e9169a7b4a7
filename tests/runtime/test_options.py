"""Options that cannot be: each is told in one line, before anything runs."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

import pywasix
from contract.wat import module, program
from pywasix import ModuleError, OptionError, PywasixError
from pywasix.net.policy import NetworkPolicy
from support import PATIENCE, guest

HELLO = str(guest("hello"))

BAD_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "max_memory": (
        {"max_memory": 65535},
        "--max-memory (max_memory) is 65535 bytes; WebAssembly memory comes in pages of 65536",
    ),
    "negative max_memory": ({"max_memory": -1}, "--max-memory (max_memory) is -1 bytes"),
    "max_fds": ({"max_fds": 2}, "--max-fds (max_fds) is 2; the standard streams alone need 3"),
    "env without key": ({"env": {"": "x"}}, "env has the key ''"),
    "env key with =": ({"env": {"A=B": "x"}}, "env has the key 'A=B'"),
    "env with NUL": ({"env": {"A": "x\0y"}}, "has a NUL character in it"),
    "port_order": ({"port_order": "middle"}, "port_order is 'middle'; it is 'auto', 'little' or 'big'"),
    "net": ({"net": 7}, "net is 7; it is True, a string of rules, a NetworkPolicy, a callable or a VirtualNetwork"),
    "net rules": ({"net": "ipv4:permit=1.2.3.4"}, "net: "),
    "policy without a virtual network": (
        {"net": True, "policy": NetworkPolicy.allow_all()},
        "policy goes with a VirtualNetwork",
    ),
    "listen without port": ({"listen": ["127.0.0.1"]}, "listen address '127.0.0.1' is not HOST:PORT"),
    "listen without brackets": ({"listen": ["::1:80"]}, "is ambiguous; write [V6]:PORT, as in [::1]:80"),
    "listen with a name": ({"listen": ["example.org:80"]}, "listen address 'example.org' is no IP address"),
    "listen port": ({"listen": [("127.0.0.1", 65536)]}, "listen port 65536 is not between 0 and 65535"),
    "more listeners than descriptors": ({"listen": ["127.0.0.1:0"] * 2, "max_fds": 4}, "max_fds"),
    "trace": ({"trace": 7}, "trace is 7; it is True, a path, a file or a callable"),
    "encoding": ({"encoding": "nonsense"}, "encoding is 'nonsense', errors None: unknown encoding: nonsense"),
    "encoding of bytes": ({"encoding": "hex"}, "'hex' is not a text encoding"),
    "encoding of another type": ({"encoding": 7}, "encoding is 7"),
    "errors": ({"text": True, "errors": "nonsense"}, "unknown error handler name 'nonsense'"),
    "report": ({"report": 7}, "report is 7; it is a callable that gets a line"),
    "trace file": ({"trace": "/nonexistent/trace"}, "the trace file /nonexistent/trace cannot be written: No such"),
}


@pytest.mark.parametrize("name", list(BAD_OPTIONS))
def test_bad_option(name: str) -> None:
    options, text = BAD_OPTIONS[name]
    with pytest.raises(OptionError) as refused:
        pywasix.start([HELLO], stdin=pywasix.PIPE, stdout=pywasix.PIPE, **options)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "args is empty"),
        (7, "7 is no program: give a path"),
        ([7], "7 is no program"),
        (None, "None is no program"),
        ([bytearray(b"x")], "is no program"),
        ([HELLO, 7], "argument 7 is no string"),
        ([HELLO, "a\0b"], "has a NUL character in it"),
    ],
)
def test_bad_arguments(args: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        pywasix.start(args)


@pytest.mark.parametrize("number", [-1, 32, 64, 1000])
def test_bad_signal(number: int) -> None:
    with pywasix.start([guest("busy_loop")], stdout=pywasix.DEVNULL) as process:
        with pytest.raises(OptionError, match="signals of a guest are 1 to 31"):
            process.send_signal(number)
        process.kill()


def test_a_listen_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        host, port = other.getsockname()
        with pytest.raises(OSError, match=f"cannot listen on {host}:{port}"):
            pywasix.start([HELLO], listen=["127.0.0.1:0", f"{host}:{port}"])


def test_a_listen_address_of_another_machine() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:80"):
        pywasix.start([HELLO], listen=["192.0.2.1:80"])


# -- modules -----------------------------------------------------------------


def section(number: int, body: bytes) -> bytes:
    return bytes((number, len(body))) + body


def legacy_exceptions() -> bytes:
    """`_start` is `try end`, in the encoding that the standard gave up."""
    code = bytes((0, 0x06, 0x40, 0x0B, 0x0B))
    return b"\0asm\1\0\0\0" + b"".join(
        (
            section(1, b"\1\x60\0\0"),
            section(3, b"\1\0"),
            section(7, b"\1\6_start\0\0"),
            section(10, bytes((1, len(code))) + code),
        )
    )


BAD_MODULES: dict[str, tuple[bytes, str]] = {
    "not wasm": (b"#!/bin/sh\n", r"is not a WebAssembly file: it does not begin with \0asm"),
    "empty": (b"", "is not a WebAssembly file"),
    "text": (b"  (module)", "it looks like WebAssembly text: translate it first"),
    "component": (b"\0asm\x0d\0\1\0", "is a component; pywasix runs core modules"),
    "unknown version": (b"\0asm\2\0\0\0", "has the unknown WebAssembly version 02000000"),
    "header alone": (b"\0asm", "has the unknown WebAssembly version"),
    "cut off": (b"\0asm\1\0\0\0\1", "is not a valid module: "),
    "legacy exceptions": (legacy_exceptions(), "uses the legacy exception instructions; rebuild it"),
    "no _start": (module('(func (export "other"))'), "exports no _start: it is no program; call a function with"),
    "_start is no function": (module('(memory (export "_start") 1)'), "exports no _start"),
    "reactor": (module('(func (export "_initialize"))'), "is a reactor: name the function to call"),
    "unknown function": (
        module('(import "env" "puts" (func)) (import "wasix_32v1" "nope" (func)) (func (export "_start"))'),
        "imports what WASIX does not know: env.puts, wasix_32v1.nope; build it for wasm32-wasix",
    ),
    "function of vectors": (
        module('(import "env" "f" (func (param v128) (result v128))) (func (export "_start"))'),
        "imports what WASIX does not know: env.f",
    ),
    "function of references": (
        module('(import "env" "f" (func (param externref exnref funcref))) (func (export "_start"))'),
        "imports what WASIX does not know: env.f",
    ),
    "_start takes something": (
        module('(func (export "_start") (param i32))'),
        "exports _start as something else than a function without parameters and results",
    ),
    "_start gives something": (module('(func (export "_start") (result i32) i32.const 0)'), "as something else than"),
    "imported tag": (module('(import "env" "t" (tag)) (func (export "_start"))'), "imports env.t, a tag; dynamically"),
    "imported table": (
        module('(import "env" "__table" (table 1 funcref)) (func (export "_start"))'),
        "imports env.__table, a table; dynamically linked modules are not supported",
    ),
    "imported global": (
        module('(import "env" "__base" (global i32)) (func (export "_start"))'),
        "imports env.__base, a global; dynamically linked",
    ),
    "unshared memory": (
        module('(import "env" "memory" (memory 1)) (func (export "_start"))'),
        "imports an unshared memory; export it instead",
    ),
    "own shared memory": (
        module('(memory (export "memory") 1 65536 shared) (func (export "_start"))'),
        "defines its own shared memory, which cannot be limited; link it with --import-memory",
    ),
    "hidden shared memory": (module('(memory 1 65536 shared) (func (export "_start"))'), "defines its own shared"),
    "two memories": (
        module('(import "a" "m" (memory 1)) (import "b" "m" (memory 1)) (func (export "_start"))'),
        "is not a valid module: failed to parse WebAssembly module Caused by: multiple memories",
    ),
}


@pytest.mark.parametrize("name", list(BAD_MODULES))
def test_bad_module(name: str) -> None:
    data, text = BAD_MODULES[name]
    with pytest.raises(ModuleError) as refused:
        pywasix.start(data)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", list(BAD_MODULES))
def test_bad_module_names_its_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "program.wasm"
    path.write_bytes(BAD_MODULES[name][0])
    with pytest.raises(ModuleError, match=r"^program\.wasm "):
        pywasix.run([path])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModuleError, match=r"missing\.wasm: there is no such file$"):
        pywasix.start(tmp_path / "missing.wasm")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ModuleError, match=r"is a directory, not a \.wasm file$"):
        pywasix.start([str(tmp_path)])


def test_a_file_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ModuleError, match="cannot be read: Not a directory"):
        pywasix.load(path / "x.wasm")


def test_errors_are_one_family() -> None:
    assert issubclass(ModuleError, PywasixError)
    assert issubclass(OptionError, PywasixError)


# -- what a program may be ---------------------------------------------------


def test_a_program_as_path_bytes_or_module() -> None:
    path = guest("hello")
    for program_ in (path, str(path), path.read_bytes(), pywasix.load(path)):
        for args in (program_, [program_]):
            done = pywasix.run(args, stdout=pywasix.PIPE, timeout=PATIENCE)
            assert done.stdout.startswith(b"hello")
    assert pywasix.run([path.read_bytes()], stdout=pywasix.DEVNULL).args == ["module"]
    assert pywasix.run([path], stdout=pywasix.DEVNULL).args == ["hello.wasm"]


def test_arguments_may_be_paths_and_bytes() -> None:
    done = pywasix.run([guest("args_env"), Path("a/b"), b"\xff"], stdout=pywasix.PIPE)
    assert done.stdout.splitlines()[1:] == [b"arg 1: a/b", b"arg 2: \xff"]


def test_a_guest_inherits_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    done = pywasix.run([guest("args_env")], stdout=pywasix.PIPE)
    assert done.stdout == b"arg 0: args_env.wasm\n"


def test_importing_a_function_twice_is_legal() -> None:
    twice = '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))' * 2
    assert pywasix.run(program("", imports=twice)).returncode == 0


@pytest.mark.parametrize(
    ("params", "arguments"),
    [
        ("f64 i64", "(f64.const 1) (i64.const 2)"),
        ("v128 v128 v128", "(v128.const i32x4 1 2 3 4) " * 3),
        ("externref exnref", "(ref.null extern) (ref.null exn)"),
        ("", ""),
    ],
)
def test_every_function_of_the_abi_may_be_imported_with_another_type(params: str, arguments: str) -> None:
    """It links, and answers NOSYS when it is called."""
    odd = program(
        f"(call $proc_exit (call $odd {arguments}))",
        imports=f'(import "wasix_32v1" "sock_bind" (func $odd (param {params}) (result i32)))',
    )
    assert pywasix.run(odd).returncode == 52


@pytest.mark.parametrize("results", ["funcref", "externref", "exnref", "v128", "i64", "f32", "i32 funcref", "i32 i32"])
def test_no_function_gives_what_only_the_engine_may_make(results: str) -> None:
    """The engine would take what the host leaves in the result cells for a reference."""
    forged = program(
        "", imports=f'(import "wasi_snapshot_preview1" "fd_close" (func (param i64 i64) (result {results})))'
    )
    with pytest.raises(pywasix.ModuleError, match=r"fd_close with types that WASIX never had"):
        pywasix.start(forged)


def test_a_call_without_result_that_cannot_be_told_ends_the_program() -> None:
    said: list[str] = []
    untold = program("(call $odd)", imports='(import "wasix_32v1" "sock_bind" (func $odd))')
    assert pywasix.run(untold, report=said.append).returncode == 52
    assert "sock_bind" in said[0]


def test_exports_of_any_type_do_no_harm() -> None:
    fields = """
    (func (export "a") (param v128) (result v128) (local.get 0))
    (func (export "b") (param externref exnref))
    (global (export "c") v128 (v128.const i32x4 0 0 0 0))
    (table (export "d") 1 externref) (tag (export "e"))
    """
    assert pywasix.run(program("", fields=fields)).returncode == 0


@pytest.mark.parametrize("timeout", ["5", [5]])
def test_a_timeout_that_is_no_number(timeout: Any) -> None:
    with pytest.raises(OptionError, match=r"timeout is .*; it is seconds, such as 10"):
        pywasix.run([HELLO], timeout=timeout)


@pytest.mark.parametrize("address", ["10.0.0.2:80", ("10.0.0.2",), None, 80])
def test_what_is_no_address_on_a_virtual_network(address: Any) -> None:
    with pywasix.VirtualNetwork() as network:
        for use in (network.connect, network.listen, network.wait_listening):
            with pytest.raises(ValueError, match="is no address; give a host and a port, as in"):
                use(address)
