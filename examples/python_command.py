"""A Python function as a command of a guest: guest and Python code in one pipeline.

    python examples/python_command.py

The guest `run_command` starts what it is told as a shell would, without any process of the operating system. Of its
three commands two are WebAssembly modules and one is a function.
"""

from pathlib import Path

import pywasix

GUESTS = Path(__file__).resolve().parents[1] / "tests" / "guests"


def even(command: pywasix.Command) -> int:
    """Pass on the lines with even numbers; the exit status is 0 when there were any."""
    found = 0
    for line in command.stdin:
        if int(line) % 2 == 0:
            command.stdout.write(line)
            found += 1
    command.stderr.write(f"{command.args[0]}, process {command.pid}: {found} lines\n")
    return 0 if found else 1


done = pywasix.run(
    [GUESTS / "run_command.wasm", *["seq", "10", "|", "even", "|", "rev"]],
    commands={"seq": GUESTS / "tools.wasm", "even": even, "rev": GUESTS / "tools.wasm"},
    capture_output=True,
    text=True,
)
print("what came out:", *done.stdout.split())
print("what was said:", done.stderr.strip())
print("exit status:", done.returncode)
