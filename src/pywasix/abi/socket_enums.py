"""Enumerations and flags of sockets, of polling and of epoll. Import them from `abi.enums`."""

from enum import IntEnum, IntFlag

from pywasix.abi.scalars import U8, U16, U32, stored_as


@stored_as("eventrwflags", U16)
class EventRwFlags(IntFlag):
    """State of the descriptor of an event; hangup means the peer closed."""

    FD_READWRITE_HANGUP = 1 << 0


@stored_as("subclockflags", U16)
class SubclockFlags(IntFlag):
    """Absolute time: the timeout is a time of that clock, not a duration."""

    SUBSCRIPTION_CLOCK_ABSTIME = 1 << 0


@stored_as("riflags", U16)
class RiFlags(IntFlag):
    """Flags into a receive. The last two are WASIX additions."""

    RECV_PEEK = 1 << 0
    RECV_WAITALL = 1 << 1
    RECV_DATA_TRUNCATED = 1 << 2
    RECV_DONT_WAIT = 1 << 3


@stored_as("siflags", U16)
class SiFlags(IntFlag):
    """Flags into a send (a WASIX addition; preview1 has none)."""

    SEND_DONT_WAIT = 1 << 0


@stored_as("roflags", U16)
class RoFlags(IntFlag):
    """Flags out of a receive."""

    RECV_DATA_TRUNCATED = 1 << 0


@stored_as("sdflags", U8)
class SdFlags(IntFlag):
    """Which directions to shut down."""

    RD = 1 << 0
    WR = 1 << 1


@stored_as("eventfdflags", U16)
class EventFdFlags(IntFlag):
    """Flags of an event counter. libc also lets EFD_NONBLOCK (4) through, which the ABI does not define."""

    SEMAPHORE = 1 << 0


@stored_as("sock_type", U8)
class SockType(IntEnum):
    """Socket types.

    Guests built before 2023-05 number them differently: `SockType2022`.
    """

    SOCKET_UNUSED = 0
    SOCKET_STREAM = 1
    SOCKET_DGRAM = 2
    SOCKET_RAW = 3
    SOCKET_SEQPACKET = 4


@stored_as("sock_proto", U16)
class SockProto(IntEnum):
    """IANA protocol numbers, and MPTCP.

    The ABI calls the nameless ones PROTO_n; those members are made when somebody asks for their number.
    """

    IP = 0
    ICMP = 1
    IGMP = 2
    IPIP = 4
    TCP = 6
    EGP = 8
    PUP = 12
    UDP = 17
    IDP = 22
    PROTO_TP = 29
    DCCP = 33
    IPV6 = 41
    ROUTING = 43
    FRAGMENT = 44
    RSVP = 46
    GRE = 47
    ESP = 50
    AH = 51
    ICMPV6 = 58
    NONE = 59
    DSTOPTS = 60
    MTP = 92
    BEETPH = 94
    ENCAP = 98
    PIM = 103
    COMP = 108
    SCTP = 132
    MH = 135
    UDPLITE = 136
    MPLS = 137
    ETHERNET = 143
    PROTO_RAW = 255
    MPTCP = 262
    MAX = 263

    @classmethod
    def _missing_(cls, value: object) -> "SockProto | None":
        """Make the member PROTO_n of a nameless protocol number below MPTCP."""
        if not isinstance(value, int) or not 0 <= value < cls.MPTCP:
            return None
        member = int.__new__(cls, value)
        member._name_, member._value_ = f"PROTO_{value}", value
        return cls._value2member_map_.setdefault(value, member)  # type: ignore[return-value]  # typeshed has Enum here


@stored_as("sock_status", U8)
class SockStatus(IntEnum):
    """Life of a socket as the guest is told."""

    OPENING = 0
    OPENED = 1
    CLOSED = 2
    FAILED = 3


@stored_as("sock_option", U8)
class SockOption(IntEnum):
    """Socket options; libc uses the same numbers for its SO_* constants."""

    NOOP = 0
    REUSE_PORT = 1
    REUSE_ADDR = 2
    NO_DELAY = 3
    DONT_ROUTE = 4
    ONLY_V6 = 5
    BROADCAST = 6
    MULTICAST_LOOP_V4 = 7
    MULTICAST_LOOP_V6 = 8
    PROMISCUOUS = 9
    LISTENING = 10
    LAST_ERROR = 11
    KEEP_ALIVE = 12
    LINGER = 13
    OOB_INLINE = 14
    RECV_BUF_SIZE = 15
    SEND_BUF_SIZE = 16
    RECV_LOWAT = 17
    SEND_LOWAT = 18
    RECV_TIMEOUT = 19
    SEND_TIMEOUT = 20
    CONNECT_TIMEOUT = 21
    ACCEPT_TIMEOUT = 22
    TTL = 23
    MULTICAST_TTL_V4 = 24
    TYPE = 25
    PROTO = 26


@stored_as("stream_security", U8)
class StreamSecurity(IntFlag):
    """Encryption of a bridged network."""

    UNENCRYPTED = 1 << 0
    ANY_ENCRYPTION = 1 << 1
    CLASSIC_ENCRYPTION = 1 << 2
    DOUBLE_ENCRYPTION = 1 << 3


@stored_as("address_family_ip", U8)
class AddressFamilyIp(IntEnum):
    """Tag of an address that `resolve` reports."""

    UNSPEC = 0
    INET4 = 1
    INET6 = 2


@stored_as("epoll_type", U32)
class EpollType(IntFlag):
    """Event bits. They are not Linux's; libc converts both ways."""

    EPOLLIN = 1 << 0
    EPOLLOUT = 1 << 1
    EPOLLRDHUP = 1 << 2
    EPOLLPRI = 1 << 3
    EPOLLERR = 1 << 4
    EPOLLHUP = 1 << 5
    EPOLLET = 1 << 6
    EPOLLONESHOT = 1 << 7


@stored_as("epoll_ctl", U32)
class EpollCtl(IntEnum):
    """Operations as the ABI numbers them. libc sends Linux's numbers instead: ADD 1, DEL 2, MOD 3."""

    ADD = 0
    MOD = 1
    DEL = 2


@stored_as("sock_type_2022", U8)
class SockType2022(IntEnum):
    """Socket types of guests built before 2023-05."""

    SOCKET_DGRAM = 0
    SOCKET_STREAM = 1
    SOCKET_RAW = 2
    SOCKET_SEQPACKET = 3
