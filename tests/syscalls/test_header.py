"""The C header for guests: what it says, and that a compiler agrees with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pywasix.abi.addresses import AddrPort
from pywasix.abi.enums import Rights
from pywasix.abi.errno import Errno
from pywasix.abi.records import Event, Subscription
from pywasix.syscalls.declared import DECLARED, SPECIFIED
from pywasix.syscalls.header import c_header
from pywasix.syscalls.table import rows

HEADER = c_header(DECLARED)


def imports(header: str = HEADER) -> dict[str, tuple[str, str]]:
    """C name to (module, name) of each import in the header."""
    pattern = r'WASIX_IMPORT\("([^"]+)", "([^"]+)"\)\nextern [^(]*?(\w+)\('
    return {c_name: (module, name) for module, name, c_name in re.findall(pattern, header)}


def test_every_current_call_is_imported_once() -> None:
    found = imports()
    assert len(found) == HEADER.count("\nextern ")
    names = {row.name for row in SPECIFIED} - {"thread_spawn"}
    assert {name for _, name in found.values()} == names
    assert len(found) == len(names) + 1  # sock_accept twice


@pytest.mark.parametrize(
    ("c_name", "module", "name"),
    [
        ("wasix_fd_write", "wasi_snapshot_preview1", "fd_write"),
        ("wasix_sock_accept", "wasi_snapshot_preview1", "sock_accept"),
        ("wasix_sock_accept_peer", "wasix_32v1", "sock_accept"),
        ("wasix_sock_accept_v2", "wasix_32v1", "sock_accept_v2"),
        ("wasix_thread_spawn", "wasi", "thread-spawn"),
        ("wasix_thread_spawn_v2", "wasix_32v1", "thread_spawn_v2"),
    ],
)
def test_modules_are_those_of_libc(c_name: str, module: str, name: str) -> None:
    assert imports()[c_name] == (module, name)


@pytest.mark.parametrize(
    "line",
    [
        "extern int wasix_sock_accept_v2(int fd, uint16_t flags, int *ro_fd, wasix_addr_port_t *ro_addr);",
        "extern int wasix_sock_bind(int fd, const wasix_addr_port_t *addr);",
        "extern int wasix_random_get(void *buf, uint32_t buf_len);",
        "extern int wasix_chdir(const char *path, uint32_t path_len);",
        "extern int wasix_sched_yield(void);",
        "extern _Noreturn void wasix_proc_exit(uint32_t rval);",
        "extern void wasix_proc_exit2(uint32_t rval);",
        "extern int wasix_getcwd(void *path, uint32_t *path_len);",
        "    WASIX_ERRNO_2BIG = 1,",
        "    WASIX_FDFLAGS_NONBLOCK = 0x4,",
        "    WASIX_SOCK_OPTION_RECV_TIMEOUT = 19,",
        f"#define WASIX_RIGHTS_SOCK_SEND_TO UINT64_C(0x{Rights.SOCK_SEND_TO:x})",
    ],
)
def test_header_has_the_line(line: str) -> None:
    assert line in HEADER.splitlines()


def test_header_of_the_table_has_the_same_imports() -> None:
    assert imports(c_header(rows())) == imports()


def test_header_is_the_same_every_time() -> None:
    assert c_header(iter(DECLARED)) == HEADER


PROGRAM = """\
#include "wasix.h"

#define HOLDS(fact) _Static_assert(fact, #fact)
{facts}

int serve(void);
int serve(void) {{
    int listener, caller;
    wasix_addr_port_t address = {{ .tag = WASIX_ADDRESS_FAMILY_INET4, .u.inet4 = {{ .port = 80 }} }};
    char text[] = "hello";
    wasix_ciovec_t out = {{ text, sizeof text }};
    uint32_t sent;
    if (wasix_sock_open(WASIX_ADDRESS_FAMILY_INET4, WASIX_SOCK_TYPE_SOCKET_STREAM, 0, &listener)
            || wasix_sock_bind(listener, &address) || wasix_sock_listen(listener, 5))
        return 1;
    if (wasix_sock_accept_v2(listener, WASIX_FDFLAGS_NONBLOCK, &caller, &address) == WASIX_ERRNO_AGAIN)
        return 2;
    return wasix_fd_write(caller, &out, 1, &sent);
}}
"""


def test_header_compiles_clean(tmp_path: Path) -> None:
    """Offsets inside the C structures are those of the records."""
    facts = [f"WASIX_ERRNO_PENDING == {Errno.PENDING}"]
    facts += [
        f"__builtin_offsetof(wasix_{kind.ABI_NAME}_t, {name}) == {offset}"
        for kind in (AddrPort, Event, Subscription)
        for name, offset in kind.OFFSETS.items()
    ]
    facts.append("__builtin_offsetof(wasix_addr_port_t, u.inet6.addr.scope_id1) == 24")
    (tmp_path / "wasix.h").write_text(HEADER)
    (tmp_path / "t.c").write_text(PROGRAM.format(facts="\n".join(f"HOLDS({fact});" for fact in facts)))
    compiler = [sys.executable, "-m", "ziglang", "cc", "--target=wasm32-freestanding", "-std=c11"]
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-c", "t.c", "-o", "t.o"]
    done = subprocess.run([*compiler, *flags], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    built = (tmp_path / "t.o").read_bytes()
    assert built.startswith(b"\0asm")
    assert b"wasix_32v1" in built
    assert b"sock_accept_v2" in built
