"""The options of `run`: their values, and that click and the quick way understand them alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywasix.cli import run
from pywasix.cli.program import environment, joined_value, rules
from pywasix.cli.quick import options_first, parse
from pywasix.cli.run_options import BARE, OPTIONS, count, port_order, seconds
from pywasix.errors import OptionError
from pywasix.fs.sizes import size


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("65536", 65536), ("64K", 65536), ("64k", 65536), ("64KiB", 65536), ("2M", 2 << 20), ("1GiB", 1 << 30)],
)
def test_sizes(text: str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5M", "64MB", "64iB", "1KK", "²", "1 M", "0x10", "64kib"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        size(text)


def test_times_are_positive() -> None:
    assert seconds("0.5") == 0.5
    for text in ("0", "-1", "nan", "inf", "soon", ""):
        with pytest.raises(ValueError, match="is no time"):
            seconds(text)


def test_counts_and_orders() -> None:
    assert (count("12"), port_order("big")) == (12, "big")
    for convert, text in ((count, "-1"), (count, "many"), (port_order, "middle")):
        with pytest.raises(ValueError, match="is no"):
            convert(text)


def test_options_stand_on_both_sides_of_the_program() -> None:
    expected = {"net": (BARE,), "timeout": 2.0, "file": "x.wasm", "args": ("-v", "8080")}
    assert parse(["--net", "--timeout=2", "x.wasm", "-v", "8080"]) == expected
    assert parse(["--net", "x.wasm", "-v", "--timeout", "2", "8080"]) == expected
    assert parse(["x.wasm", "--timeout=2", "--net", "--", "-v", "8080"]) == expected
    assert parse(["x.wasm", "--net", "80"]) == {"net": (BARE,), "file": "x.wasm", "args": ("80",)}
    assert parse(["-e", "A=1", "--env=B=2", "x"]) == {"env": ("A=1", "B=2"), "file": "x", "args": ()}


def test_what_belongs_to_the_program() -> None:
    assert parse(["x", "--", "--net", "--", "y"]) == {"file": "x", "args": ("--net", "--", "y")}
    assert parse(["--", "x", "--net", "--", "y"]) == {"file": "x", "args": ("--net", "--", "y")}
    assert parse(["--", "--x"]) == {"file": "--x", "args": ()}
    assert parse(["x", "--help", "-e", "A=1", "--unknown=1"]) == {
        "file": "x",
        "args": ("--help", "-e", "A=1", "--unknown=1"),
    }


@pytest.mark.parametrize(
    "words",
    [[], ["--help"], ["-h", "x"], ["--net"], ["-eA=1", "x"], ["--timeout", "0", "x"], ["--timeout"], ["--bad", "x"]],
)
def test_what_is_left_to_click(words: list[str]) -> None:
    assert parse(words) is None


def test_bare_options_do_not_take_the_program_for_their_value() -> None:
    assert options_first(["--net", "x", "--trace"]) == [f"--net={BARE}", f"--trace={BARE}", "--", "x"]
    assert options_first(["--env", "--net", "--trace", "x"]) == ["--env", "--net", f"--trace={BARE}", "--", "x"]
    assert options_first(["--", "--net"]) == ["--", "--net"]


def test_an_option_without_its_value_is_the_last_word() -> None:
    """What stands behind it is not its value, so that click tells what is missing."""
    assert options_first(["x", "--net", "--timeout"]) == [f"--net={BARE}", "--timeout"]
    assert options_first(["x", "--timeout", "--", "a"]) == ["--timeout"]
    assert options_first(["--timeout", "--", "x"]) == ["--timeout"]
    assert parse(["x", "--timeout"]) is None


WORDS = st.sampled_from(
    [name for option in OPTIONS for name in option.names]
    + ["--net=x", "--trace=f", "--env=A=1", "--timeout=3", "--max-fds=9", "--max-memory=64K", "--port-order=big"]
    + ["--", "-", "x.wasm", "5", "A=1", "big", "--bad", ""]
)


@settings(max_examples=400)
@given(st.lists(WORDS, max_size=6))
def test_both_ways_understand_the_same(words: list[str]) -> None:
    quick = parse(words)
    if quick is not None:
        understood = run.command.make_context("run", list(words)).params
        assert {**given_ones(understood), "args": understood["args"]} == {**given_ones(quick), "args": quick["args"]}


def given_ones(options: dict[str, Any]) -> dict[str, Any]:
    """The options without those that were not given."""
    return {key: value for key, value in options.items() if value is not None and value is not False and value != ()}


def test_environments() -> None:
    host = {"HOME": "/root", "A": "0"}
    assert environment([], host, forward=False) == {}
    assert environment(["A=1", "HOME", "B="], host, forward=False) == {"A": "1", "HOME": "/root", "B": ""}
    assert environment(["A=1"], host, forward=True) == {"HOME": "/root", "A": "1"}
    for wrong in ("", "=1", "MISSING"):
        with pytest.raises(OptionError):
            environment([wrong], host, forward=False)


def test_rules() -> None:
    assert rules(()) is None
    assert rules((BARE, BARE)) is True
    assert rules(("a", "b")) == "a,b"
    with pytest.raises(OptionError):
        rules((BARE, "a"))


@pytest.mark.parametrize("word", ["", "all", "none"])
def test_words_that_are_no_rules(word: str) -> None:
    with pytest.raises(OptionError, match="--net alone allows everything; without it there is no network"):
        rules(("ipv4:allow=*:*", word))


def test_a_value_that_is_not_joined_to_its_option(tmp_path: Path) -> None:
    program = tmp_path / "program.wasm"
    program.touch()
    file, rule = str(program), "ipv4:allow=*:80/in"
    assert joined_value(rule, (), (BARE,), None) == f"; write --net='{rule}'"
    assert joined_value("80", (file,), (BARE,), None) == "; write --net=RULES, or --net alone for everything"
    assert joined_value("a trace", (file,), (BARE,), BARE) == "; write --trace='a trace'"
    assert joined_value(file, (file,), (BARE,), BARE) == ""
    assert joined_value("missing", ("argument",), (BARE,), BARE) == ""
    assert joined_value("missing", (file,), ("x",), "trace") == ""
