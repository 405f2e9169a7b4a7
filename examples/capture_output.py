"""Run a program to its end as `subprocess.run` does: arguments, environment, input, output, exit status, limits."""

from pathlib import Path

import pywasix

GUESTS = Path(__file__).resolve().parents[1] / "tests" / "guests"


def main() -> None:
    """Five runs, each with another thing to look at."""
    done = pywasix.run([GUESTS / "args_env.wasm", "one", "two"], env={"LANG": "C"}, capture_output=True, text=True)
    print(done.stdout, end="")

    done = pywasix.run(GUESTS / "cat.wasm", input="what goes in\n", capture_output=True, text=True)
    print(f"cat: {done.stdout}", end="")

    done = pywasix.run([GUESTS / "exit_code.wasm", "7"])
    print(f"exit status: {done.returncode}")

    try:
        pywasix.run(GUESTS / "busy_loop.wasm", stdout=pywasix.DEVNULL, timeout=0.2)
    except pywasix.TimeoutExpired as error:
        print(f"a busy loop is stopped after {error.timeout} seconds")

    with pywasix.start(GUESTS / "trap.wasm", stdout=pywasix.DEVNULL) as process:
        print(f"a trap ends a program by signal {-process.wait()}: {process.reason.splitlines()[0]}")


if __name__ == "__main__":
    main()
