"""Finding the programs that guests run: .wasm files and scripts of their own, and commands that the user gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from pywasix.abi.errno import Errno
from pywasix.engine.border import rows_of
from pywasix.engine.module import GuestModule, load
from pywasix.errors import ModuleError, OptionError, SysError, printable, quoted
from pywasix.fs.files import GuestFiles
from pywasix.fs.late import LateFiles
from pywasix.kernel.launch import Program, Running
from pywasix.kernel.process import Process

_BINARIES = (b"/bin/", b"/usr/bin/", b"/usr/local/bin/")
_MAGIC = b"\0asm"
_HEADER = _MAGIC + b"\1\0\0\0"
_LONGEST_LINE = 256  # bytes of a script's first line, Linux BINPRM_BUF_SIZE
_DEEPEST = 4  # scripts whose interpreters are scripts, as on Linux
_MOST_MODULES = 64  # compiled ones that are kept, of those found in the guest's files
_MOST_BYTES = 256 << 20  # of those

Begin = Callable[[GuestModule, Process], Running]


class Loader:
    """Programs by name, for all processes of one program of the user's.

    `_lock` guards the cache. `_loading` is held while a program is read and compiled, which nothing can interrupt and
    which takes a multiple of its size: one at a time, so that hundreds of processes cannot make the host do hundreds.

    Args:
        commands: what names mean, in the directories of `_BINARIES` and without any: a path, the bytes of a .wasm
            file, a loaded module, or a callable. Raises: OptionError.
        begin: makes a process run a module.
        function_casts: as for `engine.module.load`.
    """

    def __init__(self, commands: Mapping[str, Any] | None, begin: Begin, function_casts: bool | None = None) -> None:
        self._commands = _checked(commands)
        self._begin = begin
        self._function_casts = function_casts
        self._lock = Lock()
        self._loading = Lock()
        self._modules: dict[bytes | str, GuestModule] = {}

    def find(self, process: Process, name: bytes, args: Sequence[bytes], path: Sequence[bytes] | None) -> Program:
        """As `kernel.launch.Launcher.find`."""
        places = [name] if path is None or b"/" in name else [_joined(each, name) for each in path]
        failure = _missing(name)
        for place in places:
            try:
                return self._program(process, place, list(args), _DEEPEST)
            except SysError as error:
                if error.errno not in (Errno.NOENT, Errno.NOTDIR, Errno.ACCES):
                    raise
                # execvp(3): go on, and tell of one that was there.
                if error.errno is Errno.ACCES or (len(places) == 1 and error.errno is not Errno.NOENT):
                    failure = error
        raise failure

    def _program(self, process: Process, path: bytes, args: list[bytes], depth: int) -> Program:
        command = self._command(path)
        if command is not None:
            return self._registered(path, command, args)
        files = _files_of(process)
        if files is None:
            raise _missing(path)
        with self._loading:
            if process.status is not None:
                raise SysError(Errno.INTR, "the process has ended while others loaded programs")
            data = files.read_program(path)
            script = data[:2] == b"#!"
            module = None if script else self._module(data, data, path)
        if module is None:
            return self._script(process, path, data, args, depth)
        return Program(args, lambda child: self._begun(module, child))

    def _begun(self, module: GuestModule, process: Process) -> Running:
        """Make a process run a module. Errors: NOMEM its memory may not be as large as it wants it from the start."""
        try:
            return self._begin(module, process)
        except ModuleError as error:
            raise SysError(Errno.NOMEM, str(error)) from None

    def show(self, process: Process) -> None:
        """Let a process, and all that come from it, see its commands in /bin."""
        from pywasix.fs.commands import mount_commands

        files = _files_of(process)
        if files is not None:
            shown = {_encoded(name): _content(command) for name, command in self._commands.items()}
            mount_commands(files.namespace, shown)

    def _command(self, path: bytes) -> Any:
        for directory in (*_BINARIES, b""):
            if path.startswith(directory):
                name = path[len(directory) :]
                return None if b"/" in name else self._commands.get(name.decode("utf-8", "surrogateescape"))
        return None

    def _registered(self, path: bytes, command: Any, args: list[bytes]) -> Program:
        if callable(command):
            from pywasix.runtime.python_command import PythonCommand  # few programs have one

            return Program(args, lambda child: PythonCommand(child, command))
        if isinstance(command, GuestModule):
            module = command
            _check(module)
        else:
            module = self._module(str(command) if isinstance(command, Path) else command, command, path)
        return Program(args, lambda child: self._begun(module, child))

    def _module(self, key: bytes | str, source: bytes | str | Path, path: bytes) -> GuestModule:
        with self._lock:
            module = self._modules.get(key)
        if module is None:
            name = printable(path.rpartition(b"/")[2].decode("utf-8", "replace"))
            module = _loaded(source, name, self._function_casts)
            with self._lock:
                while self._modules and (len(self._modules) >= _MOST_MODULES or self._kept(key) > _MOST_BYTES):
                    del self._modules[next(iter(self._modules))]
                self._modules[key] = module
        return module

    def _kept(self, key: bytes | str) -> int:
        """Bytes of the modules that are kept, and of one more. A path takes the place of what the user gave anyway."""
        return sum(len(each) for each in (*self._modules, key) if isinstance(each, bytes))

    def _script(self, process: Process, path: bytes, data: bytes, args: list[bytes], depth: int) -> Program:
        """A script: its interpreter, with what stands behind that in one argument, the script's path, and the rest."""
        line = data[2:_LONGEST_LINE].partition(b"\n")[0].strip(b" \t")
        interpreter, _, argument = line.partition(b" ")
        if not interpreter:
            raise SysError(Errno.NOEXEC, f"{quoted(path)} begins with #! and names no interpreter")
        if not depth:
            raise SysError(Errno.LOOP, f"more than {_DEEPEST} interpreters")
        given = [argument.strip(b" \t")] if argument.strip(b" \t") else []
        return self._program(process, interpreter, [interpreter, *given, path, *args[1:]], depth - 1)


