"""Two guests in asyncio: a server on a virtual network, which many callers use at once, and a program that filters."""

import asyncio
from pathlib import Path

import pywasix

GUESTS = Path(__file__).resolve().parents[1] / "tests" / "guests"
CALLERS = 20


async def call(network: pywasix.VirtualNetwork, address: tuple[str, int], number: int) -> str:
    """What the server answers to one caller."""
    reader, writer = await network.open_connection(address)
    writer.write(f"caller {number}".encode())
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


async def main() -> None:
    """The names and manners are those of asyncio's own subprocesses."""
    filtering = await pywasix.create_process(GUESTS / "cat.wasm", stdin=pywasix.PIPE, stdout=pywasix.PIPE)
    output, _ = await filtering.communicate(b"what goes in\n")
    print(f"cat: {output!r}, exit status {filtering.returncode}")

    with pywasix.VirtualNetwork() as network:
        place = network.attach()
        address = (place.addresses[0], 80)
        server = await pywasix.create_process(
            [GUESTS / "echo_server.wasm", "-q", "80", address[0]], net=place, stdout=pywasix.PIPE
        )
        assert server.stdout is not None
        print((await server.stdout.readline()).decode(), end="")
        answers = await asyncio.gather(*(call(network, address, number) for number in range(CALLERS)))
        print(f"{len(set(answers))} different answers, the last one is {answers[-1]!r}")
        server.terminate()
        print(f"ended with status {await server.wait()}")


if __name__ == "__main__":
    asyncio.run(main())
