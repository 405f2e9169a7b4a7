"""Which generation of the ABI a module was built for, found from what it imports and exports.

WASIX changed layouts and numbers without changing the types of its calls, so a host must know who is asking:

- 2022: everything comes from `wasix_32v1`; addresses have 20 bytes; C programs copy `sin_port` as it is, in
  network order, while Rust's standard library converts it; socket types are numbered from DGRAM 0, or as file types.
- 2023-05: the base calls come from `wasi_snapshot_preview1`, ports are little-endian; addresses keep
  20 bytes until September. Only modules with calls of that summer's experiments can be told from later ones.
- 2023-09 until today: addresses have 110 bytes.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Self

from pywasix.abi.codecs import (
    ADDR_PORT_HEAD,
    ADDR_PORT_IP6,
    ADDR_PORT_UNIX,
    PORT_IP4,
    Buffer,
    decode_addr_port,
    encode_addr_port,
)
from pywasix.abi.enums import AddressFamily, FileType, UnstableWhence, Whence

if TYPE_CHECKING:
    from pywasix.abi.enums import SockType

PREVIEW1, UNSTABLE, WASIX = "wasi_snapshot_preview1", "wasi_unstable", "wasix_32v1"


def _words(text: str) -> frozenset[str]:
    """The names in a text."""
    return frozenset(text.split())


BASE_NAMES = _words(
    """
    args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get fd_advise
    fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights
    fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_get
    fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write
    path_create_directory path_filestat_get path_filestat_set_times path_link path_open
    path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff
    proc_exit proc_raise sched_yield random_get sock_accept sock_recv sock_send sock_shutdown
    """
)
"""The 46 calls of preview1."""

MODERN_NAMES = _words(
    """
    call_dynamic closure_allocate closure_free closure_prepare context_create context_destroy
    context_switch dl_invalid_handle dlopen dlsym epoll_create epoll_ctl epoll_wait fd_dup2
    fd_fdflags_get fd_fdflags_set path_open2 proc_exec2 proc_exec3 proc_exec4 proc_exit2
    proc_fork_env proc_signals_get proc_signals_sizes_get proc_snapshot proc_spawn2 proc_spawn3
    reflect_signature sock_accept_v2 sock_pair thread_spawn_v2
    """
)
"""Extensions that no libc before 2023-05-23 knew."""

LEGACY_NAMES = _words(
    """
    bus_call bus_callback bus_close bus_drop bus_fault bus_invoke bus_listen bus_open_local
    bus_open_remote bus_poll bus_poll_data bus_reply bus_spawn_local bus_spawn_remote bus_subcall
    call_close call_fault call_reply callback_reactor callback_thread callback_thread_local_destroy
    getpid getppid pipe process_spawn thread_local_create thread_local_destroy thread_local_get
    thread_local_set
    """
)
"""Extensions that no libc after 2023-03-06 knew."""

LEGACY_TYPES = frozenset(
    {
        ("proc_join", "ii:i"),
        ("proc_fork", "i:i"),
        ("callback_signal", "ii:i"),
        ("thread_spawn", "IIIii:i"),
        ("thread_spawn", "IIii:i"),
        ("thread_spawn", "Iii:i"),
        ("thread_spawn", "iiIii:i"),
    }
)
"""Extensions whose type in 2022 was another one."""

SUMMER_2023_NAMES = _words(
    """
    callback_wake callback_waker_drop callback_waker_wake fd_pread_poll fd_pwrite_poll fd_read_poll
    fd_write_poll futex_wait_poll proc_join_poll sock_accept_poll sock_accept_ready_poll
    sock_recv_from_poll sock_recv_poll sock_recv_ready_poll sock_send_poll sock_send_ready_poll
    sock_send_to_poll thread_join_poll thread_sleep_poll http_request http_status ws_connect
    """
)
"""Extensions that were gone before addresses grew to 110 bytes."""

_IP4 = int(AddressFamily.INET4)
# Bytes of a wide address by its family; all others need the head only.
_WRITTEN = {int(AddressFamily.INET6): ADDR_PORT_IP6, int(AddressFamily.UNIX): ADDR_PORT_UNIX}
_UNSTABLE_LAYOUTS = frozenset({"fd_filestat_get", "fd_seek", "path_filestat_get", "poll_oneoff"})


class AbiGeneration(NamedTuple):
    """What differs between guests whose imports look the same.

    Attributes:
        name: ``"wasi_unstable"``, ``"preview1"``, ``"wasix-2022"``, ``"wasix-2023-06"`` or ``"wasix-2023"``.
        wide_addresses: the guest's `addr_port` has 110 bytes, not 20.
        big_endian_ports: the guest stores and expects ports in network order.
        unstable: `fd_filestat_get`, `path_filestat_get`, `poll_oneoff` and `fd_seek` have `wasi_unstable`'s
            layouts and numbers.
        legacy_sock_types: socket types are those of `SockType2022`.
        tty_is_raw: who opens /dev/tty wants keys one by one. Rust programs of 2022 had no other way to ask for that.
    """

    name: str
    wide_addresses: bool = False
    big_endian_ports: bool = False
    unstable: bool = False
    legacy_sock_types: bool = False
    tty_is_raw: bool = False

    @property
    def wasix(self) -> bool:
        """Whether the module uses any extension."""
        return self.name.startswith("wasix")

    @property
    def renumber_copies(self) -> bool:
        """WASIX libc makes dup2() of `fd_renumber`, so that the old number stays; in preview1 it goes."""
        return self.wasix

    @property
    def zero_timeout_is_none(self) -> bool:
        """Beside other subscriptions a relative clock of 0 meant "no timeout" to hosts of 2022."""
        return self.name == "wasix-2022"

    @property
    def own_tid_is_zero(self) -> bool:
        """Libc of 2022 never asked for the number of a program's first thread, and has 0 for it in raise()."""
        return self.name == "wasix-2022"

    @property
    def tty_without_line_feeds(self) -> bool:
        """The last member of the `tty` record was padding in 2022."""
        return self.name == "wasix-2022"

    @property
    def pipes_go_both_ways(self) -> bool:
        """Hosts of 2022 made pipes of which both ends could be read and written; a published sample does that."""
        return self.name == "wasix-2022"

    @property
    def addr_port_size(self) -> int:
        """Bytes of the guest's `addr_port` record."""
        return 110 if self.wide_addresses else ADDR_PORT_HEAD

    @property
    def addr_port_read_size(self) -> int:
        """Bytes of an `addr_port` that say something about an IP address: what a host reads."""
        return ADDR_PORT_IP6 if self.wide_addresses else ADDR_PORT_HEAD

    def addr_port_written(self, family: int) -> int:
        """Bytes that `encode_addr_port` gives for a family of addresses: what must be there to be written."""
        return _WRITTEN.get(family, ADDR_PORT_HEAD) if self.wide_addresses else ADDR_PORT_HEAD

    def encode_addr_port(self, family: int, port: int, ip: bytes, flow: int = 0, scope: int = 0) -> bytes:
        """Return a socket address as this guest expects it; see `codecs.encode_addr_port`."""
        if family == _IP4:  # what it is nearly always, and the same in every guest but for the order
            return PORT_IP4[self.big_endian_ports].pack(_IP4, port, ip)
        return encode_addr_port(
            family, port, ip, flow, scope, wide=self.wide_addresses, big_endian=self.big_endian_ports
        )

    def decode_addr_port(self, raw: Buffer) -> tuple[int, int, bytes, int, int]:
        """Read a socket address of this guest; see `codecs.decode_addr_port`.

        Args:
            raw: ``addr_port_read_size`` bytes or more; a narrow guest's are cut to 20.
        """
        if not self.wide_addresses:
            raw = raw[:ADDR_PORT_HEAD]
        return decode_addr_port(raw, big_endian=self.big_endian_ports)

    def sock_type(self, number: int) -> "SockType | None":
        """The socket type that this guest means by a number, or ``None`` for a number that means nothing."""
        from pywasix.abi.enums import SockType, SockType2022  # only who opens sockets pays for them

        try:
            if not self.legacy_sock_types:
                return SockType(number)
            if number in (FileType.SOCKET_DGRAM, FileType.SOCKET_STREAM):
                # wasi-libc's SOCK_DGRAM and SOCK_STREAM, which some C programs of 2022 hand on as they are.
                return SockType[FileType(number).name]
            return SockType[SockType2022(number).name]
        except ValueError:
            return None

    def whence(self, number: int) -> Whence | None:
        """The seek origin that this guest means by a number, or ``None`` for a number that means nothing."""
        try:
            return Whence[UnstableWhence(number).name] if self.unstable else Whence(number)
        except ValueError:
            return None

    def with_port_order(self, *, big_endian: bool) -> Self:
        """The same generation with another port order, for modules that were guessed wrong."""
        return self._replace(big_endian_ports=big_endian)


