"""Several programs in one Python process."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import pywasix
from contract.wat import program
from support import PATIENCE, guest, listening_port, wait_for_line


def test_the_same_module_in_parallel() -> None:
    module = pywasix.load(guest("args_env"))

    def run(number: int) -> bool:
        done = pywasix.run([module, str(number)], env={"N": str(number)}, stdout=pywasix.PIPE, timeout=PATIENCE)
        return bool(done.stdout == f"arg 0: args_env.wasm\narg 1: {number}\nenv: N={number}\n".encode())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(200)))


def test_ends_of_programs_do_not_mix() -> None:
    """The engine's package keeps a raised exception in one place for the whole process; the border must not."""
    traps = program("(unreachable)")
    codes = [pywasix.load(guest("exit_code")), pywasix.load(traps)]
    gate = threading.Barrier(6)

    def run(number: int) -> None:
        gate.wait(PATIENCE)
        for turn in range(60):
            if number % 3 == 2:
                with pywasix.start([codes[1]]) as process:
                    assert process.wait(PATIENCE) == -6
                assert process.reason.startswith("wasm trap: unreachable")
            elif number % 3 == 1:
                with pywasix.start([guest("busy_loop")], stdout=pywasix.DEVNULL) as process:
                    process.kill()
                    assert process.wait(PATIENCE) == -9
            else:
                code = str(number * 60 + turn)
                assert pywasix.run([codes[0], code], timeout=PATIENCE).returncode == int(code)

    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(run, number) for number in range(6)]:
            each.result(PATIENCE)


def test_killing_one_computing_program_leaves_the_others_alone() -> None:
    """Stopping moves the epoch of the one engine on: every other program looks, and goes on."""
    running = [pywasix.start([guest("busy_loop")], stdout=pywasix.PIPE, text=True) for _ in range(3)]
    for process in running:
        wait_for_line(process, "blocking")
    for index, process in enumerate(running):
        process.kill()
        assert process.wait(PATIENCE) == -9
        assert [each.poll() for each in running[index + 1 :]] == [None] * (2 - index)
    for process in running:
        assert process.stdout is not None
        process.stdout.close()


def test_programs_talk_to_each_other() -> None:
    options: dict[str, Any] = {"net": True, "stdout": pywasix.PIPE, "text": True}
    with pywasix.start([guest("echo_server"), "-n", "3"], **options) as server:
        port = str(listening_port(server))
        clients = [pywasix.start([guest("tcp_client"), "127.0.0.1", port, f"message {n}"], **options) for n in range(3)]
        outputs = [client.communicate(timeout=PATIENCE)[0] for client in clients]
        assert [output.splitlines()[-1] for output in outputs] == [f"message {n}" for n in range(3)]
        callers, _ = server.communicate(timeout=PATIENCE)
    assert sorted(callers.split()) == sorted(output.splitlines()[0].split()[1] for output in outputs)


def test_a_virtual_network_gets_its_addresses_back() -> None:
    """Also from programs that never opened a socket, and from programs that could not start."""
    with pywasix.VirtualNetwork("10.0.0.0/29") as network:
        for _ in range(20):
            assert pywasix.run([guest("hello")], net=network, stdout=pywasix.DEVNULL).returncode == 0
        for options in ({"trace": "/nonexistent/file"}, {"max_fds": 1}, {"stdin": object()}) * 7:
            with pytest.raises(pywasix.PywasixError, match=r"trace file|max_fds|no stream"):
                pywasix.start([guest("hello")], net=network, **options)
        assert pywasix.run([guest("hello")], net=network, stdout=pywasix.DEVNULL).returncode == 0


def test_one_python_thread_serves_many_programs() -> None:
    with pywasix.start([guest("chat_server")], net=True, stdout=pywasix.PIPE, text=True) as server:
        address = ("127.0.0.1", listening_port(server))
        callers = [socket.create_connection(address, PATIENCE) for _ in range(10)]
        for caller in callers:
            caller.close()
        server.kill()
        assert server.wait(PATIENCE) == -9


def test_process_ids_belong_to_one_program() -> None:
    """Each program is alone in its kernel: it is always the first process."""
    options: dict[str, Any] = {"stdout": pywasix.DEVNULL}
    with pywasix.start(guest("hello"), **options) as first, pywasix.start(guest("hello"), **options) as second:
        assert (first.pid, second.pid) == (1, 1)
