"""Many messages that ask for worlds to be refreshed share one refresh: on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from celery.canvas import Signature
from pymongo.errors import AutoReconnect
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from generia_worker.settings import Settings
from generia_worker.worlds.steps import FINISH
from tasks import progress
from tasks.progress import ASKED, DIRTY, PAUSE, WAITING, record_progress, refresh_status
from tests.embedded.conftest import eventually

#: So long that it never ends by itself while a test looks.
PAUSE_S = 60.0


class Stopping(threading.Event):
    """Waits for the pause to be ended by a test, not by the clock."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self._redis = redis

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None and 0 < timeout <= PAUSE_S, "for what is left of the pause"
        while self._redis.exists(PAUSE) and not super().wait(0.01):
            pass
        return self.is_set()


class Refresh:
    """Notes which worlds are refreshed together."""

    def __init__(self) -> None:
        self.together: list[set[str]] = []
        self.at_once: list[str] = []
        self.fails_at: str | None = None

    def worlds(self) -> list[str]:
        """Return what was refreshed, by name."""
        return sorted(world for group in self.together for world in group)

    def refresh(self, world_id: str) -> SimpleNamespace:
        self.at_once.append(world_id)
        return SimpleNamespace(ready_to_finish=False, unblocked=())

    def refresh_many(self, world_ids: Sequence[str]) -> dict[str, SimpleNamespace]:
        if self.fails_at in world_ids:
            raise AutoReconnect
        self.together.append(set(world_ids))
        return {one: SimpleNamespace(ready_to_finish=one == "ready", unblocked=()) for one in world_ids}


@pytest.fixture
def container(servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with Redis.from_url(servers.redis_url.get_secret_value()) as redis:
        redis.delete(DIRTY, ASKED, WAITING, PAUSE)
        found = SimpleNamespace(
            redis=redis,
            stopping=Stopping(redis),
            settings=SimpleNamespace(progress_every_s=PAUSE_S),
            status_refresh=Refresh(),
            generations=SimpleNamespace(recent=lambda _: SimpleNamespace(trace={})),
        )
        monkeypatch.setattr("tasks.progress.get_container", lambda: found)
        yield found
        redis.delete(DIRTY, ASKED, WAITING, PAUSE)


@pytest.fixture(autouse=True)
def nothing_is_sent(published: list[Signature]) -> None:
    """No broker is there."""


def in_the_background(world: str) -> threading.Thread:
    """Let another message ask for a world."""
    thread = threading.Thread(target=record_progress, args=(world,))
    thread.start()
    return thread


def end_pause(container: Any) -> None:
    container.redis.delete(PAUSE)


def await_waiting(container: Any) -> None:
    assert eventually(lambda: container.redis.exists(WAITING))


def test_one_message_sees_to_whatever_was_asked_until_it_comes(
    container: Any, published: list[Signature]
) -> None:
    for world in ("a", "b", "a", "c"):
        refresh_status(world)
    (message,) = published
    record_progress(*message.args)
    assert container.status_refresh.worlds() == ["a", "b", "c"]
    assert not container.redis.exists(DIRTY)
    refresh_status("a")
    assert len(published) == 2, "who asks from then on asks anew"


def test_one_waits_for_the_pause_and_the_others_need_not(container: Any) -> None:
    record_progress("a")
    waiting = in_the_background("b")
    await_waiting(container)
    record_progress("c")
    assert container.status_refresh.together == [{"a"}], "the one that waits will see everything"
    end_pause(container)
    waiting.join(timeout=30)
    assert container.status_refresh.worlds() == ["a", "b", "c"]
    assert not container.redis.exists(WAITING)
    assert container.redis.pttl(PAUSE) > 0, "the next one waits again"


def test_two_never_go_on_together(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_GROUPS", 1)
    worlds = [f"world-{number}" for number in range(8)]
    record_progress("the first")
    threads = [in_the_background(world) for world in worlds]
    assert eventually(lambda: sum(thread.is_alive() for thread in threads) == 1), "one waits for all"
    assert container.status_refresh.together == [{"the first"}]
    end_pause(container)
    for thread in threads:
        thread.join(timeout=30)
    assert container.status_refresh.together == [{"the first"}, set(worlds)]


def test_however_many_worlds_there_are_all_are_refreshed(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_TOGETHER", 10)
    for number in range(25):
        refresh_status(f"world-{number}")
    record_progress("one more")
    assert [len(worlds) for worlds in container.status_refresh.together] == [10, 10, 1, 1, 1, 1, 1, 1]
    assert len(set(container.status_refresh.worlds())) == 26


@pytest.mark.parametrize(
    ("worlds", "groups"), [(1, [1]), (10, [1] * 10), (11, [2] * 5 + [1]), (99, [10] * 9 + [9])]
)
def test_few_worlds_are_refreshed_in_groups(container: Any, worlds: int, groups: list[int]) -> None:
    for number in range(worlds - 1):
        refresh_status(f"world-{number}")
    record_progress("the last one")
    assert [len(group) for group in container.status_refresh.together] == groups


def test_the_end_of_a_world_waits_for_nothing(container: Any) -> None:
    record_progress("a")
    thread = in_the_background("a")
    await_waiting(container)
    record_progress("a", at_once=True)
    assert container.status_refresh.at_once == ["a"]
    assert container.status_refresh.together == [{"a"}], "the other one still waits"
    container.stopping.set()
    thread.join(timeout=30)


def test_a_worker_that_stops_does_not_wait(container: Any) -> None:
    record_progress("a")
    thread = in_the_background("b")
    await_waiting(container)
    container.stopping.set()
    thread.join(timeout=30)
    assert container.status_refresh.together == [{"a"}, {"b"}]


def test_what_mongo_did_not_take_is_refreshed_with_the_next(container: Any) -> None:
    for world in ("a", "b", "c"):
        refresh_status(world)
    container.status_refresh.fails_at = "b"
    with pytest.raises(AutoReconnect):
        record_progress("d")
    left = {world.decode() for world in container.redis.smembers(DIRTY)}
    assert "b" in left
    assert sorted([*container.status_refresh.worlds(), *left]) == ["a", "b", "c", "d"]
    assert not container.redis.exists(ASKED), "the next that asks sends a message"


def test_each_world_that_is_ready_is_finished(container: Any, published: list[Signature]) -> None:
    refresh_status("ready")
    record_progress("not yet")
    assert [message.args for message in published if message.task == FINISH.task] == [("ready",)]


def test_while_redis_is_away_asking_fails_nobody(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(container.redis, "eval", away)
    refresh_status("a")
