"""Write docs/socket-behaviours.md: how sockets behave on Linux and in guests, from a run of the same programs.

    python docs/behaviours.py           run the programs natively and as guests, write the document
    python docs/behaviours.py --check   fail if the document is not what a run gives on this machine

The programs are `tests/guests/behaviours_*.c`; where a guest may differ, and why, stands in
`tests/contract/behaviours.py`. Needs a C compiler and a loopback with IPv4 and IPv6.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE / "socket-behaviours.md"
sys.path.insert(0, str(HERE.parent / "tests"))

from contract import behaviours as table  # noqa: E402  # the directory of the tests has to be known first
from contract.natives import Natives  # noqa: E402  # likewise

HEAD = """# How sockets behave

{count} behaviours of sockets, told by the same C programs: compiled natively (what Linux says), and as guests over the
host's network and over a virtual one. All run over IPv4 and over IPv6; where Linux answers otherwise over IPv6, the
table says so. "same" is what Linux says. `python docs/behaviours.py` makes this document from a run, and
`tests/contract/test_behaviours.py` compares every line.
"""


def deviations(title: str, rows: dict[str, table.Deviation]) -> list[str]:
    """The list of what differs, each with its reason."""
    lines = [f"### {title}", ""]
    if not rows:
        return [*lines, "None.", ""]
    lines += ["| what | answer | why |", "| --- | --- | --- |"]
    return [*lines, *(f"| {name} | {each.answer} | {each.reason} |" for name, each in rows.items()), ""]


def in_ipv4_words(result: str) -> str:
    """An answer over IPv6 as IPv4 would give it."""
    return result.replace("[::1]", "127.0.0.1").replace("[::]", "0.0.0.0")


def by_linux(linux: list[dict[str, str]], name: str) -> str:
    """What Linux says over both families."""
    four, six = linux
    if name not in six:
        return f"{four[name]} (IPv4)"
    if name not in four:
        return f"{six[name]} (IPv6)"
    if in_ipv4_words(six[name]) == four[name]:
        return four[name]
    return f"{four[name]} (IPv6: {six[name]})"


def by_guest(linux: list[dict[str, str]], guest: list[dict[str, str]], name: str) -> str:
    """What a guest says: "same", or its own answer."""
    pairs = [
        (there[name], here.get(name, "nothing")) for there, here in zip(linux, guest, strict=True) if name in there
    ]
    return next((answer for said, answer in pairs if answer != said), "same")


def section(program: str, title: str, natives: Natives) -> tuple[list[str], int]:
    """The table of one program, and how many behaviours it has."""
    command = natives.command(program)
    linux = [table.of_linux(command, ip) for ip in table.ADDRESSES]
    host = [table.of_guest(program, ip, True) for ip in table.ADDRESSES]
    virtual = [table.of_virtual_guest(program, ip) for ip in table.ADDRESSES]
    lines = [f"## {title}", "", "| behaviour | Linux | host network | virtual network |", "| --- | --- | --- | --- |"]
    names = linux[0] | linux[1]
    for name in names:
        cells = by_linux(linux, name), by_guest(linux, host, name), by_guest(linux, virtual, name)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""], len(names)


def write() -> str:
    """The document, from a run of every program."""
    body: list[str] = []
    count = 0
    with tempfile.TemporaryDirectory() as directory:
        natives = Natives(Path(directory))
        for program, title in table.PROGRAMS.items():
            lines, found = section(program, title, natives)
            body += lines
            count += found
    head = [HEAD.format(count=count), "## What differs", ""]
    head += deviations("Over the host's network", table.HOST_DEVIATIONS)
    head += deviations("Over a virtual network", table.VIRTUAL_DEVIATIONS)
    return "\n".join([*head, *body])


def main() -> int:
    """Command line; the exit status is 1 when ``--check`` found a difference."""
    document = write()
    if "--check" in sys.argv[1:]:
        return 0 if DOCUMENT.read_text(encoding="utf-8") == document else 1
    DOCUMENT.write_text(document, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
