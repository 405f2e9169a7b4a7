"""Run one WebAssembly module under wasmer-sdk with host networking, its output passed on.

python bench/wasmer_host.py CACHE_DIRECTORY MODULE.wasm [ARGUMENT ...]

Runs in the interpreter that has wasmer-sdk, not always the one of the benchmark: it imports nothing else. The module is
a command of its own name, which it can spawn.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from wasmer_sdk import NetworkPolicy, PackageCommandDefinition, PackageDefinition, Wasmer


async def main() -> int:
    """Run the module and return its exit status."""
    cache, module, *arguments = sys.argv[1:]
    async with Wasmer(cache_root=cache) as wasmer:
        name = Path(module).stem
        commands = {name: PackageCommandDefinition(name)}
        package = await wasmer.packages.create(PackageDefinition({name: Path(module).read_bytes()}, commands))
        async with await wasmer.sandboxes.create(packages=[package], network=NetworkPolicy.HOST) as sandbox:
            process = await sandbox.command(package, arguments).spawn(stderr="discard")
            if process.stdout is not None:
                async for chunk in process.stdout:
                    sys.stdout.buffer.write(chunk)
                    sys.stdout.buffer.flush()
            status: int = (await process.wait()).exit_code
            return status


if __name__ == "__main__":
    exit_status = asyncio.run(main())
    sys.stdout.flush()
    os._exit(exit_status)  # the SDK's threads sometimes abort an interpreter that ends in the ordinary way
