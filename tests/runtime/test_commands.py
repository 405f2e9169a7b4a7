"""Commands: programs that a guest runs by name, given as files, modules and functions of Python's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest

import pywasix
from pywasix import Command, OptionError
from support import PATIENCE, guest, wait_until

RUN = guest("run_command")
TOOLS = guest("tools")


def run(*args: str, **options: Any) -> tuple[int, str]:
    """What `run_command` says of the end of a command, and all that was printed."""
    done = pywasix.run([RUN, *args], capture_output=True, text=True, timeout=PATIENCE, **options)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout


GIVEN: dict[str, Callable[[], Any]] = {
    "path": lambda: TOOLS,
    "text": lambda: str(TOOLS),
    "bytes": TOOLS.read_bytes,
    "module": lambda: pywasix.load(TOOLS),
}


@pytest.mark.parametrize("given", list(GIVEN))
@pytest.mark.parametrize("name", ["seq", "/bin/seq", "/usr/bin/seq"])
def test_a_command_is_found(given: str, name: str) -> None:
    assert run(name, "3", commands={"seq": GIVEN[given]()}) == (0, "1\n2\n3\n")


def test_its_exit_code_is_told() -> None:
    assert run("status", "7", commands={"status": TOOLS}) == (7, "")


def test_a_function_gets_arguments_environment_and_streams() -> None:
    def shout(command: Command) -> int:
        command.stdout.write(f"{command.args} {command.env['A']} {command.pid}\n")
        command.stdout.write(command.stdin.read().upper())
        return 9

    code, out = run("shout", "a b", "", commands={"shout": shout}, env={"A": "1"}, input="some\ntext\n")
    assert (code, out) == (9, "['shout', 'a b', ''] 1 2\nSOME\nTEXT\n")


def test_bytes_go_through_the_buffers() -> None:
    def reverse(command: Command) -> None:
        command.stdout.buffer.write(command.stdin.buffer.read()[::-1])

    done = pywasix.run([RUN, "reverse"], input=bytes(range(256)), capture_output=True, commands={"reverse": reverse})
    assert (done.returncode, done.stdout) == (0, bytes(reversed(range(256))))


ENDS: dict[str, tuple[Callable[[Command], Any], int, str]] = {
    "nothing": (lambda command: None, 0, ""),
    "code": (lambda command: 300, 300 & 0xFF, ""),
    "exit": (lambda command: exec("raise SystemExit(4)"), 4, ""),
    "text": (lambda command: exec("raise SystemExit('gone')"), 1, ""),
    "error": (lambda command: 1 // 0, 1, "ZeroDivisionError"),
    "odd": (lambda command: "7", 1, "returned '7', which is no exit code"),
    "interrupt": (lambda command: exec("raise KeyboardInterrupt"), 1, "KeyboardInterrupt"),
}


@pytest.mark.parametrize("name", list(ENDS))
def test_how_a_function_ends(name: str) -> None:
    function, code, said = ENDS[name]
    done = pywasix.run([RUN, name], capture_output=True, text=True, timeout=PATIENCE, commands={name: function})
    assert done.returncode == code
    assert said in done.stderr
    assert bool(said) == bool(done.stderr)


def test_functions_and_guests_in_one_pipeline() -> None:
    def double(command: Command) -> None:
        for line in command.stdin:
            command.stdout.write(2 * line)

    commands = {"seq": TOOLS, "double": double, "wc": TOOLS}
    assert run("seq", "1000", "|", "double", "|", "wc", commands=commands) == (0, "2000\n")


def test_a_function_whose_reader_is_gone_ends_by_sigpipe() -> None:
    written = []

    def endless(command: Command) -> None:
        while True:
            written.append(command.stdout.write("y\n" * 1000))

    code, out = run("endless", "|", "head", "1", commands={"endless": endless, "head": TOOLS})
    assert (code, out) == (0, "y\n")
    assert written


def test_a_kill_ends_what_a_function_waits_for() -> None:
    ended = threading.Event()
    waiting = threading.Event()

    def wait(command: Command) -> None:
        try:
            waiting.set()
            command.stdin.read()
        finally:
            ended.set()

    process = pywasix.start([RUN, "wait"], stdin=pywasix.PIPE, stdout=pywasix.DEVNULL, commands={"wait": wait})
    assert waiting.wait(PATIENCE)
    process.kill()
    assert process.wait(PATIENCE) == -9
    assert ended.wait(PATIENCE)
    assert process.stdin is not None
    process.stdin.close()


def test_a_function_that_writes_stands_still_with_the_program() -> None:
    written: list[int] = []

    def count(command: Command) -> None:
        while True:
            command.stdout.write("x" * 9000)
            written.append(1)

    with pywasix.start([RUN, "count"], stdout=pywasix.DEVNULL, commands={"count": count}) as process:
        wait_until(lambda: bool(written))
        process.send_signal_to_all(SIGSTOP)
        wait_until(lambda: all(each.stands for each in process._process.kernel.all_processes()))
        wait_until(lambda: process.stopped)
        before = len(written)
        process.send_signal_to_all(SIGCONT)
        wait_until(lambda: not process.stopped)
        wait_until(lambda: len(written) > before)
        process.kill()


def test_a_function_that_catches_everything_is_ended_all_the_same() -> None:
    def stubborn(command: Command) -> None:
        for _ in range(3):
            try:
                command.stdin.buffer.raw.readinto(bytearray(1))
            except BaseException:  # also what ends it
                continue

    process = pywasix.start(
        [RUN, "stubborn"], stdin=pywasix.PIPE, stdout=pywasix.DEVNULL, commands={"stubborn": stubborn}
    )
    process.kill()
    assert process.wait(PATIENCE) == -9
    assert process.stdin is not None
    process.stdin.close()


# -- what is found in the guest's own files -------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with programs, mounted at /opt."""
    (tmp_path / "seq").write_bytes(TOOLS.read_bytes())
    (tmp_path / "script").write_bytes(b"#!/opt/status 5\necho\n")
    (tmp_path / "deep").write_bytes(b"#! /bin/show -x  y \n")
    (tmp_path / "loop").write_bytes(b"#!/opt/loop\n")
    (tmp_path / "nobody").write_bytes(b"#!\n")
    (tmp_path / "lost").write_bytes(b"#!/nosuch\n")
    (tmp_path / "text").write_bytes(b"just text")
    (tmp_path / "broken").write_bytes(b"\0asm\1\0\0\0\x09")
    (tmp_path / "library").write_bytes(guest("reactor").read_bytes())
    (tmp_path / "status").symlink_to("seq")
    return tmp_path


