"""Many messages that ask for one world to be refreshed share one refresh: the throttle, on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from generia_worker.settings import Settings
from tasks.progress import Pace, _throttle, record_progress
from tests.embedded.conftest import eventually

PAUSE_S = 1.0


@pytest.fixture
def container(servers: Settings) -> Iterator[Any]:
    with Redis.from_url(servers.redis_url.get_secret_value()) as redis:
        settings = SimpleNamespace(progress_every_s=PAUSE_S)
        yield SimpleNamespace(redis=redis, stopping=threading.Event(), settings=settings)


@pytest.fixture
def world(container: Any) -> str:
    """A world that somebody asked to be refreshed."""
    name = f"throttled-{uuid4().hex[:8]}"
    container.redis.set(f"generia:settle:{name}", 1)
    return name


def in_the_background(container: Any, world: str) -> tuple[threading.Thread, list[bool]]:
    """Let another message ask for the same."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(_throttle(container, world)))
    thread.start()
    return thread, found


def await_waiting(container: Any, world: str) -> None:
    assert eventually(lambda: container.redis.exists(f"generia:settling:{world}"))


def test_the_first_goes_on_at_once_and_who_asks_from_then_on_asks_anew(container: Any, world: str) -> None:
    assert _throttle(container, world)
    assert not container.redis.exists(f"generia:settle:{world}")


def test_one_waits_for_the_pause_and_the_others_need_not(container: Any, world: str) -> None:
    assert _throttle(container, world)
    container.redis.set(f"generia:settle:{world}", 1)
    thread, second = in_the_background(container, world)
    await_waiting(container, world)
    assert not _throttle(container, world), "the one that waits will see everything"
    assert container.redis.exists(f"generia:settle:{world}")
    thread.join(timeout=30)
    assert second == [True]
    assert not container.redis.exists(f"generia:settle:{world}", f"generia:settling:{world}")
    assert container.redis.pttl(f"generia:settled:{world}") > 0, "the next one waits again"


def test_two_never_go_on_together(container: Any, world: str) -> None:
    threads = [in_the_background(container, world) for _ in range(8)]
    for thread, _ in threads:
        thread.join(timeout=30)
    went_on = sorted(found[0] for _, found in threads)
    assert went_on == [False] * 6 + [True] * 2, "one at once, one after the pause"


def test_the_end_of_a_world_waits_for_nothing(
    container: Any, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[str] = []

    def refresh(world_id: str) -> SimpleNamespace:
        refreshed.append(world_id)
        return SimpleNamespace(ready_to_finish=False, unblocked=())

    container.status_refresh = SimpleNamespace(refresh=refresh)
    monkeypatch.setattr("tasks.progress.get_container", lambda: container)
    record_progress(world)
    thread, second = in_the_background(container, world)
    await_waiting(container, world)
    record_progress(world, at_once=True)
    assert refreshed == [world, world]
    assert not second, "the other one still waits"
    container.stopping.set()
    thread.join(timeout=30)


def test_a_worker_that_stops_does_not_wait(container: Any, world: str) -> None:
    assert _throttle(container, world)
    thread, second = in_the_background(container, world)
    await_waiting(container, world)
    container.stopping.set()
    thread.join(timeout=30)
    assert second == [True]


def test_many_worlds_are_refreshed_less_often_each() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    factors = [pace.slower(f"world-{number}") for number in range(20)]
    assert factors[:4] == [1.0, 1.0, 1.5, 2.0]
    assert factors[-1] == 4.0, "a person sees something move all the same"
    now = 10.0
    assert pace.slower("world-0") == 1.0, "the others have ended"
