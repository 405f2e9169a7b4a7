"""Records of events, threads, terminals and spawning. Import them from `abi.records`."""

from typing import Annotated

from pywasix.abi import enums
from pywasix.abi.errno import Errno
from pywasix.abi.layout import ByteArray, Bytes6, Record, Union, record, union
from pywasix.abi.scalars import (
    U8,
    U16,
    U32,
    U64,
    Bool,
    ConstPointer,
    Fd,
    Filesize,
    Pid,
    PointerSize,
    Timestamp,
    Userdata,
)


@record
class EventFdReadwrite(Record):
    """The part of an event that tells of a descriptor: bytes to be had, and hangup."""

    nbytes: Filesize
    flags: Annotated[int, enums.EventRwFlags]


@record
class Event(Record):
    """One result of `poll_oneoff`."""

    userdata: Userdata
    error: Annotated[int, Errno]
    type: Annotated[int, enums.EventType]
    fd_readwrite: EventFdReadwrite


@record
class SubscriptionClock(Record):
    """Wait for a time; nanoseconds."""

    id: Annotated[int, enums.ClockId]
    timeout: Timestamp
    precision: Timestamp
    flags: Annotated[int, enums.SubclockFlags]


@record
class SubscriptionFdReadwrite(Record):
    """Wait for a descriptor."""

    file_descriptor: Fd


@union
class SubscriptionUU(Union):
    """What a subscription waits for, by its tag."""

    clock: SubscriptionClock
    fd_read: SubscriptionFdReadwrite
    fd_write: SubscriptionFdReadwrite


@record
class SubscriptionU(Record):
    """Tag (an `EventType`) and payload of a subscription."""

    tag: U8
    u: SubscriptionUU


@record
class Subscription(Record):
    """One thing to wait for in `poll_oneoff`."""

    userdata: Userdata
    u: SubscriptionU


@record
class UnstableSubscriptionClock(Record):
    """`SubscriptionClock` as `wasi_unstable` has it, with an identifier that nobody uses."""

    identifier: Userdata
    id: Annotated[int, enums.ClockId]
    timeout: Timestamp
    precision: Timestamp
    flags: Annotated[int, enums.SubclockFlags]


@union
class UnstableSubscriptionUU(Union):
    """What a `wasi_unstable` subscription waits for."""

    clock: UnstableSubscriptionClock
    fd_read: SubscriptionFdReadwrite
    fd_write: SubscriptionFdReadwrite


@record
class UnstableSubscriptionU(Record):
    """Tag and payload of a `wasi_unstable` subscription."""

    tag: U8
    u: UnstableSubscriptionUU


@record
class UnstableSubscription(Record):
    """`Subscription` as `wasi_unstable` has it, 56 bytes."""

    userdata: Userdata
    u: UnstableSubscriptionU


@record
class SignalDisposition(Record):
    """What one signal does in a new process."""

    sig: Annotated[int, enums.Signal]
    disp: Annotated[int, enums.Disposition]


@record
class Hash(Record):
    """A 128-bit key."""

    b0: U64
    b1: U64


@record
class StackSnapshot(Record):
    """A captured call stack, opaque to the guest; never more than these 24 bytes are the host's to write."""

    user: U64
    hash: Hash


@record
class OptionFd(Record):
    """A descriptor or nothing."""

    tag: Annotated[int, enums.Option]
    value: Fd


@record
class Tty(Record):
    """Terminal size in characters and pixels, what is a terminal, and its modes."""

    cols: U32
    rows: U32
    width: U32
    height: U32
    stdin_tty: Bool
    stdout_tty: Bool
    stderr_tty: Bool
    echo: Bool
    line_buffered: Bool
    line_feeds: Bool


@record
class ProcessHandles(Record):
    """A process made by `proc_spawn` and this side of its pipes."""

    pid: Pid
    stdin: OptionFd
    stdout: OptionFd
    stderr: OptionFd


@record
class HardwareAddress(Record):
    """A MAC address."""

    octets: Bytes6


@record
class ThreadStart(Record):
    """How libc wants a thread started; the first reserved word is its pthread pointer."""

    stack: PointerSize
    tls_base: PointerSize
    start_funct: PointerSize
    start_args: PointerSize
    reserved: Annotated[bytes, ByteArray(40, 4)]
    stack_size: PointerSize
    guard_size: PointerSize


@record
class ThreadStart2022(Record):
    """What a thread of 2022 is started with, as far as a host may know: where its stack is."""

    closure: U64
    stack_low: U64
    stack_top: U64


@record
class EpollData(Record):
    """What a guest gave to be handed back with an event; all four words come back unchanged."""

    ptr: PointerSize
    fd: Fd
    data1: U32
    data2: U64


@record
class EpollEvent(Record):
    """Events asked for or reported, and the guest's data."""

    events: Annotated[int, enums.EpollType]
    data: EpollData


@record
class ProcSpawnFdOp(Record):
    """One file action of `proc_spawn2`; the path is not NUL-terminated."""

    cmd: Annotated[int, enums.SpawnFdOpName]
    fd: Fd
    src_fd: Fd
    path: ConstPointer
    path_len: PointerSize
    dirflags: Annotated[int, enums.LookupFlags]
    oflags: Annotated[int, enums.OFlags]
    fs_rights_base: Annotated[int, enums.Rights]
    fs_rights_inheriting: Annotated[int, enums.Rights]
    fdflags: Annotated[int, enums.FdFlags]
    fdflagsext: Annotated[int, enums.FdFlagsExt]


@record
class ReflectionResult(Record):
    """How many parameters and results a function has, and whether that may be remembered."""

    cacheable: Bool
    arguments: U16
    results: U16
