"""Calling a single export: `invoke`."""

from __future__ import annotations

from typing import Any

import pytest

import pywasix
from contract.wat import module
from pywasix import ModuleError, OptionError
from support import PATIENCE, guest

REACTOR = guest("reactor")
NUMBERS = module(
    """
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "i64") (param i64) (result i64) (local.get 0))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
    (func (export "nothing"))
    (func (export "v128") (param v128))
    (func (export "vector") (result v128) (v128.const i32x4 0 0 0 0))
    (func (export "reference") (result externref) (ref.null extern))
    (memory (export "memory") 1)
    """
)


def results(source: Any, name: str, *args: str) -> tuple[Any, ...]:
    with pywasix.start([source, *args], invoke=name) as process:
        assert process.wait(PATIENCE) == 0, process.reason
    return process.results


def test_a_reactor_is_prepared_first() -> None:
    assert results(REACTOR, "add", "40", "2") == (42,)
    assert results(REACTOR, "count") == (0,)  # -1 without _initialize
    assert results(REACTOR, "add", "2147483647", "1") == (-2147483648,)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("i32", "-1", -1),
        ("i32", "4294967295", -1),
        ("i32", "0x7fffffff", 0x7FFFFFFF),
        ("i32", "-2147483648", -2147483648),
        ("i64", "18446744073709551615", -1),
        ("i64", "-9223372036854775808", -(1 << 63)),
        ("i64", "0b101", 5),
        ("f32", "0.5", 0.5),
        ("f64", "-1e300", -1e300),
        ("f64", "inf", float("inf")),
    ],
)
def test_numbers(kind: str, text: str, value: float) -> None:
    assert results(NUMBERS, kind, text) == (value,)


def test_several_results_and_none() -> None:
    assert results(NUMBERS, "swap", "1", "2") == (2, 1)
    assert results(NUMBERS, "nothing") == ()


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("i32", [], r"i32 takes 1 arguments \(i32\), not 0"),
        ("swap", ["1"], r"swap takes 2 arguments \(i32, i64\), not 1"),
        ("i32", ["one"], "argument 'one' is no i32"),
        ("i32", ["1.5"], r"argument '1\.5' is no i32"),
        ("i32", ["4294967296"], "argument '4294967296' does not fit into i32"),
        ("i32", ["-2147483649"], "does not fit into i32"),
        ("i64", ["18446744073709551616"], "does not fit into i64"),
        ("f64", ["x"], "argument 'x' is no f64"),
    ],
)
def test_arguments_that_do_not_fit(name: str, args: list[str], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        pywasix.start([NUMBERS, *args], invoke=name)


@pytest.mark.parametrize("name", ["v128", "vector", "reference"])
def test_what_is_no_number(name: str) -> None:
    with pytest.raises(ModuleError, match=f"{name} of module takes or gives a vector or reference"):
        pywasix.start([NUMBERS, *(["1"] if name == "v128" else [])], invoke=name)


def test_initialize_is_called_without_arguments() -> None:
    source = module('(func (export "_initialize") (param i32)) (func (export "f"))')
    with pytest.raises(ModuleError, match="exports _initialize as something else than a function without parameters"):
        pywasix.start(source, invoke="f")


@pytest.mark.parametrize("name", ["missing", "memory", ""])
def test_what_is_not_exported(name: str) -> None:
    with pytest.raises(ModuleError, match=r"exports no function .*; it exports f32, f64, i32, i64, nothing"):
        pywasix.start([NUMBERS], invoke=name)


def test_exports_of_a_program_may_be_called_too() -> None:
    with pywasix.start([guest("hello")], invoke="_start", stdout=pywasix.PIPE) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output[:5]) == (0, b"hello")


def test_an_export_that_traps() -> None:
    source = module('(func (export "fails") (result i32) unreachable)')
    with pywasix.start([source], invoke="fails") as process:
        assert process.wait(PATIENCE) == -6
    assert process.results == ()
