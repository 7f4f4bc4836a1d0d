"""Starts Python programs of the embedded stack by forking a process that has imported what they have in common.

A program of ours spends most of its start on imports: half a second to a second of CPU, and a stack has nine of them. The
fork server imports once; each program is then a fork of it, with a keeper that is a fork, too (see `keeper.py`).

    python -P -m generia_worker.embedded.forkserver SOCKET_FD MODULE…

What is started so is a command `[sys.executable, "-P", "-m", MODULE, …]`, and runs as if it had been executed: as
`__main__`, with its own arguments, environment, log, process group and name in `ps`; exit status, tracebacks and exit
handlers are the interpreter's own. Forking is safe because nothing here starts a thread or opens a connection: modules
that do so when they are imported, or read settings then, do not belong into MODULE….

The server ends when its socket is closed or the stack's process ends. Programs outlive it: each has its keeper.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from generia_worker.embedded import keeper

#: More than the system sends in one piece.
_MESSAGE_MAX_BYTES = 1_000_000
_FDS_MAX = 8
#: What the server may take to answer, its imports among it.
_ANSWER_MAX_S = 60.0
#: Room for a program's command in the server's own command line, which is what `ps` shows of a fork.
_NAME_ROOM = " " * 200
#: Read by an interpreter or a loader when it starts: a fork cannot have other ones than its server.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG")


class Program(NamedTuple):
    """What a fork is to run."""

    module: str
    arguments: list[str]
    env: dict[str, str]


class ForkedKeeper:
    """What the stack needs of a keeper that is not its child: as of a `Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        """Kill it; to be called while its status pipe is open, lest another process has its number."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Do nothing: the fork server's children are nobody's zombies, and the pipe says when one has ended."""


class ForkServer:
    """The stack's side. Safe to use from several threads."""

    def __init__(
        self,
        modules: Sequence[str],
        env: Mapping[str, str],
        log_path: Path,
        answer_max_s: float = _ANSWER_MAX_S,
    ) -> None:
        self._env = dict(env)
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(answer_max_s)
        with theirs, log_path.open("ab") as log:
            command = [sys.executable, "-P", "-m", __spec__.name, str(theirs.fileno()), *modules, _NAME_ROOM]
            self._popen = subprocess.Popen(
                command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._popen.pid

    def can_start(self, argv: Sequence[str], env: Mapping[str, str]) -> bool:
        """Tell whether a command can be started by a fork: a module, run by the same interpreter in the same way."""
        if len(argv) < 4 or list(argv[:3]) != [sys.executable, "-P", "-m"]:
            return False
        names = {name for name in (*env, *self._env) if name.startswith(_READ_AT_START)}
        return all(env.get(name) == self._env.get(name) for name in names)

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], stop: tuple[int, float], fds: Sequence[int]
    ) -> ForkedKeeper:
        """Start a program and its keeper.

        `stop` is the signal that asks the program to end, and the seconds that it gets; `fds` are the keeper's control
        and status pipe, the log, and what the keeper holds open.

        Raises:
            OSError: the server has ended, or does not answer and is ended; nothing was started.
        """
        message = json.dumps([argv[3], argv[4:], dict(env), stop]).encode()
        with self._lock:
            try:
                socket.send_fds(self._socket, [message], list(fds))
                answer = self._socket.recv(32)
            except OSError:
                self.close()  # an answer that came late would be taken for the next one's
                raise
        if not answer:
            raise ConnectionError("it has ended")
        return ForkedKeeper(int(answer))

    def close(self) -> None:
        """End the server, not the programs that it has started. Idempotent."""
        self._socket.close()
        self._popen.kill()
        self._popen.wait()


# --- the server's side --------------------------------------------------------------------------------------------
def _serve(requests: socket.socket, stack: int) -> Program | None:
    """Fork a keeper for every request. Returns None at the end, and in a program's process what it is to run."""
    poller = select.poll()
    for fd in (requests.fileno(), stack):
        if fd >= 0:
            poller.register(fd, select.POLLIN)
    while True:
        if any(fd == stack for fd, _ in poller.poll()):
            return None
        message, fds, _, _ = socket.recv_fds(requests, _MESSAGE_MAX_BYTES, _FDS_MAX)
        if not message:
            return None
        pid = os.fork()
        if pid == 0:
            requests.close()
            return _keep(message, fds, stack)
        for fd in fds:
            os.close(fd)
        with contextlib.suppress(OSError):  # the stack is gone, as the keeper will see
            requests.send(str(pid).encode())


def _keep(message: bytes, fds: Sequence[int], stack: int) -> Program:
    """Be the keeper of a program; returns in the program's process only."""
    module, arguments, env, (stop_signal, stop_timeout_s) = json.loads(message)
    control, status, output = fds[:3]
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    code = keeper.keep_child(control, status, stop_signal, stop_timeout_s, stack)
    if code is not None:
        os._exit(code)  # nothing of what the server has imported is to be tidied up by a keeper
    os.closerange(3, max(*fds, stack, *map(int, os.listdir("/dev/fd"))) + 1)  # noqa: PTH208
    return Program(module, arguments, env)


def _run(program: Program) -> None:
    """Be the program: what `python -P -m MODULE ARGUMENTS…` does."""
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(program.env)
    sys.argv = [sys.argv[0], *program.arguments]
    _show_as([sys.executable, "-P", "-m", program.module, *program.arguments])
    sys.modules.pop(program.module, None)  # it may be among what was imported, and is now to be `__main__`
    runpy.run_module(program.module, run_name="__main__", alter_sys=True)


def _show_as(command: Sequence[str]) -> None:
    """Let `ps` show this command: over the memory that holds the server's own."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, see proc(5)
    text = b"".join(os.fsencode(word) + b"\0" for word in command)
    ctypes.memmove(start, text[: end - start - 1].ljust(end - start, b"\0"), end - start)


def main() -> None:
    """Import, then serve."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    stack = keeper.watch(os.getppid())
    for module in sys.argv[2:-1]:
        importlib.import_module(module)
    # What is there stays: no collection touches it, so that forks share its memory.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers say by their pipes when they have ended
    program = _serve(requests, stack)
    if program is not None:
        _run(program)


if __name__ == "__main__":
    main()
