"""A managed process, with real programs: started, restarted, and never outliving its owner."""

from __future__ import annotations

import ast
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generia_worker.embedded import log_files, process
from generia_worker.embedded.ports import free_port, is_listening
from generia_worker.embedded.process import ManagedProcess, ProcessFailed
from tests.embedded.conftest import eventually, may_end, number_in, start_and_let_end, wait_gone

ENV = {"PATH": os.environ["PATH"]}
Make = Callable[..., ManagedProcess]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make managed shell scripts that are stopped after the test; `ends`: for `start_and_let_end`."""
    made: list[ManagedProcess] = []

    def shell(script: str, *arguments: str, ends: bool = False, **options: Any) -> ManagedProcess:
        options = {"env": ENV, "log_path": tmp_path / "program.log", "restart": False, **options}
        if ends:
            awaited = shlex.quote(str(may_end(options["log_path"])))
            script = f"until [ -e {awaited} ]; do sleep 0.01; done; {script}"
        made.append(ManagedProcess("program", ["/bin/sh", "-c", script, "sh", *arguments], **options))
        return made[-1]

    yield shell
    for one in made:
        one.stop()


def test_start_returns_when_the_program_works_and_stop_ends_it(tmp_path: Path) -> None:
    port = free_port()
    serve = f"import time, http.server as h; time.sleep(0.3); h.test(port={port}, bind='127.0.0.1')"
    server = ManagedProcess(
        "server",
        [sys.executable, "-c", serve],
        env=ENV,
        log_path=tmp_path / "server.log",
        ready=lambda: is_listening(port),
    )
    server.start()
    try:
        assert is_listening(port)
        assert server.pid is not None and server.running
        pid = server.pid
    finally:
        server.stop()
    assert wait_gone(pid, 0)
    assert not is_listening(port)
    assert server.pid is None


def test_what_works_in_the_background_gives_way_each_time_it_runs(make: Make) -> None:
    one = make("sleep 600", restart=True, niceness=5)
    one.start()

    def gives_way() -> bool:
        pid = one.pid
        if pid is None:
            return False
        autogroup = Path(f"/proc/{pid}/autogroup")
        as_group = not autogroup.exists() or autogroup.read_text().endswith("nice 5\n")
        return as_group and os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5

    assert eventually(gives_way)
    first = one.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: one.pid not in (None, first) and gives_way())


def test_the_group_of_a_program_that_has_no_session_yet_is_another_s() -> None:
    autogroup = Path("/proc/self/autogroup")
    before = autogroup.read_text() if autogroup.exists() else None
    with subprocess.Popen(["sleep", "600"]) as child:
        assert not process.be_nice_as_group(child.pid, 5)
        child.kill()
    assert before is None or autogroup.read_text() == before


def test_others_do_not_give_way(make: Make) -> None:
    one = make("sleep 600")
    one.start()
    assert one.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, one.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_stop_takes_the_whole_group_along(make: Make, tmp_path: Path) -> None:
    one = make('sleep 600 & echo $! > "$1"; wait', str(tmp_path / "child"))
    one.start()
    child = number_in(tmp_path / "child")
    one.stop()
    assert wait_gone(child, 1)


def test_stop_asks_politely_first(make: Make, tmp_path: Path) -> None:
    script = 'trap "echo bye; exit 0" TERM; echo up > "$1"; while :; do sleep 0.01; done'
    one = make(script, str(tmp_path / "up"))
    one.start()
    assert eventually((tmp_path / "up").exists)
    one.stop()
    assert log_files.read_tail(one.log_path)[-1] == "bye"


def test_a_program_that_ignores_the_signal_is_killed_at_its_bound(make: Make, tmp_path: Path) -> None:
    one = make(
        'trap "" TERM; echo $$ > "$1"; sleep 600; sleep 600', str(tmp_path / "pid"), stop_timeout_s=0.5
    )
    one.start()
    pid = number_in(tmp_path / "pid")
    begin = time.monotonic()
    one.stop()
    assert wait_gone(pid, 0)
    assert 0.5 <= time.monotonic() - begin < 2.5


def test_a_program_that_dies_while_starting_is_reported_at_once_with_its_log(make: Make) -> None:
    one = make("echo no room left >&2; exit 3", ready=lambda: False, ready_timeout_s=60)
    begin = time.monotonic()
    with pytest.raises(ProcessFailed) as caught:
        one.start()
    assert time.monotonic() - begin < 5
    assert caught.value.returncode == 3
    assert "exit status 3" in caught.value.message
    assert "no room left" in caught.value.message
    assert str(one.log_path) in caught.value.message


def test_a_program_that_does_not_get_ready_is_ended(make: Make, tmp_path: Path) -> None:
    one = make('echo $$ > "$1"; sleep 600', str(tmp_path / "pid"), ready=lambda: False, ready_timeout_s=0.5)
    with pytest.raises(ProcessFailed, match=r"not ready within 0\.5 s"):
        one.start()
    assert wait_gone(number_in(tmp_path / "pid"), 0)


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    one = ManagedProcess(
        "ghost", ["/nonexistent/ghost"], env=ENV, log_path=tmp_path / "l", ready=lambda: False
    )
    with pytest.raises(ProcessFailed, match="cannot execute /nonexistent/ghost"):
        one.start()


def test_a_check_that_raises_says_not_yet_and_is_named_in_the_end(make: Make) -> None:
    answers: Iterator[Exception | bool] = iter([ConnectionRefusedError(), ValueError("secret"), True])

    def ready() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    one = make("sleep 600", ready=ready)
    one.start()
    one.stop()
    answers = iter([KeyError("secret")] * 1000)
    stuck = make("sleep 600", ready=ready, ready_timeout_s=0.2)
    with pytest.raises(ProcessFailed, match="asking it raised KeyError") as caught:
        stuck.start()
    assert "secret" not in caught.value.message
    assert not stuck.running


def test_stop_from_another_thread_breaks_a_start_off(make: Make) -> None:
    asked = threading.Event()

    def never() -> bool:
        asked.set()
        return False

    one = make("sleep 600", ready=never, ready_timeout_s=60)

    def stop() -> None:
        asked.wait(10)
        one.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(ProcessFailed, match="stopped while it started"):
        one.start()
    stopper.join()
    assert not one.running


def test_a_killed_program_is_started_again(make: Make, tmp_path: Path) -> None:
    one = make("sleep 600", restart=True)
    one.start()
    first = one.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: one.pid not in (None, first))
    assert one.starts == 2
    assert one.failure is None


def test_a_crash_loop_ends_in_a_clear_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BACKOFF_S", 0.01)
    failures: queue.SimpleQueue[ProcessFailed] = queue.SimpleQueue()
    one = make("echo broken pipe dream; exit 7", ends=True, restart=True, on_failure=failures.put)
    start_and_let_end(one)
    failure = failures.get(timeout=20)
    assert one.starts == process.CRASH_LIMIT
    assert one.failure is failure
    assert "broken pipe dream" in failure.message
    assert str(one.log_path) in failure.message
    assert failures.empty()


def test_a_program_that_lives_long_enough_may_end_often(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BACKOFF_S", 0.01)
    monkeypatch.setattr(process, "STABLE_AFTER_S", 0.0)
    one = make("exit 1", ends=True, restart=True)
    start_and_let_end(one)
    assert eventually(lambda: one.starts > process.CRASH_LIMIT + 2, 60)  # eight starts of two processes each
    assert one.failure is None


@pytest.mark.parametrize(("code", "fails"), [(0, False), (4, True)])
def test_a_program_that_is_not_restarted(make: Make, code: int, fails: bool) -> None:
    failures: queue.SimpleQueue[ProcessFailed] = queue.SimpleQueue()
    one = make(f"exit {code}", ends=True, on_failure=failures.put)
    start_and_let_end(one)
    assert eventually(lambda: not one.running)
    if fails:
        assert failures.get(timeout=5).returncode == code
    else:
        one.stop()  # joins the watcher
        assert failures.empty() and one.failure is None


def test_it_can_be_started_again_after_a_stop(make: Make) -> None:
    one = make("sleep 600")
    begin = time.monotonic()
    for _ in range(5):  # a stop that comes before the program even runs is not lost
        one.start()
        one.stop()
        one.stop()
    assert time.monotonic() - begin < 5
    one.start()
    assert one.running and one.starts == 6


def test_the_program_gets_this_environment_and_no_descriptor_of_ours(make: Make, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    look = """if True:
        import os, sys
        def there(fd):
            try: return bool(os.fstat(fd))
            except OSError: return False
        found = f"{list(filter(there, range(256)))} {sorted(os.environ)}"
        open(sys.argv[1], "w").write(found)
    """
    out = tmp_path / "out"
    arguments = (sys.executable, look, str(out))
    one = make('exec "$1" -c "$2" "$3"', *arguments, ends=True, env=ENV | {"X": "1"}, hold_fds=(writer,))
    start_and_let_end(one)
    assert eventually(lambda: not one.running)
    os.close(reader)
    os.close(writer)
    found = out.read_text()
    assert found.startswith("[0, 1, 2] ")
    assert set(ast.literal_eval(found.split(" ", 3)[3])) <= {
        "PATH",
        "X",
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
        "LC_CTYPE",
    }


def test_a_killed_keeper_takes_its_program_along_and_is_replaced(make: Make, tmp_path: Path) -> None:
    one = make("sleep 600", restart=True)
    one.start()
    program = one.pid
    assert program is not None
    keeper = parent_of(program)
    assert keeper != os.getpid()
    os.kill(keeper, signal.SIGKILL)
    assert wait_gone(program)
    assert eventually(lambda: one.pid not in (None, program))


def test_a_program_whose_keeper_hangs_is_gone_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_KEEPER_SLACK_S", 0.1)
    # It takes the kernel a while to end what has so much memory.
    script = "import pathlib, sys, time; b = b'1' * 500_000_000; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    one = ManagedProcess(
        "large",
        [sys.executable, "-S", "-c", script, str(tmp_path / "there")],
        env=ENV,
        log_path=tmp_path / "log",
        ready=(tmp_path / "there").exists,
        stop_timeout_s=0.1,
    )
    one.start()
    program = one.pid
    assert program is not None
    os.kill(parent_of(program), signal.SIGSTOP)
    one.stop()
    assert wait_gone(program, 0)


OWNER = """
import os, signal, sys, threading
from pathlib import Path
from generia_worker.embedded.process import ManagedProcess
folder, mode = Path(sys.argv[1]), sys.argv[2]
script = 'trap "" TERM; sleep 600 & echo $! > "$1/new"; mv "$1/new" "$1/grandchild"; wait; sleep 600'
one = ManagedProcess("stubborn", ["/bin/sh", "-c", script, "sh", str(folder)], env=dict(os.environ),
                     log_path=folder / "log", ready=(folder / "grandchild").exists, stop_timeout_s=60)
