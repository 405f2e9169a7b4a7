"""pywasix runs WASIX programs from Python: sandboxed network programs on a real WebAssembly engine.

    import pywasix

    done = pywasix.run(["hello.wasm", "world"], capture_output=True, text=True)
    print(done.stdout)

The names are those of `subprocess`: `run`, `start`, `Process`, `PIPE`, `TimeoutExpired`; in asyncio
`await create_process(...)` has the manners of `asyncio.create_subprocess_exec`. Importing the
package is light; the engine is loaded with the first name that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from subprocess import CalledProcessError, CompletedProcess, SubprocessError, TimeoutExpired

    from pywasix.engine.module import GuestModule, load
    from pywasix.errors import ModuleError, OptionError, PywasixError
    from pywasix.host.events import ConnectionEvents
    from pywasix.host.stdio import DEVNULL, PIPE, STDOUT
    from pywasix.host.virtual import VirtualNetwork
    from pywasix.net.events import Accepted, Closed, Connected, ConnectionEvent, Listening, Refused
    from pywasix.net.policy import NetworkPolicy, PolicyError, Request
    from pywasix.runtime import Process, run, start
    from pywasix.runtime.async_process import AsyncProcess, create_process
    from pywasix.runtime.python_command import Command

_HOMES = {
    "Accepted": "pywasix.net.events",
    "AsyncProcess": "pywasix.runtime.async_process",
    "CalledProcessError": "subprocess",
    "Closed": "pywasix.net.events",
    "Command": "pywasix.runtime.python_command",
    "CompletedProcess": "subprocess",
    "Connected": "pywasix.net.events",
    "ConnectionEvent": "pywasix.net.events",
    "ConnectionEvents": "pywasix.host.events",
    "DEVNULL": "pywasix.host.stdio",
    "GuestModule": "pywasix.engine.module",
    "Listening": "pywasix.net.events",
    "ModuleError": "pywasix.errors",
    "NetworkPolicy": "pywasix.net.policy",
    "OptionError": "pywasix.errors",
    "PIPE": "pywasix.host.stdio",
    "PolicyError": "pywasix.net.policy",
    "Process": "pywasix.runtime",
    "PywasixError": "pywasix.errors",
    "Refused": "pywasix.net.events",
    "Request": "pywasix.net.policy",
    "STDOUT": "pywasix.host.stdio",
    "SubprocessError": "subprocess",
    "TimeoutExpired": "subprocess",
    "VirtualNetwork": "pywasix.host.virtual",
    "create_process": "pywasix.runtime.async_process",
    "load": "pywasix.engine.module",
    "run": "pywasix.runtime",
    "start": "pywasix.runtime",
}

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Accepted",
    "AsyncProcess",
    "CalledProcessError",
    "Closed",
    "Command",
    "CompletedProcess",
    "Connected",
    "ConnectionEvent",
    "ConnectionEvents",
    "GuestModule",
    "Listening",
    "ModuleError",
    "NetworkPolicy",
    "OptionError",
    "PolicyError",
    "Process",
    "PywasixError",
    "Refused",
    "Request",
    "SubprocessError",
    "TimeoutExpired",
    "VirtualNetwork",
    "create_process",
    "load",
    "run",
    "start",
]


def __getattr__(name: str) -> Any:
    """Load the module a public name lives in, the first time the name is used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pywasix' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
