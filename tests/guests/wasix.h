/* wasix.h: the system calls of WASI preview1 and WASIX for C programs without a libc.
 *
 * Generated from the table of system calls; do not edit. Needs a C11 compiler for wasm32.
 * Calls that return int return a WASIX_ERRNO_* number unless they say otherwise.
 */
#ifndef WASIX_H
#define WASIX_H

#include <stdint.h>

#define WASIX_IMPORT(from, as) __attribute__((import_module(from), import_name(as)))

/* Error numbers; the last four are WASIX additions. */
enum {
    WASIX_ERRNO_SUCCESS = 0,
    WASIX_ERRNO_2BIG = 1,
    WASIX_ERRNO_ACCES = 2,
    WASIX_ERRNO_ADDRINUSE = 3,
    WASIX_ERRNO_ADDRNOTAVAIL = 4,
    WASIX_ERRNO_AFNOSUPPORT = 5,
    WASIX_ERRNO_AGAIN = 6,
    WASIX_ERRNO_ALREADY = 7,
    WASIX_ERRNO_BADF = 8,
    WASIX_ERRNO_BADMSG = 9,
    WASIX_ERRNO_BUSY = 10,
    WASIX_ERRNO_CANCELED = 11,
    WASIX_ERRNO_CHILD = 12,
    WASIX_ERRNO_CONNABORTED = 13,
    WASIX_ERRNO_CONNREFUSED = 14,
    WASIX_ERRNO_CONNRESET = 15,
    WASIX_ERRNO_DEADLK = 16,
    WASIX_ERRNO_DESTADDRREQ = 17,
    WASIX_ERRNO_DOM = 18,
    WASIX_ERRNO_DQUOT = 19,
    WASIX_ERRNO_EXIST = 20,
    WASIX_ERRNO_FAULT = 21,
    WASIX_ERRNO_FBIG = 22,
    WASIX_ERRNO_HOSTUNREACH = 23,
    WASIX_ERRNO_IDRM = 24,
    WASIX_ERRNO_ILSEQ = 25,
    WASIX_ERRNO_INPROGRESS = 26,
    WASIX_ERRNO_INTR = 27,
    WASIX_ERRNO_INVAL = 28,
    WASIX_ERRNO_IO = 29,
    WASIX_ERRNO_ISCONN = 30,
    WASIX_ERRNO_ISDIR = 31,
    WASIX_ERRNO_LOOP = 32,
    WASIX_ERRNO_MFILE = 33,
    WASIX_ERRNO_MLINK = 34,
    WASIX_ERRNO_MSGSIZE = 35,
    WASIX_ERRNO_MULTIHOP = 36,
    WASIX_ERRNO_NAMETOOLONG = 37,
    WASIX_ERRNO_NETDOWN = 38,
    WASIX_ERRNO_NETRESET = 39,
    WASIX_ERRNO_NETUNREACH = 40,
    WASIX_ERRNO_NFILE = 41,
    WASIX_ERRNO_NOBUFS = 42,
    WASIX_ERRNO_NODEV = 43,
    WASIX_ERRNO_NOENT = 44,
    WASIX_ERRNO_NOEXEC = 45,
    WASIX_ERRNO_NOLCK = 46,
    WASIX_ERRNO_NOLINK = 47,
    WASIX_ERRNO_NOMEM = 48,
    WASIX_ERRNO_NOMSG = 49,
    WASIX_ERRNO_NOPROTOOPT = 50,
    WASIX_ERRNO_NOSPC = 51,
    WASIX_ERRNO_NOSYS = 52,
    WASIX_ERRNO_NOTCONN = 53,
    WASIX_ERRNO_NOTDIR = 54,
    WASIX_ERRNO_NOTEMPTY = 55,
    WASIX_ERRNO_NOTRECOVERABLE = 56,
    WASIX_ERRNO_NOTSOCK = 57,
    WASIX_ERRNO_NOTSUP = 58,
    WASIX_ERRNO_NOTTY = 59,
    WASIX_ERRNO_NXIO = 60,
    WASIX_ERRNO_OVERFLOW = 61,
    WASIX_ERRNO_OWNERDEAD = 62,
    WASIX_ERRNO_PERM = 63,
    WASIX_ERRNO_PIPE = 64,
    WASIX_ERRNO_PROTO = 65,
    WASIX_ERRNO_PROTONOSUPPORT = 66,
    WASIX_ERRNO_PROTOTYPE = 67,
    WASIX_ERRNO_RANGE = 68,
    WASIX_ERRNO_ROFS = 69,
    WASIX_ERRNO_SPIPE = 70,
    WASIX_ERRNO_SRCH = 71,
    WASIX_ERRNO_STALE = 72,
    WASIX_ERRNO_TIMEDOUT = 73,
    WASIX_ERRNO_TXTBSY = 74,
    WASIX_ERRNO_XDEV = 75,
    WASIX_ERRNO_NOTCAPABLE = 76,
    WASIX_ERRNO_SHUTDOWN = 77,
    WASIX_ERRNO_MEMVIOLATION = 78,
    WASIX_ERRNO_UNKNOWN = 79,
    WASIX_ERRNO_PENDING = 80,
};

/* Which clock: `clock_time_get` and the clock part of a subscription. */
enum {
    WASIX_CLOCKID_REALTIME = 0,
    WASIX_CLOCKID_MONOTONIC = 1,
    WASIX_CLOCKID_PROCESS_CPUTIME_ID = 2,
    WASIX_CLOCKID_THREAD_CPUTIME_ID = 3,
};

/* How a file will be read. */
enum {
    WASIX_ADVICE_NORMAL = 0,
    WASIX_ADVICE_SEQUENTIAL = 1,
    WASIX_ADVICE_RANDOM = 2,
    WASIX_ADVICE_WILLNEED = 3,
    WASIX_ADVICE_DONTNEED = 4,
    WASIX_ADVICE_NOREUSE = 5,
};

/* What a descriptor or a directory entry is. */
enum {
    WASIX_FILETYPE_UNKNOWN = 0,
    WASIX_FILETYPE_BLOCK_DEVICE = 1,
    WASIX_FILETYPE_CHARACTER_DEVICE = 2,
    WASIX_FILETYPE_DIRECTORY = 3,
    WASIX_FILETYPE_REGULAR_FILE = 4,
    WASIX_FILETYPE_SOCKET_DGRAM = 5,
    WASIX_FILETYPE_SOCKET_STREAM = 6,
    WASIX_FILETYPE_SYMBOLIC_LINK = 7,
    WASIX_FILETYPE_SOCKET_RAW = 8,
    WASIX_FILETYPE_SOCKET_SEQPACKET = 9,
};

/* Flags of an open file, shared by all its duplicates. */
enum {
    WASIX_FDFLAGS_APPEND = 0x1,
    WASIX_FDFLAGS_DSYNC = 0x2,
    WASIX_FDFLAGS_NONBLOCK = 0x4,
    WASIX_FDFLAGS_RSYNC = 0x8,
    WASIX_FDFLAGS_SYNC = 0x10,
};

/* What a descriptor may be used for. libc sends inverted masks, so ignore unknown bits. */
#define WASIX_RIGHTS_FD_DATASYNC UINT64_C(0x1)
#define WASIX_RIGHTS_FD_READ UINT64_C(0x2)
#define WASIX_RIGHTS_FD_SEEK UINT64_C(0x4)
#define WASIX_RIGHTS_FD_FDSTAT_SET_FLAGS UINT64_C(0x8)
#define WASIX_RIGHTS_FD_SYNC UINT64_C(0x10)
#define WASIX_RIGHTS_FD_TELL UINT64_C(0x20)
#define WASIX_RIGHTS_FD_WRITE UINT64_C(0x40)
#define WASIX_RIGHTS_FD_ADVISE UINT64_C(0x80)
#define WASIX_RIGHTS_FD_ALLOCATE UINT64_C(0x100)
#define WASIX_RIGHTS_PATH_CREATE_DIRECTORY UINT64_C(0x200)
#define WASIX_RIGHTS_PATH_CREATE_FILE UINT64_C(0x400)
#define WASIX_RIGHTS_PATH_LINK_SOURCE UINT64_C(0x800)
#define WASIX_RIGHTS_PATH_LINK_TARGET UINT64_C(0x1000)
#define WASIX_RIGHTS_PATH_OPEN UINT64_C(0x2000)
#define WASIX_RIGHTS_FD_READDIR UINT64_C(0x4000)
#define WASIX_RIGHTS_PATH_READLINK UINT64_C(0x8000)
#define WASIX_RIGHTS_PATH_RENAME_SOURCE UINT64_C(0x10000)
#define WASIX_RIGHTS_PATH_RENAME_TARGET UINT64_C(0x20000)
#define WASIX_RIGHTS_PATH_FILESTAT_GET UINT64_C(0x40000)
#define WASIX_RIGHTS_PATH_FILESTAT_SET_SIZE UINT64_C(0x80000)
#define WASIX_RIGHTS_PATH_FILESTAT_SET_TIMES UINT64_C(0x100000)
#define WASIX_RIGHTS_FD_FILESTAT_GET UINT64_C(0x200000)
#define WASIX_RIGHTS_FD_FILESTAT_SET_SIZE UINT64_C(0x400000)
#define WASIX_RIGHTS_FD_FILESTAT_SET_TIMES UINT64_C(0x800000)
#define WASIX_RIGHTS_PATH_SYMLINK UINT64_C(0x1000000)
#define WASIX_RIGHTS_PATH_REMOVE_DIRECTORY UINT64_C(0x2000000)
#define WASIX_RIGHTS_PATH_UNLINK_FILE UINT64_C(0x4000000)
#define WASIX_RIGHTS_POLL_FD_READWRITE UINT64_C(0x8000000)
#define WASIX_RIGHTS_SOCK_SHUTDOWN UINT64_C(0x10000000)
#define WASIX_RIGHTS_SOCK_ACCEPT UINT64_C(0x20000000)
#define WASIX_RIGHTS_SOCK_CONNECT UINT64_C(0x40000000)
#define WASIX_RIGHTS_SOCK_LISTEN UINT64_C(0x80000000)
#define WASIX_RIGHTS_SOCK_BIND UINT64_C(0x100000000)
#define WASIX_RIGHTS_SOCK_RECV UINT64_C(0x200000000)
#define WASIX_RIGHTS_SOCK_SEND UINT64_C(0x400000000)
#define WASIX_RIGHTS_SOCK_ADDR_LOCAL UINT64_C(0x800000000)
#define WASIX_RIGHTS_SOCK_ADDR_REMOTE UINT64_C(0x1000000000)
#define WASIX_RIGHTS_SOCK_RECV_FROM UINT64_C(0x2000000000)
#define WASIX_RIGHTS_SOCK_SEND_TO UINT64_C(0x4000000000)

