"""What a world leaves and needs: rows, bytes and operations in MongoDB, memory in Redis while it waits and is made."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from redis import Redis

from tests.benchmarks.rig import behaviour, make_worlds, rig, sampling
from tests.integration.conftest import PROMPT, Platform

_OPERATIONS = ("insert", "update", "query", "getmore", "command")


def measure(*, worlds: int = 5, users: int = 20, posts: int = 100, waiting: int = 300) -> dict[str, Any]:
    """Make some worlds and read the servers' own counters; then let others wait for the worker of texts."""
    with rig() as platform:
        platform.behave(**behaviour(0.5, 0.3))
        make_worlds(platform, [(2, 4)])
        redis = Redis.from_url(platform.settings.redis_url.get_secret_value())
        before, memory = _mongo(platform), _used(redis)
        with _peak(redis) as most:
            made = make_worlds(platform, [(users, posts)] * worlds)
        after = _mongo(platform)
        calls = sum(one.calls for one in made)
        return {
            f"MongoDB, a world of {users}/{posts}": {
                name: round((after[name] - before[name]) / worlds, 1) for name in after
            },
            "MongoDB, a paid call": {
                name: round((after[name] - before[name]) / calls, 1) for name in _OPERATIONS
            },
            "Redis": {
                "kb_a_world_being_made": round((most[0] - memory) / worlds / 1000, 1),
                "kb_a_waiting_world": round(_waiting(platform, redis, waiting), 1),
            },
        }


def _waiting(platform: Platform, redis: Redis, number: int) -> float:
    """Return the kilobytes of Redis that a world takes which waits for its first paid call."""
    worker = platform.stack.processes["worker-llm"].pid or 0
    os.kill(worker, signal.SIGSTOP)
    try:
        before = _kept(redis)
        names = [platform.order(PROMPT, 20, 100) for _ in range(number)]
        while redis.llen("llm") < number * 0.9:  # (what the worker had asked for before lies in its socket)
            time.sleep(0.1)
        cost = (_kept(redis) - before) / number / 1000
        for name in names:
            platform.client.cancel(name)
    finally:
        os.kill(worker, signal.SIGCONT)
    return cost


def _mongo(platform: Platform) -> dict[str, float]:
    """Return MongoDB's own counters: operations, and what the worker's database holds."""
    with MongoClient[dict[str, Any]](platform.settings.mongo_uri.get_secret_value()) as client:
        counters = client.admin.command("serverStatus")["opcounters"]
        stats = client[platform.settings.mongo_database].command("dbStats")
    held = {
        "rows": stats["objects"],
        "kb_data": stats["dataSize"] / 1000,
        "kb_indexes": stats["indexSize"] / 1000,
    }
    return held | {name: counters[name] for name in _OPERATIONS}


def _kept(redis: Redis) -> int:
    """Return the bytes of everything that is stored: what Redis uses altogether also holds buffers of its connections."""
    return sum(int(redis.memory_usage(key, samples=0) or 0) for key in redis.scan_iter(count=1000))


def _used(redis: Redis) -> int:
    return int(redis.info("memory")["used_memory"])


@contextmanager
def _peak(redis: Redis) -> Iterator[list[int]]:
    """Note the most memory that Redis uses while the block runs."""
    most = [0]

    def look() -> None:
        most[0] = max(most[0], _used(redis))

    with sampling(look, 0.2):
        yield most
