"""What a slow client misses, and what it never misses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from generia_worker.api.live import LiveStatus
from generia_worker.app.container import Runtime
from generia_worker.client.order import Order
from generia_worker.engine.ledger import Claim
from generia_worker.engine.step import FINISH, Step, opening_steps
from generia_worker.http import sse

WORLD = "slowly-followed"


def test_a_slow_client_loses_states_in_between_and_never_the_last_one(runtime: Runtime) -> None:
    order = Order(world_id=WORLD, user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    runtime.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    runtime.ledger.add(WORLD, opening_steps(1), 1)
    live = LiveStatus(runtime.status, runtime.ledger, lambda: runtime.tools.posts)
    try:
        asyncio.run(asyncio.wait_for(_follow(runtime, live), 60))
    finally:
        live.stop()


async def _follow(runtime: Runtime, live: LiveStatus) -> None:
    slow, quick = live.events(WORLD, None), live.events(WORLD, None)
    for client in (slow, quick):
        assert await anext(client) == sse.OPENING
        assert (await _next(client)).event == "status"
    steps = [step for step in opening_steps(1) if step != FINISH]
    for step in steps:
        await asyncio.to_thread(_do, runtime, step)
        seen = await _next(quick)
    assert int(seen.id or 0) == len(steps)
    assert live.clients == 2
    # All that the slow one is told, now that it is ready for more, is how things stand.
    told = await _next(slow)
    assert (told.event, told.id) == ("status", seen.id)
    assert told.data == seen.data
    await slow.aclose()
    await quick.aclose()
    assert live.clients == 0


def _do(runtime: Runtime, step: Step) -> None:
    claim = runtime.ledger.claim(WORLD, step, "by hand")
    assert isinstance(claim, Claim)
    runtime.ledger.commit(claim, {})
    assert runtime.status.settle(WORLD).changed


async def _next(client: AsyncGenerator[bytes]) -> sse.Event:
    return next(sse.decode((await anext(client)).decode().split("\n")))
