"""A whole run beside a provider that quotes its key: no secret is in a log, a metric, Redis, MongoDB, or in what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from pydantic import SecretStr
from pymongo import MongoClient

from generia_worker.cli import stacks
from generia_worker.client.client import GeneriaClient
from generia_worker.gateway.dependencies import connect_services
from generia_worker.settings import Settings, concealed, secret_variables
from generia_worker.text import MASK
from tests.providers.conftest import Serve

pytestmark = pytest.mark.stack

KEY = "Zq7-kontofuehrung-4711-Bahnhof"
#: Names that everybody may know.
PUBLIC = {"s3_access_key"}
PROMPT = "A market where clouds are sold by weight, NOBODYS-BUSINESS"


def secrets_of(settings: Settings) -> dict[str, str]:
    """Return what must not be found, by its setting; of an address the password."""
    found = {}
    for name in set(secret_variables().values()) - PUBLIC:
        value = getattr(settings, name).get_secret_value()
        if "://" in value:
            value = value.partition("://")[2].rpartition("@")[0].rpartition(":")[2]
        if value:
            found[name] = value
    return found


def everything(settings: Settings, world_id: str) -> dict[str, str]:
    """Return all that was written or can be asked, by where it stands."""
    logs = (settings.data_dir / "logs").iterdir()
    found = {log.name: log.read_text("utf-8", "replace") for log in logs}
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        for key in client.scan_iter():
            found[f"redis {key!r}"] = repr(client.dump(key))
        found["redis slow log"] = repr(client.slowlog_get(100))
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as mongo:
        database = mongo[settings.mongo_database]
        for name in database.list_collection_names():
            found[f"mongo {name}"] = repr(list(database[name].find()))
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    for path in ("metrics", f"v1/generations/{world_id}", f"v1/generations/{world_id}/failures"):
        found[path] = requests.get(f"{settings.api_url}/{path}", headers=headers, timeout=20).text
    return found


def test_no_secret_is_left_anywhere(tmp_path: Path, serve: Serve) -> None:
    said = {"error": {"message": f"The API key {KEY} may not use this model.", "code": 403}}
    provider = serve(lambda c, _: c.reply(said, 403))
    asked = concealed(
        Settings(
            _env_file=None,
            llm_base_url=provider.address,
            llm_api_key=SecretStr(KEY),
            data_dir=tmp_path / "data",
        )
    )
    with stacks._stack(asked) as stack:
        settings = stack.settings
        services = connect_services(settings)
        try:
            world_id = services.worlds.create("local", "", "", PROMPT, 1, 1).id
        finally:
            services.close()
        client = GeneriaClient(settings.api_url, settings.api_token.get_secret_value())
        status = client.wait(world_id, timeout_s=120)
        assert provider.seen[0].headers["authorization"] == f"Bearer {KEY}"
        assert status.status == "failed"
        assert status.error is not None
        assert MASK in status.error.reason, "what the provider said is told, but for the key"
        written = everything(settings, world_id)
        assert len(written) > 20
        for name, secret in secrets_of(settings).items():
            places = [place for place, text in written.items() if secret in text]
            assert not places, name
        # Nor what people asked for, in a log.
        assert not [place for place, text in written.items() if ".log" in place and "NOBODYS" in text]
