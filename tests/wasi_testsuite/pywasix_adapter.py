"""The adapter that lets the public wasi-testsuite run its tests with pywasix; docs/wasi-testsuite.md tells how.

The suite's runner imports this file and asks it for command lines. `PYWASIX` in the environment names the command to
run, `pywasix` of the suite's own Python unless given.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

PYWASIX = shlex.split(os.environ.get("PYWASIX", "")) or [sys.executable, "-m", "pywasix"]


def get_name() -> str:
    """The name in the suite's report."""
    return "pywasix"


def get_version() -> str:
    """The version in the suite's report."""
    done = subprocess.run([*PYWASIX, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def get_wasi_versions() -> list[str]:
    """Which of the suite's tests to run."""
    return ["wasm32-wasip1"]


def get_wasi_worlds() -> list[str]:
    """Which kinds of programs can be run."""
    return ["wasi:cli/command"]


def compute_argv(
    test_path: str,
    args_env_root: tuple[list[str], dict[str, str], str | None],
    proposals: list[str],
    wasi_world: str,
    wasi_version: str,
) -> list[str]:
    """The command line of one test: its arguments, its environment, and the directory that is its "/"."""
    args, env, root = args_env_root
    options = [f"--env={key}={value}" for key, value in env.items()]
    if root is not None:
        options.append(f"--dir={root}::/")
    return [*PYWASIX, "run", *options, "--", test_path, *args]
