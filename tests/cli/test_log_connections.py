"""`--log-connections` and the limits on connections, as the command line has them."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.command import line_with, pywasix, started
from pywasix.cli.connection_log import FileLog, describe
from pywasix.errors import OptionError
from pywasix.net.events import Accepted, Closed, Connected, ConnectionEvent, Listening, Reason, Refused
from support import PATIENCE, guest

HERE, THERE = ("127.0.0.1", 8080), ("127.0.0.1", 51234)
HERE6, THERE6 = ("::1", 80), ("fe80::1", 5)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Listening(HERE, "tcp", 1), "listening on 127.0.0.1:8080"),
        (Listening(HERE6, "udp", 1), "listening on [::1]:80/udp"),
        (Listening("/run/\33[2J", "unix", 1), "listening on unix:/run/\\x1b[2J"),
        (Accepted(HERE, THERE, "tcp", 1, 3), "accepted 127.0.0.1:51234 on 127.0.0.1:8080 (#3)"),
        (Accepted(HERE6, THERE6, "tcp", 1, 4), "accepted [fe80::1]:5 on [::1]:80 (#4)"),
        (Connected(HERE, THERE, "tcp", 1, 5), "connected 127.0.0.1:8080 to 127.0.0.1:51234 (#5)"),
        (
            Refused("accept", HERE, THERE, "tcp", 1, "policy"),
            "refused 127.0.0.1:51234 on 127.0.0.1:8080: by the policy",
        ),
        (Refused("accept", None, "", "unix", 1, "policy"), "refused unix:: by the policy"),
        (
            Refused("connect", None, THERE, "tcp", 1, "limit"),
            "refused to connect to 127.0.0.1:51234: too many connections",
        ),
    ],
)
def test_events_in_words(event: ConnectionEvent, line: str) -> None:
    assert describe(event) == line


@pytest.mark.parametrize(
    ("received", "sent", "seconds", "reason", "words"),
    [
        (120, 5_100, 0.42, "closed", "received 120 B, sent 5.1 kB, 0.42 s, by the guest"),
        (999, 1_000, 99.994, "finished", "received 999 B, sent 1.0 kB, 99.99 s, by the peer, then by the guest"),
        (999_949, 999_951, 100.4, "reset", "received 999.9 kB, sent 1.0 MB, 100 s, reset by the peer"),
        (3 * 10**9, 4 * 10**12, 0, "timeout", "received 3.0 GB, sent 4.0 TB, 0.00 s, the peer does not answer"),
        (0, 0, 0, "exit", "received 0 B, sent 0 B, 0.00 s, the program ended"),
    ],
)
def test_what_was_moved_in_words(received: int, sent: int, seconds: float, reason: Reason, words: str) -> None:
    event = Closed(HERE, THERE, "tcp", 1, 3, received, sent, seconds, reason)
    assert describe(event) == f"closed #3: {words}"


def call(port: int, data: bytes) -> int:
    """Have an echo server answer; returns the caller's port."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as caller:
        caller.sendall(data)
        caller.shutdown(socket.SHUT_WR)
        while caller.recv(1 << 16):
            continue
        return int(caller.getsockname()[1])


def test_a_line_for_each_event_on_standard_error() -> None:
    words = ("run", "--net", "--log-connections", guest("echo_server"), "-q", "-n", "1")
    with started(*words) as process:
        port = int(line_with(process.stdout, "listening on").split()[-1])
        caller = call(port, b"x" * 5_100)
        lines = process.communicate(timeout=PATIENCE)[1].splitlines()
        assert process.returncode == 0
    assert lines[:2] == [
        f"pywasix: listening on 127.0.0.1:{port}",
        f"pywasix: accepted 127.0.0.1:{caller} on 127.0.0.1:{port} (#1)",
    ]
    assert len(lines) == 3
    moved = "closed #1: received 5.1 kB, sent 5.1 kB"
    assert re.fullmatch(rf"pywasix: {moved}, \d+\.\d\d s, by the peer, then by the guest", lines[2])


def test_a_chosen_port_is_told_once() -> None:
    words = ("run", "--listen", "127.0.0.1:0", "--log-connections", guest("preview1_server"), "3", "1")
    with started(*words) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        call(int(first.rpartition(":")[2]), b"hello")
        rest = process.communicate(timeout=PATIENCE)[1]
    assert first.startswith("pywasix: listening on 127.0.0.1:")
    assert "listening" not in rest
    assert rest.count("pywasix: ") == 2


def test_a_file_gets_the_lines_with_their_time(tmp_path: Path) -> None:
    log = tmp_path / "connections"
    log.write_text("what was there stays\n", encoding="utf-8")
    words = ("run", "--net", f"--log-connections={log}", guest("echo_server"), "-q", "-n", "1")
    with started(*words) as process:
        call(int(line_with(process.stdout, "listening on").split()[-1]), b"hello")
        assert process.communicate(timeout=PATIENCE) == ("", "")
    first, *lines = log.read_text(encoding="utf-8").splitlines()
    assert first == "what was there stays"
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    assert [re.sub(rf"^{time} (\w+).*", r"\1", line) for line in lines] == ["listening", "accepted", "closed"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    for value, said in (
        (str(tmp_path), f"pywasix: the connection log {tmp_path} cannot be written: Is a directory"),
        ("", "pywasix: --log-connections= names no file: write --log-connections=FILE, or nothing behind it"),
    ):
        done = pywasix("run", f"--log-connections={value}", guest("hello"))
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}\n")


def test_a_full_disk_is_no_matter_of_the_guest_s() -> None:
    log = FileLog("/dev/full")
    log(Listening(HERE, "tcp", 1))
    log.close()
    with pytest.raises(OptionError):
        FileLog("/nowhere/log")


def test_limits_of_the_command_line() -> None:
    words = ("run", "--net", "--max-connections", "1", guest("hoarder"))
    with started(*words) as process:
        port = int(line_with(process.stdout, "listening on").split()[-1])
        with socket.create_connection(("127.0.0.1", port), PATIENCE):
            line_with(process.stdout, "127.0.0.1")
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as refused:
                    assert refused.recv(1) == b""
            process.terminate()
            errors = process.communicate(timeout=PATIENCE)[1].splitlines()
    assert len(errors) == 1
    assert re.fullmatch(
        r"pywasix: turned 127\.0\.0\.1:\d+ away: as many connections are open as --max-connections \(\w+\) allows",
        errors[0],
    )


def test_who_watches_nothing_loads_nothing_for_it() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "pywasix", "run", "--net", str(guest("hello"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "pywasix.net.network" in done.stderr
    for module in ("net.events", "net.watch", "net.observed", "host.events", "runtime.watching", "cli.connection_log"):
        assert f"pywasix.{module}" not in done.stderr


def test_limits_that_are_none() -> None:
    done = pywasix("run", "--max-connections-per-peer", "few", guest("hello"))
    assert done.returncode == 2
    assert "'few' is no number" in done.stderr