thread = threading.Thread(target=one.start)
thread.start()
thread.join()
if mode == "fork" and os.fork() == 0:
    (folder / "forked").write_text(f"{os.getpid()}\\n")
    signal.pause()
print(one.pid, flush=True)
signal.pause()
"""


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_program_dies_with_its_keeper_even_when_the_owner_can_do_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path), "plain"]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        program = int(owner.stdout.readline())
        owner.send_signal(signal.SIGSTOP)
        os.kill(parent_of(program), signal.SIGKILL)
        assert wait_gone(program)
    finally:
        owner.kill()
        owner.wait()
        os.kill(number_in(tmp_path / "grandchild"), signal.SIGKILL)  # nobody was left to do that


@pytest.mark.parametrize("mode", ["plain", "fork"])
def test_nothing_outlives_an_owner_that_is_killed(tmp_path: Path, mode: str) -> None:
    """Nor does a program die with the thread that started it, as by a death signal of that thread."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), mode], stdout=subprocess.PIPE, text=True
    )
    forked = 0
    try:
        assert owner.stdout is not None
        program = int(owner.stdout.readline())
        grandchild = number_in(tmp_path / "grandchild")
        if (
            mode == "fork"
        ):  # it holds copies of the pipes, so that their end does not tell of the owner's death
            forked = number_in(tmp_path / "forked")
        assert not wait_gone(program, 0.3)
        begin = time.monotonic()
        owner.kill()
        assert wait_gone(program) and wait_gone(grandchild)
        assert time.monotonic() - begin < 5
    finally:
        owner.kill()
        owner.wait()
        if forked:
            os.kill(forked, signal.SIGKILL)


