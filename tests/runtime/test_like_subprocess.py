"""The manners of `subprocess`: every test here runs twice, with `subprocess` itself telling what is right."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import pywasix
from contract.natives import Natives
from support import PATIENCE, guest


class Api:
    """`run` and `Popen` of one of both modules, for the guests by name."""

    def __init__(self, module: Any, path: Callable[[str], str]) -> None:
        self.pipe, self.devnull, self.stdout = module.PIPE, module.DEVNULL, module.STDOUT
        self.is_pywasix = module is pywasix
        self._run = module.run
        self._popen = module.start if self.is_pywasix else module.Popen
        self._path = path

    def run(self, name: str, *args: str, **options: Any) -> Any:
        return self._run([self._path(name), *args], **options)

    @contextmanager
    def popen(self, name: str, *args: str, **options: Any) -> Iterator[Any]:
        """A process that is killed in the end, so that a failing test ends too."""
        with self._popen([self._path(name), *args], **options) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture(params=["pywasix", "subprocess"])
def api(request: pytest.FixtureRequest, natives: Natives) -> Api:
    if request.param == "pywasix":
        return Api(pywasix, lambda name: str(guest(name)))
    return Api(subprocess, natives.command)


# -- run ---------------------------------------------------------------------


def test_run_tells_how_it_went(api: Api) -> None:
    done = api.run("exit_code", "7")
    assert isinstance(done, subprocess.CompletedProcess)
    assert (done.returncode, done.stdout, done.stderr) == (7, None, None)
    assert done.args[1:] == ["7"]


@pytest.mark.parametrize("code", [0, 1, 2, 127, 128, 255])
def test_run_returns_the_exit_code(api: Api, code: int) -> None:
    assert api.run("exit_code", str(code)).returncode == code


def test_run_captures_output(api: Api) -> None:
    done = api.run("hello", capture_output=True)
    assert isinstance(done.stdout, bytes)
    assert done.stderr == b""
    assert api.run("hello", capture_output=True, text=True).stdout == done.stdout.decode()


def test_run_feeds_input(api: Api) -> None:
    assert api.run("cat", input=b"one\ntwo", capture_output=True).stdout == b"one\ntwo"
    assert api.run("cat", input="grüße\n", capture_output=True, text=True, encoding="utf-8").stdout == "grüße\n"
    assert api.run("cat", input=b"", stdout=api.pipe).stdout == b""


def test_run_moves_more_than_pipes_hold(api: Api) -> None:
    data = bytes(range(256)) * 8192
    assert api.run("cat", input=data, capture_output=True).stdout == data


def test_run_ignores_input_that_nobody_reads(api: Api) -> None:
    done = api.run("hello", input=b"x" * 1_000_000, capture_output=True)
    assert done.returncode == 0


def test_run_with_check(api: Api) -> None:
    assert api.run("exit_code", "0", check=True).returncode == 0
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 3") as failed:
        api.run("exit_code", "3", check=True, capture_output=True)
    assert (failed.value.returncode, failed.value.output, failed.value.stderr) == (3, b"", b"")
    assert failed.value.cmd[1:] == ["3"]


@pytest.mark.parametrize("text", [None, True])
def test_run_with_timeout(api: Api, text: bool | None) -> None:
    """Output is bytes, text or not (documented for subprocess)."""
    with pytest.raises(subprocess.TimeoutExpired, match=r"timed out after 0\.3 seconds") as expired:
        api.run("busy_loop", timeout=0.3, capture_output=True, text=text)
    assert expired.value.timeout == 0.3
    assert expired.value.output == b"blocking\n"
    assert expired.value.stderr in (None, b"")


def test_run_with_a_timeout_that_is_not_reached(api: Api) -> None:
    assert api.run("hello", timeout=PATIENCE, stdout=api.devnull).returncode == 0


def test_run_refuses_contradictions(api: Api) -> None:
    with pytest.raises(ValueError, match="may not both be"):
        api.run("cat", input=b"", stdin=api.pipe)
    for option in ("stdout", "stderr"):
        with pytest.raises(ValueError, match=r"may not (both )?be"):
            api.run("cat", capture_output=True, **{option: api.pipe})


# -- streams -----------------------------------------------------------------


def test_devnull(api: Api) -> None:
    done = api.run("cat", stdin=api.devnull, stdout=api.pipe)
    assert (done.returncode, done.stdout) == (0, b"")
    assert api.run("hello", stdout=api.devnull, stderr=api.pipe).stderr == b""


def test_files(api: Api, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"x" * 100_000)
    with source.open("rb") as stdin, target.open("wb") as stdout:
        stdout.write(b"first\n")
        stdout.flush()
        assert api.run("cat", stdin=stdin, stdout=stdout).returncode == 0
    assert target.read_bytes() == b"first\n" + b"x" * 100_000


def test_descriptor_numbers(api: Api, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as stdout:
        assert api.run("hello", stdout=stdout.fileno()).returncode == 0
    assert (tmp_path / "out").stat().st_size > 0


def test_stderr_to_stdout(api: Api) -> None:
    done = api.run("tcp_client", stdout=api.pipe, stderr=api.stdout)
    assert done.stderr is None
    assert done.stdout.startswith(b"usage: ")
    assert done.returncode == 2


def test_talking_line_by_line(api: Api) -> None:
    with (
        api.popen("cat", stdin=api.pipe, stdout=api.pipe, text=True, bufsize=1, **{})
        if not api.is_pywasix
        else (api.popen("cat", stdin=api.pipe, stdout=api.pipe, text=True)) as process
    ):
        for line in ("one\n", "two\n"):
            process.stdin.write(line)
            assert process.stdout.readline() == line
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(PATIENCE) == 0


def test_streams_that_are_no_pipes_are_none(api: Api) -> None:
    with api.popen("hello", stdout=api.devnull) as process:
        assert (process.stdin, process.stdout, process.stderr) == (None, None, None)
        assert process.communicate() == (None, None)


def test_text_options(api: Api) -> None:
    done = api.run("cat", input="é", encoding="latin-1", stdout=api.pipe)
    assert done.stdout == "é"
    assert api.run("cat", input=b"\xff", stdout=api.pipe).stdout == b"\xff"
    with api.popen("cat", stdin=api.pipe, stdout=api.pipe, encoding="ascii", errors="replace") as process:
        process.stdin.buffer.write(b"\xff")
        assert process.communicate()[0] == "\ufffd"


def test_output_is_written_in_order_to_a_shared_file(api: Api, tmp_path: Path) -> None:
    with (tmp_path / "both").open("w+b") as both:
        for text in (b"1", b"2", b"3"):
            api.run("cat", input=text, stdout=both)
        both.seek(0)
        assert both.read() == b"123"


# -- a running process -------------------------------------------------------


def test_poll_and_wait(api: Api) -> None:
    with api.popen("cat", stdin=api.pipe, stdout=api.devnull) as process:
        assert process.poll() is None
        assert process.returncode is None
        with pytest.raises(subprocess.TimeoutExpired) as expired:
            process.wait(0.01)
        assert expired.value.timeout == 0.01
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert process.wait() == 0
        assert process.poll() == 0


def test_pid_is_a_number(api: Api) -> None:
    with api.popen("hello", stdout=api.devnull) as process:
        assert process.pid > 0


@pytest.mark.parametrize(
    ("method", "arguments", "number"),
    [
        ("kill", (), signal.SIGKILL),
        ("terminate", (), signal.SIGTERM),
        ("send_signal", (signal.SIGINT,), signal.SIGINT),
        ("send_signal", (signal.SIGUSR2,), signal.SIGUSR2),
        ("send_signal", (signal.SIGALRM,), signal.SIGALRM),
    ],
)
def test_signals_end_it(api: Api, method: str, arguments: tuple[int, ...], number: int) -> None:
    with api.popen("sleep", stdout=api.pipe) as process:
        assert process.stdout.readline() == b"blocking\n"
        getattr(process, method)(*arguments)
        assert process.wait(PATIENCE) == -number
        # It is over: more of it does nothing.
        process.kill()
        process.terminate()
        process.send_signal(signal.SIGINT)
        assert process.returncode == -number


def test_kill_twice(api: Api) -> None:
    with api.popen("busy_loop", stdout=api.devnull) as process:
        process.kill()
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_communicate_after_timeout_goes_on_without_loss(api: Api) -> None:
    data = b"0123456789" * 50_000
    with api.popen("sleep", stdout=api.pipe, stderr=api.pipe) as process:
        for _ in range(3):
            with pytest.raises(subprocess.TimeoutExpired) as expired:
                process.communicate(timeout=0.1)
            assert expired.value.output in (b"blocking\n", None)
        process.kill()
        assert process.communicate() == (b"blocking\n", b"")
    with api.popen("cat", stdin=api.pipe, stdout=api.pipe) as process:
        assert process.communicate(data)[0] == data


def test_communicate_feeds_on_after_timeout(api: Api) -> None:
    with api.popen("block_stdin", stdin=api.pipe, stdout=api.pipe, text=True) as process:
        assert process.stdout.readline() == "blocking\n"
        output, _ = process.communicate("abc", timeout=PATIENCE)
        assert (output, process.returncode) == ("3\n", 0)


def test_input_cannot_be_sent_twice(api: Api) -> None:
    with api.popen("sleep", stdin=api.pipe, stdout=api.pipe) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(b"first", timeout=0.05)
        with pytest.raises(ValueError, match="Cannot send input after starting communication"):
            process.communicate(b"second")


def test_communicate_with_an_ended_process(api: Api) -> None:
    with api.popen("hello", stdout=api.pipe, stdin=api.pipe) as process:
        process.wait(PATIENCE)
        assert process.communicate(b"too late")[0].startswith(b"hello")


def test_context_manager_closes_pipes_and_waits(api: Api) -> None:
    with api.popen("hello", stdin=api.pipe, stdout=api.pipe, stderr=api.pipe) as process:
        streams = (process.stdin, process.stdout, process.stderr)
        assert not any(stream.closed for stream in streams)
        process.stdout.read()
    assert all(stream.closed for stream in streams)
    assert process.returncode == 0


def test_context_manager_lets_a_program_end_that_waits_for_input(api: Api) -> None:
    with api.popen("cat", stdin=api.pipe, stdout=api.pipe) as process:
        process.stdin.write(b"unread")
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_several_threads_wait_for_one_process(api: Api) -> None:
    codes: list[int] = []
    with api.popen("cat", stdin=api.pipe, stdout=api.devnull) as process:
        threads = [Thread(target=lambda: codes.append(process.wait(PATIENCE))) for _ in range(4)]
        for thread in threads:
            thread.start()
        process.stdin.close()
        for thread in threads:
            thread.join(PATIENCE)
    assert codes == [0] * 4


def test_arguments_and_environment(api: Api) -> None:
    done = api.run("args_env", "one", "", "two words", "ü", env={"KEY": "value", "EMPTY": ""}, stdout=api.pipe)
    lines = done.stdout.decode().splitlines()
    assert lines[1:5] == ["arg 1: one", "arg 2: ", "arg 3: two words", "arg 4: ü"]
    assert set(lines[5:]) == {"env: KEY=value", "env: EMPTY="}


def test_writing_to_a_reader_who_left(api: Api) -> None:
    """A write fails with EPIPE; natively SIGPIPE ends the program first."""
    with api.popen("cat", stdin=api.pipe, stdout=api.pipe) as process:
        process.stdout.close()
        process.stdin.write(b"x" * 100)
        process.stdin.close()
        code = process.wait(PATIENCE)
    assert code == (1 if api.is_pywasix else -signal.SIGPIPE)
