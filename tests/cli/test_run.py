"""`pywasix run`: options, exit status, mistakes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from cli.command import PYWASIX, closed, line_with, outputs, pywasix, started
from support import PATIENCE, guest

LOOPBACK = "127.0.0.1"


def said(error: str) -> str:
    """A mistake's one line, without its start; a traceback or a second line fails the test."""
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("pywasix: ")
    return lines[0].removeprefix("pywasix: ")


def test_a_program_runs() -> None:
    done = pywasix("run", guest("hello"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


@pytest.mark.parametrize(("code", "status"), [("0", 0), ("3", 3), ("255", 255), ("300", 44), ("-1", 255)])
def test_the_exit_status_is_the_program_s(code: str, status: int) -> None:
    assert pywasix("run", guest("exit_code"), code).returncode == status


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], []),
        (["a", "-b"], ["a", "-b"]),
        (["--help", "-e", "A=1"], ["--help", "-e", "A=1"]),
        (["--", "--net", "--trace"], ["--net", "--trace"]),
        (["--timeout", "60", "a", "--net"], ["a"]),
        (["--", "--", "a"], ["--", "a"]),
        (["a", "--", "b"], ["a", "b"]),
    ],
)
def test_what_follows_the_file_belongs_to_the_program(words: list[str], arguments: list[str]) -> None:
    assert pywasix("run", guest("args_env"), *words).stdout == _shown(arguments)
    assert pywasix("run", "--", guest("args_env"), *words).stdout == _shown(words)


def _shown(arguments: list[str]) -> str:
    return "".join(f"arg {place}: {each}\n" for place, each in enumerate(["args_env.wasm", *arguments]))


def test_standard_input_reaches_the_program() -> None:
    assert pywasix("run", guest("cat"), input="through\n").stdout == "through\n"


def test_variables_are_given_one_by_one() -> None:
    host = {**os.environ, "FROM_HOST": "1", "OTHER": "2"}
    done = pywasix("run", "-e", "A=b=c", "--env", "FROM_HOST", "--env=EMPTY=", guest("args_env"), env=host)
    variables = [line for line in done.stdout.splitlines() if line.startswith("env: ")]
    assert variables == ["env: A=b=c", "env: FROM_HOST=1", "env: EMPTY="]


def test_the_host_s_variables_are_forwarded_on_demand() -> None:
    host = {**os.environ, "FROM_HOST": "1", "OTHER": "2"}
    done = pywasix("run", "--forward-host-env", "--env", "OTHER=3", guest("args_env"), env=host)
    assert {"env: FROM_HOST=1", "env: OTHER=3"} <= set(done.stdout.splitlines())


def test_variables_that_are_none() -> None:
    assert said(pywasix("run", "--env", "=x", guest("hello")).stderr) == "--env =x is not KEY=VALUE"
    without = {key: value for key, value in os.environ.items() if key != "NOWHERE"}
    done = pywasix("run", "--env", "NOWHERE", guest("hello"), env=without)
    assert done.returncode == 1
    assert "no such variable" in said(done.stderr)


def test_there_is_no_network_unless_asked_for() -> None:
    done = pywasix("run", guest("echo_server"), "-n", "0")
    assert done.returncode != 0
    assert "allow it with --net=ipv4:allow=127.0.0.1" in done.stderr


def echo(port: int) -> bytes:
    """What an echo server says to a caller."""
    with socket.create_connection((LOOPBACK, port), PATIENCE) as caller:
        caller.sendall(b"ping")
        return caller.recv(4)


@pytest.mark.parametrize(
    "options",
    [
        ["--net"],
        ["--net", "--net"],
        ["--net=ipv4:allow=127.0.0.1:*/in"],
        ["--net=ipv4:allow=10.0.0.1:80/out", "--net=ipv4:allow=127.0.0.1:*/in"],
    ],
)
def test_the_network_is_allowed(options: list[str]) -> None:
    with started("run", *options, guest("echo_server"), "-n", "1") as server:
        port = int(line_with(server.stdout, "listening on").split()[-1])
        assert echo(port) == b"ping"
        assert server.wait(PATIENCE) == 0


def test_rules_and_no_rules_contradict() -> None:
    done = pywasix("run", "--net", "--net=ipv4:deny=*:*", guest("hello"))
    assert done.returncode == 1
    assert "leave them out" in said(done.stderr)


@pytest.mark.parametrize("option", ["--net=", "--net=all", "--net=none"])
def test_the_whole_network_and_none_need_no_word(option: str) -> None:
    done = pywasix("run", option, guest("hello"))
    assert (done.returncode, done.stdout) == (1, "")
    assert said(done.stderr).endswith("--net alone allows everything; without it there is no network")


