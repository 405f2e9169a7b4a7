"""Enumerations and flags of the ABI, under the names that the specification gives their members.

Errno has its own module. All others are imported from here. What every program needs is declared here; the rest, in
`file_enums` and `socket_enums`, is made when it is first asked for, because making such classes takes time.
"""

from enum import IntEnum, IntFlag
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pywasix.abi.scalars import U8, U16, U32, U64, stored_as

if TYPE_CHECKING:
    from pywasix.abi.file_enums import (
        Advice,
        DlFlags,
        FstFlags,
        LookupFlags,
        OFlags,
        SpawnFdOpName,
        StdioMode,
        WasmValueType,
    )
    from pywasix.abi.socket_enums import (
        AddressFamilyIp,
        EpollCtl,
        EpollType,
        EventFdFlags,
        EventRwFlags,
        RiFlags,
        RoFlags,
        SdFlags,
        SiFlags,
        SockOption,
        SockProto,
        SockStatus,
        SockType,
        SockType2022,
        StreamSecurity,
        SubclockFlags,
    )

__all__ = [
    "AddressFamily",
    "AddressFamilyIp",
    "Advice",
    "ClockId",
    "Disposition",
    "DlFlags",
    "EpollCtl",
    "EpollType",
    "EventFdFlags",
    "EventRwFlags",
    "EventType",
    "FdFlags",
    "FdFlagsExt",
    "FileType",
    "FstFlags",
    "JoinFlags",
    "JoinStatusType",
    "LookupFlags",
    "OFlags",
    "Option",
    "PreopenType",
    "RiFlags",
    "Rights",
    "RoFlags",
    "SdFlags",
    "SiFlags",
    "Signal",
    "SockOption",
    "SockProto",
    "SockStatus",
    "SockType",
    "SockType2022",
    "SpawnFdOpName",
    "StdioMode",
    "StreamSecurity",
    "SubclockFlags",
    "UnstableWhence",
    "WasmValueType",
    "Whence",
]

_OF_FILES = {
    "Advice",
    "DlFlags",
    "FstFlags",
    "LookupFlags",
    "OFlags",
    "SpawnFdOpName",
    "StdioMode",
    "WasmValueType",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"pywasix.abi.{'file' if name in _OF_FILES else 'socket'}_enums"), name)


@stored_as("clockid", U32)
class ClockId(IntEnum):
    """Which clock: `clock_time_get` and the clock part of a subscription."""

    REALTIME = 0
    MONOTONIC = 1
    PROCESS_CPUTIME_ID = 2
    THREAD_CPUTIME_ID = 3


@stored_as("rights", U64)
class Rights(IntFlag):
    """What a descriptor may be used for. libc sends inverted masks, so ignore unknown bits."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29
    SOCK_CONNECT = 1 << 30
    SOCK_LISTEN = 1 << 31
    SOCK_BIND = 1 << 32
    SOCK_RECV = 1 << 33
    SOCK_SEND = 1 << 34
    SOCK_ADDR_LOCAL = 1 << 35
    SOCK_ADDR_REMOTE = 1 << 36
    SOCK_RECV_FROM = 1 << 37
    SOCK_SEND_TO = 1 << 38


@stored_as("whence", U8)
class Whence(IntEnum):
    """What a file offset counts from.

    `wasi_unstable` numbers these differently: `UnstableWhence`.
    """

    SET = 0
    CUR = 1
    END = 2


@stored_as("filetype", U8)
class FileType(IntEnum):
    """What a descriptor or a directory entry is."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7
    SOCKET_RAW = 8
    SOCKET_SEQPACKET = 9


@stored_as("fdflags", U16)
class FdFlags(IntFlag):
    """Flags of an open file, shared by all its duplicates."""

    APPEND = 1 << 0
    DSYNC = 1 << 1
    NONBLOCK = 1 << 2
    RSYNC = 1 << 3
    SYNC = 1 << 4


@stored_as("signal", U8)
class Signal(IntEnum):
    """Signal numbers, which equal those of Linux. `NONE` only asks whether the target exists."""

    NONE = 0
    HUP = 1
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    BUS = 7
    FPE = 8
    KILL = 9
    USR1 = 10
    SEGV = 11
    USR2 = 12
    PIPE = 13
    ALRM = 14
    TERM = 15
    STKFLT = 16
    CHLD = 17
    CONT = 18
    STOP = 19
    TSTP = 20
    TTIN = 21
    TTOU = 22
    URG = 23
    XCPU = 24
    XFSZ = 25
    VTALRM = 26
    PROF = 27
    WINCH = 28
    POLL = 29
    PWR = 30
    SYS = 31


@stored_as("disposition", U8)
class Disposition(IntEnum):
    """What an inherited signal does."""

    DEFAULT = 0
    IGNORE = 1


@stored_as("unstable_whence", U8)
class UnstableWhence(IntEnum):
    """What a file offset counts from in `wasi_unstable`."""

    CUR = 0
    END = 1
    SET = 2


@stored_as("address_family", U8)
class AddressFamily(IntEnum):
    """Tag of an address; equals libc's AF_*."""

    UNSPEC = 0
    INET4 = 1
    INET6 = 2
    UNIX = 3


@stored_as("eventtype", U8)
class EventType(IntEnum):
    """Kind of a subscription and of an event."""

    CLOCK = 0
    FD_READ = 1
    FD_WRITE = 2


@stored_as("preopentype", U8)
class PreopenType(IntEnum):
    """What a pre-opened descriptor is."""

    DIR = 0


@stored_as("option", U8)
class Option(IntEnum):
    """Tag of every option record."""

    NONE = 0
    SOME = 1


@stored_as("join_status_type", U8)
class JoinStatusType(IntEnum):
    """How a child ended."""

    NOTHING = 0
    EXIT_NORMAL = 1
    EXIT_SIGNAL = 2
    STOPPED = 3


@stored_as("fdflagsext", U16)
class FdFlagsExt(IntFlag):
    """Flags of a descriptor number, not shared by its duplicates."""

    CLOEXEC = 1 << 0


@stored_as("join_flags", U32)
class JoinFlags(IntFlag):
    """How to wait for a child (libc: WNOHANG, WUNTRACED)."""

    NON_BLOCKING = 1 << 0
    WAKE_STOPPED = 1 << 1