/* Which time stamps to set, and whether to the current time. */
enum {
    WASIX_FSTFLAGS_ATIM = 0x1,
    WASIX_FSTFLAGS_ATIM_NOW = 0x2,
    WASIX_FSTFLAGS_MTIM = 0x4,
    WASIX_FSTFLAGS_MTIM_NOW = 0x8,
};

/* What a pre-opened descriptor is. */
enum {
    WASIX_PREOPENTYPE_DIR = 0,
};

/* What a file offset counts from. */
enum {
    WASIX_WHENCE_SET = 0,
    WASIX_WHENCE_CUR = 1,
    WASIX_WHENCE_END = 2,
};

/* How a path is resolved. */
enum {
    WASIX_LOOKUPFLAGS_SYMLINK_FOLLOW = 0x1,
};

/* How a path is opened. */
enum {
    WASIX_OFLAGS_CREAT = 0x1,
    WASIX_OFLAGS_DIRECTORY = 0x2,
    WASIX_OFLAGS_EXCL = 0x4,
    WASIX_OFLAGS_TRUNC = 0x8,
};

/* Absolute time: the timeout is a time of that clock, not a duration. */
enum {
    WASIX_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME = 0x1,
};

/* Kind of a subscription and of an event. */
enum {
    WASIX_EVENTTYPE_CLOCK = 0,
    WASIX_EVENTTYPE_FD_READ = 1,
    WASIX_EVENTTYPE_FD_WRITE = 2,
};

/* State of the descriptor of an event; hangup means the peer closed. */
enum {
    WASIX_EVENTRWFLAGS_FD_READWRITE_HANGUP = 0x1,
};

/* Signal numbers, which equal those of Linux. `NONE` only asks whether the target exists. */
enum {
    WASIX_SIGNAL_NONE = 0,
    WASIX_SIGNAL_HUP = 1,
    WASIX_SIGNAL_INT = 2,
    WASIX_SIGNAL_QUIT = 3,
    WASIX_SIGNAL_ILL = 4,
    WASIX_SIGNAL_TRAP = 5,
    WASIX_SIGNAL_ABRT = 6,
    WASIX_SIGNAL_BUS = 7,
    WASIX_SIGNAL_FPE = 8,
    WASIX_SIGNAL_KILL = 9,
    WASIX_SIGNAL_USR1 = 10,
    WASIX_SIGNAL_SEGV = 11,
    WASIX_SIGNAL_USR2 = 12,
    WASIX_SIGNAL_PIPE = 13,
    WASIX_SIGNAL_ALRM = 14,
    WASIX_SIGNAL_TERM = 15,
    WASIX_SIGNAL_STKFLT = 16,
    WASIX_SIGNAL_CHLD = 17,
    WASIX_SIGNAL_CONT = 18,
    WASIX_SIGNAL_STOP = 19,
    WASIX_SIGNAL_TSTP = 20,
    WASIX_SIGNAL_TTIN = 21,
    WASIX_SIGNAL_TTOU = 22,
    WASIX_SIGNAL_URG = 23,
    WASIX_SIGNAL_XCPU = 24,
    WASIX_SIGNAL_XFSZ = 25,
    WASIX_SIGNAL_VTALRM = 26,
    WASIX_SIGNAL_PROF = 27,
    WASIX_SIGNAL_WINCH = 28,
    WASIX_SIGNAL_POLL = 29,
    WASIX_SIGNAL_PWR = 30,
    WASIX_SIGNAL_SYS = 31,
};

/* Tag of an address; equals libc's AF_*. */
enum {
    WASIX_ADDRESS_FAMILY_UNSPEC = 0,
    WASIX_ADDRESS_FAMILY_INET4 = 1,
    WASIX_ADDRESS_FAMILY_INET6 = 2,
    WASIX_ADDRESS_FAMILY_UNIX = 3,
};

/* Flags into a receive. The last two are WASIX additions. */
enum {
    WASIX_RIFLAGS_RECV_PEEK = 0x1,
    WASIX_RIFLAGS_RECV_WAITALL = 0x2,
    WASIX_RIFLAGS_RECV_DATA_TRUNCATED = 0x4,
    WASIX_RIFLAGS_RECV_DONT_WAIT = 0x8,
};

/* Flags out of a receive. */
enum {
    WASIX_ROFLAGS_RECV_DATA_TRUNCATED = 0x1,
};

/* Flags into a send (a WASIX addition; preview1 has none). */
enum {
    WASIX_SIFLAGS_SEND_DONT_WAIT = 0x1,
};

/* Which directions to shut down. */
enum {
    WASIX_SDFLAGS_RD = 0x1,
    WASIX_SDFLAGS_WR = 0x2,
};

/* Flags of an event counter. libc also lets EFD_NONBLOCK (4) through, which the ABI does not define. */
enum {
    WASIX_EVENTFDFLAGS_SEMAPHORE = 0x1,
};

/* Tag of every option record. */
enum {
    WASIX_OPTION_NONE = 0,
    WASIX_OPTION_SOME = 1,
};

/* Flags of a descriptor number, not shared by its duplicates. */
enum {
    WASIX_FDFLAGSEXT_CLOEXEC = 0x1,
};

/* Where a standard stream of a spawned process goes. */
enum {
    WASIX_STDIO_MODE_PIPED = 0,
    WASIX_STDIO_MODE_INHERIT = 1,
    WASIX_STDIO_MODE_NULL = 2,
    WASIX_STDIO_MODE_LOG = 3,
};

/* What one file action of a spawn does. */
enum {
    WASIX_PROC_SPAWN_FD_OP_NAME_CLOSE = 0,
    WASIX_PROC_SPAWN_FD_OP_NAME_DUP2 = 1,
    WASIX_PROC_SPAWN_FD_OP_NAME_OPEN = 2,
    WASIX_PROC_SPAWN_FD_OP_NAME_CHDIR = 3,
    WASIX_PROC_SPAWN_FD_OP_NAME_FCHDIR = 4,
};

/* What an inherited signal does. */
enum {
    WASIX_DISPOSITION_DEFAULT = 0,
    WASIX_DISPOSITION_IGNORE = 1,
};

/* How to wait for a child (libc: WNOHANG, WUNTRACED). */
enum {
    WASIX_JOIN_FLAGS_NON_BLOCKING = 0x1,
    WASIX_JOIN_FLAGS_WAKE_STOPPED = 0x2,
};

/* How a child ended. */
enum {
    WASIX_JOIN_STATUS_TYPE_NOTHING = 0,
    WASIX_JOIN_STATUS_TYPE_EXIT_NORMAL = 1,
    WASIX_JOIN_STATUS_TYPE_EXIT_SIGNAL = 2,
    WASIX_JOIN_STATUS_TYPE_STOPPED = 3,
};

/* Encryption of a bridged network. */
enum {
    WASIX_STREAM_SECURITY_UNENCRYPTED = 0x1,
    WASIX_STREAM_SECURITY_ANY_ENCRYPTION = 0x2,
    WASIX_STREAM_SECURITY_CLASSIC_ENCRYPTION = 0x4,
    WASIX_STREAM_SECURITY_DOUBLE_ENCRYPTION = 0x8,
};

/* Life of a socket as the guest is told. */
enum {
    WASIX_SOCK_STATUS_OPENING = 0,
    WASIX_SOCK_STATUS_OPENED = 1,
    WASIX_SOCK_STATUS_CLOSED = 2,
    WASIX_SOCK_STATUS_FAILED = 3,
};

