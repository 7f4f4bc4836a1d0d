"""Many worlds at once: throughput, memory and connections of each process, and whether every counter is exact at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import requests
from pymongo import MongoClient

from generia_worker.processes.health_checks import SERVICES
from generia_worker.settings import Settings
from tests.benchmarks.ideal import Providers, seconds
from tests.benchmarks.rig import (
    Meter,
    behaviour,
    engine_of,
    make_worlds,
    process_tree,
    rig,
    sampling,
    workers_of,
)
from tests.integration.audit import calls_of, wrong_counters
from tests.integration.conftest import Platform

_SAMPLE_S = 1.0


def measure(
    counts: Sequence[int] = (1, 10, 50),
    *,
    users: int = 10,
    posts: int = 30,
    llm_s: float = 2.0,
    image_s: float = 1.0,
    **settings: Any,
) -> dict[str, Any]:
    """Make so many worlds together, one number after the other on one stack (10, 500, 10: what worlds that wait cost).

    `calls_per_s` beside that of the providers alone (a queueing model with the same slots), megabytes, and the most
    connections that one process had to each server.
    """
    found: dict[str, Any] = {}
    with rig(**settings) as platform:
        platform.behave(**behaviour(0, 0))
        make_worlds(platform, [(2, 4)])
        for count in counts:
            platform.forget_calls()
            platform.behave(**behaviour(llm_s, image_s))
            name = f"{count} of {users}/{posts}"
            while name in found:
                name += ", again"
            found[name] = _round(platform, [(users, posts)] * count, llm_s, image_s)
        found["limits of one process"] = limits(platform.settings)
    return found


def _round(
    platform: Platform, sizes: Sequence[tuple[int, int]], llm_s: float, image_s: float
) -> dict[str, Any]:
    s = platform.settings
    providers = Providers(llm_s, image_s, s.llm_concurrency, s.image_concurrency)
    meter = Meter(platform).start()
    with watching(platform) as seen:
        made = make_worlds(platform, sizes, timeout_s=3600)
    took, used = meter.seconds(), meter.cpu()
    calls = sum(one.calls for one in made)
    ideal = max(seconds(sizes, providers))
    wrong = inexact(platform, [one.world_id for one in made])
    return {
        "seconds": round(took, 1),
        "calls_per_s": round(calls / took, 1),
        "providers_alone": round(calls / ideal, 1),
        "cores_in_use": round(sum(used.values()) / took, 2),
        "worker_ms_a_call": round(1000 * workers_of(used) / calls, 1),
        "engine_ms_a_call": round(1000 * engine_of(used) / calls, 1),
        "most_memory_mb": {name: round(mb) for name, mb in seen.memory_mb.items()},
        "most_connections": dict(seen.connections),
        "inexact": wrong,
    }


def limits(settings: Settings) -> dict[str, int]:
    """Return how many connections a worker process may have to each kind of server, by its settings."""
    threads = settings.worker_threads
    return {
        # The pool, and the two that watch the server.
        "mongo": settings.mongo_max_pool_size + 3,
        # Publishing (one for each thread that starts a chord, and its part), results, shared limits, consumer.
        "redis": (2 * threads + 16) + threads + (threads + 8) + 8,
        "http": settings.http_max_connections,
        "grpc": 4,
    }


class Seen:
    """The most that any process of the stack had, sampled once a second."""

    def __init__(self) -> None:
        self.memory_mb: dict[str, float] = {}
        self.connections: Counter[str] = Counter()


@contextmanager
def watching(platform: Platform) -> Iterator[Seen]:
    """Sample memory and connections while the block runs."""
    seen, ports = Seen(), ports_of(platform.settings)

    def look() -> None:
        for name, program in platform.stack.processes.items():
            if name.startswith("worker-"):
                for process in process_tree(program.pid or 0):
                    _sample(process, name, ports, seen)

    with sampling(look, _SAMPLE_S):
        yield seen


def _sample(process: psutil.Process, name: str, ports: dict[int, str], seen: Seen) -> None:
    try:
        seen.memory_mb[name] = max(seen.memory_mb.get(name, 0), process.memory_info().rss / 1e6)
        here = Counter(
            ports[found.raddr.port]
            for found in process.net_connections(kind="tcp")
            if found.raddr and found.status == psutil.CONN_ESTABLISHED and found.raddr.port in ports
        )
    except psutil.NoSuchProcess:
        return
    for server, number in here.items():
        seen.connections[server] = max(seen.connections[server], number)


def ports_of(settings: Settings) -> dict[int, str]:
    def port(address: str) -> int:
        return int(address.rsplit("@")[-1].rsplit("/", 1)[0].rsplit(":", 1)[1])

    mongo = settings.mongo_uri.get_secret_value().partition("/?")[0]
    redis = settings.redis_url.get_secret_value()
    found = {port(f"{mongo}/"): "mongo", port(redis): "redis"}
    for address in (settings.s3_endpoint, settings.simulator_bind):
        found[port(f"{address}/")] = "http"
    for service in SERVICES:
        found[port(f"{getattr(settings, f'{service}_service')}/")] = "grpc"
    return found


def inexact(platform: Platform, worlds: Sequence[str]) -> int:
    """Return how many worlds' counters are not the ledger's sums, and how many totals are not what the simulator billed."""
    s = platform.settings
    billed = requests.get(f"{platform.simulator}/_sim/ledger", timeout=120).json()
    recorded, wrong = Counter[str](), 0
    with MongoClient[dict[str, Any]](s.mongo_uri.get_secret_value()) as client:
        db = client[s.mongo_database]
        for world in worlds:
            status = platform.client.status(world).as_json()
            recorded["llm"] += status["api_calls_made_LLM"]
            recorded["images"] += status["api_calls_made_images"]
            steps = db["generation_steps"].find({"world_id": world}, {"kind": 1, "state": 1})
            wrong += bool(wrong_counters(status, steps, calls_of(db, world)))
    unlike = [provider for provider in ("llm", "images") if billed[provider]["calls"] != recorded[provider]]
    return wrong + len(unlike)
