"""What a slow client misses, and what it never misses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, Self, TypeVar

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from generia_worker.api.live import LiveStatus
from generia_worker.app.container import Container
from generia_worker.client.order import Order
from generia_worker.engine.ledger import Claim
from generia_worker.engine.step import Step
from generia_worker.http import sse
from generia_worker.status.changes import StatusChanges, token_is_lost
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import FINISH, STEPS

WORLD = "slowly-followed"
T = TypeVar("T")


def test_a_slow_client_loses_states_in_between_and_never_the_last_one(container: Container) -> None:
    order = Order(world_id=WORLD, user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    container.rows.add(WORLD, STEPS.opening(1), 1)
    live = LiveStatus(container.status, lambda: container.posts)
    asyncio.run(_and_stop(live, _follow(container, live)))


def test_an_id_that_nobody_gave_is_as_good_as_now(container: Container) -> None:
    order = Order(world_id="odd", user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    live = LiveStatus(container.status, lambda: container.posts)

    async def follow() -> sse.Event:
        stream = live.events("odd", 10**18 - 1)
        assert await anext(stream) == sse.OPENING
        told = await _next(stream)
        await stream.aclose()
        return told

    assert asyncio.run(_and_stop(live, follow())).event == "status"


def test_worlds_that_change_together_are_read_together(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine each read waits for its turn: the last of many worlds would be told after as many waits."""
    worlds = [f"together-{number}" for number in range(20)]
    for world_id in worlds:
        order = Order(world_id=world_id, user_prompt="A world of many", users_count=1, posts_count=1)
        container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
        container.rows.add(world_id, STEPS.opening(1), 1)
        container.status_refresh.refresh(world_id)
    monkeypatch.setattr("generia_worker.api.live._READERS", 1)
    live = LiveStatus(container.status, lambda: container.posts)
    read, reads, may_read = container.status.get_many, list[int](), threading.Event()

    def slow(world_ids: Sequence[str]) -> dict[str, Any]:
        reads.append(len(world_ids))
        assert may_read.wait(20)
        return read(world_ids)

    monkeypatch.setattr(container.status, "get_many", slow)

    async def follow() -> None:
        streams = [live.events(world_id, None) for world_id in worlds]
        for stream in streams:
            assert await anext(stream) == sse.OPENING
        # All of them are asked for while the first read is not back.
        told = [asyncio.ensure_future(_next(stream)) for stream in streams]
        await asyncio.sleep(0)
        may_read.set()
        assert {(await one).event for one in told} == {"status"}
        for stream in streams:
            await stream.aclose()

    asyncio.run(_and_stop(live, follow()))
    assert sum(reads) >= len(worlds)
    assert len(reads) <= 4, reads


def test_a_world_whose_posts_are_awaited_holds_up_no_other_and_is_read_by_one(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for world_id in ("held", "free"):
        order = Order(world_id=world_id, user_prompt="A world of two", users_count=1, posts_count=1)
        container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
        container.rows.add(world_id, STEPS.opening(1), 1)
        container.status_refresh.refresh(world_id)
    live = LiveStatus(container.status, lambda: container.posts)
    read, readers = container.status.get_many, list[str]()
    is_held, go_on, is_read_again = (threading.Event() for _ in range(3))

    def slow(world_ids: Sequence[str]) -> dict[str, Any]:
        if "held" in world_ids:
            readers.append("begins")
            is_held.set()
            assert go_on.wait(20)
            readers.append("ends")
            if readers.count("ends") == 2:
                is_read_again.set()
        return read(world_ids)

    monkeypatch.setattr(container.status, "get_many", slow)

    async def follow() -> None:
        held, free = live.events("held", None), live.events("free", None)
        assert await anext(held) == sse.OPENING
        told = asyncio.ensure_future(_next(held))
        assert await asyncio.to_thread(is_held.wait, 20)
        live._note("held")
        assert await anext(free) == sse.OPENING
        assert (await _next(free)).event == "status"
        assert readers == ["begins"]
        go_on.set()
        assert (await told).event == "status"
        assert await asyncio.to_thread(is_read_again.wait, 20), "what was noted meanwhile is forgotten"
        await held.aclose()
        await free.aclose()

    asyncio.run(_and_stop(live, follow()))
    assert readers[:4] == ["begins", "ends", "begins", "ends"]


#: A place from which no server can go on, as it cannot from one that its oplog has rolled past.
LONG_GONE = {"_data": "82FFFF"}


class Interrupted:
    """A change stream that breaks after its first wait, and leaves a token of long ago."""

    def __init__(self, changes: StatusChanges, broken: threading.Event) -> None:
        self._changes, self._broken = changes, broken
        self._waits = iter([None])
        self.token = LONG_GONE

    def next(self) -> None:
        for nothing in self._waits:
            return nothing
        self._broken.set()
        raise AutoReconnect("the endpoint slept")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._changes.__exit__(None, None, None)


def test_followers_go_on_when_the_history_of_changes_is_lost(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened meanwhile is read; the server itself says that the token is lost."""
    order = Order(world_id="sleepy", user_prompt="A world that is made by hand", users_count=1, posts_count=1)
    container.generations.accept(order, limits={"llm": 10, "images": 10}, batches=1)
    container.rows.add("sleepy", STEPS.opening(1), 1)
    live = LiveStatus(container.status, lambda: container.posts)
    changes, tokens, broken = container.status.changes, list[Any](), threading.Event()

    def interrupted(token: Any, wait_s: float) -> Any:
        tokens.append(token)
        found = changes(token, wait_s)
        if len(tokens) > 1:
            return found
        return Interrupted(found, broken)

    monkeypatch.setattr(container.status, "changes", interrupted)

    async def follow() -> sse.Event:
        stream = live.events("sleepy", None)
        assert await anext(stream) == sse.OPENING
        first = await _next(stream)
        assert await asyncio.to_thread(broken.wait, 20)
        await asyncio.to_thread(_do, container, STEPS.opening(1)[0], "sleepy")
        told = await _next(stream)
        assert int(told.id or 0) > int(first.id or 0)
        await stream.aclose()
        return told

    assert asyncio.run(_and_stop(live, follow())).event == "status"
    assert tokens[:3] == [None, LONG_GONE, None]
    assert token_is_lost(OperationFailure("Resume of change stream was not possible", code=286))
    assert not token_is_lost(OperationFailure("not primary", code=10107))


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


def _do(container: Container, step: Step, world_id: str = WORLD) -> None:
    claim = container.ledger.claim(world_id, step, "by hand")
    assert isinstance(claim, Claim)
    container.ledger.commit(claim, Nothing())
    before = container.status.get(world_id)["revision"]
    container.status_refresh.refresh(world_id)
    assert container.status.get(world_id)["revision"] > before


async def _next(client: AsyncGenerator[bytes]) -> sse.Event:
    return next(sse.decode((await anext(client)).decode().split("\n")))
