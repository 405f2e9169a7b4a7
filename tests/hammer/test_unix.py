"""Unix sockets under load: everybody is served once, and nothing is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from net.virtual_guest import DATAGRAM, Guest, guests, receive, send
from pywasix.kernel.task import Task
from pywasix.net.address import UNIX, Address
from pywasix.net.sockets import Socket
from support import PATIENCE, open_files

SERVER = Address(UNIX, b"/server", 0)
CALLERS, TURNS = 20, 10


def call(guest: Guest, task: Task, number: int) -> list[bytes]:
    """Connect again and again, each time until the answer has come; returns the answers."""
    answers = []
    for turn in range(TURNS):
        socket = guest.socket(UNIX)
        socket.bind(Address(UNIX, b"/%d/%d" % (number, turn), 0))
        socket.connect(task, SERVER)
        buffer = memoryview(bytearray(16))
        count = socket.recv(task, [buffer], 0)
        answers.append(bytes(buffer[:count]))
        guest.drop(socket)
    return answers


def test_callers_at_a_short_queue() -> None:
    """Each is told its own name, however many wait for room in the queue."""
    with guests(1) as (guest,), ThreadPoolExecutor(CALLERS) as pool:
        before = open_files()
        listener = guest.socket(UNIX)
        listener.bind(SERVER)
        listener.listen(2)
        tasks = [guest.new_task() for _ in range(CALLERS)]
        own = open_files().keys() - before.keys()
        calling = [pool.submit(call, guest, task, number) for number, task in enumerate(tasks)]
        for _ in range(CALLERS * TURNS):
            accepted, peer = guest.accept(listener)
            send(guest, accepted, peer.ip)
            guest.drop(accepted)
        for number, future in enumerate(calling):
            assert future.result(PATIENCE) == [b"/%d/%d" % (number, turn) for turn in range(TURNS)]
        assert open_files().keys() - before.keys() == own
        assert len(guest.place.unix.names()) == 1 + CALLERS * TURNS


def flood(socket: Socket, task: Task, number: int) -> None:
    for turn in range(TURNS):
        socket.send_to(task, [memoryview(b"%d/%d" % (number, turn))], 0, SERVER)


def test_senders_to_one_queue() -> None:
    """The queue of a Unix datagram socket is short: senders wait, and no datagram is lost."""
    with guests(1) as (guest,), ThreadPoolExecutor(CALLERS) as pool:
        server = guest.socket(UNIX, DATAGRAM)
        server.bind(SERVER)
        senders = [guest.socket(UNIX, DATAGRAM) for _ in range(CALLERS)]
        sending = [pool.submit(flood, socket, guest.new_task(), index) for index, socket in enumerate(senders)]
        got = sorted(receive(guest, server) for _ in range(CALLERS * TURNS))
        for future in sending:
            future.result(PATIENCE)
    assert got == sorted(b"%d/%d" % (number, turn) for number in range(CALLERS) for turn in range(TURNS))
