"""Records of the ABI, apart from network addresses. Member names are those of the specification.

Those that few programs use are in `late_records`, and made when the first of them is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pywasix.abi import enums
from pywasix.abi.errno import Errno
from pywasix.abi.layout import Record, Union, record, union
from pywasix.abi.scalars import (
    ANY_NUMBER,
    ConstPointer,
    Device,
    DirCookie,
    DirNameLength,
    Filesize,
    Inode,
    LinkCount,
    Pid,
    Pointer,
    Size,
    Timestamp,
    UnstableLinkCount,
)

if TYPE_CHECKING:
    from pywasix.abi.late_records import (
        EpollData as EpollData,
    )
    from pywasix.abi.late_records import (
        EpollEvent as EpollEvent,
    )
    from pywasix.abi.late_records import (
        Event as Event,
    )
    from pywasix.abi.late_records import (
        EventFdReadwrite as EventFdReadwrite,
    )
    from pywasix.abi.late_records import (
        HardwareAddress as HardwareAddress,
    )
    from pywasix.abi.late_records import (
        Hash as Hash,
    )
    from pywasix.abi.late_records import (
        OptionFd as OptionFd,
    )
    from pywasix.abi.late_records import (
        ProcessHandles as ProcessHandles,
    )
    from pywasix.abi.late_records import (
        ProcSpawnFdOp as ProcSpawnFdOp,
    )
    from pywasix.abi.late_records import (
        ReflectionResult as ReflectionResult,
    )
    from pywasix.abi.late_records import (
        SignalDisposition as SignalDisposition,
    )
    from pywasix.abi.late_records import (
        StackSnapshot as StackSnapshot,
    )
    from pywasix.abi.late_records import (
        Subscription as Subscription,
    )
    from pywasix.abi.late_records import (
        SubscriptionClock as SubscriptionClock,
    )
    from pywasix.abi.late_records import (
        SubscriptionFdReadwrite as SubscriptionFdReadwrite,
    )
    from pywasix.abi.late_records import (
        SubscriptionU as SubscriptionU,
    )
    from pywasix.abi.late_records import (
        SubscriptionUU as SubscriptionUU,
    )
    from pywasix.abi.late_records import (
        ThreadStart as ThreadStart,
    )
    from pywasix.abi.late_records import (
        ThreadStart2022 as ThreadStart2022,
    )
    from pywasix.abi.late_records import (
        Tty as Tty,
    )
    from pywasix.abi.late_records import (
        UnstableSubscription as UnstableSubscription,
    )
    from pywasix.abi.late_records import (
        UnstableSubscriptionClock as UnstableSubscriptionClock,
    )
    from pywasix.abi.late_records import (
        UnstableSubscriptionU as UnstableSubscriptionU,
    )
    from pywasix.abi.late_records import (
        UnstableSubscriptionUU as UnstableSubscriptionUU,
    )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # what an import looks for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("pywasix.abi.late_records"), name)


@record
class Iovec(Record):
    """A buffer to read into."""

    buf: Pointer
    buf_len: Size


@record
class Ciovec(Record):
    """A buffer to write from."""

    buf: ConstPointer
    buf_len: Size


@record
class Dirent(Record):
    """A directory entry; its name of ``d_namlen`` bytes follows at once."""

    d_next: DirCookie
    d_ino: Inode
    d_namlen: DirNameLength
    d_type: Annotated[int, enums.FileType]


@record
class FdStat(Record):
    """What a descriptor is and may do."""

    ABI_NAME = "fdstat"
    fs_filetype: Annotated[int, enums.FileType]
    fs_flags: Annotated[int, enums.FdFlags]
    fs_rights_base: Annotated[int, enums.Rights]
    fs_rights_inheriting: Annotated[int, enums.Rights]


@record
class FileStat(Record):
    """What a file is; times are in nanoseconds since 1970."""

    ABI_NAME = "filestat"
    dev: Device
    ino: Inode
    filetype: Annotated[int, enums.FileType]
    nlink: LinkCount
    size: Filesize
    atim: Timestamp
    mtim: Timestamp
    ctim: Timestamp


@record
class UnstableFileStat(Record):
    """`FileStat` as `wasi_unstable` has it: the link count is 32 bits."""

    ABI_NAME = "unstable_filestat"
    dev: Device
    ino: Inode
    filetype: Annotated[int, enums.FileType]
    nlink: UnstableLinkCount
    size: Filesize
    atim: Timestamp
    mtim: Timestamp
    ctim: Timestamp


@record
class PrestatDir(Record):
    """A pre-opened directory: length of its name without NUL."""

    pr_name_len: Size


@union
class PrestatU(Union):
    """What is known of a pre-opened descriptor."""

    dir: PrestatDir


@record
class Prestat(Record):
    """A pre-opened descriptor."""

    tag: Annotated[int, enums.PreopenType]
    u: PrestatU


@record
class OptionTimestamp(Record):
    """Nanoseconds or nothing."""

    tag: Annotated[int, enums.Option]
    value: Timestamp


@record
class OptionPid(Record):
    """A process or nothing."""

    tag: Annotated[int, enums.Option]
    value: Pid


@record
class ErrnoSignal(Record):
    """Exit code and signal of a process that a signal ended."""

    exit_code: Annotated[int, Errno, ANY_NUMBER]
    signal: Annotated[int, enums.Signal]


@record
class ExitNormal(Record):
    """Exit code of a process that ended by itself."""

    exit_code: Annotated[int, Errno, ANY_NUMBER]


@record
class StoppedBy(Record):
    """The signal that stopped a process."""

    signal: Annotated[int, enums.Signal]


@union
class JoinStatusU(Union):
    """How a child ended, by the tag of its `JoinStatus`."""

    exit_normal: ExitNormal
    exit_signal: ErrnoSignal
    stopped: StoppedBy


@record
class JoinStatus(Record):
    """How a child ended."""

    tag: Annotated[int, enums.JoinStatusType]
    u: JoinStatusU
