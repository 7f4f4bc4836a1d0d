"""Other users of the machine reach the servers of a stack, and get nothing without its passwords."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import requests
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from generia_worker.embedded import servers as embedded
from generia_worker.embedded.stack import Stack
from generia_worker.settings import Settings

#: With MongoDB alone.
ALONE: dict[str, Any] = {"redis_url": "redis://127.0.0.1:1/0", "s3_endpoint": "127.0.0.1:1"}


def anonymous(settings: Settings) -> MongoClient[dict[str, Any]]:
    port = urlsplit(settings.mongo_uri.get_secret_value()).port
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=10_000)


def is_closed(settings: Settings) -> bool:
    asked: list[Callable[[MongoClient[dict[str, Any]]], object]] = [
        lambda c: c.list_database_names(),
        lambda c: c["generia"]["accounts"].find_one(),
        lambda c: c["generia"]["generations"].update_many({}, {"$set": {"budget_usd": 10_000}}),
        lambda c: c.admin.command("createUser", "me", pwd="me", roles=["root"]),
        lambda c: c.admin.command("replSetGetConfig"),
    ]
    with anonymous(settings) as client:
        for ask in asked:
            with pytest.raises(OperationFailure) as caught:
                ask(client)
            assert caught.value.code == 13, caught.value
    return True


def count(settings: Settings) -> int:
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as client:
        client["generia"]["accounts"].insert_one({})
        return client["generia"]["accounts"].count_documents({})


def test_no_server_answers_without_a_password(servers: Settings) -> None:
    assert is_closed(servers)
    address = urlsplit(servers.redis_url.get_secret_value())
    with (
        redis.Redis(host="127.0.0.1", port=address.port or 0) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.keys()
    for path in ("", f"{servers.s3_bucket}?list-type=2"):
        assert requests.get(f"http://{servers.s3_endpoint}/{path}", timeout=10).status_code in (400, 403)


def test_its_secrets_are_for_this_user_alone(servers: Settings) -> None:
    for name in ("mongo.key", "mongo.secured", "secrets.json"):
        assert (servers.data_dir / name).stat().st_mode & 0o077 == 0, name
    log = (servers.data_dir / "logs/mongo.log").read_text("utf-8")
    for secret in json.loads((servers.data_dir / "secrets.json").read_text("utf-8")).values():
        assert secret not in log


def test_a_folder_of_a_version_before_gets_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data stays; so it does when the secrets were removed, since they were damaged."""
    asked = Settings(_env_file=None, **ALONE)
    with monkeypatch.context() as before:
        # As that version did it: no key file, no user.
        start = embedded._start_on_free_port
        before.setattr(
            embedded,
            "_start_on_free_port",
            lambda name, place, argv, env, ready: start(
                name, place, lambda port: argv(port)[: argv(port).index("--keyFile")], env, ready
            ),
        )
        before.setattr(embedded, "_set_password", lambda *_: None)
        before.setattr(embedded, "_login", lambda _: {})
        before.setattr(embedded, "_is_ours", lambda *_: True)
        with Stack(asked, tmp_path) as stack, anonymous(stack.settings) as client:
            client["generia"]["accounts"].insert_one({})
    for name in ("mongo.secured", "mongo.key"):
        (tmp_path / name).unlink()
    known = json.loads((tmp_path / "secrets.json").read_text("utf-8"))
    del known["mongo_password"], known["mongo_key"]
    (tmp_path / "secrets.json").write_text(json.dumps(known), "utf-8")

    with Stack(asked, tmp_path) as stack:
        assert is_closed(stack.settings)
        assert count(stack.settings) == 2
    assert json.loads((tmp_path / "secrets.json").read_text("utf-8"))["jwt_secret"] == known["jwt_secret"]
    (tmp_path / "secrets.json").unlink()
    with Stack(asked, tmp_path) as stack:
        assert is_closed(stack.settings)
        assert count(stack.settings) == 3
        pid = stack.processes["mongo"].pid
        assert pid
    with Stack(asked, tmp_path) as stack:
        assert count(stack.settings) == 4


def test_a_first_start_that_was_broken_off_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Settings(_env_file=None, **ALONE)
    with monkeypatch.context() as broken:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(embedded, "_set_password", die)
        with pytest.raises(KeyboardInterrupt), Stack(asked, tmp_path):
            pass
    with Stack(asked, tmp_path) as stack:
        assert is_closed(stack.settings)
        assert count(stack.settings) == 1
