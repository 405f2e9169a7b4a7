"""Standard streams beyond what `subprocess` takes: bytes, and any object that reads or writes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from threading import Event

import pytest

import pywasix
from pywasix import PIPE, PywasixError
from support import PATIENCE, guest

CAT = str(guest("cat"))
LARGE = b"0123456789abcdef" * 50_000


def test_bytes_for_stdin() -> None:
    for data in (b"bytes", bytearray(b"bytes"), memoryview(b"bytes")):
        assert pywasix.run([CAT], stdin=data, stdout=PIPE).stdout == b"bytes"
    assert pywasix.run([CAT], stdin=b"", stdout=PIPE).stdout == b""


def test_binary_objects() -> None:
    target = io.BytesIO()
    done = pywasix.run([CAT], stdin=io.BytesIO(LARGE), stdout=target)
    assert (done.returncode, done.stdout) == (0, None)
    assert target.getvalue() == LARGE  # all of it, as soon as run returns


def test_text_objects() -> None:
    text = "grüße\n" * 20_000  # characters that lie across the borders of chunks
    target = io.StringIO()
    assert pywasix.run([CAT], stdin=io.StringIO(text), stdout=target).returncode == 0
    assert target.getvalue() == text


def test_text_objects_get_replacements_for_what_is_no_text() -> None:
    target = io.StringIO()
    pywasix.run([CAT], stdin=b"a\xffb\xc3", stdout=target)
    assert target.getvalue() == "a�b�"


def test_stderr_object() -> None:
    out, error = io.BytesIO(), io.BytesIO()
    assert pywasix.run([guest("tcp_client")], stdout=out, stderr=error).returncode == 2
    assert out.getvalue() == b""
    assert error.getvalue().startswith(b"usage: ")


def test_stderr_into_the_object_of_stdout() -> None:
    both = io.BytesIO()
    pywasix.run([guest("tcp_client")], stdout=both, stderr=pywasix.STDOUT)
    assert both.getvalue().startswith(b"usage: ")


def test_objects_with_read_or_write_alone() -> None:
    class Source:
        parts = (b"one ", b"two", b"")

        def __init__(self) -> None:
            self._rest = iter(self.parts)

        def read(self, size: int) -> bytes:
            return next(self._rest)

    class Target:
        def __init__(self) -> None:
            self.got = b""

        def write(self, data: bytes) -> int:
            self.got += data
            return len(data)

    target = Target()
    assert pywasix.run([CAT], stdin=Source(), stdout=target).returncode == 0
    assert target.got == b"one two"


def test_what_python_had_buffered_comes_first(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="utf-8") as target:
        target.write("first ")
        pywasix.run([CAT], stdin=b"second", stdout=target)
    assert (tmp_path / "out").read_text() == "first second"


def test_a_guest_that_does_not_read_its_object_ends() -> None:
    endless = io.BytesIO(LARGE)
    assert pywasix.run([guest("hello")], stdin=endless, stdout=io.BytesIO()).returncode == 0


def test_a_target_that_fails_does_not_stop_the_guest() -> None:
    """Its error belongs to whoever wrote the object; the guest sees a closed pipe at most."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "wb", buffering=0) as target:
        assert pywasix.run([CAT], stdin=b"x", stdout=target).returncode == 1


def test_a_source_that_blocks_does_not_hold_the_end_up() -> None:
    asked, go_on = Event(), Event()

    class Source:
        def read(self, size: int) -> bytes:
            asked.set()
            go_on.wait(PATIENCE)
            return b""

    with pywasix.start([guest("block_stdin")], stdin=Source(), stdout=pywasix.DEVNULL) as process:
        assert asked.wait(PATIENCE)
        process.kill()
        assert process.wait(PATIENCE) == -9
    go_on.set()


def test_inherited_streams(capfd: pytest.CaptureFixture[str]) -> None:
    assert pywasix.run([guest("hello")]).returncode == 0
    assert capfd.readouterr().out.startswith("hello")


@pytest.mark.parametrize("stream", [object(), 3.5, 10_000, -7])
def test_what_is_no_stream(stream: object) -> None:
    with pytest.raises(PywasixError, match=r"no stream|is not open"):
        pywasix.start([CAT], stdin=stream)
    with pytest.raises(PywasixError, match=r"no stream|is not open"):
        pywasix.start([CAT], stdin=PIPE, stdout=PIPE, stderr=stream)


def test_a_writer_is_no_reader() -> None:
    class Target:
        def write(self, data: bytes) -> int:
            return len(data)

    with pytest.raises(PywasixError, match="no stream"):
        pywasix.start([CAT], stdin=Target())


def test_the_wrong_direction_is_badf_for_the_guest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"data")
    with path.open("rb") as readable:
        assert pywasix.run([CAT], stdin=b"x", stdout=readable).returncode == 1
    with path.open("ab") as writable:
        assert pywasix.run([CAT], stdin=writable, stdout=pywasix.DEVNULL).returncode == 1
