"""Run one WebAssembly module under wasmer-sdk with host networking, its output passed on.

python bench/wasmer_host.py CACHE_DIRECTORY MODULE.wasm [ARGUMENT ...]

Runs in the interpreter that has wasmer-sdk, not always the one of the benchmark: it imports nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from wasmer_sdk import NetworkPolicy, Wasmer


async def main() -> int:
    """Run the module and return its exit status."""
    cache, module, *arguments = sys.argv[1:]
    async with Wasmer(cache_root=cache) as wasmer:
        package = await wasmer.packages.load(Path(module).read_bytes())
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
