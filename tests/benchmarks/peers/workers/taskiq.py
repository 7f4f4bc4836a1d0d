"""taskiq on Redis streams: a task a call, acknowledged once its result is in Redis, which publishes what follows.

One stream and one worker a provider, so that the worker's own limit is the provider's slots. `texts` and `pictures` are
the brokers for taskiq's command line. A task that was killed is taken up again when it has been silent for long enough;
but a broker looks for such tasks only after a message has come, so that each worker sends itself one now and then.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis
from taskiq import AsyncBroker, TaskiqEvents, TaskiqState
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.benchmarks.peers.calls import Branch, Provider
from tests.benchmarks.peers.workers.job import Job, read_job
from tests.benchmarks.peers.workers.paying import Payer

#: Five times what a call takes: a message that waits in a worker for a slot is silent as well, and must not be taken up.
_SILENT_MS = 10_000
_LOCK_S = 5.0
_TICK_S = 1.0


class Peers:
    """The tasks of both providers, and what publishes them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._payer = Payer(job)
        self._redis = Redis.from_url(job.engine)
        self.brokers = {provider: self._broker(provider) for provider in ("llm", "images")}
        self._tasks = {name: self._task(broker) for name, broker in self.brokers.items()}

    def _broker(self, provider: str) -> AsyncBroker:
        broker = RedisStreamBroker(
            self._job.engine,
            queue_name=provider,
            idle_timeout=_SILENT_MS,
            unacknowledged_lock_timeout=_LOCK_S,
            xread_count=self._job.slots[provider],
            unacknowledged_batch_size=self._job.slots[provider],
        )
        return broker.with_result_backend(RedisAsyncResultBackend(self._job.engine))

    def _task(self, broker: AsyncBroker) -> Any:
        async def pay(world: str, path: list[int], stage: int, number: int) -> dict[str, Any]:
            return await self._pay(world, path, stage, number)

        return broker.task("pay")(pay)

    async def _pay(self, world: str, path: list[int], stage: int, number: int) -> dict[str, Any]:
        """Make one call of a branch, and publish what follows once all calls of its stage are done."""
        branch = self._job.worlds[world].at(path)
        calls = branch.stages[stage]
        answer = await self._payer.pay(calls[number])
        if len(calls) == 1 or await self._is_last(f"{world}:{path}:{stage}", number, len(calls)):
            await self._publish_next(branch, world, path, stage + 1)
        return answer

    async def _is_last(self, key: str, number: int, of: int) -> bool:
        async with self._redis.pipeline() as together:
            together.sadd(key, number)
            together.scard(key)
            return int((await together.execute())[1]) == of

    async def _publish_next(self, branch: Branch, world: str, path: list[int], stage: int) -> None:
        if stage < len(branch.stages):
            await self.publish(branch, world, path, stage)
            return
        for child, after in enumerate(branch.then):
            await self.publish(after, world, [*path, child], 0)

    async def publish(self, branch: Branch, world: str, path: list[int], stage: int) -> None:
        """Publish the calls of one stage; a task is called as its call is, and so is the key of its result."""
        for number, call in enumerate(branch.stages[stage]):
            kicker = self._tasks[call.provider].kicker().with_task_id(call.name)
            await kicker.kiq(world, path, stage, number)

    async def close(self) -> None:
        """Close what publishing has opened."""
        for broker in self.brokers.values():
            await broker.shutdown()


def _broker_of(provider: Provider) -> AsyncBroker:
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    broker = Peers(read_job()).brokers[provider]
    tick = broker.task("tick")(_tick)

    async def send_ticks() -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            await tick.kiq()

    async def start(state: TaskiqState) -> None:
        state.ticking = asyncio.create_task(send_ticks())

    broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, start)
    return broker


async def _tick() -> None:
    """Do nothing: that it came is what it is for."""


def texts() -> AsyncBroker:
    """Return the broker of the worker of texts."""
    return _broker_of("llm")


def pictures() -> AsyncBroker:
    """Return the broker of the worker of pictures."""
    return _broker_of("images")
