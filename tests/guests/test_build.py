"""The committed modules are what their sources give, and hold nothing of the machine that built them."""

from __future__ import annotations

import pytest

from guests import build


def test_the_pinned_compiler_is_installed() -> None:
    assert build.compiler_version() == build.ZIG_VERSION


@pytest.mark.timeout(300)  # the first build on a machine compiles WASI's libc
def test_rebuilding_gives_the_committed_modules() -> None:
    assert build.check(build.guests()) == []


@pytest.mark.parametrize("name", build.guests())
def test_a_module_names_no_build_path(name: str) -> None:
    module = (build.HERE / f"{name}.wasm").read_bytes()
    assert b"ziglang" not in module
    assert str(build.HERE).encode() not in module


def test_strip_keeps_function_names_only() -> None:
    module = (build.HERE / "trap.wasm").read_bytes()
    custom = b"\0\x05\x04junk"  # section id 0, five bytes: the length of the name, the name
    assert build.strip(module + custom) == module
    assert b"innermost" in module
