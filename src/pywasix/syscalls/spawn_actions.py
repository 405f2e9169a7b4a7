"""File actions of proc_spawn2 and proc_spawn3: what happens to a new process's descriptors before it begins."""

from __future__ import annotations

from functools import partial

from pywasix.abi.enums import FdFlagsExt, SpawnFdOpName
from pywasix.abi.errno import Errno
from pywasix.abi.records import ProcSpawnFdOp
from pywasix.errors import SysError
from pywasix.fs.directory import INHERITING_RIGHTS
from pywasix.kernel.process import Process
from pywasix.syscalls.context import Context
from pywasix.syscalls.opening import directory_of, open_from, open_request, open_terminal, path_of
from pywasix.syscalls.socket_names import refuse_socket

_MOST = 4096
_CLOEXEC = int(FdFlagsExt.CLOEXEC)


class FileActions:
    """The actions of one call, read before anything is done. Errors: FAULT; INVAL; NAMETOOLONG.

    They are applied in order; the first that fails ends the new process.
    """

    def __init__(self, ctx: Context, pointer: int, count: int) -> None:
        self._ctx = ctx
        if count > _MOST:
            raise SysError(Errno.INVAL, f"{count} file actions")
        size = ProcSpawnFdOp.SIZE
        operations = [ctx.memory.load(ProcSpawnFdOp, pointer + size * index) for index in range(count)]
        self._actions = [(each, self._path(each)) for each in operations]

    def _path(self, operation: ProcSpawnFdOp) -> bytes:
        if operation.cmd not in tuple(SpawnFdOpName):
            raise SysError(Errno.INVAL, f"file action {operation.cmd}")
        if operation.cmd not in (SpawnFdOpName.OPEN, SpawnFdOpName.CHDIR):
            return b""
        return path_of(self._ctx, operation.path, operation.path_len)

    def apply(self, child: Process) -> None:
        """Do them in a process. Errors: BADF; those of opening a path and of changing the directory."""
        for operation, path in self._actions:
            if operation.cmd == SpawnFdOpName.CLOSE:
                child.fds.close(operation.fd)
            elif operation.cmd == SpawnFdOpName.DUP2:
                self._copy(child, operation)
            elif operation.cmd == SpawnFdOpName.OPEN:
                self._open(child, operation, path)
            elif operation.cmd == SpawnFdOpName.CHDIR:
                self._ctx.files_of(child).chdir(path)
            else:
                self._ctx.files_of(child).enter(directory_of(child.fds, operation.fd, 0))

    @staticmethod
    def _copy(child: Process, operation: ProcSpawnFdOp) -> None:
        entry = child.fds.get(operation.src_fd)
        if operation.src_fd == operation.fd:
            entry.cloexec = False  # POSIX posix_spawn_file_actions_adddup2
        else:
            child.fds.replace(operation.fd, entry.copy())

    def _open(self, child: Process, operation: ProcSpawnFdOp, path: bytes) -> None:
        request = open_request(
            operation.dirflags,
            operation.oflags,
            operation.fs_rights_base,
            operation.fs_rights_inheriting,
            operation.fdflags,
            bool(operation.fdflagsext & _CLOEXEC),
        )
        start = self._ctx.files_of(child).start()
        refuse_socket(self._ctx, start, path, operation.oflags)
        entry = open_from(child.fds, start, path, request, INHERITING_RIGHTS, partial(open_terminal, self._ctx))
        try:
            child.fds.replace(operation.fd, entry)
        except BaseException:
            if not entry.file.references:  # else it is what /dev/stdin stands for
                entry.file.close()
            raise
