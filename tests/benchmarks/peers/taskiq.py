"""taskiq: Redis, and a worker for each provider."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from redis import Redis, ResponseError

from generia_worker.embedded.servers import start_redis
from tests.benchmarks.peers.peer import Peer, version
from tests.benchmarks.peers.workers.job import Job

_WORKERS = {"llm": "texts", "images": "pictures"}
_MODULE = "tests.benchmarks.peers.workers.taskiq"


class Taskiq(Peer):
    """taskiq with its Redis streams; the limit of a worker's tasks is the provider's slots."""

    modules = ("aiohttp", "taskiq", "taskiq_redis")
    _job: Job
    _redis: Redis

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        return f"taskiq {version('taskiq')}, Redis streams"

    def start_engine(self) -> str:
        """Start Redis."""
        url: str = self.adopt(start_redis(self.place))["redis_url"].get_secret_value()
        self._redis = Redis.from_url(url)
        return url

    def start_workers(self, job: Job, environment: Mapping[str, str]) -> None:
        """Start one process a provider (and the one that taskiq puts before it)."""
        self._job = job
        for provider, slots in job.slots.items():
            options = ["--workers", "1", "--max-async-tasks", str(slots), "--log-level", "WARNING"]
            command = ["worker", f"{_MODULE}:{_WORKERS[provider]}", *options]
            ready = partial(self._is_read, provider)
            self.run_worker(provider, "taskiq", *command, env=environment, ready=ready)

    def _is_read(self, stream: str) -> bool:
        try:
            return bool(self._redis.xinfo_groups(stream))
        except ResponseError:  # no such stream yet
            return False

    def order(self, worlds: Iterable[str]) -> None:
        """Publish the first call of each world."""
        from tests.benchmarks.peers.workers.taskiq import Peers

        async def publish() -> None:
            peers = Peers(self._job)
            for world in worlds:
                await peers.publish(self._job.worlds[world], world, [], 0)
            await peers.close()

        asyncio.run(publish())

    def finished(self) -> set[str]:
        """Look for the result of every call; the worlds of which none is missing."""
        with self._redis.pipeline(transaction=False) as together:
            for plan in self.plans.values():
                together.exists(*(call.name for call in plan))
            found = together.execute()
        counts = zip(self.plans.items(), found, strict=True)
        return {world for (world, plan), number in counts if number == len(list(plan))}
