"""What fails around a guest: nothing is kept of a start that fails, and a program ends whatever its trace does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import pywasix
from contract.wat import program
from pywasix import ModuleError, OptionError
from pywasix.engine.epoch import watched
from pywasix.engine.instance import GuestTask
from pywasix.host.poller import HostPoller
from support import PATIENCE, guest, open_files

start_module = import_module("pywasix.runtime.start")  # the package's `start` is its function
HELLO = guest("hello")
UNKNOWN_IMPORT = program("", imports='(import "env" "nope" (func))')

PREVIEW1_ACCEPT = program(
    "(call $proc_exit (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 16)))",
    imports='(import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))',
)


def no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def no_engine(*_: object, **__: object) -> None:
    raise ModuleError("no engine today")


def no_poller(*_: object) -> None:
    raise OSError(24, "Too many open files")


Patch = tuple[Any, str, Callable[..., None]]
FAILURES: dict[str, tuple[Any, dict[str, Any], Patch | None, type[Exception]]] = {
    "encoding": (HELLO, {"encoding": "nonsense"}, None, OptionError),
    "errors": (HELLO, {"errors": "nonsense"}, None, OptionError),
    "trace": (HELLO, {"trace": 7}, None, OptionError),
    "stream": (HELLO, {"stderr": object()}, None, pywasix.PywasixError),
    "policy": (HELLO, {"net": True, "policy": pywasix.NetworkPolicy.allow_all()}, None, OptionError),
    "listen": (HELLO, {"listen": ["127.0.0.1:0", "nowhere"]}, None, OptionError),
    "import": (UNKNOWN_IMPORT, {"listen": ["127.0.0.1:0"]}, None, ModuleError),
    "no descriptor": (HELLO, {}, (HostPoller, "__init__", no_poller), OSError),
    "no engine": (HELLO, {"listen": ["127.0.0.1:0"]}, (start_module, "GuestTask", no_engine), ModuleError),
    "no pipe end": (HELLO, {}, (start_module, "open_ends", no_engine), ModuleError),
    "no thread": (HELLO, {"listen": ["127.0.0.1:0"]}, (threading.Thread, "start", no_thread), RuntimeError),
    "no thread for a stream": (HELLO, {"stdin": b"x"}, (threading.Thread, "start", no_thread), RuntimeError),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_a_start_that_fails_keeps_nothing(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Descriptors, tasks of the engine's epoch, threads, and the address on a virtual network are counted."""
    module, options, patch, error = FAILURES[name]
    chosen: dict[str, Any] = {
        "stdin": pywasix.PIPE,
        "stdout": pywasix.PIPE,
        "stderr": pywasix.PIPE,
        "trace": tmp_path / "trace",
        **options,
    }
    with pywasix.VirtualNetwork("10.0.0.0/29") as network:
        program = pywasix.load(module) if module is HELLO else module
        chosen.setdefault("net", network)
        if "listen" in chosen:
            chosen["net"] = None
        before = open_files(), watched(), threading.active_count()
        with monkeypatch.context() as patched:
            if patch is not None:
                patched.setattr(*patch)
            for _ in range(8):  # more than the network has addresses
                with pytest.raises(error):
                    pywasix.start(program, **chosen)
        assert (open_files(), watched(), threading.active_count()) == before
        network.attach("10.0.0.2").close()


