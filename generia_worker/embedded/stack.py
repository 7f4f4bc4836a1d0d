"""The embedded stack: three servers and the caller's programs, which start and stop together."""

from __future__ import annotations

import functools
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from generia_worker.embedded.binaries import NOT_LINUX
from generia_worker.embedded.folder import DataFolder, StackInfo, read_running
from generia_worker.embedded.forkserver import ForkServer
from generia_worker.embedded.process import READY_TIMEOUT_S, ManagedProcess, ProcessFailed
from generia_worker.errors import ConfigurationError
from generia_worker.http.stop_signals import wait_for
from generia_worker.settings import INHERITED, PREFIX, Settings, concealed

if TYPE_CHECKING:
    from generia_worker.embedded.servers import Server

__all__ = ["Program", "Stack", "StackInfo", "read_running"]

#: Names of variables that look like secrets: a program gets those of ours that it needs from the settings.
_SECRET_NAME = re.compile(r"(SECRET|TOKEN|PASSW|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL)", re.IGNORECASE)
#: Read by the C library: a heap for two threads at a time is enough under Python's lock, where it would make one for
#: each of sixteen, and keep what each of them once held.
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Program:
    """A program of the caller's that runs on the servers: what to run, and how to tell that it works.

    Programs of a lower `phase` are ready before those of a higher one start, and stop after them; those of
    one phase start and stop in parallel. `ready` must bound itself in time; without it a program counts as
    ready once it runs. `secrets` are the names of those settings that are secret and that it needs. `niceness`: see
    `ManagedProcess`.
    """

    name: str
    argv: Callable[[Settings], list[str]]
    ready: Callable[[Settings], bool] | None = None
    phase: int = 0
    restart: bool = True
    ready_timeout_s: float = READY_TIMEOUT_S
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Collection[str] = ()
    niceness: int = 0


