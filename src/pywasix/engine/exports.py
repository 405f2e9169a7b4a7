"""The exports of an instance: functions to call, globals to read and to set."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime._extern import wrap_extern

from pywasix.engine.module import NUMBERS, type_code, value_code
from pywasix.engine.stops import raise_if_stopped

_WORD = 0xFFFFFFFF


class Exports(Mapping[str, Any]):
    """What an instance exports, by name; nothing before it is made and after it is gone.

    Each export is asked for when it is first used: a thread uses two or three.
    """

    def __init__(self, store: wasmtime.Store) -> None:
        self._store = store
        self._found: dict[str, Any] = {}
        self._instance: wasmtime.Instance | None = None
        self._complete = False
        self._mutable: list[str] | None = None

    def fill(self, instance: wasmtime.Instance) -> None:
        """The instance is made."""
        self._instance = instance

    def clear(self) -> None:
        """The instance goes away."""
        self._instance = None
        self._found.clear()

    def __getitem__(self, name: str) -> Any:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._ask(name)
        return found

    def _ask(self, name: str) -> Any:
        if self._instance is not None and not self._complete:
            item, encoded = ffi.wasmtime_extern_t(), name.encode()
            context, instance = self._store._context(), ctypes.byref(self._instance._instance)
            if ffi.wasmtime_instance_export_get(context, instance, encoded, len(encoded), ctypes.byref(item)):
                return wrap_extern(item)
        raise KeyError(name)

    def _all(self) -> dict[str, Any]:
        if self._instance is not None and not self._complete:
            exports = self._instance.exports(self._store)
            self._found = {name: exports[name] for name in exports}
            self._complete = True
        return self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def has_function(self, name: str) -> bool:
        """Whether there is a function of this name."""
        return isinstance(self.get(name), wasmtime.Func)

    def call(self, name: str, arguments: Sequence[int | float]) -> tuple[Any, ...]:
        """Call an export. The package's own way would raise a process-wide last exception; this one does not."""
        function: wasmtime.Func = self[name]
        kind = function.type(self._store)
        params = (ffi.wasmtime_val_t * len(kind.params))()
        for index, (wanted, value) in enumerate(zip(kind.params, arguments, strict=True)):
            params[index] = wasmtime.Val._convert_to_raw(self._store, wanted, value)
        results = (ffi.wasmtime_val_t * len(kind.results))()
        self._call_raw(function, params, results)
        return tuple(wasmtime.Val._from_raw(self._store, each).value for each in results)

    def _call_raw(self, function: wasmtime.Func, params: Any, results: Any) -> None:
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._store._context(),
            ctypes.byref(function._func),
            params,
            len(params),
            results,
            len(results),
            ctypes.byref(trap),
        )
        raise_if_stopped(error, trap)

    def signature(self, name: str) -> str | None:
        """The type of an exported function as a code such as "ii:i"; None when there is no such function."""
        function = self.get(name)
        return type_code(function.type(self._store)) if isinstance(function, wasmtime.Func) else None

    def register(self, name: str) -> int | None:
        """The value of an exported i32 global, as an unsigned number; None when there is none."""
        found = self.get(name)
        if not isinstance(found, wasmtime.Global) or value_code(found.type(self._store).content) != "i":
            return None
        value: int = found.value(self._store)
        return value & _WORD

    def registers(self) -> dict[str, int | float]:
        """The values of all exported globals that can change."""
        return {name: self[name].value(self._store) for name in self._registers()}

    def set_registers(self, values: dict[str, int | float]) -> None:
        """Give exported globals values that `registers` told."""
        for name, value in values.items():
            self[name].set_value(self._store, value)

    def _registers(self) -> list[str]:
        if self._mutable is None:
            globals_ = (each for each in self._all().items() if isinstance(each[1], wasmtime.Global))
            self._mutable = [name for name, found in globals_ if _is_register(found.type(self._store))]
        return self._mutable

    def control(self, name: str) -> Callable[..., None]:
        """A quick way to call an export that takes i32 numbers and gives nothing."""
        function: wasmtime.Func = self[name]
        none = (ffi.wasmtime_val_t * 0)()

        def call(*values: int) -> None:
            params = (ffi.wasmtime_val_t * len(values))()
            for param, value in zip(params, values, strict=True):
                param.kind = ffi.WASMTIME_I32
                param.of.i32 = value
            self._call_raw(function, params, none)

        return call


def _is_register(kind: wasmtime.GlobalType) -> bool:
    return kind.mutable and value_code(kind.content) in NUMBERS