def _missing(path: bytes) -> SysError:
    """The error for a program that nobody gave."""
    directory, slash, name = path.rpartition(b"/")
    if slash and directory + slash not in _BINARIES:
        return SysError(Errno.NOENT, f"there is no program {quoted(path)}: mount its directory (--volume)")
    command = printable(name.decode("utf-8", "replace"))
    return SysError(Errno.NOENT, f"there is no program {quoted(path)}: give it with --use {command}=FILE (commands=)")


def _files_of(process: Process) -> GuestFiles | None:
    files = process.files
    if isinstance(files, LateFiles):
        files = files.real()
    return files if isinstance(files, GuestFiles) else None


def _content(command: Any) -> tuple[int, Callable[[], bytes]]:
    """The size of a command as a file, and what reads it. Of a loaded module and a function there is no file."""
    if isinstance(command, Path):
        return command.stat().st_size, command.read_bytes
    data = command if isinstance(command, bytes) else _HEADER
    return len(data), lambda: data


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory.rstrip(b"/") + b"/" + name if directory else name


def _loaded(source: bytes | str | Path, name: str, function_casts: bool | None) -> GuestModule:
    if isinstance(source, bytes) and source[:4] != _MAGIC:
        raise SysError(Errno.NOEXEC, f"{name} is no WebAssembly module")
    try:
        module = load(source, name, function_casts=function_casts)
        _check(module)
    except ModuleError as error:
        raise SysError(Errno.NOEXEC, str(error)) from None
    return module


def _check(module: GuestModule) -> None:
    """Errors: NOEXEC the module is no program, or imports what nobody has."""
    if module.signature("_start") != ":":
        raise SysError(Errno.NOEXEC, f"{module.name} exports no _start: it is no program")
    try:
        rows_of(module)
    except ModuleError as error:
        raise SysError(Errno.NOEXEC, str(error)) from None


def _checked(commands: Mapping[Any, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not isinstance(commands or {}, Mapping):
        raise OptionError(f"commands is {commands!r}; it is a dict of names and what they run")
    for name, command in (commands or {}).items():
        if not isinstance(name, str) or not name or "/" in name or "\0" in name:
            raise OptionError(f"commands has the name {name!r}: it is one without a '/'")
        if isinstance(command, str):
            command = Path(command)
        if isinstance(command, Path):
            if not command.is_file():
                raise OptionError(f"command {name}: {command} is no file")
        elif not (isinstance(command, (bytes, GuestModule)) or callable(command)):
            raise OptionError(f"command {name} is {command!r}; it is a path, bytes, a loaded module or a callable")
        found[name] = command
    return found
