"""Starting a program: every option is checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pywasix.abi.enums import Signal
from pywasix.abi.generation import AbiGeneration
from pywasix.engine.border import Wrapper
from pywasix.engine.instance import EntryPoint, GuestTask
from pywasix.engine.memory import LinearMemory
from pywasix.engine.threads import GuestProcess
from pywasix.errors import OptionError
from pywasix.fs.directory import DIRECTORY_RIGHTS, INHERITING_RIGHTS
from pywasix.fs.late import LateFiles
from pywasix.host.exchange import check_input
from pywasix.host.limits import guest_file_limit, guest_thread_limit
from pywasix.host.poller import HostPoller
from pywasix.host.services import HostServices
from pywasix.host.stdio import PIPE, Stdio, fill_standard_descriptors, open_ends, stream_file
from pywasix.kernel.fdtable import Descriptor
from pywasix.kernel.kernel import MOST_PROCESSES, Kernel
from pywasix.kernel.process import ExitStatus
from pywasix.kernel.process import Process as KernelProcess
from pywasix.kernel.task import Task
from pywasix.net.network import Network
from pywasix.runtime import options
from pywasix.runtime.networks import descriptors_each, make_network
from pywasix.runtime.process import Process
from pywasix.runtime.processes import Processes
from pywasix.syscalls.context import Context

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from pywasix.engine.module import GuestModule
    from pywasix.net.events import ConnectionEvent
    from pywasix.net.policy import NetworkPolicy
    from pywasix.net.watch import Watch
    from pywasix.runtime.listeners import Listen
    from pywasix.runtime.loader import Begin, Loader
    from pywasix.runtime.networks import Hosts, Net, Resolver

_SERVICES = HostServices()


def start(
    args: options.Program | Sequence[Any],
    *,
    env: Mapping[str, str] | None = None,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    net: Net = None,
    policy: NetworkPolicy | None = None,
    hosts: Hosts | None = None,
    resolver: Resolver | None = None,
    listen: Sequence[Listen] = (),
    volumes: Sequence[str] = (),
    tmpfs: Sequence[str] = (),
    archives: Sequence[str] = (),
    cwd: str | None = None,
    commands: Mapping[str, Any] | None = None,
    max_memory: int | None = None,
    max_total_memory: int | None = None,
    max_cpu: float | None = None,
    max_fds: int | None = None,
    max_processes: int | None = None,
    max_threads: int | None = None,
    max_connections: int | None = None,
    max_connections_per_peer: int | None = None,
    on_connection: Callable[[ConnectionEvent], object] | None = None,
    trace: Any = None,
    invoke: str | None = None,
    port_order: Literal["auto", "little", "big"] = "auto",
    function_casts: bool | None = None,
    report: Callable[[str], None] | None = None,
) -> Process:
    """Start a program and return at once.

    Args:
        args: a path, the bytes of a .wasm file or a loaded module; or a sequence of one of these
            and the program's arguments.
        env: its whole environment; nothing is inherited.
        stdin, stdout, stderr: None inherits; `PIPE`; `DEVNULL`; a descriptor; a file or file-like
            object; bytes for stdin; `STDOUT` for stderr.
        text, encoding, errors: Python's pipe ends are text files, as in `subprocess`.
        net: None: no network. True: the host's, without rules. A string: the host's with rules
            (`"ipv4:allow=127.0.0.1:8080/in"`). A `NetworkPolicy`, or a callable that judges a
            `Request`. A `VirtualNetwork`, or one of its hosts.
        policy: judges the use of a virtual network.
        hosts: addresses of names, `{"db": "10.0.0.7", "x": ["::1", "127.0.0.1"]}`; they come before any look-up.
        resolver: looks all other names up in place of the network: gets a name, gives the texts of its addresses,
            None for a name that nobody has. It is called in threads of its own, several at once.
        listen: addresses ("127.0.0.1:8080") or listening sockets that the program finds from fd 3 on.
            A socket stays yours, its blocking mode and timeouts too. Several programs may accept from it; if
            anybody else does, make it non-blocking, or a program may wait in the host for a caller who was taken.
        volumes: directories of the host that the program may use, as "HOST:GUEST", or only read, as
            "HOST:GUEST:ro". With any files, descriptor 3 is the program's "/", and listening sockets begin at 4;
            behind its directories for a program without WASIX, which has its working directory among them.
        tmpfs: directories in memory, as "GUEST" or "GUEST:SIZE" ("/tmp:64M"), gone with the program.
        archives: zip and tar files whose content the program may read, as "FILE:GUEST".
        cwd: where it begins, a path of the program's own.
        commands: programs that it may run by name, also as "/bin/NAME": a path, the bytes of a .wasm file, a loaded
            module, or a function, which gets a `Command` and returns an exit code. Others are .wasm files and "#!"
            scripts of its own volumes.
        max_memory: bytes of each process, at least one page of 64 KiB. Unless given, and with `max_total_memory`, a
            quarter of that for a program that can make processes, else all of it.
        max_total_memory: bytes of all processes together; no limit of the sum unless given. Each process counts with
            the most that its memory may grow to: `max_memory`, or what its module declares if that is less. A fork or
            spawn that would pass the sum fails with NOMEM.
        max_cpu: seconds of processor time that all its threads may take together, the host's work for them included.
            Then it ends by SIGXCPU.
        max_fds: descriptors; unless given half of the host's limit, so that the other half is left for you, or a
            quarter on a `VirtualNetwork`, whose sockets are pairs; but at least 256 and at most 65536. As many files,
            or `max_fds` if that is more, may be open in all processes together; NFILE tells of that.
        max_processes, max_threads: how many the program may have at once, the first ones and all threads of all
            processes included; fork and the like fail with AGAIN then. Unless given 256 and 1024, or less where the
            host's limit of descriptors is low.
        max_connections, max_connections_per_peer: how many TCP connections the program may hold at once, in total
            and with one address. A caller beyond that is closed at once, and a connect fails with CONNREFUSED.
        on_connection: gets a `Listening`, `Accepted`, `Connected`, `Closed` or `Refused` for what happens to the
            program's connections, in the program's own threads: it must be quick. What it raises is reported once
            and ignored. A `ConnectionEvents` collects them for a loop of yours.
        trace: True, a path, a file or a callable: a line for each system call.
        invoke: call this export with `args` as its numbers instead of `_start`.
        port_order: the byte order of ports, when a module of 2022 was guessed wrong.
        function_casts: as for `load`, for this program and the commands, but for those that are loaded already.
        report: gets one-line messages for the user; `logging` unless given. What it raises is ignored.
    Raises:
        ModuleError: the module cannot be loaded or linked.
        OptionError: an option cannot be; the text says what it takes.
        OSError: a `listen` address cannot be had.
    """
    module, arguments = options.program_of(args, function_casts)
    entry = options.entry_point(module, invoke, arguments[1:])
    generation = options.generation(module, port_order)
    max_pages = options.pages(max_memory, max_total_memory, makes_processes=module.makes_processes)
    environment = options.environment(env)
    encoded = [options.encoded(each, "argument") for each in arguments]
    host_files = guest_file_limit(descriptors_each(net))
    fd_limit = options.descriptors(max_fds, host_files)
    cpu_limit = options.cpu_time(max_cpu)
    threads = options.at_least_one("max_threads", max_threads, guest_thread_limit())
    processes = options.at_least_one("max_processes", max_processes, min(MOST_PROCESSES, threads))
    options.text_files(encoding, errors)
    tell = options.reporter(report or _log)
    # `held` is what the program holds until it ends; `undo` is for a start that fails.
    with ExitStack() as undo, ExitStack() as held:
        fill_standard_descriptors()
        kernel = Kernel(
            HostPoller,
            max_processes=processes,
            max_threads=threads,
            max_total_memory=max_total_memory,
            max_files=max(fd_limit, host_files),
        )
        process = kernel.start_process(encoded, environment, max_fds=fd_limit)
        if cpu_limit is not None:
            _limit_cpu(process, cpu_limit)
        if on_connection is not None:
            held.callback(_attached(on_connection))
        held.callback(process.task_ended, process.main_task)  # the last step: whoever waits finds all of it done
        process.complain = tell
        network = make_network(net, policy, tell, hosts, resolver)
        held.callback(network.close)
        if not (on_connection is None and max_connections is None and max_connections_per_peer is None):
            network.watched_by(_watch(process, on_connection, max_connections, max_connections_per_peer, tell))
        tracer, finish_trace = _tracer(trace)
        held.callback(finish_trace)
        stdio = Stdio(stdin, stdout, stderr)
        undo.callback(stdio.abandon)
        _install_streams(process, stdio)
        if stdio.terminal is not None:
            held.callback(_lend_terminal(process, stdio.terminal.fileno()))
        _install_files(process, FileArguments(volumes, tmpfs, archives, cwd), generation, listening=bool(listen))
        listening = _listen(process, network, listen, ruled=net is not None and net is not False) if listen else []

        def begin(module: GuestModule, process: KernelProcess, entry: EntryPoint | None = None) -> GuestProcess:
            generation = options.generation(module, port_order)

            def make_context(task: Task, memory: LinearMemory, exports: Callable[[str], bool]) -> Context:
                return Context(task, memory, network, generation, _SERVICES, exports)

            guest = GuestTask(process.main_task, module, make_context, max_pages=max_pages, wrap=tracer)
            return GuestProcess(guest, lambda: guest.run(entry))

        launcher = kernel.launcher = Processes(kernel, _loader(process, commands, begin, function_casts))
        held.callback(launcher.finish)
        first = begin(module, process, entry)
        held.callback(first.close)
        streams = open_ends(stdio.ends, text=text, encoding=encoding, errors=errors)
        running = Process(arguments, process, network, stdio, streams)
        running.listeners = listening
        running._launch(first, held.pop_all())
        undo.pop_all()
    return running


def _loader(
    process: KernelProcess, commands: Mapping[str, Any] | None, begin: Begin, function_casts: bool | None
) -> Callable[[], Loader]:
    if not commands:
        return lambda: _make_loader(None, begin, function_casts)
    loader = _make_loader(commands, begin, function_casts)  # says now what is wrong with them
    loader.show(process)
    return lambda: loader


def _make_loader(commands: Mapping[str, Any] | None, begin: Begin, function_casts: bool | None) -> Loader:
    from pywasix.runtime.loader import Loader  # only who runs other programs pays for it

    return Loader(commands, begin, function_casts)


def _tracer(trace: Any) -> tuple[Wrapper | None, Callable[[], None]]:
    chosen = options.trace_writer(trace)
    if chosen is None:
        return None, lambda: None
    from pywasix.syscalls.trace import Tracer  # only who traces pays for it

    write, finish = chosen
    return Tracer(write).wrap, finish


def _limit_cpu(process: KernelProcess, limit: int) -> None:
    from pywasix.kernel.cpu import CpuLimit  # only who has such a limit pays for it

    reason = f"the limit of {limit / 1e9:g} seconds of processor time is over (--max-cpu)"
    status = ExitStatus(signal=Signal.XCPU, reason=reason)
    cpu = CpuLimit(process.kernel, limit, _SERVICES.parallelism(), lambda: process.finish(status))
    process.kernel.cpu = cpu
    cpu.watch()


def _watch(*wanted: Any) -> Watch:
    from pywasix.runtime.watching import make_watch  # only who watches pays for it

    return make_watch(*wanted)


def _attached(on_connection: Any) -> Callable[[], None]:
    from pywasix.runtime.watching import attached

    return attached(on_connection)


def _install_streams(process: KernelProcess, stdio: Stdio) -> None:
    for channel in stdio.channels:
        file = stream_file(channel)
        process.fds.add(Descriptor(file, file.rights, file.rights))


def _lend_terminal(process: KernelProcess, fd: int) -> Callable[[], None]:
    """Give a program its terminal; returns what takes it back, as it was."""
    from pywasix.host.terminal import HostTerminal  # only who is on a terminal pays for it
    from pywasix.kernel.tty import Terminal

    device = HostTerminal(fd)
    process.kernel.terminal = Terminal(device)
    return device.release


class FileArguments(NamedTuple):
    """The arguments of `start` that concern files."""

    volumes: Sequence[str]
    tmpfs: Sequence[str]
    archives: Sequence[str]
    cwd: str | None


def _install_files(process: KernelProcess, given: FileArguments, generation: AbiGeneration, *, listening: bool) -> None:
    """Descriptor 3 is "/", of every WASIX program and of others that were given files.

    A WASIX program that was given listening sockets and no files has these from 3 on: a server looks for them there.
    """
    if given.volumes or given.tmpfs or given.archives or given.cwd is not None:
        from pywasix.runtime.volumes import install_files  # only who has files pays for it

        install_files(process, given, _SERVICES.random, wasix=generation.wasix)
    elif generation.wasix and not listening and process.fds.limit > len(process.fds):
        files = process.files = LateFiles(_SERVICES.random)
        process.fds.add(Descriptor(files.root(), DIRECTORY_RIGHTS, INHERITING_RIGHTS, preopen=b"/"))


def _listen(
    process: KernelProcess, network: Network, listen: Sequence[Listen], *, ruled: bool
) -> list[tuple[str, int]]:
    from pywasix.runtime.listeners import install_listeners, open_listeners  # only who listens pays for it

    return install_listeners(process, open_listeners(network, listen, ruled=ruled))


def _log(message: str) -> None:
    from logging import getLogger  # only who has something to say pays for it

    getLogger("pywasix").warning(message)


def run(
    args: options.Program | Sequence[Any],
    *,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **start_options: Any,
) -> CompletedProcess[Any]:
    """Run a program to its end; the manners are those of `subprocess.run`.

    Args:
        args: as for `start`.
        input: bytes (or a string, for text pipes) for standard input.
        capture_output: collect stdout and stderr.
        timeout: seconds; the program is killed when they are over.
        check: raise when the return code is not 0.
        start_options: everything else that `start` takes.
    Returns: args, returncode, stdout, stderr. The reason of a trap goes to `logging`, unless `report` is given.
    Raises: `subprocess.TimeoutExpired`; `subprocess.CalledProcessError`; what `start` and `communicate` raise.
    """
    from subprocess import CalledProcessError, CompletedProcess, TimeoutExpired

    if timeout is not None and not isinstance(timeout, (int, float)):
        raise OptionError(f"timeout is {timeout!r}; it is seconds, such as 10")
    if input is not None:
        if start_options.get("stdin") is not None:
            raise OptionError("input and stdin may not both be given")
        check_input(input, text=any(map(start_options.get, ("text", "encoding", "errors"))))
        start_options["stdin"] = PIPE
    if capture_output:
        if start_options.get("stdout") is not None or start_options.get("stderr") is not None:
            raise OptionError("capture_output and stdout or stderr may not both be given")
        start_options["stdout"] = start_options["stderr"] = PIPE
    with start(args, **start_options) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except TimeoutExpired:
            process.kill()
            with suppress(UnicodeError):  # a text that the kill cut off
                process.communicate()
            raise TimeoutExpired(process.args, timeout or 0, *process._received()) from None
        except BaseException:
            process.kill()
            raise
    code = process.wait()
    if process.reason and start_options.get("report") is None:
        _log(f"{process.args[0]}: {process.reason}")  # what is returned has no room for it
    if check and code:
        raise CalledProcessError(code, process.args, stdout, stderr)
    return CompletedProcess(process.args, code, stdout, stderr)
