"""`inspect`, `syscalls`, `abi`, `--version`: what is printed about modules and about the ABI."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wasmtime import wat2wasm

import pywasix
from cli.command import closed, outputs
from cli.command import pywasix as command
from pywasix.cli.commands import group
from pywasix.cli.inspect import signature
from pywasix.syscalls import table
from pywasix.syscalls.header import c_header
from support import guest


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], prog_name="pywasix")


def inspected(path: Path) -> dict[str, Any]:
    result = invoke("inspect", "--json", path)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_a_server_is_inspected() -> None:
    found = inspected(guest("echo_server"))
    assert found["name"] == "echo_server.wasm"
    assert found["size"] == guest("echo_server").stat().st_size
    assert found["generation"] == {"name": "wasix-2023", "address_bytes": 110, "port_order": "little"}
    assert found["entry"] == "_start"
    assert found["memory"]["from"] == "export"
    assert found["memory"]["shared"] is False
    assert found["exports"]["memory"] == "memory"
    accept = next(each for each in found["imports"] if each["name"] == "sock_accept_v2")
    assert accept["module"] == "wasix_32v1"
    assert accept["type"] == "(i32, i32, i32, i32) -> i32"
    assert accept["support"] == "full"
    assert found["supported"] == found["total"] == len(found["imports"])


def test_a_listener_of_2022_is_inspected() -> None:
    found = inspected(guest("listener_2022"))
    assert found["generation"]["name"] == "wasix-2022"
    assert found["generation"]["address_bytes"] == 20
    assert found["memory"] == {"from": "import", "minimum": 2, "maximum": 65536, "shared": True}


def test_an_inspection_reads_well() -> None:
    lines = invoke("inspect", guest("hello")).output.splitlines()
    assert lines[0].split() == ["name", "hello.wasm"]
    assert lines[2].split(maxsplit=1) == ["generation", "preview1: WASI preview1, no extensions"]
    assert lines[4].split(maxsplit=1) == ["entry", "_start, a program"]
    assert any(line.startswith("wasi_snapshot_preview1  fd_write") and line.endswith("full") for line in lines)
    assert lines[-1].endswith("imports supported")


def test_a_reactor_says_how_to_run_it() -> None:
    output = invoke("inspect", guest("reactor")).output
    assert "_initialize, a reactor: name the function to call with --invoke" in output
    assert "add (function)" in output


STRANGE = """(module
  (import "wasix_32v1" "sock_accept_v2" (func (param i64) (result i32)))
  (import "wasix_32v1" "proc_snapshot" (func (result i32)))
  (import "elsewhere" "f" (func (param f32 f64 i64))))"""


def test_imports_without_support_are_named(tmp_path: Path) -> None:
    path = tmp_path / "strange.wasm"
    path.write_bytes(bytes(wat2wasm(STRANGE)))
    found = inspected(path)
    assert [each["support"] for each in found["imports"]] == ["none", "none", "unknown"]
    assert found["imports"][0]["note"] == "the type of it that is known is (i32, i32, i32, i32) -> i32"
    assert found["imports"][2]["type"] == "(f32, f64, i64)"
    assert (found["supported"], found["total"], found["memory"], found["entry"]) == (0, 3, None, None)
    text = invoke("inspect", path)
    assert text.exit_code == 0
    assert text.output.splitlines()[-1] == "0 of 3 imports supported; unknown: elsewhere.f"
    assert "none: name the function to call with --invoke" in text.output


def test_a_module_without_imports(tmp_path: Path) -> None:
    path = tmp_path / "empty.wasm"
    path.write_bytes(bytes(wat2wasm("(module)")))
    lines = invoke("inspect", path).output.splitlines()
    assert lines[-1] == "0 of 0 imports supported"
    assert "exports     nothing" in lines


def test_a_file_that_is_no_module() -> None:
    result = invoke("inspect", __file__)
    assert result.exit_code == 1
    assert result.output.startswith("pywasix: test_tables.py is not a WebAssembly file")


def test_signatures() -> None:
    assert signature("iI:i") == "(i32, i64) -> i32"
    assert signature(":") == "()"


def test_the_table_has_every_call() -> None:
    found = json.loads(invoke("syscalls", "--json").output)
    assert [each["name"] for each in found] == [row.name for row in table.rows()]
    accept = next(each for each in found if each["name"] == "sock_accept_v2")
    assert accept["wasm"] == "iiii:i"
    assert accept["support"] == "full"
    assert accept["params"][3] == {"name": "ro_addr", "kind": "out", "type": "addr_port"}
    assert all(each["note"] for each in found if each["support"] != "full")


@pytest.mark.parametrize(
    ("pattern", "names"), [("sock_accept_v2", ["sock_accept_v2"]), ("fd_dup*", ["fd_dup", "fd_dup2"])]
)
def test_the_table_can_be_filtered(pattern: str, names: list[str]) -> None:
    lines = invoke("syscalls", pattern).output.splitlines()
    assert lines[0].split() == ["name", "support", "note"]
    assert [line.split()[0] for line in lines[1:]] == names


def test_a_row_of_the_table() -> None:
    assert invoke("syscalls", "sock_accept_v2").output.splitlines()[1].split() == ["sock_accept_v2", "full"]
    heading, line = invoke("syscalls", "--long", "sock_accept_v2").output.splitlines()
    assert heading.split() == ["name", "module", "signature", "support", "note"]
    wanted = "(sock: fd, fd_flags: fdflags, ro_fd: out fd, ro_addr: out addr_port) -> errno"
    assert line.split("  ") == ["sock_accept_v2", "wasix_32v1", wanted, "full"]


def test_a_pattern_that_fits_nothing() -> None:
    result = invoke("syscalls", "no_such_call")
    assert result.exit_code == 2
    assert "no system call is called like 'no_such_call'" in result.output


def test_the_table_in_markdown() -> None:
    lines = invoke("syscalls", "--markdown", "fd_close").output.splitlines()
    assert lines[:2] == ["| name | module | signature | support | note |", "|---|---|---|---|---|"]
    assert lines[2].startswith("| `fd_close` | wasi_snapshot_preview1, ")


def test_two_forms_of_the_table_at_once() -> None:
    result = invoke("syscalls", "--json", "--markdown")
    assert result.exit_code == 2
    assert "choose one" in result.output


@pytest.mark.parametrize("words", [["syscalls", "*"], ["inspect", guest("echo_server")]])
def test_names_are_whole_on_a_narrow_terminal(words: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    printed = invoke(*words).output.splitlines()
    table = printed[printed.index("") + 1 : -2] if words[0] == "inspect" else printed
    monkeypatch.setattr("pywasix.cli.tables._on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    drawn = invoke(*words).output.splitlines()
    assert max(map(len, drawn[-len(table) :])) <= 80
    for row in table[1:]:
        first, second = row.split()[:2]
        assert any(line.startswith(first) and second in line.split() for line in drawn)


def test_a_very_narrow_terminal_hides_nothing() -> None:
    from pywasix.cli.tables import _unbroken

    assert _unbroken([["a" * 30, "b" * 30], ["c", "d"]], 62) == {0, 1}
    assert _unbroken([["a" * 30, "b" * 30], ["c", "d"]], 61) == set()
    assert _unbroken([["a" * 30, "several words"]], 42) == {0}
    assert _unbroken([["a" * 30, "several words"]], 41) == set()


def test_imports_with_their_types() -> None:
    lines = invoke("inspect", "--long", guest("hello")).output.splitlines()
    assert any(
        line.split("  ")[:3] == ["wasi_snapshot_preview1", "proc_exit", "(i32)"] for line in map(squeezed, lines)
    )


def squeezed(line: str) -> str:
    """A line with no more than two blanks between columns."""
    return re.sub("  +", "  ", line)


def test_tables_are_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from pywasix.cli.tables import print_table

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(["name", "note"], [["a", "[red]not markup[/red]"]])
    drawn = capsys.readouterr().out
    assert "[red]not markup[/red]" in drawn
    assert "─" in drawn


def test_the_header() -> None:
    assert invoke("abi", "--header").output == c_header(table.rows())
    nothing = invoke("abi")
    assert nothing.exit_code == 2
    assert "--header" in nothing.output


def test_the_version() -> None:
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"pywasix {pywasix.__version__}\n")


def test_help_lists_the_commands() -> None:
    output = invoke("--help").output
    assert all(f"\n  {name} " in output for name in ("run", "inspect", "syscalls", "abi"))
    assert invoke("nonsense").exit_code == 2


def test_a_reader_that_goes_away_causes_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = command("syscalls", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


PRINTERS = [["syscalls"], ["inspect", guest("hello")], ["abi", "--header"], ["--help"], ["run", "--help"]]


@pytest.mark.parametrize("words", PRINTERS, ids=lambda words: " ".join(map(str, words[:1])))
def test_what_cannot_be_written_is_told_in_one_line(words: list[Any]) -> None:
    with open("/dev/full", "w") as full:
        done = command(*words, **outputs(full))
    assert (done.returncode, done.stderr) == (1, "pywasix: cannot write: No space left on device\n")
    done = closed(">&-", *words)
    assert (done.returncode, done.stderr) == (1, "pywasix: cannot write: Bad file descriptor\n")
    assert closed("2>&-", *words).returncode == 0
