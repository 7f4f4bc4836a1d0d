"""The embedded stack with its real servers: what it starts, what it keeps, and that nothing of it is left."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests
from minio import Minio
from pymongo import MongoClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from generia_worker.embedded import process, servers
from generia_worker.embedded.forkserver import ForkServer
from generia_worker.embedded.ports import free_port
from generia_worker.embedded.process import ProcessFailed
from generia_worker.embedded.stack import Program, Stack, program_environment, read_running
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from tests.embedded.conftest import eventually, settings, wait_gone


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The three servers in a new folder (with a blank in its name, as people have)."""
    with Stack(settings(), tmp_path_factory.mktemp("stack") / "my data") as stack:
        yield stack


def mongo(found: Settings) -> MongoClient[dict[str, Any]]:
    return MongoClient(found.mongo_uri.get_secret_value(), serverSelectionTimeoutMS=10_000)


def redis_of(found: Settings) -> redis.Redis:
    return redis.Redis.from_url(
        found.redis_url.get_secret_value(), socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )


def s3(found: Settings) -> Minio:
    key, secret = found.s3_access_key.get_secret_value(), found.s3_secret_key.get_secret_value()
    return Minio(found.s3_endpoint, access_key=key, secret_key=secret, secure=found.s3_secure)


def write_everywhere(found: Settings, text: str) -> None:
    with mongo(found) as client:
        client[found.mongo_database].notes.insert_one({"_id": text})
    with redis_of(found) as client:
        client.rpush("notes", text)
    s3(found).put_object(found.s3_bucket, f"a/{text}", io.BytesIO(text.encode()), len(text.encode()))


def read_everywhere(found: Settings) -> list[list[str]]:
    with mongo(found) as client:
        notes = [note["_id"] for note in client[found.mongo_database].notes.find().sort("_id")]
    with redis_of(found) as client:
        entries = sorted(entry.decode() for entry in client.lrange("notes", 0, -1))
    objects = s3(found).list_objects(found.s3_bucket, recursive=True)
    return [notes, entries, sorted(str(one.object_name).removeprefix("a/") for one in objects)]


def pids(stack: Stack) -> list[int]:
    return [one.pid for one in stack.processes.values() if one.pid is not None]


# --- what the servers are ---------------------------------------------------------------------------------


def test_mongo_takes_transactions_and_change_streams(running: Stack) -> None:
    with mongo(running.settings) as client:
        things = client.test.things
        with things.watch(max_await_time_ms=1000) as stream, client.start_session() as session:
            session.with_transaction(lambda s: things.insert_one({"_id": 1}, session=s))
            change = stream.next()
        assert change["documentKey"] == {"_id": 1}


def test_redis_keeps_everything_and_wants_its_password(running: Stack) -> None:
    with redis_of(running.settings) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        port = client.connection_pool.connection_kwargs["port"]
    with (
        redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_s3_has_its_bucket_and_signed_addresses_work(running: Stack) -> None:
    found = running.settings
    client = s3(found)
    assert client.bucket_exists(found.s3_bucket)
    put = client.presigned_put_object(found.s3_bucket, "w/avatars/x.jpg")
    assert requests.put(put, data=b"picture", timeout=5).status_code == 200
    get = client.presigned_get_object(found.s3_bucket, "w/avatars/x.jpg")
    assert requests.get(get, timeout=5).content == b"picture"
    unsigned = get.split("?")[0]
    assert requests.get(unsigned, timeout=5).status_code in (400, 403)


def test_they_listen_on_loopback_only(running: Stack) -> None:
    loopback = ("0100007F", "00000000000000000000000001000000")
    for name in ("redis", "mongo", "s3"):
        addresses = _addresses_of(_port(running, name))
        assert addresses and addresses <= set(loopback), name


def _addresses_of(port: int) -> set[str]:
    """Return the addresses that somebody listens on with this port, as the kernel writes them."""
    lines = [line for table in Path("/proc/net").glob("tcp*") for line in table.read_text().splitlines()[1:]]
    local = [line.split()[1].split(":") for line in lines if line.split()[3] == "0A"]
    return {address for address, number in local if int(number, 16) == port}


def _port(stack: Stack, name: str) -> int:
    found = stack.settings
    text = {
        "redis": found.redis_url.get_secret_value().rsplit(":", 1)[1].split("/")[0],
        "mongo": found.mongo_uri.get_secret_value().rsplit(":", 1)[1].split("/")[0],
        "s3": found.s3_endpoint.rsplit(":", 1)[1],
    }
    return int(text[name])


# --- secrets and files ------------------------------------------------------------------------------------


def test_a_folder_with_nothing_in_it_takes_little_of_the_disk(running: Stack) -> None:
    used = sum(file.stat().st_blocks * 512 for file in running.data_dir.rglob("*") if file.is_file())
    assert used < 100e6, "MongoDB alone set 300 MB aside for its journal"


def test_only_this_user_can_read_the_folder_and_its_secrets(running: Stack) -> None:
    assert running.data_dir.stat().st_mode & 0o777 == 0o700
    for name in ("stack.json", "secrets.json", "stack.lock", "redis/redis.conf"):
        assert (running.data_dir / name).stat().st_mode & 0o777 == 0o600, name


def test_no_secret_is_on_a_command_line_or_in_a_log(running: Stack) -> None:
    secrets = json.loads((running.data_dir / "secrets.json").read_text()).values()
    commands = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids(running)).decode()
    logged = "".join(log.read_text() for log in (running.data_dir / "logs").iterdir())
    assert len(set(secrets)) == 7
    assert not [secret for secret in secrets if secret in commands + logged]


