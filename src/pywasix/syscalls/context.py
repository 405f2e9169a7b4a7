"""What a handler gets to work with: the caller's task, process and memory, and the host's services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from pywasix.abi.generation import AbiGeneration
from pywasix.abi.layout import Record
from pywasix.kernel.fdtable import FdTable
from pywasix.kernel.kernel import Kernel
from pywasix.kernel.process import Process
from pywasix.kernel.task import Task
from pywasix.net.network import Network

if TYPE_CHECKING:
    from pywasix.fs.files import GuestFiles
    from pywasix.kernel.epoll import EpollHost
    from pywasix.kernel.eventfd import Counter
    from pywasix.kernel.stream import ByteChannel

R = TypeVar("R", bound=Record)


class GuestMemory(Protocol):
    """Checked access to guest memory; `engine.memory.LinearMemory` is it. All methods answer FAULT."""

    @property
    def identity(self) -> int: ...
    @property
    def last_cell(self) -> int:
        """A result of up to 112 bytes that begins here or before is inside; one behind it must be checked."""
        ...

    @property
    def put_u16(self) -> Callable[[int, int], None]:
        """Store a value where `check` or `last_cell` has said that it fits."""
        ...

    @property
    def put_u32(self) -> Callable[[int, int], None]: ...
    def check(self, pointer: int, size: int) -> None: ...
    def view(self, pointer: int, size: int) -> memoryview: ...
    def read(self, pointer: int, size: int) -> bytes: ...
    def write(self, pointer: int, data: bytes) -> None: ...
    def load_u32(self, pointer: int) -> int: ...
    def load_option(self, pointer: int) -> tuple[int, int]: ...
    def store_u8(self, pointer: int, value: int) -> None: ...
    def store_u16(self, pointer: int, value: int) -> None: ...
    def store_u32(self, pointer: int, value: int) -> None: ...
    def store_u64(self, pointer: int, value: int) -> None: ...
    def load(self, record: type[R], pointer: int) -> R: ...
    def store(self, pointer: int, record: Record) -> None: ...
    def iovecs(self, pointer: int, count: int) -> Sequence[memoryview]: ...


class Services(Protocol):
    """The host's clocks, random numbers and processors."""

    def now(self, clock: int) -> int:
        """A clock's time in ns. Errors: INVAL for an unknown clock."""
        ...

    def resolution(self, clock: int) -> int:
        """A clock's resolution in ns. Errors: INVAL for an unknown clock."""
        ...

    def random(self, size: int) -> bytes: ...
    def parallelism(self) -> int: ...
    def yield_now(self) -> None: ...

    def new_epoll(self) -> EpollHost:
        """Errors: NOTSUP; MFILE, NFILE, NOMEM of the host; so for the next two."""
        ...

    def new_counter(self, initial: int, *, semaphore: bool) -> Counter: ...

    def new_pipe(self, *, two_way: bool = False) -> tuple[ByteChannel, ByteChannel]:
        """The end that is read and the end that is written; with `two_way` both are for both."""
        ...

    def new_null(self) -> ByteChannel:
        """What takes everything and gives nothing. Errors: MFILE, NFILE of the host."""
        ...


class Context:
    """The caller of a system call. One belongs to each task."""

    __slots__ = (
        "exports",
        "fds",
        "generation",
        "kernel",
        "memory",
        "network",
        "process",
        "services",
        "task",
    )

    def __init__(
        self,
        task: Task,
        memory: GuestMemory,
        network: Network,
        generation: AbiGeneration,
        services: Services,
        exports: Callable[[str], bool],
    ) -> None:
        self.task = task
        self.process: Process
        self.fds: FdTable
        self.belong_to(task.process)
        self.kernel: Kernel = task.process.kernel
        self.memory = memory
        self.network = network
        self.generation = generation
        self.services = services
        self.exports = exports

    def belong_to(self, process: Process) -> None:
        """The calls of the task are this process's from now on."""
        self.process = process
        self.fds = process.fds

    @property
    def files(self) -> GuestFiles:
        """The process's namespace and working directory."""
        return self.files_of(self.process)

    def files_of(self, process: Process) -> GuestFiles:
        """The namespace and working directory of a process."""
        from pywasix.fs.files import GuestFiles  # few programs need it
        from pywasix.fs.late import LateFiles

        files = process.files
        if isinstance(files, GuestFiles):
            return files
        if files is None:
            files = process.files = LateFiles(self.services.random)
        assert isinstance(files, LateFiles), "there are no other views of the files"
        return files.real()
