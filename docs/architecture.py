"""Draw docs/architecture.svg: the layers of the import contract, from the top down.

    python docs/architecture.py           write the picture
    python docs/architecture.py --check   fail if it is not what this script draws

Which layers there are, and their order, is read from the contract in pyproject.toml, so that the picture
cannot show another house than the one that CI proves.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "architecture.svg"
WIDTH, HEIGHT, GAP = 560, 62, 22  # of a layer, and between layers
LEFT, TOP = 190, 20  # where the layers begin; beside them stand the guest and the operating system
SIDE = 130  # width of what stands beside


@dataclass(frozen=True)
class Room:
    """What a layer is for, in a line, and its colour."""

    job: str
    colour: str


ROOMS = {
    "cli": Room("one module per command", "#e8e4f3"),
    "runtime": Room("options in, a running program out", "#e8e4f3"),
    "engine": Room("wasmtime: load, link, run, border", "#dbe9f6"),
    "host": Room("sockets, files, clocks, poll(2)", "#dbe9f6"),
    "syscalls": Room("thin handlers: decode, check pointers, do, store", "#dcefe3"),
    "net": Room("sockets, policy, virtual network", "#f8ecd4"),
    "fs": Room("files and directories", "#f8ecd4"),
    "kernel": Room("processes, tasks, descriptors, waiting, signals, futexes", "#f6dfdb"),
    "errors": Room("what ends a system call other than success", "#eceff1"),
    "abi": Room("every number, record and signature of WASIX, once", "#eceff1"),
}


def layers() -> list[list[str]]:
    """The rows of the contract, each with its layers from left to right."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(each["layers"] for each in contracts if each["id"] == "layers")
    return [[name.strip() for name in row.split("|")] for row in rows]


def draw() -> str:
    """The picture as SVG text."""
    rows = layers()
    body: list[str] = []
    for index, row in enumerate(rows):
        y = TOP + index * (HEIGHT + GAP)
        if index:
            body.append(_arrow(LEFT + WIDTH / 2, y - GAP, LEFT + WIDTH / 2, y))
        body += _row(row, y)
    middle = TOP + next(at for at, row in enumerate(rows) if "engine" in row) * (HEIGHT + GAP)
    body += _beside(20, middle, "guest", "your .wasm", "#fff")
    body += _beside(LEFT + WIDTH + 40, middle, "system", "Linux", "#fff")
    line = middle + HEIGHT / 2
    body.append(_arrow(20 + SIDE, line, LEFT, line))
    body.append(_arrow(LEFT + WIDTH, line, LEFT + WIDTH + 40, line))
    width, height = LEFT + WIDTH + 40 + SIDE + 20, TOP + len(rows) * (HEIGHT + GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="system-ui, sans-serif" font-size="14" fill="#222">',
            "<title>The layers of pywasix: imports go downward only</title>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _row(names: list[str], y: int) -> list[str]:
    width = (WIDTH - GAP * (len(names) - 1)) // len(names)
    parts: list[str] = []
    for index, name in enumerate(names):
        parts += _box(LEFT + index * (width + GAP), y, width, name, ROOMS[name].job, ROOMS[name].colour)
    return parts


def _beside(x: int, y: int, name: str, job: str, colour: str) -> list[str]:
    return _box(x, y, SIDE, name, job, colour)


def _box(x: int, y: int, width: int, name: str, job: str, colour: str) -> list[str]:
    centre = x + width / 2
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="8" fill="{colour}" stroke="#99a"/>',
        f'<text x="{centre:g}" y="{y + 26}" text-anchor="middle" font-weight="600">{escape(name)}</text>',
        f'<text x="{centre:g}" y="{y + 47}" text-anchor="middle" font-size="12">{escape(job)}</text>',
    ]


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#667" stroke-width="1.5" '
        'marker-end="url(#head)"/>'
    )


def main() -> int:
    """Command line; the exit status is 1 when ``--check`` found another picture."""
    if "--check" in sys.argv[1:]:
        return int(PICTURE.read_text(encoding="utf-8") != draw())
    PICTURE.write_text(draw(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
