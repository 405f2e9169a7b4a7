"""Calls through function pointers of another type: what the callee and the caller get, and which modules stay."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

import pywasix
from contract.wat import module, program
from pywasix.engine.casts import mend
from pywasix.engine.module import load, shared_engine

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


def _side(word: str, types: Sequence[str]) -> str:
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
  (i64.add128 (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)) (drop) (drop)
  (i64.mul_wide_u (i64.const 1) (i64.const 2)) (drop) (drop)
  (drop (select (result (ref null $none)) (ref.null $none) (ref.null $none) (i32.const 0)))
  (block $typed (result (ref null $none)) (try_table (result (ref null $none)) (catch_all 1) (ref.null $none))) (drop)
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


def _numbered_types(count: int, width: int) -> list[str]:
    """So many types, no two of them the same."""
    kinds = itertools.product(_TYPES, repeat=width)
    return [
        f"(type $t{number} (func {_side('param', each)}))" for number, each in zip(range(count), kinds, strict=False)
    ]


def _calling(types: list[str], calls: str, entries: str | None = None) -> bytes:
    """A module whose table has one function of each type. Its calls cannot be reached, so they need no parameters."""
    functions = "".join(f"(func $f{number} (type $t{number}))" for number in range(len(types)))
    listed = "".join(f"$f{number} " for number in range(len(types)))
    return module(f"""{"".join(types)} (table 70000 funcref) {entries or f"(elem (i32.const 0) {listed})"} {functions}
      (func (unreachable) {calls})""")


def _calls(numbers: Iterable[int]) -> str:
    return "".join(f"(call_indirect (type $t{number}))" for number in numbers)


@pytest.mark.parametrize(
    "data",
    [
        # A dispatcher for each of a thousand types, with a case for each of them: 35 MB.
        pytest.param(lambda: _calling(_numbered_types(1000, 5), _calls(range(1000))), id="types times calls"),
        # A dispatcher's parameters are one more than those of its type.
        pytest.param(
            lambda: _calling(["(type $t0 (func))", f"(type $t1 (func (param {'i32 ' * 1000})))"], _calls([0, 1, 1])),
            id="parameters",
        ),
        # As many targets as no br_table may have.
        pytest.param(
            lambda: _calling(
                _numbered_types(2, 1), _calls([0]), "(elem (i32.const 0) $f0) (elem (i32.const 65520) $f1)"
            ),
            id="entries",
        ),
    ],
)
def test_what_would_grow_beyond_the_engines_limits_or_any_measure_compiles(data: Callable[[], bytes]) -> None:
    given = data()
    mended = mend(given)
    assert len(mended) < len(given) * 5 // 4 + (1 << 17)
    wasmtime.Module(shared_engine(), mended)


def test_a_module_that_passes_a_limit_of_the_engine_when_mended_is_loaded_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pywasix.engine.casts._MOST_PARAMS", 1000)
    data = _calling(["(type $t0 (func))", f"(type $t1 (func (param {'i32 ' * 1000})))"], _calls([0, 1]))
    with pytest.raises(wasmtime.WasmtimeError, match="params size is out of bounds"):
        wasmtime.Module.validate(shared_engine(), mend(data))
    assert load(data, function_casts=True).exports == {}


@pytest.mark.parametrize("entries", [65520, 65521])
def test_a_table_as_long_as_the_engine_compiles_and_one_longer(entries: int) -> None:
    text = f"(elem (i32.const 0) $f0) (elem (i32.const {entries - 1}) $f1)"
    data = _calling(_numbered_types(2, 1), _calls([0]), text)
    mended = mend(data)
    assert (mended is not data) == (entries == 65520)
    wasmtime.Module(shared_engine(), mended)


def test_many_calls_of_many_types_are_looked_at_once_each() -> None:
    """Looking through all the types at each call would take longer than the suite."""
    data = _calling(_numbered_types(2000, 6), _calls([0] * 100_000))
    wasmtime.Module.validate(shared_engine(), mend(data))


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
