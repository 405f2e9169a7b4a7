"""The house rules that no linter knows, and that the import contracts cannot say."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "pywasix"
MODULES = sorted(PACKAGE.rglob("*.py"))
TOPS = ("src", "tests", "bench", "examples", "docs")
SOURCES = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))
MAX_FILE_LINES = 400
MAX_HANDLER_LINES = 15
NO_UNFINISHED_WORK = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|pytest\.(mark\.)?(skip|xfail)")
EXCEPTIONS = re.compile(r"#\s*(type:\s*ignore|noqa|pragma:\s*no cover|mypy:)")
CODE_MAKERS = {"eval", "exec", "compile"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _handlers() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function that `@syscall(...)` makes the handler of an ABI function."""
    for path in sorted((PACKAGE / "syscalls").glob("*.py")):
        for node in _tree(path).body:
            if isinstance(node, ast.FunctionDef) and any(map(_is_syscall, node.decorator_list)):
                yield f"{path.stem}.{node.name}", node


def _is_syscall(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "syscall"


HANDLERS = dict(_handlers())


def _statement_lines(function: ast.FunctionDef) -> int:
    """Lines of a function's statements, without signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_there_are_handlers() -> None:
    assert {"sock.sock_accept_v2", "fd_io.fd_read", "poll.poll_oneoff"} <= HANDLERS.keys()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_long_file_says_why(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    if lines > MAX_FILE_LINES:
        head = ast.get_docstring(_tree(path)) or ""
        assert f"{MAX_FILE_LINES} lines" in head, (
            f"{lines} lines; split the file, or say in its docstring why it has more than {MAX_FILE_LINES} lines"
        )


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_is_thin(name: str) -> None:
    """Decode, check pointers, do, store: what is longer hides kernel code."""
    assert _statement_lines(HANDLERS[name]) <= MAX_HANDLER_LINES


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_cites_the_abi_and_its_errors(name: str) -> None:
    docstring = ast.get_docstring(HANDLERS[name]) or ""
    assert "ABI:" in docstring
    assert "Errors:" in docstring


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != PACKAGE], ids=_name)
def test_the_package_itself_is_imported_by_the_command_line_only(path: Path) -> None:
    """`pywasix` re-exports what lies above everybody, so that importing it would point upward."""
    if path.is_relative_to(PACKAGE / "cli"):
        return
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            assert node.module != "pywasix" or _names_subpackages(node), f"line {node.lineno}"
        elif isinstance(node, ast.Import):
            assert all(each.name != "pywasix" for each in node.names), f"line {node.lineno}"


def _names_subpackages(node: ast.ImportFrom) -> bool:
    return all((PACKAGE / each.name).is_dir() or (PACKAGE / f"{each.name}.py").exists() for each in node.names)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_code_is_generated_in_the_border_and_the_records_only(path: Path) -> None:
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    if path not in (PACKAGE / "engine" / "border.py", PACKAGE / "abi" / "layout.py"):
        assert not called & CODE_MAKERS


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_poller_sleeps(path: Path) -> None:
    """Everything else waits for something, through `kernel.wait`; `sleep(0)` only lets others run."""
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    sleeps = [call for call in calls if ast.unparse(call.func) in ("sleep", "time.sleep", "asyncio.sleep")]
    if path != PACKAGE / "host" / "poller.py":
        assert not [call.lineno for call in sleeps if ast.unparse(call.args[0]) != "0"]


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "test_layout.py"], ids=_name)
def test_nothing_is_left_undone(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        assert not NO_UNFINISHED_WORK.search(line), f"line {number}: {line.strip()}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_an_exception_from_a_check_gives_its_reason(path: Path) -> None:
    """`# type: ignore[code]  # why` and `# noqa: CODE  # why`."""
    for number, comment in _comments(path):
        if EXCEPTIONS.match(comment):
            reason = comment.partition("#")[2].partition("#")[2].strip()
            assert reason, f"line {number}: {comment}"
            assert "[" in comment or "noqa:" in comment, f"line {number} names no rule: {comment}"


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