def test_values_are_joined_to_options_that_can_do_without(tmp_path: Path) -> None:
    for option, value in (("--net", "ipv4:allow=127.0.0.1:80/in"), ("--trace", str(tmp_path / "trace"))):
        done = pywasix("run", option, value, guest("hello"))
        assert (done.returncode, done.stdout) == (1, "")
        assert said(done.stderr) == f"{value}: there is no such file; write {option}={value}"


def test_rules_that_are_none() -> None:
    done = pywasix("run", "--net=nonsense", guest("hello"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pywasix: net: ")
    assert "Traceback" not in done.stderr


def test_a_mistake_in_a_rule_is_pointed_at() -> None:
    done = pywasix("run", "--net=ipv4:allow=127.0.0.1:80,ipv4:deny=*:99999", guest("hello"))
    assert done.returncode == 1
    assert done.stderr == (
        "pywasix: net: a port is at most 65535 (character 37 of the network rules)\n"
        "pywasix:   ipv4:allow=127.0.0.1:80,ipv4:deny=*:99999\n"
        "pywasix: " + " " * (2 + 36) + "^\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_listening_socket_is_handed_over(host: str) -> None:
    with started("run", "--listen", f"{host}:0", guest("preview1_server"), "3", "1") as server:
        told = line_with(server.stderr, "listening on").split()[-1]
        assert told.startswith(f"{host}:")
        with socket.create_connection((host.strip("[]"), int(told.rpartition(":")[2])), PATIENCE) as caller:
            caller.sendall(b"ping")
            assert caller.recv(4) == b"ping"
        assert server.wait(PATIENCE) == 0


def test_an_address_that_is_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        done = pywasix("run", "--listen", f"{LOOPBACK}:{taken.getsockname()[1]}", guest("hello"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot listen on" in said(done.stderr)


@pytest.mark.parametrize("address", ["nowhere", "localhost:http", "127.0.0.1:70000", "example:80", "::1:80"])
def test_an_address_that_is_none(address: str) -> None:
    done = pywasix("run", "--listen", address, guest("hello"))
    assert (done.returncode, done.stdout) == (1, "")
    assert said(done.stderr).startswith("listen ")


def test_the_time_limit_ends_what_computes_and_what_waits() -> None:
    for name in ("busy_loop", "sleep"):
        done = pywasix("run", "--timeout", "0.2", guest(name))
        assert (done.returncode, done.stdout) == (124, "blocking\n")
        assert said(done.stderr).endswith(f"{name}.wasm: the time limit of 0.2 seconds is over")


def test_a_program_that_keeps_its_time_limit() -> None:
    done = pywasix("run", "--timeout", "30", guest("exit_code"), "3")
    assert (done.returncode, done.stderr) == (3, "")


def test_the_memory_limit() -> None:
    assert pywasix("run", "--max-memory", "16MiB", guest("hello")).stdout == "hello\n"
    small = pywasix("run", "--max-memory", "64K", guest("shared_hello"))
    assert (small.returncode, small.stdout) == (1, "")
    wanted = r".*needs \S+ MiB of memory, 0\.0625 MiB are allowed; raise --max-memory to (\d+M) .*\n"
    needs = re.fullmatch(wanted, small.stderr)
    assert needs
    assert pywasix("run", "--max-memory", needs[1], guest("shared_hello")).stdout.startswith("hello from shared memory")
    less = pywasix("run", "--max-memory", "100", guest("hello"))
    assert (less.returncode, less.stdout) == (1, "")
    assert said(less.stderr).startswith("--max-memory (max_memory) is 100 bytes")


def test_the_descriptor_limit() -> None:
    done = pywasix("run", "--net", "--max-fds", "3", guest("echo_server"), "-n", "0")
    assert done.returncode != 0
    assert "listening" not in done.stdout
    less = pywasix("run", "--max-fds", "2", guest("hello"))
    assert less.returncode == 1
    assert said(less.stderr) == "--max-fds (max_fds) is 2; the standard streams alone need 3"


def test_a_trace_on_standard_error() -> None:
    done = pywasix("run", "--trace", guest("exit_code"), "3")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "[pid 1] proc_exit(rval=3) = ?"


def test_a_trace_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "trace"
    done = pywasix("run", f"--trace={file}", guest("hello"))
    assert (done.returncode, done.stderr) == (0, "")
    assert '[pid 1] fd_write(fd=1, iovs=[5:"hello", 1:"\\n"], nwritten=>6) = SUCCESS\n' in file.read_text()
    missing = pywasix("run", f"--trace={tmp_path / 'no' / 'trace'}", guest("hello"))
    assert missing.returncode == 1
    assert "cannot be written" in said(missing.stderr)
    assert said(pywasix("run", "--trace=", guest("hello")).stderr).startswith(
        "--trace= names no file: write --trace=FILE"
    )


def test_an_export_is_called() -> None:
    done = pywasix("run", "--invoke", "add", guest("reactor"), "3", "-5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "-2\n", "")
    assert pywasix("run", "--invoke=count", guest("reactor")).stdout == "0\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--invoke", "nothing"], "add"),
        (["--invoke", "add"], "takes 2 arguments"),
        ([], "--invoke"),
    ],
)
def test_an_export_that_cannot_be_called(words: list[str], text: str) -> None:
    done = pywasix("run", *words, guest("reactor"))
    assert (done.returncode, done.stdout) == (1, "")
    assert text in said(done.stderr)


def test_arguments_that_are_no_numbers() -> None:
    done = pywasix("run", "--invoke", "add", guest("reactor"), "3", "four")
    assert done.returncode == 1
    assert "four" in said(done.stderr)


def test_results_that_nobody_reads_are_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = pywasix(
            "run", "--invoke", "add", guest("reactor"), "1", "2", capture_output=False, stdout=writer,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_results_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:
        done = pywasix("run", "--invoke", "add", guest("reactor"), "1", "2", **outputs(full))
    assert (done.returncode, said(done.stderr)) == (1, "cannot write: No space left on device")


def test_a_closed_stream_is_not_another_file(tmp_path: Path) -> None:
    """What the program prints must not land in a file that got the number of the stream."""
    trace = tmp_path / "trace"
    done = closed(">&-", "run", f"--trace={trace}", guest("hello"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in trace.read_text().splitlines() if not line.startswith("[pid 1] ")] == []
    assert "BADF" in trace.read_text()
    assert closed("2>&-", "run", guest("hello")).stdout == "hello\n"
    assert closed("<&-", "run", guest("cat")).returncode != 0


def test_the_port_order_can_be_said() -> None:
    with started("run", "--net", "--port-order", "little", "--trace", guest("listener_2022")) as server:
        assert "sock_bind" in line_with(server.stderr, "sock_bind")
    assert pywasix("run", "--port-order", "sideways", guest("hello")).returncode == 2


def test_a_trap_is_an_abort_with_a_backtrace() -> None:
    done = pywasix("run", guest("trap"))
    assert (done.returncode, done.stdout) == (134, "trapping at depth 3\n")
    first, *frames = done.stderr.splitlines()
    assert first.startswith("pywasix: ")
    assert first.endswith("trap.wasm: wasm trap: unreachable")
    names = [frame.split()[1] for frame in frames]
    assert names[:3] == ["innermost", "middle", "outermost"]


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    text = tmp_path / "text.wasm"
    text.write_text("no module")
    for path, why in (
        (tmp_path / "missing.wasm", "no such file"),
        (tmp_path, "directory"),
        (text, "not a WebAssembly"),
    ):
        done = pywasix("run", path)
        assert (done.returncode, done.stdout) == (1, "")
        assert why in said(done.stderr)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--unknown", "x"],
        ["--timeout", "0", "x"],
        ["--timeout", "soon", "x"],
        ["--timeout"],
        ["x", "--timeout"],
        ["--max-memory", "much", "x"],
        ["--max-fds", "-1", "x"],
        ["--forward-host-env=yes", "x"],
    ],
)
def test_usage_errors_end_with_2(words: list[str]) -> None:
    done = pywasix("run", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_value_that_is_missing_behind_the_program() -> None:
    done = pywasix("run", guest("args_env"), "--timeout")
    assert done.stderr.splitlines()[-1] == "Error: Option '--timeout' requires an argument."


def test_click_understands_what_the_quick_way_leaves_to_it() -> None:
    done = pywasix("run", "-eA=b", guest("args_env"), "x")
    assert done.stdout == "arg 0: args_env.wasm\narg 1: x\nenv: A=b\n"
    assert pywasix("run", "-eA=b", guest("exit_code"), "3").returncode == 3
    missing = pywasix("run", "-eA=b", "missing.wasm")
    assert (missing.returncode, said(missing.stderr)) == (1, "missing.wasm: there is no such file")


def test_help_names_every_option() -> None:
    done = pywasix("run", "--help")
    assert done.returncode == 0
    for option in ("--net [=RULES]", "--listen", "--env", "--timeout", "--max-memory", "--max-fds", "--trace [=FILE]"):
        assert option in done.stdout


def test_running_imports_nothing_that_it_does_not_need() -> None:
    command = [PYWASIX[0], "-X", "importtime", *PYWASIX[1:], "run", str(guest("hello"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "wasmtime" in imported
    unneeded = {
        "click",
        "rich",
        "asyncio",
        "logging",
        "subprocess",
        "json",
        "importlib.metadata",
        "pywasix.syscalls.trace",
    }
    assert not imported & unneeded