/* Socket types. */
enum {
    WASIX_SOCK_TYPE_SOCKET_UNUSED = 0,
    WASIX_SOCK_TYPE_SOCKET_STREAM = 1,
    WASIX_SOCK_TYPE_SOCKET_DGRAM = 2,
    WASIX_SOCK_TYPE_SOCKET_RAW = 3,
    WASIX_SOCK_TYPE_SOCKET_SEQPACKET = 4,
};

/* IANA protocol numbers, and MPTCP. */
enum {
    WASIX_SOCK_PROTO_IP = 0,
    WASIX_SOCK_PROTO_ICMP = 1,
    WASIX_SOCK_PROTO_IGMP = 2,
    WASIX_SOCK_PROTO_IPIP = 4,
    WASIX_SOCK_PROTO_TCP = 6,
    WASIX_SOCK_PROTO_EGP = 8,
    WASIX_SOCK_PROTO_PUP = 12,
    WASIX_SOCK_PROTO_UDP = 17,
    WASIX_SOCK_PROTO_IDP = 22,
    WASIX_SOCK_PROTO_PROTO_TP = 29,
    WASIX_SOCK_PROTO_DCCP = 33,
    WASIX_SOCK_PROTO_IPV6 = 41,
    WASIX_SOCK_PROTO_ROUTING = 43,
    WASIX_SOCK_PROTO_FRAGMENT = 44,
    WASIX_SOCK_PROTO_RSVP = 46,
    WASIX_SOCK_PROTO_GRE = 47,
    WASIX_SOCK_PROTO_ESP = 50,
    WASIX_SOCK_PROTO_AH = 51,
    WASIX_SOCK_PROTO_ICMPV6 = 58,
    WASIX_SOCK_PROTO_NONE = 59,
    WASIX_SOCK_PROTO_DSTOPTS = 60,
    WASIX_SOCK_PROTO_MTP = 92,
    WASIX_SOCK_PROTO_BEETPH = 94,
    WASIX_SOCK_PROTO_ENCAP = 98,
    WASIX_SOCK_PROTO_PIM = 103,
    WASIX_SOCK_PROTO_COMP = 108,
    WASIX_SOCK_PROTO_SCTP = 132,
    WASIX_SOCK_PROTO_MH = 135,
    WASIX_SOCK_PROTO_UDPLITE = 136,
    WASIX_SOCK_PROTO_MPLS = 137,
    WASIX_SOCK_PROTO_ETHERNET = 143,
    WASIX_SOCK_PROTO_PROTO_RAW = 255,
    WASIX_SOCK_PROTO_MPTCP = 262,
    WASIX_SOCK_PROTO_MAX = 263,
};

/* Socket options; libc uses the same numbers for its SO_* constants. */
enum {
    WASIX_SOCK_OPTION_NOOP = 0,
    WASIX_SOCK_OPTION_REUSE_PORT = 1,
    WASIX_SOCK_OPTION_REUSE_ADDR = 2,
    WASIX_SOCK_OPTION_NO_DELAY = 3,
    WASIX_SOCK_OPTION_DONT_ROUTE = 4,
    WASIX_SOCK_OPTION_ONLY_V6 = 5,
    WASIX_SOCK_OPTION_BROADCAST = 6,
    WASIX_SOCK_OPTION_MULTICAST_LOOP_V4 = 7,
    WASIX_SOCK_OPTION_MULTICAST_LOOP_V6 = 8,
    WASIX_SOCK_OPTION_PROMISCUOUS = 9,
    WASIX_SOCK_OPTION_LISTENING = 10,
    WASIX_SOCK_OPTION_LAST_ERROR = 11,
    WASIX_SOCK_OPTION_KEEP_ALIVE = 12,
    WASIX_SOCK_OPTION_LINGER = 13,
    WASIX_SOCK_OPTION_OOB_INLINE = 14,
    WASIX_SOCK_OPTION_RECV_BUF_SIZE = 15,
    WASIX_SOCK_OPTION_SEND_BUF_SIZE = 16,
    WASIX_SOCK_OPTION_RECV_LOWAT = 17,
    WASIX_SOCK_OPTION_SEND_LOWAT = 18,
    WASIX_SOCK_OPTION_RECV_TIMEOUT = 19,
    WASIX_SOCK_OPTION_SEND_TIMEOUT = 20,
    WASIX_SOCK_OPTION_CONNECT_TIMEOUT = 21,
    WASIX_SOCK_OPTION_ACCEPT_TIMEOUT = 22,
    WASIX_SOCK_OPTION_TTL = 23,
    WASIX_SOCK_OPTION_MULTICAST_TTL_V4 = 24,
    WASIX_SOCK_OPTION_TYPE = 25,
    WASIX_SOCK_OPTION_PROTO = 26,
};

/* Tag of an address that `resolve` reports. */
enum {
    WASIX_ADDRESS_FAMILY_IP_UNSPEC = 0,
    WASIX_ADDRESS_FAMILY_IP_INET4 = 1,
    WASIX_ADDRESS_FAMILY_IP_INET6 = 2,
};

/* Operations as the ABI numbers them. libc sends Linux's numbers instead: ADD 1, DEL 2, MOD 3. */
enum {
    WASIX_EPOLL_CTL_ADD = 0,
    WASIX_EPOLL_CTL_MOD = 1,
    WASIX_EPOLL_CTL_DEL = 2,
};

/* Event bits. They are not Linux's; libc converts both ways. */
enum {
    WASIX_EPOLL_TYPE_EPOLLIN = 0x1,
    WASIX_EPOLL_TYPE_EPOLLOUT = 0x2,
    WASIX_EPOLL_TYPE_EPOLLRDHUP = 0x4,
    WASIX_EPOLL_TYPE_EPOLLPRI = 0x8,
    WASIX_EPOLL_TYPE_EPOLLERR = 0x10,
    WASIX_EPOLL_TYPE_EPOLLHUP = 0x20,
    WASIX_EPOLL_TYPE_EPOLLET = 0x40,
    WASIX_EPOLL_TYPE_EPOLLONESHOT = 0x80,
};

/* Flags of `dlopen`; equal to libc's RTLD_*, where RTLD_LOCAL is 0. */
enum {
    WASIX_DL_FLAGS_LAZY = 0x1,
    WASIX_DL_FLAGS_NOW = 0x2,
    WASIX_DL_FLAGS_GLOBAL = 0x4,
    WASIX_DL_FLAGS_NOLOAD = 0x8,
    WASIX_DL_FLAGS_NODELETE = 0x10,
    WASIX_DL_FLAGS_DEEPBIND = 0x20,
};

/* Value types of a function signature. */
enum {
    WASIX_WASM_VALUE_TYPE_I32 = 0,
    WASIX_WASM_VALUE_TYPE_I64 = 1,
    WASIX_WASM_VALUE_TYPE_F32 = 2,
    WASIX_WASM_VALUE_TYPE_F64 = 3,
    WASIX_WASM_VALUE_TYPE_V128 = 4,
};

/* What a descriptor is and may do. */
typedef struct {
    uint8_t fs_filetype;
    uint16_t fs_flags;
    uint64_t fs_rights_base;
    uint64_t fs_rights_inheriting;
} wasix_fdstat_t;
_Static_assert(sizeof(wasix_fdstat_t) == 24, "wasix_fdstat_t");

/* What a file is; times are in nanoseconds since 1970. */
typedef struct {
    uint64_t dev;
    uint64_t ino;
    uint8_t filetype;
    uint64_t nlink;
    uint64_t size;
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
} wasix_filestat_t;
_Static_assert(sizeof(wasix_filestat_t) == 64, "wasix_filestat_t");

/* A buffer to read into. */
typedef struct {
    void *buf;
    uint32_t buf_len;
} wasix_iovec_t;
_Static_assert(sizeof(wasix_iovec_t) == 8, "wasix_iovec_t");

/* A pre-opened directory: length of its name without NUL. */
typedef struct {
    uint32_t pr_name_len;
} wasix_prestat_dir_t;
_Static_assert(sizeof(wasix_prestat_dir_t) == 4, "wasix_prestat_dir_t");

/* What is known of a pre-opened descriptor. */
typedef union {
    wasix_prestat_dir_t dir;
} wasix_prestat_u_t;
_Static_assert(sizeof(wasix_prestat_u_t) == 4, "wasix_prestat_u_t");

/* A pre-opened descriptor. */
typedef struct {
    uint8_t tag;
    wasix_prestat_u_t u;
} wasix_prestat_t;
_Static_assert(sizeof(wasix_prestat_t) == 8, "wasix_prestat_t");

/* A buffer to write from. */
typedef struct {
    const void *buf;
    uint32_t buf_len;
} wasix_ciovec_t;
_Static_assert(sizeof(wasix_ciovec_t) == 8, "wasix_ciovec_t");

/* Wait for a time; nanoseconds. */
typedef struct {
    uint32_t id;
    uint64_t timeout;
    uint64_t precision;
    uint16_t flags;
} wasix_subscription_clock_t;
_Static_assert(sizeof(wasix_subscription_clock_t) == 32, "wasix_subscription_clock_t");

/* Wait for a descriptor. */
typedef struct {
    int file_descriptor;
} wasix_subscription_fd_readwrite_t;
_Static_assert(sizeof(wasix_subscription_fd_readwrite_t) == 4, "wasix_subscription_fd_readwrite_t");

