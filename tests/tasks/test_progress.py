"""Many messages that ask for worlds to be refreshed share one task that does it: on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from pymongo.errors import AutoReconnect, OperationFailure
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.settings import Settings
from generia_worker.worlds.steps import FINISH
from tasks import progress
from tasks.progress import ASKED, DIRTY, PAUSE, record_progress, refresh_status
from tests.embedded.conftest import eventually

#: So long that it never ends by itself while a test looks.
PAUSE_S = 60.0


class Stopping(threading.Event):
    """Waits for the pause to be ended by a test, not by the clock."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: SimpleQueue[None] = SimpleQueue()
        #: How many wait.
        self.waiting = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None and 0 <= timeout <= PAUSE_S, "for what is left of the pause"
        if timeout and not self.is_set():
            self.waiting += 1
            self._ends.get(timeout=30)
            self.waiting -= 1
        return self.is_set()

    def end_pause(self) -> None:
        """Let the one that waits go on."""
        assert eventually(lambda: self.waiting == 1)
        self._ends.put(None)

    def set(self) -> None:
        super().set()
        for _ in range(self.waiting):
            self._ends.put(None)


class Refresh:
    """Notes which worlds are refreshed together."""

    def __init__(self) -> None:
        self.together: list[set[str]] = []
        self.at_once: list[str] = []
        self.fails_at: str | None = None
        self.on_refresh: Callable[[], None] = lambda: None

    def worlds(self) -> list[str]:
        """Return what was refreshed, by name."""
        return sorted(world for group in self.together for world in group)

    def refresh(self, world_id: str) -> SimpleNamespace:
        self.at_once.append(world_id)
        return SimpleNamespace(ready_to_finish=False, unblocked=())

    def refresh_many(self, world_ids: Sequence[str]) -> dict[str, SimpleNamespace]:
        if self.fails_at in world_ids:
            raise AutoReconnect
        self.on_refresh()
        self.together.append(set(world_ids))
        return {
            one: SimpleNamespace(ready_to_finish=one.startswith("ready"), unblocked=()) for one in world_ids
        }


