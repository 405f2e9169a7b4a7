"""Directories that a program may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pywasix.errors import OptionError
from pywasix.fs.directory import DIRECTORY_RIGHTS, FILE_RIGHTS, DirectoryFile
from pywasix.fs.files import GuestFiles
from pywasix.fs.mounts import Namespace
from pywasix.kernel.fdtable import Descriptor

if TYPE_CHECKING:
    from pywasix.kernel.process import Process

_INHERITING = DIRECTORY_RIGHTS | FILE_RIGHTS


def install_volumes(process: Process, volumes: Sequence[str], *, absolute: bool) -> None:
    """Give a program its directories: descriptor 3 is "/", under which each stands where it was mounted.

    Args:
        volumes: "HOST:GUEST:ro" each.
        absolute: the guest may use absolute paths and links, which begin at its "/" (WASIX).
    Raises: OptionError.
    """
    from pywasix.host.directory import host_directory

    namespace = Namespace()
    process.files = GuestFiles(namespace)  # closes the directories at the end of the program
    for each in [volumes] if isinstance(volumes, str) else volumes:
        host, guest = _parsed(each)
        namespace.mount(guest.encode("utf-8", "surrogateescape"), host_directory(host))
    root = DirectoryFile(namespace.root, namespace.root if absolute else None)
    process.fds.add(Descriptor(root, DIRECTORY_RIGHTS, _INHERITING, preopen=b"/"))


def _parsed(volume: str) -> tuple[str, str]:
    """The host's directory and the guest's path."""
    rest, colon, mode = volume.rpartition(":")
    host, second, guest = rest.rpartition(":")
    if not colon or not second or mode != "ro":
        raise OptionError(f"volume {volume!r} is not HOST:GUEST:ro; directories are read-only so far")
    if not host or not guest.startswith("/") or "\0" in volume:
        raise OptionError(f"volume {volume!r} is not HOST:GUEST:ro with an absolute GUEST, as in ./site:/public:ro")
    return host, guest