/* What a subscription waits for, by its tag. */
typedef union {
    wasix_subscription_clock_t clock;
    wasix_subscription_fd_readwrite_t fd_read;
    wasix_subscription_fd_readwrite_t fd_write;
} wasix_subscription_u_u_t;
_Static_assert(sizeof(wasix_subscription_u_u_t) == 32, "wasix_subscription_u_u_t");

/* Tag (an `EventType`) and payload of a subscription. */
typedef struct {
    uint8_t tag;
    wasix_subscription_u_u_t u;
} wasix_subscription_u_t;
_Static_assert(sizeof(wasix_subscription_u_t) == 40, "wasix_subscription_u_t");

/* One thing to wait for in `poll_oneoff`. */
typedef struct {
    uint64_t userdata;
    wasix_subscription_u_t u;
} wasix_subscription_t;
_Static_assert(sizeof(wasix_subscription_t) == 48, "wasix_subscription_t");

/* The part of an event that tells of a descriptor: bytes to be had, and hangup. */
typedef struct {
    uint64_t nbytes;
    uint16_t flags;
} wasix_event_fd_readwrite_t;
_Static_assert(sizeof(wasix_event_fd_readwrite_t) == 16, "wasix_event_fd_readwrite_t");

/* One result of `poll_oneoff`. */
typedef struct {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    wasix_event_fd_readwrite_t fd_readwrite;
} wasix_event_t;
_Static_assert(sizeof(wasix_event_t) == 32, "wasix_event_t");

/* No address. */
typedef struct {
    uint8_t n0;
} wasix_addr_unspec_t;
_Static_assert(sizeof(wasix_addr_unspec_t) == 1, "wasix_addr_unspec_t");

/* No address, with a port. */
typedef struct {
    uint16_t port;
    wasix_addr_unspec_t addr;
} wasix_addr_unspec_port_t;
_Static_assert(sizeof(wasix_addr_unspec_port_t) == 4, "wasix_addr_unspec_port_t");

/* An IPv4 address. */
typedef struct {
    uint8_t octets[4];
} wasix_addr_ip4_t;
_Static_assert(sizeof(wasix_addr_ip4_t) == 4, "wasix_addr_ip4_t");

/* An IPv4 address and a port. */
typedef struct {
    uint16_t port;
    wasix_addr_ip4_t addr;
} wasix_addr_ip4_port_t;
_Static_assert(sizeof(wasix_addr_ip4_port_t) == 6, "wasix_addr_ip4_port_t");

/* An IPv6 address; flow information and scope are 32-bit numbers, high half first. */
typedef struct {
    _Alignas(2) uint8_t octets[16];
    uint16_t flow_info1;
    uint16_t flow_info0;
    uint16_t scope_id1;
    uint16_t scope_id0;
} wasix_addr_ip6_t;
_Static_assert(sizeof(wasix_addr_ip6_t) == 24, "wasix_addr_ip6_t");

/* An IPv6 address and a port. */
typedef struct {
    uint16_t port;
    wasix_addr_ip6_t addr;
} wasix_addr_ip6_port_t;
_Static_assert(sizeof(wasix_addr_ip6_port_t) == 26, "wasix_addr_ip6_port_t");

/* A path in the file system, NUL-terminated. */
typedef struct {
    uint8_t path[108];
} wasix_addr_unix_t;
_Static_assert(sizeof(wasix_addr_unix_t) == 108, "wasix_addr_unix_t");

/* An address of any family and its port. */
typedef union {
    wasix_addr_unspec_port_t unspec;
    wasix_addr_ip4_port_t inet4;
    wasix_addr_ip6_port_t inet6;
    wasix_addr_unix_t unix;
} wasix_addr_port_u_t;
_Static_assert(sizeof(wasix_addr_port_u_t) == 108, "wasix_addr_port_u_t");

/* An address and a port: 110 bytes since 2023-09. */
typedef struct {
    uint8_t tag;
    wasix_addr_port_u_t u;
} wasix_addr_port_t;
_Static_assert(sizeof(wasix_addr_port_t) == 110, "wasix_addr_port_t");

/* Terminal size in characters and pixels, what is a terminal, and its modes. */
typedef struct {
    uint32_t cols;
    uint32_t rows;
    uint32_t width;
    uint32_t height;
    uint8_t stdin_tty;
    uint8_t stdout_tty;
    uint8_t stderr_tty;
    uint8_t echo;
    uint8_t line_buffered;
    uint8_t line_feeds;
} wasix_tty_t;
_Static_assert(sizeof(wasix_tty_t) == 24, "wasix_tty_t");

/* How libc wants a thread started; the first reserved word is its pthread pointer. */
typedef struct {
    uint32_t stack;
    uint32_t tls_base;
    uint32_t start_funct;
    uint32_t start_args;
    _Alignas(4) uint8_t reserved[40];
    uint32_t stack_size;
    uint32_t guard_size;
} wasix_thread_start_t;
_Static_assert(sizeof(wasix_thread_start_t) == 64, "wasix_thread_start_t");

/* Nanoseconds or nothing. */
typedef struct {
    uint8_t tag;
    uint64_t value;
} wasix_option_timestamp_t;
_Static_assert(sizeof(wasix_option_timestamp_t) == 16, "wasix_option_timestamp_t");

/* A 128-bit key. */
typedef struct {
    uint64_t b0;
    uint64_t b1;
} wasix_hash_t;
_Static_assert(sizeof(wasix_hash_t) == 16, "wasix_hash_t");

/* A captured call stack, opaque to the guest; never more than these 24 bytes are the host's to write. */
typedef struct {
    uint64_t user;
    wasix_hash_t hash;
} wasix_stack_snapshot_t;
_Static_assert(sizeof(wasix_stack_snapshot_t) == 24, "wasix_stack_snapshot_t");

/* A descriptor or nothing. */
typedef struct {
    uint8_t tag;
    int value;
} wasix_option_fd_t;
_Static_assert(sizeof(wasix_option_fd_t) == 8, "wasix_option_fd_t");

/* A process made by `proc_spawn` and this side of its pipes. */
typedef struct {
    int pid;
    wasix_option_fd_t stdin;
    wasix_option_fd_t stdout;
    wasix_option_fd_t stderr;
} wasix_process_handles_t;
_Static_assert(sizeof(wasix_process_handles_t) == 28, "wasix_process_handles_t");

/* One file action of `proc_spawn2`; the path is not NUL-terminated. */
typedef struct {
    uint8_t cmd;
    int fd;
    int src_fd;
    const void *path;
    uint32_t path_len;
    uint32_t dirflags;
    uint16_t oflags;
    uint64_t fs_rights_base;
    uint64_t fs_rights_inheriting;
    uint16_t fdflags;
    uint16_t fdflagsext;
} wasix_proc_spawn_fd_op_t;
_Static_assert(sizeof(wasix_proc_spawn_fd_op_t) == 56, "wasix_proc_spawn_fd_op_t");

/* What one signal does in a new process. */
typedef struct {
    uint8_t sig;
    uint8_t disp;
} wasix_signal_disposition_t;
_Static_assert(sizeof(wasix_signal_disposition_t) == 2, "wasix_signal_disposition_t");

/* A process or nothing. */
typedef struct {
    uint8_t tag;
    int value;
} wasix_option_pid_t;
_Static_assert(sizeof(wasix_option_pid_t) == 8, "wasix_option_pid_t");

/* Exit code of a process that ended by itself. */
typedef struct {
    uint16_t exit_code;
} wasix_exit_normal_t;
_Static_assert(sizeof(wasix_exit_normal_t) == 2, "wasix_exit_normal_t");

/* Exit code and signal of a process that a signal ended. */
typedef struct {
    uint16_t exit_code;
    uint8_t signal;
} wasix_errno_signal_t;
_Static_assert(sizeof(wasix_errno_signal_t) == 4, "wasix_errno_signal_t");

/* The signal that stopped a process. */
typedef struct {
    uint8_t signal;
} wasix_stopped_by_t;
_Static_assert(sizeof(wasix_stopped_by_t) == 1, "wasix_stopped_by_t");

/* How a child ended, by the tag of its `JoinStatus`. */
typedef union {
    wasix_exit_normal_t exit_normal;
    wasix_errno_signal_t exit_signal;
    wasix_stopped_by_t stopped;
} wasix_join_status_u_t;
_Static_assert(sizeof(wasix_join_status_u_t) == 4, "wasix_join_status_u_t");

/* How a child ended. */
typedef struct {
    uint8_t tag;
    wasix_join_status_u_t u;
} wasix_join_status_t;
_Static_assert(sizeof(wasix_join_status_t) == 6, "wasix_join_status_t");

/* No address, with a prefix length. */
typedef struct {
    wasix_addr_unspec_t addr;
    uint8_t prefix;
} wasix_addr_unspec_cidr_t;
_Static_assert(sizeof(wasix_addr_unspec_cidr_t) == 2, "wasix_addr_unspec_cidr_t");

/* An IPv4 address and a prefix length. */
typedef struct {
    wasix_addr_ip4_t addr;
    uint8_t prefix;
} wasix_addr_ip4_cidr_t;
_Static_assert(sizeof(wasix_addr_ip4_cidr_t) == 5, "wasix_addr_ip4_cidr_t");

