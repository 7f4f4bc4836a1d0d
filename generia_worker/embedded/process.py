"""Runs one program of the embedded stack: starts it, waits until it works, restarts it, ends it for sure."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from generia_worker.embedded.forkserver import ForkedKeeper, ForkServer
from generia_worker.embedded.keeper import watch
from generia_worker.embedded.log_files import cut_log, read_tail
from generia_worker.errors import GeneriaError

_log = logging.getLogger(__name__)

_KEEPER = Path(__file__).with_name("keeper.py")
#: How long a program may take to become ready, in seconds. One that fails ends, which is noticed at once; so this is for one
#: that hangs. An old data folder may need a repair, and on a busy machine a worker has taken more than half a minute.
READY_TIMEOUT_S = 120.0
_LOG_CHECK_EVERY_S = 10.0
_PROBE_EVERY_S = 0.02
#: A program that ends so many times in a row, each time before it lived `STABLE_AFTER_S`, is given up.
CRASH_LIMIT = 5
STABLE_AFTER_S = 5.0
_BACKOFF_S, _BACKOFF_MAX_S = 0.2, 5.0
#: How much longer than the program's own stop timeout its keeper may take.
_KEEPER_SLACK_S = 3.0
#: The niceness of what works in the background, for those who wait for an answer to come first.
BACKGROUND = 5
_NICE_AGAIN_S = 0.2
#: How long a program that gets SIGKILL may take to end: it may hang in the kernel.
_KILLED_MOST_S = 10.0


class ProcessFailed(GeneriaError):  # noqa: N818 - reads as what happened
    """Raised when a program of the stack cannot be started or keeps ending.

    `name`, `log_path` and `tail` (the end of its log) say where to look; `returncode` is None if it still ran
    (128 + n: ended by signal n).
    """

    def __init__(
        self, name: str, what: str, log_path: Path, returncode: int | None = None, log_start: int = 0
    ) -> None:
        self.tail = read_tail(log_path, log_start)
        quoted = "".join(f"\n  | {line}" for line in self.tail) or " It logged nothing."
        super().__init__(f"{name} {what}. Its log is {log_path}.{quoted}")
        self.name = name
        self.log_path = log_path
        self.returncode = returncode


class ManagedProcess:
    """One program, kept by a `keeper.py` of its own, so that it never outlives this process.

    `ready` is asked again and again until it says True; it must bound itself in time, and raising means "not
    yet". `stop_signal` goes to the program itself (a Celery worker passes the word to its children
    in its own way); after `stop_timeout_s` its whole process group gets SIGKILL. With `restart`, a program
    that ends is started again, until it crashes in a loop: then, and when a program without `restart` fails,
    `on_failure` is called once, from another thread. `hold_fds` stay open for as long as the keeper lives.
    `cancel` breaks a start off when it is set. A `fork_server` starts the program where it can, and quickly.
    `niceness` is by how much the program gives way to others (nice(2)), 0 to 19.
    Safe to use from several threads.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log_path: Path,
        ready: Callable[[], bool] | None = None,
        ready_timeout_s: float = READY_TIMEOUT_S,
        stop_signal: int = signal.SIGTERM,
        stop_timeout_s: float = 10,
        restart: bool = True,
        on_failure: Callable[[ProcessFailed], None] | None = None,
        hold_fds: Sequence[int] = (),
        cancel: threading.Event | None = None,
        fork_server: ForkServer | None = None,
        niceness: int = 0,
    ) -> None:
        self.name = name
        self.log_path = log_path
        #: What ended this program for good, or None.
        self.failure: ProcessFailed | None = None
        #: How many times it was started.
        self.starts = 0
        self._argv = list(argv)
        self._env = dict(env)
        self._ready = ready
        self._ready_timeout_s = ready_timeout_s
        self._stop_signal = int(stop_signal)
        self._stop_timeout_s = stop_timeout_s
        self._restart = restart
        self._on_failure = on_failure
        self._hold_fds = tuple(hold_fds)
        self._fork_server = fork_server
        self._niceness = niceness
        self._refusal = ""  # why `ready` could not say
        self._log_start = 0  # where what this run logged begins
        self._cancel = cancel or threading.Event()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._keeper: _Keeper | None = None
        self._watcher: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<ManagedProcess {self.name} pid={self.pid}>"

    @property
    def pid(self) -> int | None:
        """The program's process id (that of its process group, too), or None while it does not run."""
        keeper = self._keeper
        return keeper.pid or None if keeper is not None and not keeper.ended(0) else None

    @property
    def running(self) -> bool:
        """Whether the program runs right now."""
        return self.pid is not None

    def start(self) -> None:
        """Start the program and return once it is ready. May be called again after `stop`.

        Raises:
            ProcessFailed: it ended while starting, was not ready in time, or was stopped meanwhile.
        """
        with self._lock:
            if self._watcher is not None or self._keeper is not None:
                message = f"{self.name} was started already"
                raise RuntimeError(message)
            self._stopping.clear()
            self.failure = None
            keeper = self._spawn()
        try:
            self._wait_ready(keeper)
        except BaseException:
            self.stop()
            raise
        with self._lock:
            if not self._stopping.is_set():
                self._watcher = threading.Thread(target=self._watch, name=f"watch-{self.name}", daemon=True)
                self._watcher.start()

    def stop(self) -> None:
        """End the program and everything in its process group; returns when it is gone. Idempotent."""
        self._stopping.set()
        with self._lock:
            keeper, watcher = self._keeper, self._watcher
        if keeper is not None:
            keeper.stop(self._stop_timeout_s + _KEEPER_SLACK_S)
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join()
        with self._lock:
            if self._keeper is not None:
                self._keeper.close()
            self._keeper = self._watcher = None

    def _spawn(self) -> _Keeper:
        cut_log(self.log_path)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._keeper = _Keeper(
            self._argv,
            self._env,
            self.log_path,
            (self._stop_signal, self._stop_timeout_s),
            self._hold_fds,
            self._fork_server,
        )
        self.starts += 1
        if self._niceness and self._keeper.pid:
            _be_nice(self._keeper.pid, self._niceness)
        return self._keeper

    def _wait_ready(self, keeper: _Keeper) -> None:
        deadline = time.monotonic() + self._ready_timeout_s
        while not keeper.ended(0):
            if self._is_ready():
                return
            if self._stopping.is_set() or self._cancel.is_set():
                break
            if time.monotonic() > deadline:
                raise self._failed(f"was not ready within {self._ready_timeout_s:g} s{self._refusal}")
            keeper.ended(_PROBE_EVERY_S)
        if self._stopping.is_set() or self._cancel.is_set():
            raise self._failed("was stopped while it started")
        code = keeper.returncode()
        raise self._failed(f"ended while it started ({explain(code)})", code)

    def _failed(self, what: str, code: int | None = None) -> ProcessFailed:
        return ProcessFailed(self.name, what, self.log_path, code, self._log_start)

    def _is_ready(self) -> bool:
        try:
            return self._ready is None or self._ready()
        except Exception as error:  # what a client raises when nobody answers is its own affair
            self._refusal = f" (asking it raised {type(error).__name__})"
            return False

    def _watch(self) -> None:
        """Wait for the program to end, and start it again or report that it failed."""
        crashes = 0
        while (keeper := self._keeper) is not None:
            born = time.monotonic()
            while self._niceness and not be_nice_as_group(keeper.pid, self._niceness):
                if keeper.ended(_NICE_AGAIN_S):
                    break
            while not keeper.ended(_LOG_CHECK_EVERY_S):
                cut_log(self.log_path)
            if self._stopping.is_set():
                return
            code = keeper.returncode()
            crashes = crashes + 1 if time.monotonic() - born < STABLE_AFTER_S else 1
            if not self._restart:
                if code != 0:
                    self._fail(f"ended ({explain(code)})", code)
                return
            if crashes >= CRASH_LIMIT:
                self._fail(f"ended {crashes} times in a row, at last with {explain(code)}", code)
                return
            backoff_s = min(_BACKOFF_S * 2 ** (crashes - 1), _BACKOFF_MAX_S)
            _log.warning("%s ended (%s); starting it again in %.1f s", self.name, explain(code), backoff_s)
            if self._stopping.wait(backoff_s):
                return
            with self._lock:
                if self._stopping.is_set():
                    return
                keeper.close()
                try:
                    self._spawn()
                except OSError as error:  # no memory, no process left, the data folder is gone
                    self._fail(f"cannot be started again ({error})", code)
                    return

    def _fail(self, what: str, code: int | None) -> None:
        self.failure = self._failed(what, code)
        _log.error("%s", self.failure)
        if self._on_failure is not None:
            self._on_failure(self.failure)