def test_a_client_finds_the_running_stack(running: Stack) -> None:
    info = read_running(running.data_dir)
    assert info is not None
    assert info.pid == os.getpid()
    assert info.settings.mongo_uri == running.settings.mongo_uri
    assert info.settings.s3_secret_key == running.settings.s3_secret_key
    assert redis_of(info.settings).ping()


def test_keys_of_paid_apis_are_not_written_down(tmp_path: Path) -> None:
    given = {"mongo_uri": "mongodb://x/", "redis_url": "redis://x/", "s3_endpoint": "x:1"}
    base = settings(**given, llm_api_key="sk-or-secret", image_api_key="rw-secret", api_token="token")
    with Stack(base, tmp_path / "data"):
        text = (tmp_path / "data/stack.json").read_text()
        assert "secret" not in text
        info = read_running(tmp_path / "data")
        assert info is not None and info.settings.api_token.get_secret_value() == "token"


# --- one folder, one stack --------------------------------------------------------------------------------


def test_a_second_stack_on_the_same_folder_is_refused(running: Stack) -> None:
    with pytest.raises(ConfigurationError, match=f"process {os.getpid()}"):
        Stack(settings(), running.data_dir).start()
    assert redis_of(running.settings).ping()
    assert read_running(running.data_dir) is not None


def test_stacks_start_at_the_same_time_and_live_side_by_side(running: Stack, tmp_path: Path) -> None:
    others = [Stack(settings(), tmp_path / name) for name in ("a", "b")]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Stack.start, others))
        for other in others:
            write_everywhere(other.settings, other.data_dir.name)
        for other in others:
            assert read_everywhere(other.settings) == [[other.data_dir.name]] * 3
        assert "a" not in read_everywhere(running.settings)[0]
        assert len({one.settings.s3_secret_key.get_secret_value() for one in (running, *others)}) == 3
    finally:
        for other in others:
            other.stop()
    assert redis_of(running.settings).ping()


def test_of_two_that_want_one_folder_one_gets_it(tmp_path: Path) -> None:
    stacks = [Stack(settings(), tmp_path) for _ in range(2)]
    refused: list[ConfigurationError] = []

    def start(stack: Stack) -> None:
        try:
            stack.start()
        except ConfigurationError as error:
            refused.append(error)

    with ThreadPoolExecutor() as pool:
        list(pool.map(start, stacks))
    assert len(refused) == 1
    assert sorted(len(stack.processes) for stack in stacks) == [0, 3]
    for stack in stacks:
        stack.stop()


