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


def test_two_guests() -> None:
    lines = run_example("two_guests").splitlines()
    here = re.fullmatch(r"local (10\.0\.0\.3:\d+)", lines[1])
    assert here
    assert lines == [
        "the client printed:",
        f"local {here[1]}",
        "peer 10.0.0.2:80",
        "hello, neighbour",
        "the server printed:",
        "listening on 80",
        here[1],
    ]


def test_policy_callable() -> None:
    lines = run_example("policy_callable").splitlines()
    hint = lines.pop(1)
    assert re.fullmatch(
        r"pywasix: the network policy refused accept from 127\.0\.0\.3:\d+/tcp: the policy callable said no", hint
    )
    assert lines == [
        "127.0.0.1 hears 'let me in'",
        "127.0.0.3 hears 'nothing'",
        "127.0.0.2 hears 'let me in'",
        "connection 1 is from 127.0.0.1",
        "connection 1 brought 9 bytes, took 9",
        "127.0.0.3 was refused by the policy",
        "connection 2 is from 127.0.0.2",
        "connection 2 brought 9 bytes, took 9",
        "the policy allowed 3 requests and refused 1",
    ]


def test_epoll_http() -> None:
    lines = run_example("epoll_http").splitlines()
    assert lines[0] == "200 of 200 connections were answered and are open"
    assert re.fullmatch(r"each takes \d+\.\d KiB of this process", lines[1])
    assert lines[2:] == []


def test_trace_a_guest() -> None:
    lines = run_example("trace_a_guest").splitlines()
    names = [re.fullmatch(r"\[pid 1\] (\w+)\(.*\) = SUCCESS", line) for line in lines]
    assert all(names), lines
    called = [match[1] for match in names if match]
    assert called.index("sock_listen") < called.index("sock_accept_v2") < called.index("sock_recv")
    accepted = next(line for line in lines if "sock_accept_v2" in line)
    assert re.search(r"ro_addr=>127\.0\.0\.1:\d+\)", accepted)


def test_udp_echo() -> None:
    lines = run_example("udp_echo").splitlines()
    answered = re.fullmatch(r"'hello' comes back as 'hello' from port \d+", lines[0])
    assert answered
    assert lines[1] == lines[0].replace("hello", "and again")
    assert lines[2] == "the guest printed:"
    assert re.fullmatch(r"127\.0\.0\.1:\d+: 5 bytes", lines[3])
    assert lines[4:] == [lines[3].replace("5 bytes", "9 bytes")]


def test_terminal() -> None:
    assert run_example("terminal").splitlines() == [
        "before, the terminal echoes: True",
        "the editor has raw mode, the terminal echoes: False",
        "saved: Hello world",
        "window 132x50",
        "after a kill, the terminal echoes: True",
    ]


def test_asyncio_guests() -> None:
    assert run_example("asyncio_guests").splitlines() == [
        "cat: b'what goes in\\n', exit status 0",
        "listening on 80",
        "20 different answers, the last one is 'caller 19'",
        "ended with status -15",
    ]


def test_every_example_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"examples/{path.name}" in readme for path in EXAMPLES)


def test_the_picture_shows_the_import_contract() -> None:
    """`docs/architecture.svg` is what `docs/architecture.py` draws of the contract in pyproject.toml."""
    command = [sys.executable, str(ROOT / "docs" / "architecture.py"), "--check"]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0


def test_thread_server() -> None:
    assert run_example("thread_server").splitlines() == [
        "the first quick caller is served",
        "the second quick caller is served",
        "the third quick caller is served",
        "the slow caller is served at last",
        "the guest says 'done'",
    ]


def test_python_command() -> None:
    assert run_example("python_command") == (
        "what came out: 2 4 6 8 01\nwhat was said: even, process 3: 5 lines\nexit status: 0\n"
    )


def test_fork_server() -> None:
    echoes = "".join(f"echo:  caller {number}\n" for number in (4, 3, 2, 1, 0))
    assert run_example("fork_server") == (f"guest: listening on 80\n{echoes}guest: served 5, ended 5\nexit status: 0\n")
