"""What a paid call asks of other servers, asked by bare client libraries: the floor under any pipeline that does so.

`python -m tests.benchmarks.remote WORLD THREADS NUMBER` makes as many texts and pictures as NUMBER says on so many threads,
with pymongo, requests, redis and gRPC as they come: no Celery, no prompts, no validation, nothing remembered. It takes the
servers from the environment and prints milliseconds of this process's CPU as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import requests
from pydantic import SecretStr
from redis import Redis

from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.media_types import MediaType
from generia_worker.settings import get_settings
from generia_worker.storage.database import Database

_TEXT = "x" * 2_500
_RESULT = {"content": "x" * 1_000}
_settings = get_settings()
_local = threading.local()


class Remote:
    """The operations of one text and of one picture; `world_id` is a world that the services know."""

    def __init__(self, world_id: str, threads: int) -> None:
        self._world_id = world_id
        database = Database(
            _settings.mongo_uri.get_secret_value(), f"{_settings.mongo_database}-bare", max_pool_size=threads
        )
        self._rows = database.steps
        self._rows.update_one({"_id": world_id}, {"$set": {"reserved": 0}}, upsert=True)
        self._redis = Redis.from_url(_settings.redis_url.get_secret_value())
        self._media = MediaClient(
            open_channel(_settings.media_service, _settings.rpc_token.get_secret_value()), 30
        )

    def text(self) -> None:
        """A step that is claimed, reads two things, makes a call that is announced before and billed after, and ends."""
        key = self._begin(reads=2)
        body = {
            "model": _settings.llm_model,
            "messages": [{"role": "system", "content": _TEXT}, {"role": "user", "content": _TEXT}],
            "max_tokens": 100,
        }
        self._http("POST", f"{_settings.llm_base_url}/chat/completions", key=_settings.llm_api_key, json=body)
        self._end(key, checkpoints=0)

    def picture(self) -> None:
        """The same with one thing to read, the picture fetched, announced, uploaded and confirmed, and the post created."""
        key = self._begin(reads=1)
        task = {
            "taskType": "imageInference",
            "taskUUID": str(uuid4()),
            "model": _settings.image_model,
            "positivePrompt": _TEXT[:500],
            "width": _settings.post_image_size,
            "height": _settings.post_image_size,
            "outputFormat": _settings.image_format,
        }
        drawn = self._http("POST", _settings.image_base_url, key=_settings.image_api_key, json=[task])
        data = self._http("GET", drawn.json()["data"][0]["imageURL"]).content
        ticket = self._media.presign_upload(
            self._world_id, "", "icon.jpg", "image/jpeg", len(data), MediaType.WORLD_ICON, idempotency_key=key
        )
        self._http("PUT", ticket.upload_url, data=data)
        self._media.confirm(ticket.media_id)
        self._media.get(ticket.media_id)  # a post costs as much to create as a picture to ask for
        self._end(key, checkpoints=2)

    def _begin(self, *, reads: int) -> str:
        key = uuid4().hex
        claim = {"$set": {"state": "running", "owner": "me"}, "$inc": {"fence": 1}}
        self._rows.find_one_and_update({"_id": key}, claim, upsert=True)
        for _ in range(reads):
            list(self._rows.find({"_id": key}))
        self._rows.update_one({"_id": f"{key}/call"}, {"$set": {"state": "intent"}}, upsert=True)
        self._rows.update_one({"_id": self._world_id}, {"$inc": {"reserved": 1}})
        self._redis.zadd("bare:slots", {key: 1})
        return key

    def _end(self, key: str, *, checkpoints: int) -> None:
        self._redis.zrem("bare:slots", key)
        bill = {"$set": {"state": "answered", "answer": _RESULT, "cost_usd": 0.001}}
        self._rows.find_one_and_update({"_id": f"{key}/call"}, bill)
        for number in range(checkpoints):
            self._rows.update_one({"_id": key}, {"$set": {f"checkpoints.{number}": _RESULT}})
        self._rows.update_one({"_id": key, "owner": "me"}, {"$set": {"state": "done", "result": _RESULT}})
        self._redis.set(f"bare:{key}", 1, nx=True, ex=10)

    def _http(
        self,
        method: str,
        url: str,
        *,
        key: SecretStr | None = None,
        json: Any = None,
        data: bytes | None = None,
    ) -> requests.Response:
        if not hasattr(_local, "session"):
            _local.session = requests.Session()
            _local.session.trust_env = False
        headers = (
            {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {"Content-Type": "image/jpeg"}
        )
        reply: requests.Response = _local.session.request(
            method, url, json=json, data=data, headers=headers, timeout=60
        )
        reply.raise_for_status()
        return reply


def _cpu_ms(threads: int, number: int, work: Callable[[], None]) -> float:
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:  # connections
            done.result()
        before = time.process_time()
        for done in [pool.submit(work) for _ in range(number)]:
            done.result()
        return 1000 * (time.process_time() - before) / number


def main(world_id: str, threads: int, number: int) -> None:
    """Measure both and print what one of each takes."""
    remote = Remote(world_id, threads)
    found = {name: _cpu_ms(threads, number, getattr(remote, name)) for name in ("text", "picture")}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
