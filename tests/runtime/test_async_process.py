"""Programs in asyncio, as `asyncio.subprocess` has them. Nothing here may hold the event loop up."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

import pywasix
from pywasix import DEVNULL, PIPE, AsyncProcess, ModuleError, OptionError, create_process
from pywasix.host.async_streams import in_thread
from support import PATIENCE, guest

ALL_PIPES: dict[str, Any] = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}


def in_loop(body: Callable[[], Awaitable[None]]) -> None:
    """Run it in a loop of its own; whoever waits in vain fails."""

    async def main() -> None:
        async with asyncio.timeout(PATIENCE):
            await body()

    asyncio.run(main())


def test_input_goes_in_and_outputs_come_out() -> None:
    async def body() -> None:
        process = await create_process(guest("cat"), **ALL_PIPES)
        assert not process.reason
        assert (process.pid, process.args) == (1, ["cat.wasm"])
        data = bytes(range(256)) * 4096
        assert await process.communicate(data) == (data, b"")
        assert process.returncode == 0
        assert await process.wait() == 0

    in_loop(body)


def test_line_by_line() -> None:
    async def body() -> None:
        async with await create_process(guest("cat"), stdin=PIPE, stdout=PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is None
            for number in range(10):
                process.stdin.write(b"line %d\n" % number)
                await process.stdin.drain()
                assert await process.stdout.readline() == b"line %d\n" % number
            process.stdin.close()
            assert await process.stdout.read() == b""
        assert process.returncode == 0

    in_loop(body)


@pytest.mark.parametrize("name", ["sleep", "busy_loop", "block_stdin"])
def test_the_loop_goes_on_while_a_program_blocks_or_computes(name: str) -> None:
    async def body() -> None:
        async with await create_process(guest(name), stdin=PIPE, stdout=PIPE) as process:
            waiter = asyncio.create_task(process.wait())
            for _ in range(100):
                await asyncio.sleep(0)
            assert not waiter.done()
            process.kill()
            assert await waiter == -signal.SIGKILL

    in_loop(body)


def test_signals() -> None:
    async def body() -> None:
        process = await create_process(guest("sleep"), stdout=DEVNULL)
        process.terminate()
        assert await process.wait() == -signal.SIGTERM
        process.send_signal(signal.SIGINT)  # nothing happens
        process.kill()
        assert process.returncode == -signal.SIGTERM

    in_loop(body)


def test_many_at_once() -> None:
    """More than the threads of a loop's executor."""

    async def one(number: int) -> int:
        process = await create_process([program, str(number)], stdout=DEVNULL)
        return await process.wait()

    async def body() -> None:
        assert await asyncio.gather(*map(one, range(80))) == list(range(80))

    program = pywasix.load(guest("exit_code"))
    in_loop(body)


def test_waiting_takes_no_thread() -> None:
    """A hundred tasks that wait must not use up what others need threads for."""

    async def body() -> None:
        async with await create_process(guest("sleep"), stdout=DEVNULL) as process:
            before = threading.active_count()
            waiters = [asyncio.create_task(process.wait()) for _ in range(100)]
            await asyncio.sleep(0)
            assert threading.active_count() == before
            process.kill()
            assert await asyncio.gather(*waiters) == [-signal.SIGKILL] * 100

    in_loop(body)


def test_a_wait_that_is_cancelled_leaves_the_program_running() -> None:
    async def body() -> None:
        async with await create_process(guest("sleep"), stdout=DEVNULL) as process:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.01)
            assert process.returncode is None
            assert not process._ending._waiting
            process.kill()

    in_loop(body)


async def fail_with(process: AsyncProcess) -> None:
    async with process:
        raise ZeroDivisionError


def test_an_error_in_the_block_kills_the_program() -> None:
    async def body() -> None:
        process = await create_process(guest("sleep"), **ALL_PIPES)
        with pytest.raises(ZeroDivisionError):
            await fail_with(process)
        assert process.returncode == -signal.SIGKILL

    in_loop(body)


def test_a_program_that_does_not_read_stops_its_writer_not_the_loop() -> None:
    async def body() -> None:
        async with await create_process(guest("sleep"), stdin=PIPE, stdout=PIPE) as process:
            talk = asyncio.create_task(process.communicate(bytes(10_000_000)))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not talk.done()
            process.kill()
            await talk
            assert process.returncode == -signal.SIGKILL

    in_loop(body)


def test_a_program_that_ends_before_it_has_read_all() -> None:
    async def body() -> None:
        process = await create_process(guest("hello"), stdin=PIPE, stdout=PIPE)
        out, _ = await process.communicate(bytes(10_000_000))
        assert out == b"hello from wasm\n" or out
        assert process.returncode == 0

    in_loop(body)


def test_standard_error_of_its_own_and_joined() -> None:
    async def body() -> None:
        process = await create_process(guest("trap"), stdout=PIPE, stderr=PIPE)
        await process.communicate()
        assert process.returncode == -signal.SIGABRT
        assert process.reason.startswith("wasm trap: unreachable")

    in_loop(body)


def test_a_server_and_its_caller_in_one_loop() -> None:
    async def body() -> None:
        with pywasix.VirtualNetwork() as network:
            place = network.attach()
            host = place.addresses[0]
            server = await create_process([guest("echo_server"), "-n", "1", "80", host], net=place, stdout=PIPE)
            async with server:
                assert server.stdout is not None
                assert b"listening on 80" in await server.stdout.readline()
                reader, writer = await network.open_connection((host, 80))
                writer.write(b"to and fro")
                writer.write_eof()
                assert await reader.read() == b"to and fro"
                writer.close()
                await writer.wait_closed()
                await server.stdout.read()
            assert server.returncode == 0

    in_loop(body)


def test_what_start_refuses_is_refused() -> None:
    async def body() -> None:
        with pytest.raises(ModuleError):
            await create_process(b"no module", stdout=PIPE)
        for option in ({"text": True}, {"encoding": "utf-8"}, {"errors": "strict"}):
            with pytest.raises(OptionError, match="carry bytes"):
                await create_process(guest("hello"), stdout=PIPE, **option)
        process = await create_process(guest("cat"), **ALL_PIPES)
        async with process:
            with pytest.raises(TypeError, match="bytes-like"):
                await process.communicate("text")
            assert await process.communicate(b"bytes") == (b"bytes", b"")

    in_loop(body)


def test_a_start_that_nobody_waits_for_is_undone() -> None:
    made, undone, go = threading.Event(), threading.Event(), threading.Event()

    def make() -> str:
        made.set()
        assert go.wait(PATIENCE)
        return "it"

    async def body() -> None:
        task = asyncio.create_task(in_thread(make, lambda it: undone.set()))
        await asyncio.get_running_loop().run_in_executor(None, made.wait)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not undone.is_set()
        go.set()
        await asyncio.get_running_loop().run_in_executor(None, undone.wait)

    in_loop(body)
    assert undone.is_set()


def test_cancelling_a_start_leaves_nothing() -> None:
    """Whenever it is cancelled: the fixture counts threads and descriptors."""

    async def body() -> None:
        for turns in range(40):
            task = asyncio.create_task(create_process(guest("sleep"), **ALL_PIPES))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                process = await task
                async with process:
                    process.kill()

    in_loop(body)


def test_the_name_of_a_process() -> None:
    async def body() -> None:
        process = await create_process([guest("exit_code"), "3"], net="ipv4:allow=*:1")
        await process.wait()
        assert repr(process) == "<pywasix.AsyncProcess ['exit_code.wasm', '3'] pid=1 returncode=3>"
        assert process.policy is not None
        assert process.results == ()

    in_loop(body)
