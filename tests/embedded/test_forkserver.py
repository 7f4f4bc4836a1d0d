"""Programs that are forked from a preloaded process: they run, end and are ended as executed ones are."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from generia_worker.cli.programs import PRELOAD
from generia_worker.embedded.forkserver import ForkServer
from generia_worker.embedded.process import ManagedProcess, ProcessFailed
from tests.embedded.conftest import eventually, may_end, number_in, start_and_let_end, wait_gone

#: A program as ours are: a module that is run by its name. Which part of it, its first argument says.
PROGRAM = """
import atexit, json, os, signal, sys, threading, time
from pathlib import Path

def tell():
    handlers = {n.name: str(signal.getsignal(n)) for n in signal.Signals if n not in (signal.SIGKILL, signal.SIGSTOP)}
    print(json.dumps({
        "name": __name__, "arguments": sys.argv[1:], "file": sys.argv[0], "path": sys.path, "environment": dict(os.environ),
        "group": os.getpgrp() == os.getpid(), "fds": sorted(os.listdir("/proc/self/fd"))[:-1], "handlers": handlers,
        "threads": threading.active_count(), "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "preloaded": "colorsys" in sys.modules, "stdin": sys.stdin.read(),
    }))

def end():
    atexit.register(lambda: print("tidied up"))
    threading.Thread(target=lambda: (time.sleep(0.05), print("the thread, too"))).start()
    sys.exit("no room left")

def fail():
    raise ValueError("an odd value")

def wait():
    Path(sys.argv[2]).write_text(f"{os.getpid()}\\n")
    signal.pause()

if __name__ == "__main__":
    while sys.argv[1] != "wait" and not Path(os.environ["MAY_END"]).exists():
        time.sleep(0.01)
    {"tell": tell, "end": end, "fail": fail, "wait": wait}[sys.argv[1]]()
