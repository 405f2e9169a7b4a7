"""Reading the command line of `pywasix run` without click, where there is nothing to explain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pywasix.cli.run_options import BARE, BY_NAME, LONG_NAMES


def parse(words: Sequence[str]) -> dict[str, Any] | None:
    """The arguments of `program.run_program`, or None for what click must answer: help and mistakes."""
    found: dict[str, Any] = {}
    rest = options_first(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        if not _take(word, rest, found):
            return None
    if not rest:
        return None
    return {**found, "file": rest[0], "args": tuple(rest[1:])}


def _take(word: str, rest: list[str], found: dict[str, Any]) -> bool:
    """Read one option, and its value off the rest; returns whether it was understood."""
    name, equals, text = word.partition("=")
    option = BY_NAME.get(name)
    if option is None or (equals and (option.flag or not name.startswith("--"))):
        return False
    if option.flag:
        found[option.key] = True
        return True
    if not equals:
        if option.optional_value:
            text = BARE
        elif rest:
            text = rest.pop(0)
        else:
            return False
    try:
        value = option.convert(text)
    except ValueError:
        return False
    found[option.key] = (*found.get(option.key, ()), value) if option.multiple else value
    return True


def options_first(words: Sequence[str]) -> list[str]:
    """The words in the order: options, ``--``, program, the program's arguments.

    Long options of ours may stand behind the program too, as with `wasmer run`, up to a ``--``. A ``--``
    in front of the program leaves everything behind it to the program. An option that stands without its
    optional value gets the value `BARE`: click would take the next word for it. An option that lacks its
    value is the last word, so that click says so.
    """
    options: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        if not _move(rest, options):
            return options
    if not rest:
        return options
    if rest[0] == "--":
        return [*options, *rest]
    program, arguments = rest.pop(0), []
    while rest and rest[0] != "--":
        if rest[0].partition("=")[0] not in LONG_NAMES:
            arguments.append(rest.pop(0))
        elif not _move(rest, options):
            return options
    return [*options, "--", program, *arguments, *rest[1:]]


def _move(rest: list[str], options: list[str]) -> bool:
    """Move one option, and its value if that is a word of its own; returns whether the value was there."""
    word = rest.pop(0)
    option = BY_NAME.get(word)
    bare = option is not None and option.optional_value
    options.append(f"{word}={BARE}" if bare else word)
    if option is None or option.flag or bare:
        return True
    if not rest or rest[0] == "--":
        return False
    options.append(rest.pop(0))
    return True