/* An IPv6 address and a prefix length. */
typedef struct {
    wasix_addr_ip6_t addr;
    uint8_t prefix;
} wasix_addr_ip6_cidr_t;
_Static_assert(sizeof(wasix_addr_ip6_cidr_t) == 26, "wasix_addr_ip6_cidr_t");

/* Unix addresses have no prefix. */
typedef struct {
    uint8_t unused;
} wasix_addr_unix_cidr_t;
_Static_assert(sizeof(wasix_addr_unix_cidr_t) == 1, "wasix_addr_unix_cidr_t");

/* An address of any family and its prefix length. */
typedef union {
    wasix_addr_unspec_cidr_t unspec;
    wasix_addr_ip4_cidr_t inet4;
    wasix_addr_ip6_cidr_t inet6;
    wasix_addr_unix_cidr_t unix;
} wasix_addr_cidr_u_t;
_Static_assert(sizeof(wasix_addr_cidr_u_t) == 26, "wasix_addr_cidr_u_t");

/* An address and a prefix length. */
typedef struct {
    uint8_t tag;
    wasix_addr_cidr_u_t u;
} wasix_addr_cidr_t;
_Static_assert(sizeof(wasix_addr_cidr_t) == 28, "wasix_addr_cidr_t");

/* An address of any family. */
typedef union {
    wasix_addr_unspec_t unspec;
    wasix_addr_ip4_t inet4;
    wasix_addr_ip6_t inet6;
    wasix_addr_unix_t unix;
} wasix_addr_u_t;
_Static_assert(sizeof(wasix_addr_u_t) == 108, "wasix_addr_u_t");

/* An address without a port. */
typedef struct {
    uint8_t tag;
    wasix_addr_u_t u;
} wasix_addr_t;
_Static_assert(sizeof(wasix_addr_t) == 110, "wasix_addr_t");

/* A MAC address. */
typedef struct {
    uint8_t octets[6];
} wasix_hardware_address_t;
_Static_assert(sizeof(wasix_hardware_address_t) == 6, "wasix_hardware_address_t");

/* A route of the guest's network. */
typedef struct {
    wasix_addr_cidr_t cidr;
    wasix_addr_t via_router;
    wasix_option_timestamp_t preferred_until;
    wasix_option_timestamp_t expires_at;
} wasix_route_t;
_Static_assert(sizeof(wasix_route_t) == 176, "wasix_route_t");

/* An IPv6 address alone. */
typedef struct {
    _Alignas(2) uint8_t octets[16];
} wasix_addr_ip6_bare_t;
_Static_assert(sizeof(wasix_addr_ip6_bare_t) == 16, "wasix_addr_ip6_bare_t");

/* An IP address. */
typedef union {
    wasix_addr_unspec_t unspec;
    wasix_addr_ip4_t inet4;
    wasix_addr_ip6_bare_t inet6;
} wasix_addr_ip_u_t;
_Static_assert(sizeof(wasix_addr_ip_u_t) == 16, "wasix_addr_ip_u_t");

/* One of the addresses that `resolve` reports, 18 bytes in every generation. */
typedef struct {
    uint8_t tag;
    wasix_addr_ip_u_t u;
} wasix_addr_ip_t;
_Static_assert(sizeof(wasix_addr_ip_t) == 18, "wasix_addr_ip_t");

/* What a guest gave to be handed back with an event; all four words come back unchanged. */
typedef struct {
    uint32_t ptr;
    int fd;
    uint32_t data1;
    uint64_t data2;
} wasix_epoll_data_t;
_Static_assert(sizeof(wasix_epoll_data_t) == 24, "wasix_epoll_data_t");

/* Events asked for or reported, and the guest's data. */
typedef struct {
    uint32_t events;
    wasix_epoll_data_t data;
} wasix_epoll_event_t;
_Static_assert(sizeof(wasix_epoll_event_t) == 32, "wasix_epoll_event_t");

/* How many parameters and results a function has, and whether that may be remembered. */
typedef struct {
    uint8_t cacheable;
    uint16_t arguments;
    uint16_t results;
} wasix_reflection_result_t;
_Static_assert(sizeof(wasix_reflection_result_t) == 6, "wasix_reflection_result_t");

/* Copy the arguments: a table of pointers and one buffer of NUL-terminated strings. */
WASIX_IMPORT("wasi_snapshot_preview1", "args_get")
extern int wasix_args_get(uint32_t *argv, void *argv_buf);

/* Tell how many arguments there are and how many bytes they take. */
WASIX_IMPORT("wasi_snapshot_preview1", "args_sizes_get")
extern int wasix_args_sizes_get(uint32_t *argc, uint32_t *argv_buf_size);

/* Copy the environment, as KEY=VALUE strings laid out like the arguments. */
WASIX_IMPORT("wasi_snapshot_preview1", "environ_get")
extern int wasix_environ_get(uint32_t *environ, void *environ_buf);

/* Tell how many variables there are and how many bytes they take. */
WASIX_IMPORT("wasi_snapshot_preview1", "environ_sizes_get")
extern int wasix_environ_sizes_get(uint32_t *environ_count, uint32_t *environ_buf_size);

/* Tell the resolution of a clock in ns. */
WASIX_IMPORT("wasi_snapshot_preview1", "clock_res_get")
extern int wasix_clock_res_get(uint32_t id, uint64_t *resolution);

/* Tell the time of a clock in ns; the precision asked for is always met. */
WASIX_IMPORT("wasi_snapshot_preview1", "clock_time_get")
extern int wasix_clock_time_get(uint32_t id, uint64_t precision, uint64_t *time);

/* Say how a part of a file will be read. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_advise")
extern int wasix_fd_advise(int fd, uint64_t offset, uint64_t len, uint8_t advice);

/* Make sure that there is room for a part of a file, in bytes, which grows as needed. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_allocate")
extern int wasix_fd_allocate(int fd, uint64_t offset, uint64_t len);

/* Close a descriptor; a thread that waits on it gets BADF. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_close")
extern int wasix_fd_close(int fd);

/* Return when the data that was written to a file can be read back from its disk. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_datasync")
extern int wasix_fd_datasync(int fd);

/* Tell type, flags and rights of a descriptor. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_fdstat_get")
extern int wasix_fd_fdstat_get(int fd, wasix_fdstat_t *buf_ptr);

/* Set the status flags of the open file, which all copies of the descriptor share. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_flags")
extern int wasix_fd_fdstat_set_flags(int fd, uint16_t flags);

/* Give rights of a descriptor up; what is given up does not come back. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_rights")
extern int wasix_fd_fdstat_set_rights(int fd, uint64_t fs_rights_base, uint64_t fs_rights_inheriting);

/* Tell what stat tells: device, inode, type, links, size in bytes, times in ns. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_filestat_get")
extern int wasix_fd_filestat_get(int fd, wasix_filestat_t *buf);

/* Cut a file to so many bytes, or let it grow with zeros. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_filestat_set_size")
extern int wasix_fd_filestat_set_size(int fd, uint64_t size);

/* Set the time stamps of an open file, in ns. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_filestat_set_times")
extern int wasix_fd_filestat_set_times(int fd, uint64_t atim, uint64_t mtim, uint16_t fst_flags);

/* Read from an offset in bytes; the position stays where it is. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_pread")
extern int wasix_fd_pread(int fd, const wasix_iovec_t *iovs, uint32_t iovs_len, uint64_t offset, uint32_t *nread);

/* Tell about a directory that was open from the start. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_prestat_get")
extern int wasix_fd_prestat_get(int fd, wasix_prestat_t *buf);

/* Copy the name of a directory that was open from the start, without NUL. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_prestat_dir_name")
extern int wasix_fd_prestat_dir_name(int fd, void *path, uint32_t path_len);

/* Write at an offset in bytes; the position stays where it is. With APPEND to the end, as on Linux. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_pwrite")
extern int wasix_fd_pwrite(int fd, const wasix_ciovec_t *iovs, uint32_t iovs_len, uint64_t offset, uint32_t *nwritten);

/* Read into buffers; 0 bytes is the end of the file. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_read")
extern int wasix_fd_read(int fd, const wasix_iovec_t *iovs, uint32_t iovs_len, uint32_t *nread);

/* List a directory from a cookie on: entries of 24 bytes, each followed by its name; the last one may be cut. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_readdir")
extern int wasix_fd_readdir(int fd, void *buf, uint32_t buf_len, uint64_t cookie, uint32_t *bufused);

/* Move a descriptor to another number, closing what is there; WASIX guests keep the old one too (dup2). */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_renumber")
extern int wasix_fd_renumber(int fd, int to);

/* Move the position of a file, in bytes, and tell where it is. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_seek")
extern int wasix_fd_seek(int fd, int64_t offset, uint8_t whence, uint64_t *newoffset);

/* Return when everything that was written to a file is on its disk. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_sync")
extern int wasix_fd_sync(int fd);

/* Tell the position of a file in bytes. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_tell")
extern int wasix_fd_tell(int fd, uint64_t *offset);

/* Write from buffers; a blocking stream takes all of it. */
WASIX_IMPORT("wasi_snapshot_preview1", "fd_write")
extern int wasix_fd_write(int fd, const wasix_ciovec_t *iovs, uint32_t iovs_len, uint32_t *nwritten);

