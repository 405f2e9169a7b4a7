"""Every function of the published ABI, with every type it ever had, against the declared rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pywasix.abi import generation
from pywasix.syscalls.declared import DECLARED, DEVELOPMENT, SPECIFIED
from pywasix.syscalls.declared_legacy import LEGACY
from pywasix.syscalls.row import Row, Support
from pywasix.syscalls.table import find

FUNCTIONS = json.loads((Path(__file__).parents[1] / "golden" / "functions.json").read_text())
CODES = {"i32": "i", "i64": "I"}


def code_of(wasm: dict[str, list[str]]) -> str:
    """``{"params": ["i32", "i64"], "results": ["i32"]}`` to ``"iI:i"``."""
    return ":".join("".join(CODES[kind] for kind in wasm[side]) for side in ("params", "results"))


def rows_of(name: str, module: str) -> list[Row]:
    return [row for row in DECLARED if row.name == name and module in row.modules]


def imports() -> list[tuple[str, str, str]]:
    """(name, module, type) of every import that a wasm32 guest may have."""
    found = []
    for function in FUNCTIONS["functions"]:
        for module in function["modules"]:
            variants = [v for v in function.get("variants", []) if module in v["modules"] and "wasm32" in v]
            if not (function["name"] == "sock_accept" and module == "wasix_32v1"):
                found.append((function["name"], module, code_of(function["wasm32"])))
            found += [(function["name"], module, code_of(v["wasm32"])) for v in variants]
    for function in FUNCTIONS["legacy_functions"]:
        found += [(function["name"], function["module"], code_of(s["wasm32"])) for s in function["signatures"]]
    for function in FUNCTIONS["dev_branch_functions"]:
        found.append((function["name"], "wasix_32v1", code_of(function["wasm32"])))
    return sorted({entry for entry in found if entry[1] != "wasix_64v1"})


@pytest.mark.parametrize(("name", "module", "wasm"), imports())
def test_import_has_one_row(name: str, module: str, wasm: str) -> None:
    assert [row.wasm for row in rows_of(name, module)].count(wasm) == 1


@pytest.mark.parametrize(("name", "module", "wasm"), imports())
def test_table_answers_with_the_declared_type(name: str, module: str, wasm: str) -> None:
    """A handler has the parameters of the declaration whose place it takes."""
    found = find(module, name, wasm)
    assert found is not None
    declared = next(row for row in rows_of(name, module) if row.wasm == wasm)
    assert (found.wasm, found.result) == (wasm, declared.result)
    if declared in LEGACY:
        return  # declared by its wasm type alone
    assert [(p.kind, p.size, p.signed) for p in found.params] == [(p.kind, p.size, p.signed) for p in declared.params]


def test_no_row_is_invented() -> None:
    wasi_threads = {("thread-spawn", module, "i:i") for module in ("wasi_snapshot_preview1", "wasi_unstable")}
    declared = {(row.name, module, row.wasm) for row in DECLARED for module in row.modules}
    assert declared == {*imports(), *wasi_threads}


def test_rows_stand_in_the_order_of_the_specification() -> None:
    order = [function["name"] for function in FUNCTIONS["functions"]]
    assert list(dict.fromkeys(row.name for row in SPECIFIED)) == order
    assert {row.name for row in LEGACY} == {f["name"] for f in FUNCTIONS["legacy_functions"]}
    assert [row.name for row in DEVELOPMENT] == [f["name"] for f in FUNCTIONS["dev_branch_functions"]]


KINDS = {"in": "in", "out": "out", "inout": "inout"}


@pytest.mark.parametrize("function", FUNCTIONS["functions"], ids=lambda function: function["name"])
def test_parameters(function: dict[str, Any]) -> None:
    """Names, directions and results of each function as it is today."""
    module = "wasi_snapshot_preview1" if function["name"] == "sock_accept" else function["modules"][0]
    row = next(row for row in rows_of(function["name"], module) if row.wasm == code_of(function["wasm32"]))
    assert [p.name for p in row.params] == [p["name"] for p in function["params"]]
    for param, golden in zip(row.params, function["params"], strict=True):
        pointer = "*" in golden["type"] or golden["type"].startswith(("string.ptr", "ptr<"))
        assert param.kind == (KINDS[golden["dir"]] if pointer else "value"), param.name
        assert param.wasm == golden["wasm32"]
    assert row.result == {"tid_or_negative_errno": "tid"}.get(function["returns"], function["returns"])


def test_rows_without_handler_say_why() -> None:
    for row in DECLARED:
        assert row.handler is None
        assert row.support is Support.NONE
        assert row.note
        assert row.doc == row.note


def test_every_type_of_a_name_differs() -> None:
    seen = Counter((row.name, module, row.wasm) for row in DECLARED for module in row.modules)
    assert not [key for key, count in seen.items() if count > 1]


def first_seen(function: dict[str, Any]) -> str:
    return function.get("first_in_libc") or "9999"


def test_names_that_tell_generations() -> None:
    functions = {function["name"]: function for function in FUNCTIONS["functions"]}
    base = {name for name, f in functions.items() if "wasi_snapshot_preview1" in f["modules"]}
    assert base == generation.BASE_NAMES
    modern = {n for n, f in functions.items() if n not in base and first_seen(f) >= "2023-05-23"}
    assert modern - {"thread_spawn", "thread-spawn"} == generation.MODERN_NAMES
    legacy = {f["name"]: max(s["last"] for s in f["signatures"]) for f in FUNCTIONS["legacy_functions"]}
    assert {n for n, last in legacy.items() if last <= "2023-03-06"} == generation.LEGACY_NAMES
    summer = {n for n, last in legacy.items() if "2023-03-06" < last < "2023-09-13"}
    assert summer == generation.SUMMER_2023_NAMES


def test_types_that_tell_generations() -> None:
    types = {
        (function["name"], code_of(variant["wasm32"]))
        for function in FUNCTIONS["functions"]
        for variant in function.get("variants", [])
        if variant.get("abi", "9999") < "2023"
    }
    assert types == generation.LEGACY_TYPES