def test_data_survives_a_restart_on_other_ports(tmp_path: Path) -> None:
    seen = set()
    for text in ("one", "two"):
        with Stack(settings(), tmp_path) as stack:
            write_everywhere(stack.settings, text)
            ours = pids(stack)
            seen.add((stack.settings.mongo_uri.get_secret_value(), stack.settings.s3_endpoint))
            if text == "two":
                assert read_everywhere(stack.settings) == [["one", "two"]] * 3
        assert len(ours) == 3
        assert all(wait_gone(pid, 0) for pid in ours)
        assert not (tmp_path / "stack.json").exists()
        assert read_running(tmp_path) is None
        stack.stop()
    assert len(seen) == 2


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=f"{tmp_path}/file/x"):
        Stack(settings(), tmp_path / "file/x").start()


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Stack(settings(data_dir="~/x")).data_dir == tmp_path / "x"


# --- ports, crashes, missing parts ------------------------------------------------------------------------


def test_a_port_that_somebody_took_meanwhile_costs_only_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = threading.Lock()
    taken: list[int] = []
    thieves = []

    def stolen_at_first() -> int:
        with lock:
            port = free_port()
            if len(taken) < 3:
                taken.append(port)
                thieves.append(socket.create_server(("127.0.0.1", port)))
            return port

    monkeypatch.setattr(servers, "free_port", stolen_at_first)
    with Stack(settings(), tmp_path) as stack:
        assert len(taken) == 3
        assert not {_port(stack, name) for name in ("redis", "mongo", "s3")} & set(taken)
        write_everywhere(stack.settings, "x")
    for thief in thieves:
        thief.close()


@pytest.mark.parametrize("name", ["redis", "mongo", "s3"])
def test_a_server_that_crashes_comes_back_where_it_was(running: Stack, name: str) -> None:
    text = f"before-{name}"
    write_everywhere(running.settings, text)
    if name == "redis":
        eventually(lambda: False, 1.1)  # the append-only file is synced every second
    first = running.processes[name].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert wait_gone(first)
    assert eventually(lambda: running.processes[name].pid not in (None, first))
    assert eventually(lambda: _readable(running.settings, text), 15)


def _readable(found: Settings, text: str) -> bool:
    try:
        return all(text in part for part in read_everywhere(found))
    except Exception:
        return False


def test_a_server_can_be_taken_away_and_brought_back(running: Stack) -> None:
    one = running.processes["redis"]
    one.stop()
    with pytest.raises(redis.ConnectionError):
        redis_of(running.settings).ping()
    one.start()
    assert redis_of(running.settings).ping()


def test_a_server_that_the_settings_name_is_not_started(running: Stack, tmp_path: Path) -> None:
    there = running.settings
    base = settings(mongo_uri=there.mongo_uri, redis_url=there.redis_url)
    with Stack(base, tmp_path) as stack:
        assert set(stack.processes) == {"s3"}
        assert stack.settings.mongo_uri == there.mongo_uri
        assert stack.settings.redis_url == there.redis_url
    assert redis_of(there).ping()
    with mongo(there) as client:
        assert client.admin.command("ping")


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin/mongod"
    fake.parent.mkdir()
    line = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    fake.write_text(f"#!/bin/sh\necho '{line}' >&2\nexit 127\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    stack = Stack(settings(), tmp_path / "data")
    with pytest.raises(ConfigurationError, match=r"libcurl\.so\.4 is missing.*apt install libcurl4"):
        stack.start()
    assert not stack.processes
    with Stack(settings(mongo_uri="mongodb://x/"), tmp_path / "data"):  # the folder was given back
        pass


# --- programs ---------------------------------------------------------------------------------------------


def script(name: str, code: str, **options: Any) -> Program:
    return Program(name, lambda found: [sys.executable, "-c", code], **options)


def externals() -> dict[str, str]:
    """Return settings that name every server, for tests of the programs alone."""
    return {"mongo_uri": "mongodb://x/", "redis_url": "redis://x/", "s3_endpoint": "x:1"}


def test_programs_start_by_phase_and_stop_in_reverse(tmp_path: Path) -> None:
    diary = tmp_path / "diary"

    def program(name: str, phase: int) -> Program:
        code = f"""if True:
            import signal, time
            def note(what): open({str(diary)!r}, "a").write(what + " {name}\\n")
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            time.sleep(0.1)
            note("start")
            signal.sigwait([signal.SIGTERM])
            note("stop")
        """
        done = f"start {name}\n"
        return script(name, code, phase=phase, ready=lambda _: diary.exists() and done in diary.read_text())

    programs = [program("last", 7), program("first-a", 1), program("middle", 3), program("first-b", 1)]
    with Stack(settings(**externals()), tmp_path / "data", programs):
        pass
    lines = diary.read_text().split("\n")[:-1]
    assert sorted(lines[:2]) == ["start first-a", "start first-b"]
    assert lines[2:6] == ["start middle", "start last", "stop last", "stop middle"]
    assert sorted(lines[6:]) == ["stop first-a", "stop first-b"]


def test_a_program_gets_the_settings_and_no_foreign_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-outside")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-outside")
    monkeypatch.setenv("EDITOR", "vi")
    out, started = tmp_path / "out.json", tmp_path / "started"
    code = f"""if True:
        import json, os, time
        json.dump(dict(os.environ), open({str(out)!r}, "w"))
        while not os.path.exists({str(started)!r}): time.sleep(0.01)
    """
    base = settings(**externals(), image_api_key="rw-key", llm_model="some/model")
    own = {"secrets": ("image_api_key", "mongo_uri")}
    programs = [script("show", code, restart=False, env={"EXTRA": "1"}, ready=None, **own)]
    with Stack(base, tmp_path / "data", programs) as stack:
        started.touch()
        assert eventually(lambda: not stack.processes["show"].running)
    found = json.loads(out.read_text())
    assert "outside" not in json.dumps({k: v for k, v in found.items() if k != "GENERIA_LLM_API_KEY"})
    assert found["EDITOR"] == "vi" and found["EXTRA"] == "1"
    assert found["GENERIA_IMAGE_API_KEY"] == "rw-key"
    assert found["GENERIA_LLM_MODEL"] == "some/model"
    assert found["GENERIA_MONGO_URI"] == "mongodb://x/"
    assert not {"GENERIA_LLM_API_KEY", "GENERIA_JWT_SECRET", "GENERIA_REDIS_URL"} & set(found)
    assert found["GENERIA_DATA_DIR"] == str(tmp_path / "data")