class _Keeper:
    """One run of a keeper, which is a process of its own or forked, and the two pipes to it."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        log_path: Path,
        stop: tuple[int, float],
        hold_fds: Sequence[int],
        fork_server: ForkServer | None,
    ) -> None:
        control, self._control = os.pipe()
        self._status, status = os.pipe()
        try:
            with log_path.open("ab") as log:
                fds = (control, status, log.fileno(), *hold_fds)
                forked = None
                if fork_server is not None and fork_server.can_start(argv, env):
                    forked = _fork(fork_server, argv, env, stop, fds)
                self._process = forked or _execute(argv, env, stop, fds)
        except BaseException:
            os.close(self._control)
            os.close(self._status)
            raise
        finally:
            os.close(control)
            os.close(status)
        self._closed = False
        self._lock = threading.Lock()
        self._code: int | None = None
        self._said = os.read(self._status, 64)
        #: The program's process id; 0 if its keeper did not get as far.
        self.pid = int(self._said.partition(b"\n")[0] or 0)

    def ended(self, timeout_s: float) -> bool:
        """Wait for the keeper (and so the program) to end, so long at most; tell whether it has."""
        if self._code is not None:
            return True
        poller = select.poll()
        poller.register(self._status, select.POLLIN)
        if not poller.poll(timeout_s * 1000):
            return False
        self.returncode()
        return True

    def returncode(self) -> int:
        """Return the program's exit status, 128 + n if signal n ended it; call it once it has ended."""
        with self._lock:
            if self._code is None:
                while said := os.read(self._status, 64):
                    self._said += said
                self._process.wait()
                self._code = self._outcome()
            return self._code

    def _outcome(self) -> int:
        lines = self._said.split()
        if len(lines) == 2:
            return int(lines[1])
        if self.pid:  # the keeper was killed: nobody else ends what the program had started
            _end_group(self.pid)
        return 128 + signal.SIGKILL

    def stop(self, timeout_s: float) -> None:
        """End the program and wait for it; after that time kill the keeper, and with it the program."""
        if self.ended(0):
            return
        with contextlib.suppress(OSError):  # it may end at this moment
            os.write(self._control, b"s")
        if not self.ended(timeout_s):
            self._process.kill()
            self.returncode()

    def close(self) -> None:
        """Give back the pipes; call it once it has ended and nobody waits for it. Idempotent."""
        if not self._closed:
            self._closed = True
            os.close(self._control)
            os.close(self._status)


