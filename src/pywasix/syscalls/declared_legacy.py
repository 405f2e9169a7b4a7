"""Calls that the ABI once had, each with every type it was ever imported with; all from `wasix_32v1`.

They are here so that any published module links. Their parameters have types only, no names.
"""

from pywasix.abi.scalars import U32, U64
from pywasix.syscalls.row import EXTENSION, Row, declare

_TYPES = {"i": U32, "I": U64}
_RESULTS = {"i": "errno", "": "void"}


def legacy(name: str, wasm: str, note: str) -> Row:
    """Return a row for a call of which only the wasm type is known, such as ``"iI:i"``."""
    params, _, result = wasm.partition(":")
    typed = {f"p{place}": _TYPES[code] for place, code in enumerate(params)}
    return declare(name, EXTENSION, _RESULTS[result], note, **typed)


_TABLE = (
    ("bus_call", "iiiiii:i", "Call another process over the bus"),
    ("bus_callback", "iiiiii:i", "Send a callback over the bus"),
    ("bus_close", "i:i", "Close a bus process"),
    ("bus_drop", "i:i", "Drop a handle of the bus"),
    ("bus_fault", "ii:i", "Report a fault over the bus"),
    ("bus_invoke", "iiiiiiiii:i", "Invoke a function over the bus"),
    ("bus_listen", "iii:i", "Listen on a topic of the bus"),
    ("bus_open_local", "iiii:i", "Open a local bus process"),
    ("bus_open_remote", "iiiiiiii:i", "Open a remote bus process"),
    ("bus_poll", "iIiii:i Iiii:i", "Poll for bus events"),
    ("bus_poll_data", "iIiiiii:i", "Poll for data of the bus"),
    ("bus_reply", "iiii:i", "Answer over the bus"),
    ("bus_spawn_local", "iiiiiiiiiiiii:i", "Start a local bus process"),
    ("bus_spawn_remote", "iiiiiiiiiiiiiiiii:i", "Start a remote bus process"),
    ("bus_subcall", "Iiiiii:i", "Nested call over the bus"),
    ("call_close", "I:", "Close a bus call"),
    ("call_fault", "Ii:", "Fail a bus call"),
    ("call_reply", "Iiii:i", "Answer a bus call"),
    ("callback_reactor", "ii:i ii:", "Name the export that handles reactor calls (default _react)"),
    ("callback_thread", "ii:i ii:", "Name the export that starts threads (default _start_thread)"),
    (
        "callback_thread_local_destroy",
        "ii:i ii:",
        "Name the export that destroys thread-local values (default _thread_local_destroy)",
    ),
    ("callback_wake", "ii:", "Register a wake callback for asynchronous polling calls"),
    ("callback_waker_drop", "ii:", "Register a waker drop callback"),
    ("callback_waker_wake", "ii:", "Register a waker wake callback"),
    ("context_delete", "I:i", "Short-lived name of context_destroy"),
    ("context_new", "ii:i", "Short-lived name of context_create"),
    ("continuation_context", "ii:i", "Early name in the line that became context_*"),
    ("continuation_delete", "i:i", "Early name in the line that became context_*"),
    ("continuation_new", "ii:i", "Early name in the line that became context_*"),
    ("continuation_switch", "i:i", "Early name in the line that became context_*"),
    ("coroutine_context", "i:i", "Early name in the line that became context_*"),
    ("coroutine_delete", "i:i", "Early name in the line that became context_*"),
    ("coroutine_new", "ii:i", "Early name in the line that became context_*"),
    ("coroutine_switch", "i:i", "Early name in the line that became context_*"),
    ("fd_pread_poll", "iiiIIi:i", "Non-blocking form of fd_pread with a waker id"),
    ("fd_pwrite_poll", "iiiIIi:i", "Non-blocking form of fd_pwrite with a waker id"),
    ("fd_read_poll", "iiiIi:i", "Non-blocking form of fd_read with a waker id"),
    ("fd_write_poll", "iiiIi:i", "Non-blocking form of fd_write with a waker id"),
    ("futex_wait_poll", "iiiIi:i", "Non-blocking form of futex_wait with a waker id"),
    ("getpid", "i:i", "Report the own process id (became proc_id)"),
    ("getppid", "ii:i", "Report a process's parent id (became proc_parent)"),
    ("http_request", "iiiiiiii:i", "Start an HTTP request, returning descriptors"),
    ("http_status", "ii: ii:i", "Read the status of an HTTP request"),
    ("pipe", "ii:i", "Create a pipe (became fd_pipe)"),
    ("proc_join_poll", "iiIi:i", "Non-blocking form of proc_join with a waker id"),
    ("proc_signals_count_get", "i:i", "Count inherited signal dispositions (became proc_signals_sizes_get)"),
    ("process_spawn", "iiiiiiiiiiiii:i", "Spawn a process (became proc_spawn)"),
    ("sock_accept_poll", "iiIii:i", "Non-blocking form of sock_accept with a waker id"),
    ("sock_accept_ready_poll", "iIi:i", "Non-blocking form of sock_accept_ready with a waker id"),
    ("sock_recv_from_poll", "iiiiIiii:i", "Non-blocking form of sock_recv_from with a waker id"),
    ("sock_recv_poll", "iiiiIii:i", "Non-blocking form of sock_recv with a waker id"),
    ("sock_recv_ready_poll", "iIi:i", "Non-blocking form of sock_recv_ready with a waker id"),
    ("sock_send_poll", "iiiiIi:i", "Non-blocking form of sock_send with a waker id"),
    ("sock_send_ready_poll", "iIi:i", "Non-blocking form of sock_send_ready with a waker id"),
    ("sock_send_to_poll", "iiiiiIi:i", "Non-blocking form of sock_send_to with a waker id"),
    ("thread_join_poll", "iI:i", "Non-blocking form of thread_join with a waker id"),
    (
        "thread_local_create",
        "Ii:i",
        "Allocate a thread-local key; the 64-bit user data is handed to the destructor callback",
    ),
    (
        "thread_local_destroy",
        "i:i",
        "Free a thread-local key and run the destructor export for every live value",
    ),
    ("thread_local_get", "ii:i", "Read this thread's 64-bit value of a key (0 when unset)"),
    ("thread_local_set", "iI:i", "Store this thread's 64-bit value of a key"),
    ("thread_sleep_poll", "II:i", "Non-blocking form of thread_sleep with a waker id"),
    ("ws_connect", "iii:i", "Open a WebSocket"),
)

LEGACY: tuple[Row, ...] = tuple(
    legacy(name, wasm, f"{purpose}; no longer in the ABI") for name, types, purpose in _TABLE for wasm in types.split()
)
"""One row for each call and type, by name."""
