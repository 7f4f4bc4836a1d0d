"""What a slow client misses, and what it never misses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from generia_worker.api.live import LiveStatus
from generia_worker.app.container import Container
from generia_worker.client.order import Order
from generia_worker.engine.ledger import Claim
from generia_worker.engine.step import Step
from generia_worker.http import sse
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import FINISH, STEPS

WORLD = "slowly-followed"
T = TypeVar("T")


def test_a_slow_client_loses_states_in_between_and_never_the_last_one(container: Container) -> None:
    order = Order(world_id=WORLD, user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    container.rows.add(WORLD, STEPS.opening(1), 1)
    live = LiveStatus(container.status, lambda: container.services.posts)
    asyncio.run(_and_stop(live, _follow(container, live)))


def test_an_id_that_nobody_gave_is_as_good_as_now(container: Container) -> None:
    order = Order(world_id="odd", user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    live = LiveStatus(container.status, lambda: container.services.posts)

    async def follow() -> sse.Event:
        stream = live.events("odd", 10**18 - 1)
        assert await anext(stream) == sse.OPENING
        told = await _next(stream)
        await stream.aclose()
        return told

    assert asyncio.run(_and_stop(live, follow())).event == "status"


async def _and_stop(live: LiveStatus, following: Coroutine[Any, Any, T]) -> T:
    """Return what following gave; the threads end before the loop that they hand their news to."""
    try:
        return await asyncio.wait_for(following, 60)
    finally:
        await asyncio.to_thread(live.stop)


async def _follow(container: Container, live: LiveStatus) -> None:
    slow, quick = live.events(WORLD, None), live.events(WORLD, None)
    for client in (slow, quick):
        assert await anext(client) == sse.OPENING
        assert (await _next(client)).event == "status"
    steps = [step for step in STEPS.opening(1) if step != FINISH.step()]
    for step in steps:
        await asyncio.to_thread(_do, container, step)
        seen = await _next(quick)
    assert int(seen.id or 0) == container.status.get(WORLD)["revision"]
    assert live.clients == 2
    # All that the slow one is told, now that it is ready for more, is how things stand.
    told = await _next(slow)
    assert (told.event, told.id) == ("status", seen.id)
    assert told.data == seen.data
    await slow.aclose()
    await quick.aclose()
    assert live.clients == 0


def _do(container: Container, step: Step) -> None:
    claim = container.ledger.claim(WORLD, step, "by hand")
    assert isinstance(claim, Claim)
    container.ledger.commit(claim, Nothing())
    before = container.status.get(WORLD)["revision"]
    container.status_refresh.refresh(WORLD)
    assert container.status.get(WORLD)["revision"] > before


async def _next(client: AsyncGenerator[bytes]) -> sse.Event:
    return next(sse.decode((await anext(client)).decode().split("\n")))
