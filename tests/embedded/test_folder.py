"""The data folder: one owner, credentials that stay, and no word of a stack that is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generia_worker.embedded.folder import DataFolder, read_running, write_private
from generia_worker.errors import ConfigurationError
from tests.embedded.conftest import settings


def test_credentials_stay_with_the_folder_and_differ_between_folders(tmp_path: Path) -> None:
    folder = DataFolder.take(tmp_path / "a")
    first = folder.secrets()
    folder.release()
    again = DataFolder.take(tmp_path / "a")
    other = DataFolder.take(tmp_path / "b")
    assert again.secrets() == first
    assert not set(other.secrets().values()) & set(first.values())
    again.release()
    other.release()


def test_a_folder_of_an_older_version_gets_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"redis_password": "kept"}')
    folder = DataFolder.take(tmp_path)
    found = folder.secrets()
    assert found["redis_password"] == "kept"
    assert len(found["jwt_secret"]) >= 32
    assert folder.secrets() == found
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    folder.release()


def test_damaged_credentials_are_named(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    folder = DataFolder.take(tmp_path)
    with pytest.raises(ConfigurationError, match=r"secrets\.json is damaged"):
        folder.secrets()
    folder.release()


def test_an_existing_open_folder_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataFolder.take(tmp_path).release()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_running_stack_is_told_only_while_it_runs_and_is_ready(tmp_path: Path) -> None:
    assert read_running(tmp_path / "nothing") is None
    folder = DataFolder.take(tmp_path)
    assert read_running(tmp_path) is None  # locked, but not ready
    folder.publish(
        settings(redis_url="redis://:pw@127.0.0.1:1/0", lease_s=31, prompts_dir="/p", log_level="DEBUG")
    )
    info = read_running(tmp_path)
    assert info is not None and info.pid == os.getpid()
    assert info.settings.redis_url.get_secret_value() == "redis://:pw@127.0.0.1:1/0"
    assert (info.settings.lease_s, info.settings.prompts_dir) == (31, Path("/p"))
    published = (tmp_path / "stack.json").read_text()
    folder.release()
    assert read_running(tmp_path) is None  # as after a kill: the file is there, the lock is not
    assert (tmp_path / "stack.json").read_text() == published
    DataFolder.take(tmp_path).release()
    assert not (tmp_path / "stack.json").exists()


def test_what_runs_wins_over_the_environment_of_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder.take(tmp_path)
    folder.publish(settings(api_url="http://127.0.0.1:1234"))
    monkeypatch.setenv("GENERIA_API_URL", "http://127.0.0.1:9")
    info = read_running(tmp_path)
    folder.release()
    assert info is not None and info.settings.api_url == "http://127.0.0.1:1234"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "environment": 7}'])
def test_a_damaged_note_tells_of_no_stack(tmp_path: Path, text: str) -> None:
    folder = DataFolder.take(tmp_path)
    (tmp_path / "stack.json").write_text(text)
    assert read_running(tmp_path) is None
    folder.release()


def test_the_owner_of_a_folder_is_named_across_processes(tmp_path: Path) -> None:
    folder = DataFolder.take(tmp_path)
    code = f"from generia_worker.embedded.folder import *; DataFolder.take(Path({str(tmp_path)!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    folder.release()
    assert run.returncode != 0
    assert f"A stack runs on {tmp_path} already (process {os.getpid()})" in run.stderr


def test_a_private_file_replaces_a_public_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, json.dumps({"a": 1}))
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"a": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["x"]
