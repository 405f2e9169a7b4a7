"""Programs of a guest's own files that are made to keep the host busy, or to fill its memory."""

from __future__ import annotations

from pathlib import Path

import pytest

import pywasix
from contract.wat import module
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.files import GuestFiles
from pywasix.fs.late import LateFiles
from pywasix.kernel.process import ExitStatus
from pywasix.runtime.loader import Loader
from world import World

EXEC = """
  (import "wasix_32v1" "proc_exec3"
    (func $exec (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 16) "/data/file")
  (func (export "_start")
    (call $exit (call $exec (i32.const 16) (i32.const 10) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0))))
"""


def test_a_file_with_holes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    assert pywasix.run(module(EXEC), volumes=[f"{tmp_path}:/data"]).returncode == Errno.NOMEM


def test_a_process_that_ended_loads_no_program_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may have taken long for theirs, and each would keep the host for as long again."""
    loader = Loader(None, lambda *_: pytest.fail("nothing runs"))
    monkeypatch.setattr(GuestFiles, "read_program", lambda *_: pytest.fail("it was read"))
    with World() as world:
        world.process.files = LateFiles(bytes)
        world.process.status = ExitStatus(signal=9)
        with pytest.raises(SysError, match="INTR"):
            loader.find(world.process, b"/program", [], None)


def test_the_modules_that_are_kept_are_not_too_large_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywasix.runtime.loader._MOST_BYTES", 200)
    loader = Loader(None, lambda *_: pytest.fail("nothing runs"))
    texts = ["x" * size for size in (30, 31, 400)]
    sources = [module(f'(memory 1) (data (i32.const 0) "{text}") (func (export "_start"))') for text in texts]
    for source in sources:
        assert loader._module(source, source, b"name") is loader._module(source, source, b"name")
    assert list(loader._modules) == sources[-1:]