@pytest.fixture
def container(servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with Redis.from_url(servers.redis_url.get_secret_value()) as redis:
        redis.delete(DIRTY, ASKED, PAUSE)
        found = SimpleNamespace(
            redis=redis,
            stopping=Stopping(),
            settings=SimpleNamespace(progress_every_s=PAUSE_S, worker_threads=2),
            status_refresh=Refresh(),
            generations=SimpleNamespace(recent=lambda _: SimpleNamespace(trace={})),
        )
        monkeypatch.setattr("tasks.progress.get_container", lambda: found)
        yield found
        redis.delete(DIRTY, ASKED, PAUSE)


@pytest.fixture(autouse=True)
def nothing_is_sent(published: list[Signature]) -> None:
    """No broker is there."""


@contextmanager
def refreshing(container: Any, *worlds: str) -> Iterator[threading.Thread]:
    """Let a task begin that was sent for the last of these worlds; what the block does, it does in the pause after the
    first refresh. Then nothing more is asked for, and the task ends."""
    for world in worlds[:-1]:
        refresh_status(world)
    thread = threading.Thread(target=record_progress, args=(worlds[-1],))
    thread.start()
    assert eventually(lambda: container.stopping.waiting == 1)
    yield thread
    if thread.is_alive():
        container.stopping.end_pause()
    thread.join(timeout=30)
    assert not thread.is_alive()


def end_pause(container: Any, world: str) -> None:
    """Let the task go on, and wait until it has refreshed this world."""
    container.stopping.end_pause()
    assert eventually(lambda: world in container.status_refresh.together[-1] and container.stopping.waiting)


def test_one_message_sees_to_whatever_is_asked_until_it_ends(
    container: Any, published: list[Signature]
) -> None:
    refresh_status("a")
    (message,) = published
    assert message.task == RECORD_PROGRESS
    with refreshing(container, "b", "a", "c", *message.args):
        assert container.status_refresh.worlds() == ["a", "b", "c"]
        refresh_status("d")
        end_pause(container, "d")
        refresh_status("d")
        end_pause(container, "d")
        assert len(published) == 1
    assert container.status_refresh.worlds() == ["a", "b", "c", "d", "d"]
    assert not container.redis.exists(DIRTY)
    refresh_status("a")
    assert len(published) == 2, "who asks from then on asks anew"


def test_what_comes_while_one_refreshes_is_left_to_it(container: Any) -> None:
    with refreshing(container, "a"):
        record_progress("c")
        assert container.status_refresh.together == [{"a"}]
        end_pause(container, "c")
    assert container.status_refresh.together == [{"a"}, {"c"}]


def test_who_begins_in_the_pause_waits_for_what_is_left_of_it(container: Any) -> None:
    with refreshing(container, "a"):
        pass
    assert 0 < container.redis.pttl(PAUSE) <= 1000 * PAUSE_S
    with refreshing(container, "b"):
        assert container.status_refresh.together == [{"a"}]
        end_pause(container, "b")


def test_two_never_go_on_together(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_GROUPS", 1)
    worlds = [f"world-{number}" for number in range(8)]
    with refreshing(container, "the first"):
        threads = [threading.Thread(target=record_progress, args=(world,)) for world in worlds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert container.status_refresh.together == [{"the first"}]
        end_pause(container, "world-0")
    assert container.status_refresh.together == [{"the first"}, set(worlds)]


def test_however_many_worlds_there_are_all_are_refreshed(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_TOGETHER", 10)
    with refreshing(container, *(f"world-{number}" for number in range(26))):
        assert [len(worlds) for worlds in container.status_refresh.together] == [10, 10, 1, 1, 1, 1, 1, 1]
    assert len(set(container.status_refresh.worlds())) == 26


@pytest.mark.parametrize(
    ("worlds", "groups"), [(1, [1]), (10, [1] * 10), (11, [2] * 5 + [1]), (99, [10] * 9 + [9])]
)
def test_few_worlds_are_refreshed_in_groups(container: Any, worlds: int, groups: list[int]) -> None:
    with refreshing(container, *(f"world-{number}" for number in range(worlds))):
        assert [len(group) for group in container.status_refresh.together] == groups


def test_the_end_of_a_world_waits_for_nothing(container: Any) -> None:
    with refreshing(container, "a"):
        record_progress("a", at_once=True)
        assert container.status_refresh.at_once == ["a"]
        assert container.status_refresh.together == [{"a"}], "the other one still waits"


def test_a_worker_that_stops_waits_no_more_and_leaves_the_rest_to_others(
    container: Any, published: list[Signature]
) -> None:
    with refreshing(container, "a") as task:
        refresh_status("b")
        container.status_refresh.on_refresh = lambda: refresh_status("c")
        container.stopping.set()
        task.join(timeout=30)
    assert container.status_refresh.together == [{"a"}, {"b"}]
    assert [(message.task, message.args) for message in published] == [(RECORD_PROGRESS, ("c",))]
    assert 0 < container.redis.ttl(ASKED) <= progress._ASKED_S, "until it is sure to be lost"


@pytest.mark.parametrize(("threads", "rounds"), [(2, 3), (1, 1)])
def test_a_task_ends_some_time_and_another_one_goes_on(
    container: Any, published: list[Signature], monkeypatch: pytest.MonkeyPatch, threads: int, rounds: int
) -> None:
    # Something is asked for whenever it looks. An only thread is given back at once: the pump needs it, too.
    monkeypatch.setattr(progress, "_ROUNDS", 3)
    monkeypatch.setattr(container.settings, "worker_threads", threads)
    monkeypatch.setattr(container.settings, "progress_every_s", 0.0)
    monkeypatch.setattr(container, "stopping", threading.Event())
    container.status_refresh.on_refresh = lambda: refresh_status("a")
    record_progress("a")
    assert container.status_refresh.together == [{"a"}] * rounds
    assert [(message.task, message.args) for message in published] == [(RECORD_PROGRESS, ("a",))]
    refresh_status("a")
    assert len(published) == 1, "it is on its way"


def test_whoever_dies_while_it_refreshes_is_replaced(container: Any, published: list[Signature]) -> None:
    with refreshing(container, "a"):
        refresh_status("b")
        assert published == []
        assert PAUSE_S < container.redis.ttl(ASKED) <= PAUSE_S + progress._ASKED_S
        container.redis.expire(ASKED, 1)
        end_pause(container, "b")
        assert container.redis.ttl(ASKED) > PAUSE_S, "each refresh shows that it lives"
        container.redis.delete(ASKED)  # it expires
        refresh_status("b")
        assert len(published) == 1
        end_pause(container, "b")


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


@pytest.mark.parametrize("error", [AutoReconnect(), RedisConnectionError(), OperationalError()])
def test_whoever_could_not_go_on_is_refreshed_with_the_next(
    container: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def recent(_: str) -> SimpleNamespace:
        raise error

    monkeypatch.setattr(container.generations, "recent", recent)
    with pytest.raises(type(error)):
        record_progress("ready")
    assert container.redis.smembers(DIRTY) == {b"ready"}
    assert not container.redis.exists(ASKED), "the next that asks sends a message"


@pytest.mark.parametrize("error", [ValueError("of another version"), OperationFailure("too large", 10334)])
@pytest.mark.parametrize("groups", [3, 1])
def test_a_world_that_always_fails_holds_up_no_other(
    container: Any,
    published: list[Signature],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    groups: int,
) -> None:
    def recent(world_id: str) -> SimpleNamespace:
        if world_id == "ready and wrong":
            raise error
        return SimpleNamespace(trace={})

    monkeypatch.setattr(progress, "_GROUPS", groups)
    monkeypatch.setattr(container.generations, "recent", recent)
    with refreshing(container, "a", "ready and wrong", "ready"):
        assert container.status_refresh.worlds() == ["a", "ready", "ready and wrong"]
        finished = [message.args for message in published if message.task == FINISH.task]
        assert finished == [("ready",)]
        assert not container.redis.exists(DIRTY), (
            "it would be wrong again, and the sweep asks for it in its turn"
        )
    assert "World ready and wrong is left to the sweep" in caplog.text


def test_each_world_that_is_ready_is_finished(container: Any, published: list[Signature]) -> None:
    with refreshing(container, "ready", "not yet"):
        assert [message.args for message in published if message.task == FINISH.task] == [("ready",)]


def test_while_redis_is_away_asking_fails_nobody(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(container.redis, "eval", away)
    refresh_status("a")