def _end_group(pid: int) -> None:
    """Kill a program that is no child of this process, and its group, and wait for its end."""
    program = watch(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if program >= 0:
        poller = select.poll()
        poller.register(program, select.POLLIN)
        poller.poll(_KILLED_MOST_S * 1000)
        os.close(program)


def _execute(
    argv: Sequence[str], env: Mapping[str, str], stop: tuple[int, float], fds: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Execute a keeper; `fds` are its control and status pipe, the log, and what it holds."""
    control, status, log, *held = fds
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_KEEPER), *map(str, (control, status, *stop)), "--", *argv],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C in the terminal is for the stack alone
        pass_fds=(control, status, *held),
    )


def _fork(
    server: ForkServer,
    argv: Sequence[str],
    env: Mapping[str, str],
    stop: tuple[int, float],
    fds: Sequence[int],
) -> ForkedKeeper | None:
    """Let a keeper be forked; None when the server is gone: execution takes longer and does the same."""
    try:
        return server.spawn(argv, env, stop, fds)
    except OSError as error:
        _log.warning("The fork server does not answer (%s): programs start slowly.", error)
        return None


def _be_nice(pid: int, niceness: int) -> None:
    """Let a program that was just started give way to others by so much more than this process; its threads do so too."""
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + niceness)


def be_nice_as_group(pid: int, niceness: int) -> bool:
    """Let the autogroup of a program give way to others: where Linux makes one for each session, the niceness of a process
    counts within its own alone (sched(7)). Returns False when it is to be tried again: the program has no session of its own
    yet, or Linux takes no more of these now (ten a second)."""
    try:
        if os.getsid(pid) != pid:
            return False
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
    except OSError as error:
        return error.errno != errno.EAGAIN  # there are no autogroups, or the program has ended
    return True


def explain(returncode: int) -> str:
    """Say in words how a program ended; 128 + n means signal n."""
    if returncode > 128:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(returncode - 128).name}"
    return f"exit status {returncode}"
