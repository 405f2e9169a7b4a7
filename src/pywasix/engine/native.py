"""The engine's C functions that the border needs, with our own prototypes.

The package's prototypes want pointer objects where bare addresses will do, and turning one callback
type into another with `ctypes.cast` makes a reference cycle that keeps a whole guest alive.
"""

from __future__ import annotations

import ctypes

from wasmtime._ffi import dll

_Unread = ctypes.c_byte  # what nobody reads costs least as a small number; it is passed in a register of its own
Callback = ctypes.CFUNCTYPE(ctypes.c_size_t, _Unread, _Unread, ctypes.c_size_t, _Unread)
"""(environment, caller, argument block, number of cells) -> trap or 0; only the argument block is told."""

new_function = ctypes.CFUNCTYPE(
    None,
    ctypes.c_void_p,  # store
    ctypes.c_void_p,  # function type
    Callback,
    ctypes.c_void_p,  # environment
    ctypes.c_void_p,  # its finalizer
    ctypes.c_void_p,  # where to put it
)(("wasmtime_func_new_unchecked", dll))
"""Make a function of a store; a linker that knows it by name takes three times as long."""

new_trap = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)(("wasmtime_trap_new", dll))
"""A trap with a message, as a bare address; the engine takes it over when a callback returns it."""

EpochCallback = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.c_size_t,
)
"""(context, environment, where to put the next deadline, its kind) -> error or 0."""

watch_epoch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, EpochCallback, ctypes.c_size_t, ctypes.c_void_p)(
    ("wasmtime_store_epoch_deadline_callback", dll)
)
"""(store, callback, environment, its finalizer)"""

new_error = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_char_p)(("wasmtime_error_new", dll))
"""An error with a message, as a bare address."""

same_type = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)(("wasmtime_wasm_valtype_equal", dll))
"""Whether two value types are the same. Asking for the kind of a type, as the package does, would abort the whole
host for the kinds that the C interface has no name for (v128, exnref)."""