/* Make a directory. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_create_directory")
extern int wasix_path_create_directory(int fd, const char *path, uint32_t path_len);

/* Tell what stat tells of what a path names; without SYMLINK_FOLLOW, of a link itself. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_filestat_get")
extern int wasix_path_filestat_get(int fd, uint32_t flags, const char *path, uint32_t path_len, wasix_filestat_t *buf);

/* Set the time stamps of what a path names, in ns; without SYMLINK_FOLLOW, of a link itself. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_filestat_set_times")
extern int wasix_path_filestat_set_times(int fd, uint32_t flags, const char *path, uint32_t path_len, uint64_t atim, uint64_t mtim, uint16_t fst_flags);

/* Give a file one more name; of a symbolic link, the link itself without SYMLINK_FOLLOW. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_link")
extern int wasix_path_link(int old_fd, uint32_t old_flags, const char *old_path, uint32_t old_path_len, int new_fd, const char *new_path, uint32_t new_path_len);

/* Open the file or directory that a path names, below a directory. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_open")
extern int wasix_path_open(int fd, uint32_t dirflags, const char *path, uint32_t path_len, uint16_t oflags, uint64_t fs_rights_base, uint64_t fs_rights_inheriting, uint16_t fdflags, int *ret_fd);

/* Tell where a symbolic link points: as many bytes as fit, without NUL. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_readlink")
extern int wasix_path_readlink(int fd, const char *path, uint32_t path_len, void *buf, uint32_t buf_len, uint32_t *buf_used);

/* Remove an empty directory. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_remove_directory")
extern int wasix_path_remove_directory(int fd, const char *path, uint32_t path_len);

/* Give a file or directory another name, in place of what has that name. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_rename")
extern int wasix_path_rename(int fd, const char *old_path, uint32_t old_path_len, int new_fd, const char *new_path, uint32_t new_path_len);

/* Make a symbolic link that says `old_path`, which nobody looks at now. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_symlink")
extern int wasix_path_symlink(const char *old_path, uint32_t old_path_len, int fd, const char *new_path, uint32_t new_path_len);

/* Take a name from a file, a symbolic link or a Unix socket; what is open stays usable. */
WASIX_IMPORT("wasi_snapshot_preview1", "path_unlink_file")
extern int wasix_path_unlink_file(int fd, const char *path, uint32_t path_len);

/* Wait until a clock or a descriptor of a list is ready; signal handlers run meanwhile. */
WASIX_IMPORT("wasi_snapshot_preview1", "poll_oneoff")
extern int wasix_poll_oneoff(const wasix_subscription_t *in, wasix_event_t *out, uint32_t nsubscriptions, uint32_t *nevents);

/* End the process with an exit code, from any thread. */
WASIX_IMPORT("wasi_snapshot_preview1", "proc_exit")
extern _Noreturn void wasix_proc_exit(uint32_t rval);

/* Send a signal to the calling thread, whose handler has run when this returns (POSIX raise). */
WASIX_IMPORT("wasi_snapshot_preview1", "proc_raise")
extern int wasix_proc_raise(uint8_t sig);

/* Let other threads run. */
WASIX_IMPORT("wasi_snapshot_preview1", "sched_yield")
extern int wasix_sched_yield(void);

/* Fill a buffer with random bytes of cryptographic quality. */
WASIX_IMPORT("wasi_snapshot_preview1", "random_get")
extern int wasix_random_get(void *buf, uint32_t buf_len);

/* Take a waiting connection, without its peer's address. */
WASIX_IMPORT("wasi_snapshot_preview1", "sock_accept")
extern int wasix_sock_accept(int fd, uint16_t flags, int *ro_fd);

/* Take a waiting connection: sock_accept_v2 under its name of 2022. */
WASIX_IMPORT("wasix_32v1", "sock_accept")
extern int wasix_sock_accept_peer(int fd, uint16_t flags, int *ro_fd, wasix_addr_port_t *ro_addr);

/* Receive into buffers; 0 bytes says that the peer has finished, or that a datagram is empty. */
WASIX_IMPORT("wasi_snapshot_preview1", "sock_recv")
extern int wasix_sock_recv(int fd, const wasix_iovec_t *ri_data, uint32_t ri_data_len, uint16_t ri_flags, uint32_t *ro_data_len, uint16_t *ro_flags);

/* Send from buffers; a blocking stream sends all of it, a datagram goes as one. Never raises SIGPIPE. */
WASIX_IMPORT("wasi_snapshot_preview1", "sock_send")
extern int wasix_sock_send(int fd, const wasix_ciovec_t *si_data, uint32_t si_data_len, uint16_t si_flags, uint32_t *ret_data_len);

/* Close one or both directions of a connection. */
WASIX_IMPORT("wasi_snapshot_preview1", "sock_shutdown")
extern int wasix_sock_shutdown(int fd, uint8_t how);

/* a guest cannot set a clock */
WASIX_IMPORT("wasix_32v1", "clock_time_set")
extern int wasix_clock_time_set(uint32_t id, uint64_t timestamp);

/* Make another descriptor of the same file, with the lowest free number. */
WASIX_IMPORT("wasix_32v1", "fd_dup")
extern int wasix_fd_dup(int fd, int *ret_fd);

/* Make another descriptor of the same file, with the lowest free number from a minimum on (F_DUPFD). */
WASIX_IMPORT("wasix_32v1", "fd_dup2")
extern int wasix_fd_dup2(int fd, int min_result_fd, uint8_t cloexec, int *ret_fd);

/* Make an event counter (eventfd): 8 bytes that are written are added, a read takes them all, or 1 (semaphore). */
WASIX_IMPORT("wasix_32v1", "fd_event")
extern int wasix_fd_event(uint64_t initial_val, uint16_t flags, int *ret_fd);

/* Make a pipe: what is written to the second descriptor is read from the first. */
WASIX_IMPORT("wasix_32v1", "fd_pipe")
extern int wasix_fd_pipe(int *ro_read_fd, int *ro_write_fd);

/* Tell size and modes of the terminal, and which standard streams are terminals. */
WASIX_IMPORT("wasix_32v1", "tty_get")
extern int wasix_tty_get(wasix_tty_t *state);

/* Set modes and size of the terminal, for the time of the program. */
WASIX_IMPORT("wasix_32v1", "tty_set")
extern int wasix_tty_set(const wasix_tty_t *state);

/* Tell the working directory with a NUL behind it; `path_len` is the room first and the length without NUL then. */
WASIX_IMPORT("wasix_32v1", "getcwd")
extern int wasix_getcwd(void *path, uint32_t *path_len);

/* Change the working directory. */
WASIX_IMPORT("wasix_32v1", "chdir")
extern int wasix_chdir(const char *path, uint32_t path_len);

/* Name the exported (i32)->() function that handles signals; an unknown name lets them wait. */
WASIX_IMPORT("wasix_32v1", "callback_signal")
extern void wasix_callback_signal(const char *callback, uint32_t callback_len);

/* Start a thread that calls the guest's export `wasi_thread_start(tid, args)`. */
WASIX_IMPORT("wasix_32v1", "thread_spawn_v2")
extern int wasix_thread_spawn_v2(const wasix_thread_start_t *args, int *ret_tid);

/* Sleep for a time in ns. */
WASIX_IMPORT("wasix_32v1", "thread_sleep")
extern int wasix_thread_sleep(uint64_t duration);

/* Tell the caller's thread id; in the main thread that is the process id. */
WASIX_IMPORT("wasix_32v1", "thread_id")
extern int wasix_thread_id(int *ret_tid);

/* Wait until a thread of this process has ended; one that ended before is no error. */
WASIX_IMPORT("wasix_32v1", "thread_join")
extern int wasix_thread_join(int tid);

/* Tell how many threads can usefully run at once. */
WASIX_IMPORT("wasix_32v1", "thread_parallelism")
extern int wasix_thread_parallelism(uint32_t *ret_parallelism);

/* Send a signal to one thread of the calling process; 0 only asks whether it is there. */
WASIX_IMPORT("wasix_32v1", "thread_signal")
extern int wasix_thread_signal(int tid, uint8_t signal);

/* Sleep while a word holds a value; `ret_woken` is 0 only when the time is over. */
WASIX_IMPORT("wasix_32v1", "futex_wait")
extern int wasix_futex_wait(const uint32_t *futex, uint32_t expected, const wasix_option_timestamp_t *timeout, uint8_t *ret_woken);

/* Wake the thread that has slept longest on a word; `ret_woken` tells whether there was one. */
WASIX_IMPORT("wasix_32v1", "futex_wake")
extern int wasix_futex_wake(const uint32_t *futex, uint8_t *ret_woken);

/* Wake every thread that sleeps on a word; `ret_woken` tells whether there was one. */
WASIX_IMPORT("wasix_32v1", "futex_wake_all")
extern int wasix_futex_wake_all(const uint32_t *futex, uint8_t *ret_woken);

/* End the calling thread; the process goes on while it has another one. */
WASIX_IMPORT("wasix_32v1", "thread_exit")
extern _Noreturn void wasix_thread_exit(uint32_t rval);

