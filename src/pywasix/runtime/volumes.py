"""The files of a program: what `volumes`, `tmpfs` and `archives` say, put together to one namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Protocol

from pywasix.abi.errno import Errno
from pywasix.errors import OptionError, SysError, printable
from pywasix.fs.devices import devices
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.mounts import Namespace, components
from pywasix.fs.sizes import size as size_of
from pywasix.fs.walk import Start
from pywasix.kernel.fdtable import Descriptor

if TYPE_CHECKING:
    from pywasix.fs.node import Directory
    from pywasix.kernel.process import Process


_EXAMPLES = {"volumes": "['./site:/public:ro']", "tmpfs": "['/tmp:64M']", "archives": "['./site.zip:/public']"}
# Numbers that tell the file systems of a namespace apart; those of the host have large ones.
_MEMORY, _ARCHIVES = 1 << 8, 1 << 16


class FileOptions(Protocol):
    """What a user gives.

    Attributes:
        volumes: "HOST:GUEST" or "HOST:GUEST:ro" each.
        tmpfs: "GUEST" or "GUEST:SIZE" each.
        archives: "FILE:GUEST" each.
        cwd: the working directory.
    """

    @property
    def volumes(self) -> Sequence[str]: ...
    @property
    def tmpfs(self) -> Sequence[str]: ...
    @property
    def archives(self) -> Sequence[str]: ...
    @property
    def cwd(self) -> str | None: ...


def install_files(process: Process, options: FileOptions, random: Callable[[int], bytes], *, wasix: bool) -> None:
    """Give a program its files: descriptor 3 is "/", under which each directory stands where it was mounted.

    Args:
        random: makes so many random bytes.
        wasix: the guest may use absolute paths and links, which begin at its "/", and "..". Other guests know
            directories by their descriptors alone; those of 2020 and before look for relative paths in "." only.
    Raises: OptionError.
    """
    namespace = Namespace()
    files = process.files = GuestFiles(namespace)  # closes the directories at the end of the program
    mounts = [(components(guest), directory) for guest, directory in _mounts(options)]
    taken = [names for names, _ in mounts]
    for names in taken:
        if taken.count(names) > 1:
            for _, directory in mounts:
                directory.close()
            raise OptionError(f"two directories are mounted at {_path(names)}; give each a path of its own")
    if [b"dev"] not in taken and (wasix or [] not in taken):  # a guest without WASIX that was given "/" has that
        mounts.append(([b"dev"], devices(random)))
    for names, directory in sorted(mounts, key=lambda each: len(each[0])):
        namespace.mount(names, directory)
    namespace.complete()
    _enter(files, options.cwd)
    if wasix:
        preopened = [(b"/", DirectoryFile.of(Start(namespace.root, (), namespace.root)))]
    else:
        preopened = _of_preview1(files, [names for names, _ in mounts], moved=options.cwd is not None)
    if process.fds.limit < len(process.fds) + len(preopened):
        raise OptionError(
            f"--max-fds (max_fds) is {process.fds.limit}; with files it is {len(process.fds) + len(preopened)} at least"
        )
    for name, file in preopened:
        process.fds.add(Descriptor(file, DIRECTORY_RIGHTS, INHERITING_RIGHTS, preopen=name))


def _of_preview1(
    files: GuestFiles, mounted: Sequence[Sequence[bytes]], *, moved: bool
) -> list[tuple[bytes, DirectoryFile]]:
    """The directories that a guest without WASIX knows, by name.

    To wasi-libc "." and "/" are the same: of those it takes the last, unless another directory fits a path better. So
    with a working directory of its own absolute paths are served by the mount points, and by the directory below "/"
    that leads to it: that is all it has of a "/" that is mounted. Go begins at the first one.
    """

    def preopen(name: bytes, directory: Directory) -> tuple[bytes, DirectoryFile]:
        return name, DirectoryFile.of(Start(directory, (), None))

    root = preopen(b"/", files.namespace.root)
    if not moved:
        return [root, preopen(b".", files.keep_directory())]
    points = [preopen(path, files.directory(path)) for path in (_joined(names) for names in mounted if names)]
    top = components(files.getcwd())[:1]
    if top and top not in mounted:
        with suppress(SysError):  # it may be one that leads to others and cannot be read
            points.append(preopen(_joined(top), files.directory(_joined(top))))
    return [preopen(b".", files.keep_directory()), root, *points, preopen(b".", files.keep_directory())]


def _enter(files: GuestFiles, cwd: Any) -> None:
    if cwd is None:
        return
    if not isinstance(cwd, str) or not cwd.startswith("/"):
        raise OptionError(f"--cwd (cwd) is {cwd!r}; give an absolute path of the program's, such as '/data'")
    try:
        files.chdir(_encoded(cwd))
    except SysError as error:
        wrong = {Errno.NOENT: "there is no such directory; mount one (--volume, --tmpfs)", Errno.NOTDIR: "no directory"}
        raise OptionError(f"--cwd (cwd) {printable(cwd)}: {wrong.get(error.errno, error)}") from None


def _mounts(options: FileOptions) -> list[tuple[bytes, Directory]]:
    """Every mount, opened; nothing is left open when one cannot be had."""
    from pywasix.host.directory import host_directory

    found: list[tuple[bytes, Directory]] = []
    try:
        for each in _listed("volumes", options.volumes):
            host, guest, writable = _volume(each)
            found.append((_encoded(guest), host_directory(host, writable=writable)))
        for number, each in enumerate(_listed("tmpfs", options.tmpfs), 1):
            found.append(_tmpfs(each, _MEMORY + number))
        for number, each in enumerate(_listed("archives", options.archives), 1):
            found.append(_archive(each, _ARCHIVES + number))
    except BaseException:
        for _, directory in found:
            directory.close()
        raise
    return found


def _tmpfs(given: str, device: int) -> tuple[bytes, Directory]:
    from pywasix.fs.memory import DEFAULT_SIZE, MemoryVolume

    guest, colon, text = given.partition(":")
    if not _absolute(guest) or "\0" in given:
        raise OptionError(f"tmpfs {given!r} is not GUEST or GUEST:SIZE with an absolute GUEST, as in /tmp:64M")
    try:
        size = size_of(text) if colon else DEFAULT_SIZE
    except ValueError as error:
        raise OptionError(f"tmpfs {given!r}: {error}") from None
    return _encoded(guest), MemoryVolume(size, device).root


def _archive(given: str, device: int) -> tuple[bytes, Directory]:
    from pywasix.fs.archive_reader import read_archive
    from pywasix.host.files import open_to_read

    name, _, guest = given.rpartition(":")
    if not name or not _absolute(guest) or "\0" in given:
        raise OptionError(f"archive {given!r} is not FILE:GUEST with an absolute GUEST, as in ./site.zip:/public")
    return _encoded(guest), read_archive(open_to_read(name, "--archive (archives)"), name, device)


def _listed(option: str, given: Any) -> Sequence[str]:
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
        raise OptionError(f"{option} is {given!r}; it is a list of strings, such as {_EXAMPLES[option]}")
    return found


def _volume(volume: str) -> tuple[str, str, bool]:
    """The host's directory, the guest's path, and whether it may be changed."""
    rest, _, mode = volume.rpartition(":")
    if mode not in ("ro", "rw"):
        rest, mode = volume, "rw"
    host, _, guest = rest.rpartition(":")
    if not host and rest.startswith("/"):
        host = guest  # the same path on both sides, as `wasmer run` has it
    if not host or not _absolute(guest) or "\0" in volume:
        raise OptionError(
            f"volume {volume!r} is not HOST:GUEST or HOST:GUEST:ro with an absolute GUEST, as in ./site:/public:ro"
        )
    return host, guest, mode == "rw"


def _absolute(guest: str) -> bool:
    """An absolute path that stays where it seems to be."""
    return guest.startswith("/") and ".." not in guest.split("/")


def directory_volume(directory: str) -> str:
    """The volume that `--dir HOST` or `--dir HOST::GUEST` means. Raises: OptionError."""
    host, colons, guest = directory.partition("::")
    if not colons:
        guest = normpath(host) if host else ""
        if guest.startswith(".."):
            raise OptionError(f'--dir {directory} leads out of the program\'s "/": give it a path, {directory}::/data')
    path = "/" + guest.lstrip("/").removeprefix("./")
    if path == "/.":
        path = "/"
    return f"{host}:{path}"


def mapped_volume(mapping: str) -> str:
    """The volume that `--mapdir GUEST:HOST` means. Raises: OptionError."""
    guest, colon, host = mapping.partition(":")
    if not colon or not guest.startswith("/") or not host:
        raise OptionError(f"--mapdir {mapping} is not GUEST:HOST with an absolute GUEST, as in /public:./site")
    return f"{host}:{guest}"


def _path(names: Sequence[bytes]) -> str:
    return _joined(names).decode("utf-8", "replace")


def _joined(names: Sequence[bytes]) -> bytes:
    return b"/" + b"/".join(names)


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
