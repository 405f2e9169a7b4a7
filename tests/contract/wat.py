"""Small guests written down where they are used."""

from __future__ import annotations

from wasmtime import wat2wasm

_PRINT = """
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1 16)
  (func $print (param $text i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
"""


def module(text: str) -> bytes:
    """A module from the fields of its text, without the brackets around them."""
    return bytes(wat2wasm(f"(module {text})"))


def program(body: str, *, imports: str = "", fields: str = "") -> bytes:
    """A program with one page of memory (and room for 15 more), `$print` (text, size) and `$proc_exit`.

    Args:
        body: of `_start`.
        imports: more functions from the host.
        fields: data, functions, exports.
    """
    return module(f'{imports} {_PRINT} {fields} (func (export "_start") {body})')
