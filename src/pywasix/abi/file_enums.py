"""Enumerations and flags of files, of processes and of modules. Import them from `abi.enums`."""

from enum import IntEnum, IntFlag

from pywasix.abi.scalars import U8, U16, U32, stored_as


@stored_as("advice", U8)
class Advice(IntEnum):
    """How a file will be read."""

    NORMAL = 0
    SEQUENTIAL = 1
    RANDOM = 2
    WILLNEED = 3
    DONTNEED = 4
    NOREUSE = 5


@stored_as("fstflags", U16)
class FstFlags(IntFlag):
    """Which time stamps to set, and whether to the current time."""

    ATIM = 1 << 0
    ATIM_NOW = 1 << 1
    MTIM = 1 << 2
    MTIM_NOW = 1 << 3


@stored_as("lookupflags", U32)
class LookupFlags(IntFlag):
    """How a path is resolved."""

    SYMLINK_FOLLOW = 1 << 0


@stored_as("oflags", U16)
class OFlags(IntFlag):
    """How a path is opened."""

    CREAT = 1 << 0
    DIRECTORY = 1 << 1
    EXCL = 1 << 2
    TRUNC = 1 << 3


@stored_as("stdio_mode", U8)
class StdioMode(IntEnum):
    """Where a standard stream of a spawned process goes."""

    PIPED = 0
    INHERIT = 1
    NULL = 2
    LOG = 3


@stored_as("proc_spawn_fd_op_name", U8)
class SpawnFdOpName(IntEnum):
    """What one file action of a spawn does."""

    CLOSE = 0
    DUP2 = 1
    OPEN = 2
    CHDIR = 3
    FCHDIR = 4


@stored_as("dl_flags", U32)
class DlFlags(IntFlag):
    """Flags of `dlopen`; equal to libc's RTLD_*, where RTLD_LOCAL is 0."""

    LAZY = 1 << 0
    NOW = 1 << 1
    GLOBAL = 1 << 2
    NOLOAD = 1 << 3
    NODELETE = 1 << 4
    DEEPBIND = 1 << 5


@stored_as("wasm_value_type", U8)
class WasmValueType(IntEnum):
    """Value types of a function signature."""

    I32 = 0
    I64 = 1
    F32 = 2
    F64 = 3
    V128 = 4
