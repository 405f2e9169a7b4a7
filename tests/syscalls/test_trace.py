"""Traces: what a line says of a call, whatever the guest passed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pywasix
from pywasix.abi.addresses import AddrPort
from pywasix.abi.errno import Errno
from pywasix.abi.records import (
    Ciovec,
    Event,
    EventFdReadwrite,
    FdStat,
)
from pywasix.abi.scalars import (
    U8,
    Char,
    Fd,
    In,
    InOut,
    Out,
    PointerSize,
    Size,
    scalar_of,
)
from pywasix.errors import ProcessExit, SysError
from pywasix.net.address import INET4
from pywasix.syscalls import table
from pywasix.syscalls.trace import Tracer
from support import guest
from syscalls.tracing import MODERN, OUTSIDE, Guest, row, shown


def test_the_line_of_an_accept() -> None:
    caller = Guest()
    accept = table.find("wasix_32v1", "sock_accept_v2", "iiii:i")
    assert accept is not None

    def store() -> None:
        caller.memory.store_u32(100, 4)
        caller.memory.write(200, MODERN.encode_addr_port(INET4, 51234, bytes((127, 0, 0, 1))))

    line = caller.call(accept, 3, 0, 100, 200, does=store)
    assert line == "[pid 1] sock_accept_v2(sock=3, fd_flags=0, ro_fd=>4, ro_addr=>127.0.0.1:51234) = SUCCESS"


def test_a_line_ends_with_a_newline_and_is_written_at_once() -> None:
    caller = Guest()
    caller.tracer(row(fd=Fd), lambda ctx, fd: None)(caller.ctx, 1)
    assert caller.lines == ["[pid 1] call(fd=1) = SUCCESS\n"]


def test_other_threads_show_their_tid() -> None:
    assert Guest(tid=7).call(row()) == "[pid 1:7] call() = SUCCESS"


def test_a_failed_call_shows_errno_text_and_where_results_were_wanted() -> None:
    caller = Guest()

    def refuse(ctx: Any, *_: int) -> None:
        raise SysError(Errno.BADF, "fd 9 is not\nopen")

    with pytest.raises(SysError):
        caller.tracer.wrap(row(fd=Fd, ro_fd=Out[Fd]), refuse)(caller.ctx, 9, 256)
    assert caller.lines == ["[pid 1] call(fd=9, ro_fd=0x100) = BADF (fd 9 is not\\nopen)\n"]

    def refuse_silently(ctx: Any, *_: int) -> None:
        raise SysError(Errno.INVAL)

    with pytest.raises(SysError):
        caller.tracer.wrap(row(), refuse_silently)(caller.ctx)
    assert caller.lines[-1] == "[pid 1] call() = INVAL\n"


def test_a_call_that_never_returns_gives_its_line() -> None:
    caller = Guest()

    def leave(ctx: Any, *_: int) -> None:
        raise ProcessExit(3)

    with pytest.raises(ProcessExit):
        caller.tracer.wrap(row("noreturn", rval=Fd), leave)(caller.ctx, 3)
    assert caller.lines == ["[pid 1] call(rval=3) = ?\n"]


def test_a_mistake_in_a_handler_is_shown_and_passed_on() -> None:
    caller = Guest()

    def fail(ctx: Any, *_: int) -> None:
        raise ZeroDivisionError("oh")

    with pytest.raises(ZeroDivisionError):
        caller.tracer.wrap(row(), fail)(caller.ctx)
    assert caller.lines == ["[pid 1] call() = ? (ZeroDivisionError('oh'))\n"]


def test_results_that_are_no_errno() -> None:
    caller = Guest()
    assert caller.call(row("void")).endswith("() = void")
    assert caller.call(row("tid"), does=lambda: 12).endswith("() = 12")


def test_a_trace_that_cannot_be_written_ends_and_the_guest_goes_on() -> None:
    written: list[str] = []

    def write(line: str) -> None:
        written.append(line)
        raise BrokenPipeError

    caller = Guest()
    handler = Tracer(write).wrap(row(), lambda ctx: "done")
    assert [handler(caller.ctx), handler(caller.ctx)] == ["done", "done"]
    assert len(written) == 1


def test_string_arguments_are_quoted() -> None:
    caller = Guest()
    call = row(path=In[Char], path_len=Size)
    caller.memory.write(16, b'a"\\\n\xc3')
    assert shown(caller.call(call, 16, 5)) == r'path="a\"\\\n\xc3"'
    assert shown(caller.call(call, 16, 0)) == 'path=""'
    caller.memory.write(1000, b"x" * 300)
    assert shown(caller.call(call, 1000, 300)) == f'path="{"x" * 256}"...'


def test_written_data_is_shown_as_it_was_before_the_call() -> None:
    caller = Guest()
    write = table.find("wasi_snapshot_preview1", "fd_write", "iiii:i")
    assert write is not None
    caller.memory.write(0, b"hello\n" + b"y" * 40)
    for place, number in zip(range(100, 116, 4), (0, 6, 6, 40), strict=True):
        caller.memory.store_u32(place, number)

    def store() -> None:
        caller.memory.write(0, bytes(46))
        caller.memory.store_u32(200, 46)

    line = caller.call(write, 1, 100, 2, 200, does=store)
    assert shown(line) == f'fd=1, iovs=[6:"hello\\n", 40:"{"y" * 32}"...], nwritten=>46'


def test_received_data_is_shown_as_far_as_it_was_received() -> None:
    caller = Guest()
    receive = table.find("wasix_32v1", "sock_recv", "iiiiii:i")
    assert receive is not None
    for place, number in zip(range(100, 116, 4), (0, 4, 8, 9), strict=True):
        caller.memory.store_u32(place, number)

    def store() -> None:
        caller.memory.write(0, b"abcd....efgh")
        caller.memory.store_u32(200, 6)
        caller.memory.store_u16(204, 1)

    line = caller.call(receive, 5, 100, 2, 0b1, 200, 204, does=store)
    assert shown(line) == (
        'fd=5, ri_data=[4:"abcd", 9:"ef"], ri_flags=RECV_PEEK, ro_data_len=>6, ro_flags=>RECV_DATA_TRUNCATED'
    )


def test_many_buffers_are_cut_and_bad_ones_are_numbers() -> None:
    caller = Guest()
    call = row(iovs=In[Ciovec], iovs_len=Size)
    caller.memory.store_u32(100, OUTSIDE)
    caller.memory.store_u32(104, 3)
    line = shown(caller.call(call, 100, 0xFFFFFFFF))
    assert line.startswith(f'iovs=[3:{OUTSIDE:#x}, 0:"", ')
    assert line.endswith(f"... {0xFFFFFFFF - 8} more]")


def test_bad_pointers_are_numbers() -> None:
    caller = Guest()
    call = row(path=In[Char], path_len=Size, ro_fd=Out[Fd], addr=In[AddrPort], status=InOut[FdStat])
    line = caller.call(call, OUTSIDE, 4, 0xFFFFFFFF, OUTSIDE, OUTSIDE)
    bad = hex(OUTSIDE)
    assert shown(line) == f"path={bad}, path_len=4, ro_fd=>0xffffffff, addr={bad}, status={bad}=>{bad}"


def test_changed_values_show_both() -> None:
    caller = Guest()
    caller.memory.store_u32(50, 256)
    line = caller.call(row(length=InOut[Size]), 50, does=lambda: caller.memory.store_u32(50, 12))
    assert shown(line) == "length=256=>12"


def test_lists_are_as_long_as_the_call_says() -> None:
    caller = Guest()
    poll = table.find("wasi_snapshot_preview1", "poll_oneoff", "iiii:i")
    assert poll is not None
    for index in range(3):
        caller.memory.write(48 * index + 8, bytes((1,)))

    def store() -> None:
        caller.memory.store(1000, Event(5, Errno.BADF, 1, EventFdReadwrite(0, 0)))
        caller.memory.store_u32(2000, 1)

    line = shown(caller.call(poll, 0, 1000, 3, 2000, does=store))
    one = "{userdata=0, u=fd_read{file_descriptor=0}}"
    event = "{userdata=5, error=BADF, type=FD_READ, fd_readwrite={nbytes=0, flags=0}}"
    assert line == f"in=[{one}, {one}, {one}], out=>[{event}], nevents=>1"


def test_buffers_of_results_show_their_first_bytes() -> None:
    caller = Guest()
    caller.memory.write(0, b"/home/user")
    link = row(buf=Out[U8], buf_len=Size, buf_used=Out[Size])
    line = caller.call(link, 0, 100, 500, does=lambda: caller.memory.store_u32(500, 5))
    assert shown(line) == 'buf=>"/home", buf_len=100, buf_used=>5'
    assert shown(caller.call(row(buf=Out[U8], buf_len=Size), 0, 5)) == 'buf=>"/home", buf_len=5'
    assert shown(caller.call(row(buf=In[U8], buf_len=Size), 0, 5)) == 'buf="/home", buf_len=5'
    assert shown(caller.call(row(argv=Out[PointerSize], argv_buf=Out[U8]), 40, 80)) == "argv=>0x0, argv_buf=>0x50"
    cwd = row(path=Out[U8], path_len=InOut[PointerSize])
    caller.memory.store_u32(600, 64)
    line = caller.call(cwd, 0, 600, does=lambda: caller.memory.store_u32(600, 5))
    assert shown(line) == 'path=>"/home", path_len=0x40=>0x5'


def test_an_import_of_another_type_shows_bare_numbers() -> None:
    assert shown(Guest().call(row(fd=Fd), 1, 255, -1, 1.5)) == "0x1, 0xff, -1, 1.5"


@settings(max_examples=300)
@given(data=st.data())
def test_no_call_of_the_abi_can_break_the_trace(data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(table.rows()))
    numbers = st.sampled_from([0, 1, 8, 100, 65516, 65535, OUTSIDE, 0x7FFFFFFF, 0xFFFFFFFF]) | st.integers(0, 1 << 32)
    args = data.draw(st.lists(numbers, min_size=len(call.params), max_size=len(call.params)))
    caller = Guest()
    caller.memory.write(0, data.draw(st.binary(min_size=1, max_size=256)))
    line = caller.call(call, *args)
    assert line.startswith(f"[pid 1] {call.name}(")
    assert "\n" not in line
    assert len(line) < 20_000


def test_every_parameter_has_a_name_or_is_a_length() -> None:
    caller = Guest()
    for call in table.rows():
        line = shown(caller.call(call, *[0] * len(call.params)))
        for param in call.params:
            counts = param.kind == "value" and scalar_of(param.type) == scalar_of(Size)
            assert counts or f"{param.name}=" in line, (call.name, param.name)


def test_a_traced_guest() -> None:
    lines: list[str] = []
    done = pywasix.run([guest("exit_code"), "3"], trace=lines.append)
    assert done.returncode == 3
    names = [line.partition("] ")[2].partition("(")[0] for line in lines]
    assert names == ["args_sizes_get", "args_get", "proc_exit"]
    assert lines[-1] == "[pid 1] proc_exit(rval=3) = ?"