class Stack:
    """Servers and programs over one data folder. A context manager: started on entry, stopped on exit.

    `settings` is what the user said: a server that it names (`mongo_uri`, `redis_url`, `s3_endpoint`) is
    neither started nor touched. After `start`, `settings` holds the addresses of everything. `Stack(settings,
    folder)` with no programs is the three servers alone, as tests want them. Everything ends with this
    process, even by SIGKILL.

    With `preload`, names of modules, Python programs are forked from a process that has imported those (see
    `forkserver.py`); with `fork_server` from that one, which outlives this stack and can serve several.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path | None = None,
        programs: Sequence[Program] = (),
        preload: Sequence[str] = (),
        *,
        fork_server: ForkServer | None = None,
    ) -> None:
        self.settings = settings
        self.data_dir = (data_dir or settings.data_dir).expanduser().absolute()
        self._base = settings
        self._programs = tuple(programs)
        self._preload = tuple(preload)
        self._lent = fork_server
        self._fork_server: ForkServer | None = None
        self._processes: dict[str, ManagedProcess] = {}
        self._folder: DataFolder | None = None
        self._life = threading.RLock()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failures: queue.SimpleQueue[ProcessFailed] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def processes(self) -> Mapping[str, ManagedProcess]:
        """What this stack runs, by name: `redis`, `mongo`, `s3` (those it started) and the programs."""
        return self._processes

    def start(self) -> None:
        """Start everything, and return once all of it is ready. A `stop` from another thread breaks it off.

        Raises:
            ConfigurationError: another stack runs on this data folder, or this machine lacks a server.
            ProcessFailed: a server or a program did not start; nothing is left running.
        """
        if sys.platform != "linux":
            raise ConfigurationError(NOT_LINUX)
        if self._folder is not None:
            message = "this stack was started already"
            raise RuntimeError(message)
        self._stopping.clear()
        with self._life:
            self._folder = DataFolder.take(self.data_dir)
            try:
                self._fork_server = self._lent
                if self._preload and self._lent is None:  # it imports while the servers start
                    log_path = self._folder.logs / "forkserver.log"
                    self._fork_server = ForkServer(
                        self._preload, program_environment(self._base, ()), log_path
                    )
                self.settings = self._start_servers(self._folder)
                for phase in sorted({program.phase for program in self._programs}):
                    starters = [self._starter(p, self._folder) for p in self._programs if p.phase == phase]
                    _in_parallel(starters, self._stopping)
                self._folder.publish(self.settings)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop all that this stack started, in reverse order; returns when it is gone. Idempotent."""
        self._stopping.set()
        with self._life:
            if self._folder is None:
                return
            self._folder.withdraw()
            phases = {program.name: program.phase for program in self._programs}
            lowest = min(phases.values(), default=0) - 1  # that of the servers, which everything else needs
            for phase in sorted({lowest, *phases.values()}, reverse=True):
                _in_parallel(
                    [p.stop for name, p in self._processes.items() if phases.get(name, lowest) == phase]
                )
            self._processes.clear()
            if self._fork_server is not None and self._fork_server is not self._lent:
                self._fork_server.close()
            self._fork_server = None
            self._folder.release()
            self._folder = None
            self.settings = self._base

    def run_until_signal(self, announce: Callable[[Settings], None] | None = None) -> signal.Signals:
        """Start unless that is done, announce, and wait for SIGINT, SIGTERM or SIGHUP; return which came.

        For the main thread. It stops nothing that got ready: that is the caller's `with` or `finally`. A
        signal that comes during the start breaks it off. After the first signal the usual handlers are back,
        so that a second one during `stop` ends this process at once (and the keepers end the rest).

        Raises:
            ConfigurationError: see `start`.
            ProcessFailed: see `start`; or later on a program crashes in a loop, or one without `restart`
            failed.
        """
        before: dict[signal.Signals, Any] = {}

        def interrupt(number: int, _: FrameType | None) -> None:
            restore()
            raise _SignalReceived(number)

        def restore() -> None:
            while before:
                signal.signal(*before.popitem())

        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                before[number] = signal.signal(number, interrupt)
            if self._folder is None:
                self.start()
            if announce is not None:
                announce(self.settings)
            raise wait_for(self._failures)
        except _SignalReceived as received:
            return signal.Signals(received.number)
        finally:
            restore()

    def _start_servers(self, folder: DataFolder) -> Settings:
        # Imported here: the servers' clients take half a second, and who only looks for a stack needs none of them.
        from generia_worker.embedded.servers import Place, start_mongo, start_redis, start_s3

        place = Place(
            data_dir=folder.path,
            logs_dir=folder.logs,
            secrets=folder.secrets(),
            hold_fds=(folder.lock_fd,),
            on_failure=self._failures.put,
            cancel=self._stopping,
        )
        found: dict[str, Any] = {"data_dir": folder.path}
        # Kept with the folder, so that people stay logged in over a restart.
        for name in ("jwt_secret", "flower_password"):
            if not getattr(self._base, name).get_secret_value():
                found[name] = SecretStr(place.secrets[name])
        starters: list[Callable[[], Server]] = []
        given = self._base.model_fields_set
        if "mongo_uri" not in given:
            starters.append(lambda: start_mongo(place))
        if "redis_url" not in given:
            starters.append(lambda: start_redis(place))
        if "s3_endpoint" not in given:
            starters.append(lambda: start_s3(place, self._base.s3_bucket))

        def run(starter: Callable[[], Server]) -> None:
            server = starter()
            self._adopt(server.process)
            with self._lock:
                found.update(server.settings)

        _in_parallel([functools.partial(run, starter) for starter in starters], self._stopping)
        return concealed(self._base.model_copy(update=found))

    def _starter(self, program: Program, folder: DataFolder) -> Callable[[], None]:
        settings, ready = self.settings, program.ready

        def start() -> None:
            process = ManagedProcess(
                program.name,
                program.argv(settings),
                env=program_environment(settings, program.secrets) | dict(program.env),
                log_path=folder.logs / f"{program.name}.log",
                ready=None if ready is None else lambda: ready(settings),
                ready_timeout_s=program.ready_timeout_s,
                stop_signal=program.stop_signal,
                stop_timeout_s=program.stop_timeout_s,
                restart=program.restart,
                on_failure=self._failures.put,
                hold_fds=(folder.lock_fd,),
                cancel=self._stopping,
                fork_server=self._fork_server,
                niceness=program.niceness,
            )
            self._adopt(process)
            process.start()

        return start

    def _adopt(self, process: ManagedProcess) -> None:
        with self._lock:
            self._processes[process.name] = process


class _SignalReceived(BaseException):
    """Raised by the handlers of `run_until_signal`, as KeyboardInterrupt is by Python's own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def program_environment(settings: Settings, secrets: Collection[str] | None = None) -> dict[str, str]:
    """Return a program's environment: ours without secrets that it has no use for, and these settings.

    With `secrets`, names of settings, it has of those that are secret these alone.
    """
    ours = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX) and not _SECRET_NAME.search(k)}
    return _FEW_ARENAS | ours | settings.environment(secrets) | {INHERITED: "1"}


def _in_parallel(calls: Sequence[Callable[[], None]], cancel: threading.Event | None = None) -> None:
    """Make these calls at once and wait for all; raise the first error.

    `cancel` is set at the first error and when this thread is interrupted: calls that look at it end soon.
    Without it an interruption leaves the calls to themselves (their threads do not keep the process alive).
    """
    errors: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)
            if cancel is not None:
                cancel.set()

    threads = [threading.Thread(target=guarded, args=(call,), daemon=True) for call in calls]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        if cancel is not None:
            cancel.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        raise
    if errors:
        raise errors[0]
