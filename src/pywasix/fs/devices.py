"""The devices of a guest's /dev: none of them is the host's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pywasix.abi.enums import FdFlags, FileType, Whence
from pywasix.abi.errno import Errno
from pywasix.errors import SysError
from pywasix.fs.directory import FILE_RIGHTS, WRITING_RIGHTS
from pywasix.fs.node import IsLink, Opening, Redirect
from pywasix.fs.tree import Leaf, Tree
from pywasix.kernel.file import File, FileStatus
from pywasix.kernel.task import Task

_PIECE = 1 << 16  # bytes of random numbers or zeros that are made at once
_MOST = 1 << 24  # bytes of a read at an offset, which nothing interrupts
_DEVICE = 5  # the number of the file system of devices


class _DeviceFile(File):
    """An open device that is always ready.

    Args:
        fill: fills one buffer, or returns False at the end of the file.
        full: there is never room.
    """

    filetype = FileType.CHARACTER_DEVICE

    def __init__(self, status: FileStatus, fill: Callable[[memoryview], bool], full: bool, how: Opening) -> None:
        self._status = status
        self._fill = fill
        self._full = full
        self._flags = how.flags
        # libc takes a character device without positions for a terminal; these have one, which is always 0.
        self.rights = FILE_RIGHTS if how.write else FILE_RIGHTS & ~WRITING_RIGHTS
        self.nonblocking = bool(how.flags & FdFlags.NONBLOCK)

    def read(self, task: Task, buffers: Sequence[memoryview]) -> int:
        done = 0
        for buffer in buffers:
            for start in range(0, len(buffer), _PIECE):
                piece = buffer[start : start + _PIECE]
                if not self._fill(piece):
                    return done
                done += len(piece)
                task.interruption_point()
        return done

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        done = 0
        for buffer in buffers:
            for start in range(0, len(buffer), _PIECE):
                if done >= _MOST or not self._fill(buffer[start : start + _PIECE]):
                    return done
                done += len(buffer[start : start + _PIECE])
        return done

    def write(self, task: Task, buffers: Sequence[memoryview]) -> int:
        return self.write_at(buffers, 0)

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        total = sum(map(len, buffers))
        if self._full and total:
            raise SysError(Errno.NOSPC, "there is never room in /dev/full")
        return total

    def seek(self, offset: int, whence: Whence) -> int:
        return 0

    def status(self) -> FileStatus:
        return self._status

    def allocate(self, offset: int, size: int) -> None:
        raise SysError(Errno.NODEV, "a device has no room of its own")

    def advise(self, offset: int, size: int, advice: int) -> None:
        """It changes nothing."""

    @property
    def flags(self) -> int:
        return self._flags

    def set_flags(self, flags: int) -> None:
        self._flags = flags
        self.nonblocking = bool(flags & FdFlags.NONBLOCK)


class _Device(Leaf):
    """A device by its name.

    Args:
        fill: what a read does; None for a name that stands for descriptors.
        redirect: the descriptors it stands for.
    """

    def __init__(
        self,
        number: int,
        fill: Callable[[memoryview], bool] | None = None,
        *,
        full: bool = False,
        redirect: Redirect | None = None,
    ) -> None:
        self._status = FileStatus(device=_DEVICE, inode=number, filetype=FileType.CHARACTER_DEVICE)
        self._fill = fill
        self._full = full
        self._redirect = redirect

    def status(self) -> FileStatus:
        return self._status

    def open(self, how: Opening) -> File | Redirect:
        if how.create and how.exclusive:
            raise SysError(Errno.EXIST, "it is there already")
        if how.directory:
            raise SysError(Errno.NOTDIR, "it is no directory")
        if self._redirect is not None:
            return self._redirect
        assert self._fill is not None, "a device is read, or stands for a descriptor"
        return _DeviceFile(self._status, self._fill, self._full, how)


class _DeviceLink(Leaf):
    """A symbolic link among the devices."""

    def __init__(self, number: int, target: bytes) -> None:
        self._target = target
        self._status = FileStatus(device=_DEVICE, inode=number, size=len(target), filetype=FileType.SYMBOLIC_LINK)

    def status(self) -> FileStatus:
        return self._status

    def target(self) -> bytes:
        return self._target

    def open(self, how: Opening) -> File | Redirect:
        if how.create and how.exclusive:
            raise SysError(Errno.EXIST, "it is there already")
        raise IsLink


def _at_end(buffer: memoryview) -> bool:
    return False


def _zeros(buffer: memoryview) -> bool:
    buffer[:] = bytes(len(buffer))
    return True


def devices(random: Callable[[int], bytes]) -> Tree:
    """A new /dev.

    Args:
        random: makes so many random bytes.
    """

    def random_bytes(buffer: memoryview) -> bool:
        buffer[:] = random(len(buffer))
        return True

    found = Tree(1, _DEVICE)
    found.children = {
        b"null": _Device(2, _at_end),
        b"zero": _Device(3, _zeros),
        b"full": _Device(4, _zeros, full=True),
        b"random": _Device(5, random_bytes),
        b"urandom": _Device(6, random_bytes),
        b"tty": _Device(7, redirect=Redirect((), terminal=True)),
        b"stdin": _DeviceLink(8, b"fd/0"),
        b"stdout": _DeviceLink(9, b"fd/1"),
        b"stderr": _DeviceLink(10, b"fd/2"),
        b"fd": _Descriptors(11, _DEVICE),
    }
    return found


class _Descriptors(Tree):
    """/dev/fd: each number stands for a descriptor of whoever opens it. It lists the standard streams."""

    _FIRST = 100  # inode numbers

    def __init__(self, number: int, device: int) -> None:
        super().__init__(number, device)
        self.children = {str(fd).encode(): self._device(fd) for fd in range(3)}

    def _device(self, fd: int) -> _Device:
        return _Device(self._FIRST + fd, redirect=Redirect((fd,)))

    def _child(self, name: bytes) -> Tree | Leaf:
        if name.isdigit() and len(name) < 10 and (name == b"0" or not name.startswith(b"0")):
            return self._device(int(name))
        return super()._child(name)

    def open(self, name: bytes, how: Opening) -> File | Redirect:
        child = self._child(name)
        assert isinstance(child, Leaf), "only descriptors are in it"
        return child.open(how)
