"""Pipes between tasks: every byte arrives once, a closed end wakes the other one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract.guest_process import Caller, GuestProcess
from pywasix.abi.errno import Errno
from pywasix.host.files import FdChannel
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.stream import StreamFile
from pywasix.syscalls import fd_io
from support import PATIENCE

RECORD = 512  # bytes; not more than PIPE_BUF, so that records of several writers do not mix (POSIX write)
IOVEC, COUNT, DATA = 0, 16, 1024


@pytest.fixture
def process() -> Iterator[GuestProcess]:
    with GuestProcess() as found:
        yield found


def pipe(process: GuestProcess) -> tuple[int, int]:
    """Descriptors of both ends of a pipe, private to the guest as those of `PIPE` are."""
    fds = []
    for end in os.pipe():
        file = StreamFile(FdChannel(end, owned=True, private=True))
        fds.append(process.process.fds.add(Descriptor(file, file.rights)))
    return fds[0], fds[1]


def transfer(caller: Caller, write: bool, fd: int, size: int) -> tuple[Errno, int]:
    """fd_read or fd_write of bytes at `DATA`; returns the errno and how many bytes."""
    caller.memory[IOVEC : IOVEC + 8] = DATA.to_bytes(4, "little") + size.to_bytes(4, "little")
    errno = caller.call(fd_io.fd_write if write else fd_io.fd_read, fd, IOVEC, 1, COUNT)
    return errno, caller.word(COUNT) if errno is Errno.SUCCESS else 0


def write_records(caller: Caller, fd: int, mark: int, count: int) -> None:
    caller.memory[DATA : DATA + RECORD] = bytes([mark]) * RECORD
    for _ in range(count):
        assert transfer(caller, True, fd, RECORD) == (Errno.SUCCESS, RECORD)


def read_all(caller: Caller, fd: int) -> Counter[int]:
    """Read to the end of the file; returns how often each byte came."""
    found: Counter[int] = Counter()
    while True:
        errno, size = transfer(caller, False, fd, RECORD)
        assert errno is Errno.SUCCESS
        if not size:
            return found
        found.update(caller.memory[DATA : DATA + size])


def test_several_writers_and_readers(process: GuestProcess) -> None:
    writers, readers, count = 3, 2, 400
    reading, writing = pipe(process)
    with ThreadPoolExecutor(writers + readers) as pool:
        found = [pool.submit(read_all, process.another(), reading) for _ in range(readers)]
        sent = [pool.submit(write_records, process.another(), writing, 1 + mark, count) for mark in range(writers)]
        for future in sent:
            future.result(PATIENCE)
        process.main.close(writing)
        total = sum((future.result(PATIENCE) for future in found), Counter[int]())
    assert total == {1 + mark: count * RECORD for mark in range(writers)}


def test_more_than_the_pipe_holds_in_one_write(process: GuestProcess) -> None:
    """A blocking write takes all of it, however slowly it is read."""
    size = 1 << 20
    reading, writing = pipe(process)
    writer, reader = process.another(), process.another()
    data = bytearray(os.urandom(size))
    file = process.process.fds.get(writing).file
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(file.write, writer.task, [memoryview(data)[: size // 2], memoryview(data)[size // 2 :]])
        got = bytearray()
        while len(got) < size:
            errno, count = transfer(reader, False, reading, 2000)
            assert errno is Errno.SUCCESS
            got += reader.memory[DATA : DATA + count]
        assert sent.result(PATIENCE) == size
    assert got == data


def test_a_reader_that_goes_is_pipe(process: GuestProcess) -> None:
    for _ in range(50):
        reading, writing = pipe(process)
        writer = process.another()

        def fill(writer: Caller = writer, writing: int = writing) -> Errno:
            while True:
                errno, _ = transfer(writer, True, writing, RECORD)
                if errno is not Errno.SUCCESS:
                    return errno

        with ThreadPoolExecutor(1) as pool:
            filling = pool.submit(fill)
            writer.await_blocked()
            process.main.close(reading)
            assert filling.result(PATIENCE) is Errno.PIPE
        process.main.close(writing)
    assert len(process.process.fds) == 0


def test_a_descriptor_closed_under_its_reader_is_badf(process: GuestProcess) -> None:
    for turn in range(50):
        reading, writing = pipe(process)
        reader = process.another()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(transfer, reader, False, reading, 1)
            if turn % 2:
                reader.await_blocked()
            else:
                reader.await_patience()
            process.main.close(reading)
            assert waiting.result(PATIENCE)[0] is Errno.BADF
        process.main.close(writing)
