"""Whether an owner is dead, told from its name: of real processes that are killed, frozen and followed by others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from generia_worker.engine.owners import is_dead, new_name

_CODE = "from generia_worker.engine import owners; print(owners.new_name(), flush=True); input()"


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    """A process that says its name as an owner, and lives until it is killed."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _CODE], stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.kill()


def name_of(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def changed(name: str, **parts: str) -> str:
    """Return the name with some of its parts replaced."""
    found = dict(zip(("host", "pid", "started", "place", "token"), name.split(":"), strict=True))
    return ":".join((found | parts).values())


def test_names_differ_and_hold_the_process_id() -> None:
    one, another = new_name(), new_name()
    assert one != another
    assert one.split(":")[1] == str(os.getpid())


def test_who_lives_is_not_dead_and_who_was_killed_is(worker: subprocess.Popen[str]) -> None:
    name = name_of(worker)
    assert not is_dead(name)
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name), "it only waits to be reaped"
    worker.wait()
    assert is_dead(name)


def test_who_is_frozen_is_not_dead(worker: subprocess.Popen[str]) -> None:
    name = name_of(worker)
    worker.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    assert not is_dead(name)


def test_another_process_with_the_same_id_is_another_process(worker: subprocess.Popen[str]) -> None:
    name = name_of(worker)
    started = int(name.split(":")[2])
    assert is_dead(changed(name, started=str(started - 1)))


def test_a_process_of_another_user_lives(
    worker: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_of(worker)

    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_dead(name)
    assert is_dead(changed(name, started="1"))


def test_nobody_judges_processes_that_it_cannot_see(worker: subprocess.Popen[str]) -> None:
    name = name_of(worker)
    worker.kill()
    worker.wait()
    for stranger in (
        changed(name, host="elsewhere"),
        changed(name, place="0123456789abcdef"),  # another boot or container
        changed(name, place="", started=""),
        f"{name.split(':')[0]}:{worker.pid}:0123abcd",  # a name of an earlier version
        "me",
        "",
    ):
        assert not is_dead(stranger), stranger
    assert is_dead(name)


def test_where_it_cannot_be_told_who_is_who_nobody_is_dead(
    worker: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_of(worker)
    worker.kill()
    worker.wait()
    monkeypatch.setattr(Path, "readlink", lambda _: Path("1"))  # /proc of another namespace
    assert not is_dead(name)
    assert not is_dead(new_name())