def test_a_program_that_fails_to_start_takes_everything_down_again(tmp_path: Path) -> None:
    started: list[int] = []
    good = Program("good", lambda _: ["/bin/sleep", "600"], phase=1)

    def bad(_: Settings) -> list[str]:
        started.extend(pids(stack))
        return ["/bin/sh", "-c", "echo the port is taken; exit 9"]

    programs = [good, Program("bad", bad, ready=lambda _: False, phase=2)]
    stack = Stack(settings(), tmp_path, programs)
    with pytest.raises(ProcessFailed, match="the port is taken"):
        stack.start()
    assert len(started) == 4
    assert all(wait_gone(pid, 0) for pid in started)
    assert read_running(tmp_path) is None


def test_a_failing_program_breaks_off_the_slow_start_of_another(tmp_path: Path) -> None:
    slow = Program("slow", lambda _: ["/bin/sleep", "600"], ready=lambda _: False, ready_timeout_s=60)
    bad = Program("bad", lambda _: ["/bin/sh", "-c", "exit 9"], ready=lambda _: False)
    begin = time.monotonic()
    with pytest.raises(ProcessFailed, match="bad ended"):
        Stack(settings(**externals()), tmp_path, [slow, bad]).start()
    assert time.monotonic() - begin < 10


def test_a_crash_loop_ends_the_wait_for_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BACKOFF_S", 0.01)
    code = 'until [ -e "$0" ]; do sleep 0.01; done; echo cannot import x; exit 1'
    started = tmp_path / "started"
    looping = Program("looping", lambda _: ["/bin/sh", "-c", code, str(started)])
    before = signal.getsignal(signal.SIGTERM)
    with (
        Stack(settings(**externals()), tmp_path, [looping]) as stack,
        pytest.raises(ProcessFailed, match="cannot import x"),
    ):
        stack.run_until_signal(lambda _: started.touch())
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_does_not_interrupt_the_wait_ends_it(tmp_path: Path) -> None:
    # As one that comes just before the wait, or to another thread: it makes Python's note, and wakes nobody.
    late = threading.Timer(0.5, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
    with Stack(settings(**externals()), tmp_path, []) as stack:
        assert stack.run_until_signal(lambda _: late.start()) is signal.SIGTERM


# --- the end of the owner ---------------------------------------------------------------------------------


class Owner:
    """A process of its own that owns a stack."""

    def __init__(self, data_dir: Path, mode: str) -> None:
        command = [sys.executable, "-m", "tests.embedded.owner", str(data_dir), mode]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.children: dict[str, int] = json.loads(self.process.stdout.readline())

    def all_gone(self, timeout_s: float = 5) -> bool:
        deadline = time.monotonic() + timeout_s
        return all(wait_gone(pid, max(0, deadline - time.monotonic())) for pid in self.children.values())


@pytest.fixture
def owners() -> Iterator[list[Owner]]:
    made: list[Owner] = []
    yield made
    for owner in made:
        owner.process.kill()
        owner.process.communicate()


@pytest.mark.parametrize("mode", ["up", "fork"])
def test_after_a_kill_nothing_is_left_and_the_folder_is_good(
    tmp_path: Path, owners: list[Owner], mode: str
) -> None:
    owners.append(owner := Owner(tmp_path, mode))
    assert set(owner.children) == {"redis", "mongo", "s3", "stubborn"}
    grandchild = int((tmp_path / "grandchild").read_text())
    info = read_running(tmp_path)
    assert info is not None and info.pid == owner.process.pid
    write_everywhere(info.settings, "kept")
    eventually(lambda: False, 1.1)  # the append-only file is synced every second
    owner.process.kill()
    begin = time.monotonic()
    if mode == "up":  # starts at once, while the remains are still ending
        owner.process.wait()
        assert read_running(tmp_path) is None
        with Stack(settings(), tmp_path) as stack:
            assert read_everywhere(stack.settings) == [["kept"]] * 3
    assert owner.all_gone(max(0, 5 - (time.monotonic() - begin))) and wait_gone(grandchild, 1)
    if mode == "fork":
        os.kill(int((tmp_path / "forked").read_text()), signal.SIGKILL)


def test_a_fork_server_and_its_programs_go_with_the_stack(tmp_path: Path, owners: list[Owner]) -> None:
    owners.append(owner := Owner(tmp_path, "preloaded"))
    family = psutil.Process(owner.process.pid).children(recursive=True)
    program = next(one for one in family if one.pid == owner.children["stubborn"])
    assert [parent.cmdline()[3] for parent in program.parents()[:2]] == [
        "generia_worker.embedded.forkserver"
    ] * 2
    owner.process.kill()
    assert all(wait_gone(one.pid) for one in family)


def test_a_fork_server_that_is_lent_outlives_its_stacks(tmp_path: Path) -> None:
    lent = ForkServer((), program_environment(settings()), tmp_path / "forkserver.log")
    program = Program("http", lambda _: [sys.executable, "-P", "-m", "http.server", "0"])
    try:
        for name in ("one", "two"):
            with Stack(settings(**externals()), tmp_path / name, [program], fork_server=lent) as stack:
                family = psutil.Process(stack.processes["http"].pid).parents()
                assert lent.pid in [parent.pid for parent in family]
    finally:
        lent.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(
    tmp_path: Path, owners: list[Owner], number: signal.Signals
) -> None:
    owners.append(owner := Owner(tmp_path, "quick"))
    owner.process.send_signal(number)
    out, err = owner.process.communicate(timeout=60)
    assert out.strip() == number.name, err
    assert owner.process.returncode == 0
    assert owner.all_gone(0)
    assert not (tmp_path / "stack.json").exists()


def test_an_impatient_second_signal_still_leaves_nothing(tmp_path: Path, owners: list[Owner]) -> None:
    owners.append(
        owner := Owner(tmp_path, "patient")
    )  # its program ignores the polite signal for ten minutes
    owner.process.send_signal(signal.SIGINT)
    assert eventually(lambda: not (tmp_path / "stack.json").exists())
    owner.process.send_signal(signal.SIGINT)
    owner.process.wait(timeout=60)
    assert owner.all_gone(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_it_starts_leaves_nothing(
    tmp_path: Path, owners: list[Owner], number: signal.Signals
) -> None:
    owners.append(owner := Owner(tmp_path, "slow"))
    assert len(owner.children) == 4
    owner.process.send_signal(number)
    out, err = owner.process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert owner.process.returncode == -number
    else:
        assert (out.strip(), owner.process.returncode) == (number.name, 0), err
    assert owner.all_gone(0 if number != signal.SIGKILL else 5)
    assert read_running(tmp_path) is None