/* Note the call stack of now; `ret_val` is 0, and each time that stack_restore comes back here its value. */
WASIX_IMPORT("wasix_32v1", "stack_checkpoint")
extern int wasix_stack_checkpoint(wasix_stack_snapshot_t *snapshot, uint64_t *ret_val);

/* Go back to where a checkpoint was taken; the guest's memory stays as it is. */
WASIX_IMPORT("wasix_32v1", "stack_restore")
extern _Noreturn void wasix_stack_restore(const wasix_stack_snapshot_t *snapshot, uint64_t val);

/* Open what a path names, and say whether the descriptor is closed on exec. */
WASIX_IMPORT("wasix_32v1", "path_open2")
extern int wasix_path_open2(int fd, uint32_t dirflags, const char *path, uint32_t path_len, uint16_t oflags, uint64_t fs_rights_base, uint64_t fs_rights_inheriting, uint16_t fdflags, uint16_t fdflagsext, int *ret_fd);

/* Tell whether a descriptor is closed on exec. */
WASIX_IMPORT("wasix_32v1", "fd_fdflags_get")
extern int wasix_fd_fdflags_get(int fd, uint16_t *buf_ptr);

/* Say whether a descriptor is closed on exec; other descriptors of its file are not touched. */
WASIX_IMPORT("wasix_32v1", "fd_fdflags_set")
extern int wasix_fd_fdflags_set(int fd, uint16_t flags);

/* Send the calling process a signal after a time in ns, or after each such time; 0 takes it back. */
WASIX_IMPORT("wasix_32v1", "proc_raise_interval")
extern int wasix_proc_raise_interval(uint8_t sig, uint64_t interval, uint8_t repeat);

/* Make a copy of the process, which goes on here with 0 in `pid_ptr`; the parent gets the child's pid. */
WASIX_IMPORT("wasix_32v1", "proc_fork")
extern int wasix_proc_fork(uint8_t copy_memory, int *pid_ptr);

/* Make a child that runs in the caller's place; both find the child's pid in `child_pid_ptr`. */
WASIX_IMPORT("wasix_32v1", "proc_fork_env")
extern int wasix_proc_fork_env(int *child_pid_ptr);

/* End the process. It returns to the parent of a child made by proc_fork_env. */
WASIX_IMPORT("wasix_32v1", "proc_exit2")
extern void wasix_proc_exit2(uint32_t rval);

/* Run another program in this process; if it cannot be run, end with 127 or 126, as a shell says so. */
WASIX_IMPORT("wasix_32v1", "proc_exec")
extern _Noreturn void wasix_proc_exec(const char *name, uint32_t name_len, const char *args, uint32_t args_len);

/* Run another program in this process, with another environment. */
WASIX_IMPORT("wasix_32v1", "proc_exec2")
extern _Noreturn void wasix_proc_exec2(const char *name, uint32_t name_len, const char *args, uint32_t args_len, const char *envs, uint32_t envs_len);

/* Run another program in this process. It returns to the parent of a child made by proc_fork_env. */
WASIX_IMPORT("wasix_32v1", "proc_exec3")
extern int wasix_proc_exec3(const char *name, uint32_t name_len, const char *args, uint32_t args_len, const char *envs, uint32_t envs_len, uint8_t search_path, const char *path, uint32_t path_len);

/* Run a program in a new process, and give the caller ends of the pipes that it wants to its standard streams. */
WASIX_IMPORT("wasix_32v1", "proc_spawn")
extern int wasix_proc_spawn(const char *name, uint32_t name_len, uint8_t chroot, const char *args, uint32_t args_len, const char *preopen, uint32_t preopen_len, uint8_t stdin, uint8_t stdout, uint8_t stderr, const char *working_dir, uint32_t working_dir_len, wasix_process_handles_t *ret_handles);

/* Run a program in a new process, after file actions in it (posix_spawn). */
WASIX_IMPORT("wasix_32v1", "proc_spawn2")
extern int wasix_proc_spawn2(const char *name, uint32_t name_len, const char *args, uint32_t args_len, const char *envs, uint32_t envs_len, const wasix_proc_spawn_fd_op_t *fd_ops, uint32_t fd_ops_len, const wasix_signal_disposition_t *signal_dispositions, uint32_t signal_dispositions_len, uint8_t search_path, const char *path, uint32_t path_len, int *ret);

/* Tell the caller's process id: the kernel's own number, no OS process has it. */
WASIX_IMPORT("wasix_32v1", "proc_id")
extern int wasix_proc_id(int *ret_pid);

/* Tell the parent of a process; 0 for a program that was not started by a guest. */
WASIX_IMPORT("wasix_32v1", "proc_parent")
extern int wasix_proc_parent(int pid, int *ret_parent);

/* Wait for the end of a child, a certain one or any; without waiting, one that still runs is told as pid 0. */
WASIX_IMPORT("wasix_32v1", "proc_join")
extern int wasix_proc_join(wasix_option_pid_t *pid, uint32_t flags, wasix_join_status_t *status_ptr);

/* Send a signal to a process of the same program, or to all of them. */
WASIX_IMPORT("wasix_32v1", "proc_signal")
extern int wasix_proc_signal(int pid, uint8_t signal);

/* Copy the (signal, disposition) pairs the process was started with. */
WASIX_IMPORT("wasix_32v1", "proc_signals_get")
extern int wasix_proc_signals_get(void *buf);

/* Tell how many signal dispositions the process was started with. */
WASIX_IMPORT("wasix_32v1", "proc_signals_sizes_get")
extern int wasix_proc_signals_sizes_get(uint32_t *signal_count);

/* snapshots of a guest are not supported */
WASIX_IMPORT("wasix_32v1", "proc_snapshot")
extern int wasix_proc_snapshot(void);

/* Join a network of Wasmer's. */
WASIX_IMPORT("wasix_32v1", "port_bridge")
extern int wasix_port_bridge(const char *network, uint32_t network_len, const char *token, uint32_t token_len, uint8_t security);

/* Leave a network that was joined. */
WASIX_IMPORT("wasix_32v1", "port_unbridge")
extern int wasix_port_unbridge(void);

/* Have the addresses assigned that the network has for this program. */
WASIX_IMPORT("wasix_32v1", "port_dhcp_acquire")
extern int wasix_port_dhcp_acquire(void);

/* Take an address; a virtual network has those of its subnets only. */
WASIX_IMPORT("wasix_32v1", "port_addr_add")
extern int wasix_port_addr_add(const wasix_addr_cidr_t *addr);

/* Give an address up. Sockets stay bound to it and hear nothing more. */
WASIX_IMPORT("wasix_32v1", "port_addr_remove")
extern int wasix_port_addr_remove(const wasix_addr_t *addr);

/* Give every address up. */
WASIX_IMPORT("wasix_32v1", "port_addr_clear")
extern int wasix_port_addr_clear(void);

/* Tell the hardware address; on the host, that of the interface with the default route. */
WASIX_IMPORT("wasix_32v1", "port_mac")
extern int wasix_port_mac(wasix_hardware_address_t *ret_mac);

/* List the addresses with their prefixes; the loopback interface's are not among them. */
WASIX_IMPORT("wasix_32v1", "port_addr_list")
extern int wasix_port_addr_list(wasix_addr_cidr_t *addrs, uint32_t *naddrs);

/* Set the router for what has no other way, in place of the one before. */
WASIX_IMPORT("wasix_32v1", "port_gateway_set")
extern int wasix_port_gateway_set(const wasix_addr_t *addr);

/* Add a way to a range of addresses, through a router or, with an UNSPEC one, directly. */
WASIX_IMPORT("wasix_32v1", "port_route_add")
extern int wasix_port_route_add(const wasix_addr_cidr_t *cidr, const wasix_addr_t *via_router, const wasix_option_timestamp_t *preferred_until, const wasix_option_timestamp_t *expires_at);

/* Forget the ways to ranges that begin at an address. */
WASIX_IMPORT("wasix_32v1", "port_route_remove")
extern int wasix_port_route_remove(const wasix_addr_t *cidr);

/* Forget every way, also those to the subnets. */
WASIX_IMPORT("wasix_32v1", "port_route_clear")
extern int wasix_port_route_clear(void);

/* List the ways to other hosts; what is reached directly is via UNSPEC. */
WASIX_IMPORT("wasix_32v1", "port_route_list")
extern int wasix_port_route_list(wasix_route_t *routes, uint32_t *nroutes);

/* Tell where a socket is in its life: opening, opened, closed (both directions shut) or failed. */
WASIX_IMPORT("wasix_32v1", "sock_status")
extern int wasix_sock_status(int fd, uint8_t *ret_status);

/* Tell the local address and port. */
WASIX_IMPORT("wasix_32v1", "sock_addr_local")
extern int wasix_sock_addr_local(int fd, wasix_addr_port_t *ret_addr);

/* Tell the peer's address and port. */
WASIX_IMPORT("wasix_32v1", "sock_addr_peer")
extern int wasix_sock_addr_peer(int fd, wasix_addr_port_t *ro_addr);

/* Open a socket. */
WASIX_IMPORT("wasix_32v1", "sock_open")
extern int wasix_sock_open(uint8_t af, uint8_t socktype, uint16_t sock_proto, int *ro_sock);

