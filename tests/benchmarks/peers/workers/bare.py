"""asyncio and one upsert a call: the floor. After a kill it makes the calls again that are not in the database."""

from __future__ import annotations

import asyncio

from pymongo import AsyncMongoClient

from tests.benchmarks.peers.calls import Branch, Call
from tests.benchmarks.peers.workers.endpoint import serve
from tests.benchmarks.peers.workers.job import Job, read_job
from tests.benchmarks.peers.workers.paying import Payer


class _Worker:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._payer = Payer(job)
        database = AsyncMongoClient[dict[str, object]](job.engine)["peers"]
        self._worlds, self._calls = database["worlds"], database["calls"]
        self._paid: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()
        self.finished: set[str] = set()

    async def resume(self) -> None:
        """Go on where a worker before this one stopped."""
        self._paid = {str(row["_id"]) async for row in self._calls.find({}, {"_id": 1})}
        async for row in self._worlds.find({}, {"_id": 1}):
            self._start(str(row["_id"]))

    async def order(self, world: str) -> None:
        await self._worlds.update_one({"_id": world}, {"$set": {"ordered": True}}, upsert=True)
        self._start(world)

    def _start(self, world: str) -> None:
        task = asyncio.create_task(self._world(world))
        self._running.add(task)

    async def _world(self, world: str) -> None:
        await self._branch(self._job.worlds[world])
        self.finished.add(world)

    async def _branch(self, branch: Branch) -> None:
        for stage in branch.stages:
            await asyncio.gather(*map(self._call, stage))
        await asyncio.gather(*map(self._branch, branch.then))

    async def _call(self, call: Call) -> None:
        if call.name in self._paid:
            return
        answer = await self._payer.pay(call)
        await self._calls.update_one({"_id": call.name}, {"$set": answer}, upsert=True)


async def main() -> None:
    """Run until killed."""
    job = read_job()
    worker = _Worker(job)
    await worker.resume()
    await serve(job.port, worker.order, worker.finished)


if __name__ == "__main__":
    asyncio.run(main())
