"""Restate: a journaled run a call, an invocation a branch, for the reason that `dbos.py` gives. Served over HTTP/2."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.benchmarks.peers.calls import Call
from tests.benchmarks.peers.workers.job import read_job
from tests.benchmarks.peers.workers.paying import Payer

_job = read_job()
_payer = Payer(_job)


class Place(TypedDict):
    """Which branch of which world."""

    world: str
    path: list[int]


async def _pay(call: Call) -> dict[str, Any]:
    return await _payer.pay(call)


async def _branch(context: restate.Context, place: Place) -> None:
    branch = _job.worlds[place["world"]].at(place["path"])

    def paying(call: Call) -> Any:
        return context.run_typed(call.name, _pay, call=call)

    for stage in branch.stages:
        await restate.gather(*map(paying, stage))
    running: list[Any] = []
    for number, after in enumerate(branch.then):
        if (call := after.only_call) is not None:
            running.append(paying(call))
        else:
            below = Place(world=place["world"], path=[*place["path"], number])
            running.append(context.service_call(run_branch, below))
    await restate.gather(*running)


_service = restate.Service("peers")
run_branch = _service.handler(name="branch")(_branch)


async def main() -> None:
    """Serve until killed."""
    config = Config()
    config.bind = [f"127.0.0.1:{_job.port}"]
    config.h2_max_concurrent_streams = 10_000
    app: Any = restate.app([_service])
    await serve(app, config, mode="asgi")


if __name__ == "__main__":
    asyncio.run(main())
