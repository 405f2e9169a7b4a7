"""Calls through function pointers of another type: what the callee and the caller get, and which modules stay."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

import pywasix
from contract.wat import module, program
from pywasix.engine.casts import mend
from pywasix.engine.module import shared_engine

_GUESTS = Path(__file__).parent.parent / "guests"
_TYPES = ("i32", "i64", "f32", "f64")
_FORMATS = {"i32": "<i", "i64": "<q", "f32": "<f", "f64": "<d"}
_TYPE = st.sampled_from(_TYPES)
_PARAMS = st.lists(_TYPE, max_size=5)
_RESULTS = st.lists(_TYPE, max_size=1)
_EXAMPLES: dict[str, int | float] = {"i32": -5, "i64": 0x7EDCBA9876543210, "f32": -1.5, "f64": 6.25e300}


def _instance(text: str, *, mended: bool = True) -> Callable[..., Any]:
    """Call exports of a module by name."""
    engine, data = shared_engine(), module(text)
    wasmtime.Module.validate(engine, data)
    store = wasmtime.Store(engine)
    store.set_epoch_deadline(1 << 40)
    found = wasmtime.Instance(store, wasmtime.Module(engine, mend(data) if mended else data), [])
    exports = found.exports(store)

    def call(name: str, *arguments: int | float) -> Any:
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        return function(store, *arguments)

    return call


def _bits(kind: str, value: int | float) -> bytes:
    """What a register of 8 bytes holds."""
    return struct.pack(_FORMATS[kind], value).ljust(8, b"\0")


def _value(kind: str, bits: bytes) -> int | float:
    value: int | float = struct.unpack_from(_FORMATS[kind], bits)[0]
    return value


def _as_bytes(kind: str, value: int | float) -> bytes:
    return struct.pack(_FORMATS[kind], value)  # a NaN is equal to itself only so


def _side(word: str, types: list[str]) -> str:
    return f"({word} {' '.join(types)})" if types else ""


def _crossing(given: list[str], gives: list[str], wanted: list[str], results: list[str]) -> str:
    """A module that calls a function of (wanted) -> results as one of (given) -> gives; it keeps what it got."""
    kept = "".join(
        f'(global $got{index} (mut {kind}) ({kind}.const 77)) (export "got{index}" (func $get{index})) '
        f"(func $get{index} (result {kind}) (global.get $got{index}))"
        for index, kind in enumerate(wanted)
    )
    keeping = "".join(f"(global.set $got{index} (local.get {index}))" for index in range(len(wanted)))
    answer = "".join(f"({kind}.const {_EXAMPLES[kind]})" for kind in results)
    passing = "".join(f"(local.get {index})" for index in range(len(given)))
    return f"""
      (type $as (func {_side("param", given)} {_side("result", gives)}))
      (table 4 funcref)
      (elem (i32.const 1) $callee $same)
      {kept}
      (func $callee {_side("param", wanted)} {_side("result", results)} {keeping} {answer})
      (func $same (type $as) {"".join(f"({kind}.const 9)" for kind in gives)})
      (func (export "cross") {_side("param", given)} {_side("result", gives)}
        (call_indirect (type $as) {passing} (i32.const 1)))
      (func (export "straight") {_side("param", given)} {_side("result", gives)}
        (call_indirect (type $as) {passing} (i32.const 2)))
      (func (export "empty") {_side("param", given)} {_side("result", gives)}
        (call_indirect (type $as) {passing} (i32.const 0)))
      (func (export "outside") {_side("param", given)} {_side("result", gives)}
        (call_indirect (type $as) {passing} (i32.const -1)))"""


@given(given_types=_PARAMS, gives=_RESULTS, wanted=_PARAMS, results=_RESULTS)
def test_both_sides_get_what_registers_would_hold(
    given_types: list[str], gives: list[str], wanted: list[str], results: list[str]
) -> None:
    call = _instance(_crossing(given_types, gives, wanted, results))
    values = [_EXAMPLES[kind] for kind in given_types]
    answer = call("cross", *values)
    for index, kind in enumerate(wanted):
        bits = _bits(given_types[index], values[index]) if index < len(values) else bytes(8)
        assert _as_bytes(kind, call(f"got{index}")) == _as_bytes(kind, _value(kind, bits)), f"parameter {index}"
    if gives:
        bits = _bits(results[0], _EXAMPLES[results[0]]) if results else bytes(8)
        assert _as_bytes(gives[0], answer) == _as_bytes(gives[0], _value(gives[0], bits))
    else:
        assert answer is None


@pytest.mark.parametrize(("given_type", "wanted"), [*itertools.permutations(_TYPES, 2)])
def test_without_it_such_a_call_traps_and_with_it_all_others_do_as_before(given_type: str, wanted: str) -> None:
    text, value = _crossing([given_type], [given_type], [wanted], []), _EXAMPLES[given_type]
    with pytest.raises(wasmtime.Trap, match="indirect call type mismatch"):
        _instance(text, mended=False)("cross", value)
    call = _instance(text)
    assert call("straight", value) == 9
    with pytest.raises(wasmtime.Trap, match="uninitialized element"):
        call("empty", value)
    with pytest.raises(wasmtime.Trap, match="out of bounds"):
        call("outside", value)


_CALLING = '(func (export "f") (call_indirect (type $none) (i32.const 0)))'
_MIXED = """(type $none (func)) (type $one (func (param i32)))
  (func $a (type $none)) (func $b (type $one)) """


@pytest.mark.parametrize(
    "text",
    [
        "",
        f'{_MIXED} (func (export "f") (call $a))',
        f"(type $none (func)) (func $a) (table 1 funcref) (elem (i32.const 0) $a) {_CALLING}",
        f"{_MIXED} (table 4 funcref) {_CALLING}",
        f"{_MIXED} (table 4 funcref) (elem (i32.const 0) $a $b) {_CALLING}"
        "(func (table.set (i32.const 0) (ref.null func)))",
        f"{_MIXED} (table 4 funcref) (elem (i32.const 0) $a $b) {_CALLING}"
        "(func (drop (table.grow (ref.null func) (i32.const 1))))",
        f"{_MIXED} (table 4 funcref) (elem (i32.const 0) $a $b) (elem $late func $b) {_CALLING}"
        "(func (table.init $late (i32.const 0) (i32.const 0) (i32.const 1)))",
        f"{_MIXED} (table 4 funcref) (table 4 funcref) (elem (i32.const 0) $a $b) {_CALLING}",
        f'(import "env" "t" (table 4 funcref)) {_MIXED} (elem (i32.const 0) $a $b) {_CALLING}',
        f'(import "env" "g" (global i32)) {_MIXED} (table 4 funcref) (elem (global.get 0) $a $b) {_CALLING}',
        f"{_MIXED} (table 100000 funcref) (elem (i32.const 0) $a) (elem (i32.const 99999) $b) {_CALLING}",
        f"{_MIXED} (table i64 4 funcref) (elem (i64.const 0) $a $b)"
        '(func (export "f") (call_indirect (type $none) (i64.const 0)))',
        f"{_MIXED} (table 4 funcref) (elem (i32.const 0) $a $b)"
        "(func (return_call_indirect (type $none) (i32.const 1)))",
        f"{_MIXED} (type $many (func (result i32 i32))) (table 4 funcref) (elem (i32.const 0) $a $b)"
        "(func (result i32 i32) (call_indirect (type $many) (i32.const 1)))",
        f"{_MIXED} (type $vector (func (param v128))) (table 4 funcref) (elem (i32.const 0) $a $b)"
        "(func (param v128) (call_indirect (type $vector) (local.get 0) (i32.const 1)))",
    ],
)
def test_a_module_stays_as_it_is(text: str) -> None:
    data = module(text)
    wasmtime.Module.validate(shared_engine(), data)
    assert mend(data) == data


_INSTRUCTIONS = """
  (block (result i32) (loop (br 0)) (i32.const 1)) (drop)
  (br_table 0 0 0 (i32.const 1))
  (drop (select (result f64) (f64.const 1e300) (f64.const 2) (i32.const 0)))
  (drop (f32.const 1.5)) (drop (i64.const 0x7fffffffffffffff)) (drop (i32.const -1))
  (drop (v128.const i32x4 17 17 17 17))
  (drop (i8x16.shuffle 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17 (local.get $v) (local.get $v)))
  (drop (i8x16.extract_lane_s 11 (local.get $v)))
  (drop (v128.load8_lane offset=17 3 (i32.const 17) (local.get $v)))
  (drop (i32x4.relaxed_trunc_f32x4_s (local.get $v))) (drop (i64x2.extmul_low_i32x4_s (local.get $v) (local.get $v)))
  (drop (i32x4.dot_i16x8_s (local.get $v) (local.get $v))) (drop (f64x2.promote_low_f32x4 (local.get $v)))
  (v128.store offset=70000 (i32.const 0) (local.get $v))
  (drop (i32.atomic.rmw.add offset=17 (i32.const 0) (i32.const 17))) (atomic.fence)
  (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
  (memory.copy (i32.const 0) (i32.const 17) (i32.const 17)) (memory.fill (i32.const 0) (i32.const 17) (i32.const 17))
  (memory.init $data (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $data)
  (drop (i32.trunc_sat_f64_u (f64.const 17))) (drop (i32.extend8_s (i32.const 17)))
  (drop (memory.grow (memory.size))) (drop (table.size 0)) (drop (table.get 0 (i32.const 17)))
  (drop (ref.is_null (ref.null extern))) (drop (ref.func $a))
  (call_ref $none (ref.func $a))
  (drop (block $null (result (ref null $none)) (drop (br_on_null 1 (ref.null $none)))
    (br_on_non_null 0 (ref.null $none))
    (ref.null $none)))
  (block $caught (result i32) (try_table (catch $tag $caught) (catch_all 1) (throw $tag (i32.const 17)))
    (i32.const 17)) (drop)
  (block $reference (result exnref) (try_table (catch_all_ref $reference)) (return)) (throw_ref)
"""


def test_every_instruction_is_passed_over() -> None:
    data = module(f"""{_MIXED} (memory 17) (table 18 funcref) (elem (i32.const 17) $a $b) (tag $tag (param i32))
      (data $data "\\11") (elem declare func $a)
      (func $all (local $r (ref null $none)) (local $n i32) (local $v v128) {_INSTRUCTIONS})
      (func (export "last") (call $all) (call_indirect (type $one) (i32.const 1) (i32.const 17)))""")
    wasmtime.Module.validate(shared_engine(), data)
    mended = mend(data)
    wasmtime.Module.validate(shared_engine(), mended)
    assert len(mended) > len(data)


@pytest.mark.parametrize("guest", sorted(_GUESTS.glob("*.wasm")), ids=lambda path: path.stem)
def test_every_guest_is_valid_after_it(guest: Path) -> None:
    wasmtime.Module.validate(shared_engine(), mend(guest.read_bytes()))


_WRONG = """(type $wrong (func (param i32) (result i32)))
  (table 2 funcref) (elem (i32.const 1) $say) (data (i32.const 100) "here\\n")
  (func $say (call $print (i32.const 100) (i32.const 5)))"""
_CALL_WRONG = "(drop (call_indirect (type $wrong) (i32.const 1) (i32.const 1)))"
_ASYNCIFY = """(func (export "asyncify_start_unwind") (param i32)) (func (export "asyncify_stop_unwind"))
  (func (export "asyncify_start_rewind") (param i32)) (func (export "asyncify_stop_rewind"))"""


def test_a_program_that_may_fork_has_it_and_another_one_when_told() -> None:
    plain, forking = program(_CALL_WRONG, fields=_WRONG), program(_CALL_WRONG, fields=_WRONG + _ASYNCIFY)
    reasons = []

    def run(data: bytes, function_casts: bool | None) -> tuple[int, bytes]:
        with pywasix.start(data, function_casts=function_casts, stdout=pywasix.PIPE) as process:
            written, _ = process.communicate()
        reasons.append(process.reason or "")
        return process.wait(), written

    assert run(forking, None) == run(forking, True) == run(plain, True) == (0, b"here\n")
    assert run(plain, None) == run(plain, False) == run(forking, False) == (-6, b"")
    named = ["--function-casts (function_casts=True)" in each for each in reasons]
    assert named == [False] * 3 + [True] * 3
