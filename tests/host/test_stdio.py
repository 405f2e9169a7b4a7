"""Standard streams, given the way `subprocess` takes them, and both ends of them at once."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from threading import Event
from typing import IO, Any

import pytest

from pywasix.errors import PywasixError
from pywasix.host.exchange import Exchange
from pywasix.host.files import FdChannel
from pywasix.host.stdio import DEVNULL, PIPE, STDOUT, Stdio, open_ends
from support import open_files


@pytest.fixture
def made() -> Iterator[list[Stdio]]:
    """Streams that are given back."""
    found: list[Stdio] = []
    yield found
    for each in found:
        each.abandon()
        each.finish()


def streams(made: list[Stdio], stdin: Any = DEVNULL, stdout: Any = DEVNULL, stderr: Any = DEVNULL) -> Stdio:
    found = Stdio(stdin, stdout, stderr)
    made.append(found)
    return found


def read(channel: FdChannel, size: int = 100) -> bytes:
    """What a blocking read of a pipe finds."""
    os.set_blocking(channel.fileno(), True)
    return os.read(channel.fileno(), size)


def test_pipes_have_an_end_for_python(made: list[Stdio]) -> None:
    stdio = streams(made, PIPE, PIPE, PIPE)
    stdin, stdout, _ = stdio.ends
    assert stdin is not None
    assert stdout is not None
    stdin.write(b"to the guest")
    assert read(stdio.channels[0]) == b"to the guest"
    os.write(stdio.channels[1].fileno(), b"to python")
    assert stdout.read(100) == b"to python"


def test_nothing_inherits(made: list[Stdio]) -> None:
    stdio = streams(made, None, None, None)
    assert [each.fileno() for each in stdio.channels] == [0, 1, 2]
    assert stdio.ends == [None, None, None]


def test_an_inherited_stream_that_is_closed_is_the_null_device(
    made: list[Stdio], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pywasix.host import stdio

    class Closed(FdChannel):
        def __init__(self, fd: int, *, owned: bool, private: bool = False) -> None:
            if not owned:
                raise OSError(9, "closed")
            super().__init__(fd, owned=owned, private=private)

    monkeypatch.setattr(stdio, "FdChannel", Closed)
    found = streams(made, None, DEVNULL, DEVNULL)
    assert os.path.samestat(os.fstat(found.channels[0].fileno()), os.stat(os.devnull))


def test_descriptors_and_files_are_copied(made: list[Stdio]) -> None:
    with tempfile.TemporaryFile("w+") as file:
        file.write("python first ")
        stdio = streams(made, file.fileno(), file, STDOUT)
        assert file.fileno() not in [each.fileno() for each in stdio.channels]
        os.write(stdio.channels[1].fileno(), b"guest second")
        os.write(stdio.channels[2].fileno(), b", error third")
        file.seek(0)
        assert file.read() == "python first guest second, error third"


def test_errors_may_go_where_output_goes(made: list[Stdio]) -> None:
    stdio = streams(made, DEVNULL, PIPE, STDOUT)
    os.write(stdio.channels[2].fileno(), b"error")
    assert stdio.ends[1] is not None
    assert stdio.ends[1].read(100) == b"error"
    assert stdio.ends[2] is None


@pytest.mark.parametrize("data", [b"some bytes", bytearray(b"some bytes"), memoryview(b"some bytes")])
def test_bytes_feed_standard_input(made: list[Stdio], data: Any) -> None:
    stdio = streams(made, data)
    assert read(stdio.channels[0]) == b"some bytes"
    assert read(stdio.channels[0]) == b""


@pytest.mark.parametrize("source", [io.BytesIO(b"object"), io.StringIO("object")])
def test_an_object_that_can_be_read(made: list[Stdio], source: Any) -> None:
    stdio = streams(made, source)
    assert read(stdio.channels[0]) == b"object"


def test_a_feeder_survives_a_guest_that_does_not_read(made: list[Stdio]) -> None:
    stdio = streams(made, bytes(1 << 20))
    stdio.channels[0].close()
    stdio.finish()


@pytest.mark.parametrize(("target", "found"), [(io.BytesIO(), "hé".encode()), (io.StringIO(), "hé")])
def test_an_object_that_can_be_written(made: list[Stdio], target: Any, found: Any) -> None:
    stdio = streams(made, DEVNULL, target)
    for part in ("hé".encode()[:2], "hé".encode()[2:]):
        os.write(stdio.channels[1].fileno(), part)
    stdio.abandon()
    stdio.finish()
    assert target.getvalue() == found


@pytest.mark.parametrize("position", [0, 1, 2])
def test_what_is_no_stream(position: int) -> None:
    arguments: list[Any] = [PIPE, PIPE, PIPE]
    arguments[position] = object()
    with pytest.raises(PywasixError, match="is no stream"):
        Stdio(*arguments)


@pytest.mark.parametrize("fd", [-77, 2**31, 10**30])
def test_a_descriptor_that_is_not_open(fd: int) -> None:
    with pytest.raises(PywasixError, match="is not open"):
        Stdio(DEVNULL, fd, DEVNULL)


def test_bytes_are_no_output() -> None:
    with pytest.raises(PywasixError, match="is no stream"):
        Stdio(DEVNULL, b"bytes", DEVNULL)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, io.BufferedIOBase),
        ({"text": True}, io.TextIOWrapper),
        ({"encoding": "latin-1"}, io.TextIOWrapper),
        ({"errors": "replace"}, io.TextIOWrapper),
    ],
)
def test_the_ends_are_what_subprocess_gives(made: list[Stdio], options: dict[str, Any], kind: type) -> None:
    stdio = streams(made, PIPE, PIPE, DEVNULL)
    stdin, stdout, stderr = open_ends(stdio.ends, **{"text": None, "encoding": None, "errors": None, **options})
    assert isinstance(stdin, kind)
    assert isinstance(stdout, kind)
    assert stderr is None
    for each in (stdin, stdout):
        assert each is not None
        each.close()


# -- exchange -------------------------------------------------------------------


def ends() -> tuple[IO[Any], IO[Any]]:
    reader, writer = os.pipe()
    return open(reader, "rb"), open(writer, "wb")


def test_all_three_at_once() -> None:
    """More than a pipe holds goes in and comes out."""
    in_reader, stdin = ends()
    stdout, out_writer = ends()
    exchange = Exchange(stdin, stdout, None, b"x" * 300_000)
    with in_reader, out_writer:
        out_writer.write(in_reader.read())
    assert exchange.wait(30)
    assert exchange.wait(None)
    assert exchange.result() == (b"x" * 300_000, None)


def test_what_came_so_far() -> None:
    stdout, writer = ends()
    text = open(os.dup(stdout.fileno()), encoding="utf-8")  # noqa: SIM115  # the exchange closes it
    stdout.close()
    exchange = Exchange(None, text, None, None)
    assert not exchange.wait(0)
    assert exchange.so_far() == [b"", None]
    writer.write(b"text")
    writer.close()
    assert exchange.wait(30)
    assert exchange.so_far() == [b"text", None]
    assert exchange.result() == ("text", None)


def test_nothing_came() -> None:
    for mode, empty in (("rb", b""), ("r", "")):
        reader, writer = os.pipe()
        os.close(writer)
        exchange = Exchange(None, open(reader, mode), None, None)  # noqa: SIM115  # the exchange closes it
        assert exchange.wait(30)
        assert exchange.result() == (empty, None)


def test_a_program_that_does_not_read_its_input() -> None:
    reader, stdin = ends()
    reader.close()
    exchange = Exchange(stdin, None, None, b"x" * 300_000)
    assert exchange.wait(30)
    assert stdin.closed


def test_input_of_another_type_is_refused_before_anything_starts() -> None:
    for mode, data in (("wb", "text"), ("wb", 7), ("w", b"bytes"), ("w", 7)):
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, mode) as stdin:
            with pytest.raises(TypeError, match=f"input is {type(data).__name__}; a"):
                Exchange(stdin, None, None, data)
            assert not stdin.closed, "the right input may follow"


def test_input_that_has_no_bytes_in_the_encoding() -> None:
    reader, writer = os.pipe()
    stdin = open(writer, "w", encoding="ascii")  # noqa: SIM115  # the exchange closes it
    exchange = Exchange(stdin, None, None, "grüße")
    with open(reader, "rb") as other:
        assert other.read() == b"", "the end of the input comes in any case"
    for _ in range(2):
        with pytest.raises(UnicodeEncodeError):
            exchange.wait(30)
    assert stdin.closed


def test_output_that_is_no_text() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a\xff")
    os.close(writer)
    exchange = Exchange(None, open(reader, encoding="utf-8"), None, None)  # noqa: SIM115  # the exchange closes it
    with pytest.raises(UnicodeDecodeError):
        exchange.wait(30)


def test_a_thread_that_the_host_refuses(made: list[Stdio], monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Thread

    def refused(self: Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = open_files()
    monkeypatch.setattr(Thread, "start", refused)
    for stdin, stdout in ((b"data", DEVNULL), (PIPE, io.BytesIO())):
        with pytest.raises(RuntimeError, match="can't start"):
            Stdio(stdin, stdout, DEVNULL)
    assert open_files() == before


def test_an_end_that_its_owner_closes_meanwhile() -> None:
    entered, go_on = Event(), Event()

    class Closing(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            entered.set()
            go_on.wait(30)
            return super().read1(size)

    stream = Closing(b"never seen")
    exchange = Exchange(None, stream, None, None)
    assert entered.wait(30)
    stream.close()
    go_on.set()
    assert exchange.wait(30)
    assert exchange.result() == (b"", None)
