"""The WASI and WASIX ABI as data: numbers, records and their bytes. Nothing here does anything.

`scalars`, `errno`, `enums` hold the numbers; `layout` the record machinery; `records`, `addresses` what it
describes; `cells` and `codecs` the fast paths; `generation` what differs between toolchains.
"""