def find_generation(imports: Iterable[tuple[str, str, str]]) -> AbiGeneration:
    """Tell a module's generation.

    Args:
        imports: (module, name, type) of each import; the type of a function is a code such as ``"ii:i"``.
    """
    imports = frozenset(imports)
    unstable = _is_unstable(imports)
    extensions = {(name, code) for module, name, code in imports if module == WASIX}
    if not extensions and ("wasi", "thread-spawn") not in {(module, name) for module, name, _ in imports}:
        return AbiGeneration("wasi_unstable" if unstable else "preview1", unstable=unstable)
    if _is_2022(extensions, any(module == PREVIEW1 for module, _, _ in imports)):
        # The types of the socket calls tell nothing, but thread-local keys were imported by Rust's standard
        # library alone. Run with little-endian ports, its published samples listen where they say they do.
        rust = any(name.startswith("thread_local_") for name, _ in extensions)
        return AbiGeneration(
            "wasix-2022",
            big_endian_ports=not rust,
            unstable=unstable,
            legacy_sock_types=True,
            tty_is_raw=rust and all(name != "tty_set" for name, _ in extensions),
        )
    if any(name in SUMMER_2023_NAMES for name, _ in extensions):
        return AbiGeneration("wasix-2023-06", unstable=unstable)
    return AbiGeneration("wasix-2023", wide_addresses=True, unstable=unstable)


def _is_unstable(imports: Iterable[tuple[str, str, str]]) -> bool:
    """Whether the calls whose layouts differ come from `wasi_unstable`.

    A module that imports such calls from several modules gets the layouts of the newer ones; one that imports
    none of them gets those of the modules that it does import from.
    """
    known = [(module, name) for module, name, _ in imports if module in (PREVIEW1, UNSTABLE, WASIX)]
    by_layout = {module for module, name in known if name in _UNSTABLE_LAYOUTS}
    return (by_layout or {module for module, _ in known}) == {UNSTABLE}


def _is_2022(extensions: Iterable[tuple[str, str]], preview1: bool) -> bool:
    """Whether imports from `wasix_32v1`, as (name, type), are those of a 2022 toolchain.

    Args:
        extensions: the imports.
        preview1: the module imports from `wasi_snapshot_preview1` too, which no 2022 toolchain did.
    """
    names = {name for name, _ in extensions}
    if names & LEGACY_NAMES or not LEGACY_TYPES.isdisjoint(extensions):
        return True
    return not preview1 and not names & MODERN_NAMES and bool(names & BASE_NAMES)