def test_a_log_is_cut_to_its_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "LOG_MAX_BYTES", 1000)
    monkeypatch.setattr(log_files, "_LOG_KEPT_BYTES", 100)
    log = tmp_path / "x.log"
    log.write_bytes(b"a" * 2000 + b"the end")
    with log.open("ab") as writer:
        log_files.cut_log(log)
        assert (tmp_path / "x.log.1").read_bytes() == b"a" * 93 + b"the end"
        writer.write(b"goes on")
    assert log.read_bytes() == b"goes on"


def test_a_tail_finds_the_reason_above_a_long_farewell(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("error of an earlier run\n")
    start = log.stat().st_size
    farewell = [f"closing {i}" for i in range(100)]
    with log.open("a") as file:
        file.write("\n".join(["hello", '{"s":"E", "msg":"Address already in use"}', *farewell]))
    tail = log_files.read_tail(log, start)
    assert tail == ['{"s":"E", "msg":"Address already in use"}', *farewell[-11:]]


def test_a_tail_is_bounded_and_clean(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"old\n" * 100 + b"\x1b[31mred\xff\n" + b"y" * 5000 + b"\n\n")
    tail = log_files.read_tail(log, lines=3, line_length=50)
    assert tail == ["old", " [31mred\ufffd", "y" * 50]
    assert log_files.read_tail(tmp_path / "none") == []
