"""What exec and spawn share: reading a program's name, arguments, environment and search path."""

from __future__ import annotations

from pywasix.abi.errno import Errno
from pywasix.errors import SysError, quoted
from pywasix.kernel.execute import DEFAULT_PATH, Command
from pywasix.syscalls.context import Context

_LONGEST_NAME = 4096  # bytes, Linux PATH_MAX
_LONGEST = 2 << 20  # bytes of a list
_LONGEST_STRING = 128 << 10  # bytes of one argument, Linux MAX_ARG_STRLEN
_PIECE = 4096
_MOST = _LONGEST  # strings; each has a NUL at least


def name_of(ctx: Context, pointer: int, size: int) -> bytes:
    """A program's name. Errors: FAULT; NAMETOOLONG; NOENT it is empty; INVAL a NUL byte."""
    ctx.memory.check(pointer, size)
    if size > _LONGEST_NAME:
        raise SysError(Errno.NAMETOOLONG, f"a name of {size} bytes")
    name = ctx.memory.read(pointer, size)
    if not name:
        raise SysError(Errno.NOENT, "an empty name is no program")
    return _checked(name)


def lines(ctx: Context, pointer: int, size: int) -> list[bytes]:
    """A list of strings, of which libc ends each with a newline. Errors: FAULT; TOOBIG; INVAL a NUL byte."""
    ctx.memory.check(pointer, size)
    if size > _LONGEST:
        raise SysError(Errno.TOOBIG, f"a list of {size} bytes")
    text = _checked(ctx.memory.read(pointer, size))
    return text.removesuffix(b"\n").split(b"\n") if text else []


def variables(ctx: Context, pointer: int, size: int) -> list[bytes] | None:
    """An environment as KEY=VALUE lines; None, to keep the process's own, for a null pointer.

    Errors: those of `lines`; INVAL a line that is no variable.
    """
    return _environment([each for each in lines(ctx, pointer, size) if each]) if pointer else None


def listed(ctx: Context, pointer: int, count: int) -> list[bytes]:
    """The NUL-terminated strings that an array of pointers names. Errors: FAULT; TOOBIG."""
    if count > _MOST:
        raise SysError(Errno.TOOBIG, f"a list of {count} strings")
    ctx.memory.check(pointer, 4 * count)
    strings, total = [], 0
    for index in range(count):
        strings.append(_string(ctx, ctx.memory.load_u32(pointer + 4 * index)))
        total += len(strings[-1]) + 1
        if total > _LONGEST:
            raise SysError(Errno.TOOBIG, f"strings of more than {_LONGEST} bytes")
    return strings


def listed_variables(ctx: Context, pointer: int, count: int) -> list[bytes] | None:
    """An environment as an array of strings; None for a null pointer. Errors: those of `listed`; INVAL no variable."""
    return _environment(listed(ctx, pointer, count)) if pointer else None


def directories(ctx: Context, search: int, pointer: int, size: int) -> tuple[bytes, ...] | None:
    """Where to look for a program; None takes its name as it is.

    Args:
        search: a bool of the ABI.
        pointer: of directories with ":" in between; a null pointer means the default ones.
    Errors: FAULT; INVAL no bool; NAMETOOLONG.
    """
    if search > 1:
        raise SysError(Errno.INVAL, f"search_path is {search}, not 0 or 1")
    if not search:
        return None
    if not pointer:
        return DEFAULT_PATH
    ctx.memory.check(pointer, size)
    if size > _LONGEST_STRING:
        raise SysError(Errno.NAMETOOLONG, f"a search path of {size} bytes")
    return tuple(_checked(ctx.memory.read(pointer, size)).split(b":"))


def command_of(ctx: Context, name: bytes, args: list[bytes], env: list[bytes] | None) -> Command:
    """What the calls of 2022 run: a name without "/" is looked for here, then in the default path."""
    return Command(name, args, env, (b"", *DEFAULT_PATH))


def _environment(entries: list[bytes]) -> list[bytes]:
    for entry in entries:
        if b"=" not in entry:
            raise SysError(Errno.INVAL, f"{quoted(entry)} is no KEY=VALUE")
    return entries


def _string(ctx: Context, pointer: int) -> bytes:
    """A NUL-terminated string."""
    found = b""
    while len(found) <= _LONGEST_STRING:
        at = pointer + len(found)
        # Up to the next multiple of a page, where a memory may end.
        piece, nul, _ = ctx.memory.read(at, _PIECE - at % _PIECE).partition(b"\0")
        found += piece
        if nul:
            return found
    raise SysError(Errno.TOOBIG, f"a string of more than {_LONGEST_STRING} bytes")


def _checked(text: bytes) -> bytes:
    if b"\0" in text:
        raise SysError(Errno.INVAL, "a NUL byte")
    return text