"""
Make = Callable[..., ManagedProcess]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "programs").mkdir()
    (folder / "programs" / "__init__.py").touch()
    (folder / "programs" / "a_program.py").write_text(PROGRAM)
    # With a locale, or the interpreter would choose one and add it.
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[ForkServer]:
    server = ForkServer(
        ["colorsys", "programs.a_program"], environment | {"OF_THE_SERVER": "1"}, tmp_path / "forkserver.log"
    )
    yield server
    server.close()
    assert (tmp_path / "forkserver.log").read_text() == ""


@pytest.fixture
def make(environment: dict[str, str], server: ForkServer, tmp_path: Path) -> Iterator[Make]:
    made: list[ManagedProcess] = []

    def program(*arguments: str, **options: Any) -> ManagedProcess:
        asked: dict[str, Any] = {"env": environment, "restart": False, "fork_server": server} | options
        log_path = tmp_path / "log"
        asked["env"] = asked["env"] | {"MAY_END": str(may_end(log_path))}
        command = [sys.executable, "-P", "-m", "programs.a_program", *arguments]
        made.append(ManagedProcess("program", command, log_path=log_path, **asked))
        return made[-1]

    yield program
    for one in made:
        one.stop()


def ended(one: ManagedProcess) -> str:
    """Start a program and wait for its end; returns what it logged."""
    start_and_let_end(one)
    assert eventually(lambda: not one.running)
    return one.log_path.read_text()


def test_a_fork_cannot_tell_itself_from_an_executed_program(make: Make, environment: dict[str, str]) -> None:
    more = environment | {"OF_THE_PROGRAM": "1"}
    forked = json.loads(ended(one := make("tell", "a", "b c", env=more)))
    one.log_path.unlink()
    executed = json.loads(ended(make("tell", "a", "b c", env=more, fork_server=None)))
    assert (forked.pop("preloaded"), executed.pop("preloaded")) == (True, False)
    assert forked == executed
    assert (forked["name"], forked["arguments"], forked["group"]) == ("__main__", ["tell", "a", "b c"], True)
    assert (forked["fds"], forked["stdin"], forked["blocked"]) == (["0", "1", "2"], "", 0)


def test_it_ends_as_programs_do(make: Make) -> None:
    failures: list[ProcessFailed] = []
    said = ended(make("end", on_failure=failures.append))
    assert sorted(said.splitlines()) == ["no room left", "the thread, too", "tidied up"]
    said = ended(make("fail", on_failure=failures.append))
    assert "ValueError: an odd value" in said
    assert eventually(lambda: len(failures) == 2)
    assert [failure.returncode for failure in failures] == [1, 1]


def test_ps_shows_its_own_command(make: Make, tmp_path: Path) -> None:
    make("wait", str(tmp_path / "pid")).start()
    shown = psutil.Process(number_in(tmp_path / "pid")).cmdline()
    assert [word for word in shown if word] == [
        *(sys.executable, "-P", "-m", "programs.a_program", "wait"),
        str(tmp_path / "pid"),
    ]


def test_it_is_started_again_after_a_kill_and_stopped_for_good(make: Make, tmp_path: Path) -> None:
    one = make("wait", str(tmp_path / "pid"), restart=True)
    one.start()
    first = number_in(tmp_path / "pid")
    assert eventually(lambda: one.pid == first)
    (tmp_path / "pid").unlink()
    os.kill(first, signal.SIGKILL)
    second = number_in(tmp_path / "pid")
    assert second != first
    assert eventually(lambda: one.pid == second)
    one.stop()
    assert wait_gone(second, 0)


def test_a_kill_is_told_from_an_exit(make: Make, tmp_path: Path) -> None:
    failures: list[ProcessFailed] = []
    one = make("wait", str(tmp_path / "pid"), on_failure=failures.append)
    one.start()
    os.kill(number_in(tmp_path / "pid"), signal.SIGKILL)
    assert eventually(lambda: failures)
    assert failures[0].returncode == 128 + signal.SIGKILL


def test_it_goes_with_its_keeper(make: Make, tmp_path: Path) -> None:
    one = make("wait", str(tmp_path / "pid"))
    one.start()
    pid = number_in(tmp_path / "pid")
    keeper = psutil.Process(pid).ppid()
    assert os.getsid(keeper) == keeper, "a signal to the server's group would reach it"
    os.kill(keeper, signal.SIGKILL)
    assert wait_gone(pid)
    assert eventually(lambda: one.failure is not None)


def test_programs_outlive_the_server_and_start_without_it(
    make: Make, server: ForkServer, tmp_path: Path
) -> None:
    make("wait", str(tmp_path / "first")).start()
    first = number_in(tmp_path / "first")
    os.kill(server.pid, signal.SIGKILL)
    assert wait_gone(server.pid)
    assert psutil.Process(first).is_running()
    make("wait", str(tmp_path / "second")).start()
    assert psutil.pid_exists(number_in(tmp_path / "second"))


def test_a_server_that_hangs_is_given_up(make: Make, environment: dict[str, str], tmp_path: Path) -> None:
    hanging = ForkServer([], environment, tmp_path / "hanging.log", answer_max_s=0.2)
    with contextlib.closing(hanging):
        os.kill(hanging.pid, signal.SIGSTOP)
        for name in ("first", "second"):
            make("wait", str(tmp_path / name), fork_server=hanging).start()
            assert psutil.pid_exists(number_in(tmp_path / name))
        assert wait_gone(hanging.pid, 0)


@pytest.mark.parametrize("other", [{"PYTHONPATH": "/elsewhere"}, {"LD_PRELOAD": ""}, {"PYTHONUTF8": "1"}])
def test_what_an_interpreter_reads_at_its_start_is_not_forked(
    server: ForkServer, environment: dict[str, str], other: dict[str, str]
) -> None:
    command = [sys.executable, "-P", "-m", "programs.a_program"]
    assert server.can_start(command, environment | {"ANY": "1"})
    assert not server.can_start(command, environment | other)
    assert not server.can_start([sys.executable, "-m", "programs.a_program"], environment)
    assert not server.can_start(["/bin/sleep", "1", "2", "3"], environment)


def test_importing_what_is_preloaded_starts_nothing_and_reads_no_settings() -> None:
    code = f"""if True:
        import importlib, os, sys
        before = set(os.listdir("/proc/self/fd"))
        for module in {PRELOAD!r}:
            importlib.import_module(module)
        from generia_worker.settings import get_settings
        assert len(os.listdir("/proc/self/task")) == 1, "a thread runs"
        assert set(os.listdir("/proc/self/fd")) == before, "something is open"
        assert "celeryconfig" not in sys.modules, "Celery is configured"
        assert get_settings.cache_info().misses == 0, "settings were read"
    """
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