def show(command: Command) -> None:
    command.stdout.write(f"{command.args}\n")


def at(files: Path, *args: str, **options: Any) -> tuple[int, str]:
    return run(*args, volumes=[f"{files}:/opt:ro"], commands={"show": show}, **options)


def test_a_module_of_the_guests_files(files: Path) -> None:
    assert at(files, "/opt/seq", "2") == (0, "1\n2\n")
    assert at(files, "opt/seq", "1") == (0, "1\n")
    assert at(files, "./seq", "1", cwd="/opt") == (0, "1\n")
    assert at(files, "seq", "1", env={"PATH": "/nosuch:/opt"}) == (0, "1\n")


def test_scripts_have_interpreters(files: Path) -> None:
    assert at(files, "/opt/deep", "a") == (0, "['/bin/show', '-x  y', '/opt/deep', 'a']\n")


ERRNOS = {
    "/nosuch": "NOENT",
    "/opt/seq/below": "NOTDIR",
    "/opt": "ACCES",
    "/opt/text": "NOEXEC",
    "/opt/broken": "NOEXEC",
    "/opt/library": "NOEXEC",
    "/opt/loop": "LOOP",
    "/opt/nobody": "NOEXEC",
    "/opt/lost": "NOENT",
    "x" * 5000: "NAMETOOLONG",
}


@pytest.mark.parametrize("name", list(ERRNOS), ids=[name[:20] for name in ERRNOS])
def test_what_cannot_be_run(files: Path, name: str) -> None:
    code, out = at(files, name)
    assert code == 127
    assert out == f"errno {pywasix_errno(ERRNOS[name])}\n"


def pywasix_errno(name: str) -> int:
    from pywasix.abi.errno import Errno

    return int(Errno[name])


def test_commands_are_seen_in_bin(files: Path) -> None:
    (files / "own").write_bytes(b"#!/bin/show\n")
    code, out = run("cat", "/bin/own", volumes=[f"{files}:/bin:ro"], commands={"cat": TOOLS, "show": show})
    assert (code, out) == (0, "#!/bin/show\n")
    code, out = run("/bin/own", volumes=[f"{files}:/bin:ro"], commands={"show": show})
    assert out == "['/bin/show', '/bin/own']\n"


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({"a/b": TOOLS}, "it is one without a '/'"),
        ({"": TOOLS}, "commands has the name"),
        ({"x": 5}, "command x is 5"),
        ({"x": "/nosuch"}, "command x: /nosuch is no file"),
    ],
)
def test_commands_that_cannot_be(commands: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        pywasix.start(RUN, commands=commands)