def test_ctrl_c_while_the_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest may run already: it is ended, and its thread gives everything back."""
    begin = threading.Thread.start

    def interrupted(self: threading.Thread) -> None:
        begin(self)
        raise KeyboardInterrupt

    tasks = watched()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pywasix.start(guest("busy_loop"), stdout=pywasix.DEVNULL)
    assert watched() == tasks


def test_a_trace_file_on_a_full_disk() -> None:
    done = pywasix.run(HELLO, trace="/dev/full", stdout=pywasix.PIPE, timeout=PATIENCE)
    assert (done.returncode, done.stdout[:5]) == (0, b"hello")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
def test_a_program_ends_whatever_its_end_raises(kind: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    close = GuestTask.close

    def failing(self: GuestTask) -> None:
        close(self)
        raise kind("the engine does not let go")

    monkeypatch.setattr(GuestTask, "close", failing)
    with pywasix.VirtualNetwork() as network:
        place = network.attach("10.0.0.2")
        done = pywasix.run(HELLO, net=place, stdout=pywasix.PIPE, timeout=PATIENCE)
        assert (done.returncode, done.stdout[:5]) == (0, b"hello")
        network.attach("10.0.0.2").close()


def test_a_report_that_raises_changes_nothing() -> None:
    told: list[str] = []

    def report(message: str) -> None:
        told.append(message)
        raise ValueError("the embedder's own mistake")

    done = pywasix.run([guest("echo_server"), "0"], report=report, stdout=pywasix.DEVNULL, timeout=PATIENCE)
    assert done.returncode > 0, done
    assert "the network policy refused" in told[0]


@pytest.mark.parametrize("net", [None, False])
def test_everybody_may_call_a_listener_of_a_program_without_network(net: Any) -> None:
    process = pywasix.start(PREVIEW1_ACCEPT, net=net, listen=["127.0.0.1:0"])
    with process, socket.create_connection(process.listeners[0]):
        assert process.wait(PATIENCE) == 0


# -- listening sockets of the embedding program ----------------------------------


@pytest.mark.parametrize("blocking", [True, False])
def test_a_listening_socket_stays_its_owners(blocking: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.setblocking(blocking)
        process = pywasix.start(PREVIEW1_ACCEPT, listen=[theirs])
        with process, socket.create_connection(theirs.getsockname()):
            assert process.wait(PATIENCE) == 0
        assert theirs.gettimeout() == (None if blocking else 0.0)
        with socket.create_connection(theirs.getsockname()) as caller:
            accepted, peer = theirs.accept()
            assert peer == caller.getsockname()
            accepted.close()


def test_a_guest_that_waits_on_a_shared_listener_is_killed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        processes = [pywasix.start(PREVIEW1_ACCEPT, listen=[theirs]) for _ in range(3)]
        with socket.create_connection(theirs.getsockname()):
            for process in processes:
                process.kill()
            codes = {process.wait(PATIENCE) for process in processes}
        assert codes <= {0, -9}
        assert -9 in codes


def test_what_is_no_listening_socket(tmp_path: Path) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    closed.close()
    with socket.socket() as idle, socket.socket(socket.AF_UNIX) as unix, open("/dev/null") as file:
        unix.bind(str(tmp_path / "unix"))
        unix.listen()
        for wanted, text in (
            (closed, "is closed"),
            (idle, "does not listen"),
            (unix, "no TCP socket"),
            (file, "no socket"),
        ):
            with pytest.raises(OptionError, match=text) as refused:
                pywasix.start(HELLO, listen=[wanted])
            assert "\n" not in str(refused.value)
    with pytest.raises(OptionError, match="has no descriptor"):
        pywasix.start(HELLO, listen=[file])


# -- input and output of the wrong kind --------------------------------------------


def test_input_of_the_wrong_type_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(start_module, "start", no_engine)
        for data, options in (("text", {}), (b"bytes", {"text": True}), (7, {}), (7, {"encoding": "utf-8"})):
            with pytest.raises(TypeError, match="input is"):
                pywasix.run(guest("cat"), input=data, capture_output=True, **options)
    with pywasix.start(guest("cat"), stdin=pywasix.PIPE, stdout=pywasix.PIPE) as process:
        with pytest.raises(TypeError, match="input is str"):
            process.communicate("text")
        assert process.communicate(b"bytes", timeout=PATIENCE) == (b"bytes", None)


def test_output_that_is_no_text_raises() -> None:
    with pytest.raises(UnicodeDecodeError):
        pywasix.run(guest("cat"), stdin=b"a\xff", encoding="utf-8", stdout=pywasix.PIPE, timeout=PATIENCE)


def test_input_that_the_encoding_does_not_know_raises() -> None:
    with pytest.raises(UnicodeEncodeError):
        pywasix.run(guest("cat"), input="grüße", encoding="ascii", stdout=pywasix.PIPE, timeout=PATIENCE)
