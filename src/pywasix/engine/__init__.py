"""The engine: the only importer of wasmtime and of ctypes (with `host/libc.py`)."""
