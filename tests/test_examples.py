"""Each example runs as a stranger would run it, and shows what its description says."""

from __future__ import annotations

import re
import subprocess
import sys

from support import PATIENCE, ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run_example(name: str) -> str:
    """What an example prints. Warnings are errors, so that a leaked socket fails it."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_example_is_tested_here() -> None:
    assert all(f"test_{path.stem}" in globals() for path in EXAMPLES)


def test_quickstart() -> None:
    lines = run_example("quickstart").splitlines()
    listening = re.fullmatch(r"guest:  listening on (\d+)", lines[0])
    assert listening
    assert int(listening[1]) > 0
    called_from = re.fullmatch(r"client: I call from (127\.0\.0\.1:\d+)", lines[1])
    assert called_from
    assert lines[2:] == [
        f"guest:  {called_from[1]} called",
        "client: it answers 'hello, guest'",
        "guest:  ended with status 0",
    ]


def test_capture_output() -> None:
    assert run_example("capture_output") == (
        "arg 0: args_env.wasm\n"
        "arg 1: one\n"
        "arg 2: two\n"
        "env: LANG=C\n"
        "cat: what goes in\n"
        "exit status: 7\n"
        "a busy loop is stopped after 0.2 seconds\n"
        "a trap ends a program by signal 6: wasm trap: unreachable\n"
    )


def test_virtual_network() -> None:
    lines = run_example("virtual_network").splitlines()
    calls = re.fullmatch(r"Python \('10\.0\.0\.1', (\d+)\) calls the guest \('10\.0\.0\.2', 80\)", lines[0])
    assert calls
    assert lines[1:] == [
        "the guest answers 'no port was opened'",
        "the guest printed:",
        "listening on 80",
        f"10.0.0.1:{calls[1]}",
    ]


def test_trace_a_guest() -> None:
    lines = run_example("trace_a_guest").splitlines()
    names = [re.fullmatch(r"\[pid 1\] (\w+)\(.*\) = SUCCESS", line) for line in lines]
    assert all(names), lines
    called = [match[1] for match in names if match]
    assert called.index("sock_listen") < called.index("sock_accept_v2") < called.index("sock_recv")
    accepted = next(line for line in lines if "sock_accept_v2" in line)
    assert re.search(r"ro_addr=>127\.0\.0\.1:\d+\)", accepted)


def test_every_example_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"examples/{path.name}" in readme for path in EXAMPLES)


def test_the_picture_shows_the_import_contract() -> None:
    """`docs/architecture.svg` is what `docs/architecture.py` draws of the contract in pyproject.toml."""
    command = [sys.executable, str(ROOT / "docs" / "architecture.py"), "--check"]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0