/* Open two Unix sockets that are connected to each other: socketpair(2). They need no network. */
WASIX_IMPORT("wasix_32v1", "sock_pair")
extern int wasix_sock_pair(uint8_t af, uint8_t socktype, uint16_t sock_proto, int *ro_sock1, int *ro_sock2);

/* Switch an option on (anything but 0) or off. */
WASIX_IMPORT("wasix_32v1", "sock_set_opt_flag")
extern int wasix_sock_set_opt_flag(int fd, uint8_t sockopt, uint8_t flag);

/* Tell whether an option is on; LISTENING tells whether the socket listens. */
WASIX_IMPORT("wasix_32v1", "sock_get_opt_flag")
extern int wasix_sock_get_opt_flag(int fd, uint8_t sockopt, uint8_t *ret_flag);

/* Set a time in ns; none, and 0 for the timeouts, means for ever. LINGER counts in whole seconds. */
WASIX_IMPORT("wasix_32v1", "sock_set_opt_time")
extern int wasix_sock_set_opt_time(int fd, uint8_t sockopt, const wasix_option_timestamp_t *timeout);

/* Tell a time in ns, none for no limit. */
WASIX_IMPORT("wasix_32v1", "sock_get_opt_time")
extern int wasix_sock_get_opt_time(int fd, uint8_t sockopt, wasix_option_timestamp_t *ret_time);

/* Set a number: buffer sizes in bytes (Linux keeps twice as much), time to live in hops, -1 for the default. */
WASIX_IMPORT("wasix_32v1", "sock_set_opt_size")
extern int wasix_sock_set_opt_size(int fd, uint8_t sockopt, uint64_t size);

/* Tell a number: buffer sizes in bytes, hops, TYPE, PROTO, or the pending error (LAST_ERROR). */
WASIX_IMPORT("wasix_32v1", "sock_get_opt_size")
extern int wasix_sock_get_opt_size(int fd, uint8_t sockopt, uint64_t *ret_size);

/* Join an IPv4 group on the interface that has an address; 0.0.0.0 lets the network choose. */
WASIX_IMPORT("wasix_32v1", "sock_join_multicast_v4")
extern int wasix_sock_join_multicast_v4(int fd, const wasix_addr_ip4_t *multiaddr, const wasix_addr_ip4_t *interface);

/* Leave an IPv4 group. */
WASIX_IMPORT("wasix_32v1", "sock_leave_multicast_v4")
extern int wasix_sock_leave_multicast_v4(int fd, const wasix_addr_ip4_t *multiaddr, const wasix_addr_ip4_t *interface);

/* Join an IPv6 group on the interface of an index; 0 lets the network choose. */
WASIX_IMPORT("wasix_32v1", "sock_join_multicast_v6")
extern int wasix_sock_join_multicast_v6(int fd, const wasix_addr_ip6_t *multiaddr, uint32_t interface);

/* Leave an IPv6 group. */
WASIX_IMPORT("wasix_32v1", "sock_leave_multicast_v6")
extern int wasix_sock_leave_multicast_v6(int fd, const wasix_addr_ip6_t *multiaddr, uint32_t interface);

/* Give a socket its local address and port. */
WASIX_IMPORT("wasix_32v1", "sock_bind")
extern int wasix_sock_bind(int fd, const wasix_addr_port_t *addr);

/* Start to listen; `backlog` connections may wait to be accepted. */
WASIX_IMPORT("wasix_32v1", "sock_listen")
extern int wasix_sock_listen(int fd, uint32_t backlog);

/* Take a waiting connection; tell its new descriptor and the peer's address and port. */
WASIX_IMPORT("wasix_32v1", "sock_accept_v2")
extern int wasix_sock_accept_v2(int sock, uint16_t fd_flags, int *ro_fd, wasix_addr_port_t *ro_addr);

/* Connect to a peer; a datagram socket only hears that one then, until it gets an address without a family. */
WASIX_IMPORT("wasix_32v1", "sock_connect")
extern int wasix_sock_connect(int fd, const wasix_addr_port_t *addr);

/* Receive into buffers and tell who sent it; a TCP connection tells an address of no family, as Linux does. */
WASIX_IMPORT("wasix_32v1", "sock_recv_from")
extern int wasix_sock_recv_from(int fd, const wasix_iovec_t *ri_data, uint32_t ri_data_len, uint16_t ri_flags, uint32_t *ro_data_len, uint16_t *ro_flags, wasix_addr_port_t *ro_addr);

/* Send one datagram to an address; the socket gets a free port if it has none. */
WASIX_IMPORT("wasix_32v1", "sock_send_to")
extern int wasix_sock_send_to(int fd, const wasix_ciovec_t *si_data, uint32_t si_data_len, uint16_t si_flags, const wasix_addr_port_t *addr, uint32_t *ret_data_len);

/* Send bytes of a file from an offset on, whose own position stays; the end of the file ends it. */
WASIX_IMPORT("wasix_32v1", "sock_send_file")
extern int wasix_sock_send_file(int out_fd, int in_fd, uint64_t offset, uint64_t count, uint64_t *ret_sent);

/* Look up the addresses of a name; those that do not fit into the array are left out. */
WASIX_IMPORT("wasix_32v1", "resolve")
extern int wasix_resolve(const char *host, uint32_t host_len, uint16_t port, wasix_addr_ip_t *addrs, uint32_t naddrs, uint32_t *ret_naddrs);

/* Make a descriptor that watches others. */
WASIX_IMPORT("wasix_32v1", "epoll_create")
extern int wasix_epoll_create(int *ret_fd);

/* Watch a descriptor (1, or 0), change what it is watched for (3), or watch it no more (2). */
WASIX_IMPORT("wasix_32v1", "epoll_ctl")
extern int wasix_epoll_ctl(int epfd, uint32_t op, int fd, const wasix_epoll_event_t *event);

/* Wait for events of watched descriptors; signal handlers run meanwhile. No events: the time is over. */
WASIX_IMPORT("wasix_32v1", "epoll_wait")
extern int wasix_epoll_wait(int epfd, wasix_epoll_event_t *event, uint32_t maxevents, uint64_t timeout, uint32_t *ret_nevents);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "dl_invalid_handle")
extern int wasix_dl_invalid_handle(uint32_t handle);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "dlopen")
extern int wasix_dlopen(const char *path, uint32_t path_len, uint32_t flags, void *err_buf, uint32_t err_buf_len, const char *ld_library_path, uint32_t ld_library_path_len, uint32_t *out_handle);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "dlsym")
extern int wasix_dlsym(uint32_t handle, const char *symbol, uint32_t symbol_len, void *err_buf, uint32_t err_buf_len, uint32_t *out_symbol);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "call_dynamic")
extern int wasix_call_dynamic(uint32_t function_id, const void *values, uint32_t values_len, void *results, uint32_t results_len, uint8_t strict);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "closure_prepare")
extern int wasix_closure_prepare(uint32_t backing_function_id, uint32_t closure_id, const uint8_t *argument_types, uint32_t argument_types_len, const uint8_t *result_types, uint32_t result_types_len, const void *user_data_ptr);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "closure_allocate")
extern int wasix_closure_allocate(uint32_t *closure);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "closure_free")
extern int wasix_closure_free(uint32_t closure_id);

/* dynamic linking is not supported yet */
WASIX_IMPORT("wasix_32v1", "reflect_signature")
extern int wasix_reflect_signature(uint32_t function_id, uint8_t *argument_types, uint16_t argument_types_len, uint8_t *result_types, uint16_t result_types_len, wasix_reflection_result_t *result);

/* switching between contexts is not supported yet */
WASIX_IMPORT("wasix_32v1", "context_create")
extern int wasix_context_create(uint64_t *new_context_ptr, uint32_t entrypoint);

/* switching between contexts is not supported yet */
WASIX_IMPORT("wasix_32v1", "context_switch")
extern int wasix_context_switch(uint64_t next_context);

/* switching between contexts is not supported yet */
WASIX_IMPORT("wasix_32v1", "context_destroy")
extern int wasix_context_destroy(uint64_t context);

/* Run another program in this process, with arguments that may have newlines. */
WASIX_IMPORT("wasix_32v1", "proc_exec4")
extern int wasix_proc_exec4(const char *name, uint32_t name_len, const uint32_t *args, uint32_t args_len, const uint32_t *envs, uint32_t envs_len, uint8_t search_path, const char *path, uint32_t path_len);

/* Run a program in a new process, after file actions in it, with arguments that may have newlines. */
WASIX_IMPORT("wasix_32v1", "proc_spawn3")
extern int wasix_proc_spawn3(const char *name, uint32_t name_len, const uint32_t *args, uint32_t args_len, const uint32_t *envs, uint32_t envs_len, const wasix_proc_spawn_fd_op_t *fd_ops, uint32_t fd_ops_len, const wasix_signal_disposition_t *signal_dispositions, uint32_t signal_dispositions_len, uint8_t search_path, const char *path, uint32_t path_len, int *ret_pid);

/* Start a thread; returns its tid, or a negative errno. */
WASIX_IMPORT("wasi", "thread-spawn")
extern int wasix_thread_spawn(const wasix_thread_start_t *start_arg);

#endif
